/* The search for literals and the asking of every rule have to agree: on made-up rules and events, and on the archive. */
#include "ask.h"
#include "watch/files.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- made-up rules ---- */

static uint32_t seed;

static uint32_t
pick(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

static const char *const words[] = { "abc", "abcd", "bcd", "xAbCx", "ab", "a", "", "cmd.exe", "\\\\cmd.exe", "-e", "ä", "АБВ", "123",
	                             "abc abc", "*", "a*d", "?bc", "x?b*x" };
static const char *const fields[] = { "F", "G", "H", "" };
static const char *const modifiers[] = { "", "|contains", "|startswith", "|endswith", "|contains|all", "|re", "|re|i", "|cased",
	                                 "|contains|cased", "|contains|windash", "|base64offset|contains" };
static const char *const expressions[] = { "abc", "a.c", "ab+c", "(abc|bcd)", "ab?cd", "^abc", "x\\\\.y", "[a-c]cd", "abc|123" };

static char *
make_search(char *text, size_t name)
{
	size_t modifier = pick(11), field = pick(4);
	text = talloc_asprintf_append(text, "  s%zu:\n    '%s%s':\n", name, fields[field], modifiers[modifier]);
	for (size_t values = 1 + pick(3); values > 0; values--) {
		const char *value = modifier == 5 || modifier == 6 ? expressions[pick(9)] : words[pick(18)];
		if (modifier == 10)
			value = words[pick(2)];
		text = talloc_asprintf_append(text, "      - '%s'\n", value);
	}
	return text;
}

static char *
make_rules(void *owner, size_t count)
{
	static const char *const conditions[] = { "s0", "s0 and s1", "s0 or s1", "s0 and not s1", "not s0", "(s0 or s1) and not s2",
		                                  "1 of s*", "all of s*", "s0 and (s1 or not s2)" };
	char *text = talloc_strdup(owner, "");
	for (size_t i = 0; i < count; i++) {
		text = talloc_asprintf_append(text, "---\ntitle: r%zu\nlogsource: {product: t}\ndetection:\n", i);
		for (size_t s = 0; s < 3; s++)
			text = make_search(text, s);
		text = talloc_asprintf_append(text, "  condition: %s\n", conditions[pick(9)]);
	}
	return text;
}

static char *
make_event(void *owner)
{
	static const char *const values[] = { "\"abc\"", "\"ABCD\"", "\"xabcx\"", "\"c:\\\\cmd.exe\"", "\"/e abc\"", "\"Ä\"", "\"абв\"",
		                              "123", "null", "[\"abc\",\"bcd\"]", "{\"F\":\"abc\"}", "\"\"", "\"eGFiY2Q=\"", "\"x.y\"",
		                              "true", "\"aXd abc abc\"" };
	static const char *const names[] = { "F", "G", "H", "I" };
	char *text = talloc_strdup(owner, "{\"z\":0");
	for (size_t i = 0; i < 4; i++)
		if (pick(4))
			text = talloc_asprintf_append(text, ",\"%s\":%s", names[i], values[pick(16)]);
	return talloc_strdup_append(text, "}");
}

struct marks {
	bool *set;
	const struct watch_rules *rules;
};

static void
mark(void *context, const struct watch_rule *rule)
{
	struct marks *m = context;
	for (size_t i = 0; i < watch_rules_count(m->rules); i++)
		if (watch_rules_get(m->rules, i) == rule) {
			assert_false(m->set[i]);        /* each once */
			m->set[i] = true;
		}
}

static size_t
compare(struct watcher *w, const struct watch_rules *rules, const struct watch_event *e, const char *json)
{
	size_t count = watch_rules_count(rules), matched = 0;
	struct marks m = { NEW_ARRAY(NULL, bool, count), rules };
	watch_match(w, e, mark, &m);
	for (size_t i = 0; i < count; i++) {
		if (watch_rule_matches(w, watch_rules_get(rules, i), e, true) != m.set[i])
			fail_msg("%s: searched %d on %s", watch_rules_get(rules, i)->title, m.set[i], json);
		matched += m.set[i];
	}
	talloc_free(m.set);
	return matched;
}

static void
search_and_asking_agree(void **state)
{
	(void)state;
	size_t matched = 0, asked = 0;
	for (seed = 1; seed < 40;) {
		uint32_t round = seed;
		void *owner = NEW(NULL, char);
		struct watch_rules *rules;
		struct watch_set *set = ask_set(owner, make_rules(owner, 20), &rules);
		struct watcher *w = watcher_new(owner, set);
		struct watch_event *e = watch_event_new(owner);
		for (size_t i = 0; i < 100; i++) {
			char *json = make_event(owner);
			watch_event_read(e, slice_text(json));
			assert_null(e->fault);
			matched += compare(w, rules, e, json);
			asked += 20;
		}
		talloc_free(owner);
		seed = round + 1;
	}
	assert_in_range(matched, asked / 20, asked * 19 / 20);
}

/* ---- many threads, one set ---- */

static const struct watch_set *shared_set;
static const struct watch_rules *shared_rules;

static void *
run_thread(void *argument)
{
	void *owner = NEW(NULL, char);
	struct watcher *w = watcher_new(owner, shared_set);
	struct watch_event *e = watch_event_new(owner);
	for (int i = 0; i < 200; i++) {
		watch_event_read(e, slice_text(argument));
		for (size_t r = 0; r < watch_rules_count(shared_rules); r++)
			(void)watch_rule_matches(w, watch_rules_get(shared_rules, r), e, true);
	}
	talloc_free(owner);
	return NULL;
}

static void
threads_share_a_set(void **state)
{
	(void)state;
	void *owner = NEW(NULL, char);
	struct watch_rules *rules;
	pthread_t threads[4];
	static char event[] = "{\"F\":\"abc\",\"G\":\"c:\\\\cmd.exe\",\"H\":123}";
	seed = 7;
	shared_set = ask_set(owner, make_rules(owner, 30), &rules);
	shared_rules = rules;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, run_thread, event), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	talloc_free(owner);
}

