/* event_count, value_count, temporal and temporal_ordered, over a window that ends with the event. A correlation is
 * told when its condition begins to hold, and again only after it ceased to. */
#include "base/memory.h"
#include "watch/counts.h"

#include <sodium.h>

enum { CHAIN_MAX = 8 };                 /* correlations of correlations */

struct rule *
rules_find(const struct watch_rules *rules, struct slice name)
{
	for (size_t i = 0; i < rules->count; i++)
		if (name.size && (slice_is(name, rules->list[i]->head.id) || slice_is(name, rules->list[i]->head.name)))
			return rules->list[i];
	return NULL;
}

/* ---- before anything is counted ---- */

static err_t
check_one(const struct rule *r, struct watch_fault *fault)
{
	const struct correlation *c = r->correlation;
	for (size_t i = 0; i < c->rule_count; i++)
		if (!c->counted[i])
			return fault_at(fault, r->head.line, LITERAL("correlation.rules"), "expected a rule with the id or name '%.*s'",
			                SLICE_ARGUMENTS(c->rules[i]));
	for (size_t i = 0; i < c->limit_count; i++)
		if (c->kind == VALUE_COUNT && c->limits[i].count >= WATCH_GROUP_MEMBERS_MAX)
			return fault_at(fault, r->head.line, LITERAL("correlation.condition"), "expected a count below %d values",
			                WATCH_GROUP_MEMBERS_MAX);
	if (r->chain > CHAIN_MAX)
		return fault_at(fault, r->head.line, LITERAL("correlation.rules"),
		                "expected no circle, and at most %d correlations of correlations", CHAIN_MAX);
	return NULL;
}

static void
find_counted(const struct watch_rules *rules, struct rule *r)
{
	struct correlation *c = r->correlation;
	if (!c->counted)
		c->counted = NEW_ARRAY(r, struct rule *, c->rule_count);
	for (size_t i = 0; i < c->rule_count; i++)
		c->counted[i] = rules_find(rules, c->rules[i]);
	r->chain = 0;
}

/* In a circle the chain grows with every round. */
static void
measure_chain(struct rule *r)
{
	for (size_t i = 0; i < r->correlation->rule_count; i++) {
		const struct rule *below = r->correlation->counted[i];
		if (below && below->correlation && below->chain >= r->chain && r->chain <= CHAIN_MAX)
			r->chain = below->chain + 1;
	}
}

static void
resolve_all(struct watch_rules *rules)
{
	for (size_t i = 0; i < rules->count; i++)
		if (rules->list[i]->correlation)
			find_counted(rules, rules->list[i]);
	for (size_t round = 0; round <= CHAIN_MAX; round++)
		for (size_t i = 0; i < rules->count; i++)
			if (rules->list[i]->correlation)
				measure_chain(rules->list[i]);
}

static void
remove_rule(struct watch_rules *rules, size_t at)
{
	memmove(&rules->list[at], &rules->list[at + 1], (--rules->count - at) * sizeof *rules->list);
	for (size_t i = at; i < rules->count; i++)
		rules->list[i]->index = (uint32_t)i;
}

/* One that goes may be named by another: until none goes. */
void
watch_rules_resolve(struct watch_rules *rules, size_t *parsed,
                    void (*refused)(void *context, const char *file, const struct watch_fault *), void *context)
{
	for (bool again = true; again;) {
		again = false;
		resolve_all(rules);
		for (size_t i = rules->count; i-- > 0;) {
			struct watch_fault fault = { 0 };
			const struct rule *r = rules->list[i];
			if (!r->correlation || !check_one(r, &fault))
				continue;
			refused(context, r->head.file, &fault);
			remove_rule(rules, i);
			(*parsed)--;
			again = true;
		}
	}
}

err_t
correlations_check(struct watch_rules *rules, struct watch_fault *fault)
{
	resolve_all(rules);
	for (size_t i = 0; i < rules->count; i++)
		if (rules->list[i]->correlation)
			TRY(check_one(rules->list[i], fault));
	return NULL;
}

