#include "ask.h"
#include "base/clock.h"

struct run {
	void *owner;
	struct watch_rules *rules;
	struct watch_set *set;
	struct watcher *watcher;
	struct watch_counts *counts;
	struct watch_event *event;
	const char *told;
	int count;
};

#define LOGIN "---\ntitle: l\nname: login\nlogsource: {product: t}\ndetection: {s: {E: login}, condition: s}\n"
#define OTHER "---\ntitle: o\nname: other\nlogsource: {product: t}\ndetection: {s: {E: other}, condition: s}\n"

static void
start(struct run *r, const char *text)
{
	*r = (struct run){ .owner = NEW(NULL, char) };
	r->set = ask_set(r->owner, text, &r->rules);
	r->watcher = watcher_new(r->owner, r->set);
	r->counts = watch_counts_new(r->owner, r->set);
	r->event = watch_event_new(r->owner);
}

static void
on_told(void *context, const struct watch_rule *rule)
{
	struct run *r = context;
	r->told = rule->title;
	r->count++;
}

static void
on_match(void *context, const struct watch_rule *rule)
{
	struct run *r = context;
	int64_t time;
	assert_true(watch_event_time(r->event, &time));
	watch_counts_add(r->counts, rule, r->event, time, on_told, r);
}

/* How many correlations were told of by this event, at `second`. */
static int
feed(struct run *r, int second, const char *values)
{
	char json[512];
	snprintf(json, sizeof json, "{\"time\":%d,%s}", 1700000000 + second, values);
	watch_event_read(r->event, slice_text(json));
	r->count = 0;
	watch_match(r->watcher, r->event, on_match, r);
	return r->count;
}

static void
events_are_counted_by_group_in_a_window(void **state)
{
	(void)state;
	struct run r;
	start(&r, "title: many\ncorrelation: {type: event_count, rules: [login], group-by: [U], timespan: 10s, condition: {gte: 3}}\n" LOGIN);
	assert_int_equal(feed(&r, 0, "\"E\":\"login\",\"U\":\"a\""), 0);
	assert_int_equal(feed(&r, 1, "\"E\":\"login\",\"U\":\"b\""), 0);
	assert_int_equal(feed(&r, 2, "\"E\":\"login\",\"U\":\"a\""), 0);
	assert_int_equal(feed(&r, 3, "\"E\":\"x\",\"U\":\"a\""), 0);
	assert_int_equal(feed(&r, 9, "\"E\":\"login\",\"U\":\"A\""), 1);      /* folded, as values are */
	assert_int_equal(feed(&r, 10, "\"E\":\"login\",\"U\":\"a\""), 0);     /* told once */
	assert_int_equal(feed(&r, 40, "\"E\":\"login\",\"U\":\"a\""), 0);     /* all others are too old */
	assert_int_equal(feed(&r, 45, "\"E\":\"login\",\"U\":\"a\""), 0);
	assert_int_equal(feed(&r, 50, "\"E\":\"login\",\"U\":\"a\""), 1);     /* the window's both ends count */
	assert_int_equal(feed(&r, 39, "\"E\":\"login\",\"U\":\"a\""), 0);     /* too late */
	talloc_free(r.owner);
}

static void
late_events_count_where_they_belong(void **state)
{
	(void)state;
	struct run r;
	start(&r, "title: many\ncorrelation: {type: event_count, rules: [login], group-by: [U], timespan: 10s, condition: {gt: 2}}\n" LOGIN);
	assert_int_equal(feed(&r, 9, "\"E\":\"login\",\"U\":\"a\""), 0);
	assert_int_equal(feed(&r, 10, "\"E\":\"login\",\"U\":\"a\""), 0);
	assert_int_equal(feed(&r, 2, "\"E\":\"login\",\"U\":\"a\""), 1);
	assert_int_equal(feed(&r, 49, "\"E\":\"login\",\"U\":\"b\""), 0);
	assert_int_equal(feed(&r, 50, "\"E\":\"login\",\"U\":\"b\""), 0);
	assert_int_equal(feed(&r, 30, "\"E\":\"login\",\"U\":\"b\""), 0);     /* too late to count */
	assert_int_equal(feed(&r, 51, "\"E\":\"login\",\"U\":\"b\""), 1);
	talloc_free(r.owner);
}

static void
more_events_than_are_kept_still_count(void **state)
{
	(void)state;
	struct run r;
	int told = 0, at = 0;
	start(&r, "title: many\ncorrelation: {type: event_count, rules: [login], group-by: [U], timespan: 1d, condition: {gte: 20000}}\n" LOGIN);
	for (int i = 1; i <= 20001; i++)
		if (feed(&r, i, "\"E\":\"login\",\"U\":\"a\"")) {
			told++;
			at = i;
		}
	assert_int_equal(told, 1);
	assert_int_equal(at, 20000);
	assert_int_equal(watch_counts_dropped(r.counts), 0);
	talloc_free(r.owner);
}

static void
values_are_counted_once(void **state)
{
	(void)state;
	struct run r;
	start(&r, "title: many\ncorrelation: {type: value_count, rules: [login], group-by: [H], timespan: 10s, condition: {field: U, gte: 3}}\n" LOGIN);
	assert_int_equal(feed(&r, 0, "\"E\":\"login\",\"H\":\"h\",\"U\":\"a\""), 0);
	assert_int_equal(feed(&r, 1, "\"E\":\"login\",\"H\":\"h\",\"U\":\"b\""), 0);
	assert_int_equal(feed(&r, 2, "\"E\":\"login\",\"H\":\"h\",\"U\":\"a\""), 0);
	assert_int_equal(feed(&r, 3, "\"E\":\"login\",\"H\":\"h\""), 0);
	assert_int_equal(feed(&r, 4, "\"E\":\"login\",\"H\":\"g\",\"U\":\"c\""), 0);
	assert_int_equal(feed(&r, 12, "\"E\":\"login\",\"H\":\"h\",\"U\":\"c\""), 0);   /* b is too old */
	assert_int_equal(feed(&r, 12, "\"E\":\"login\",\"H\":\"h\",\"U\":\"d\""), 1);
	talloc_free(r.owner);
}

