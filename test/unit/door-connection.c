/* The protocol spoken here echoes what it gets, but for a few words that make it do something else. */
#include "door-harness.h"

#include <stdatomic.h>

static struct identity *ca, *other_ca, *own, *person, *stranger;

struct echo {
	struct connection *connection;
	bool held;                      /* consumes nothing */
};

static struct {
	atomic_int opened, closed, drained, draining, due, secured, calls;
	_Atomic(size_t) most_input;
	struct peer peer;               /* of the last that opened */
	char spiffe[128], serial[64];
} seen;

static pthread_mutex_t peer_lock = PTHREAD_MUTEX_INITIALIZER;   /* where there are two workers */

static void *
echo_opened(struct connection *c, void *context)
{
	struct echo *e = NEW(c, struct echo);
	(void)context;
	e->connection = c;
	pthread_mutex_lock(&peer_lock);
	seen.peer = *connection_peer(c);
	snprintf(seen.spiffe, sizeof seen.spiffe, "%.*s", SLICE_ARGUMENTS(seen.peer.spiffe));
	snprintf(seen.serial, sizeof seen.serial, "%.*s", SLICE_ARGUMENTS(seen.peer.serial));
	pthread_mutex_unlock(&peer_lock);
	atomic_fetch_add(&seen.opened, 1);
	return e;
}

static size_t
command(struct echo *e, struct slice input)
{
	struct connection *c = e->connection;
	if (slice_is(input, "end"))
		connection_end(c);
	else if (slice_is(input, "kill"))
		connection_kill(c);
	else if (slice_is(input, "deadline"))
		connection_deadline(c, 50000);
	else if (slice_is(input, "tls")) {
		connection_write(c, LITERAL("S"));
		connection_start_tls(c);
	} else if (slice_starts(input, LITERAL("tls+")) && !connection_secure(c)) {
		connection_start_tls(c);
		return 3;
	} else if (slice_is(input, "pause"))
		connection_pause(c);
	else if (slice_is(input, "flood")) {
		static const char much[1 << 16];
		for (int i = 0; i < 64; i++)
			connection_write(c, slice_of(much, sizeof much));
	} else if (slice_starts(input, LITERAL("hold"))) {
		e->held = true;
		return 0;
	} else
		connection_write(c, input);
	return input.size;
}

static size_t
echo_received(void *session, struct slice input)
{
	struct echo *e = session;
	atomic_fetch_add(&seen.calls, 1);
	if (input.size > atomic_load(&seen.most_input))
		atomic_store(&seen.most_input, input.size);
	return e->held ? 0 : command(e, input);
}

static void
echo_secured(void *session)
{
	const struct echo *e = session;
	atomic_fetch_add(&seen.secured, 1);
	connection_write(e->connection, LITERAL("secured"));
}

static void
echo_drained(void *session)
{
	(void)session;
	atomic_fetch_add(&seen.drained, 1);
}

static void
echo_draining(void *session)
{
	const struct echo *e = session;
	atomic_fetch_add(&seen.draining, 1);
	if (!e->held)
		connection_end(e->connection);
}

static void
echo_due(void *session)
{
	const struct echo *e = session;
	atomic_fetch_add(&seen.due, 1);
	connection_write(e->connection, LITERAL("due"));
	connection_end(e->connection);
}

static void
echo_closed(void *session)
{
	(void)session;
	atomic_fetch_add(&seen.closed, 1);
}

static const struct protocol echo = {
	.alpn = "http/1.1",
	.input_max = 40000,
	.opened = echo_opened,
	.received = echo_received,
	.secured = echo_secured,
	.drained = echo_drained,
	.draining = echo_draining,
	.due = echo_due,
	.closed = echo_closed,
};

static err_t
attach(struct server *s)
{
	struct door_worker *w;
	TRY(door_attach(s->loop, s->door, s->loop, NULL, &w));
	s->worker = w;
	return NULL;
}

static struct door_options
options(void)
{
	return (struct door_options){
		.address = "127.0.0.1:0",
		.protocol = &echo,
		.certificate = slice_text(own->certificate_pem),
		.key = slice_text(own->key_pem),
	};
}

static void
start(struct server *s, const struct door_options *o)
{
	*s = (struct server){ .attach = attach };
	memset(&seen, 0, sizeof seen);
	assert_ok(door_listen(NULL, o, &s->door));
	server_start(s);
}

