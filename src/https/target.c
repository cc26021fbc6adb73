#include "https/target.h"

#include "base/cursor.h"
#include "base/memory.h"
#include "base/text.h"

/* RFC 3986, 3.3 and 3.4: pchar, and what else may stand in a query. `%` is looked at when decoding. */
static bool
may_stand(uint8_t b, bool in_query)
{
	if ((b >= '0' && b <= '9') || (b >= 'A' && b <= 'Z') || (b >= 'a' && b <= 'z'))
		return true;
	return b && (strchr("-._~!$&'()*+,;=:@%/", b) || (in_query && b == '?'));
}

static bool
all_may_stand(struct slice s, bool in_query)
{
	for (size_t i = 0; i < s.size; i++)
		if (!may_stand(s.data[i], in_query))
			return false;
	return true;
}

static int
hex(uint8_t b)
{
	if (b >= '0' && b <= '9')
		return b - '0';
	b |= 0x20;
	return b >= 'a' && b <= 'f' ? b - 'a' + 10 : -1;
}

/* Decodes into `out`, which has room for as many bytes as there are; false at half an escape. */
static bool
decode(struct slice s, bool plus_is_space, struct writer *out)
{
	struct reader in = reader_of(s);
	while (in.rest.size) {
		uint8_t b = read_u8(&in);
		if (b == '%') {
			int high = hex(read_u8(&in)), low = hex(read_u8(&in));
			if (high < 0 || low < 0)
				return false;
			b = (uint8_t)(high << 4 | low);
		} else if (b == '+' && plus_is_space)
			b = ' ';
		write_u8(out, b);
	}
	return !out->failed;
}

/* Decoded text that follows what `out` already holds, or the sent bytes themselves where nothing is escaped. */
static bool
decoded(struct slice s, bool plus_is_space, struct writer *out, struct slice *text)
{
	if (s.size == 0 || (!memchr(s.data, '%', s.size) && !(plus_is_space && memchr(s.data, '+', s.size)))) {
		*text = s;
		return true;
	}
	size_t from = out->size;
	if (!decode(s, plus_is_space, out))
		return false;
	*text = slice_of(out->data + from, out->size - from);
	return text_is_utf8(*text);
}

/* An encoded slash is refused, not kept as data: between us and the client there may be a proxy that takes it for a
 * slash, and then the two of us speak of different things. The same goes for `\` and for dots. */
static bool
is_segment(struct slice s)
{
	if (slice_is(s, ".") || slice_is(s, ".."))
		return false;
	for (size_t i = 0; i < s.size; i++)
		if (s.data[i] < 0x20 || s.data[i] == 0x7f || s.data[i] == '/' || s.data[i] == '\\')
			return false;
	return true;
}

/* What stands before `mark`, or all; takes the mark too. */
static struct slice
take(struct slice *rest, uint8_t mark)
{
	const uint8_t *at = rest->size ? memchr(rest->data, mark, rest->size) : NULL;
	struct slice s = slice_of(rest->data, at ? (size_t)(at - rest->data) : rest->size);
	*rest = slice_from(*rest, s.size + 1);
	return s;
}

static fallible
read_segment(struct slice sent, bool last, struct http_request *r, struct writer *out, struct http_fault *fault)
{
	struct slice segment;
	if (sent.size == 0 && !last)
		return http_fault(fault, 400, "the path has an empty segment");
	if (r->segment_count == HTTP_SEGMENTS_MAX)
		return http_fault(fault, 414, "the path has more than 32 segments");
	if (!decoded(sent, false, out, &segment) || !is_segment(segment))
		return http_fault(fault, 400, "the path has a segment that is not plain UTF-8 text");
	r->segments[r->segment_count++] = segment;
	return NULL;
}

static fallible
read_path(struct http_request *r, struct writer *out, struct http_fault *fault)
{
	struct slice rest = slice_from(r->path, 1);
	for (bool last = rest.size == 0; !last;) {
		last = rest.size == 0 || !memchr(rest.data, '/', rest.size);
		TRY(read_segment(take(&rest, '/'), last, r, out, fault));
	}
	return NULL;
}

static fallible
read_query(struct http_request *r, struct writer *out, struct http_fault *fault)
{
	struct slice rest = r->query;
	while (rest.size) {
		struct slice value = take(&rest, '&'), name;
		struct http_pair pair;
		if (value.size == 0)
			continue;
		name = take(&value, '=');
		if (r->parameter_count == HTTP_PARAMETERS_MAX)
			return http_fault(fault, 414, "the query has more than 64 parameters");
		if (!decoded(name, true, out, &pair.name) || !decoded(value, true, out, &pair.value))
			return http_fault(fault, 400, "the query is not UTF-8 text, percent-encoded");
		r->parameters[r->parameter_count++] = pair;
	}
	return NULL;
}

fallible
http_target_parse(const void *owner, struct http_request *r, struct http_fault *fault)
{
	struct slice rest = r->target;
	struct writer out = { 0 };
	if (rest.size == 0 || rest.data[0] != '/')
		return http_fault(fault, 400, "the target is not a path");
	r->path = take(&rest, '?');
	r->query = rest;
	if (!all_may_stand(r->path, false) || !all_may_stand(r->query, true))
		return http_fault(fault, 400, "the target has a character that must be percent-encoded");
	if (memchr(r->target.data, '%', r->target.size) || (rest.size && memchr(rest.data, '+', rest.size)))
		out = writer_of(memory_zeroed(owner, 1, r->target.size, "decoded"), r->target.size);
	TRY(read_path(r, &out, fault));
	return read_query(r, &out, fault);
}

struct slice
http_parameter_find(const struct http_request *r, const char *name)
{
	for (size_t i = 0; i < r->parameter_count; i++)
		if (slice_is(r->parameters[i].name, name))
			return r->parameters[i].value.data ? r->parameters[i].value : LITERAL("");
	return (struct slice){ NULL, 0 };
}
