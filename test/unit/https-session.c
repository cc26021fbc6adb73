/* HTTP on a real connection: framing however it is cut, order, time, limits, and what is left of a lost client. */
#include "door-harness.h"

#include "https/https.h"

#include <stdatomic.h>

#define HOST "Host: gate.test\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"

static struct identity *ca, *own, *person;

static struct {
	atomic_int handled, pending, gone;
	struct exchange *later[8];
	char spiffe[64];
} seen;

static bool
is_at(const struct exchange *x, const char *path)
{
	return slice_is(exchange_request(x)->path, path);
}

static void
answer_text(struct exchange *x, struct slice text)
{
	const struct answer a = { .status = 200, .type = LITERAL("text/plain"), .body = text };
	exchange_answer(x, &a);
}

static void
answer_headers(struct exchange *x, struct slice name, struct slice value)
{
	const struct http_pair header = { name, value };
	const struct answer a = { .status = 200, .headers = &header, .header_count = 1 };
	exchange_answer(x, &a);
}

static void
answer_big(struct exchange *x)
{
	const size_t size = 4 << 20;
	char *text = memory_zeroed(x, 1, size, "big");
	memset(text, 'b', size);
	answer_text(x, slice_of(text, size));
}

static void
tag(struct exchange *x)
{
	const struct http_request *r = exchange_request(x);
	exchange_tag(x, http_parameter_find(r, "credential"), http_parameter_find(r, "person"));
}

static void
handle(void *context, struct exchange *x)
{
	(void)context;
	atomic_fetch_add(&seen.handled, 1);
	if (exchange_request(x)->parameter_count)
		tag(x);
	if (is_at(x, "/later")) {
		int at = atomic_fetch_add(&seen.pending, 1);
		seen.later[at] = x;
	} else if (is_at(x, "/echo"))
		answer_text(x, exchange_body(x));
	else if (is_at(x, "/big"))
		answer_big(x);
	else if (is_at(x, "/inject"))
		answer_headers(x, LITERAL("Location"), LITERAL("/a\r\nSet-Cookie: b"));
	else if (is_at(x, "/ours"))
		answer_headers(x, LITERAL("Content-Length"), LITERAL("7"));
	else if (is_at(x, "/cached"))
		answer_headers(x, LITERAL("Cache-Control"), LITERAL("max-age=60"));
	else if (is_at(x, "/denied"))
		exchange_answer_error(x, E_DENIED);
	else if (is_at(x, "/nothing"))
		exchange_answer(x, &(struct answer){ .status = 204 });
	else if (is_at(x, "/close"))
		exchange_answer(x, &(struct answer){ .status = 200, .close = true });
	else if (is_at(x, "/who")) {
		snprintf(seen.spiffe, sizeof seen.spiffe, "%.*s", SLICE_ARGUMENTS(exchange_peer(x)->spiffe));
		answer_text(x, exchange_peer(x)->spiffe);
	} else
		answer_text(x, exchange_request(x)->path);
}

static size_t
body_max(void *context, struct exchange *x)
{
	(void)context;
	if (is_at(x, "/refused")) {
		exchange_answer_error(x, E_NO_ROUTE);
		return 0;
	}
	return is_at(x, "/small") ? 10 : HTTPS_BODY_MAX;
}

static const struct https_handler handler = { .body_max = body_max, .handle = handle };
static struct https_limits limits;

static err_t
attach(struct server *s)
{
	struct https *h;
	TRY(https_attach(s->loop, s->door, s->loop, &handler, NULL, &limits, &h));
	s->worker = h;
	return NULL;
}

static void
start(struct server *s)
{
	const struct door_options o = {
		.address = "127.0.0.1:0",
		.certificate = slice_text(own->certificate_pem),
		.key = slice_text(own->key_pem),
		.client_ca = slice_text(ca->certificate_pem),
		.limits = { .idle = SECONDS(3) },
	};
	*s = (struct server){ .attach = attach };
	memset(&seen, 0, sizeof seen);
	assert_ok(https_listen(NULL, &o, &s->door));
	server_start(s);
}