static struct door_counts
counts(const struct server *s)
{
	return door_count(s->door);
}

static void
expect_echo(struct client *c, const char *text)
{
	client_forget(c);
	client_say(c, slice_text(text));
	assert_true(client_hear_text(c, text));
}

static void
echoes_over_tls_13_with_a_verified_name(void **state)
{
	(void)state;
	struct server s;
	struct door_options o = options();
	start(&s, &o);
	struct client *c = client_open(s.door, &(struct client_options){ .trust = ca, .alpn = "\x08http/1.1" });
	assert_true(c->shaken);
	assert_string_equal(SSL_get_version(c->ssl), "TLSv1.3");
	assert_int_equal(SSL_get_verify_result(c->ssl), X509_V_OK);
	const unsigned char *alpn;
	unsigned size;
	SSL_get0_alpn_selected(c->ssl, &alpn, &size);
	assert_true(slice_is(slice_of(alpn, size), "http/1.1"));
	expect_echo(c, "hello");
	assert_false(seen.peer.certified);
	assert_string_equal(seen.peer.address, "127.0.0.1");
	assert_int_equal(counts(&s).open, 1);
	assert_true(counts(&s).bytes_in > 200 && counts(&s).bytes_out > 500);
	client_close(c);
	wait_for(seen.closed == 1);
	assert_int_equal(counts(&s).open, 0);
	server_stop(&s);
}

static bool
can_connect(const struct server *s, int version, const char *alpn)
{
	struct client *c = client_plain(s->door);
	struct client_options o = { .trust = ca, .version = version, .alpn = alpn };
	bool shaken = client_secure(c, &o);
	client_close(c);
	return shaken;
}

static void
old_versions_are_refused_unless_chosen(void **state)
{
	(void)state;
	struct server s;
	struct door_options o = options();
	start(&s, &o);
	assert_true(can_connect(&s, TLS1_3_VERSION, NULL));
	assert_false(can_connect(&s, TLS1_2_VERSION, NULL));
	wait_for(counts(&s).handshake_failures == 1);
	server_stop(&s);
	o.allow_tls12 = true;
	start(&s, &o);
	assert_true(can_connect(&s, TLS1_2_VERSION, NULL));
	assert_true(can_connect(&s, TLS1_3_VERSION, NULL));
	assert_false(can_connect(&s, TLS1_1_VERSION, NULL));
	server_stop(&s);
}

static void
other_protocols_are_refused(void **state)
{
	(void)state;
	struct server s;
	struct door_options o = options();
	start(&s, &o);
	assert_false(can_connect(&s, 0, "\x02h2"));
	assert_true(can_connect(&s, 0, "\x02h2\x08http/1.1"));
	server_stop(&s);
}

/* TLS 1.3: the client knows only when it reads whether its certificate was taken. */
static bool
is_taken(const struct server *s, const struct identity *self)
{
	struct client *c = client_open(s->door, &(struct client_options){ .trust = ca, .self = self });
	client_say(c, LITERAL("hello"));
	bool taken = client_hear_text(c, "hello");
	client_close(c);
	return taken;
}

static void
client_certificates_are_verified(void **state)
{
	(void)state;
	struct server s;
	struct door_options o = options();
	struct identity *expired = identity_new("late", ca, "URI:spiffe://sekisho/person/late", -60);
	struct identity *two = identity_new("two", ca, "URI:spiffe://sekisho/person/a,URI:spiffe://sekisho/person/b", 3600);
	struct identity *imposter = identity_new("sato", person, "URI:spiffe://sekisho/person/sato", 3600);
	o.client_ca = slice_text(ca->certificate_pem);
	start(&s, &o);
	assert_true(is_taken(&s, person));
	assert_true(seen.peer.certified);
	assert_string_equal(seen.spiffe, "spiffe://sekisho/person/sato");
	uint8_t digest[DOOR_FINGERPRINT];
	X509_digest(person->certificate, EVP_sha256(), digest, NULL);
	assert_memory_equal(seen.peer.fingerprint, digest, sizeof digest);
	char serial[64];
	snprintf(serial, sizeof serial, "%04lx", ASN1_INTEGER_get(X509_get0_serialNumber(person->certificate)));
	assert_string_equal(seen.serial, serial);
	assert_true(seen.peer.not_before < clock_now() && seen.peer.not_after > clock_now() + SECONDS(3000));
	assert_true(is_taken(&s, NULL));
	assert_false(seen.peer.certified);
	int opened = seen.opened;
	assert_false(is_taken(&s, stranger));
	assert_false(is_taken(&s, expired));
	assert_false(is_taken(&s, two));
	assert_false(is_taken(&s, imposter));
	assert_int_equal(seen.opened, opened);
	wait_for(counts(&s).handshake_failures == 4);
	server_stop(&s);
	o.client_required = true;
	start(&s, &o);
	assert_false(is_taken(&s, NULL));
	assert_true(is_taken(&s, person));
	server_stop(&s);
	identity_free(expired);
	identity_free(two);
	identity_free(imposter);
}

