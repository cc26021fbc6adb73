/* The gateway's reader of both sides: the same messages however the bytes are cut; the first packet; what is read of bodies. */
#include "fuzz.h"

#include "postgres/wire.h"

struct result {
	size_t messages, bodies;
	uint32_t hash;
	bool failed;
};

static void
mix(struct result *r, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		r->hash = (r->hash ^ data[i]) * 16777619u;
}

static void
run(struct slice input, size_t piece, struct result *r)
{
	struct frames f = { 0 };
	*r = (struct result){ 0 };
	while (input.size && !f.failed) {
		struct slice some = slice_of(input.data, input.size < piece ? input.size : piece);
		struct piece p;
		input = slice_from(input, some.size);
		while (frames_next(&f, &some, &p)) {
			assert(p.begins == (p.body.size == 0));
			r->messages += p.begins;
			r->bodies += p.body.size;
			mix(r, &p.type, p.begins);
			mix(r, p.body.data, p.body.size);
			assert(p.body.size <= p.size);
		}
	}
	r->failed = f.failed;
}

static err_t
each(void *argument, struct slice name, struct slice value)
{
	size_t *count = argument;
	assert(name.size > 0);
	*count += 1 + (value.size ? value.data[0] : 0);
	return NULL;
}

static void
first_packet(struct slice input)
{
	struct startup s;
	size_t size, count = 0;
	if (startup_size(input, &size) || size == 0 || size > input.size)
		return;
	SCOPED uint8_t *copy = talloc_memdup(NULL, input.data, size);
	if (startup_parse(slice_of(copy, size), &s))
		return;
	assert(s.count <= STARTUP_PARAMETERS && s.unknown_count <= STARTUP_PARAMETERS && s.key.size <= CANCEL_KEY_MAX);
	err_t e = options_each(copy, s.options, each, &count);
	(void)e;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct result whole, cut;
	char sqlstate[6];
	uint64_t rows;
	if (size < 1 || size > 4096)
		return 0;
	struct slice input = slice_of(data + 1, size - 1);
	run(input, SIZE_MAX, &whole);
	for (size_t piece = 1; piece <= 1u + data[0] % 32; piece++) {
		run(input, piece, &cut);
		assert(whole.failed == cut.failed && whole.messages == cut.messages && whole.bodies == cut.bodies && whole.hash == cut.hash);
	}
	first_packet(input);
	error_sqlstate(input, sqlstate);
	assert(strlen(sqlstate) <= 5);
	tag_rows(input, &rows);
	return 0;
}
