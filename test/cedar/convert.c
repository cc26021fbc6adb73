/* convert.c - policies between the formats, and the formatter. */
#include "ask.h"

#include <stdlib.h>

#include "cedar/convert.h"
#include "cedar/schema.h"

static const char policies_text[] = "@id(\"a\") @note permit(principal == N::User::\"al\\\"ice\", action in "
                                    "[Action::\"v\", Action::\"w\"], resource is Doc in F::\"f\") when { "
                                    "principal.a.b[\"c d\"] >= -3 && (context has x.y || !(principal has \"o k\")) && "
                                    "-(5) < 1 - (2 - 3) * 4 - (5 + 6) && -context.n == - -5 };\n"
                                    "forbid(principal, action == Action::\"v\", resource) unless { if principal like "
                                    "\"a*\\*\\u{7}\" then [1, {a: true, \"b c\": \"\\n\"}].contains(2) "
                                    "else resource.hasTag(\"t\") && resource.getTag(\"t\").isEmpty() } when { "
                                    "ip(\"::1\").isInRange(ip(\"10.0.0.0/8\")) };\n"
                                    "permit(principal in ?principal, action, resource == ?resource) when { principal "
                                    "is N::User in [principal, resource] };\n";

static struct cedar_policies *
parsed(const char *text)
{
	struct cedar_policies *policies = NULL;
	struct cedar_fault fault = { 0 };

	if (!cedar_policies_parse(NULL, text_of(text), &policies, &fault))
		fail_msg("%s\n%u:%u: %s", text, fault.line, fault.column, fault.message);
	return policies;
}

static struct cedar_policies *
parsed_json(const char *text)
{
	struct cedar_policies *policies = NULL;
	struct cedar_fault fault = { 0 };

	if (!cedar_policies_parse_json(NULL, text_of(text), &policies, &fault))
		fail_msg("%s\n%u:%u: %s", text, fault.line, fault.column, fault.message);
	return policies;
}

static char *
json_of(struct cedar_policies *policies)
{
	struct cedar_text text;

	assert_true(cedar_policies_write_json(NULL, policies, &text));
	cedar_policies_free(policies);
	return (char *)text.data;
}

static char *
text_from(struct cedar_policies *policies)
{
	struct cedar_text text;

	assert_true(cedar_policies_write_text(NULL, policies, &text));
	cedar_policies_free(policies);
	return (char *)text.data;
}

static char *
formatted(const char *text, unsigned width)
{
	struct cedar_format format = { .width = width };
	struct cedar_fault fault = { 0 };
	struct cedar_text out;

	if (!cedar_format_text(NULL, text_of(text), &format, &out, &fault))
		fail_msg("%s\n%u:%u: %s", text, fault.line, fault.column, fault.message);
	assert_int_equal(strlen(out.data), out.size);
	return (char *)out.data;
}

#define PERMIT \
	"{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":" \
	"\"All\"},\"conditions\":[]}"
#define TEXT "\"permit(principal,action,resource);\""
#define TEMPLATE "\"permit(principal==?principal,action,resource);\""
#define LINK "{\"templateId\":\"t\",\"newId\":\"l\",\"values\":{\"?principal\":{\"type\":\"U\",\"id\":\"a\"}}}"

