/* One event made ready: its values by field, folded, and laid out for the search. */
#include "base/memory.h"
#include "watch/set.h"

/* An expression that needs more is given up and counted: an event must not cost seconds. */
enum { MATCH_LIMIT = 100000, DEPTH_LIMIT = 10000, HEAP_LIMIT_KIB = 4096 };

static int
watcher_free(struct watcher *w)
{
	hs_free_scratch(w->scratch);
	pcre2_match_data_free(w->match_data);
	pcre2_match_context_free(w->match_context);
	return 0;
}

static uint32_t *
turns(struct watcher *w, uint32_t count)
{
	return NEW_ARRAY(w, uint32_t, count + 1);
}

struct watcher *
watcher_new(void *owner, const struct watch_set *set)
{
	struct watcher *w = NEW(owner, struct watcher);
	uint32_t checks = 0, literals = 0, rules = 0;
	w->set = set;
	w->match_data = pcre2_match_data_create(1, NULL);
	w->match_context = pcre2_match_context_create(NULL);
	talloc_set_destructor(w, watcher_free);
	pcre2_set_match_limit(w->match_context, MATCH_LIMIT);
	pcre2_set_depth_limit(w->match_context, DEPTH_LIMIT);
	pcre2_set_heap_limit(w->match_context, HEAP_LIMIT_KIB);
	for (uint32_t i = 0; i < set->bucket_count; i++) {
		const struct bucket *b = &set->buckets[i];
		checks = b->check_count > checks ? b->check_count : checks;
		literals = b->literal_count > literals ? b->literal_count : literals;
		rules = b->rule_count > rules ? b->rule_count : rules;
		if (b->database && hs_alloc_scratch(b->database, &w->scratch) != HS_SUCCESS)
			abort();        /* no memory is left: base/memory.h */
	}
	w->found = NEW_ARRAY(w, uint64_t, literals / 64 + 1);
	w->check_turn = turns(w, checks);
	w->rule_turn = turns(w, rules);
	w->candidates = turns(w, rules);
	w->answers = NEW_ARRAY(w, bool, checks + 1);
	w->field_first = turns(w, set->field_count);
	w->field_turn = turns(w, set->field_count);
	return w;
}

uint64_t
watcher_given_up(const struct watcher *w)
{
	return w->given_up;
}

static void
make_room(struct watcher *w, const struct watch_event *e)
{
	size_t room = 0;
	for (size_t i = 0; i < e->count; i++)
		room += (e->values[i].text.size > NUMBER_TEXT ? e->values[i].text.size : NUMBER_TEXT) + 2 * FRAME;
	if (room > w->folded_room) {
		w->folded_room = room + room / 2;
		w->folded = memory_grow(w, w->folded, 1, w->folded_room);
	}
	if (e->count > w->seen_room) {
		w->seen_room = (uint32_t)e->count * 2;
		w->seen = memory_grow(w, w->seen, sizeof *w->seen, w->seen_room);
	}
}

static void
append(struct watcher *w, struct slice bytes)
{
	memcpy(w->folded + w->folded_size, bytes.data, bytes.size);
	w->folded_size += bytes.size;
}

static struct slice
append_folded(struct watcher *w, const struct watch_value *v, struct slice *text)
{
	uint8_t *at = w->folded + w->folded_size;
	size_t size = v->kind == WATCH_NUMBER ? number_text(v->text, (char *)at) : 0;
	if (size)
		*text = slice_of(at, size);
	else
		size = fold_text(v->text, at);
	w->folded_size += size;
	return slice_of(at, size);
}

static void
append_value(struct watcher *w, const struct watch_value *v, uint32_t field)
{
	struct seen *s = &w->seen[w->seen_count];
	uint8_t frame[FRAME] = { FRAME_MARK, FRAME_MARK, FRAME_MARK };
	*s = (struct seen){ .next = NONE, .kind = v->kind, .text = v->text };
	if (field != NONE) {
		if (w->field_turn[field] == w->event_turn)
			s->next = w->field_first[field];
		w->field_turn[field] = w->event_turn;
		w->field_first[field] = w->seen_count;
		frame_write(field, true, frame);
	}
	w->seen_count++;
	if (v->kind == WATCH_NULL)
		return;
	append(w, slice_of(frame, FRAME));
	s->folded = append_folded(w, v, &s->text);
	if (field != NONE)
		frame_write(field, false, frame);
	append(w, slice_of(frame, FRAME));
}

