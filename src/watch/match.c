/* Asking a rule's questions of an event, exactly. */
#include "watch/set.h"

static bool
expression_matches(struct watcher *w, const struct atom *a, const struct seen *v)
{
	struct slice text = v->text;
	if (a->held.size && !memmem(v->folded.data, v->folded.size, a->held.data, a->held.size))
		return false;
	int found = pcre2_match(a->regex, text.data ? text.data : (PCRE2_SPTR) "", text.size, 0, 0, w->match_data, w->match_context);
	if (found >= 0)
		return true;
	w->given_up += found != PCRE2_ERROR_NOMATCH;
	return false;
}

static bool
part_of_time(enum time_part part, struct slice text, long double *out)
{
	struct calendar c;
	if (!calendar_parse(text, &c))
		return false;
	const int parts[] = { 0, c.minute, c.hour, c.day, part == PART_WEEK ? calendar_week(&c) : 0, c.month, c.year };
	*out = parts[part];
	return true;
}

static bool
compares(const struct atom *a, struct slice text)
{
	long double number;
	if (a->time_part != PART_OF_NO_TIME ? !part_of_time(a->time_part, text, &number) : !number_parse(text, &number))
		return false;
	switch (a->comparison) {
	case COMPARE_EQUAL:
		return number == a->number;
	case COMPARE_LESS:
		return number < a->number;
	case COMPARE_LESS_EQUAL:
		return number <= a->number;
	case COMPARE_GREATER:
		return number > a->number;
	case COMPARE_GREATER_EQUAL:
		return number >= a->number;
	default:
		return false;
	}
}

static bool
value_holds(struct watcher *w, const struct atom *a, const struct seen *v)
{
	if (v->kind == WATCH_NULL)
		return false;
	switch (a->kind) {
	case ATOM_PATTERN:
		return pattern_matches(&a->pattern, a->cased ? v->text : v->folded);
	case ATOM_REGEX:
		return expression_matches(w, a, v);
	case ATOM_CIDR:
		return network_holds(&a->network, v->text);
	case ATOM_COMPARE:
		return compares(a, v->text);
	case ATOM_EXISTS:
	case ATOM_NULL:
	case ATOM_FIELD:
	default:
		return false;
	}
}

static bool
is_placed(enum place place, struct slice text, struct slice part)
{
	if (text.size < part.size)
		return false;
	switch (place) {
	case PLACE_WHOLE:
		return slice_equal(text, part);
	case PLACE_START:
		return slice_starts(text, part);
	case PLACE_END:
		return slice_equal(slice_from(text, text.size - part.size), part);
	case PLACE_INSIDE:
		return part.size == 0 || memmem(text.data, text.size, part.data, part.size) != NULL;
	default:
		return false;
	}
}

static uint32_t
first_of(const struct watcher *w, uint32_t field)
{
	return field != NONE && w->field_turn[field] == w->event_turn ? w->field_first[field] : NONE;
}

static bool
reference_holds(const struct watcher *w, const struct check *c)
{
	for (uint32_t i = first_of(w, c->field); i != NONE; i = w->seen[i].next)
		for (uint32_t o = first_of(w, c->other); o != NONE; o = w->seen[o].next) {
			const struct seen *a = &w->seen[i], *b = &w->seen[o];
			if (a->kind != WATCH_NULL && b->kind != WATCH_NULL &&
			    is_placed(c->atom->place, c->atom->cased ? a->text : a->folded, c->atom->cased ? b->text : b->folded))
				return true;
		}
	return false;
}

/* Absent and null are the same to a rule that asks for null. */
static bool
is_null(const struct watcher *w, uint32_t field)
{
	for (uint32_t i = first_of(w, field); i != NONE; i = w->seen[i].next)
		if (w->seen[i].kind != WATCH_NULL)
			return false;
	return true;
}

static bool
check_value(struct watcher *w, const struct check *c, const struct seen *v)
{
	if (!c->simple)
		return value_holds(w, c->atom, v);
	return v->kind != WATCH_NULL && is_placed(c->place, c->cased ? v->text : v->folded, c->text);
}

static bool
keyword_holds(struct watcher *w, const struct check *c)
{
	for (uint32_t i = 0; i < w->seen_count; i++)
		if (w->seen[i].kind != WATCH_TREE && check_value(w, c, &w->seen[i]))
			return true;
	return false;
}