/* The forms that the reference's WebAssembly interface takes; `ids` with blanks between them, NULL where it refuses. */
static void
test_json_forms(void **state)
{
	static const struct {
		const char *json, *ids;
	} forms[] = {
		{ "{\"staticPolicies\":\"permit(principal,action,resource);forbid(principal,action,resource);\"}",
		  "policy0 policy1 " },
		{ "{\"staticPolicies\":\"\"}", "" },
		{ "{\"staticPolicies\":[" TEXT "]}", "policy0 " },
		{ "{\"staticPolicies\":[" PERMIT "]}", "JSON policy " },
		{ "{\"staticPolicies\":[" PERMIT "," TEXT "]}", "JSON policy policy0 " },
		{ "{\"staticPolicies\":[" TEXT "," TEXT "]}", NULL },
		{ "{\"staticPolicies\":{\"a\":" TEXT ",\"b\":" PERMIT "}}", "a b " },
		{ "{\"templates\":{\"t\":" TEMPLATE "},\"templateLinks\":[" LINK "]}", "l " },
		{ "{}", "" },
		{ "{\"staticPolicies\":" TEMPLATE "}", NULL },
		{ "{\"staticPolicies\":[" TEMPLATE "]}", NULL },
		{ "{\"staticPolicies\":{\"a\":" TEMPLATE "}}", NULL },
		{ "{\"staticPolicies\":{\"a\":\"permit(principal,action,resource);permit(principal,action,resource);\"}"
		  "}",
		  NULL },
		{ "{\"staticPolicies\":{\"a\":\"\"}}", NULL },
		{ "{\"staticPolicies\":{\"a\":\"permit(\"}}", NULL },
		{ "{\"staticPolicies\":null}", NULL },
		{ "{\"templates\":{\"t\":" TEXT "}}", NULL },
		{ "{\"templates\":{\"t\":" PERMIT "}}", NULL },
		{ "{\"templates\":[" TEMPLATE "]}", NULL },
		{ "{\"templates\":{\"t\":" TEMPLATE "},\"staticPolicies\":{\"t\":" TEXT "}}", NULL },
		/* what the reference's JSON library takes for structures and words as well */
		{ "[{\"a\":" TEXT "}]", "a " },
		{ "[" TEXT ",{\"t\":" TEMPLATE "},[" LINK "]]", "policy0 l " },
		{ "[" TEXT ",{\"t\":" TEMPLATE "},[[\"t\",\"l\",{\"?principal\":[\"U\",\"a\"]}]]]", "policy0 l " },
		{ "[]", "" },
		{ "[{},{},[],1]", NULL },
		{ "[\"permit\",[\"All\"],[\"all\"],{\"op\":\"All\"},[]]", "policy0 " },
		{ "[{\"forbid\":null},[\"is\",\"U\",null],[\"All\"],[\"is\",\"R\",{\"entity\":[\"R\",\"r\"]}],[["
		  "\"when\",{\"Value\":true}]],{\"k\":\"v\"}]",
		  "policy0 " },
		{ "[\"permit\",[\"All\"],[\"All\"],[\"All\"]]", NULL },
		{ "{\"staticPolicies\":{\"a\":[\"permit\",[\"is\",\"U\"],[\"All\"],[\"All\"],[]]}}", NULL },
		{ "{\"staticPolicies\":{\"a\":[\"permit\",[\"==\",{\"entity\":{\"type\":\"U\",\"id\":\"u\"}}],[\"All\"]"
		  ",[\"All\"],[]]}}",
		  NULL },
		{ "{\"staticPolicies\":{\"a\":[\"permit\",[\"All\"],[\"All\"],[\"All\"],[[\"when\"]]]}}", NULL },
		{ "{\"staticPolicies\":{\"a\":[{\"permit\":1},[\"All\"],[\"All\"],[\"All\"],[]]}}", NULL },
		{ "{\"templates\":{\"t\":[\"permit\",{\"op\":\"==\",\"slot\":{\"?principal\":null}},[\"All\"],[\"All\"]"
		  ",[]]},\"templateLinks\":[" LINK "]}",
		  "l " },
		{ "{\"staticPolicies\":{\"a\":[\"permit\",[\"All\"],[\"All\"],[\"All\"],[[{\"unless\":null},{\"like\":{"
		  "\"left\":{\"Value\":\"a\"},"
		  "\"pattern\":[{\"Wildcard\":null},{\"Literal\":\"b\"}]}}],[\"when\",{\"==\":{\"left\":{\"Var\":{"
		  "\"principal\":null}},"
		  "\"right\":{\"unknown\":[{\"Value\":\"x\"}]}}}]]]}}",
		  "a " },
	};
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof forms / sizeof *forms; i++) {
		struct cedar_policies *policies = NULL;
		struct cedar_fault fault = { 0 };
		char ids[100] = "";

		if (cedar_policies_parse_json(NULL, text_of(forms[i].json), &policies, &fault) !=
		    (forms[i].ids != NULL))
			fail_msg("%s: %s", forms[i].json, policies ? "accepted" : fault.message);
		if (policies == NULL)
			continue;
		for (j = 0; j < cedar_policies_count(policies); j++) {
			strncat(ids, cedar_policy_id(policies, j).data, cedar_policy_id(policies, j).size);
			strcat(ids, " ");
		}
		assert_string_equal(ids, forms[i].ids);
		free(json_of(policies));
	}
}