static void
next_turn(uint32_t *turn, uint32_t *array, size_t count)
{
	if (++*turn != 0)
		return;
	memset(array, 0, count * sizeof *array);        /* once in four thousand million */
	*turn = 1;
}

/* Fields that rules name come first, so that a bucket without keywords searches them alone. */
void
watcher_prepare(struct watcher *w, const struct watch_event *e)
{
	make_room(w, e);
	next_turn(&w->event_turn, w->field_turn, w->set->field_count + 1);
	w->folded_size = w->seen_count = 0;
	for (size_t i = 0; i < e->count; i++) {
		uint32_t field = set_field(w->set, e->values[i].name);
		if (field != NONE)
			append_value(w, &e->values[i], field);
	}
	w->known_size = w->folded_size;
	for (size_t i = 0; i < e->count; i++)
		if (e->values[i].kind != WATCH_TREE && set_field(w->set, e->values[i].name) == NONE)
			append_value(w, &e->values[i], NONE);
}

static int
on_literal(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *context)
{
	struct watcher *w = context;
	const struct literal *l = &w->bucket->literals[id];
	(void)from, (void)to, (void)flags;
	w->found[id / 64] |= UINT64_C(1) << id % 64;
	for (uint32_t i = 0; i < l->count; i++) {
		uint32_t rule = w->bucket->anchored[l->first + i];
		if (w->rule_turn[rule] == w->turn)
			continue;
		w->rule_turn[rule] = w->turn;
		w->candidates[w->candidate_count++] = rule;
	}
	return 0;
}

void
watcher_begin(struct watcher *w, const struct bucket *b, bool searched)
{
	if (++w->turn == 0) {
		memset(w->check_turn, 0, talloc_get_size(w->check_turn));
		memset(w->rule_turn, 0, talloc_get_size(w->rule_turn));
		w->turn = 1;
	}
	w->bucket = b;
	w->candidate_count = 0;
	w->searched = searched && b->database;
	size_t size = b->keywords ? w->folded_size : w->known_size;
	if (!w->searched)
		return;
	memset(w->found, 0, (b->literal_count / 64 + 1) * sizeof *w->found);
	w->searched = hs_scan(b->database, (const char *)w->folded, (unsigned)size, 0, w->scratch, on_literal, w) == HS_SUCCESS;
}

static bool
is_cached(const struct source_cache *c, const struct watch_source *s)
{
	return c->buckets && slice_equal(c->source.category, s->category) && slice_equal(c->source.product, s->product) &&
	       slice_equal(c->source.service, s->service);
}

static struct slice
cache_text(struct source_cache *c, size_t *at, struct slice text)
{
	if (text.size)
		memcpy(c->text + *at, text.data, text.size);
	*at += text.size;
	return slice_of(c->text + *at - text.size, text.size);
}

/* Which buckets go with a source; the last few are remembered. */
const struct source_cache *
watcher_buckets(struct watcher *w, const struct watch_source *source)
{
	size_t at = 0;
	for (size_t i = 0; i < SOURCES_CACHED; i++)
		if (is_cached(&w->cache[i], source))
			return &w->cache[i];
	struct source_cache *c = &w->cache[w->cache_next++ % SOURCES_CACHED];
	if (!c->buckets)
		c->buckets = turns(w, w->set->bucket_count);
	c->count = 0;
	for (uint32_t i = 0; i < w->set->bucket_count; i++)
		if (source_goes_with(&w->set->buckets[i].source, source))
			c->buckets[c->count++] = i;
	bool fits = source->category.size + source->product.size + source->service.size <= sizeof c->text;
	c->source = (struct watch_source){ { NULL, SIZE_MAX }, { NULL, 0 }, { NULL, 0 } };
	if (fits) {
		c->source.category = cache_text(c, &at, source->category);
		c->source.product = cache_text(c, &at, source->product);
		c->source.service = cache_text(c, &at, source->service);
	}
	return c;
}
