/* http_chunks_parse: the same body, the same end and the same verdict however the bytes are cut. */
#include "fuzz.h"

#include "https/http.h"

struct result {
	bool refused, done;
	size_t used, size;
	uint8_t body[4096];
};

static void
run(struct slice input, size_t piece, struct result *r)
{
	struct http_chunks c = { 0 };
	struct http_fault fault = { 0 };
	*r = (struct result){ 0 };
	while (r->used < input.size && !r->done) {
		size_t left = input.size - r->used, used = SIZE_MAX;
		struct slice data;
		if (http_chunks_parse(&c, slice_of(input.data + r->used, left < piece ? left : piece), &used, &data, &r->done,
		                      &fault)) {
			assert(fault.status >= 400 && fault.because);
			r->refused = true;
			return;
		}
		assert(used > 0 && used <= left && data.size <= used);
		r->used += used;
		assert(r->size + data.size <= sizeof r->body);
		if (data.size)
			memcpy(r->body + r->size, data.data, data.size);
		r->size += data.size;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct result whole, cut;
	if (size < 1 || size > sizeof whole.body)
		return 0;
	struct slice input = slice_of(data + 1, size - 1);
	run(input, SIZE_MAX, &whole);
	for (size_t piece = 1; piece <= 1u + data[0]; piece += data[0] ? data[0] : 1u) {
		run(input, piece, &cut);
		assert(whole.refused == cut.refused && whole.done == cut.done);
		if (!whole.refused)
			assert(whole.used == cut.used && whole.size == cut.size && memcmp(whole.body, cut.body, cut.size) == 0);
	}
	return 0;
}
