/* parse.c - what is accepted, what is refused, where the fault is and what we suggest. */
#include "ask.h"

static bool
parses(const char *text)
{
	struct cedar_policies *policies = NULL;
	bool parsed = cedar_policies_parse(NULL, text_of(text), &policies, NULL);

	cedar_policies_free(policies);
	return parsed;
}

static void
test_accepted(void **state)
{
	static const char *const texts[] = {
		"",
		"// nothing",
		"permit(principal,action,resource);",
		"@id(\"x\") @bare @if(\"y\") permit(principal,action,resource,);",
		("forbid(principal == A::B::\"c\", action in [Action::\"x\", N::Action::\"y\",], resource is R in "
		 "(P::\"q\"));"),
		"permit(principal in ?principal, action, resource == ?resource);",
		"permit(principal is A::B, action in [], resource) when {true} unless {false} when {true};",
		"permit(principal,action,resource) when { {if: 1}.x == 1 || true };",
		"permit(principal,action,resource) when { {\"if\": 1, then2: 2,} has then2 };",
		"permit(principal,action,resource) when { [1,2,].contains(1) };",
		"permit(principal,action,resource) when { principal.principal.permit.in2 == 1 };",
		"permit(principal,action,resource) when { \"\\u{00_e9}\\x41\\n\" == \"\" };"
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof texts / sizeof *texts; i++)
		if (parses(texts[i]) != (i != 7))
			fail_msg("accepted or refused wrongly: %s", texts[i]);
}

static void
test_refused(void **state)
{
	static const char *const texts[] = {
		"permit(principal,action,resource)",
		"permit(principal,resource,action);",
		"permit(principal,action);",
		"allow(principal,action,resource);",
		"permit(principal == User, action, resource);",
		"permit(principal == ?resource, action, resource);",
		"permit(principal, action == User::\"x\", resource);",
		"permit(principal, action is Action, resource);",
		"permit(principal: User, action, resource);",
		"permit(principal == in::\"x\", action, resource);",
		"permit(principal is User == User::\"x\", action, resource);",
		"permit(principal in [User::\"x\"], action, resource);",
		"@a(\"1\") @a(\"2\") permit(principal,action,resource);",
		"permit(principal,action,resource) when {};",
		"permit(principal,action,resource) if {true};",
		"permit(principal,action,resource) when { ?principal == principal };",
		"permit(principal,action,resource) when { 1 == 1 == 1 };",
		"permit(principal,action,resource) when { 1 < 2 < 3 };",
		"permit(principal,action,resource) when { principal = 1 };",
		"permit(principal,action,resource) when { foo };",
		"permit(principal,action,resource) when { foo(1) };",
		"permit(principal,action,resource) when { principal.foo(1) };",
		"permit(principal,action,resource) when { isIpv4(1) };",
		"permit(principal,action,resource) when { [1].contains(1, 2) };",
		"permit(principal,action,resource) when { {a: 1, a: 2} == 1 };",
		"permit(principal,action,resource) when { principal[1] == 1 };",
		"permit(principal,action,resource) when { \"\\q\" == \"\" };",
		"permit(principal,action,resource) when { \"\\u{D800}\" == \"\" };",
		"permit(principal,action,resource) when { \"\\x80\" == \"\" };",
		"permit(principal,action,resource) when { \"abc };",
		"permit(principal,action,resource) when { principal has 1 };",
		"permit(principal,action,resource) when { principal has a + 1 };",
		"permit(principal,action,resource) when { principal like 1 };",
		"permit(principal,action,resource) when { true && if true then true else true };",
		"permit(principal,action,resource) when { __cedar::\"x\" == 1 };",
		"permit(principal,action,resource) when { principal.if == 1 };",
		"permit(principal,action,resource) when { principal(1) };",
		"permit(principal,action,resource) when { 'x' == 1 };",
		"\xff",
		"permit(principal,action,resource) when { \"\xc3\" == \"\" };"
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof texts / sizeof *texts; i++)
		if (parses(texts[i]))
			fail_msg("accepted: %s", texts[i]);
}

