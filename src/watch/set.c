#include "watch/set.h"
#include "base/memory.h"

uint64_t
hash_text(struct slice text)
{
	uint64_t h = 0x9E3779B97F4A7C15u;
	for (size_t i = 0; i < text.size; i++)
		h = (h ^ text.data[i]) * 0x100000001B3u;
	return h ^ h >> 29;
}

static struct field_slot *
field_slot(const struct watch_set *s, struct slice name)
{
	uint32_t at = (uint32_t)hash_text(name) & (s->field_room - 1);
	while (s->fields[at].id != NONE && !slice_equal(s->fields[at].name, name))
		at = (at + 1) & (s->field_room - 1);
	return &s->fields[at];
}

uint32_t
set_field(const struct watch_set *s, struct slice name)
{
	return s->field_room ? field_slot(s, name)->id : NONE;
}

static void
fields_grow(struct watch_set *s)
{
	struct field_slot *old = s->fields;
	uint32_t room = s->field_room;
	s->field_room = room ? 2 * room : 256;
	s->fields = NEW_ARRAY(s, struct field_slot, s->field_room);
	for (uint32_t i = 0; i < s->field_room; i++)
		s->fields[i].id = NONE;
	for (uint32_t i = 0; i < room; i++)
		if (old[i].id != NONE)
			*field_slot(s, old[i].name) = old[i];
	talloc_free(old);
}

/* The frame has two bytes for a field. */
static uint32_t
field_add(struct watch_set *s, struct slice name)
{
	if (name.size == 0)
		return NONE;
	if (2 * s->field_count >= s->field_room)
		fields_grow(s);
	struct field_slot *slot = field_slot(s, name);
	if (slot->id == NONE)
		*slot = (struct field_slot){ name, s->field_count++ };
	return slot->id;
}

/* ---- checks that are the same are one ---- */

struct table {
	uint32_t *slots;
	size_t room;
};

static struct table
table_new(void *owner, size_t count)
{
	struct table t = { NULL, 64 };
	while (t.room < 2 * count)
		t.room *= 2;
	t.slots = NEW_ARRAY(owner, uint32_t, t.room);
	memset(t.slots, 0xFF, t.room * sizeof *t.slots);
	return t;
}

static uint64_t
pattern_hash(const struct pattern *p)
{
	uint64_t h = 1;
	for (size_t i = 0; i < p->count; i++)
		h = h * 31 + p->parts[i].kind + hash_text(p->parts[i].text);
	return h;
}

static bool
pattern_equal(const struct pattern *a, const struct pattern *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (a->parts[i].kind != b->parts[i].kind || !slice_equal(a->parts[i].text, b->parts[i].text))
			return false;
	return true;
}

static bool
atom_equal(const struct atom *a, const struct atom *b)
{
	return a->kind == b->kind && a->cased == b->cased && a->comparison == b->comparison && a->time_part == b->time_part &&
	       a->place == b->place && a->wanted == b->wanted && a->options == b->options && a->number == b->number &&
	       slice_equal(a->field, b->field) && slice_equal(a->other, b->other) && slice_equal(a->expression, b->expression) &&
	       memcmp(a->network.address, b->network.address, 16) == 0 && a->network.bits == b->network.bits &&
	       a->network.six == b->network.six && pattern_equal(&a->pattern, &b->pattern);
}

static uint64_t
atom_hash(const struct atom *a)
{
	return hash_text(a->field) * 3 + hash_text(a->expression) * 5 + pattern_hash(&a->pattern) + a->kind;
}

static uint32_t
check_add(struct watch_set *s, struct bucket *b, struct table *t, const struct atom *a)
{
	size_t at = (size_t)atom_hash(a) & (t->room - 1);
	while (t->slots[at] != NONE && !atom_equal(b->checks[t->slots[at]].atom, a))
		at = (at + 1) & (t->room - 1);
	if (t->slots[at] != NONE)
		return t->slots[at];
	b->checks[b->check_count] = (struct check){ .atom = a, .field = field_add(s, a->field), .other = field_add(s, a->other),
		                                             .literal = NONE };
	b->keywords |= a->field.size == 0;
	return t->slots[at] = b->check_count++;
}