/* Where a fault is, in policies that are JSON, and in texts inside of it, with escapes before it. */
static void
test_json_places(void **state)
{
	static const struct {
		const char *json;
		unsigned line, column;
	} cases[] = {
		{ "{\"staticPolicies\":{\n \"a\":\"permit(principal, action, resource) when { principal.nme };\"}}", 2,
		  60 },
		{ "{\"staticPolicies\":{\"a\":\n\"\\u0040x(\\\"\\uD83D\\uDE00\\\") permit(principal, action, resource) "
		  "when { principal.nme };\"}}",
		  2, 81 },
		{ "{\"staticPolicies\":\"\\n\\tpermit(principal, action, resource) when { principal.nme };\"}", 1, 77 },
		{ "{\"staticPolicies\":{\"a\":{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":"
		  "\"All\"},\"resource\":{\"op\":\"All\"},"
		  "\n\"conditions\":[{\"kind\":\"when\",\n\"body\":{\".\":{\"left\":{\"Var\":\"principal\"},\"attr\":"
		  "\"nme\"}}}]}}}",
		  3, 13 },
	};
	static const char schema_text[] = "entity U { name: Bool }; action a appliesTo { principal: U, resource: U };";
	struct cedar_schema *schema;
	struct cedar_policies *policies = NULL;
	struct cedar_report report;
	struct cedar_fault fault = { 0 };
	size_t i;

	(void)state;
	assert_true(cedar_schema_parse(NULL, text_of(schema_text), &schema, NULL));
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		policies = parsed_json(cases[i].json);
		assert_true(cedar_validate(NULL, schema, policies, &report));
		assert_int_equal(report.errors, 1);
		if (report.problems[0].fault.line != cases[i].line ||
		    report.problems[0].fault.column != cases[i].column)
			fail_msg("%s: %u:%u", cases[i].json, report.problems[0].fault.line,
			         report.problems[0].fault.column);
		cedar_report_free(&report);
		cedar_policies_free(policies);
	}
	cedar_schema_free(schema);
	policies = NULL;
	assert_false(cedar_policies_parse_json(
	    NULL, text_of("{\"staticPolicies\":{\n\"a\":\"permit(\\u0070rincipal, axtion, resource);\"}}"), &policies,
	    &fault));
	assert_int_equal(fault.line, 2);
	assert_int_equal(fault.column, 29);
}

/* Text to JSON, that to text, that to JSON: both JSONs are the same. */
static void
test_round_trip(void **state)
{
	char *first = json_of(parsed(policies_text)), *again = json_of(parsed_json(first));
	char *text = text_from(parsed_json(first)), *last = json_of(parsed(text));

	(void)state;
	assert_string_equal(first, again);
	assert_string_equal(first, last);
	free(first);
	free(again);
	free(text);
	free(last);
}

/* What the JSON of a condition looks like, to the letter. */
static void
test_json_shape(void **state)
{
	static const struct {
		const char *condition, *json;
	} cases[] = {
		{ "true", "{\"Value\":true}" },
		{ "principal == U::\"a\"", "{\"==\":{\"left\":{\"Var\":\"principal\"},\"right\":{\"Value\":{\"__"
		                           "entity\":{\"type\":\"U\",\"id\":\"a\"}}}}}" },
		{ "true && false && true", "{\"&&\":{\"left\":{\"&&\":{\"left\":{\"Value\":true},\"right\":{\"Value\":"
		                           "false}}},\"right\":{\"Value\":true}}}" },
		{ "context has a.b", "{\"&&\":{\"left\":{\"has\":{\"left\":{\"Var\":\"context\"},\"attr\":\"a\"}},"
		                     "\"right\":{\"has\":{\"left\":"
		                     "{\".\":{\"left\":{\"Var\":\"context\"},\"attr\":\"a\"}},\"attr\":\"b\"}}}}" },
		{ "\"x\" like \"a*\"",
		  "{\"like\":{\"left\":{\"Value\":\"x\"},\"pattern\":[{\"Literal\":\"a\"},\"Wildcard\"]}}" },
		{ "principal is A::B in resource", "{\"is\":{\"left\":{\"Var\":\"principal\"},\"entity_type\":\"A::B\","
		                                   "\"in\":{\"Var\":\"resource\"}}}" },
		{ "ip(\"::1\").isIpv6()", "{\"isIpv6\":[{\"ip\":[{\"Value\":\"::1\"}]}]}" },
		{ "[-1, {a: -context.n}] == 1",
		  "{\"==\":{\"left\":{\"Set\":[{\"Value\":-1},{\"Record\":{\"a\":{\"neg\":{\"arg\":{\".\":{\"left\":"
		  "{\"Var\":\"context\"},\"attr\":\"n\"}}}}}}]},\"right\":{\"Value\":1}}}" }
	};
	char text[500];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *json;

		snprintf(text, sizeof text, "permit(principal, action, resource) when { %s };", cases[i].condition);
		json = json_of(parsed(text));
		if (strstr(json, cases[i].json) == NULL)
			fail_msg("%s: expected %s in %s", cases[i].condition, cases[i].json, json);
		free(json);
	}
}

