/* The reader by itself: what it takes, what it refuses and with which status, however the bytes are cut. */
#include "test.h"

#include "https/http.h"

#include <stdio.h>
#include <stdlib.h>

#define GET "GET / HTTP/1.1\r\n"
#define HOST "Host: gate.test\r\n"
#define END "\r\n"

/* Finds the head in `text`, all at once or a byte more at a time, then parses it. 0: taken; -1: has no end yet. */
static int
status_of(const void *owner, struct slice text, bool bytewise, struct http_request *r)
{
	struct http_fault fault = { 0 };
	size_t checked = 0, size = 0;
	for (size_t there = bytewise ? 0 : text.size; there <= text.size && size == 0; there++) {
		/* A copy of just that size, so that a sanitizer sees each read past it. */
		uint8_t *copy = talloc_memdup(owner, text.data, there);
		err_t e = http_head_find(slice_of(copy, there), &checked, &size, &fault);
		talloc_free(copy);
		if (e)
			return fault.status;
	}
	if (size == 0)
		return -1;
	err_t e = http_request_parse(owner, memory_copy(owner, slice_of(text.data, size)), r, &fault);
	return e ? fault.status : 0;
}

static int
status(const char *text, size_t size)
{
	void *owner = talloc_new(NULL);
	struct http_request r;
	int whole = status_of(owner, slice_of(text, size), false, &r);
	int cut = status_of(owner, slice_of(text, size), true, &r);
	talloc_free(owner);
	if (whole != cut)
		fail_msg("%d at once, %d byte by byte: %.80s", whole, cut, text);
	return whole;
}

struct expectation {
	int status;
	struct slice text;
};

#define CASE(status, text) { status, LITERAL(text) }

static void
expect_all(const struct expectation *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int got = status((const char *)cases[i].text.data, cases[i].text.size);
		if (got != cases[i].status)
			fail_msg("%d, not %d: %.*s", got, cases[i].status, SLICE_ARGUMENTS(cases[i].text));
	}
}

#define EXPECT(cases) expect_all(cases, sizeof(cases) / sizeof *(cases))

static void
lines_are_strict(void **state)
{
	(void)state;
	static const struct expectation cases[] = {
		CASE(0, GET HOST END),
		CASE(-1, GET HOST),
		CASE(-1, GET HOST "\r"),
		CASE(400, "GET / HTTP/1.1\nHost: x\n\n"),
		CASE(400, GET "Host: x\n\r\n"),
		CASE(400, GET HOST "\n"),
		CASE(400, GET HOST "X: a\rb\r\n" END),
		CASE(400, GET HOST "X: a\r\r\n" END),
		CASE(400, GET HOST "X: a\0b\r\n" END),
		CASE(400, GET HOST "X: a\x7f\r\n" END),
		CASE(400, GET HOST "X: a\x1b[0m\r\n" END),
		CASE(400, GET HOST "X: y\r\n z\r\n" END),
		CASE(400, GET HOST "X: y\r\n\tz\r\n" END),
		CASE(400, GET " X: y\r\n" HOST END),
		CASE(400, GET HOST "X : y\r\n" END),
		CASE(400, GET HOST "X\t: y\r\n" END),
		CASE(400, GET HOST "X Y: z\r\n" END),
		CASE(400, GET HOST "X\r\n" END),
		CASE(400, GET HOST ": y\r\n" END),
		CASE(400, GET HOST "X\"Y: z\r\n" END),
		CASE(400, GET HOST "\xc3\xa9: z\r\n" END),
		CASE(400, END GET HOST END),
		CASE(400, END),
		CASE(400, "\r"
			  "X" GET HOST END),
		CASE(400, "\n" GET HOST END),
		CASE(0, GET HOST "X:\r\n" END),
		CASE(0, GET HOST "X:y\r\n" END),
		CASE(0, GET HOST "X: \t y z \t \r\n" END),
		CASE(0, GET HOST "Sekisho-Purpose: \xe8\xa9\xa6\xe9\xa8\x93\r\n" END),
		CASE(0, GET HOST "!#$%&'*+-.^_`|~09az: y\r\n" END),
	};
	EXPECT(cases);
}

