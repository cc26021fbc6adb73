/* http.c - the head of a request: where it ends, its lines, its framing. */
#include "https/http.h"

#include "base/memory.h"
#include "base/text.h"
#include "https/target.h"

#include <strings.h>

enum { REQUEST_LINE_MAX = HTTP_METHOD_MAX + HTTP_TARGET_MAX + sizeof "  HTTP/1.1\r\n" };

/* Byte classes (RFC 9110, 5.6.2 and 5.5). */
static bool
is_token(uint8_t b)
{
	return (b >= '0' && b <= '9') || (b >= 'A' && b <= 'Z') || (b >= 'a' && b <= 'z') ||
	       (b && strchr("!#$%&'*+-.^_`|~", b));
}

static bool
is_text(uint8_t b)
{
	return b == '\t' || (b >= 0x20 && b != 0x7f);
}

static bool
all(struct slice s, bool (*is)(uint8_t))
{
	for (size_t i = 0; i < s.size; i++)
		if (!is(s.data[i]))
			return false;
	return true;
}

static bool
is_word(struct slice s, const char *word)
{
	return s.size == strlen(word) && strncasecmp((const char *)s.data, word, s.size) == 0;
}

err_t
http_fault(struct http_fault *fault, int status, const char *because)
{
	*fault = (struct http_fault){ status, because };
	return status == 431 || status == 414 ? E_HEADERS_TOO_LARGE : E_REQUEST;
}

/* One byte at a time: a bad one is refused at once, not when the head's end comes, which it then never may. Where the
 * input is cut makes no difference. */
fallible
http_head_find(struct slice input, size_t *checked, size_t *size, struct http_fault *fault)
{
	const uint8_t *d = input.data;
	size_t at = *checked, end = input.size < HTTP_HEAD_MAX ? input.size : HTTP_HEAD_MAX;
	*size = 0;
	for (; at < end; at++) {
		if (at == REQUEST_LINE_MAX && !memchr(d, '\n', at))
			return http_fault(fault, 414, "the request line is too long");
		if (is_text(d[at])) {
			if (at > 0 && d[at - 1] == '\r')
				return http_fault(fault, 400, "a CR without LF");
			continue;
		}
		if (d[at] == '\r' && (at == 0 || d[at - 1] != '\r'))
			continue;
		if (d[at] != '\n' || at == 0 || d[at - 1] != '\r')
			return http_fault(fault, 400, "a control character, or a line that does not end with CRLF");
		if (at == 1)
			return http_fault(fault, 400, "an empty line in front of the request");
		if (at >= 3 && d[at - 2] == '\n') {
			*checked = *size = at + 1;
			return NULL;
		}
	}
	*checked = at;
	return at == HTTP_HEAD_MAX ? http_fault(fault, 431, "the header section is too large") : NULL;
}

/* Takes what stands before `mark`, and the mark; false if there is none. */
static bool
take_until(struct slice *rest, uint8_t mark, struct slice *out)
{
	const uint8_t *at = rest->size ? memchr(rest->data, mark, rest->size) : NULL;
	if (!at)
		return false;
	*out = slice_of(rest->data, (size_t)(at - rest->data));
	*rest = slice_from(*rest, out->size + 1);
	return true;
}

/* The line without its CRLF, which http_head_find has checked. */
static struct slice
take_line(struct slice *rest)
{
	struct slice line = { NULL, 0 };
	if (take_until(rest, '\n', &line) && line.size && line.data[line.size - 1] == '\r')
		line.size--;
	return line;
}

static bool
is_upper(uint8_t b)
{
	return b >= 'A' && b <= 'Z';
}

static bool
is_version(struct slice s)
{
	return s.size == 8 && memcmp(s.data, "HTTP/", 5) == 0 && s.data[5] >= '0' && s.data[5] <= '9' && s.data[6] == '.' &&
	       s.data[7] >= '0' && s.data[7] <= '9';
}

static fallible
read_request_line(struct slice line, struct http_request *r, struct slice *version, struct http_fault *fault)
{
	*version = line;
	if (!take_until(version, ' ', &r->method) || !take_until(version, ' ', &r->target) || !is_version(*version))
		return http_fault(fault, 400, "the request line is not METHOD target HTTP/1.1");
	if (r->method.size == 0 || r->method.size > HTTP_METHOD_MAX || !all(r->method, is_upper))
		return http_fault(fault, 400, "the method is not of upper-case letters");
	if (r->target.size > HTTP_TARGET_MAX)
		return http_fault(fault, 414, "the target is longer than 4,096 bytes");
	return NULL;
}

static bool
is_space(uint8_t b)
{
	return b == ' ' || b == '\t';
}

static struct slice
trim(struct slice s)
{
	while (s.size && is_space(s.data[0]))
		s = slice_from(s, 1);
	while (s.size && is_space(s.data[s.size - 1]))
		s.size--;
	return s;
}