static void
test_json_accepted(void **state)
{
	static const char set[] = "{\"staticPolicies\":{\"s\":{\"effect\":\"permit\",\"principal\":{\"op\":\"all\"},"
	                          "\"action\":{\"op\":\"in\",\"entity\":{\"type\":\"Action\","
	                          "\"id\":\"g\"}},\"resource\":{\"op\":\"is\",\"entity_type\":\"R\"},\"conditions\":[{"
	                          "\"kind\":\"when\",\"body\":{\"has\":{\"left\":{\"Value\":"
	                          "{\"a\":{\"b\":[1,{\"__extn\":{\"fn\":\"decimal\",\"arg\":\"1.0\"}}]}}},\"attr\":["
	                          "\"a\",\"b\"]}}}],\"annotations\":{\"k\":null}}},"
	                          "\"templates\":{\"t\":{\"effect\":\"forbid\",\"principal\":{\"op\":\"==\",\"slot\":"
	                          "\"?principal\"},\"action\":{\"op\":\"All\"},"
	                          "\"resource\":{\"op\":\"All\"},\"conditions\":[]}},\"templateLinks\":[{"
	                          "\"templateId\":\"t\",\"newId\":\"l\",\"values\":{\"?principal\":"
	                          "{\"__entity\":{\"type\":\"U\",\"id\":\"u\"}}}}]}";
	struct cedar_policies *policies = parsed_json(set);
	struct cedar_request request = { uid_of("U", "u"), uid_of("Action", "g"), uid_of("R", "r"),
		                         cedar_context_empty() };
	struct cedar_scratch *scratch = cedar_scratch_new(NULL);
	struct cedar_response response;
	char *json;

	(void)state;
	assert_int_equal(cedar_policies_count(policies), 2);
	assert_int_equal(cedar_templates_count(policies), 1);
	assert_true(cedar_authorize(policies, NULL, NULL, &request, scratch, &response));
	assert_false(response.allow);
	assert_int_equal(response.reason_count, 1);
	assert_int_equal(cedar_policy_id(policies, response.reasons[0]).data[0], 'l');
	request.principal = uid_of("U", "v");
	assert_true(cedar_authorize(policies, NULL, NULL, &request, scratch, &response));
	assert_true(response.allow);
	json = json_of(policies);
	assert_non_null(strstr(json, "{\"templateId\":\"t\",\"newId\":\"l\",\"values\":{\"?principal\":{\"__entity\":{"
	                             "\"type\":\"U\",\"id\":\"u\"}}}}"));
	free(json);
	cedar_scratch_free(scratch);
}

/* A call of what is no function is an error of its policy, not of the set, and comes out as it went in. */
static void
test_strange_calls(void **state)
{
	static const char call[] = "{\"Value\":{\"__extn\":{\"fn\":\"N::nope\",\"args\":[1,{\"a\":[true,{\"__extn\":{"
	                           "\"fn\":\"ip\",\"arg\":\"::1\"}}]}]}}}";
	char set[1000], *json;
	struct cedar_request request = { uid_of("U", "u"), uid_of("Action", "g"), uid_of("R", "r"),
		                         cedar_context_empty() };
	struct cedar_scratch *scratch = cedar_scratch_new(NULL);
	struct cedar_policies *policies;
	struct cedar_response response;

	(void)state;
	snprintf(set, sizeof set,
	         "{\"staticPolicies\":{\"a\":" PERMIT
	         ",\"b\":{\"effect\":\"forbid\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},"
	         "\"resource\":{\"op\":\"All\"},\"conditions\":[{\"kind\":\"when\",\"body\":%s}]}}}",
	         call);
	policies = parsed_json(set);
	assert_true(cedar_authorize(policies, NULL, NULL, &request, scratch, &response));
	assert_true(response.allow);
	assert_int_equal(response.error_count, 1);
	assert_int_equal(response.errors[0].policy, 1);
	assert_string_equal(response.errors[0].message, "there is no function `N::nope`");
	cedar_scratch_free(scratch);
	json = json_of(policies);
	assert_non_null(strstr(json, call));
	free(json);
	json = text_from(parsed_json(set));
	assert_non_null(strstr(json, "N::nope(1, {a: [true, ip(\"::1\")]})"));
	free(json);
}

