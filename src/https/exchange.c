/* exchange.c - the answer to one request. */
#include "https/session.h"

#include "base/clock.h"
#include "base/cursor.h"

#include <assert.h>
#include <stdio.h>
#include <strings.h>
#include <time.h>

#define DATE_TIME 200000                /* µs for which a Date stays good: its unit is a second */

static const struct {
	int status;
	const char *text;
} reasons[] = {
	{ 200, "OK" },
	{ 201, "Created" },
	{ 202, "Accepted" },
	{ 204, "No Content" },
	{ 206, "Partial Content" },
	{ 301, "Moved Permanently" },
	{ 302, "Found" },
	{ 303, "See Other" },
	{ 304, "Not Modified" },
	{ 307, "Temporary Redirect" },
	{ 308, "Permanent Redirect" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 410, "Gone" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 416, "Range Not Satisfiable" },
	{ 417, "Expectation Failed" },
	{ 422, "Unprocessable Content" },
	{ 428, "Precondition Required" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
	{ 505, "HTTP Version Not Supported" },
};

static const char *
reason(int status)
{
	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
		if (reasons[i].status == status)
			return reasons[i].text;
	return "";
}

/* RFC 9110, 5.6.7; not strftime, whose names follow the locale. */
static void
write_date(struct https *h, int64_t at)
{
	static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t seconds = (time_t)(at / SECONDS(1));
	struct tm tm;
	gmtime_r(&seconds, &tm);
	snprintf(h->date, sizeof h->date, "Date: %.3s, %02d %.3s %04d %02d:%02d:%02d GMT\r\n", days + 3 * tm.tm_wday,
	         tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static struct slice
date(struct https *h)
{
	int64_t now = clock_monotonic();
	if (!h->dated || now - h->dated > DATE_TIME) {
		write_date(h, clock_now());
		h->dated = now;
	}
	return slice_text(h->date);
}

static bool
is_named(const struct http_pair *h, const char *name)
{
	return h->name.size == strlen(name) && strncasecmp((const char *)h->name.data, name, h->name.size) == 0;
}

static bool
is_ours(const struct http_pair *h)
{
	return is_named(h, "content-length") || is_named(h, "transfer-encoding") || is_named(h, "connection") ||
	       is_named(h, "date") || is_named(h, "content-type");
}

static void
write_header(struct writer *w, const struct http_pair *h)
{
	write_bytes(w, h->name);
	write_bytes(w, LITERAL(": "));
	write_bytes(w, h->value);
	write_bytes(w, LITERAL("\r\n"));
}

/* False if one may not be sent. */
static bool
write_headers(struct writer *w, const struct answer *a)
{
	bool cached = false;
	for (size_t i = 0; i < a->header_count; i++) {
		if (!http_header_check(&a->headers[i]) || is_ours(&a->headers[i]))
			return false;
		cached = cached || is_named(&a->headers[i], "cache-control");
		write_header(w, &a->headers[i]);
	}
	if (!cached)
		write_bytes(w, LITERAL("Cache-Control: no-store\r\n"));
	return true;
}

static void
write_number(struct writer *w, const char *before, size_t number, const char *after)
{
	char text[64];
	int size = snprintf(text, sizeof text, "%s%zu%s", before, number, after);
	write_bytes(w, slice_of(text, (size_t)size));
}

static void
write_status(struct writer *w, int status)
{
	write_number(w, "HTTP/1.1 ", (size_t)status, " ");
	write_bytes(w, slice_text(reason(status)));
	write_bytes(w, LITERAL("\r\n"));
}

/* RFC 9110, 8.6: "A server MUST NOT send a Content-Length header field in any response with a status code of 1xx
 * (Informational) or 204 (No Content)", and a 304's would have to be that of a 200. */
static bool
has_no_content(int status)
{
	return status < 200 || status == 204 || status == 304;
}

static bool
write_head(struct writer *w, struct https *h, const struct answer *a, bool close)
{
	const struct http_pair type = { LITERAL("Content-Type"), a->type };
	write_status(w, a->status);
	write_bytes(w, date(h));
	if (a->type.size) {
		if (!http_header_check(&type))
			return false;
		write_header(w, &type);
	}
	if (!has_no_content(a->status))
		write_number(w, "Content-Length: ", a->body.size, "\r\n");
	if (!write_headers(w, a))
		return false;
	write_bytes(w, LITERAL("X-Content-Type-Options: nosniff\r\nStrict-Transport-Security: max-age=31536000\r\n"));
	if (close)
		write_bytes(w, LITERAL("Connection: close\r\n"));
	write_bytes(w, LITERAL("\r\n"));
	return !w->failed;
}

static void
send_answer(struct exchange *x, const struct answer *a, bool close)
{
	static const struct answer broken = { .status = 500 };
	struct https *h = x->https;
	struct connection *c = x->session->connection;
	struct writer w = writer_of(h->head, sizeof h->head);
	if (!write_head(&w, h, a, close)) {
		a = &broken;
		w = writer_of(h->head, sizeof h->head);
		write_head(&w, h, a, close);
	}
	connection_write(c, writer_slice(&w));
	if (!has_no_content(a->status) && !slice_is(x->request.method, "HEAD"))
		connection_write(c, a->body);
}

void
exchange_answer(struct exchange *x, const struct answer *a)
{
	struct session *s = x->session;
	if (s) {
		/* Where the request has not been read to its end, what follows cannot be told apart any more. */
		bool close = a->close || x->request.close || s->draining || !x->whole;
		send_answer(x, a, close);
		session_answered(s, close);
	}
	if (x->handed)
		x->https->pending--;
	talloc_free(x);
}

/* The names and texts are ours and need no escaping. */
static void
answer_problem(struct exchange *x, err_t e, int status, const char *title)
{
	const char *body = memory_format(x, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"code\":\"%s\"}",
	                                 title, status, e->name);
	const struct answer a = { .status = status, .type = LITERAL("application/problem+json"), .body = slice_text(body) };
	exchange_answer(x, &a);
}

void
exchange_answer_error(struct exchange *x, err_t e)
{
	answer_problem(x, e, e->http, e->text[ENGLISH]);
}

void
exchange_refuse(struct exchange *x, err_t e, const struct http_fault *fault)
{
	answer_problem(x, e, fault->status, fault->because);
}

const struct http_request *
exchange_request(const struct exchange *x)
{
	return &x->request;
}

struct slice
exchange_body(const struct exchange *x)
{
	return slice_of(x->body, x->body_size);
}

const struct peer *
exchange_peer(const struct exchange *x)
{
	return x->peer;
}

bool
exchange_gone(const struct exchange *x)
{
	return !x->session || !connection_alive(x->session->connection);
}

static void
set_tag(const struct session *s, struct slice *tag, struct slice value)
{
	if (slice_equal(*tag, value))
		return;
	talloc_free((void *)(uintptr_t)tag->data);
	*tag = value.size ? memory_copy(s, value) : (struct slice){ NULL, 0 };
}

void
exchange_tag(struct exchange *x, struct slice credential, struct slice person)
{
	if (!x->session)
		return;
	set_tag(x->session, &x->session->credential, credential);
	set_tag(x->session, &x->session->person, person);
}

struct killing {
	struct slice who;
	size_t count;
};

static void
kill_tagged(void *argument, struct connection *c)
{
	struct killing *k = argument;
	const struct session *s = connection_session(c);
	if (!slice_equal(s->credential, k->who) && !slice_equal(s->person, k->who))
		return;
	connection_kill(c);
	k->count++;
}

size_t
https_kill(struct https *h, struct slice who)
{
	struct killing k = { who, 0 };
	if (who.size)
		door_each(h->door_worker, kill_tagged, &k);
	return k.count;
}

struct door_worker *
https_door_worker(const struct https *h)
{
	return h->door_worker;
}

size_t
https_pending(const struct https *h)
{
	return h->pending;
}