static void
a_connection_ends_with_its_certificate(void **state)
{
	(void)state;
	struct server s;
	struct door_options o = options();
	struct identity *brief = identity_new("brief", ca, "URI:spiffe://sekisho/person/brief", 2);
	o.client_ca = slice_text(ca->certificate_pem);
	start(&s, &o);
	struct client *c = client_open(s.door, &(struct client_options){ .self = brief });
	int64_t begun = clock_monotonic();
	expect_echo(c, "hello");
	assert_true(client_hear_end(c, 4000));
	assert_true(clock_monotonic() - begun < SECONDS(3));
	client_close(c);
	identity_free(brief);
	server_stop(&s);
}

static void
bad_options_fail(void **state)
{
	(void)state;
	static const char *const addresses[] = { "", "localhost:1", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "[::1:80",
	                                         "[::1]", "1.2.3:80", ":80", "127.0.0.1:-1", "[127.0.0.1]:80",
	                                         "[00000000000000000000000000000000000000000000000000000000000000::1]:80" };
	struct door *d;
	struct door_options o = options();
	for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
		o.address = addresses[i];
		assert_err(door_listen(NULL, &o, &d), E_ARGUMENT);
	}
	o = options();
	o.key = slice_text(person->key_pem);
	assert_err(door_listen(NULL, &o, &d), E_CRYPTO);
	o = options();
	o.certificate = LITERAL("no certificate");
	assert_err(door_listen(NULL, &o, &d), E_CRYPTO);
	o = options();
	o.client_required = true;
	assert_err(door_listen(NULL, &o, &d), E_CRYPTO);
	o = options();
	assert_ok(door_listen(NULL, &o, &d));
	struct door *same;
	o.address = door_address(d);
	assert_err(door_listen(NULL, &o, &same), E_IO);
	talloc_free(d);
}

static void
speaks_ipv6(void **state)
{
	(void)state;
	struct door *d;
	struct door_options o = options();
	o.address = "[::1]:0";
	err_t e = door_listen(NULL, &o, &d);
	if (e == E_IO)
		skip();
	assert_ok(e);
	assert_memory_equal(door_address(d), "[::1]:", 6);
	talloc_free(d);
}

static void
certificates_change_while_open_connections_go_on(void **state)
{
	(void)state;
	struct server s;
	struct door_options o = options();
	struct identity *next = identity_new("localhost", other_ca, "DNS:localhost", 3600);
	start(&s, &o);
	struct client *before = client_open(s.door, &(struct client_options){ .trust = ca });
	expect_echo(before, "one");
	assert_err(door_reload(s.door, slice_text(next->certificate_pem), slice_text(own->key_pem), LITERAL("")), E_CRYPTO);
	assert_true(can_connect(&s, 0, NULL));
	assert_ok(door_reload(s.door, slice_text(next->certificate_pem), slice_text(next->key_pem), LITERAL("")));
	assert_false(can_connect(&s, 0, NULL));
	struct client *after = client_open(s.door, &(struct client_options){ .trust = other_ca });
	assert_true(after->shaken);
	expect_echo(after, "two");
	expect_echo(before, "three");
	client_close(before);
	client_close(after);
	server_stop(&s);
	identity_free(next);
}

