/* gateway.c - the program's HTTPS and PostgreSQL doors over a sample folder, unconfined: for tests of the gateway, and as long
 * as serve does not open its door.
 *
 *     gateway DIR READY HOST PORT DBNAME PREFIX SALT MODE [CA CERT KEY PASSWORD-FILE]
 *
 * Every subscriber's database is HOST:PORT/DBNAME, as the role that PREFIX and SALT give it (empty PREFIX: postgres). */
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "https/api.h"
#include "keeper/keeper.h"
#include "operations/operations.h"
#include "postgres/postgres.h"
#include "serve/inside.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { WORKERS = 2 };

struct worker {
	pthread_t thread;
	struct loop *loop;
	struct gate_worker *gate, *gate_postgres;
	struct api *api;
	struct postgres_worker *postgres;
};

static char **args;
static struct database template;
static struct gate *gate;
static struct door *door;
static struct postgres *postgres;
static struct worker workers[WORKERS];

static const char *
ready(void *argument)
{
	(void)argument;
	return NULL;
}

static err_t
find(void *argument, const void *owner, struct slice database, struct slice subscriber, struct database *out)
{
	char *role = memory_zeroed(owner, 1, ROLE_TEXT, "role");
	(void)argument;
	if (!slice_is(database, "crm"))
		return E_NOT_FOUND;
	struct slice user = out->user;
	*out = template;
	if (!subscriber.size) {         /* the application lane, with a key that tests know */
		out->role = slice_text(memory_format(owner, "%s_app_%.*s", args[6], SLICE_ARGUMENTS(user)));
		out->binding_key = LITERAL("0123456789abcdef0123456789abcdef");
		out->map = LITERAL("a=acme,b=globex");
		return NULL;
	}
	postgres_role(slice_text(args[6]), slice_text(args[7]), subscriber, role);
	out->role = args[6][0] ? slice_text(role) : LITERAL("postgres");
	return NULL;
}

static struct slice
file(const char *path)
{
	char *text = calloc(1, 65536);
	FILE *f = path && path[0] ? fopen(path, "r") : NULL;
	size_t n = f ? fread(text, 1, 65535, f) : 0;
	if (f)
		fclose(f);
	while (n && text[n - 1] == '\n')
		n--;
	return slice_of(text, n);
}

static void
check(err_t e, const char *what)
{
	if (!e)
		return;
	fprintf(stderr, "%s: %s\n", what, e->name);
	exit(1);
}

static void *
work(void *argument)
{
	struct worker *w = argument;
	loop_run(w->loop);
	return NULL;
}

static void
start(struct worker *w)
{
	const struct api_options api = { .gate = gate, .door = door, .ready = ready };
	check(loop_open(NULL, &w->loop), "loop");
	check(gate_worker_new(w->loop, gate, w->loop, &w->gate), "gate");
	check(gate_worker_new(w->loop, gate, w->loop, &w->gate_postgres), "gate");
	check(api_attach(w->gate, &api, w->gate, w->loop, &w->api), "api");
	const struct postgres_worker_options o = { .gate = w->gate_postgres, .find = find, .sessions = 20000, .backends = getenv("GATEWAY_BACKENDS") ? (unsigned)atoi(getenv("GATEWAY_BACKENDS")) : 0 };
	check(postgres_attach(w->loop, postgres, w->loop, &o, &w->postgres), "postgres");
	pthread_create(&w->thread, NULL, work, w);
}

int
main(int count, char **arguments)
{
	struct house *house;
	const char *why = "";
	int keeper, pid;
	struct slice certificate, key, ca;
	static const struct operation *all[256];
	size_t n = 0;
	if (count < 9)
		return 2;
	args = arguments;
	signal(SIGPIPE, SIG_IGN);
	check(keeper_start(args[1], &pid, &keeper), "keeper");
	check(house_open(NULL, args[1], keeper, NULL, &house, &why), why);
	for (const struct operation *const *o = operations; *o; o++)
		all[n++] = *o;
	const struct gate_options g = { .dir = args[1], .record = house->record, .ledger = house->ledger, .keys = house->keys, .operations = all };
	check(gate_open(NULL, &g, &gate), "gate");
	check(gate_start_slow(gate), "slow");
	check(certificate_new(NULL, house->keys, &certificate, &key, &ca), "certificate");
	const struct door_options https = { .address = "127.0.0.1:0", .certificate = certificate, .key = key, .client_ca = ca };
	check(https_listen(NULL, &https, &door), "https");
	const struct postgres_options pg = { .door = { .address = "127.0.0.1:0", .certificate = certificate, .key = key, .client_ca = ca,
	                                               .limits = { .connections = 20000, .connections_per_address = 20000 } } };
	check(postgres_listen(NULL, &pg, &postgres), "postgres");
	template = (struct database){
		.host = slice_text(args[3]), .port = (uint16_t)atoi(args[4]), .name = slice_text(args[5]),
		.tls = count > 9 && args[9][0] ? DATABASE_TLS_FULL : DATABASE_TLS_NONE,
		.mode = args[8][0] == 'o' ? MODE_OBSERVE : args[8][0] == 's' ? MODE_SHADOW : MODE_ENFORCE,
	};
	template.pooled = !getenv("GATEWAY_BOUND");
	if (template.tls == DATABASE_TLS_FULL) {
		template.address = LITERAL("127.0.0.1");
		template.root_ca = file(args[9]);
	}
	if (count > 11) {
		template.certificate = file(args[10]);
		template.key = file(args[11]);
	}
	if (count > 12)
		template.password = file(args[12]);
	for (size_t i = 0; i < WORKERS; i++)
		start(&workers[i]);
	FILE *f = fopen(args[2], "w");
	fprintf(f, "{\"pid\": %d, \"https\": \"https://%s\", \"postgres\": \"%s\"}\n", getpid(), door_address(door),
	        door_address(postgres_door(postgres)));
	fclose(f);
	for (;;)
		pause();
}
