/* Faults by counting: the n-th receive, send or accept of the server goes wrong, for n = 1, 2, 3, …, until a run of the
 * scenario meets no fault any more. Harmless faults must change nothing; fatal ones must cost that connection only. */
#include "door-harness.h"

#include "https/https.h"

#include <stdatomic.h>
#include <sys/syscall.h>

enum { RECEIVE, SEND, ACCEPT, CALLS };
enum { BODY = 300000 };

static struct identity *own;
static _Thread_local bool on_server;
static atomic_int fault_call, fault_errno, countdown;   /* errno 0: a short count */
static atomic_bool no_descriptors;                      /* accept fails as long as this holds, … */
static atomic_int refused;                              /* … and did so often */

/* True if this is the call that goes wrong. */
static bool
strikes(int call)
{
	return on_server && atomic_load(&fault_call) == call && atomic_load(&countdown) > 0 &&
	       atomic_fetch_sub(&countdown, 1) == 1;
}

static bool
fails(int call, size_t *size)
{
	if (!strikes(call))
		return false;
	errno = atomic_load(&fault_errno);
	if (errno == 0 && *size > 1)
		*size = 1;
	return errno != 0;
}

/* In libc's place, for the whole program. */
ssize_t
recv(int fd, void *data, size_t size, int flags)
{
	return fails(RECEIVE, &size) ? -1 : syscall(SYS_recvfrom, fd, data, size, flags, NULL, NULL);
}

ssize_t
send(int fd, const void *data, size_t size, int flags)
{
	return fails(SEND, &size) ? -1 : syscall(SYS_sendto, fd, data, size, flags, NULL, 0);
}

int
accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
	size_t none = 0;
	if (on_server && atomic_load(&no_descriptors)) {
		atomic_fetch_add(&refused, 1);
		errno = EMFILE;
		return -1;
	}
	return fails(ACCEPT, &none) ? -1 : (int)syscall(SYS_accept4, fd, address, size, flags);
}

static void
handle(void *context, struct exchange *x)
{
	(void)context;
	exchange_answer(x, &(struct answer){ .status = 200, .type = LITERAL("text/plain"), .body = exchange_body(x) });
}

static const struct https_handler handler = { .handle = handle };

static err_t
attach(struct server *s)
{
	struct https *h;
	on_server = true;
	TRY(https_attach(s->loop, s->door, s->loop, &handler, NULL, NULL, &h));
	s->worker = h;
	return NULL;
}

static bool
is_echoed(struct client *c, char *request, const char *body, size_t size)
{
	int head = sprintf(request, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", size);
	memcpy(request + head, body, size);
	client_forget(c);
	client_say(c, slice_of(request, (size_t)head + size));
	if (!client_hear_text(c, "\r\n\r\n"))
		return false;
	size_t from = (size_t)(strstr(c->text, "\r\n\r\n") + 4 - c->text);
	while (c->size < from + size)
		if (client_hear(c, 5000) <= 0)
			return false;
	return c->size == from + size && memcmp(c->text + from, body, size) == 0;
}

/* Two requests, one of them large, and a decent end. */
static bool
scenario(const struct server *s)
{
	static char request[BODY + 256], body[BODY];
	struct client *c = client_open(s->door, NULL);
	for (size_t i = 0; i < BODY; i++)
		body[i] = (char)('a' + i % 19);
	bool good = c->shaken && is_echoed(c, request, body, 5) && is_echoed(c, request, body, BODY);
	if (good)
		SSL_shutdown(c->ssl);
	client_close(c);
	return good;
}

/* How often the fault struck before the scenario ran through without meeting it. */
static int
strike_each_call(const struct server *s, int call, int with, bool harmless)
{
	int n = 0;
	for (bool struck = true; struck && n < 400; n += struck) {
		atomic_store(&fault_call, call);
		atomic_store(&fault_errno, with);
		atomic_store(&countdown, n + 1);
		bool good = scenario(s);
		struck = atomic_exchange(&countdown, 0) == 0;
		if (!good && (harmless || !struck))
			fail_msg("call %d, fault %s, number %d", call, strerror(with), n + 1);
		wait_for(door_count(s->door).open == 0);
		if (!scenario(s))
			fail_msg("after call %d, fault %s, number %d", call, strerror(with), n + 1);
		wait_for(door_count(s->door).open == 0);
	}
	return n;
}

static void
each_fault_costs_at_most_its_connection(void **state)
{
	(void)state;
	static const struct { int call, with; bool harmless; } faults[] = {
		{ RECEIVE, EAGAIN, true }, { RECEIVE, EINTR, true }, { RECEIVE, 0, true }, { RECEIVE, ECONNRESET, false },
		{ SEND, EAGAIN, true }, { SEND, EINTR, true }, { SEND, 0, true }, { SEND, EPIPE, false },
		{ ACCEPT, EAGAIN, true }, { ACCEPT, ECONNABORTED, true }, { ACCEPT, EMFILE, true }, { ACCEPT, ENOBUFS, true },
		{ ACCEPT, EINTR, true },
	};
	struct server s = { .attach = attach };
	const struct door_options o = {
		.address = "127.0.0.1:0",
		.certificate = slice_text(own->certificate_pem),
		.key = slice_text(own->key_pem),
	};
	assert_ok(https_listen(NULL, &o, &s.door));
	server_start(&s);
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
		int struck = strike_each_call(&s, faults[i].call, faults[i].with, faults[i].harmless);
		print_message("call %d, %s: struck %d times\n", faults[i].call, strerror(faults[i].with), struck);
		assert_true(struck >= (faults[i].call == ACCEPT ? 1 : 3) && struck < 400);
	}
	server_stop(&s);
}

static void
without_descriptors_it_waits_and_does_not_spin(void **state)
{
	(void)state;
	struct server s = { .attach = attach };
	const struct door_options o = {
		.address = "127.0.0.1:0",
		.certificate = slice_text(own->certificate_pem),
		.key = slice_text(own->key_pem),
	};
	assert_ok(https_listen(NULL, &o, &s.door));
	server_start(&s);
	no_descriptors = true;
	int fd = tcp_connect(s.door);
	usleep(450000);
	assert_in_range(refused, 2, 6);
	no_descriptors = false;
	assert_true(scenario(&s));
	close(fd);
	server_stop(&s);
}

static int
make_identity(void **state)
{
	(void)state;
	own = identity_new("localhost", NULL, "DNS:localhost", 3600);
	return 0;
}

static int
free_identity(void **state)
{
	(void)state;
	identity_free(own);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_fault_costs_at_most_its_connection),
		cmocka_unit_test(without_descriptors_it_waits_and_does_not_spin),
	};
	return cmocka_run_group_tests(tests, make_identity, free_identity);
}