static void
connections_are_limited_in_all_and_per_address(void **state)
{
	(void)state;
	for (int per_address = 0; per_address < 2; per_address++) {
		struct server s;
		struct door_options o = options();
		struct client *c[3];
		if (per_address)
			o.limits.connections_per_address = 2;
		else
			o.limits.connections = 2;
		start(&s, &o);
		for (int i = 0; i < 3; i++)
			c[i] = client_open(s.door, NULL);
		assert_true(c[0]->shaken && c[1]->shaken);
		assert_false(c[2]->shaken);
		assert_int_equal(counts(&s).refused, 1);
		assert_int_equal(counts(&s).open, 2);
		client_close(c[0]);
		wait_for(counts(&s).open == 1);
		client_close(c[2]);
		c[2] = client_open(s.door, NULL);
		assert_true(c[2]->shaken);
		client_close(c[1]);
		client_close(c[2]);
		server_stop(&s);
	}
}

static void
slow_handshakes_and_idle_connections_end(void **state)
{
	(void)state;
	struct server s;
	struct door_options o = options();
	o.limits.handshake = 100000;
	o.limits.idle = 200000;
	start(&s, &o);
	int64_t begun = clock_monotonic();
	struct client *mute = client_plain(s.door);
	assert_true(client_hear_end(mute, 1000));
	assert_in_range(clock_monotonic() - begun, 90000, 190000);
	assert_int_equal(counts(&s).handshake_failures, 1);
	client_close(mute);
	struct client *c = client_open(s.door, NULL);
	for (int i = 0; i < 5; i++) {
		usleep(100000);
		expect_echo(c, "still here");
	}
	begun = clock_monotonic();
	assert_true(client_hear_end(c, 1000));
	assert_in_range(clock_monotonic() - begun, 150000, 350000);
	assert_int_equal(SSL_get_shutdown(c->ssl) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
	client_close(c);
	server_stop(&s);
}

static void
a_deadline_takes_the_place_of_the_idle_limit(void **state)
{
	(void)state;
	struct server s;
	struct door_options o = options();
	start(&s, &o);
	struct client *c = client_open(s.door, NULL);
	client_say(c, LITERAL("deadline"));
	assert_true(client_hear_end(c, 1000));
	assert_string_equal(c->text, "due");
	assert_int_equal(seen.due, 1);
	client_close(c);
	server_stop(&s);
}

static void
end_flushes_and_says_goodbye(void **state)
{
	(void)state;
	struct server s;
	struct door_options o = options();
	start(&s, &o);
	struct client *c = client_open(s.door, NULL);
	expect_echo(c, "last words");
	client_say(c, LITERAL("end"));
	assert_true(client_hear_end(c, 1000));
	assert_int_equal(SSL_get_shutdown(c->ssl) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
	client_close(c);
	wait_for(seen.closed == 1);
	server_stop(&s);
}

/* What is still on its way must not bring about a reset, which might overtake what was said last. */
static void
lingers_while_the_client_still_sends(void **state)
{
	(void)state;
	struct server s;
	struct door_options o = options();
	static const char much[4 << 20];
	start(&s, &o);
	struct client *c = client_open(s.door, NULL);
	client_say(c, LITERAL("deadline"));
	wait_for(seen.due == 1);
	usleep(20000);
	assert_true(client_say(c, slice_of(much, sizeof much)));
	assert_true(client_hear_end(c, 5000));
	assert_string_equal(c->text, "due");
	client_close(c);
	wait_for(counts(&s).open == 0);
	server_stop(&s);
}

static void
the_end_does_not_wait_for_ever(void **state)
{
	(void)state;
	struct server s;
	struct door_options o = options();
	o.limits.ending = 200000;
	start(&s, &o);
	/* One that does not take what is to be flushed. */
	struct client *c = client_open(s.door, NULL);
	client_say(c, LITERAL("flood"));
	wait_for(seen.calls == 1);
	client_say(c, LITERAL("flood"));        /* two are more than the kernel takes */
	wait_for(seen.calls == 2);
	int64_t begun = clock_monotonic();
	client_say(c, LITERAL("end"));
	wait_for(counts(&s).open == 0);
	assert_in_range(clock_monotonic() - begun, 150000, 1000000);
	client_close(c);
	/* One that has heard the good-bye and stays. */
	c = client_open(s.door, NULL);
	begun = clock_monotonic();
	client_say(c, LITERAL("end"));
	assert_true(client_hear_end(c, 1000));
	wait_for(counts(&s).open == 0);
	assert_in_range(clock_monotonic() - begun, 1500000, 3000000);
	client_close(c);
	server_stop(&s);
}

/* Writing to those that are gone must raise no SIGPIPE: this thread of the server's does not ignore it. */
static void
clients_vanish_while_we_write(void **state)
{
	(void)state;
	struct server s;
	struct door_options o = options();
	start(&s, &o);
	for (int i = 0; i < 100; i++) {
		struct client *c = client_open(s.door, NULL);
		client_say(c, LITERAL("flood"));
		client_close(c);
	}
	wait_for(counts(&s).open == 0);
	server_stop(&s);
}

static void
large_data_comes_back_whole(void **state)
{
	(void)state;
	struct server s;
	struct door_options o = options();
	start(&s, &o);
	struct client *c = client_open(s.door, NULL);
	static uint8_t much[1 << 20];
	for (size_t i = 0; i < sizeof much; i++)
		much[i] = (uint8_t)(i * 7 + (i >> 8) * 13);
	client_say(c, slice_of(much, sizeof much));
	while (c->size < sizeof much)
		assert_true(client_hear(c, 5000) > 0);
	assert_memory_equal(c->text, much, sizeof much);
	client_close(c);
	server_stop(&s);
}

static void
kill_one(void *argument, struct connection *c)
{
	(void)argument;
	connection_kill(c);
	connection_kill(c);
	connection_write(c, LITERAL("too late"));
	connection_flush(c);
	connection_end(c);
}

static void
kill_all(struct server *s)
{
	door_each(s->worker, kill_one, NULL);
}

static void
killed_connections_end_within_100_ms(void **state)
{
	(void)state;
	enum { MANY = 50 };
	struct server s;
	struct door_options o = options();
	struct client *c[MANY];
	start(&s, &o);
	for (int i = 0; i < MANY; i++) {
		c[i] = client_open(s.door, NULL);
		expect_echo(c[i], "hello");
	}
	int64_t begun = clock_monotonic();
	server_call(&s, kill_all);
	for (int i = 0; i < MANY; i++)
		assert_true(client_hear_end(c[i], 100));
	assert_true(clock_monotonic() - begun < 100000);
	assert_int_equal(counts(&s).killed, MANY);
	assert_int_equal(counts(&s).open, 0);
	wait_for(seen.closed == MANY);
	for (int i = 0; i < MANY; i++)
		client_close(c[i]);
	server_stop(&s);
}

static void
a_session_may_kill_its_own_connection(void **state)
{
	(void)state;
	struct server s;
	struct door_options o = options();
	start(&s, &o);
	struct client *c = client_open(s.door, NULL);
	client_say(c, LITERAL("kill"));
	assert_true(client_hear_end(c, 1000));
	wait_for(seen.closed == 1);
	client_close(c);
	server_stop(&s);
}

static void
a_client_that_does_not_read_is_killed(void **state)
{
	(void)state;
	struct server s;
	struct door_options o = options();
	o.limits.output = 1 << 20;
	start(&s, &o);
	struct client *c = client_open(s.door, NULL);
	client_say(c, LITERAL("flood"));
	wait_for(counts(&s).killed == 1);
	client_close(c);
	server_stop(&s);
	/* Where the queue may hold it, time ends it. */
	o.limits.output = 0;
	o.limits.idle = 200000;
	start(&s, &o);
	c = client_open(s.door, NULL);
	client_say(c, LITERAL("flood"));
	wait_for(counts(&s).killed == 1);
	assert_int_equal(seen.drained, 0);
	client_close(c);
	server_stop(&s);
}

static void
a_stuck_queue_drains_when_the_client_reads(void **state)
{
	(void)state;
	struct server s;
	struct door_options o = options();
	start(&s, &o);
	struct client *c = client_open(s.door, NULL);
	client_say(c, LITERAL("flood"));
	usleep(100000);
	assert_int_equal(seen.drained, 0);
	for (size_t total = 0; total < 64u << 16; client_forget(c)) {
		int n = client_hear(c, 5000);
		assert_true(n > 0);
		total += (size_t)n;
	}
	wait_for(seen.drained == 1);
	client_close(c);
	server_stop(&s);
}

static void
input_that_nobody_takes_stops_the_reading(void **state)
{
	(void)state;
	struct server s;
	struct door_options o = options();
	static char much[8 << 20];
	start(&s, &o);
	struct client *c = client_open(s.door, NULL);
	client_say(c, LITERAL("hold"));
	const struct timeval wait = { 0, 200000 };
	setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
	client_say(c, slice_of(much, sizeof much));
	assert_int_equal(seen.most_input, echo.input_max);
	assert_true(counts(&s).bytes_in < 400000);
	assert_int_equal(counts(&s).open, 1);
	client_close(c);
	server_stop(&s);
}

static void
resume_one(void *argument, struct connection *c)
{
	struct echo *e = connection_session(c);
	(void)argument;
	e->held = false;
	connection_resume(c);
}

static void
resume_all(struct server *s)
{
	door_each(s->worker, resume_one, NULL);
}

static void
resuming_delivers_what_was_kept(void **state)
{
	(void)state;
	struct server s;
	struct door_options o = options();
	start(&s, &o);
	struct client *c = client_open(s.door, NULL);
	client_say(c, LITERAL("pause"));
	wait_for(seen.calls == 1);
	client_say(c, LITERAL("after"));
	assert_int_equal(client_hear(c, 100), -1);
	assert_int_equal(seen.calls, 1);
	server_call(&s, resume_all);
	assert_true(client_hear_text(c, "after"));
	client_close(c);
	server_stop(&s);
}

static void
say_small_records(struct server *s, struct client *c, size_t first, int more)
{
	static const int on = 1, off = 0;
	int calls = seen.calls;
	client_say(c, LITERAL("pause"));
	wait_for(seen.calls == calls + 1);
	setsockopt(c->fd, IPPROTO_TCP, TCP_CORK, &on, sizeof on);
	client_say(c, slice_of("........................", first));
	for (int i = 0; i < more; i++)
		client_say(c, LITERAL("."));
	setsockopt(c->fd, IPPROTO_TCP, TCP_CORK, &off, sizeof off);
	usleep(2000);
	server_call(s, resume_all);
}

/* OpenSSL holds what one receive call brought beyond a record; the socket does not speak of it again. */
static void
records_that_openssl_holds_are_not_forgotten(void **state)
{
	(void)state;
	struct server s;
	struct door_options o = options();
	start(&s, &o);
	struct client *c = client_open(s.door, NULL);
	for (size_t first = 1; first <= 24; first += 4) {
		client_forget(c);
		say_small_records(&s, c, first, 1800);
		while (c->size < first + 1800)
			assert_true(client_hear(c, 1000) > 0);
	}
	client_close(c);
	server_stop(&s);
}

static void
write_one(void *argument, struct connection *c)
{
	(void)argument;
	connection_write(c, LITERAL("from "));
	connection_write(c, LITERAL("elsewhere"));
	connection_flush(c);
}

static void
write_all(struct server *s)
{
	door_each(s->worker, write_one, NULL);
}

static void
what_is_written_outside_call_backs_goes_out(void **state)
{
	(void)state;
	struct server s;
	struct door_options o = options();
	start(&s, &o);
	struct client *c = client_open(s.door, NULL);
	expect_echo(c, "hello");
	server_call(&s, write_all);
	assert_true(client_hear_text(c, "from elsewhere"));
	client_close(c);
	server_stop(&s);
}

static void
what_goes_out_counts_as_activity(void **state)
{
	(void)state;
	struct server s;
	struct door_options o = options();
	o.limits.idle = 200000;
	start(&s, &o);
	struct client *c = client_open(s.door, NULL);
	expect_echo(c, "hello");
	for (int i = 0; i < 6; i++) {
		usleep(100000);
		client_forget(c);
		server_call(&s, write_all);
		assert_true(client_hear_text(c, "from elsewhere"));
	}
	assert_true(client_hear_end(c, 1000));
	client_close(c);
	server_stop(&s);
}

static void
upgrades_from_plain(void **state)
{
	(void)state;
	struct server s;
	struct door_options o = options();
	o.plain_first = true;
	start(&s, &o);
	struct client *c = client_plain(s.door);
	expect_echo(c, "in plain");
	client_forget(c);
	client_say(c, LITERAL("tls"));
	assert_true(client_hear_text(c, "S"));
	assert_true(client_secure(c, &(struct client_options){ .trust = ca }));
	client_forget(c);
	assert_true(client_hear_text(c, "secured"));
	expect_echo(c, "under TLS");
	assert_int_equal(seen.opened, 1);
	assert_int_equal(seen.secured, 1);
	client_close(c);
	/* Bytes that came in plain behind the request for TLS must not be read as if they had come under it. */
	c = client_plain(s.door);
	client_say(c, LITERAL("tls+DROP TABLE"));
	assert_true(client_hear_end(c, 1000));
	client_close(c);
	assert_int_equal(seen.secured, 1);
	wait_for(seen.closed == 2);
	server_stop(&s);
}

static atomic_int drains;

static void
note_drained(void *argument)
{
	(void)argument;
	atomic_fetch_add(&drains, 1);
}

static void
drain_200_ms(struct server *s)
{
	door_drain(s->worker, 200000, note_drained, NULL);
}

static void
draining_ends_what_is_idle_and_then_the_rest(void **state)
{
	(void)state;
	struct server s;
	struct door_options o = options();
	start(&s, &o);
	drains = 0;
	struct client *idle = client_open(s.door, NULL), *busy = client_open(s.door, NULL);
	struct client *mute = client_plain(s.door);
	expect_echo(idle, "hello");
	client_say(busy, LITERAL("hold"));
	wait_for(counts(&s).open == 3 && seen.calls == 2);
	int64_t begun = clock_monotonic();
	server_call(&s, drain_200_ms);
	assert_true(client_hear_end(idle, 100));
	assert_true(client_hear_end(mute, 100));
	assert_int_equal(drains, 0);
	assert_true(client_hear_end(busy, 1000));
	assert_in_range(clock_monotonic() - begun, 190000, 400000);
	wait_for(drains == 1);
	assert_int_equal(counts(&s).killed, 1);
	assert_int_equal(seen.closed, 2);
	client_close(idle);
	client_close(busy);
	client_close(mute);
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	to.sin_port = htons((uint16_t)atoi(strrchr(door_address(s.door), ':') + 1));
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), -1);
	assert_int_equal(errno, ECONNREFUSED);
	close(fd);
	server_stop(&s);
}