static fallible
read_header(struct slice line, struct http_request *r, struct http_fault *fault)
{
	struct http_pair pair = { .value = line };
	if (r->header_count == HTTP_HEADERS_MAX)
		return http_fault(fault, 431, "more than 64 headers");
	if (!take_until(&pair.value, ':', &pair.name) || pair.name.size == 0 || !all(pair.name, is_token))
		return http_fault(fault, 400, "a header line is not name: value");
	pair.value = trim(pair.value);
	if (pair.value.size == 0)
		pair.value = LITERAL("");       /* there, and empty: data tells it from not there */
	r->headers[r->header_count++] = pair;
	return NULL;
}

struct slice
http_header_find(const struct http_request *r, const char *name)
{
	for (size_t i = 0; i < r->header_count; i++)
		if (is_word(r->headers[i].name, name))
			return r->headers[i].value;
	return (struct slice){ NULL, 0 };
}

static size_t
count(const struct http_request *r, const char *name)
{
	size_t n = 0;
	for (size_t i = 0; i < r->header_count; i++)
		n += is_word(r->headers[i].name, name);
	return n;
}

static bool
is_host_byte(uint8_t b)
{
	return b > 0x20 && b < 0x7f && !strchr("/\\?#@,;<>\"{}|^`()", b);
}

/* RFC 9112, 3.2: "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message that
 * lacks a Host header field and to any request message that contains more than one Host header field line or a Host
 * header field with an invalid field value." */
static fallible
read_host(struct http_request *r, struct http_fault *fault)
{
	r->host = http_header_find(r, "host");
	if (count(r, "host") != 1 || r->host.size == 0 || !all(r->host, is_host_byte))
		return http_fault(fault, 400, "there must be exactly one Host");
	return NULL;
}

static fallible
read_length(struct http_request *r, struct http_fault *fault)
{
	struct slice value = http_header_find(r, "content-length");
	err_t e = text_number_parse(value, &r->length);
	if (e == E_RANGE)
		return http_fault(fault, 413, "the body is larger than can be counted");
	if (e)
		return http_fault(fault, 400, "Content-Length is not a decimal number");
	r->framing = HTTP_LENGTH;
	return NULL;
}

/* RFC 9112, 6.3, without the choices it leaves: whoever sends both, or either twice, is refused. */
static fallible
read_framing(struct http_request *r, bool http11, struct http_fault *fault)
{
	size_t lengths = count(r, "content-length"), codings = count(r, "transfer-encoding");
	if (lengths + codings == 0)
		return NULL;
	if (lengths + codings > 1)
		return http_fault(fault, 400, "more than one Content-Length or Transfer-Encoding");
	if (lengths)
		return read_length(r, fault);
	/* 6.1: "A server or client that receives an HTTP/1.0 message containing a Transfer-Encoding header field MUST
	 * treat the message as if the framing is faulty". */
	if (!http11)
		return http_fault(fault, 400, "Transfer-Encoding is of HTTP/1.1");
	if (!is_word(http_header_find(r, "transfer-encoding"), "chunked"))
		return http_fault(fault, 501, "the one transfer coding is chunked");
	r->framing = HTTP_CHUNKED;
	return NULL;
}

bool
http_list_has(struct slice list, const char *token)
{
	struct slice item;
	while (take_until(&list, ',', &item))
		if (is_word(trim(item), token))
			return true;
	return is_word(trim(list), token);
}

static fallible
read_connection(struct http_request *r, struct http_fault *fault)
{
	for (size_t i = 0; i < r->header_count; i++)
		if (is_word(r->headers[i].name, "connection") && http_list_has(r->headers[i].value, "close"))
			r->close = true;
	struct slice expect = http_header_find(r, "expect");
	if (!expect.data)
		return NULL;
	if (!is_word(expect, "100-continue") || count(r, "expect") != 1)
		return http_fault(fault, 417, "the one expectation is 100-continue");
	r->expects_continue = true;
	return NULL;
}

/* Headers that decide something: two of them, and it would depend on the reader which counts. */
static fallible
check_single(const struct http_request *r, struct http_fault *fault)
{
	static const char *const names[] = { "authorization", "content-type", "idempotency-key", "if-match", "if-none-match", "sekisho-purpose" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (count(r, names[i]) > 1)
			return http_fault(fault, 400, "a header that may come once came twice");
	return NULL;
}

static void
clear(struct http_request *r)
{
	/* Not the arrays: 5 KB that the counts guard. */
	r->segment_count = r->parameter_count = r->header_count = 0;
	r->framing = HTTP_NO_BODY;
	r->length = 0;
	r->close = r->expects_continue = false;
	r->method = r->target = r->path = r->query = r->host = (struct slice){ NULL, 0 };
}

fallible
http_request_parse(const void *owner, struct slice head, struct http_request *r, struct http_fault *fault)
{
	struct slice version, line;
	clear(r);
	TRY(read_request_line(take_line(&head), r, &version, fault));
	while ((line = take_line(&head)).size)
		TRY(read_header(line, r, fault));
	bool http11 = slice_is(version, "HTTP/1.1");
	TRY(read_framing(r, http11, fault));
	if (!http11)
		return http_fault(fault, 505, "the one version is HTTP/1.1");
	TRY(read_host(r, fault));
	TRY(read_connection(r, fault));
	TRY(check_single(r, fault));
	return http_target_parse(owner, r, fault);
}

bool
http_header_check(const struct http_pair *h)
{
	return h->name.size && all(h->name, is_token) && all(h->value, is_text);
}
