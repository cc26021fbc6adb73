/* index.c - policies by scope, so that those which cannot apply are never looked at.
 *
 * Every entity and type that a scope names gets a number; a request looks up its three uids, their ancestors and types
 * once and then compares numbers. Each policy lies in one bucket, under the most telling part of its scope: the entity of
 * the resource, else of the principal, else those of the action, else a type, else among those that all must look at.
 */
#include "cedar/index.h"

enum part { PART_PRINCIPAL, PART_ACTION, PART_RESOURCE, PARTS };

struct range {
	uint32_t start, count;
};

/* An entity (or, with an empty id under its type's hash, a type) that scopes name. */
struct name {
	uint64_t hash;
	const struct cedar_uid *uid; /* NULL: free */
	uint32_t number;             /* from 1 */
	bool is_type;
	struct range buckets[PARTS];
};

/* What is left of a policy's scope. */
struct row {
	struct cedar_duty duty;
	uint8_t kinds[PARTS]; /* enum cedar_scope_kind */
	uint32_t parties[PARTS]; /* numbers; of a list of actions the first */
	uint32_t types[PARTS];
	struct range actions; /* of a list, in `numbers` */
};

struct cedar_index {
	struct name *names;
	size_t name_size, name_count; /* size is a power of two */
	struct row *rows;
	uint32_t *entries, *numbers;
	size_t number_count;
	uint32_t *always;
	size_t always_count;
};

static struct name *
name_slot(const struct cedar_index *index, const struct cedar_uid *uid, bool is_type)
{
	uint64_t hash = is_type ? uid->type_hash : uid->hash;
	size_t at = (size_t)hash & (index->name_size - 1);

	for (;; at = (at + 1) & (index->name_size - 1)) {
		struct name *name = &index->names[at];

		if (name->uid == NULL)
			return name;
		if (name->hash != hash || name->is_type != is_type || !cedar_text_equal(name->uid->type, uid->type))
			continue;
		if (is_type || cedar_text_equal(name->uid->id, uid->id))
			return name;
	}
}

static struct name *
name_of(struct cedar_index *index, const struct cedar_uid *uid, bool is_type)
{
	struct name *name = name_slot(index, uid, is_type);

	if (name->uid == NULL) {
		name->hash = is_type ? uid->type_hash : uid->hash;
		name->uid = uid;
		name->is_type = is_type;
		name->number = (uint32_t)++index->name_count;
	}
	return name;
}

static const struct cedar_scope *
scope_of(const struct cedar_policy *policy, enum part part)
{
	return part == PART_PRINCIPAL ? &policy->principal : part == PART_ACTION ? &policy->action : &policy->resource;
}

static void
row_fill(struct cedar_index *index, struct row *row, const struct cedar_policy *policy)
{
	unsigned part;
	uint32_t i;

	row->duty = (struct cedar_duty){ policy->conditions, policy->condition_count, policy->forbids };
	for (part = 0; part < PARTS; part++) {
		const struct cedar_scope *scope = scope_of(policy, part);

		row->kinds[part] = scope->kind;
		if (scope->type != NULL)
			row->types[part] = name_of(index, scope->type, true)->number;
		for (i = 0; i < scope->count; i++) {
			uint32_t number = name_of(index, &scope->entities[i], false)->number;

			if (i == 0)
				row->parties[part] = number;
			if (part == PART_ACTION && scope->count > 1)
				index->numbers[index->number_count++] = number;
		}
		if (part == PART_ACTION && scope->count > 1)
			row->actions = (struct range){ (uint32_t)index->number_count - scope->count, scope->count };
	}
}

static bool
by_entity(const struct cedar_scope *scope)
{
	return scope->count > 0;
}

/* Can never match: action in [] */
static bool
never(const struct cedar_policy *policy)
{
	return policy->action.kind == CEDAR_SCOPE_IN && policy->action.count == 0;
}

