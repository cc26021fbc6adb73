/* http_head_find and http_request_parse (with http_target_parse behind it): the same however the bytes are cut, and
 * what is taken has the form that http.h promises. */
#include "fuzz.h"

#include "base/text.h"
#include "https/http.h"

/* The size of the head, 0 where it has no end yet, SIZE_MAX where it is refused. */
static size_t
find(struct slice input, size_t piece)
{
	struct http_fault fault = { 0 };
	size_t checked = 0, size = 0;
	for (size_t there = piece < input.size ? piece : input.size;; there += piece) {
		if (there > input.size)
			there = input.size;
		if (http_head_find(slice_of(input.data, there), &checked, &size, &fault)) {
			assert(fault.status >= 400 && fault.because);
			return SIZE_MAX;
		}
		assert(checked <= there && size <= there);
		if (size || there == input.size)
			return size;
	}
}

static void
check_segments(const struct http_request *r)
{
	for (size_t i = 0; i < r->segment_count; i++) {
		struct slice s = r->segments[i];
		assert(s.size > 0 || i + 1 == r->segment_count);
		assert(!slice_is(s, ".") && !slice_is(s, ".."));
		assert(s.size == 0 || (!memchr(s.data, '/', s.size) && !memchr(s.data, '\\', s.size) && text_is_utf8(s)));
		for (size_t at = 0; at < s.size; at++)
			assert(s.data[at] >= 0x20 && s.data[at] != 0x7f);
	}
}

static void
check_request(const struct http_request *r)
{
	assert(r->method.size > 0 && r->method.size <= HTTP_METHOD_MAX);
	assert(r->target.size > 0 && r->target.size <= HTTP_TARGET_MAX && r->target.data[0] == '/');
	assert(r->host.size > 0);
	assert(r->segment_count <= HTTP_SEGMENTS_MAX && r->parameter_count <= HTTP_PARAMETERS_MAX);
	assert(r->header_count > 0 && r->header_count <= HTTP_HEADERS_MAX);
	for (size_t i = 0; i < r->header_count; i++)
		assert(http_header_check(&r->headers[i]) && r->headers[i].value.data);
	for (size_t i = 0; i < r->parameter_count; i++)
		assert(text_is_utf8(r->parameters[i].name) && text_is_utf8(r->parameters[i].value));
	bool length = http_header_find(r, "content-length").data, coding = http_header_find(r, "transfer-encoding").data;
	assert(!(length && coding));
	assert(r->framing == (length ? HTTP_LENGTH : coding ? HTTP_CHUNKED : HTTP_NO_BODY));
	check_segments(r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	struct slice input = slice_of(data + 1, size - 1);
	size_t head = find(input, SIZE_MAX);
	assert(head == find(input, 1) && head == find(input, 1u + data[0]));
	if (head == 0 || head == SIZE_MAX)
		return 0;
	void *owner = talloc_new(NULL);
	struct http_fault fault = { 0 };
	struct http_request *r = talloc(owner, struct http_request);
	memset(r, 0xa5, sizeof *r);
	if (http_request_parse(owner, memory_copy(owner, slice_of(input.data, head)), r, &fault))
		assert(fault.status >= 400 && fault.status <= 505 && fault.because);
	else
		check_request(r);
	talloc_free(owner);
	return 0;
}
