/* size.c - at most 1 KB a policy, whatever its shape, in small sets and in large ones. */
#include "ask.h"

#include "../../bench/cedar/shapes.h"

static void
test_bytes_a_policy(void **state)
{
	static const size_t counts[] = { 10, 100, 10000 };
	size_t i, j;

	(void)state;
	for (i = 0; i < SHAPES; i++)
		for (j = 0; j < 3; j++) {
			size_t bytes = shape_bytes(i, counts[j]);

			if (bytes == 0 || bytes > 1024)
				fail_msg("%s: %zu bytes a policy at %zu", shapes[i].name, bytes, counts[j]);
		}
}

/* The set keeps no text of its own, and the figure that it gives is what it took. */
static size_t taken;

static void *
counted_alloc(void *context, size_t size)
{
	size_t *block = malloc(size + 16);

	(void)context;
	if (block == NULL)
		return NULL;
	*block = size;
	taken += size;
	return (char *)block + 16;
}

static void
counted_free(void *context, void *block)
{
	(void)context;
	if (block == NULL)
		return;
	block = (char *)block - 16;
	taken -= *(size_t *)block;
	free(block);
}

static void
test_figure_is_true(void **state)
{
	static const struct cedar_memory memory = { counted_alloc, counted_free, NULL };
	struct cedar_policies *policies;
	struct cedar_fault fault;
	size_t size = 0, i;

	(void)state;
	for (i = 0; i < SHAPES; i++) {
		char *text = shape_text(shapes[i].text, 1000, &size);

		taken = 0;
		assert_true(cedar_policies_parse(&memory, (struct cedar_text){ text, size }, &policies, &fault));
		assert_int_equal(taken, cedar_policies_memory(policies));
		cedar_policies_free(policies);
		assert_int_equal(taken, 0);
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_bytes_a_policy), cmocka_unit_test(test_figure_is_true) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
