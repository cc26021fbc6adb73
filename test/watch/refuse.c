/* What is refused says where, and what was expected there. */
#include "ask.h"

static struct watch_fault
refusal(const char *text)
{
	void *owner = NEW(NULL, char);
	struct watch_fault fault = { 0 };
	size_t parsed = 0, skipped = 0;
	struct watch_rules *rules = watch_rules_new(owner);
	watch_rules_read(rules, "rule.yml", slice_text(text), &parsed, &skipped, ask_refused, &fault);
	watch_rules_resolve(rules, &parsed, ask_refused, &fault);
	talloc_free(owner);
	return fault;
}

static void
each_refusal_names_its_place(void **state)
{
	(void)state;
#define HEAD "title: t\nlogsource: {product: t}\ndetection:\n"
	static const struct {
		const char *text, *field, *expected;
		unsigned line;
	} cases[] = {
		{ "logsource: {product: t}\n", "title", "a title", 1 },
		{ "title: t\nlevel: loud\nlogsource: {product: t}\n", "level", "informational", 2 },
		{ "title: t\nstatus: old\n", "status", "stable", 2 },
		{ "title: t\ndetection: {s: {a: b}, condition: s}\n", "logsource", "a map", 1 },
		{ "title: t\nlogsource: {product: t}\n", "detection", "a map", 1 },
		{ HEAD "  s: {a: b}\n", "detection.condition", "a condition", 4 },
		{ HEAD "  s: {a: b}\n  condition: s and\n", "detection.condition", "a search", 5 },
		{ HEAD "  s: {a: b}\n  condition: s s\n", "detection.condition", "`and`, `or`", 5 },
		{ HEAD "  s: {a: b}\n  condition: (s\n", "detection.condition", "`)`", 5 },
		{ HEAD "  s: {a: b}\n  condition: s)\n", "detection.condition", "no `)`", 5 },
		{ HEAD "  s: {a: b}\n  condition: t\n", "detection.condition", "the name of a search", 5 },
		{ HEAD "  s: {a: b}\n  condition: 1 of x*\n", "detection.condition", "`them`", 5 },
		{ HEAD "  s: {a: b}\n  condition: s | count() > 5\n", "detection.condition", "counting is a correlation's", 5 },
		{ HEAD "  s: {a|bogus: b}\n  condition: s\n", "detection.s.a|bogus", "a modifier", 4 },
		{ HEAD "  s:\n    a|re: '('\n  condition: s\n", "detection.s.a|re", "a regular expression", 5 },
		{ HEAD "  s:\n    a|cidr: 10.0.0.0/33\n  condition: s\n", "detection.s.a|cidr", "a network", 5 },
		{ HEAD "  s:\n    a|lt: x\n  condition: s\n", "detection.s.a|lt", "a number", 5 },
		{ HEAD "  s:\n    a|exists: x\n  condition: s\n", "detection.s.a|exists", "true or false", 5 },
		{ HEAD "  s:\n    a|i: x\n  condition: s\n", "detection.s.a|i", "|re before", 5 },
		{ HEAD "  s:\n    a|expand: '%x%'\n  condition: s\n", "detection.s.a|expand", "no placeholder", 5 },
		{ HEAD "  s:\n    a|base64: 'x*'\n  condition: s\n", "detection.s.a|base64", "without wildcards", 5 },
		{ HEAD "  s:\n    a: []\n  condition: s\n", "detection.s.a", "at least one", 5 },
		{ HEAD "  s:\n    a: {b: c}\n  condition: s\n", "detection.s.a", "a text", 5 },
		{ HEAD "  s: {}\n  condition: s\n", "detection.s", "at least one field", 4 },
		{ "title: t\ntitle: u\n", "title", "each key once", 2 },
		{ "title: !!str t\n", "tag:yaml.org,2002:str", "no tag", 1 },
		{ "title: [\n", "", "YAML", 0 },
		{ "title: t\n---\n%YAML 1.2\n", "", "no directive", 3 },
		{ "a: &x [*x]\n", "x", "no alias inside", 1 },
		{ "title: t\ncorrelation: {type: sum}\n", "correlation.type", "event_count", 2 },
		{ "title: t\ncorrelation: {type: event_count, rules: [x], group-by: [u], timespan: 5m}\n", "correlation.condition", "a map", 2 },
		{ "title: t\ncorrelation: {type: event_count, rules: x, timespan: 5w, condition: {gte: 1}}\n", "correlation.timespan", "s, m, h or d", 2 },
		{ "title: t\ncorrelation: {type: event_count, rules: x, timespan: 5m, condition: {gte: 1}}\n", "correlation.rules", "a rule with the id", 1 },
		{ "title: t\nname: x\ncorrelation: {type: event_count, rules: x, timespan: 5m, condition: {gte: 1}}\n", "correlation.rules", "no circle", 1 },
		{ "title: t\ncorrelation: {type: value_count, rules: x, timespan: 5m, condition: {gte: 1}}\n", "correlation.condition.field", "the field", 2 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct watch_fault f = refusal(cases[i].text);
		if (strcmp(f.field, cases[i].field) != 0 || !strstr(f.text, cases[i].expected) || (cases[i].line && f.line != cases[i].line))
			fail_msg("%s\ngave line %u: '%s': '%s'", cases[i].text, f.line, f.field, f.text);
	}
}

/* Ten levels of ten aliases each would be ten thousand million values. */
static void
bombs_are_refused(void **state)
{
	(void)state;
	char *text = talloc_strdup(NULL, "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
	for (int i = 1; i <= 10; i++)
		text = talloc_asprintf_append(text, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i, i - 1,
		                              i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	assert_non_null(strstr(refusal(text).text, "aliases counted"));
	talloc_free(text);

	char *deep = talloc_size(NULL, 20001);
	memset(deep, '[', 20000);
	deep[20000] = '\0';
	assert_true(refusal(deep).text[0] != '\0');
	talloc_free(deep);

	text = talloc_strdup(NULL, HEAD "  s: {a: b}\n  condition: ");
	for (int i = 0; i < 200; i++)
		text = talloc_strdup_append(text, "not ");
	text = talloc_strdup_append(text, "s\n");
	assert_non_null(strstr(refusal(text).text, "levels"));
	talloc_free(text);
}

/* One bad document leaves the others of its file. */
static void
good_rules_beside_bad_ones_stay(void **state)
{
	(void)state;
	void *owner = NEW(NULL, char);
	struct watch_fault fault = { 0 };
	size_t parsed = 0, skipped = 0;
	struct watch_rules *rules = watch_rules_new(owner);
	watch_rules_read(rules, "r.yml", slice_text(HEAD "  s: {a: b}\n  condition: s\n---\ntitle: bad\n---\n" HEAD
	                                                 "  s: {a: b}\n  condition: s\n---\n"),
	                 &parsed, &skipped, ask_refused, &fault);
	assert_int_equal(parsed, 2);
	assert_int_equal(skipped, 1);
	assert_int_equal(watch_rules_count(rules), 2);
	assert_string_equal(fault.field, "logsource");
	talloc_free(owner);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_refusal_names_its_place), cmocka_unit_test(bombs_are_refused),
		cmocka_unit_test(good_rules_beside_bad_ones_stay),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