struct watch_counts *
watch_counts_new(void *owner, const struct watch_set *set)
{
	struct watch_counts *w = NEW(owner, struct watch_counts);
	const struct watch_rules *rules = set->rules;
	w->set = set;
	randombytes_buf(w->key, sizeof w->key);
	w->counters = NEW_ARRAY(w, struct counter, rules->count + 1);
	for (size_t i = 0; i < rules->count; i++) {
		const struct rule *r = rules->list[i];
		if (!r->correlation)
			continue;
		struct counter *c = &w->counters[w->counter_count++];
		c->rule = r;
		c->counted = r->correlation->counted;
	}
	return w;
}

uint64_t
watch_counts_dropped(const struct watch_counts *w)
{
	return w->dropped;
}

/* ---- which group ---- */

static struct slice
field_of(const struct correlation *c, const struct rule *rule, struct slice name)
{
	for (size_t i = 0; i < c->alias_count; i++)
		if (slice_equal(c->aliases[i].name, name) &&
		    (slice_is(c->aliases[i].rule, rule->head.name) || slice_is(c->aliases[i].rule, rule->head.id)))
			return c->aliases[i].field;
	return name;
}

static void
hash_add(struct watch_counts *w, size_t *size, const struct watch_value *v)
{
	uint64_t length = v && v->kind != WATCH_NULL ? v->text.size + 1 : 0;
	if (*size + length + sizeof length > w->scratch_room) {
		w->scratch_room = 2 * (*size + length + sizeof length);
		w->scratch = memory_grow(w, w->scratch, 1, w->scratch_room);
	}
	memcpy(w->scratch + *size, &length, sizeof length);
	*size += sizeof length;
	if (length)
		*size += fold_text(v->text, w->scratch + *size);
}

static struct group_key
group_key(struct watch_counts *w, const struct correlation *c, const struct rule *rule, const struct watch_event *e)
{
	struct group_key key;
	size_t size = 0;
	for (size_t i = 0; i < c->group_count; i++)
		hash_add(w, &size, watch_event_find(e, field_of(c, rule, c->group_by[i])));
	crypto_shorthash_siphashx24((unsigned char *)&key, w->scratch ? w->scratch : (uint8_t[]){ 0 }, size, w->key);
	return key;
}

/* ---- what is counted ---- */

static void
drop_old(struct group *g, int64_t timespan)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < g->count; i++)
		if (g->newest - g->members[i].time <= timespan)
			g->members[kept++] = g->members[i];
	g->count = kept;
}

/* Neighbours become one, with the time of the later: nothing is lost but when exactly the earlier was. */
static void
merge_pairs(struct group *g)
{
	for (uint32_t i = 0; 2 * i + 1 < g->count; i++)
		g->members[i] = (struct member){ g->members[2 * i + 1].time, g->members[2 * i].what + g->members[2 * i + 1].what };
	g->count /= 2;
}

static uint64_t
count_event(struct watch_counts *w, struct counter *c, struct group *g, int64_t time)
{
	uint64_t total = 0;
	uint32_t at;
	if (g->count == WATCH_GROUP_MEMBERS_MAX)
		merge_pairs(g);
	group_member(w, c, g);
	for (at = g->count - 1; at > 0 && g->members[at - 1].time > time; at--)
		g->members[at] = g->members[at - 1];
	g->members[at] = (struct member){ time, 1 };
	for (uint32_t i = 0; i < g->count; i++)
		total += g->members[i].what;
	return total;
}

static uint32_t
oldest_member(const struct group *g)
{
	uint32_t oldest = 0;
	for (uint32_t i = 1; i < g->count; i++)
		if (g->members[i].time < g->members[oldest].time)
			oldest = i;
	return oldest;
}

static uint64_t
count_value(struct watch_counts *w, struct counter *c, struct group *g, const struct watch_value *v, int64_t time)
{
	struct group_key key;
	size_t size = 0;
	if (!v || v->kind == WATCH_NULL)
		return g->count;
	hash_add(w, &size, v);
	crypto_shorthash_siphashx24((unsigned char *)&key, w->scratch, size, w->key);
	for (uint32_t i = 0; i < g->count; i++)
		if (g->members[i].what == key.words[0]) {
			g->members[i].time = time > g->members[i].time ? time : g->members[i].time;
			return g->count;
		}
	if (g->count == WATCH_GROUP_MEMBERS_MAX) {
		w->dropped++;
		g->members[oldest_member(g)] = (struct member){ time, key.words[0] };
		return g->count;
	}
	*group_member(w, c, g) = (struct member){ time, key.words[0] };
	return g->count;
}