static void
request_lines_are_strict(void **state)
{
	(void)state;
	static const struct expectation cases[] = {
		CASE(0, "DELETE /a HTTP/1.1\r\n" HOST END),
		CASE(400, "GET  / HTTP/1.1\r\n" HOST END),
		CASE(400, "GET /  HTTP/1.1\r\n" HOST END),
		CASE(400, "GET / HTTP/1.1 \r\n" HOST END),
		CASE(400, "GET\t/ HTTP/1.1\r\n" HOST END),
		CASE(400, " GET / HTTP/1.1\r\n" HOST END),
		CASE(400, "GET / /b HTTP/1.1\r\n" HOST END),
		CASE(400, "GET /\r\n" HOST END),
		CASE(400, "GET / http/1.1\r\n" HOST END),
		CASE(400, "GET / HTTP/1.1x\r\n" HOST END),
		CASE(400, "GET / HTTP/11\r\n" HOST END),
		CASE(400, "GET / HTTP/1.10\r\n" HOST END),
		CASE(505, "GET / HTTP/1.0\r\n" HOST END),
		CASE(505, "GET / HTTP/1.2\r\n" HOST END),
		CASE(505, "GET / HTTP/2.0\r\n" HOST END),
		CASE(505, "PRI * HTTP/2.0\r\n\r\n"),
		CASE(400, "get / HTTP/1.1\r\n" HOST END),
		CASE(400, "G\x7fT / HTTP/1.1\r\n" HOST END),
		CASE(400, "G-T / HTTP/1.1\r\n" HOST END),
		CASE(400, "ABCDEFGHIJKLMNOPQ / HTTP/1.1\r\n" HOST END),
		CASE(400, " / HTTP/1.1\r\n" HOST END),
		CASE(400, "\r\n\r\n"),
	};
	EXPECT(cases);
}

static void
there_is_exactly_one_host(void **state)
{
	(void)state;
	static const struct expectation cases[] = {
		CASE(400, GET END),
		CASE(400, GET HOST HOST END),
		CASE(400, GET HOST "hOST: b\r\n" END),
		CASE(400, GET "Host:\r\n" END),
		CASE(400, GET "Host: a b\r\n" END),
		CASE(400, GET "Host: a/b\r\n" END),
		CASE(400, GET "Host: a@b\r\n" END),
		CASE(400, GET "Host: a,b\r\n" END),
		CASE(400, GET "Host: \xc3\xa9\r\n" END),
		CASE(0, GET "hOsT: [::1]:8443\r\n" END),
		CASE(0, GET "Host: 127.0.0.1:8443\r\n" END),
	};
	EXPECT(cases);
}

static void
what_decides_comes_once(void **state)
{
	(void)state;
	static const struct expectation cases[] = {
		CASE(0, GET HOST "Authorization: Bearer a\r\nContent-Type: b\r\nSekisho-Purpose: c\r\nIdempotency-Key: d\r\n" END),
		CASE(0, GET HOST "Accept: a\r\nAccept: b\r\n" END),
		CASE(400, GET HOST "Authorization: Bearer a\r\nauthorization: Bearer b\r\n" END),
		CASE(400, GET HOST "Authorization: Bearer a\r\nX: y\r\nAUTHORIZATION: Bearer a\r\n" END),
		CASE(400, GET HOST "Content-Type: a\r\nContent-Type: b\r\n" END),
		CASE(400, GET HOST "Sekisho-Purpose: a\r\nSekisho-Purpose: b\r\n" END),
		CASE(400, GET HOST "Idempotency-Key: a\r\nIdempotency-Key: b\r\n" END),
	};
	EXPECT(cases);
}

