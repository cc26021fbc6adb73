#include "ask.h"

static struct watch_event *
read_event(void *owner, const char *json)
{
	struct watch_event *e = watch_event_new(owner);
	watch_event_read(e, slice_text(json));
	return e;
}

static void
check_value(const struct watch_event *e, const char *name, const char *text)
{
	const struct watch_value *v = watch_event_find(e, slice_text(name));
	if (!v || !slice_is(v->text, text))
		fail_msg("%s: '%.*s', not '%s'", name, v ? (int)v->text.size : 7, v ? (const char *)v->text.data : "nothing", text);
}

static void
names_are_as_rules_have_them(void **state)
{
	(void)state;
	void *owner = NEW(NULL, char);
	struct watch_event *e = read_event(owner,
		"{\"Event\":{\"#attributes\":{\"xmlns\":\"n\"},\"System\":{\"Provider\":{\"#attributes\":{\"Name\":\"P\"}},"
		"\"EventID\":{\"#attributes\":{\"Qualifiers\":7},\"#text\":7045},\"Channel\":\"System\",\"Execution\":"
		"{\"#attributes\":{\"ProcessID\":4}}},\"EventData\":{\"Image\":\"i\",\"Threat Name\":\"t\",\"Data\":{\"#text\":[\"d\",\"e\"]}},"
		"\"UserData\":{\"EventXML\":{\"Param\":\"u\"}}}}");
	assert_null(e->fault);
	check_value(e, "Provider_Name", "P");
	check_value(e, "EventID", "7045");
	check_value(e, "Execution_ProcessID", "4");
	check_value(e, "Image", "i");
	check_value(e, "ThreatName", "t");
	check_value(e, "Data", "d");
	check_value(e, "Param", "u");
	watch_event_source(e);
	assert_true(slice_is(e->source.product, "windows") && slice_is(e->source.service, "system"));

	e = read_event(owner, "{\"userIdentity\":{\"type\":\"Root\"},\"a.b\":1,\"list\":[{\"x\":\"1\"},{\"x\":\"2\"}],"
	                      "\"winlog\":{\"event_data\":{\"Image\":\"w\"}}}");
	check_value(e, "userIdentity.type", "Root");
	check_value(e, "userIdentity", "{\"type\":\"Root\"}");
	check_value(e, "a.b", "1");
	check_value(e, "list.x", "1");
	check_value(e, "Image", "w");
	talloc_free(owner);
}

static void
texts_are_unescaped(void **state)
{
	(void)state;
	void *owner = NEW(NULL, char);
	struct watch_event *e = read_event(owner, " { \"a\" : \"x\\\\y\\\"\\n\\u0041\\u00e9\\ud83d\\ude00\" , \"b\":\"\\ud83d\",\"c\\u0041\":-1.5e3} ");
	assert_null(e->fault);
	check_value(e, "a", "x\\y\"\nAé😀");
	check_value(e, "b", "\xED\xA0\xBD");
	check_value(e, "cA", "-1.5e3");
	talloc_free(owner);
}

/* Whatever a line holds, it is an event, with what could be read and all of its bytes. */
static void
broken_lines_are_kept_with_their_fault(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "x", "[]", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,}", "{\"a\":1}x", "{\"a\":\"b",
		                           "{\"a\":\"b\\", "{a:1}", "{\"a\" 1}", "{\"a\":1 \"b\":2}", "{\"a\":[1 2]}", "{\"a\":tru}", "{\"a\":1;\"b\":2}",
		                           "{\"a\":\"\\u12\"", "{\"a\":[}", "null" };
	void *owner = NEW(NULL, char);
	struct watch_event *e = watch_event_new(owner);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		watch_event_read(e, slice_text(bad[i]));
		if (!e->fault || e->count == 0 || !slice_is(e->values[e->count - 1].text, bad[i]))
			fail_msg("%s", bad[i]);
	}
	watch_event_read(e, slice_text("{\"a\":\"x\xFFy\"}"));
	assert_string_equal(e->fault, "bytes that are no UTF-8");
	check_value(e, "a", "x\xFFy");
	watch_event_read(e, LITERAL("{\"a\":1}"));
	assert_null(e->fault);
	assert_int_equal(e->count, 1);
	talloc_free(owner);
}

