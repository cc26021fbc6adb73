/* SigmaHQ's regression sets: an info.yml beside the events it speaks of. */
#include "base/memory.h"
#include "watch/files.h"
#include "watch/set.h"
#include "watch/walk.h"

#include <stdio.h>

struct regress {
	const struct watch_set *set;
	const struct watch_rules *rules;
	struct watcher *watcher;
	struct watch_event *event;
	void (*each)(void *context, const struct watch_regression *);
	void *context, *scratch;
};

static const char *
text_of(struct regress *r, const struct yaml *map, const char *key)
{
	const struct yaml *y = yaml_find(map, key);
	return y && y->kind == YAML_SCALAR ? memory_text(r->scratch, y->text) : "";
}

/* `path` counts from the root of the repository; the file stands beside info.yml, maybe as JSON instead of evtx. */
static err_t
map_events(struct regress *r, struct watch_regression *t, const char *path, struct slice *out)
{
	const char *slash = strrchr(t->info, '/'), *name = strrchr(path, '/');
	int folder = slash ? (int)(slash - t->info + 1) : 0;
	name = name ? name + 1 : path;
	const char *dot = strrchr(name, '.');
	int stem = dot ? (int)(dot - name) : (int)strlen(name);
	snprintf(t->events, sizeof t->events, "%.*s%s", folder, t->info, name);
	if (!dot || strcmp(dot, ".evtx") != 0) {
		err_t error = watch_file_map(r->scratch, t->events, out);
		if (error != E_NOT_FOUND)
			return error;
	}
	snprintf(t->events, sizeof t->events, "%.*s%.*s.json", folder, t->info, stem, name);
	return watch_file_map(r->scratch, t->events, out);
}

struct counting {
	struct regress *regress;
	struct watch_regression *test;
	struct watch_counts *counts;
	const struct rule *rule;
};

static void
on_told(void *context, const struct watch_rule *rule)
{
	struct counting *c = context;
	c->test->matched += rule == &c->rule->head;
}

static void
on_match(void *context, const struct watch_rule *rule)
{
	struct counting *c = context;
	int64_t time;
	if (watch_event_time(c->regress->event, &time))
		watch_counts_add(c->counts, rule, c->regress->event, time, on_told, c);
}

/* How often a correlation is told while the events pass in their order. */
static void
count_told(struct regress *r, struct watch_regression *t, const struct rule *rule, struct slice text)
{
	struct watch_stream stream = { .rest = text };
	struct counting c = { r, t, watch_counts_new(r->scratch, r->set), rule };
	struct slice line;
	for (; watch_stream_next(&stream, &line); t->read++) {
		watch_event_read(r->event, line);
		watch_event_source(r->event);
		watch_match(r->watcher, r->event, on_match, &c);
	}
}

static void
count_matches(struct regress *r, struct watch_regression *t, const struct rule *rule, struct slice text)
{
	struct watch_stream stream = { .rest = text };
	struct slice line;
	while (watch_stream_next(&stream, &line)) {
		watch_event_read(r->event, line);
		watch_event_source(r->event);
		t->read++;
		t->matched += watch_rule_matches(r->watcher, &rule->head, r->event, true);
	}
}

static void
run_test(struct regress *r, struct watch_regression *t, const struct yaml *test)
{
	long double expected = 1;
	struct slice text;
	const struct yaml *count = yaml_find(test, "match_count");
	const struct rule *rule = rules_find(r->rules, slice_text(t->rule_id));
	if (count && (!yaml_is_number(count, &expected) || expected < 0 || expected > 1e9L))
		snprintf(t->fault, sizeof t->fault, "match_count: expected a number");
	else if (!rule)
		snprintf(t->fault, sizeof t->fault, "no rule has the id %.60s", t->rule_id);
	else if (map_events(r, t, text_of(r, test, "path"), &text) != NULL)
		snprintf(t->fault, sizeof t->fault, "its events cannot be read, nor as .json beside info.yml");
	else if (rule->correlation)
		count_told(r, t, rule, text);
	else
		count_matches(r, t, rule, text);
	t->expected = (uint64_t)expected;
	if (!t->fault[0] && t->matched < t->expected)
		snprintf(t->fault, sizeof t->fault, "expected at least %llu matches, found %llu in %llu events",
		         (unsigned long long)t->expected, (unsigned long long)t->matched, (unsigned long long)t->read);
	r->each(r->context, t);
}

static void
run_info(struct regress *r, const char *file, const struct yaml *info)
{
	const struct yaml *rules = yaml_find(info, "rule_metadata"), *tests = yaml_find(info, "regression_tests_info");
	for (size_t i = 0; rules && tests && rules->kind == YAML_LIST && tests->kind == YAML_LIST && i < rules->count; i++)
		for (size_t k = 0; k < tests->count; k++) {
			struct watch_regression t = { .info = file };
			t.name = text_of(r, tests->values[k], "name");
			t.rule_id = text_of(r, rules->values[i], "id");
			t.title = text_of(r, rules->values[i], "title");
			run_test(r, &t, tests->values[k]);
		}
}

static void
tell_fault(struct regress *r, const char *file, const char *fault)
{
	struct watch_regression t = { .info = file, .name = "", .rule_id = "", .title = "" };
	snprintf(t.fault, sizeof t.fault, "%s", fault);
	r->each(r->context, &t);
}

static err_t
visit(void *context, const char *file, const char *name)
{
	struct regress *r = context;
	struct yaml **documents = NULL;
	size_t count = 0;
	struct slice text;
	struct watch_fault fault = { 0 };
	if (strcmp(name, "info.yml") != 0)
		return NULL;
	r->scratch = NEW(r->watcher, char);
	if (watch_file_map(r->scratch, file, &text) != NULL)
		tell_fault(r, file, "it cannot be read");
	else if (yaml_parse(r->scratch, text, &documents, &count, &fault) != NULL)
		tell_fault(r, file, fault.text);
	else if (count != 1 || !yaml_find(documents[0], "regression_tests_info") || !yaml_find(documents[0], "rule_metadata"))
		tell_fault(r, file, "expected rule_metadata and regression_tests_info");
	else
		run_info(r, file, documents[0]);
	talloc_free(r->scratch);
	return NULL;
}

err_t
watch_regress(const struct watch_set *set, const struct watch_rules *rules, const char *folder,
              void (*each)(void *context, const struct watch_regression *), void *context)
{
	void *owner = NEW(NULL, char);
	struct regress r = { .set = set, .rules = rules, .each = each, .context = context };
	r.watcher = watcher_new(owner, set);
	r.event = watch_event_new(owner);
	err_t error = walk_files(folder, visit, &r);
	talloc_free(owner);
	return error;
}
