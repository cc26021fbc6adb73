/* index.c - policies by scope, so that those which cannot apply are never looked at.
 *
 * Each policy lies in one bucket, under the most telling part of its scope: an entity of the resource, else of the
 * principal, else one of the action (a list: one entry for each), else a type, else with those that every request must
 * look at. A request looks up its three uids, their ancestors and their types.
 */
#include "cedar/index.h"

struct bucket {
	uint64_t key; /* 0: free */
	uint32_t start, count;
};

struct cedar_index {
	size_t table_size; /* a power of two */
	size_t keys;
	struct bucket *table;
	uint32_t *entries;
	uint32_t *always;
	size_t always_count;
	bool shared; /* a policy may lie in several buckets */
};

enum part { PART_PRINCIPAL = 1, PART_ACTION, PART_RESOURCE, PART_PRINCIPAL_TYPE, PART_RESOURCE_TYPE };

static uint64_t
key_of(uint64_t hash, enum part part)
{
	uint64_t key = hash * 8 + (uint64_t)part + (hash >> 61) * 0x9E3779B97F4A7C15ull;

	return key == 0 ? 1 : key;
}

static bool
by_entity(const struct cedar_scope *scope)
{
	return scope->kind == CEDAR_SCOPE_EQUAL || scope->kind == CEDAR_SCOPE_IN || scope->kind == CEDAR_SCOPE_IS_IN;
}

/* Visits the keys of a policy; answers how many there are, 0 for always. */
static size_t
policy_keys(const struct cedar_policy *policy, size_t at, uint64_t *key)
{
	if (by_entity(&policy->resource)) {
		*key = key_of(policy->resource.entities->hash, PART_RESOURCE);
		return 1;
	}
	if (by_entity(&policy->principal)) {
		*key = key_of(policy->principal.entities->hash, PART_PRINCIPAL);
		return 1;
	}
	if (by_entity(&policy->action)) {
		*key = at < policy->action.count ? key_of(policy->action.entities[at].hash, PART_ACTION) : 0;
		return policy->action.count;
	}
	if (policy->principal.kind == CEDAR_SCOPE_IS) {
		*key = key_of(policy->principal.type->type_hash, PART_PRINCIPAL_TYPE);
		return 1;
	}
	if (policy->resource.kind == CEDAR_SCOPE_IS) {
		*key = key_of(policy->resource.type->type_hash, PART_RESOURCE_TYPE);
		return 1;
	}
	return 0;
}

static bool
never(const struct cedar_policy *policy)
{
	return policy->action.kind == CEDAR_SCOPE_IN && policy->action.count == 0;
}

static struct bucket *
bucket_at(const struct cedar_index *index, uint64_t key)
{
	size_t at = (size_t)(key ^ key >> 32) & (index->table_size - 1);

	while (index->table[at].key != 0 && index->table[at].key != key)
		at = (at + 1) & (index->table_size - 1);
	return &index->table[at];
}

static void
index_count(struct cedar_index *index, const struct cedar_policy *policies, size_t count, size_t *entries)
{
	size_t i, j;

	for (i = 0; i < count; i++) {
		uint64_t key = 0;
		size_t keys = never(&policies[i]) ? 1 : policy_keys(&policies[i], 0, &key);

		*entries += keys;
		index->always_count += keys == 0;
		index->shared |= keys > 1;
		for (j = 0; j < keys && index->table != NULL && !never(&policies[i]); j++) {
			struct bucket *bucket;

			policy_keys(&policies[i], j, &key);
			bucket = bucket_at(index, key);
			bucket->key = key;
			bucket->count++;
		}
	}
}

static void
index_fill(struct cedar_index *index, const struct cedar_policy *policies, size_t count)
{
	size_t i, j, always = 0;
	uint32_t start = 0;

	for (i = 0; i < index->table_size; i++) {
		index->table[i].start = start;
		start += index->table[i].count;
		index->table[i].count = 0;
	}
	for (i = 0; i < count; i++) {
		uint64_t key = 0;
		size_t keys = policy_keys(&policies[i], 0, &key);

		if (never(&policies[i]))
			continue;
		if (keys == 0)
			index->always[always++] = (uint32_t)i;
		for (j = 0; j < keys; j++) {
			struct bucket *bucket;

			policy_keys(&policies[i], j, &key);
			bucket = bucket_at(index, key);
			if (bucket->count == 0 || index->entries[bucket->start + bucket->count - 1] != i)
				index->entries[bucket->start + bucket->count++] = (uint32_t)i;
		}
	}
}