static void
framing_has_one_meaning(void **state)
{
	(void)state;
	static const struct expectation cases[] = {
		CASE(0, GET HOST "Content-Length: 0\r\n" END),
		CASE(0, GET HOST "content-length: 18446744073709551615\r\n" END),
		CASE(413, GET HOST "Content-Length: 18446744073709551616\r\n" END),
		CASE(400, GET HOST "Content-Length: 5\r\nContent-Length: 5\r\n" END),
		CASE(400, GET HOST "Content-Length: 5\r\ncontent-LENGTH: 6\r\n" END),
		CASE(400, GET HOST "Content-Length: 5, 5\r\n" END),
		CASE(400, GET HOST "Content-Length: +5\r\n" END),
		CASE(400, GET HOST "Content-Length: -5\r\n" END),
		CASE(400, GET HOST "Content-Length: 05\r\n" END),
		CASE(400, GET HOST "Content-Length: 0x5\r\n" END),
		CASE(400, GET HOST "Content-Length: 5 5\r\n" END),
		CASE(400, GET HOST "Content-Length: 5.0\r\n" END),
		CASE(400, GET HOST "Content-Length:\r\n" END),
		CASE(0, GET HOST "Transfer-Encoding: chunked\r\n" END),
		CASE(0, GET HOST "transfer-encoding: CHUNKED\r\n" END),
		CASE(400, GET HOST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n" END),
		CASE(400, GET HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" END),
		CASE(400, GET HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" END),
		CASE(400, GET HOST "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n" END),
		CASE(501, GET HOST "Transfer-Encoding: xchunked\r\n" END),
		CASE(501, GET HOST "Transfer-Encoding: chunked, identity\r\n" END),
		CASE(501, GET HOST "Transfer-Encoding: gzip, chunked\r\n" END),
		CASE(501, GET HOST "Transfer-Encoding: \"chunked\"\r\n" END),
		CASE(501, GET HOST "Transfer-Encoding: chunked;q=1\r\n" END),
		CASE(501, GET HOST "Transfer-Encoding:\r\n" END),
		CASE(400, GET HOST "Transfer-Encoding: \x0b" "chunked\r\n" END),
		CASE(400, GET HOST "Transfer-Encoding : chunked\r\n" END),
		CASE(400, "GET / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n" END),
		CASE(417, GET HOST "Expect: something\r\n" END),
		CASE(0, GET HOST "Expect: 100-Continue\r\n" END),
	};
	EXPECT(cases);
}

static void
targets_are_strict(void **state)
{
	(void)state;
	static const struct { int status; const char *target; } cases[] = {
		{ 0, "/" }, { 0, "/a" }, { 0, "/a/" }, { 0, "/a/b%20c?d=e" }, { 0, "/a?" }, { 0, "/?&&" }, { 0, "/%e2%82%ac" },
		{ 0, "/a:b@c;d=e,f" }, { 0, "/a?b=/c?d" }, { 0, "/..a/b..." }, { 0, "/?a=b+c" }, { 0, "/+" }, { 0, "/a?x=%2f%5c%0a" }, { 0, "/.well-known" },
		{ 400, "*" }, { 400, "" }, { 400, "a" }, { 400, "http://gate.test/" }, { 400, "gate.test:443" },
		{ 400, "//a" }, { 400, "/a//b" }, { 400, "/a//" }, { 400, "//" },
		{ 400, "/." }, { 400, "/.." }, { 400, "/a/./b" }, { 400, "/a/../b" }, { 400, "/%2e" }, { 400, "/.%2E/a" },
		{ 400, "/%2e%2e%2fa" }, { 400, "/a%2fb" }, { 400, "/a%2Fb" }, { 400, "/a%5cb" }, { 400, "/a\\b" },
		{ 400, "/%00" }, { 400, "/a%0ab" }, { 400, "/%7f" }, { 400, "/%c3" }, { 400, "/%c0%af" }, { 400, "/%ed%a0%80" },
		{ 400, "/%" }, { 400, "/%4" }, { 400, "/%4g" }, { 400, "/%g4" }, { 400, "/a?%" }, { 400, "/a?b=%f" },
		{ 400, "/a?b=%00" }, { 400, "/a?%ff=b" }, { 400, "/a#b" }, { 400, "/a?b#c" }, { 400, "/\xff" }, { 400, "/a\tb" },
		{ 400, "/a\"b" }, { 400, "/<a>" }, { 400, "/{a}" }, { 400, "/a|b" }, { 400, "/a^b" }, { 400, "/a`b" },
		{ 400, "/[a]" }, { 400, "/a?b=[c]" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char text[256];
		int size = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\n" HOST END, cases[i].target);
		int got = status(text, (size_t)size);
		if (got != cases[i].status)
			fail_msg("%d, not %d: %s", got, cases[i].status, cases[i].target);
	}
}

static void
what_was_looked_at_is_not_looked_at_again(void **state)
{
	(void)state;
	static const char text[] = GET HOST "X: y";
	struct http_fault fault;
	size_t checked = 0, size;
	assert_ok(http_head_find(slice_of(text, 10), &checked, &size, &fault));
	assert_int_equal(checked, 10);
	assert_ok(http_head_find(slice_of(text, sizeof text - 1), &checked, &size, &fault));
	assert_int_equal(checked, sizeof text - 1);
	assert_int_equal(size, 0);
}

/* A head with a target, header or number of headers of a size to choose. */
static int
status_of_size(size_t target, size_t header, size_t headers, bool ended)
{
	size_t size = target + header + headers * 8 + 200, at = 0;
	char *text = malloc(size);
	at += (size_t)sprintf(text, "GET /");
	memset(text + at, 'a', target - 1);
	at += target - 1;
	at += (size_t)sprintf(text + at, " HTTP/1.1\r\n" HOST);
	if (header) {
		at += (size_t)sprintf(text + at, "X: ");
		memset(text + at, 'b', header);
		at += header;
		at += (size_t)sprintf(text + at, "\r\n");
	}
	for (size_t i = 0; i < headers; i++)
		at += (size_t)sprintf(text + at, "Y: c\r\n");
	at += (size_t)sprintf(text + at, "%s", ended ? END : "");
	int got = status(text, at);
	free(text);
	return got;
}

static void
sizes_are_limited(void **state)
{
	(void)state;
	assert_int_equal(status_of_size(4096, 0, 0, true), 0);
	assert_int_equal(status_of_size(4097, 0, 0, true), 414);
	assert_int_equal(status_of_size(5000, 0, 0, false), 414);
	assert_int_equal(status_of_size(1, 16000, 0, true), 0);
	assert_int_equal(status_of_size(1, 17000, 0, true), 431);
	assert_int_equal(status_of_size(1, 17000, 0, false), 431);
	assert_int_equal(status_of_size(1, 0, 63, true), 0);
	assert_int_equal(status_of_size(1, 0, 64, true), 431);
	/* To the byte: the line and Host are 33, the header's frame 5, the end 2. */
	assert_int_equal(status_of_size(1, HTTP_HEAD_MAX - 40, 0, true), 0);
	assert_int_equal(status_of_size(1, HTTP_HEAD_MAX - 39, 0, true), 431);
}

static void
many_segments_and_parameters_are_refused(void **state)
{
	(void)state;
	for (int over = 0; over < 2; over++) {
		char path[512] = "GET ", query[1024] = "GET /?";
		for (int i = 0; i < HTTP_SEGMENTS_MAX + over; i++)
			strcat(path, "/a");
		for (int i = 0; i < HTTP_PARAMETERS_MAX + over; i++)
			strcat(query, "a=b&");
		strcat(path, " HTTP/1.1\r\n" HOST END);
		strcat(query, " HTTP/1.1\r\n" HOST END);
		assert_int_equal(status(path, strlen(path)), over ? 414 : 0);
		assert_int_equal(status(query, strlen(query)), over ? 414 : 0);
	}
}

static void
parts_are_what_was_sent(void **state)
{
	(void)state;
	struct http_request r;
	void *owner = talloc_new(NULL);
	static const char text[] = "PUT /v1/subs%63ribers/%E3%81%82+/?q=a+b%2B&q=2&flag&=x&&%3d=%26 HTTP/1.1\r\nHost: gate.test:8443\r\n"
				   "X-Empty:\r\nIf-Match:  \"3\" \r\nConnection: keep-alive, CLOSE\r\nContent-Length: 12\r\n\r\nbody";
	assert_int_equal(status_of(owner, slice_text(text), false, &r), 0);
	assert_true(slice_is(r.method, "PUT"));
	assert_true(slice_is(r.path, "/v1/subs%63ribers/%E3%81%82+/"));
	assert_true(slice_is(r.query, "q=a+b%2B&q=2&flag&=x&&%3d=%26"));
	assert_true(slice_is(r.host, "gate.test:8443"));
	static const char *const segments[] = { "v1", "subscribers", "\xE3\x81\x82+", "" };
	assert_int_equal(r.segment_count, 4);
	for (size_t i = 0; i < 4; i++)
		assert_true(slice_is(r.segments[i], segments[i]));
	static const char *const parameters[][2] = { { "q", "a b+" }, { "q", "2" }, { "flag", "" }, { "", "x" }, { "=", "&" } };
	assert_int_equal(r.parameter_count, 5);
	for (size_t i = 0; i < 5; i++) {
		assert_true(slice_is(r.parameters[i].name, parameters[i][0]));
		assert_true(slice_is(r.parameters[i].value, parameters[i][1]));
	}
	assert_true(slice_is(http_parameter_find(&r, "q"), "a b+"));
	assert_non_null(http_parameter_find(&r, "flag").data);
	assert_null(http_parameter_find(&r, "Q").data);
	assert_true(slice_is(http_header_find(&r, "if-match"), "\"3\""));
	assert_non_null(http_header_find(&r, "x-empty").data);
	assert_null(http_header_find(&r, "x-none").data);
	assert_int_equal(r.framing, HTTP_LENGTH);
	assert_int_equal(r.length, 12);
	assert_true(r.close);
	assert_false(r.expects_continue);
	talloc_free(owner);
}

static void
lists_have_tokens(void **state)
{
	(void)state;
	assert_true(http_list_has(LITERAL("close"), "close"));
	assert_true(http_list_has(LITERAL("a,\tClose ,b"), "close"));
	assert_true(http_list_has(LITERAL("a, b, close"), "close"));
	assert_false(http_list_has(LITERAL("closed, xclose, clo se"), "close"));
	assert_false(http_list_has(LITERAL(""), "close"));
}

static void
headers_to_be_sent_are_checked(void **state)
{
	(void)state;
	assert_true(http_header_check(&(struct http_pair){ LITERAL("ETag"), LITERAL("\"3\"") }));
	assert_true(http_header_check(&(struct http_pair){ LITERAL("X"), LITERAL("") }));
	assert_false(http_header_check(&(struct http_pair){ LITERAL(""), LITERAL("a") }));
	assert_false(http_header_check(&(struct http_pair){ LITERAL("X:Y"), LITERAL("a") }));
	assert_false(http_header_check(&(struct http_pair){ LITERAL("X\r\nY"), LITERAL("a") }));
	assert_false(http_header_check(&(struct http_pair){ LITERAL("X"), LITERAL("a\r\nSet-Cookie: b") }));
	assert_false(http_header_check(&(struct http_pair){ LITERAL("X"), LITERAL("a\nb") }));
	assert_false(http_header_check(&(struct http_pair){ LITERAL("X"), LITERAL("a\0b") }));
}

/* Chunks. The body, or "!status", or "…" after what there is where the end has not come. */
static void
dechunk(struct slice text, size_t piece, char *out)
{
	struct http_chunks c = { 0 };
	struct http_fault fault;
	bool done = false;
	size_t at = 0, size = 0;
	while (at < text.size && !done) {
		size_t end = at + piece < text.size ? at + piece : text.size, used;
		struct slice data;
		uint8_t *copy = talloc_memdup(NULL, text.data + at, end - at);
		if (http_chunks_parse(&c, slice_of(copy, end - at), &used, &data, &done, &fault)) {
			sprintf(out, "!%d", fault.status);
			talloc_free(copy);
			return;
		}
		if (data.size)
			memcpy(out + size, data.data, data.size);
		size += data.size;
		at += used;
		talloc_free(copy);
	}
	sprintf(out + size, "%s", !done ? "…" : at < text.size ? "+" : "");
}

static void
chunks_are_strict(void **state)
{
	(void)state;
#define LAST "0\r\n\r\n"
	static const struct { const char *text, *body; } cases[] = {
		{ "5\r\nhello\r\n" LAST, "hello" },
		{ "2\r\nhe\r\n003\r\nllo\r\n" LAST, "hello" },
		{ "A\r\n0123456789\r\n" LAST, "0123456789" },
		{ "a\r\n0123456789\r\n00\r\n\r\n", "0123456789" },
		{ LAST, "" },
		{ LAST "GET / HTTP/1.1", "+" },
		{ "5;a=b;c=\"d\"\r\nhello\r\n0;x\r\n\r\n", "hello" },
		{ "5 ;a\r\nhello\r\n" LAST, "hello" },
		{ "5\r\nhello\r\n0\r\nX: y\r\nContent-Length: 9\r\n\r\n", "hello" },
		{ "5\r\nhel", "hel…" },
		{ "5\r\nhello\r\n0\r\n", "hello…" },
		{ "5\r\nhello\r\n0\r\nX: y\r\n\r", "hello…" },
		{ "\r\nhello\r\n" LAST, "!400" },
		{ ";a\r\nhello\r\n" LAST, "!400" },
		{ "-5\r\nhello\r\n" LAST, "!400" },
		{ "+5\r\nhello\r\n" LAST, "!400" },
		{ "0x5\r\nhello\r\n" LAST, "!400" },
		{ " 5\r\nhello\r\n" LAST, "!400" },
		{ "5\nhello\r\n" LAST, "!400" },
		{ "5\r\nhelloXX" LAST, "!400" },
		{ "5\r\nhello\n" LAST, "!400" },
		{ "5\r\nhello\r" LAST, "!400" },
		{ "5\rXhello\r\n" LAST, "!400" },
		{ "5;a\nb\r\nhello\r\n" LAST, "!400" },
		{ "5;a\x01\r\nhello\r\n" LAST, "!400" },
		{ "4\r\nhello\r\n" LAST, "!400" },
		{ "100000005\r\nhello\r\n" LAST, "!413" },
		{ "10000000000000005\r\nhello\r\n" LAST, "!413" },
		{ "0\r\n X: y\r\n\r\n", "!400" },
		{ "0\r\nX: y\n\r\n", "!400" },
		{ "0\r\nX: y\rZ\r\n\r\n", "!400" },
		{ "0\r\n\rX", "!400" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (size_t piece = 1; piece <= strlen(cases[i].text); piece++) {
			char out[256];
			dechunk(slice_text(cases[i].text), piece, out);
			/* Bytes that came before the fault do not count. */
			assert_string_equal(strchr(out, '!') ? strchr(out, '!') : out, cases[i].body);
		}
}

static void
chunk_extensions_and_trailers_are_limited(void **state)
{
	(void)state;
	char out[512], text[8192];
	for (int over = 0; over < 2; over++) {
		int size = sprintf(text, "1;%0*d\r\na\r\n" LAST, HTTP_CHUNK_LINE_MAX - 3 + over, 0);
		dechunk(slice_of(text, (size_t)size), 4096, out);
		assert_string_equal(out, over ? "!400" : "a");
		size = sprintf(text, "0\r\nX: %0*d\r\n\r\n", HTTP_TRAILER_MAX - 5 + over, 0);
		dechunk(slice_of(text, (size_t)size), 8192, out);
		assert_string_equal(out, over ? "!431" : "");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_strict),
		cmocka_unit_test(request_lines_are_strict),
		cmocka_unit_test(there_is_exactly_one_host),
		cmocka_unit_test(what_decides_comes_once),
		cmocka_unit_test(framing_has_one_meaning),
		cmocka_unit_test(targets_are_strict),
		cmocka_unit_test(what_was_looked_at_is_not_looked_at_again),
		cmocka_unit_test(sizes_are_limited),
		cmocka_unit_test(many_segments_and_parameters_are_refused),
		cmocka_unit_test(parts_are_what_was_sent),
		cmocka_unit_test(lists_have_tokens),
		cmocka_unit_test(headers_to_be_sent_are_checked),
		cmocka_unit_test(chunks_are_strict),
		cmocka_unit_test(chunk_extensions_and_trailers_are_limited),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
