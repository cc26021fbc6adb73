/* A source, hostile: split into events, read, and matched by search and one by one, which have to agree. No byte is lost:
 * an event that is not read whole holds its bytes. */
#include "fuzz.h"
#include "watch/watch.h"

static const char text[] =
	"title: one\nlogsource: {product: t}\ndetection:\n  s: {a|contains: abc, b|endswith: .exe}\n  k: [evil, bad, 'x*y', virus, trojan]\n"
	"  e: {a.b|re: 'x+yz', c: [1, two, 'three', '', null]}\n  n: {d|gte: 5, e|cidr: 10.0.0.0/8, f|fieldref: g}\n"
	"  w: {Image|windash|contains: ' -enc', h|hour: 3}\n  condition: 1 of s or k or e or (n and not w) or not s\n---\n"
	"title: two\nlogsource: {product: windows, category: process_creation}\ndetection:\n"
	"  s: {Image|endswith: ['\\cmd.exe', '\\a.exe', '\\b.exe', '\\c.exe', '\\d.exe', '\\e.exe', '\\f.exe', '\\g.exe', '\\h.exe']}\n"
	"  condition: s\n---\n"
	"title: three\nlogsource: {product: t}\ndetection:\n  k: {'|all': [abc, def]}\n  l: ['ghi', 'ä', 'ÄÖ', 'jkl', 'mno']\n"
	"  condition: k or l\n";

static struct watch_rules *rules;
static struct watch_set *set;
static uint64_t found;

static void
on_refused(void *context, const char *file, const struct watch_fault *fault)
{
	(void)context, (void)file, (void)fault;
	__builtin_trap();
}

static void
on_match(void *context, const struct watch_rule *rule)
{
	(void)context;
	for (size_t i = 0; i < watch_rules_count(rules); i++)
		found |= (uint64_t)(watch_rules_get(rules, i) == rule) << i;
}

static void
start(void)
{
	size_t parsed = 0, skipped = 0;
	struct watch_fault fault = { 0 };
	rules = watch_rules_new(NULL);
	watch_rules_read(rules, "rule.yml", slice_text(text), &parsed, &skipped, on_refused, NULL);
	if (watch_set_new(NULL, rules, &set, &fault))
		__builtin_trap();
}

static void
check_event(struct watcher *w, struct watch_event *e, struct slice line)
{
	int64_t time;
	watch_event_read(e, line);
	assert(e->count <= WATCH_VALUES_MAX);
	const struct watch_value *last = e->count ? &e->values[e->count - 1] : NULL;
	if (e->count == 0 || (e->fault && slice_is(last->name, "message")))
		assert(e->count == 0 ? line.size >= 2 : slice_equal(last->text, line));
	watch_event_source(e);
	(void)watch_event_time(e, &time);
	found = 0;
	watch_match(w, e, on_match, NULL);
	for (size_t i = 0; i < watch_rules_count(rules); i++)
		assert(watch_rule_matches(w, watch_rules_get(rules, i), e, true) == (found >> i & 1));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *owner = NEW(NULL, char);
	struct watch_stream stream = { .rest = slice_of(data, size) };
	struct slice line;
	if (!set)
		start();
	struct watcher *w = watcher_new(owner, set);
	struct watch_event *e = watch_event_new(owner);
	size_t left = size + 1;
	while (watch_stream_next(&stream, &line)) {
		assert(stream.rest.size < left && line.size > 0);       /* it comes to an end */
		left = stream.rest.size;
		check_event(w, e, line);
	}
	assert(stream.rest.size == 0);
	check_event(w, e, slice_of(data, size));
	talloc_free(owner);
	return 0;
}
