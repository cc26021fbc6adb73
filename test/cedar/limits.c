/* limits.c - depth, size and count: refused cleanly, on a stack of 256 KB. */
#include "ask.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "cedar/convert.h"
#include "cedar/schema.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif

/* Sanitizers and builds without optimization have frames several times as large. */
#if defined(SANITIZED) || !defined(__OPTIMIZE__)
enum { STACK = 4 << 20 };
#elif defined(STACK_TRIED)
enum { STACK = STACK_TRIED };
#else
enum { STACK = 256 << 10 };
#endif
enum { MILLION = 1000000 };

static void *
in_small_thread(void *(*run)(void *))
{
	pthread_attr_t attributes;
	pthread_t thread;
	void *result = NULL;

	pthread_attr_init(&attributes);
	assert_int_equal(pthread_attr_setstacksize(&attributes, STACK), 0);
	assert_int_equal(pthread_create(&thread, &attributes, run, NULL), 0);
	pthread_join(thread, &result);
	pthread_attr_destroy(&attributes);
	return result;
}

/* before, then `open` count times, middle, `close` count times, after */
static char *
nested(const char *before, const char *open, size_t count, const char *middle, const char *close, const char *after)
{
	size_t size = strlen(before) + (strlen(open) + strlen(close)) * count + strlen(middle) + strlen(after) + 1, i;
	char *text = malloc(size), *at = text;

	at = stpcpy(at, before);
	for (i = 0; i < count; i++)
		at = stpcpy(at, open);
	at = stpcpy(at, middle);
	for (i = 0; i < count; i++)
		at = stpcpy(at, close);
	stpcpy(at, after);
	return text;
}

static const char head[] = "permit(principal,action,resource) when { ", tail[] = " };";

/* Parsed and decided: 1 allow, 0 deny, 2 error, -1 refused. */
static int
decide(char *text)
{
	struct cedar_request request = { uid_of("User", "a"), uid_of("Action", "a"), uid_of("R", "r"),
		                         cedar_context_empty() };
	struct cedar_scratch *scratch = cedar_scratch_new(NULL);
	struct cedar_policies *policies = NULL;
	struct cedar_response response;
	struct cedar_fault fault;
	int answer = -1;

	if (cedar_policies_parse(NULL, text_of(text), &policies, &fault) &&
	    cedar_authorize(policies, NULL, NULL, &request, scratch, &response))
		answer = response.error_count ? 2 : response.allow;
	cedar_policies_free(policies);
	cedar_scratch_free(scratch);
	free(text);
	return answer;
}

static void *
run_deep(void *unused)
{
	static const char *const opens[] = { "(",
		                             "[",
		                             "{a:",
		                             "!(",
		                             "-(",
		                             "if true then (",
		                             "principal.contains(",
		                             "(1 + ",
		                             "ip(",
		                             "(true && ",
		                             "(true || ",
		                             "(principal has a && ",
		                             "(principal in " };
	static const char *const closes[] = {
		")", "]", "}", ")", ")", ") else false", ")", ")", ")", ")", ")", ")", ")"
	};
	size_t i;

	(void)unused;
	for (i = 0; i < sizeof opens / sizeof *opens; i++) {
		if (decide(nested(head, opens[i], MILLION, "true", closes[i], tail)) != -1)
			return "a million levels were accepted";
		decide(nested(head, opens[i], CEDAR_DEPTH_MAX - 10, "true", closes[i], tail));
		decide(nested(head, opens[i], CEDAR_DEPTH_MAX / 2, "true", closes[i], tail));
	}
	if (decide(nested(head, "(", 250, "true", ")", tail)) != 1)
		return "250 parentheses were refused";
	if (decide(nested(head, "!(", 200, "true", ")", tail)) != 1)
		return "200 negations were refused";
	return NULL;
}

static void
test_depth(void **state)
{
	const char *wrong;

	(void)state;
	wrong = in_small_thread(run_deep);
	if (wrong != NULL)
		fail_msg("%s", wrong);
}

static void
test_long_chains(void **state)
{
	(void)state;
	assert_int_equal(decide(nested(head, "true && ", 100000, "true", "", tail)), 1);
	assert_int_equal(decide(nested(head, "false || ", 100000, "true", "", tail)), 1);
	assert_int_equal(decide(nested(head, "[", 1, "1", ",1].contains(1)", tail)), 1);
}