/* Visits the buckets that a policy lies in; answers how many. */
static size_t
policy_buckets(struct cedar_index *index, const struct cedar_policy *policy, uint32_t at, struct range **out)
{
	if (by_entity(&policy->resource)) {
		*out = &name_of(index, policy->resource.entities, false)->buckets[PART_RESOURCE];
		return 1;
	}
	if (by_entity(&policy->principal)) {
		*out = &name_of(index, policy->principal.entities, false)->buckets[PART_PRINCIPAL];
		return 1;
	}
	if (by_entity(&policy->action)) {
		if (at < policy->action.count)
			*out = &name_of(index, &policy->action.entities[at], false)->buckets[PART_ACTION];
		return policy->action.count;
	}
	if (policy->principal.type != NULL) {
		*out = &name_of(index, policy->principal.type, true)->buckets[PART_PRINCIPAL];
		return 1;
	}
	if (policy->resource.type != NULL) {
		*out = &name_of(index, policy->resource.type, true)->buckets[PART_RESOURCE];
		return 1;
	}
	return 0;
}

static void
buckets_count(struct cedar_index *index, const struct cedar_policy *policies, size_t count)
{
	struct range *bucket;
	uint32_t j;
	size_t i;

	for (i = 0; i < count; i++)
		for (j = 0; !never(&policies[i]) && j < policy_buckets(index, &policies[i], j, &bucket); j++)
			bucket->count++;
}

static void
buckets_place(struct cedar_index *index)
{
	uint32_t start = 0;
	unsigned part;
	size_t i;

	for (i = 0; i < index->name_size; i++)
		for (part = 0; part < PARTS; part++) {
			index->names[i].buckets[part].start = start;
			start += index->names[i].buckets[part].count;
			index->names[i].buckets[part].count = 0;
		}
}

static void
buckets_fill(struct cedar_index *index, const struct cedar_policy *policies, size_t count)
{
	struct range *bucket;
	size_t i, buckets;
	uint32_t j;

	for (i = 0; i < count; i++) {
		if (never(&policies[i]))
			continue;
		buckets = policy_buckets(index, &policies[i], 0, &bucket);
		if (buckets == 0)
			index->always[index->always_count++] = (uint32_t)i;
		for (j = 0; j < buckets; j++) {
			policy_buckets(index, &policies[i], j, &bucket);
			if (bucket->count == 0 || index->entries[bucket->start + bucket->count - 1] != i)
				index->entries[bucket->start + bucket->count++] = (uint32_t)i;
		}
	}
}

/* Bounds on how many names, entries and list members there can be. */
static void
sizes_count(const struct cedar_policy *policies, size_t count, size_t *names, size_t *entries, size_t *always)
{
	size_t i;

	*names = *entries = *always = 0;
	for (i = 0; i < count; i++) {
		const struct cedar_policy *policy = &policies[i];
		bool typed = policy->principal.type != NULL || policy->resource.type != NULL;

		*names += policy->principal.count + policy->action.count + policy->resource.count +
			(policy->principal.type != NULL) + (policy->resource.type != NULL);
		if (by_entity(&policy->resource) || by_entity(&policy->principal))
			*entries += 1;
		else
			*entries += policy->action.count ? policy->action.count : typed;
		*always += !by_entity(&policy->resource) && !by_entity(&policy->principal) && !by_entity(&policy->action) && !typed;
	}
}

static size_t
list_members(const struct cedar_policy *policies, size_t count)
{
	size_t members = 0, i;

	for (i = 0; i < count; i++)
		if (policies[i].action.count > 1)
			members += policies[i].action.count;
	return members;
}