struct cedar_index *
cedar_index_new(struct cedar_arena *arena, const struct cedar_policy *policies, size_t count)
{
	struct cedar_index *index = cedar_arena_zero(arena, sizeof *index);
	size_t entries = 0;

	if (index == NULL)
		return NULL;
	index_count(index, policies, count, &entries);
	for (index->table_size = 8; index->table_size < entries + entries / 2; index->table_size *= 2)
		;
	index->table = cedar_arena_zero(arena, index->table_size * sizeof *index->table);
	index->entries = cedar_arena_take(arena, entries * sizeof *index->entries);
	index->always = cedar_arena_take(arena, index->always_count * sizeof *index->always);
	if (index->table == NULL || index->entries == NULL || index->always == NULL)
		return NULL;
	entries = index->always_count = 0;
	index_count(index, policies, count, &entries);
	index_fill(index, policies, count);
	return index;
}

struct found {
	struct cedar_arena *arena;
	uint32_t *items;
	size_t count, capacity;
	bool failed;
};

static void
found_add(struct found *found, const uint32_t *items, size_t count)
{
	size_t i;

	for (i = 0; i < count && !found->failed; i++) {
		found->failed =
			!cedar_arena_grow(found->arena, (void **)&found->items, found->count, &found->capacity, sizeof *found->items);
		if (!found->failed)
			found->items[found->count++] = items[i];
	}
}

static void
find_key(const struct cedar_index *index, struct found *found, uint64_t hash, enum part part)
{
	const struct bucket *bucket = bucket_at(index, key_of(hash, part));

	if (bucket->count > 0)
		found_add(found, index->entries + bucket->start, bucket->count);
}

static void
find_party(const struct cedar_index *index, struct found *found, const struct cedar_question *question, int party, enum part part)
{
	const struct cedar_entity *entity = question->entities[party];
	size_t i;

	find_key(index, found, question->parties[party]->hash, part);
	for (i = 0; entity != NULL && i < entity->ancestor_count; i++)
		find_key(index, found, entity->ancestors[i].hash, part);
}

static void
sift(uint32_t *items, size_t root, size_t count)
{
	for (;;) {
		size_t child = root * 2 + 1;
		uint32_t kept = items[root];

		if (child >= count)
			return;
		if (child + 1 < count && items[child] < items[child + 1])
			child++;
		if (kept >= items[child])
			return;
		items[root] = items[child];
		items[child] = kept;
		root = child;
	}
}

static size_t
sort_unique(uint32_t *items, size_t count)
{
	size_t i, kept = 0;

	for (i = 1; i < count && items[i - 1] < items[i]; i++)
		;
	if (i >= count)
		return count;
	for (i = count / 2; i-- > 0;)
		sift(items, i, count);
	for (i = count; i-- > 1;) {
		uint32_t last = items[i];

		items[i] = items[0];
		items[0] = last;
		sift(items, 0, i);
	}
	for (i = 0; i < count; i++)
		if (kept == 0 || items[kept - 1] != items[i])
			items[kept++] = items[i];
	return kept;
}

bool
cedar_index_find(const struct cedar_index *index, const struct cedar_question *question, struct cedar_arena *scratch,
	const uint32_t **out, size_t *count)
{
	struct found found = { .arena = scratch };

	found_add(&found, index->always, index->always_count);
	find_party(index, &found, question, 0, PART_PRINCIPAL);
	find_party(index, &found, question, 1, PART_ACTION);
	find_party(index, &found, question, 2, PART_RESOURCE);
	find_key(index, &found, question->parties[0]->type_hash, PART_PRINCIPAL_TYPE);
	find_key(index, &found, question->parties[2]->type_hash, PART_RESOURCE_TYPE);
	if (found.failed)
		return false;
	*out = found.items;
	*count = sort_unique(found.items, found.count);
	return true;
}
