/* index.c - policies by scope, so that those which cannot apply are never looked at.
 *
 * Every entity and type that a scope names gets a number; a request looks up its three uids, their ancestors and types
 * once and then compares numbers. Each policy lies in one bucket, under the most telling part of its scope: the entity of
 * the resource, else of the principal, else those of the action, else a type, else among those that all must look at.
 */
#include "cedar/index_inside.h"

static struct name *
name_of(struct cedar_index *index, const struct cedar_uid *uid, bool is_type)
{
	struct name *name = cedar_name_slot(index, uid, is_type);

	if (name->uid == NULL) {
		name->check = (uint32_t)((is_type ? uid->type_hash : uid->hash) >> 32);
		name->uid = uid;
		name->is_type = is_type;
		name->number = (uint32_t)++index->name_count & INT32_MAX;
	}
	return name;
}

static const struct cedar_scope *
scope_of(const struct cedar_policy *policy, enum part part)
{
	return part == PART_PRINCIPAL ? &policy->principal : part == PART_ACTION ? &policy->action : &policy->resource;
}

static uint32_t
party_number(struct cedar_index *index, const struct cedar_scope *scope)
{
	return scope->count > 0 ? name_of(index, scope->entities, false)->number : 0;
}

static uint32_t
type_number(struct cedar_index *index, const struct cedar_scope *scope)
{
	return scope->type != NULL ? name_of(index, scope->type, true)->number : 0;
}

static void
row_fill(struct cedar_index *index, struct row *row, const struct cedar_policy *policy)
{
	const struct cedar_scope *action = &policy->action;
	uint32_t i;

	row->duty = (struct cedar_duty){ policy->conditions, policy->condition_count, policy->forbids };
	for (i = 0; i < PARTS; i++)
		row->kinds[i] = scope_of(policy, (enum part)i)->kind;
	row->principal = party_number(index, &policy->principal);
	row->resource = party_number(index, &policy->resource);
	row->types[0] = type_number(index, &policy->principal);
	row->types[1] = type_number(index, &policy->resource);
	row->action_list = action->count > 1;
	row->action = (struct range){ row->action_list ? (uint32_t)index->number_count : party_number(index, action), action->count };
	for (i = 0; row->action_list && i < action->count; i++)
		index->numbers[index->number_count++] = name_of(index, &action->entities[i], false)->number;
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
		*out = &name_of(index, policy->resource.entities, false)->bucket;
		return 1;
	}
	if (by_entity(&policy->principal)) {
		*out = &name_of(index, policy->principal.entities, false)->bucket;
		return 1;
	}
	if (by_entity(&policy->action)) {
		if (at < policy->action.count)
			*out = &name_of(index, &policy->action.entities[at], false)->bucket;
		return policy->action.count;
	}
	if (policy->principal.type != NULL) {
		*out = &name_of(index, policy->principal.type, true)->bucket;
		return 1;
	}
	if (policy->resource.type != NULL) {
		*out = &name_of(index, policy->resource.type, true)->bucket;
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
	size_t i;

	for (i = 0; i < index->name_size; i++) {
		index->names[i].bucket.start = start;
		start += index->names[i].bucket.count;
		index->names[i].bucket.count = 0;
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

		*names += (size_t)policy->principal.count + policy->action.count + policy->resource.count +
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
	index->name_size = names * 2 + 1;
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
	index->name_size = distinct + distinct / 2 + 1;
	index->names = cedar_arena_zero(arena, index->name_size * sizeof *index->names);
	return index->names != NULL;
}

struct cedar_index *
cedar_index_new(struct cedar_arena *arena, const struct cedar_policy *policies, size_t count)
{
	struct cedar_index *index = cedar_arena_zero(arena, sizeof *index);
	size_t names, entries, always, i;

	sizes_count(policies, count, &names, &entries, &always);
	if (index == NULL) /* the small arrays fill what is left of the last block */
		return NULL;
	index->numbers = cedar_arena_take(arena, list_members(policies, count) * sizeof *index->numbers);
	index->always = cedar_arena_take(arena, always * sizeof *index->always);
	index->entries = cedar_arena_take(arena, entries * sizeof *index->entries);
	if (!names_number(index, arena, policies, count, names))
		return NULL;
	index->rows = cedar_arena_zero(arena, count * sizeof *index->rows);
	if (index->rows == NULL || index->entries == NULL || index->numbers == NULL || index->always == NULL)
		return NULL;
	for (i = 0; i < count; i++)
		row_fill(index, &index->rows[i], &policies[i]);
	buckets_count(index, policies, count);
	buckets_place(index);
	buckets_fill(index, policies, count);
	return index;
}
