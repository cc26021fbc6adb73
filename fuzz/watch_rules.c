/* A file of rules, hostile: parsed, compiled, and asked of an event by search and one by one, which have to agree. */
#include "fuzz.h"
#include "watch/watch.h"

/* libfyaml 0.7.12 loses a buffer of 2 KiB on some quoted keys with many quotes in them; only who loads rules can bring
 * that about. */
const char *__lsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
	return "leak:libfyaml";
}

struct found {
	const struct watch_rule *rules[4096];
	size_t count;
};

static void
on_refused(void *context, const char *file, const struct watch_fault *fault)
{
	(void)context, (void)file;
	assert(fault->text[0]);         /* never without saying what was expected */
}

static void
on_match(void *context, const struct watch_rule *rule)
{
	struct found *f = context;
	if (f->count < 4096)
		f->rules[f->count++] = rule;
}

static bool
is_found(const struct found *f, const struct watch_rule *rule)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->rules[i] == rule)
			return true;
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char json[] = "{\"time\":1700000000,\"CommandLine\":\"cmd.exe /c abc -e Zm9vYmFy\",\"Image\":\"C:\\\\cmd.exe\","
				   "\"EventID\":[1,\"4688\"],\"F\":null,\"a\":{\"b\":\"10.0.0.1\"},\"d\":\"2026-11-24T10:27:44Z\"}";
	void *owner = NEW(NULL, char);
	struct watch_rules *rules = watch_rules_new(owner);
	struct watch_set *set;
	struct watch_fault fault = { 0 };
	static struct found found, counted;
	size_t parsed = 0, skipped = 0;
	watch_rules_read(rules, "rule.yml", slice_of(data, size), &parsed, &skipped, on_refused, NULL);
	watch_rules_resolve(rules, &parsed, on_refused, NULL);
	assert(parsed == watch_rules_count(rules));
	if (watch_set_new(owner, rules, &set, &fault)) {
		assert(fault.text[0]);
		talloc_free(owner);
		return 0;
	}
	struct watcher *w = watcher_new(owner, set);
	struct watch_counts *counts = watch_counts_new(owner, set);
	struct watch_event *e = watch_event_new(owner);
	watch_event_read(e, slice_text(json));
	found.count = counted.count = 0;
	watch_match(w, e, on_match, &found);
	for (size_t i = 0; i < watch_rules_count(rules); i++) {
		const struct watch_rule *r = watch_rules_get(rules, i);
		bool asked = watch_rule_matches(w, r, e, true);
		if (watcher_given_up(w) == 0)
			assert(asked == is_found(&found, r));
		if (asked)
			watch_counts_add(counts, r, e, 1700000000000000, on_match, &counted);
	}
	talloc_free(owner);
	return 0;
}