static void
stopping_with_open_connections_closes_them(void **state)
{
	(void)state;
	struct server s;
	struct door_options o = options();
	start(&s, &o);
	struct client *c = client_open(s.door, NULL);
	expect_echo(c, "hello");
	server_stop(&s);
	assert_true(client_hear_end(c, 1000));
	assert_int_equal(seen.closed, 1);
	client_close(c);
}

static void
nothing_is_resumed(void **state)
{
	(void)state;
	struct server s;
	struct door_options o = options();
	o.allow_tls12 = true;
	start(&s, &o);
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	for (size_t i = 0; i < 2; i++) {
		struct client *c = client_open(s.door, &(struct client_options){ .version = versions[i] });
		expect_echo(c, "hello");
		SSL_SESSION *session = SSL_get1_session(c->ssl);
		assert_false(SSL_SESSION_has_ticket(session));
		client_close(c);
		c = client_plain(s.door);
		c->tls = SSL_CTX_new(TLS_client_method());
		SSL_CTX_set_max_proto_version(c->tls, versions[i]);
		c->ssl = SSL_new(c->tls);
		SSL_set_session(c->ssl, session);
		SSL_set_fd(c->ssl, c->fd);
		assert_int_equal(SSL_connect(c->ssl), 1);
		assert_false(SSL_session_reused(c->ssl));
		SSL_SESSION_free(session);
		client_close(c);
	}
	server_stop(&s);
}