/* ---- expressions that would take for ever ---- */

static void
expensive_expressions_are_given_up(void **state)
{
	(void)state;
	void *owner = NEW(NULL, char);
	struct watch_rules *rules;
	struct watch_set *set = ask_set(owner, "title: t\nlogsource: {product: t}\ndetection:\n  s:\n    F|re: '^(a+)+$'\n  condition: s\n", &rules);
	struct watcher *w = watcher_new(owner, set);
	struct watch_event *e = watch_event_new(owner);
	watch_event_read(e, LITERAL("{\"F\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"}"));
	assert_false(watch_rule_matches(w, watch_rules_get(rules, 0), e, true));
	assert_int_equal(watcher_given_up(w), 1);
	talloc_free(owner);
}

/* ---- the archive ---- */

struct totals {
	size_t passed, failed, placeholders;
};

static void
on_refused(void *context, const char *file, const struct watch_fault *fault)
{
	struct totals *t = context;
	if (strstr(fault->text, "no placeholder"))
		t->placeholders++;
	else
		print_message("%s:%u: %s: %s\n", file, fault->line, fault->field, fault->text);
}

static void
on_regression(void *context, const struct watch_regression *r)
{
	struct totals *t = context;
	if (r->fault[0])
		print_message("%s: %s\n", r->info, r->fault);
	t->passed += r->fault[0] == '\0';
	t->failed += r->fault[0] != '\0';
}

struct agreeing {
	struct watcher *watcher;
	const struct watch_rules *rules;
	size_t events;
};

static void
on_events(void *context, const struct watch_regression *r)
{
	struct agreeing *a = context;
	void *owner = NEW(NULL, char);
	struct watch_stream stream = { 0 };
	struct watch_event *e = watch_event_new(owner);
	struct slice line;
	assert_ok(watch_file_map(owner, r->events, &stream.rest));
	while (watch_stream_next(&stream, &line)) {
		watch_event_read(e, line);
		watch_event_source(e);
		assert_true(compare(a->watcher, a->rules, e, r->events) > 0 || r->expected < r->read);
		a->events++;
	}
	talloc_free(owner);
}

static void
the_archive_parses_and_its_sets_match(void **state)
{
	(void)state;
	char folder[] = "/tmp/watch-test-XXXXXX", command[4096];
	const char *data = getenv("SEKISHO_SHARED");
	struct totals t = { 0 };
	struct watch_loaded loaded = { 0 };
	struct watch_set *set;
	struct watch_fault fault = { 0 };
	snprintf(command, sizeof command, "%s/data/sigma.tar.xz", data ? data : "/work/shared");
	if (access(command, R_OK) != 0)
		skip();
	assert_non_null(mkdtemp(folder));
	snprintf(command, sizeof command, "tar xf '%s/data/sigma.tar.xz' -C %s", data ? data : "/work/shared", folder);
	assert_int_equal(system(command), 0);
	void *owner = NEW(NULL, char);
	struct watch_rules *rules = watch_rules_new(owner);
	assert_ok(watch_files_load(rules, folder, &loaded, on_refused, &t));
	assert_int_equal(loaded.parsed + loaded.refused, 3780);
	assert_int_equal(loaded.refused, 25);
	assert_int_equal(t.placeholders, 25);
	assert_ok(watch_set_new(owner, rules, &set, &fault));
	assert_ok(watch_regress(set, rules, folder, on_regression, &t));
	assert_int_equal(t.failed, 0);
	assert_int_equal(t.passed, 97);
	struct agreeing a = { watcher_new(owner, set), rules, 0 };
	assert_ok(watch_regress(set, rules, folder, on_events, &a));
	assert_int_equal(a.events, 110);
	talloc_free(owner);
	snprintf(command, sizeof command, "rm -r %s", folder);
	assert_int_equal(system(command), 0);
}

/* Run in the root of the sources, as meson does. */
static void
our_own_rules_match_their_events(void **state)
{
	(void)state;
	struct totals t = { 0 };
	struct watch_loaded loaded = { 0 };
	struct watch_set *set;
	struct watch_fault fault = { 0 };
	void *owner = NEW(NULL, char);
	struct watch_rules *rules = watch_rules_new(owner);
	assert_ok(watch_files_load(rules, "rules", &loaded, on_refused, &t));
	assert_int_equal(loaded.refused, 0);
	assert_ok(watch_set_new(owner, rules, &set, &fault));
	assert_ok(watch_regress(set, rules, "rules/regression_data", on_regression, &t));
	assert_int_equal(t.failed, 0);
	assert_true(t.passed >= 5);
	talloc_free(owner);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(search_and_asking_agree), cmocka_unit_test(threads_share_a_set),
		cmocka_unit_test(expensive_expressions_are_given_up), cmocka_unit_test(the_archive_parses_and_its_sets_match),
		cmocka_unit_test(our_own_rules_match_their_events),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