static struct client *
open_client(struct server *s)
{
	struct client *c = client_open(s->door, NULL);
	assert_true(c->shaken);
	return c;
}

/* How many answers have come whole; of the last its status and body. */
struct answers {
	int count, status;
	struct slice head, body;
};

static struct answers
answers_of(const struct client *c, bool to_head)
{
	struct answers a = { 0 };
	const char *at = c->text, *end = c->text + c->size;
	for (;;) {
		const char *body = memmem(at, (size_t)(end - at), "\r\n\r\n", 4);
		if (!body)
			return a;
		const char *length = memmem(at, (size_t)(body + 2 - at), "\r\nContent-Length: ", 18);
		size_t size = length && !to_head ? strtoul(length + 18, NULL, 10) : 0;
		body += 4;
		if ((size_t)(end - body) < size)
			return a;
		int status = atoi(at + 9);
		if (status >= 200)
			a = (struct answers){ a.count + 1, status, slice_of(at, (size_t)(body - at)), slice_of(body, size) };
		at = body + size;
	}
}

static struct answers
hear_answers(struct client *c, int count)
{
	struct answers a;
	while ((a = answers_of(c, false)).count < count)
		if (client_hear(c, 5000) <= 0)
			break;
	return a;
}

static struct answers
ask(struct client *c, const char *text)
{
	client_forget(c);
	client_say(c, slice_text(text));
	return hear_answers(c, 1);
}

static void
expect_answer(struct client *c, const char *text, int status, const char *body)
{
	struct answers a = ask(c, text);
	assert_int_equal(a.count, 1);
	assert_int_equal(a.status, status);
	if (body && !slice_is(a.body, body))
		fail_msg("%.*s", SLICE_ARGUMENTS(a.body));
}

static bool
has(struct slice text, const char *part)
{
	return memmem(text.data, text.size, part, strlen(part)) != NULL;
}