static void
test_json_refused(void **state)
{
	static const char frame[] = "{\"effect\":\"permit\",\"principal\":%s,\"action\":%s,\"resource\":{\"op\":"
	                            "\"All\"},\"conditions\":[{\"kind\":\"when\",\"body\":%s}]}";
	static const char all[] = "{\"op\":\"All\"}", yes[] = "{\"Value\":true}";
	const char *const cases[][3] = { { "{}", all, yes },
		                         { "{\"op\":\"==\"}", all, yes },
		                         { "{\"op\":\"==\",\"slot\":\"?resource\"}", all, yes },
		                         { "{\"op\":\"is\",\"entity_type\":\"a b\"}", all, yes },
		                         { "{\"op\":\"==\",\"entity\":{\"type\":\"if\",\"id\":\"x\"}}", all, yes },
		                         { all, "{\"op\":\"==\",\"entity\":{\"type\":\"User\",\"id\":\"x\"}}", yes },
		                         { all, "{\"op\":\"is\",\"entity_type\":\"Action\"}", yes },
		                         { all, "{\"op\":\"==\",\"slot\":\"?action\"}", yes },
		                         { all, all, "{}" },
		                         { all, all, "{\"Value\":true,\"Var\":\"principal\"}" },
		                         { all, all, "{\"Slot\":\"?principal\"}" },
		                         { all, all, "{\"Var\":\"foo\"}" },
		                         { all, all, "{\"foo\":[]}" },
		                         { all, all, "{\"Value\":null}" },
		                         { all, all, "{\"Value\":1.5}" },
		                         { all, all, "{\"Value\":9223372036854775808}" },
		                         { all, all, "{\"!\":{\"left\":{\"Value\":true}}}" },
		                         { all, all, "{\"==\":{\"left\":{\"Value\":true}}}" },
		                         { all, all, "{\"like\":{\"left\":{\"Value\":\"a\"},\"pattern\":[\"x\"]}}" },
		                         { all, all, "{\"has\":{\"left\":{\"Value\":{}},\"attr\":[]}}" },
		                         { all, all, "{\"Value\":{\"__extn\":{\"fn\":\"foo bar\",\"arg\":1}}}" },
		                         { all, all, "{\"Value\":{\"__expr\":\"1\"}}" },
		                         { all, all, "{\"Record\":{\"a\":{\"Value\":1},\"a\":{\"Value\":1}}}" } };
	char json[1000];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct cedar_policies *policies = NULL;
		struct cedar_fault fault = { 0 };

		snprintf(json, sizeof json, frame, cases[i][0], cases[i][1], cases[i][2]);
		if (cedar_policies_parse_json(NULL, text_of(json), &policies, &fault))
			fail_msg("accepted: %s", json);
		assert_null(policies);
		assert_true(fault.message[0] != '\0' && fault.line == 1);
	}
	{
		struct cedar_policies *policies = NULL;
		struct cedar_fault fault = { 0 };

		assert_false(
		    cedar_policies_parse_json(NULL,
		                              text_of("{\"staticPolicies\":{\"s\":{\"effect\":\"permit\",\"principal\":"
		                                      "{\"op\":\"==\",\"slot\":\"?principal\"},"
		                                      "\"action\":{\"op\":\"All\"},\"resource\":{\"op\":\"All\"},"
		                                      "\"conditions\":[]}},\"templates\":{},\"templateLinks\":[]}"),
		                              &policies, &fault));
		assert_non_null(strstr(fault.message, "template"));
	}
	snprintf(json, sizeof json, frame, all, all, yes);
	cedar_policies_free(parsed_json(json));
}

static void
test_layout(void **state)
{
	static const char before[] = "// head\n@id(\"a\")permit(principal==User::\"a\",// "
	                             "who\naction,resource)when{principal.a&&(principal.b||!principal.c)// why\n"
	                             "&&principal.d.contains(1)// end\n}unless{{a:1}.a==-1};\n// last";
	static const char after[] =
	    "// head\n@id(\"a\")\npermit (\n  principal == User::\"a\", // who\n  action,\n  resource\n)\n"
	    "when {\n  principal.a &&\n  (principal.b || !principal.c) // why\n  &&\n  principal.d.contains(1) // "
	    "end\n}\n"
	    "unless { {a: 1}.a == -1 };\n\n// last\n";
	char *text = formatted(before, 40);

	(void)state;
	assert_string_equal(text, after);
	free(text);
	text = formatted("permit(principal,action,resource);forbid(principal,action,resource);", 0);
	assert_string_equal(text, "permit (principal, action, resource);\n\nforbid (principal, action, resource);\n");
	free(text);
}