static void *
run_pattern(void *unused)
{
	char *like = nested("permit(principal,action,resource) when { \"", "a", MILLION, "\" like \"", "a", "b\" };");
	char *stars =
	    nested("permit(principal,action,resource) when { \"", "ab", MILLION / 2, "\" like \"", "*a", "*\" };");
	char *hard = nested("permit(principal,action,resource) when { \"", "a", MILLION, "\" like \"*", "a", "b*\" };");

	(void)unused;
	return decide(like) == 0 && decide(stars) == 1 && decide(hard) == 0 ? NULL : "wrong";
}

static void
test_patterns(void **state)
{
	(void)state;
	assert_null(in_small_thread(run_pattern));
}

static void *
run_json(void *unused)
{
	struct cedar_builder *builder = cedar_builder_new(NULL);
	struct cedar_entities *entities = NULL;
	struct cedar_policies *policies = NULL;
	struct cedar_fault fault;
	struct cedar_request request;
	char *text = nested("{\"principal\":\"U::\\\"a\\\"\",\"action\":\"Action::\\\"a\\\"\",\"resource\":\"R::"
	                    "\\\"r\\\"\",\"context\":{\"a\":",
	                    "[", MILLION, "1", "]", "}}");
	const char *wrong = NULL;

	(void)unused;
	if (cedar_request_parse_json(builder, text_of(text), NULL, &request, &fault))
		wrong = "a million levels of JSON were accepted";
	free(text);
	text = nested("", "{\"a\":", MILLION, "1", "}", "");
	if (cedar_entities_parse_json(NULL, text_of(text), NULL, &entities, &fault))
		wrong = "entities";
	if (cedar_policies_parse_json(NULL, text_of(text), &policies, &fault))
		wrong = "policies";
	free(text);
	text = nested("{\"principal\":\"U::\\\"a\\\"\",\"action\":\"Action::\\\"a\\\"\",\"resource\":\"R::\\\"r\\\"\","
	              "\"context\":{\"a\":",
	              "[", CEDAR_DEPTH_MAX - 5, "1", "]", "}}");
	if (!cedar_request_parse_json(builder, text_of(text), NULL, &request, &fault))
		wrong = "deep JSON within the limit was refused";
	free(text);
	cedar_builder_free(builder);
	return (void *)wrong;
}

static void
test_json(void **state)
{
	const char *wrong;

	(void)state;
	wrong = in_small_thread(run_json);
	if (wrong != NULL)
		fail_msg("%s", wrong);
}

/* Written as JSON and read back it says the same, also where a text is nested as deep as may be. */
static const char *
json_and_back(char *text)
{
	struct cedar_policies *policies = NULL, *again = NULL;
	struct cedar_text json = { 0 }, json_again = { 0 };
	struct cedar_fault fault = { 0 };
	const char *wrong = NULL;

	if (cedar_policies_parse(NULL, text_of(text), &policies, &fault)) {
		if (!cedar_policies_write_json(NULL, policies, &json))
			wrong = "not written";
		else if (!cedar_policies_parse_json(NULL, json, &again, &fault))
			wrong = "not read back";
		else if (!cedar_policies_write_json(NULL, again, &json_again) || json.size != json_again.size ||
		         memcmp(json.data, json_again.data, json.size) != 0)
			wrong = "read back as something else";
	}
	cedar_text_free(NULL, json);
	cedar_text_free(NULL, json_again);
	cedar_policies_free(policies);
	cedar_policies_free(again);
	free(text);
	return wrong;
}