/* First into a wide table in passing, then into one that is as large as the names that there are. */
static bool
names_number(struct cedar_index *index, struct cedar_arena *arena, const struct cedar_policy *policies, size_t count, size_t names)
{
	struct cedar_arena passing;
	size_t distinct, i;
	uint32_t j;
	unsigned part;

	cedar_arena_init(&passing, &arena->memory, 4096);
	for (index->name_size = 8; index->name_size < names * 2; index->name_size *= 2)
		;
	index->names = cedar_arena_zero(&passing, index->name_size * sizeof *index->names);
	if (index->names == NULL)
		return false;
	for (i = 0; i < count; i++)
		for (part = 0; part < PARTS; part++) {
			const struct cedar_scope *scope = scope_of(&policies[i], part);

			if (scope->type != NULL)
				name_of(index, scope->type, true);
			for (j = 0; j < scope->count; j++)
				name_of(index, &scope->entities[j], false);
		}
	distinct = index->name_count;
	cedar_arena_dispose(&passing);
	index->name_count = 0;
	for (index->name_size = 8; index->name_size < distinct + distinct / 2; index->name_size *= 2)
		;
	index->names = cedar_arena_zero(arena, index->name_size * sizeof *index->names);
	return index->names != NULL;
}

struct cedar_index *
cedar_index_new(struct cedar_arena *arena, const struct cedar_policy *policies, size_t count)
{
	struct cedar_index *index = cedar_arena_zero(arena, sizeof *index);
	size_t names, entries, always, i;

	sizes_count(policies, count, &names, &entries, &always);
	if (index == NULL || !names_number(index, arena, policies, count, names))
		return NULL;
	index->rows = cedar_arena_zero(arena, count * sizeof *index->rows);
	index->entries = cedar_arena_take(arena, entries * sizeof *index->entries);
	index->numbers = cedar_arena_take(arena, list_members(policies, count) * sizeof *index->numbers);
	index->always = cedar_arena_take(arena, always * sizeof *index->always);
	if (index->rows == NULL || index->entries == NULL || index->numbers == NULL || index->always == NULL)
		return NULL;
	for (i = 0; i < count; i++)
		row_fill(index, &index->rows[i], &policies[i]);
	buckets_count(index, policies, count);
	buckets_place(index);
	buckets_fill(index, policies, count);
	return index;
}

/* A party of the request in numbers; 0: no scope names it. */
struct party {
	const struct name *self, *type;
	const struct name **ancestors; /* only those that scopes name */
	size_t ancestor_count;
};

struct search {
	const struct cedar_index *index;
	struct cedar_arena *arena;
	struct party parties[PARTS];
	uint32_t *items;
	size_t count, capacity;
	bool failed;
};

static const struct name *
name_find(const struct cedar_index *index, const struct cedar_uid *uid, bool is_type)
{
	const struct name *name = name_slot(index, uid, is_type);

	return name->uid != NULL ? name : NULL;
}

/* Starts the way of cache lines, which for a large set are far. */
static void
party_prefetch(const struct cedar_index *index, const struct cedar_uid *uid, const struct cedar_entity *entity)
{
	size_t mask = index->name_size - 1, i;

	__builtin_prefetch(&index->names[uid->hash & mask]);
	__builtin_prefetch(&index->names[uid->type_hash & mask]);
	for (i = 0; entity != NULL && i < entity->ancestor_count && i < 16; i++)
		__builtin_prefetch(&index->names[entity->ancestors[i].hash & mask]);
}

static bool
party_find(struct search *search, struct party *party, const struct cedar_uid *uid, const struct cedar_entity *entity)
{
	size_t i;

	party->self = name_find(search->index, uid, false);
	party->type = name_find(search->index, uid, true);
	if (entity == NULL || entity->ancestor_count == 0)
		return true;
	party->ancestors = cedar_arena_take(search->arena, entity->ancestor_count * sizeof(const struct name *));
	if (party->ancestors == NULL)
		return false;
	for (i = 0; i < entity->ancestor_count; i++) {
		const struct name *name = name_find(search->index, entity->ancestors[i].uid, false);

		if (name != NULL)
			party->ancestors[party->ancestor_count++] = name;
	}
	return true;
}