/* `text`, `text*`, `*text` or `*text*`. */
static void
check_simplify(struct check *c, uint8_t *texts, size_t *used)
{
	const struct pattern *p = &c->atom->pattern;
	size_t first = p->count && p->parts[0].kind == PART_RUN, last = p->count;
	bool after = last > first && p->parts[last - 1].kind == PART_RUN;
	if (c->atom->kind != ATOM_PATTERN || last - first - after != 1 || p->parts[first].kind != PART_TEXT)
		return;
	struct slice text = p->parts[first].text;
	memcpy(texts + *used, text.data, text.size);
	c->text = slice_of(texts + *used, text.size);
	*used += text.size;
	c->simple = true;
	c->cased = c->atom->cased;
	c->place = first ? after ? PLACE_INSIDE : PLACE_END : after ? PLACE_START : PLACE_WHOLE;
}

static void
bucket_simplify(struct watch_set *s, struct bucket *b)
{
	size_t size = 0, used = 0;
	for (uint32_t i = 0; i < b->check_count; i++)
		for (size_t k = 0; k < b->checks[i].atom->pattern.count; k++)
			size += b->checks[i].atom->pattern.parts[k].text.size;
	b->texts = NEW_ARRAY(s, uint8_t, size + 1);
	for (uint32_t i = 0; i < b->check_count; i++)
		check_simplify(&b->checks[i], b->texts, &used);
}

static void
literal_add(struct bucket *b, struct table *t, struct check *c, struct slice text)
{
	size_t at = (size_t)hash_text(text) & (t->room - 1);
	while (t->slots[at] != NONE && !slice_equal(b->literals[t->slots[at]].text, text))
		at = (at + 1) & (t->room - 1);
	if (t->slots[at] == NONE) {
		b->literals[b->literal_count] = (struct literal){ .text = text };
		t->slots[at] = b->literal_count++;
	}
	c->literal = t->slots[at];
	b->literals[c->literal].uses++;
}

static size_t
atoms_of(const struct bucket *b)
{
	size_t count = 0;
	for (uint32_t i = 0; i < b->rule_count; i++)
		count += b->rules[i].rule->atom_count;
	return count;
}

static void
bucket_checks(struct watch_set *s, struct bucket *b)
{
	size_t atoms = atoms_of(b);
	struct table t = table_new(s, atoms), literals = table_new(s, atoms);
	struct slice text;
	b->checks = NEW_ARRAY(s, struct check, atoms + 1);
	b->literals = NEW_ARRAY(s, struct literal, atoms + 1);
	for (uint32_t i = 0; i < b->rule_count; i++) {
		struct rule *r = b->rules[i].rule;
		rule_order(r);
		b->rules[i].checks = NEW_ARRAY(s, uint32_t, r->atom_count + 1);
		for (uint32_t a = 0; a < r->atom_count; a++)
			b->rules[i].checks[a] = check_add(s, b, &t, &r->atoms[a]);
	}
	bucket_simplify(s, b);
	for (uint32_t i = 0; i < b->check_count; i++)
		if (check_literal(s, &b->checks[i], &text))
			literal_add(b, &literals, &b->checks[i], text);
	for (uint32_t i = 0; i < b->rule_count; i++) {
		const struct rule *r = b->rules[i].rule;
		b->rules[i].literals = NEW_ARRAY(s, uint32_t, r->atom_count + 1);
		for (uint32_t a = 0; a < r->atom_count; a++)
			b->rules[i].literals[a] = b->checks[b->rules[i].checks[a]].literal;
	}
	talloc_free(t.slots);
	talloc_free(literals.slots);
}

/* Literals that wake no rule cost more to search for than they spare, unless they stand in long lists. */
static void
drop_literals(struct watch_set *s, struct bucket *b)
{
	uint32_t *now = NEW_ARRAY(s, uint32_t, b->literal_count + 1), kept = 0;
	bool *keep = NEW_ARRAY(s, bool, b->literal_count + 1);
	for (uint32_t i = 0; i < b->rule_count; i++) {
		const struct rule *r = b->rules[i].rule;
		for (uint32_t n = 0; n < r->node_count; n++)
			for (uint32_t k = 0; r->nodes[n].run != NONE && r->nodes[n].count >= LISTED_LEAST && k < r->nodes[n].count; k++)
				if (b->rules[i].literals[r->nodes[n].run + k] != NONE)
					keep[b->rules[i].literals[r->nodes[n].run + k]] = true;
	}
	for (uint32_t l = 0; l < b->literal_count; l++) {
		now[l] = b->literals[l].count || keep[l] ? kept : NONE;
		if (now[l] != NONE)
			b->literals[kept++] = b->literals[l];
	}
	b->literal_count = kept;
	for (uint32_t c = 0; c < b->check_count; c++)
		if (b->checks[c].literal != NONE)
			b->checks[c].literal = now[b->checks[c].literal];
	for (uint32_t i = 0; i < b->rule_count; i++)
		for (uint32_t a = 0; a < b->rules[i].rule->atom_count; a++)
			if (b->rules[i].literals[a] != NONE)
				b->rules[i].literals[a] = now[b->rules[i].literals[a]];
	talloc_free(now);
	talloc_free(keep);
}