static void *
run_json_and_back(void *unused)
{
	static const char *const opens[] = { "(",
		                             "[",
		                             "{a:",
		                             "!(",
		                             "-(",
		                             "if true then (",
		                             "principal.contains(",
		                             "(1 + ",
		                             "ip(",
		                             "(true && ",
		                             "(true || ",
		                             "(principal has a && ",
		                             "(principal in ",
		                             "true && (false || (",
		                             "principal has a && (" };
	static const char *const closes[] = { ")", "]", "}", ")", ")", ") else false", ")", ")",
		                              ")", ")", ")", ")", ")", "))",           ")" };
	const char *wrong;
	size_t i, depth;

	(void)unused;
	for (i = 0; i < sizeof opens / sizeof *opens; i++)
		for (depth = 1; depth < CEDAR_DEPTH_MAX; depth += depth < CEDAR_DEPTH_MAX - 20 ? 9 : 1)
			if ((wrong = json_and_back(nested(head, opens[i], depth, "principal.a", closes[i], tail))) !=
			    NULL)
				return (void *)wrong;
	if ((wrong = json_and_back(nested(head, "principal.a && ", 50000, "true", "", tail))) != NULL ||
	    (wrong = json_and_back(nested(head, "principal.a || ", 50000, "true", "", tail))) != NULL ||
	    (wrong = json_and_back(nested(head, "true || principal.a && ", 5000, "true", "", tail))) != NULL)
		return (void *)wrong;
	return (void *)json_and_back(
	    nested(head, "principal", 1, "", ".a", " == 1 && true && principal like \"*a*\" };"));
}

static void
test_json_and_back(void **state)
{
	const char *wrong;

	(void)state;
	wrong = in_small_thread(run_json_and_back);
	if (wrong != NULL)
		fail_msg("%s", wrong);
}

/* Left of each operator a million levels of it: as many as there is JSON for, or a fault. */
static void
test_deep_json_policies(void **state)
{
	static const char *const opens[] = { "{\"&&\":{\"left\":", "{\"||\":{\"right\":", "{\"!\":{\"arg\":",
		                             "{\"Set\":[",         "{\"Value\":[",        "[",
		                             "{\".\":{\"left\":" };
	struct cedar_policies *policies;
	struct cedar_fault fault;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof opens / sizeof *opens; i++) {
		char *text = nested("{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},"
		                    "\"resource\":{\"op\":\"All\"},"
		                    "\"conditions\":[{\"kind\":\"when\",\"body\":",
		                    opens[i], MILLION, "1", "", "");

		assert_false(cedar_policies_parse_json(NULL, text_of(text), &policies, &fault));
		free(text);
	}
}

/* A pattern in JSON comes letter by letter. */
static void
test_long_pattern_in_json(void **state)
{
	struct cedar_policies *policies;
	char *text = nested(
	    "{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":"
	    "\"All\"},"
	    "\"conditions\":[{\"kind\":\"when\",\"body\":{\"like\":{\"left\":{\"Var\":\"principal\"},\"pattern\":[",
	    "{\"Literal\":\"a\"},", 200000, "\"Wildcard\"", "", "]}}}]}");

	(void)state;
	assert_true(cedar_policies_parse_json(NULL, text_of(text), &policies, NULL));
	assert_true(cedar_policies_memory(policies) < 1 << 20);
	cedar_policies_free(policies);
	free(text);
}

/* What the validator makes of long flat chains grows with their length, not with its square: 50,000 took 45 s. */
static void
test_validating_chains(void **state)
{
	static const char schema_text[] = "entity U { s: String, n?: Long } tags String; entity D; action v appliesTo "
	                                  "{ principal: U, resource: D, context: {} };";
	static const struct {
		const char *item, *last;
		size_t errors;
	} chains[] = { { "principal.nope == 1 || ", "true", 50000 },
		       { "principal.s || ", "true", 50000 },
		       { "principal.s == \"x\" || ", "principal.s == \"y\"", 0 },
		       { "principal has n && ", "principal.n == 1", 0 } };
	struct cedar_schema *schema;
	struct cedar_report report;
	char *text = malloc(50000 * 40), *at;
	clock_t start = clock();
	size_t i, j;

	(void)state;
	assert_true(cedar_schema_parse(NULL, text_of(schema_text), &schema, NULL));
	for (i = 0; i <= sizeof chains / sizeof *chains; i++) {
		struct cedar_policies *policies;

		at = stpcpy(text, head);
		for (j = 0; j < 50000; j++) /* the last chain: each conjunct makes another tag known */
			at += i < 4 ? sprintf(at, "%s", chains[i].item)
			            : sprintf(at, "principal.hasTag(\"t%zu\") && ", j);
		strcpy(stpcpy(at, i < 4 ? chains[i].last : "principal.getTag(\"t7\") == \"\""), tail);
		assert_true(cedar_policies_parse(NULL, text_of(text), &policies, NULL));
		assert_true(cedar_validate(NULL, schema, policies, &report));
		assert_int_equal(report.errors, i < 4 ? chains[i].errors : 0);
		cedar_report_free(&report);
		cedar_policies_free(policies);
	}
	assert_true(clock() - start < 20 * CLOCKS_PER_SEC);
	cedar_schema_free(schema);
	free(text);
}