static bool
party_is(const struct party *party, uint32_t number)
{
	return party->self != NULL && party->self->number == number;
}

static bool
party_inside(const struct party *party, uint32_t number)
{
	size_t i;

	if (party_is(party, number))
		return true;
	for (i = 0; i < party->ancestor_count; i++)
		if (party->ancestors[i]->number == number)
			return true;
	return false;
}

static bool
row_part_matches(const struct row *row, unsigned part, const struct party *party)
{
	switch ((enum cedar_scope_kind)row->kinds[part]) {
	case CEDAR_SCOPE_ANY:
		return true;
	case CEDAR_SCOPE_EQUAL:
		return party_is(party, row->parties[part]);
	case CEDAR_SCOPE_IN:
		return party_inside(party, row->parties[part]);
	case CEDAR_SCOPE_IS:
		return party->type != NULL && party->type->number == row->types[part];
	case CEDAR_SCOPE_IS_IN:
		return party->type != NULL && party->type->number == row->types[part] && party_inside(party, row->parties[part]);
	}
	return false;
}

static bool
row_matches(const struct search *search, const struct row *row)
{
	uint32_t i;

	if (!row_part_matches(row, PART_PRINCIPAL, &search->parties[PART_PRINCIPAL]) ||
		!row_part_matches(row, PART_RESOURCE, &search->parties[PART_RESOURCE]))
		return false;
	if (row->actions.count == 0)
		return row_part_matches(row, PART_ACTION, &search->parties[PART_ACTION]);
	for (i = 0; i < row->actions.count; i++)
		if (party_inside(&search->parties[PART_ACTION], search->index->numbers[row->actions.start + i]))
			return true;
	return false;
}

static void
search_list(struct search *search, const uint32_t *items, size_t count)
{
	size_t i;

	for (i = 0; i < count && i < 16; i++)
		__builtin_prefetch(&search->index->rows[items[i]]);
	for (i = 0; i < count && !search->failed; i++) {
		if (!row_matches(search, &search->index->rows[items[i]]))
			continue;
		__builtin_prefetch(search->index->rows[items[i]].duty.conditions);
		search->failed = !cedar_arena_grow(search->arena, (void **)&search->items, search->count, &search->capacity,
			sizeof *search->items);
		if (!search->failed)
			search->items[search->count++] = items[i];
	}
}

static void
search_bucket(struct search *search, const struct name *name, unsigned part)
{
	if (name != NULL)
		search_list(search, search->index->entries + name->buckets[part].start, name->buckets[part].count);
}

static void
search_party(struct search *search, unsigned part)
{
	const struct party *party = &search->parties[part];
	size_t i;

	search_bucket(search, party->self, part);
	search_bucket(search, party->type, part);
	for (i = 0; i < party->ancestor_count; i++)
		search_bucket(search, party->ancestors[i], part);
}

bool
cedar_index_find(const struct cedar_index *index, const struct cedar_question *question, struct cedar_arena *scratch,
	const uint32_t **out, size_t *count)
{
	struct search search = { .index = index, .arena = scratch };
	uint32_t *spare = NULL;
	unsigned part;

	for (part = 0; part < PARTS; part++)
		party_prefetch(index, question->parties[part], question->entities[part]);
	for (part = 0; part < PARTS; part++)
		if (!party_find(&search, &search.parties[part], question->parties[part], question->entities[part]))
			return false;
	search_list(&search, index->always, index->always_count);
	for (part = 0; part < PARTS; part++)
		search_party(&search, part);
	if (search.failed)
		return false;
	if (search.count > 24)
		spare = cedar_arena_take(scratch, search.count * sizeof *spare);
	if (search.count > 24 && spare == NULL)
		return false;
	*count = cedar_numbers_sort(&search.items, search.count, spare);
	*out = search.items;
	return true;
}

const struct cedar_duty *
cedar_index_duty(const struct cedar_index *index, uint32_t policy)
{
	return &index->rows[policy].duty;
}