static void
test_fault(void **state)
{
	struct cedar_policies *policies = NULL;
	struct cedar_fault fault;

	(void)state;
	assert_false(cedar_policies_parse(NULL, text_of("permit(principal,action,resource)\nwhen {\n  principle.x\n};"),
	                                  &policies, &fault));
	assert_null(policies);
	assert_int_equal(fault.line, 3);
	assert_int_equal(fault.column, 3);
	assert_int_equal(fault.offset, 43);
	assert_string_equal(fault.suggestion, "did you mean principal?");
	assert_false(cedar_policies_parse(NULL, text_of("permit(principal,action,resource) when { [1].contans(1) };"),
	                                  &policies, &fault));
	assert_string_equal(fault.suggestion, "did you mean contains?");
	assert_false(cedar_policies_parse(NULL, text_of("permti(principal,action,resource);"), &policies, &fault));
	assert_string_equal(fault.suggestion, "did you mean permit?");
}

static void
test_parts(void **state)
{
	struct cedar_policies *policies;
	struct cedar_text text;

	(void)state;
	assert_true(cedar_policies_parse(NULL,
	                                 text_of("@id(\"first\")\npermit(principal,action,resource); permit(principal "
	                                         "== ?principal,action,resource); forbid(principal,action,resource);"),
	                                 &policies, NULL));
	assert_int_equal(cedar_policies_count(policies), 2);
	assert_int_equal(cedar_templates_count(policies), 1);
	text = cedar_policy_annotation(policies, 0, "id");
	assert_int_equal(text.size, 5);
	assert_memory_equal(text.data, "first", 5);
	assert_null(cedar_policy_annotation(policies, 0, "nope").data);
	assert_true(cedar_policy_forbids(policies, 1));
	text = cedar_policy_id(policies, 1);
	assert_memory_equal(text.data, "policy2", 7); /* templates count in the order of the text */
	text = cedar_policy_source(policies, 1);
	assert_int_equal(text.size, strlen("forbid(principal,action,resource);"));
	cedar_policies_free(policies);
}

static void
test_links(void **state)
{
	struct cedar_policies *policies, *linked, *again = NULL;
	struct cedar_uid_text alice = uid_of("User", "alice");
	struct cedar_request request = { uid_of("User", "alice"), uid_of("Action", "a"), uid_of("R", "r"),
		                         cedar_context_empty() };
	struct cedar_scratch *scratch = cedar_scratch_new(NULL);
	struct cedar_response response;
	struct cedar_fault fault;

	(void)state;
	assert_true(
	    cedar_policies_parse(NULL, text_of("permit(principal == ?principal,action,resource);"), &policies, NULL));
	assert_false(cedar_policies_link(policies, text_of("policy0"), text_of("l"), NULL, NULL, &linked, &fault));
	assert_false(cedar_policies_link(policies, text_of("policy0"), text_of("l"), &alice, &alice, &linked, &fault));
	assert_false(cedar_policies_link(policies, text_of("nope"), text_of("l"), &alice, NULL, &linked, &fault));
	assert_false(
	    cedar_policies_link(policies, text_of("policy0"), text_of("policy0"), &alice, NULL, &linked, &fault));
	assert_true(cedar_policies_link(policies, text_of("policy0"), text_of("l"), &alice, NULL, &linked, &fault));
	cedar_policies_free(policies); /* the link keeps what it borrows */
	assert_false(cedar_policies_link(linked, text_of("policy0"), text_of("l"), &alice, NULL, &again, &fault));
	assert_true(cedar_authorize(linked, NULL, NULL, &request, scratch, &response));
	assert_true(response.allow);
	request.principal = uid_of("User", "bob");
	assert_true(cedar_authorize(linked, NULL, NULL, &request, scratch, &response));
	assert_false(response.allow);
	cedar_policies_free(linked);
	cedar_scratch_free(scratch);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted), cmocka_unit_test(test_refused), cmocka_unit_test(test_fault),
		cmocka_unit_test(test_parts),    cmocka_unit_test(test_links),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