/* ---- one database a bucket ---- */

static int
free_database(struct bucket **held)
{
	hs_free_database((*held)->database);
	return 0;
}

static err_t
bucket_database(struct watch_set *s, struct bucket *b, struct watch_fault *fault)
{
	void *scratch = NEW(s, char);
	const char **texts = NEW_ARRAY(scratch, const char *, b->literal_count + 1);
	size_t *sizes = NEW_ARRAY(scratch, size_t, b->literal_count + 1);
	unsigned *flags = NEW_ARRAY(scratch, unsigned, b->literal_count + 1), *ids = NEW_ARRAY(scratch, unsigned, b->literal_count + 1);
	hs_compile_error_t *error = NULL;
	for (uint32_t i = 0; i < b->literal_count; i++) {
		texts[i] = (const char *)b->literals[i].text.data;
		sizes[i] = b->literals[i].text.size;
		flags[i] = HS_FLAG_SINGLEMATCH;
		ids[i] = i;
	}
	if (hs_compile_lit_multi(texts, flags, ids, sizes, b->literal_count, HS_MODE_BLOCK, NULL, &b->database, &error) != HS_SUCCESS) {
		fault_at(fault, 0, LITERAL("detection"), "expected texts that can be searched for: %s", error ? error->message : "");
		hs_free_compile_error(error);
		return E_ARGUMENT;
	}
	struct bucket **held = NEW(s, struct bucket *);
	*held = b;
	talloc_set_destructor(held, free_database);
	talloc_free(scratch);
	return NULL;
}

static struct bucket *
bucket_of(struct watch_set *s, const struct watch_source *source)
{
	for (uint32_t i = 0; i < s->bucket_count; i++)
		if (slice_equal(s->buckets[i].source.category, source->category) &&
		    slice_equal(s->buckets[i].source.product, source->product) &&
		    slice_equal(s->buckets[i].source.service, source->service))
			return &s->buckets[i];
	struct bucket *b = &s->buckets[s->bucket_count++];
	b->source = *source;
	return b;
}

static void
put_in_buckets(struct watch_set *s)
{
	size_t count = s->rules->count;
	s->buckets = NEW_ARRAY(s, struct bucket, count + 1);
	s->places = NEW_ARRAY(s, struct place_of_rule, count + 1);
	for (size_t i = 0; i < count; i++) {
		struct rule *r = s->rules->list[i];
		s->places[i] = (struct place_of_rule){ NONE, NONE };
		if (r->correlation)
			continue;
		struct bucket *b = bucket_of(s, &r->head.source);
		s->places[i] = (struct place_of_rule){ (uint32_t)(b - s->buckets), b->rule_count };
		if ((b->rule_count & (b->rule_count - 1)) == 0)
			b->rules = memory_grow(s, b->rules, sizeof *b->rules, b->rule_count ? 2 * (size_t)b->rule_count : 1);
		b->rules[b->rule_count++] = (struct compiled){ .rule = r };
	}
}

err_t
watch_set_new(void *owner, struct watch_rules *rules, struct watch_set **out, struct watch_fault *fault)
{
	TRY(correlations_check(rules, fault));
	struct watch_set *s = NEW(owner, struct watch_set);
	err_t error = NULL;
	s->rules = rules;
	put_in_buckets(s);
	for (uint32_t i = 0; i < s->bucket_count && !error; i++) {
		bucket_checks(s, &s->buckets[i]);
		bucket_anchor(s, &s->buckets[i]);
		drop_literals(s, &s->buckets[i]);
		if (s->buckets[i].literal_count >= SEARCHED_LEAST)
			error = bucket_database(s, &s->buckets[i], fault);
	}
	if (!error && s->field_count > 65000)
		error = fault_at(fault, 0, LITERAL("detection"), "expected at most 65000 names of fields");
	if (error) {
		talloc_free(s);
		return error;
	}
	talloc_steal(s, rules);
	*out = s;
	return NULL;
}