static void
garbage_and_renegotiation_end_the_connection(void **state)
{
	(void)state;
	struct server s;
	struct door_options o = options();
	o.allow_tls12 = true;
	start(&s, &o);
	struct client *c = client_plain(s.door);
	client_say(c, LITERAL("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
	assert_true(client_hear_end(c, 1000));
	client_close(c);
	wait_for(counts(&s).handshake_failures == 1);
	c = client_open(s.door, &(struct client_options){ .version = TLS1_2_VERSION });
	expect_echo(c, "hello");
	SSL_renegotiate(c->ssl);
	assert_true(SSL_do_handshake(c->ssl) != 1);
	client_say(c, LITERAL("again"));
	client_forget(c);
	client_hear_end(c, 200);
	assert_int_equal(seen.opened, 1);
	client_close(c);
	wait_for(counts(&s).open == 0);
	server_stop(&s);
}

static atomic_int echoed;

static void *
come_and_go(void *argument)
{
	const struct server *s = argument;
	mask_sigpipe(SIG_BLOCK);
	for (int i = 0; i < 40; i++) {
		struct client *c = client_open(s->door, &(struct client_options){ .trust = ca });
		client_say(c, LITERAL("hello"));
		if (client_hear_text(c, "hello"))
			atomic_fetch_add(&echoed, 1);
		client_close(c);
	}
	return NULL;
}

static void
workers_share_a_door_while_it_is_reloaded(void **state)
{
	(void)state;
	struct server one, two = { .attach = attach };
	struct door_options o = options();
	pthread_t threads[4];
	start(&one, &o);
	two.door = one.door;
	server_start(&two);
	echoed = 0;
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, come_and_go, &one);
	for (int i = 0; i < 100; i++)
		assert_ok(door_reload(one.door, slice_text(own->certificate_pem), slice_text(own->key_pem), LITERAL("")));
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(echoed, 160);
	wait_for(counts(&one).open == 0);
	assert_int_equal(counts(&one).accepted, 160);
	drains = 0;
	server_call(&one, drain_200_ms);
	usleep(20000);
	server_call(&two, drain_200_ms);
	wait_for(drains == 2);
	server_join(&two);
	server_stop(&one);
}

static int
make_identities(void **state)
{
	(void)state;
	ca = identity_new("our CA", NULL, NULL, 3600);
	other_ca = identity_new("another CA", NULL, NULL, 3600);
	own = identity_new("localhost", ca, "DNS:localhost,IP:127.0.0.1", 3600);
	person = identity_new("sato", ca, "URI:spiffe://sekisho/person/sato", 3600);
	stranger = identity_new("sato", other_ca, "URI:spiffe://sekisho/person/sato", 3600);
	return 0;
}

static int
free_identities(void **state)
{
	(void)state;
	identity_free(ca);
	identity_free(other_ca);
	identity_free(own);
	identity_free(person);
	identity_free(stranger);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(echoes_over_tls_13_with_a_verified_name),
		cmocka_unit_test(old_versions_are_refused_unless_chosen),
		cmocka_unit_test(other_protocols_are_refused),
		cmocka_unit_test(client_certificates_are_verified),
		cmocka_unit_test(a_connection_ends_with_its_certificate),
		cmocka_unit_test(bad_options_fail),
		cmocka_unit_test(speaks_ipv6),
		cmocka_unit_test(certificates_change_while_open_connections_go_on),
		cmocka_unit_test(connections_are_limited_in_all_and_per_address),
		cmocka_unit_test(slow_handshakes_and_idle_connections_end),
		cmocka_unit_test(a_deadline_takes_the_place_of_the_idle_limit),
		cmocka_unit_test(end_flushes_and_says_goodbye),
		cmocka_unit_test(lingers_while_the_client_still_sends),
		cmocka_unit_test(the_end_does_not_wait_for_ever),
		cmocka_unit_test(clients_vanish_while_we_write),
		cmocka_unit_test(large_data_comes_back_whole),
		cmocka_unit_test(killed_connections_end_within_100_ms),
		cmocka_unit_test(a_session_may_kill_its_own_connection),
		cmocka_unit_test(a_client_that_does_not_read_is_killed),
		cmocka_unit_test(a_stuck_queue_drains_when_the_client_reads),
		cmocka_unit_test(input_that_nobody_takes_stops_the_reading),
		cmocka_unit_test(resuming_delivers_what_was_kept),
		cmocka_unit_test(records_that_openssl_holds_are_not_forgotten),
		cmocka_unit_test(what_is_written_outside_call_backs_goes_out),
		cmocka_unit_test(what_goes_out_counts_as_activity),
		cmocka_unit_test(upgrades_from_plain),
		cmocka_unit_test(draining_ends_what_is_idle_and_then_the_rest),
		cmocka_unit_test(stopping_with_open_connections_closes_them),
		cmocka_unit_test(nothing_is_resumed),
		cmocka_unit_test(garbage_and_renegotiation_end_the_connection),
		cmocka_unit_test(workers_share_a_door_while_it_is_reloaded),
	};
	return cmocka_run_group_tests(tests, make_identities, free_identities);
}
