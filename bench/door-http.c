/* door-http - a server whose handler does nothing, to measure door/ and https/ by themselves.
 *
 *     door-http ADDRESS CERT.pem KEY.pem [BYTES [WORKERS [CLIENT-CA.pem]]]
 *
 * Prints the bound address, then serves until SIGTERM; POST answers with the body it got, GET with BYTES bytes. */
#include "base/log.h"
#include "base/loop.h"
#include "base/memory.h"
#include "https/https.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct slice page;

static void
handle(void *context, struct exchange *x)
{
	const bool post = slice_is(exchange_request(x)->method, "POST");
	const struct answer a = { .status = 200, .type = LITERAL("text/plain"), .body = post ? exchange_body(x) : page };
	(void)context;
	exchange_answer(x, &a);
}

static const struct https_handler handler = { .handle = handle };

static void *
work(void *argument)
{
	struct door *door = argument;
	struct loop *loop;
	struct https *https;
	if (loop_open(NULL, &loop) || https_attach(loop, door, loop, &handler, NULL, NULL, &https))
		abort();
	loop_run(loop);
	return NULL;
}

static struct slice
read_file(const char *name)
{
	char buffer[65536];
	FILE *f = fopen(name, "r");
	size_t size = f ? fread(buffer, 1, sizeof buffer, f) : 0;
	if (size == 0) {
		fprintf(stderr, "door-http: cannot read %s\n", name);
		exit(2);
	}
	fclose(f);
	return memory_copy(NULL, slice_of(buffer, size));
}

int
main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	size_t size = argc > 4 ? strtoul(argv[4], NULL, 10) : 100;
	long workers = argc > 5 ? strtol(argv[5], NULL, 10) : 1;
	page = slice_of(memory_zeroed(NULL, 1, size, "page"), size);
	memset((void *)(uintptr_t)page.data, 'x', size);
	const struct door_options o = {
		.address = argv[1],
		.certificate = read_file(argv[2]),
		.key = read_file(argv[3]),
		.client_ca = argc > 6 ? read_file(argv[6]) : LITERAL(""),
		.limits = { .connections = 100000, .connections_per_address = 100000 },
	};
	struct door *door;
	err_t e = https_listen(NULL, &o, &door);
	if (e) {
		fprintf(stderr, "door-http: %s\n", e->name);
		return 1;
	}
	printf("%s\n", door_address(door));
	fflush(stdout);
	for (long i = 1; i < workers; i++) {
		pthread_t thread;
		pthread_create(&thread, NULL, work, door);
	}
	work(door);
	return 0;
}
