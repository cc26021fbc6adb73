/* ask.h - one rule, one event, one answer; by the search for literals and without it, which have to agree. */
#pragma once
#include "../unit/test.h"
#include "watch/watch.h"

#include <stdio.h>

struct asked {
	const struct watch_rule *rule;
	bool matched;
};

static inline void
ask_refused(void *context, const char *file, const struct watch_fault *fault)
{
	(void)file;
	*(struct watch_fault *)context = *fault;
}

static inline struct watch_set *
ask_set(void *owner, const char *text, struct watch_rules **rules)
{
	struct watch_fault fault = { 0 };
	struct watch_set *set;
	size_t parsed = 0, skipped = 0;
	*rules = watch_rules_new(owner);
	watch_rules_read(*rules, "rule.yml", slice_text(text), &parsed, &skipped, ask_refused, &fault);
	if (!fault.text[0])
		watch_rules_resolve(*rules, &parsed, ask_refused, &fault);
	if (fault.text[0])
		fail_msg("line %u: %s: %s in\n%s", fault.line, fault.field, fault.text, text);
	assert_ok(watch_set_new(owner, *rules, &set, &fault));
	return set;
}

static inline void
ask_each(void *context, const struct watch_rule *rule)
{
	struct asked *a = context;
	a->matched |= rule == a->rule;
}

/* Twelve texts that stand nowhere, so that the rule's bucket is large enough to be searched. */
#define ASK_FILLER                                                                                                     \
	"---\ntitle: filler\nlogsource: {product: t}\ndetection:\n  s:\n    - fill-aaaa\n    - fill-bbbb\n    - fill-cccc\n"  \
	"    - fill-dddd\n    - fill-eeee\n    - fill-ffff\n    - fill-gggg\n    - fill-hhhh\n    - fill-iiii\n"            \
	"    - fill-jjjj\n    - fill-kkkk\n    - fill-llll\n    - fill-mmmm\n  condition: s\n"

static inline bool
ask_text(const char *rule_text, const char *json)
{
	void *owner = NEW(NULL, char);
	struct watch_rules *rules;
	char *text = memory_format(owner, "%s" ASK_FILLER, rule_text);
	struct watch_set *set = ask_set(owner, text, &rules);
	struct watcher *w = watcher_new(owner, set);
	struct watch_event *e = watch_event_new(owner);
	struct asked a = { .rule = watch_rules_get(rules, 0) };
	watch_event_read(e, slice_text(json));
	watch_match(w, e, ask_each, &a);
	if (watch_rule_matches(w, a.rule, e, true) != a.matched)
		fail_msg("searched: %d, asked: %d, of\n%s\n%s", a.matched, !a.matched, rule_text, json);
	talloc_free(owner);
	return a.matched;
}

/* `detection` with its condition, indented by two. */
static inline bool
ask(const char *detection, const char *json)
{
	char text[16384];
	snprintf(text, sizeof text, "title: t\nlogsource: {product: t}\ndetection:\n%s\n", detection);
	return ask_text(text, json);
}

/* One item of one search. */
static inline bool
ask_item(const char *item, const char *json)
{
	char text[4096];
	snprintf(text, sizeof text, "  s:\n    %s\n  condition: s", item);
	return ask(text, json);
}

struct ask_case {
	const char *item, *json;
	bool matches;
};

static inline void
ask_cases(const struct ask_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (ask_item(cases[i].item, cases[i].json) != cases[i].matches)
			fail_msg("%s on %s: expected %s", cases[i].item, cases[i].json, cases[i].matches ? "a match" : "none");
}

#define ASK_CASES(cases) ask_cases(cases, sizeof(cases) / sizeof *(cases))