/* Formatting again changes nothing, and never what the policies say. */
static void
test_layout_is_stable(void **state)
{
	static const unsigned widths[] = { 1, 10, 20, 40, 80, 1000 };
	char *json = json_of(parsed(policies_text));
	size_t i;

	(void)state;
	for (i = 0; i < sizeof widths / sizeof *widths; i++) {
		char *once = formatted(policies_text, widths[i]), *twice = formatted(once, widths[i]),
		     *again = json_of(parsed(once));

		assert_string_equal(once, twice);
		assert_string_equal(json, again);
		free(once);
		free(twice);
		free(again);
	}
	free(json);
}

static void
test_layout_refused(void **state)
{
	struct cedar_text out = { 0 };
	struct cedar_fault fault = { 0 };

	(void)state;
	assert_false(
	    cedar_format_text(NULL, text_of("permit(principal,action,resource)\nwhen { 1 + };"), NULL, &out, &fault));
	assert_null(out.data);
	assert_int_equal(fault.line, 2);
	assert_int_equal(fault.column, 12);
}

struct counted {
	long left; /* allocations until one is refused; negative: never */
	long live, total;
};

static void *
counted_alloc(void *context, size_t size)
{
	struct counted *counted = context;

	if (counted->left == 0)
		return NULL;
	counted->left -= counted->left > 0;
	counted->live++;
	counted->total++;
	return malloc(size);
}

static void
counted_free(void *context, void *block)
{
	((struct counted *)context)->live--;
	free(block);
}

/* All of it once; true when nothing was refused. */
static bool
whole_run(const struct cedar_memory *memory)
{
	static const char schema_json[] =
	    "{\"\":{\"entityTypes\":{\"U\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"a\":{\"type\":\"Long\"}}}}"
	    "},"
	    "\"actions\":{\"v\":{\"appliesTo\":{\"principalTypes\":[\"U\"],\"resourceTypes\":[\"U\"]}}}}}";
	struct cedar_policies *policies = NULL, *again = NULL;
	struct cedar_text json = { 0 }, text = { 0 }, laid_out = { 0 };
	struct cedar_schema *schema = NULL;
	struct cedar_report report = { 0 };
	bool good = cedar_policies_parse(memory, text_of(policies_text), &policies, NULL);

	good = good && cedar_policies_write_json(memory, policies, &json);
	good = good && cedar_policies_parse_json(memory, json, &again, NULL);
	good = good && cedar_policies_write_text(memory, again, &text);
	good = good && cedar_format_text(memory, text, NULL, &laid_out, NULL);
	if (good)
		assert_string_equal(text.data, laid_out.data);
	good = good && cedar_schema_parse_json(memory, text_of(schema_json), &schema, NULL);
	good = good && cedar_validate(memory, schema, again, &report);
	if (good)
		assert_true(report.errors > 0);
	cedar_report_free(&report);
	cedar_schema_free(schema);
	cedar_policies_free(policies);
	cedar_policies_free(again);
	cedar_text_free(memory, json);
	cedar_text_free(memory, text);
	cedar_text_free(memory, laid_out);
	return good;
}

static void
test_every_refusal(void **state)
{
	struct counted counted = { .left = -1 };
	struct cedar_memory memory = { counted_alloc, counted_free, &counted };
	long needed, n;

	(void)state;
	assert_true(whole_run(&memory));
	assert_int_equal(counted.live, 0);
	needed = counted.total;
	assert_true(needed > 20);
	for (n = 0; n < needed; n++) {
		counted = (struct counted){ .left = n };
		if (whole_run(&memory))
			fail_msg("the refusal of allocation %ld was not noticed", n);
		if (counted.live != 0)
			fail_msg("allocation %ld refused: %ld blocks lost", n, counted.live);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),       cmocka_unit_test(test_json_places),
		cmocka_unit_test(test_strange_calls),    cmocka_unit_test(test_json_shape),
		cmocka_unit_test(test_json_accepted),    cmocka_unit_test(test_json_refused),
		cmocka_unit_test(test_json_forms),       cmocka_unit_test(test_layout),
		cmocka_unit_test(test_layout_is_stable), cmocka_unit_test(test_layout_refused),
		cmocka_unit_test(test_every_refusal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