static void
limits_are_bounds(void **state)
{
	(void)state;
	static const struct {
		const char *condition;
		int told[4];            /* by the first, second … event */
	} cases[] = {
		{ "{gte: 2}", { 0, 1, 0, 0 } }, { "{gt: 2}", { 0, 0, 1, 0 } }, { "{eq: 3}", { 0, 0, 1, 0 } },
		{ "{lte: 2}", { 1, 0, 0, 0 } }, { "{lt: 2}", { 1, 0, 0, 0 } }, { "{gt: 1, lt: 4}", { 0, 1, 0, 0 } },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct run r;
		char text[1024];
		snprintf(text, sizeof text, "title: m\ncorrelation: {type: event_count, rules: login, timespan: 1h, condition: %s}\n" LOGIN,
		         cases[i].condition);
		start(&r, text);
		for (int n = 0; n < 4; n++)
			if (feed(&r, n, "\"E\":\"login\"") != cases[i].told[n])
				fail_msg("%s: event %d", cases[i].condition, n);
		talloc_free(r.owner);
	}
}

static void
rules_near_each_other_and_in_order(void **state)
{
	(void)state;
	struct run r;
	start(&r, "title: both\ncorrelation: {type: temporal, rules: [login, other], group-by: [u], timespan: 10s,"
	          " aliases: {u: {login: U, other: V}}}\n" LOGIN OTHER);
	assert_int_equal(feed(&r, 0, "\"E\":\"other\",\"V\":\"a\""), 0);
	assert_int_equal(feed(&r, 5, "\"E\":\"login\",\"U\":\"b\""), 0);
	assert_int_equal(feed(&r, 6, "\"E\":\"login\",\"U\":\"a\""), 1);
	assert_int_equal(feed(&r, 20, "\"E\":\"other\",\"V\":\"b\""), 0);
	talloc_free(r.owner);

	start(&r, "title: order\ncorrelation: {type: temporal_ordered, rules: [login, other], group-by: [U], timespan: 10s}\n" LOGIN OTHER);
	assert_int_equal(feed(&r, 0, "\"E\":\"other\",\"U\":\"a\""), 0);
	assert_int_equal(feed(&r, 1, "\"E\":\"login\",\"U\":\"a\""), 0);
	assert_int_equal(feed(&r, 2, "\"E\":\"other\",\"U\":\"a\""), 1);
	assert_int_equal(feed(&r, 30, "\"E\":\"login\",\"U\":\"a\""), 0);
	assert_int_equal(feed(&r, 41, "\"E\":\"other\",\"U\":\"a\""), 0);
	talloc_free(r.owner);
}

static void
correlations_of_correlations(void **state)
{
	(void)state;
	struct run r;
	start(&r, "title: chain\ncorrelation: {type: temporal_ordered, rules: [many, other], group-by: [U], timespan: 1m}\n"
	          "---\ntitle: many\nname: many\ncorrelation: {type: event_count, rules: [login], group-by: [U], timespan: 10s,"
	          " condition: {gte: 2}}\n" LOGIN OTHER);
	feed(&r, 0, "\"E\":\"login\",\"U\":\"a\"");
	assert_int_equal(feed(&r, 1, "\"E\":\"login\",\"U\":\"a\""), 1);
	assert_string_equal(r.told, "many");
	assert_int_equal(feed(&r, 2, "\"E\":\"other\",\"U\":\"a\""), 1);
	assert_string_equal(r.told, "chain");
	talloc_free(r.owner);
}

/* A flood of groups stays within bounds, is counted, and the group in use is not what goes. */
static void
memory_is_bounded(void **state)
{
	(void)state;
	struct run r;
	char values[64];
	start(&r, "title: many\ncorrelation: {type: event_count, rules: [login], group-by: [U], timespan: 1d, condition: {gte: 3}}\n" LOGIN);
	feed(&r, 0, "\"E\":\"login\",\"U\":\"a\"");
	for (int i = 0; i < WATCH_GROUPS_MAX + 1000; i++) {
		snprintf(values, sizeof values, "\"E\":\"login\",\"U\":\"x%d\"", i);
		feed(&r, 1, values);
		if (i == 1000)
			assert_int_equal(feed(&r, 1, "\"E\":\"login\",\"U\":\"a\""), 0);
	}
	assert_int_equal(feed(&r, 2, "\"E\":\"login\",\"U\":\"a\""), 1);
	assert_in_range(watch_counts_dropped(r.counts), 1000, 1002);
	assert_true(talloc_total_size(r.counts) < 64 << 20);
	talloc_free(r.owner);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_are_counted_by_group_in_a_window), cmocka_unit_test(late_events_count_where_they_belong),
		cmocka_unit_test(more_events_than_are_kept_still_count), cmocka_unit_test(values_are_counted_once),
		cmocka_unit_test(limits_are_bounds), cmocka_unit_test(rules_near_each_other_and_in_order),
		cmocka_unit_test(correlations_of_correlations), cmocka_unit_test(memory_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
