/* explain.c - what a denial and an allow are explained with. */
#include "ask.h"

#include "cedar/explain.h"

static const char policies_text[] =
    "permit(principal == User::\"bob\", action, resource);"
    "permit(principal, action, resource) when { context.n == 7 && principal.level > 5 && true };"
    "permit(principal, action, resource == Doc::\"other\") when { true };"
    "permit(principal, action, resource) when { true } unless { context.n == 7 };"
    "permit(principal, action, resource) when { principal.nope == 1 };";

static void
explain(const char *text, size_t most, void (*check)(const struct cedar_explained *))
{
	struct cedar_builder *builder = cedar_builder_new(NULL);
	struct cedar_value *context = cedar_value_record(builder);
	struct cedar_request request = { uid_of("User", "alice"), uid_of("Action", "view"), uid_of("Doc", "plan"),
		                         context };
	struct cedar_policies *policies;
	struct cedar_explained explained;

	world_make(builder);
	cedar_record_put(builder, context, "n", cedar_value_long(builder, 7));
	assert_true(cedar_policies_parse(NULL, text_of(text), &policies, NULL));
	assert_true(cedar_explain(NULL, policies, NULL, builder, &request, most, &explained));
	check(&explained);
	cedar_explained_free(&explained);
	cedar_policies_free(policies);
	cedar_builder_free(builder);
}

static void
check_denial(const struct cedar_explained *explained)
{
	assert_false(explained->allow);
	assert_int_equal(explained->count, 4);
	assert_int_equal(explained->items[0].policy, 1);
	assert_int_equal(explained->items[0].outcome, CEDAR_FAILED_CONDITION);
	assert_string_equal(explained->items[0].clause.data, "principal.level > 5");
	assert_int_equal(explained->items[1].policy, 3);
	assert_int_equal(explained->items[1].condition, 1);
	assert_true(explained->items[1].unless);
	assert_string_equal(explained->items[1].clause.data, "context.n == 7");
	assert_int_equal(explained->items[2].policy, 4);
	assert_int_equal(explained->items[2].outcome, CEDAR_ERRED);
	assert_non_null(strstr(explained->items[2].message, "nope"));
	assert_int_equal(explained->items[3].policy, 0);
	assert_int_equal(explained->items[3].outcome, CEDAR_FAILED_SCOPE);
	assert_false(explained->items[3].matched[0]);
	assert_true(explained->items[3].matched[1] && explained->items[3].matched[2]);
}

static void
check_forbidden(const struct cedar_explained *explained)
{
	assert_false(explained->allow);
	assert_int_equal(explained->count, 1);
	assert_int_equal(explained->items[0].policy, 1);
	assert_int_equal(explained->items[0].outcome, CEDAR_APPLIES);
}

static void
check_allowed(const struct cedar_explained *explained)
{
	assert_true(explained->allow);
	assert_int_equal(explained->count, 1);
	assert_int_equal(explained->items[0].policy, 0);
}

/* The conjunct itself, wherever it stands. */
static const char *expected;

static void
check_clause(const struct cedar_explained *explained)
{
	assert_int_equal(explained->count, 1);
	assert_string_equal(explained->items[0].clause.data, expected);
}

static void
test_clauses(void **state)
{
	static const struct {
		const char *condition, *clause;
	} cases[] = { { "when { true && (context.n == 7 && (principal.level > 5 && true)) }", "principal.level > 5" },
		      { "when { (true && false) && principal.nope }", "false" },
		      { "when { true && (context.n == 7 && principal.nope == 1) }", "principal.nope == 1" },
		      { "when { context.n == 7 && (false || principal.level > 5) }", "false || principal.level > 5" },
		      { "when { true && principal has address.street }",
		        "principal has address && principal.address has street" },
		      { "when { principal.level > 5 }", "principal.level > 5" },
		      { "unless { false || (principal.level > 5 || context.n == 7) }", "context.n == 7" },
		      { "unless { context.n == 7 && true }", "context.n == 7 && true" },
		      { "unless { false || principal.nope }", "principal.nope" } };
	char text[200];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		snprintf(text, sizeof text, "permit(principal, action, resource) %s;", cases[i].condition);
		expected = cases[i].clause;
		explain(text, 5, check_clause);
	}
}

static void
test_explained(void **state)
{
	(void)state;
	explain(policies_text, 4, check_denial);
	explain("permit(principal,action,resource); forbid(principal,action,resource) when { context.n == 7 };", 5,
	        check_forbidden);
	explain("permit(principal,action,resource); permit(principal,action,resource) when { false };", 5,
	        check_allowed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_explained), cmocka_unit_test(test_clauses) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