static void
a_connection_serves_many_requests(void **state)
{
	(void)state;
	struct server s;
	start(&s);
	struct client *c = open_client(&s);
	expect_answer(c, GET("/one"), 200, "/one");
	struct answers a = ask(c, GET("/two"));
	assert_true(has(a.head, "HTTP/1.1 200 OK\r\nDate: "));
	assert_true(has(a.head, "Content-Type: text/plain\r\n"));
	assert_true(has(a.head, "Content-Length: 4\r\n"));
	assert_true(has(a.head, "Cache-Control: no-store\r\n"));
	assert_true(has(a.head, "X-Content-Type-Options: nosniff\r\n"));
	assert_true(has(a.head, "Strict-Transport-Security: max-age=31536000\r\n"));
	assert_false(has(a.head, "Connection:"));
	expect_answer(c, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello", 200, "hello");
	expect_answer(c, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", 200,
	              "hello");
	expect_answer(c, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 200, "");
	expect_answer(c, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200, "");
	expect_answer(c, GET("/three"), 200, "/three");
	assert_int_equal(seen.handled, 7);
	client_close(c);
	server_stop(&s);
}

static void
byte_by_byte_is_the_same(void **state)
{
	(void)state;
	struct server s;
	static const char text[] = "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
				   "5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nX: y\r\n\r\n"
				   "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nend" GET("/last");
	start(&s);
	struct client *c = open_client(&s);
	for (size_t i = 0; i < sizeof text - 1; i++)
		client_say(c, slice_of(text + i, 1));
	struct answers a = hear_answers(c, 3);
	assert_int_equal(a.count, 3);
	assert_true(has(slice_of(c->text, c->size), "\r\n\r\nhello world"));
	assert_true(has(slice_of(c->text, c->size), "\r\n\r\nendHTTP/1.1"));
	assert_true(slice_is(a.body, "/last"));
	client_close(c);
	server_stop(&s);
}

static void
every_cut_in_two_is_the_same(void **state)
{
	(void)state;
	struct server s;
	static const char text[] = "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n" GET("/x");
	start(&s);
	struct client *c = open_client(&s);
	for (size_t cut = 1; cut < sizeof text - 1; cut++) {
		client_forget(c);
		client_say(c, slice_of(text, cut));
		client_say(c, slice_of(text + cut, sizeof text - 1 - cut));
		assert_int_equal(hear_answers(c, 2).count, 2);
	}
	client_close(c);
	server_stop(&s);
}

static void
pipelined_requests_are_answered_in_order(void **state)
{
	(void)state;
	struct server s;
	enum { MANY = 300 };
	char text[MANY * 64] = "";
	size_t size = 0;
	start(&s);
	struct client *c = open_client(&s);
	for (int i = 0; i < MANY; i++)
		size += (size_t)sprintf(text + size, "GET /%03d HTTP/1.1\r\n" HOST "\r\n", i);
	client_say(c, slice_of(text, size));
	int reads = 0;
	while (answers_of(c, false).count < MANY && client_hear(c, 5000) > 0)
		reads++;
	assert_int_equal(answers_of(c, false).count, MANY);
	assert_true(reads < 30);        /* they go out together, in few TLS records */
	const char *at = c->text;
	for (int i = 0; i < MANY; i++) {
		char body[16];
		snprintf(body, sizeof body, "\r\n\r\n/%03d", i);
		at = strstr(at, body);
		assert_non_null(at);
	}
	client_close(c);
	server_stop(&s);
}

static void
answer_first(struct server *s)
{
	(void)s;
	struct exchange *x = seen.later[0];
	if (exchange_gone(x))
		atomic_fetch_add(&seen.gone, 1);
	memmove(seen.later, seen.later + 1, sizeof seen.later - sizeof *seen.later);
	atomic_fetch_sub(&seen.pending, 1);
	answer_text(x, LITERAL("at last"));
}

static void
later_answers_keep_the_order(void **state)
{
	(void)state;
	struct server s;
	start(&s);
	struct client *c = open_client(&s);
	client_say(c, LITERAL(GET("/later") GET("/second") GET("/later") GET("/fourth")));
	wait_for(seen.pending == 1);
	assert_int_equal(client_hear(c, 100), -1);
	assert_int_equal(seen.handled, 1);
	server_call(&s, answer_first);
	struct answers a = hear_answers(c, 2);
	assert_int_equal(a.count, 2);
	assert_true(slice_is(a.body, "/second"));
	assert_true(has(slice_of(c->text, c->size), "at last"));
	wait_for(seen.pending == 1);
	assert_int_equal(seen.handled, 3);
	server_call(&s, answer_first);
	a = hear_answers(c, 4);
	assert_int_equal(a.count, 4);
	assert_true(slice_is(a.body, "/fourth"));
	client_close(c);
	server_stop(&s);
}

static void
count_pending(struct server *s)
{
	atomic_store(&seen.handled, (int)https_pending(s->worker));
}

static void
a_lost_client_leaves_its_exchange_valid(void **state)
{
	(void)state;
	struct server s;
	start(&s);
	struct client *c = client_open(s.door, &(struct client_options){ .self = person });
	client_say(c, LITERAL(GET("/later")));
	wait_for(seen.pending == 1);
	client_close(c);
	wait_for(door_count(s.door).open == 0);
	server_call(&s, count_pending);
	assert_int_equal(seen.handled, 1);
	assert_true(slice_is(exchange_peer(seen.later[0])->spiffe, "spiffe://sekisho/person/sato"));
	assert_true(slice_is(exchange_request(seen.later[0])->path, "/later"));
	server_call(&s, answer_first);
	assert_int_equal(seen.gone, 1);
	server_call(&s, count_pending);
	assert_int_equal(seen.handled, 0);
	server_stop(&s);
}

static size_t blocks;

static void
count_blocks(struct server *s)
{
	blocks = talloc_total_blocks(s->worker);
}

static void
a_lost_client_in_the_body_leaves_nothing(void **state)
{
	(void)state;
	struct server s;
	start(&s);
	server_call(&s, count_blocks);
	size_t before = blocks;
	struct client *c = open_client(&s);
	client_say(c, LITERAL("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 100\r\n\r\nhel"));
	usleep(20000);
	client_close(c);
	wait_for(door_count(s.door).open == 0);
	assert_int_equal(seen.handled, 0);
	usleep(20000);
	server_call(&s, count_blocks);
	assert_int_equal(blocks, before);
	server_stop(&s);
}

/* A client that says good-bye right behind its request still gets the answer. */
static void
a_half_closed_connection_is_answered(void **state)
{
	(void)state;
	struct server s;
	start(&s);
	for (int decent = 0; decent < 2; decent++) {
		struct client *c = open_client(&s);
		static const int on = 1, off = 0;
		setsockopt(c->fd, IPPROTO_TCP, TCP_CORK, &on, sizeof on);
		client_say(c, LITERAL(GET("/half")));
		if (decent)
			SSL_shutdown(c->ssl);
		else
			shutdown(c->fd, SHUT_WR);
		setsockopt(c->fd, IPPROTO_TCP, TCP_CORK, &off, sizeof off);
		assert_true(client_hear_end(c, 1000));
		struct answers a = answers_of(c, false);
		assert_true(a.count == 1 && slice_is(a.body, "/half"));
		client_close(c);
	}
	server_stop(&s);
}

static void
head_has_the_headers_and_no_body(void **state)
{
	(void)state;
	struct server s;
	start(&s);
	struct client *c = open_client(&s);
	client_say(c, LITERAL("HEAD /abc HTTP/1.1\r\n" HOST "\r\n"));
	assert_true(client_hear_text(c, "\r\n\r\n"));
	struct answers a = answers_of(c, true);
	assert_int_equal(a.status, 200);
	assert_true(has(a.head, "Content-Length: 4\r\n"));
	assert_int_equal(client_hear(c, 50), -1);
	assert_false(has(slice_of(c->text, c->size), "/abc"));
	expect_answer(c, GET("/next"), 200, "/next");
	a = ask(c, GET("/nothing"));
	assert_int_equal(a.status, 204);
	assert_false(has(a.head, "Content-Length"));
	client_close(c);
	server_stop(&s);
}

static void
the_connection_ends_when_either_says_so(void **state)
{
	(void)state;
	struct server s;
	start(&s);
	static const char *const texts[] = { "GET /a HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n" GET("/smuggled"),
	                                     GET("/close") GET("/smuggled") };
	for (size_t i = 0; i < 2; i++) {
		struct client *c = open_client(&s);
		client_say(c, slice_text(texts[i]));
		assert_true(client_hear_end(c, 1000));
		struct answers a = answers_of(c, false);
		assert_int_equal(a.count, 1);
		assert_true(has(a.head, "Connection: close\r\n"));
		client_close(c);
	}
	assert_int_equal(seen.handled, 2);
	server_stop(&s);
}

/* What a smuggled request would need: that something behind a refusal is taken for a request. */
static void
refusals_end_the_connection(void **state)
{
	(void)state;
	static const struct { int status; const char *text; } cases[] = {
		{ 400, "GET /\n" HOST "\n" },
		{ 400, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
		{ 400, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde" },
		{ 501, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" },
		{ 400, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nx\r\n0\r\n\r\n" },
		{ 413, "POST /small HTTP/1.1\r\n" HOST "Content-Length: 11\r\n\r\n01234567890" },
		{ 413, "POST /small HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n6\r\n012345\r\n6\r\n012345\r\n0\r\n\r\n" },
		{ 413, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1048577\r\n\r\n" },
		{ 404, "POST /refused HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello" },
		{ 505, "GET / HTTP/1.0\r\n" HOST "\r\n" },
		{ 417, "GET / HTTP/1.1\r\n" HOST "Expect: x\r\n\r\n" },
	};
	struct server s;
	start(&s);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct client *c = open_client(&s);
		client_say(c, slice_text(cases[i].text));
		client_say(c, LITERAL(GET("/smuggled")));
		assert_true(client_hear_end(c, 1000));
		struct answers a = answers_of(c, false);
		if (a.count != 1 || a.status != cases[i].status)
			fail_msg("%d answers, %d: %s", a.count, a.status, cases[i].text);
		assert_true(has(a.head, "Content-Type: application/problem+json\r\n"));
		assert_true(has(a.head, "Connection: close\r\n"));
		client_close(c);
	}
	assert_int_equal(seen.handled, 0);
	server_stop(&s);
}

static void
bodies_up_to_the_limit_are_taken(void **state)
{
	(void)state;
	struct server s;
	static char text[HTTPS_BODY_MAX + 200];
	start(&s);
	struct client *c = open_client(&s);
	expect_answer(c, "POST /small HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n0123456789", 200, "/small");
	expect_answer(c, "POST /small HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n", 200,
	              "/small");
	int head = sprintf(text, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: %d\r\n\r\n", HTTPS_BODY_MAX);
	for (size_t i = 0; i < HTTPS_BODY_MAX; i++)
		text[(size_t)head + i] = (char)('a' + i % 23);
	client_forget(c);
	client_say(c, slice_of(text, (size_t)head + HTTPS_BODY_MAX));
	struct answers a = hear_answers(c, 1);
	assert_int_equal(a.body.size, HTTPS_BODY_MAX);
	assert_memory_equal(a.body.data, text + head, HTTPS_BODY_MAX);
	client_close(c);
	server_stop(&s);
}

static void
continue_is_said_when_the_body_is_awaited(void **state)
{
	(void)state;
	struct server s;
	start(&s);
	struct client *c = open_client(&s);
	client_say(c, LITERAL("POST /echo HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"));
	assert_true(client_hear_text(c, "HTTP/1.1 100 Continue\r\n\r\n"));
	client_say(c, LITERAL("hello"));
	assert_int_equal(hear_answers(c, 1).status, 200);
	expect_answer(c, "POST /echo HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello", 200, "hello");
	assert_null(strstr(c->text, "100 Continue"));
	expect_answer(c, "GET /a HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n\r\n", 200, "/a");
	assert_null(strstr(c->text, "100 Continue"));
	client_forget(c);
	client_say(c, LITERAL("POST /small HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 11\r\n\r\n"));
	assert_int_equal(hear_answers(c, 1).status, 413);
	assert_null(strstr(c->text, "100 Continue"));
	client_close(c);
	server_stop(&s);
}

static void
headers_cannot_be_injected(void **state)
{
	(void)state;
	struct server s;
	start(&s);
	struct client *c = open_client(&s);
	struct answers a = ask(c, GET("/inject"));
	assert_int_equal(a.status, 500);
	assert_false(has(slice_of(c->text, c->size), "Set-Cookie"));
	a = ask(c, GET("/ours"));
	assert_int_equal(a.status, 500);
	a = ask(c, GET("/cached"));
	assert_int_equal(a.status, 200);
	assert_true(has(a.head, "Cache-Control: max-age=60\r\n"));
	assert_false(has(a.head, "no-store"));
	a = ask(c, GET("/denied"));
	assert_int_equal(a.status, 403);
	assert_true(has(a.body, "\"code\":\"E_DENIED\""));
	client_close(c);
	server_stop(&s);
}

static void
slow_requests_are_timed_out(void **state)
{
	(void)state;
	static const char *const begins[] = { "GET / HTTP/1.1\r\n" HOST "X: ",
	                                      "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 100\r\n\r\n" };
	struct server s;
	limits = (struct https_limits){ .head = 300000, .body = 300000 };
	start(&s);
	for (size_t i = 0; i < 2; i++) {
		struct client *c = open_client(&s);
		expect_answer(c, GET("/first"), 200, "/first");
		client_forget(c);
		int64_t begun = clock_monotonic();
		client_say(c, slice_text(begins[i]));
		for (int n = 0; n < 20 && client_hear(c, 20) < 0; n++)
			client_say(c, LITERAL("y"));
		assert_true(client_hear_end(c, 1000));
		assert_in_range(clock_monotonic() - begun, 290000, 600000);
		assert_int_equal(answers_of(c, false).status, 408);
		client_close(c);
	}
	limits = (struct https_limits){ 0 };
	server_stop(&s);
}

static void
a_handler_or_a_client_that_takes_too_long_loses_the_connection(void **state)
{
	(void)state;
	struct server s;
	limits = (struct https_limits){ .answer = 200000, .delivery = 300000 };
	start(&s);
	struct client *c = open_client(&s);
	client_say(c, LITERAL(GET("/later")));
	assert_true(client_hear_end(c, 1000));
	assert_int_equal(c->size, 0);
	client_close(c);
	server_call(&s, answer_first);
	assert_int_equal(seen.gone, 1);
	c = open_client(&s);
	int64_t begun = clock_monotonic();
	client_say(c, LITERAL(GET("/big") GET("/next")));
	wait_for(door_count(s.door).killed == 2);
	assert_true(clock_monotonic() - begun < SECONDS(1));
	assert_int_equal(seen.handled, 2);
	client_close(c);
	limits = (struct https_limits){ 0 };
	server_stop(&s);
}

static void
a_large_answer_holds_the_next_request_back(void **state)
{
	(void)state;
	struct server s;
	start(&s);
	struct client *c = open_client(&s);
	client_say(c, LITERAL(GET("/big") GET("/next")));
	usleep(100000);
	assert_int_equal(seen.handled, 1);
	size_t total = 0;
	while (!memmem(c->text, c->size, "/next", 5)) {
		if (c->size > sizeof c->text / 2)
			client_forget(c);
		int n = client_hear(c, 5000);
		assert_true(n > 0);
		total += (size_t)n;
	}
	assert_true(total > 4 << 20);
	assert_int_equal(seen.handled, 2);
	client_close(c);
	server_stop(&s);
}

static int killed;

static void
kill_sato(struct server *s)
{
	killed = (int)https_kill(s->worker, LITERAL("psn_sato"));
}

static void
kill_token(struct server *s)
{
	killed = (int)https_kill(s->worker, LITERAL("crd_2"));
}

static void
kill_nobody(struct server *s)
{
	killed = (int)(https_kill(s->worker, LITERAL("")) + https_kill(s->worker, LITERAL("psn_")));
}

static void
a_revoked_persons_connections_end_within_100_ms(void **state)
{
	(void)state;
	struct server s;
	struct client *c[4];
	static const char *const texts[] = {
		GET("/?credential=crd_1&person=psn_sato"), GET("/?credential=crd_2&person=psn_sato"),
		GET("/?credential=crd_3&person=psn_kato"), GET("/later?credential=crd_2&person=psn_ito")
	};
	start(&s);
	for (int i = 0; i < 4; i++) {
		c[i] = open_client(&s);
		client_say(c[i], slice_text(texts[i]));
	}
	wait_for(seen.handled == 4);
	for (int i = 0; i < 3; i++)
		assert_int_equal(hear_answers(c[i], 1).status, 200);
	struct client *untagged = open_client(&s);
	expect_answer(untagged, GET("/a"), 200, "/a");
	server_call(&s, kill_nobody);
	assert_int_equal(killed, 0);
	client_close(untagged);
	int64_t begun = clock_monotonic();
	server_call(&s, kill_sato);
	assert_int_equal(killed, 2);
	assert_true(client_hear_end(c[0], 100) && client_hear_end(c[1], 100));
	assert_true(clock_monotonic() - begun < 100000);
	server_call(&s, kill_token);
	assert_int_equal(killed, 1);
	assert_true(client_hear_end(c[3], 100));
	assert_int_equal(c[3]->size, 0);
	server_call(&s, answer_first);
	assert_int_equal(seen.gone, 1);
	/* The third is somebody else's, until another person's request comes on it. */
	expect_answer(c[2], GET("/still"), 200, "/still");
	expect_answer(c[2], GET("/?person=psn_sato"), 200, NULL);
	server_call(&s, kill_sato);
	assert_int_equal(killed, 1);
	assert_true(client_hear_end(c[2], 100));
	for (int i = 0; i < 4; i++)
		client_close(c[i]);
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
drain(struct server *s)
{
	door_drain(https_door_worker(s->worker), SECONDS(3), note_drained, NULL);
}

static void
draining_answers_what_is_under_way(void **state)
{
	(void)state;
	struct server s;
	start(&s);
	drains = 0;
	struct client *idle = open_client(&s), *busy = open_client(&s), *sending = open_client(&s);
	expect_answer(idle, GET("/a"), 200, "/a");
	client_say(busy, LITERAL(GET("/later") GET("/too-late")));
	client_say(sending, LITERAL("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhe"));
	wait_for(seen.pending == 1);
	usleep(20000);
	server_call(&s, drain);
	assert_true(client_hear_end(idle, 1000));
	client_say(sending, LITERAL("llo"));
	assert_true(client_hear_end(sending, 1000));
	struct answers a = answers_of(sending, false);
	assert_true(a.status == 200 && slice_is(a.body, "hello"));
	assert_true(has(a.head, "Connection: close"));
	assert_int_equal(drains, 0);
	server_call(&s, answer_first);
	assert_true(client_hear_end(busy, 1000));
	a = answers_of(busy, false);
	assert_true(a.count == 1 && slice_is(a.body, "at last"));
	assert_true(has(a.head, "Connection: close"));
	client_close(idle);
	client_close(busy);
	client_close(sending);
	wait_for(drains == 1);
	assert_int_equal(door_count(s.door).killed, 0);
	server_stop(&s);
}

static void
the_peers_certificate_reaches_the_handler(void **state)
{
	(void)state;
	struct server s;
	start(&s);
	struct client *c = client_open(s.door, &(struct client_options){ .self = person });
	expect_answer(c, GET("/who"), 200, "spiffe://sekisho/person/sato");
	client_close(c);
	c = open_client(&s);
	expect_answer(c, GET("/who"), 200, "");
	client_close(c);
	server_stop(&s);
}

static void
an_idle_connection_ends_in_peace(void **state)
{
	(void)state;
	struct server s;
	start(&s);
	struct client *c = open_client(&s);
	expect_answer(c, GET("/a"), 200, "/a");
	client_forget(c);
	int64_t begun = clock_monotonic();
	assert_true(client_hear_end(c, 4500));
	assert_in_range(clock_monotonic() - begun, SECONDS(2), SECONDS(4));
	assert_int_equal(c->size, 0);
	client_close(c);
	server_stop(&s);
}

static int
make_identities(void **state)
{
	(void)state;
	ca = identity_new("our CA", NULL, NULL, 3600);
	own = identity_new("localhost", ca, "DNS:localhost,IP:127.0.0.1", 3600);
	person = identity_new("sato", ca, "URI:spiffe://sekisho/person/sato", 3600);
	return 0;
}

static int
free_identities(void **state)
{
	(void)state;
	identity_free(ca);
	identity_free(own);
	identity_free(person);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_serves_many_requests),
		cmocka_unit_test(byte_by_byte_is_the_same),
		cmocka_unit_test(every_cut_in_two_is_the_same),
		cmocka_unit_test(pipelined_requests_are_answered_in_order),
		cmocka_unit_test(later_answers_keep_the_order),
		cmocka_unit_test(a_lost_client_leaves_its_exchange_valid),
		cmocka_unit_test(a_lost_client_in_the_body_leaves_nothing),
		cmocka_unit_test(a_half_closed_connection_is_answered),
		cmocka_unit_test(head_has_the_headers_and_no_body),
		cmocka_unit_test(the_connection_ends_when_either_says_so),
		cmocka_unit_test(refusals_end_the_connection),
		cmocka_unit_test(bodies_up_to_the_limit_are_taken),
		cmocka_unit_test(continue_is_said_when_the_body_is_awaited),
		cmocka_unit_test(headers_cannot_be_injected),
		cmocka_unit_test(slow_requests_are_timed_out),
		cmocka_unit_test(a_handler_or_a_client_that_takes_too_long_loses_the_connection),
		cmocka_unit_test(a_large_answer_holds_the_next_request_back),
		cmocka_unit_test(a_revoked_persons_connections_end_within_100_ms),
		cmocka_unit_test(draining_answers_what_is_under_way),
		cmocka_unit_test(the_peers_certificate_reaches_the_handler),
		cmocka_unit_test(an_idle_connection_ends_in_peace),
	};
	return cmocka_run_group_tests(tests, make_identities, free_identities);
}