static uint64_t
count_rules(struct watch_counts *w, struct counter *c, struct group *g, const struct rule *rule, int64_t time)
{
	const struct correlation *how = c->rule->correlation;
	uint64_t within = 0;
	while (g->count < how->rule_count)
		group_member(w, c, g)->time = INT64_MIN;
	for (size_t k = how->rule_count; k-- > 0;) {
		struct member *m = &g->members[k];
		if (c->counted[k] != rule)
			continue;
		int64_t began = how->kind == TEMPORAL || k == 0 ? time : g->members[k - 1].time;
		m->time = began > m->time ? began : m->time;
	}
	if (how->kind == TEMPORAL_ORDERED) {
		int64_t began = g->members[how->rule_count - 1].time;
		return began != INT64_MIN && g->newest - began <= how->timespan && c->counted[how->rule_count - 1] == rule
		           ? how->rule_count : 0;
	}
	for (size_t k = 0; k < how->rule_count; k++)
		within += g->members[k].time != INT64_MIN && g->newest - g->members[k].time <= how->timespan;
	return within;
}

static bool
limit_holds(struct limit l, uint64_t count)
{
	switch (l.comparison) {
	case COMPARE_EQUAL:
		return count == l.count;
	case COMPARE_LESS:
		return count < l.count;
	case COMPARE_LESS_EQUAL:
		return count <= l.count;
	case COMPARE_GREATER:
		return count > l.count;
	case COMPARE_GREATER_EQUAL:
		return count >= l.count;
	default:
		return false;
	}
}

static bool
begins_to_hold(struct group *g, const struct correlation *how, uint64_t count)
{
	bool before = g->held;
	g->held = count > 0;
	for (size_t i = 0; i < how->limit_count; i++)
		g->held = g->held && limit_holds(how->limits[i], count);
	return g->held && !before;
}

static uint64_t
count_now(struct watch_counts *w, struct counter *c, struct group *g, const struct rule *rule, const struct watch_event *e,
          int64_t time)
{
	const struct correlation *how = c->rule->correlation;
	g->newest = time > g->newest ? time : g->newest;
	if (how->kind == TEMPORAL || how->kind == TEMPORAL_ORDERED)
		return count_rules(w, c, g, rule, time);
	drop_old(g, how->timespan);
	if (how->kind == EVENT_COUNT && g->newest - time > how->timespan)
		return 0;               /* it came too late to count */
	if (how->kind == EVENT_COUNT)
		return count_event(w, c, g, time);
	return count_value(w, c, g, watch_event_find(e, field_of(how, rule, how->field)), time);
}

static bool
counts_rule(const struct counter *c, const struct rule *rule)
{
	for (size_t i = 0; i < c->rule->correlation->rule_count; i++)
		if (c->counted[i] == rule)
			return true;
	return false;
}

/* What holds counts in its turn for those that name it: as deep as correlations_check allows. */
static void
add(struct watch_counts *w, const struct rule *rule, const struct watch_event *e, int64_t time, watch_each *each, void *context)
{
	for (size_t i = 0; i < w->counter_count; i++) {
		struct counter *c = &w->counters[i];
		if (!counts_rule(c, rule))
			continue;
		struct group_key key = group_key(w, c->rule->correlation, rule, e);
		struct group *g = group_find(w, c, &key);
		uint64_t count = count_now(w, c, g, rule, e, time);
		if (!begins_to_hold(g, c->rule->correlation, count))
			continue;
		each(context, &c->rule->head);
		add(w, c->rule, e, time, each, context);
	}
}

void
watch_counts_add(struct watch_counts *w, const struct watch_rule *rule, const struct watch_event *e, int64_t time,
                 watch_each *each, void *context)
{
	add(w, (const struct rule *)rule, e, time, each, context);
}