static bool
field_holds(struct watcher *w, const struct check *c)
{
	for (uint32_t i = first_of(w, c->field); i != NONE; i = w->seen[i].next)
		if (check_value(w, c, &w->seen[i]))
			return true;
	return false;
}

static bool
ask(struct watcher *w, const struct check *c)
{
	if (c->simple)
		return c->field == NONE ? keyword_holds(w, c) : field_holds(w, c);
	switch (c->atom->kind) {
	case ATOM_EXISTS:
		return (first_of(w, c->field) != NONE) == c->atom->wanted;
	case ATOM_NULL:
		return is_null(w, c->field);
	case ATOM_FIELD:
		return reference_holds(w, c);
	case ATOM_PATTERN:
	case ATOM_REGEX:
	case ATOM_CIDR:
	case ATOM_COMPARE:
	default:
		return c->field == NONE ? keyword_holds(w, c) : field_holds(w, c);
	}
}

bool
check_holds(struct watcher *w, uint32_t at, uint32_t literal)
{
	if (w->searched && literal != NONE && !(w->found[literal / 64] >> literal % 64 & 1))
		return false;
	if (w->check_turn[at] != w->turn) {
		w->answers[at] = ask(w, &w->bucket->checks[at]);
		w->check_turn[at] = w->turn;
	}
	return w->answers[at];
}

static bool
run_holds(struct watcher *w, const struct compiled *c, const struct node *n)
{
	for (uint32_t i = n->run; i < n->run + n->count; i++)
		if (check_holds(w, c->checks[i], c->literals[i]) == (n->kind == NODE_OR))
			return n->kind == NODE_OR;
	return n->kind == NODE_AND;
}

/* A tree's depth is capped when it is read. */
static bool
node_holds(struct watcher *w, const struct compiled *c, uint32_t at)
{
	const struct node *n = &c->rule->nodes[at];
	if (n->kind == NODE_ATOM)
		return check_holds(w, c->checks[n->first], c->literals[n->first]);
	if (n->run != NONE)
		return run_holds(w, c, n);
	const uint32_t *children = c->rule->links + n->first;
	if (n->kind == NODE_NOT)
		return !node_holds(w, c, children[0]);
	for (uint32_t i = 0; i < n->count; i++)
		if (node_holds(w, c, children[i]) == (n->kind == NODE_OR))
			return n->kind == NODE_OR;
	return n->kind == NODE_AND;
}

bool
rule_holds(struct watcher *w, const struct compiled *c)
{
	return node_holds(w, c, c->rule->root);
}

static void
match_bucket(struct watcher *w, const struct bucket *b, watch_each *each, void *context)
{
	watcher_begin(w, b, true);
	bool all = !w->searched;
	for (uint32_t i = 0; i < b->always_count; i++)
		if (rule_holds(w, &b->rules[b->always[i]]))
			each(context, &b->rules[b->always[i]].rule->head);
	for (uint32_t i = 0; i < w->candidate_count && !all; i++)
		if (rule_holds(w, &b->rules[w->candidates[i]]))
			each(context, &b->rules[w->candidates[i]].rule->head);
	for (uint32_t i = 0; i < b->rule_count && all; i++)     /* nothing was searched for: ask every rule */
		if (b->rules[i].anchored && rule_holds(w, &b->rules[i]))
			each(context, &b->rules[i].rule->head);
}

void
watch_match(struct watcher *w, const struct watch_event *e, watch_each *each, void *context)
{
	const struct source_cache *found = watcher_buckets(w, &e->source);
	watcher_prepare(w, e);
	for (uint32_t i = 0; i < found->count; i++)
		match_bucket(w, &w->set->buckets[found->buckets[i]], each, context);
}

bool
watch_rule_matches(struct watcher *w, const struct watch_rule *head, const struct watch_event *e, bool by_source)
{
	const struct rule *r = (const struct rule *)head;
	struct place_of_rule place = w->set->places[r->index];
	if (place.bucket == NONE)
		return false;
	const struct bucket *b = &w->set->buckets[place.bucket];
	if (by_source && !source_goes_with(&b->source, &e->source))
		return false;
	watcher_prepare(w, e);
	watcher_begin(w, b, false);
	return rule_holds(w, &b->rules[place.index]);
}