/* `has` with a path stands for several operands with one object: nested, they must not double each time. */
static void
test_shared_operands(void **state)
{
	(void)state;
	assert_int_equal(
	    decide(nested("permit(principal,action,resource) when { {a: {b: principal}} == 1 || ", "(if (", 60,
	                  "{a: {b: principal}}", " has a.b) then {a: {b: principal}} else principal)", " has a.b };")),
	    1);
}

/* Each part of a name is joined to the ones before: a name without an end would take the square of its text in memory. */
static void
test_long_names(void **state)
{
	static const struct {
		const char *before, *after;
	} places[] = {
		{ "permit(principal,action,resource) when { principal is ", "B };" },
		{ "permit(principal is ", "B,action,resource);" },
		{ "permit(principal == ", "B::\"x\",action,resource);" },
	};
	struct cedar_policies *policies;
	struct cedar_fault fault;
	(void)state;
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		char *text = nested(places[i].before, "A::", MILLION, "", "", places[i].after);
		assert_false(cedar_policies_parse(NULL, (struct cedar_text){ text, strlen(text) }, &policies, &fault));
		assert_non_null(strstr(fault.message, "4096"));
		free(text);
	}
	char *good = nested(places[0].before, "A::", 1000, "", "", places[0].after);
	assert_true(cedar_policies_parse(NULL, (struct cedar_text){ good, strlen(good) }, &policies, &fault));
	cedar_policies_free(policies);
	free(good);
}

static void
test_a_list_of_actions_may_stand_in_parentheses(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
		{ "permit(principal,action in ([Action::\"a\"]),resource);", true },
		{ "permit(principal,action in (([Action::\"a\",Action::\"b\"])),resource);", true },
		{ "permit(principal,action in ([Action::\"a\"],resource);", false },
		{ "permit(principal,action in ([Action::\"a\"])),resource);", false },
		{ "permit(principal,action in ([User::\"a\"]),resource);", false },
	};
	struct cedar_policies *policies;
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		bool good = cedar_policies_parse(NULL, (struct cedar_text){ cases[i].text, strlen(cases[i].text) },
		                                 &policies, NULL);
		assert_int_equal(good, cases[i].good);
		if (good)
			cedar_policies_free(policies);
	}
}

/* A forbid that reads what could not be made must not be passed by. */
static void
test_a_record_that_lacks_a_field_decides_nothing(void **state)
{
	struct cedar_text text =
	    text_of("permit(principal, action, resource);"
	            "forbid(principal, action, resource) when { context has ip && context.ip.isLoopback() };");
	struct cedar_builder *builder = cedar_builder_new(NULL);
	struct cedar_scratch *scratch = cedar_scratch_new(NULL);
	struct cedar_policies *policies = NULL;
	struct cedar_response response;
	struct cedar_fault fault;

	(void)state;
	assert_true(cedar_policies_parse(NULL, text, &policies, &fault));
	for (int outer = 0; outer < 2; outer++) {
		struct cedar_value *inner = cedar_value_record(builder),
		                   *context = outer ? cedar_value_record(builder) : inner;
		struct cedar_request request = { .principal = { text_of("U"), text_of("u") },
			                         .action = { text_of("Action"), text_of("a") },
			                         .resource = { text_of("U"), text_of("u") } };
		cedar_record_put(builder, inner, "ip", cedar_value_ip(builder, "127.0.0.1 "));
		if (outer)
			cedar_record_put(builder, context, "inner", inner);
		request.context = context;
		assert_false(cedar_authorize(policies, NULL, NULL, &request, scratch, &response));
		assert_false(response.allow);
		cedar_builder_reset(builder);
	}
	cedar_scratch_free(scratch);
	cedar_builder_free(builder);
	cedar_policies_free(policies);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_a_record_that_lacks_a_field_decides_nothing),
		cmocka_unit_test(test_long_chains),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_json_and_back),
		cmocka_unit_test(test_deep_json_policies),
		cmocka_unit_test(test_long_pattern_in_json),
		cmocka_unit_test(test_validating_chains),
		cmocka_unit_test(test_shared_operands),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_a_list_of_actions_may_stand_in_parentheses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