static void
hostile_lines_cost_little(void **state)
{
	(void)state;
	void *owner = NEW(NULL, char);
	struct watch_event *e = watch_event_new(owner);
	size_t depth = 10000, size = 0;
	char *deep = talloc_zero_size(owner, 6 * depth + 64);
	size += (size_t)sprintf(deep, "{\"before\":\"b\",\"d\":");
	for (size_t i = 0; i < depth; i++)
		size += (size_t)sprintf(deep + size, "{\"a\":");
	size += (size_t)sprintf(deep + size, "1");
	memset(deep + size, '}', depth);
	strcpy(deep + size + depth, ",\"after\":\"x\"}");
	watch_event_read(e, slice_text(deep));
	assert_string_equal(e->fault, "an object or list too deep");
	check_value(e, "before", "b");
	check_value(e, "after", "x");

	char *large = talloc_zero_size(owner, WATCH_EVENT_MAX + 64);
	memset(large, 'x', WATCH_EVENT_MAX + 32);
	memcpy(large, "{\"a\":\"", 6);
	memcpy(large + WATCH_EVENT_MAX - 2, "\"}", 2);
	watch_event_read(e, slice_of(large, WATCH_EVENT_MAX));
	assert_null(e->fault);
	watch_event_read(e, slice_of(large, WATCH_EVENT_MAX + 1));
	assert_string_equal(e->fault, "an event of too many bytes");
	assert_int_equal(watch_event_find(e, LITERAL("message"))->text.size, WATCH_EVENT_MAX + 1);

	char *many = talloc_zero_size(owner, 64000);
	size = (size_t)sprintf(many, "{\"a\":[1");
	for (size_t i = 0; i < 5000; i++)
		size += (size_t)sprintf(many + size, ",1");
	strcpy(many + size, "]}");
	watch_event_read(e, slice_text(many));
	assert_string_equal(e->fault, "an event of too many values");
	check_value(e, "message", many);
	talloc_free(owner);
}

static void
streams_hold_lines_and_objects_over_lines(void **state)
{
	(void)state;
	static const struct {
		const char *text, *events[5];
	} cases[] = {
		{ "{\"a\":1}\n{\"a\":2}\r\n\n{\"a\":3}", { "{\"a\":1}", "{\"a\":2}", "{\"a\":3}" } },
		{ "{\n \"a\": 1\n}\n{\n \"b\": \"}\"\n}\n", { "{\n \"a\": 1\n}", "{\n \"b\": \"}\"\n}" } },
		{ "[{\"a\":1},\n {\"a\":2}]\n", { "{\"a\":1}", "{\"a\":2}" } },
		{ "{\"a\":\"x\n{\"b\":2}\n", { "{\"a\":\"x", "{\"b\":2}" } },
		{ "{\"a\":{\n{\"b\":2}\n{\"c\":3}\n", { "{\"a\":{", "{\"b\":2}", "{\"c\":3}" } },
		{ "{\"a\":\"x\n\"}\n", { "{\"a\":\"x", "\"}" } },
		{ "plain\n{\"b\":2} tail\n", { "plain", "{\"b\":2} tail" } },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct watch_stream s = { .rest = slice_text(cases[i].text) };
		struct slice event;
		size_t n = 0;
		for (; watch_stream_next(&s, &event); n++)
			if (n >= 5 || !cases[i].events[n] || !slice_is(event, cases[i].events[n]))
				fail_msg("%s: event %zu is %.*s", cases[i].text, n, SLICE_ARGUMENTS(event));
		if (cases[i].events[n])
			fail_msg("%s: only %zu events", cases[i].text, n);
	}
}

static void
windows_events_go_with_their_rules(void **state)
{
	(void)state;
#define SYSMON(id) "{\"Channel\":\"Microsoft-Windows-Sysmon/Operational\",\"EventID\":" #id ",\"Image\":\"abc\"}"
	static const struct {
		const char *source, *json;
		bool matches;
	} cases[] = {
		{ "{product: windows, category: process_creation}", SYSMON(1), true },
		{ "{product: windows, category: process_creation}", SYSMON(11), false },
		{ "{product: windows, category: registry_event}", SYSMON(13), true },
		{ "{product: windows, category: registry_set}", SYSMON(13), true },
		{ "{product: windows, category: registry_set}", SYSMON(12), false },
		{ "{product: windows, category: registry_delete}", SYSMON(12), true },
		{ "{product: windows, service: sysmon}", SYSMON(1), true },
		{ "{product: windows, service: security}", SYSMON(1), false },
		{ "{product: windows}", SYSMON(1), true },
		{ "{product: linux}", SYSMON(1), false },
		{ "{product: linux}", "{\"Image\":\"abc\"}", true },
		{ "{product: windows, category: process_creation}",
		  "{\"Channel\":\"Security\",\"EventID\":4688,\"NewProcessName\":\"abc\"}", true },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		void *owner = NEW(NULL, char);
		struct watch_rules *rules;
		char *text = memory_format(owner, "title: t\nlogsource: %s\ndetection: {s: {Image: abc}, condition: s}\n", cases[i].source);
		struct watch_set *set = ask_set(owner, text, &rules);
		struct watch_event *e = read_event(owner, cases[i].json);
		watch_event_source(e);
		if (watch_rule_matches(watcher_new(owner, set), watch_rules_get(rules, 0), e, true) != cases[i].matches)
			fail_msg("%s with %s", cases[i].source, cases[i].json);
		talloc_free(owner);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_as_rules_have_them), cmocka_unit_test(texts_are_unescaped),
		cmocka_unit_test(broken_lines_are_kept_with_their_fault), cmocka_unit_test(hostile_lines_cost_little),
		cmocka_unit_test(streams_hold_lines_and_objects_over_lines), cmocka_unit_test(windows_events_go_with_their_rules),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
