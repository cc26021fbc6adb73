/* The buffer against plain arithmetic: byte n of the stream is a function of n, whatever is appended and consumed. */
#include "test.h"

#include "door/buffer.h"

#include <stdlib.h>

static uint8_t
byte_at(size_t n)
{
	return (uint8_t)(n * 31 + (n >> 8));
}

static void
what_goes_in_comes_out_in_order(void **state)
{
	(void)state;
	void *owner = talloc_new(NULL);
	struct buffer b = { 0 };
	size_t in = 0, out = 0;
	srandom(4711);
	for (int i = 0; i < 20000; i++) {
		uint8_t piece[3000];
		size_t size = (size_t)random() % (i % 50 == 0 ? sizeof piece : 300);
		for (size_t k = 0; k < size; k++)
			piece[k] = byte_at(in++);
		buffer_append(owner, &b, slice_of(piece, size));
		struct slice held = buffer_slice(&b);
		assert_int_equal(held.size, in - out);
		size_t take = held.size ? (size_t)random() % (held.size + 1) : 0;
		if (i % 100 == 99)
			take = held.size;
		for (size_t k = 0; k < take; k++)
			assert_int_equal(held.data[k], byte_at(out + k));
		buffer_consume(&b, take);
		out += take;
		assert_true(b.room <= 65536);
		if (b.size == 0)
			assert_null(b.data);
	}
	buffer_clear(&b);
	assert_int_equal(talloc_total_blocks(owner), 1);
	talloc_free(owner);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(what_goes_in_comes_out_in_order) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
