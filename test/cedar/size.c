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
static void
test_figure_is_true(void **state)
{
	size_t taken = 0;
	const struct cedar_memory memory = { counting_alloc, counting_free, &taken };
	struct cedar_policies *policies;
	struct cedar_fault fault;
	size_t size = 0, i;

	(void)state;
	for (i = 0; i < SHAPES; i++) {
		char *text = shape_text(shapes[i].text, 1000, &size);

		assert_true(cedar_policies_parse(&memory, (struct cedar_text){ text, size }, &policies, &fault));
		assert_int_equal(taken, cedar_policies_memory(policies));
		cedar_policies_free(policies);
		assert_int_equal(taken, 0);
		free(text);
	}
}

/* A set that was made link by link holds what it is made of, not all that it was on the way. */
static void
test_links_hold_no_more(void **state)
{
	size_t taken = 0;
	const struct cedar_memory memory = { counting_alloc, counting_free, &taken };
	const char *text = "permit(principal == ?principal, action, resource in ?resource) when { resource.open };"
	                   "permit(principal, action, resource == Doc::\"d\");";
	struct cedar_uid_text user = uid_of("User", "u"), folder = uid_of("Folder", "f");
	struct cedar_request request = { uid_of("User", "u7"), uid_of("Action", "a"), uid_of("Doc", "d"),
		                         cedar_context_empty() };
	struct cedar_policies *policies, *linked;
	struct cedar_scratch *scratch = cedar_scratch_new(NULL);
	struct cedar_response response;
	struct cedar_fault fault;
	char id[32];
	int i;

	(void)state;
	assert_true(cedar_policies_parse(&memory, text_of(text), &policies, &fault));
	for (i = 0; i < 400; i++) {
		snprintf(id, sizeof id, "u%d", i);
		user.id = text_of(id);
		assert_true(
		    cedar_policies_link(policies, text_of("policy0"), text_of(id), &user, &folder, &linked, &fault));
		cedar_policies_free(policies);
		policies = linked;
	}
	assert_int_equal(taken, cedar_policies_memory(policies));
	assert_in_range(taken / 400, 1, 512);
	assert_int_equal(cedar_policies_count(policies), 401);
	assert_memory_equal(cedar_policy_id(policies, 8).data, "u7", 2);
	assert_true(cedar_authorize(policies, NULL, NULL, &request, scratch, &response));
	assert_int_equal(response.reason_count, 1);
	assert_int_equal(response.error_count, 0);
	cedar_policies_free(policies);
	cedar_scratch_free(scratch);
	assert_int_equal(taken, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_bytes_a_policy),
		                            cmocka_unit_test(test_figure_is_true),
		                            cmocka_unit_test(test_links_hold_no_more) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
