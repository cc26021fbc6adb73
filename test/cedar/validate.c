/* validate.c - what the validator knows behind a guard, and that it comes to an end. */
#include "ask.h"

#include <stdlib.h>
#include <time.h>

#include "cedar/schema.h"

static struct cedar_fault found;

/* Errors in policies, text or JSON; the first one's message is kept. */
static size_t
errors_of(const char *schema_text, const char *policies_text, bool json)
{
	struct cedar_policies *policies = NULL;
	struct cedar_schema *schema = NULL;
	struct cedar_report report;
	size_t errors, i;

	if (!cedar_schema_parse(NULL, text_of(schema_text), &schema, &found) ||
	    !(json ? cedar_policies_parse_json(NULL, text_of(policies_text), &policies, &found)
	           : cedar_policies_parse(NULL, text_of(policies_text), &policies, &found)))
		fail_msg("%s: %u:%u: %s", policies_text, found.line, found.column, found.message);
	assert_true(cedar_validate(NULL, schema, policies, &report));
	errors = report.errors;
	found = (struct cedar_fault){ 0 };
	for (i = 0; i < report.count && found.message[0] == '\0'; i++)
		if (!report.problems[i].warning)
			found = report.problems[i].fault;
	cedar_report_free(&report);
	cedar_policies_free(policies);
	cedar_schema_free(schema);
	return errors;
}

/* What is tested and what is then used are one thing to the reference where they come out the same when it has parsed them. */
static void
test_guards(void **state)
{
	static const char schema[] = "entity E { x?: Long, b: Bool, e: E, r: {a: E, b: E} };"
	                             "action a appliesTo { principal: E, resource: E };";
	static const struct {
		const char *tested, *used;
		bool same;
	} cases[] = {
		{ "{x: principal, y: 1}.x", "{y: 1, x: principal}.x", true },
		{ "{x: principal, y: 1}.x", "{y: 2, x: principal}.x", false },
		{ "(if principal != resource then principal else resource)",
		  "(if !(principal == resource) then principal else resource)", true },
		{ "(if principal != resource then principal else resource)",
		  "(if principal == resource then principal else resource)", false },
		{ "(if 1 > 2 then principal else resource)", "(if !(1 <= 2) then principal else resource)", true },
		{ "(if 1 > 2 then principal else resource)", "(if !(1 < 2) then principal else resource)", false },
		{ "(if 1 > 2 then principal else resource)", "(if 2 < 1 then principal else resource)", false },
		{ "(if 1 >= 2 then principal else resource)", "(if !(1 < 2) then principal else resource)", true },
		{ "(if principal is E in resource then principal else resource)",
		  "(if principal is E && principal in resource then principal else resource)", true },
		{ "(if principal is E in resource && resource.b then principal else resource)",
		  "(if principal is E && principal in resource && resource.b then principal else resource)", true },
		{ "(if principal is E in resource then principal else resource)",
		  "(if principal in resource && principal is E then principal else resource)", false },
		{ "(if principal.b && resource.b && principal.e.b then principal else resource)",
		  "(if (principal.b && resource.b) && principal.e.b then principal else resource)", true },
		{ "(if principal.b && resource.b && principal.e.b then principal else resource)",
		  "(if principal.b && (resource.b && principal.e.b) then principal else resource)", false },
		{ "(if principal.b || resource.b then principal else resource)",
		  "(if principal.b && resource.b then principal else resource)", false }
	};
	char text[1000];
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		(void)state;
		snprintf(text, sizeof text, "permit(principal, action, resource) when { %s has x && %s.x == 1 };",
		         cases[i].tested, cases[i].used);
		if ((errors_of(schema, text, false) == 0) != cases[i].same)
			fail_msg("%s: wrongly %s (%s)", text, cases[i].same ? "refused" : "accepted", found.message);
	}
}

/* Only the policy that calls it is at fault. */
static void
test_function_that_is_not(void **state)
{
	static const char set[] = "{\"staticPolicies\":{\"a\":{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},"
	                          "\"action\":{\"op\":\"All\"},\"resource\":{\"op\":\"All\"},"
	                          "\"conditions\":[{\"kind\":\"when\",\"body\":{\"==\":{\"left\":{\"Value\":1},"
	                          "\"right\":{\"Value\":{\"__extn\":{\"fn\":\"decimall\",\"arg\":\"1.0\"}}}}}}]},"
	                          "\"b\":{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":"
	                          "\"All\"},\"resource\":{\"op\":\"All\"},\"conditions\":[]}}}";

	(void)state;
	assert_int_equal(errors_of("entity E; action a appliesTo { principal: E, resource: E };", set, true), 1);
	assert_non_null(strstr(found.message, "there is no function `decimall`"));
	assert_string_equal(found.suggestion, "did you mean decimal?");
}

/* Two types that are trees of 2^40 leaves when they are written out, and the same. */
static void
test_types_that_share(void **state)
{
	static char schema[16384];
	size_t size = 0, i;
	clock_t start = clock();

	(void)state;
	size += (size_t)sprintf(schema, "type T0 = {a: Long}; type U0 = {a: Long}; type V0 = {a: String};");
	for (i = 0; i < 40; i++)
		size +=
		    (size_t)sprintf(schema + size,
		                    "type T%zu = {a: T%zu, b: T%zu}; type U%zu = {a: U%zu, b: Set<U%zu>}; type V%zu = "
		                    "{a: V%zu, b: V%zu};"
		                    "type W%zu = {a: %s%zu, b: %s%zu};",
		                    i + 1, i, i, i + 1, i, i, i + 1, i, i, i + 1, i ? "W" : "T", i, i ? "W" : "T", i);
	sprintf(schema + size,
	        "entity E {t: T40, u: U40, v: V40, w: W40}; action a appliesTo {principal: E, resource: E};");
	assert_int_equal(
	    errors_of(schema, "permit(principal, action, resource) when { principal.t == principal.w };", false), 0);
	assert_int_equal(
	    errors_of(schema, "permit(principal, action, resource) when { principal.t == principal.u };", false), 1);
	assert_int_equal(
	    errors_of(schema, "permit(principal, action, resource) when { principal.w == principal.v };", false), 1);
	assert_non_null(strstr(found.message, "can never be equal"));
	assert_int_equal(errors_of(schema,
	                           "permit(principal, action, resource) when { (if principal.t == resource.w then "
	                           "principal.w else principal.t) == "
	                           "resource.t && [principal.t, resource.w].contains(principal.w) };",
	                           false),
	                 0);
	assert_true(clock() - start < 5 * CLOCKS_PER_SEC);
}

/* 33 records against 33 others, each of 1,000 attributes, in every pairing: a million steps, which are too many. */
static void
test_too_complex(void **state)
{
	size_t size = 0, i, j;
	char *schema = malloc(2 << 20);
	clock_t start = clock();

	(void)state;
	assert_non_null(schema);
	for (i = 0; i < 66; i++) {
		size += (size_t)sprintf(schema + size, "type R%zu = {", i);
		for (j = 0; j < 1000; j++)
			size += (size_t)sprintf(schema + size, "a%zu: Long,", j);
		size += (size_t)sprintf(schema + size, "};");
	}
	for (i = 0; i < 2; i++) {
		size += (size_t)sprintf(schema + size, "type %s = {", i ? "U" : "T");
		for (j = 0; j < 33 * 33; j++)
			size += (size_t)sprintf(schema + size, "a%zu: R%zu,", j, i ? 33 + j / 33 : j % 33);
		size += (size_t)sprintf(schema + size, "};");
	}
	sprintf(schema + size, "entity E {t: T, u: U}; action a appliesTo {principal: E, resource: E};");
	assert_int_equal(
	    errors_of(schema, "permit(principal, action, resource) when { principal.t == principal.u };", false), 1);
	assert_string_equal(found.message, "the policy is too complex to be checked");
	assert_int_equal(
	    errors_of(schema, "permit(principal, action, resource) when { principal.t == resource.t };", false), 0);
	assert_true(clock() - start < 5 * CLOCKS_PER_SEC);
	free(schema);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_guards), cmocka_unit_test(test_function_that_is_not),
		                            cmocka_unit_test(test_types_that_share),
		                            cmocka_unit_test(test_too_complex) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
