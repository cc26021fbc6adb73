/* index.c - policies by scope, so that those which cannot apply are never looked at.
 *
 * Every entity and type that a scope names gets a number, one for each way of being named; a request looks up its three uids,
 * their ancestors and types once and then compares numbers. Where the policies lie is decided by index_split.c.
 */
#include "cedar/index_inside.h"

/* Whoever is nearer to its place gives way to who is farther (Robin Hood hashing): no search is long. */
static void
name_insert(struct cedar_index *index, struct name name)
{
	size_t at = cedar_hash_place(name.check, index->name_size), distance;

	for (distance = 0; index->names[at].uid != NULL; distance++, at = cedar_name_next(index, at)) {
		size_t other = cedar_name_distance(index, at);
		struct name kept = index->names[at];

		if (other >= distance)
			continue;
		index->names[at] = name;
		name = kept;
		distance = other;
	}
	index->names[at] = name;
}

/* A name that is new gets the next number. */
static uint32_t
number_of(struct cedar_index *index, const struct cedar_uid *uid, unsigned aspect)
{
	uint64_t hash = cedar_index_hash(index, uid, aspect);
	const struct name *name = cedar_name_find(index, uid, hash, aspect);

	if (name != NULL)
		return name->number;
	index->aspects |= (uint8_t)(1u << aspect);
	index->types[aspect] |= cedar_index_type_bit(cedar_text_hash(&index->key, uid->type, 1));
	index->name_count++;
	name_insert(index, (struct name){ .uid = uid,
	                                  .check = (uint32_t)(hash ^ cedar_aspect_salt(aspect)),
	                                  .aspect = aspect & 7,
	                                  .number = index->name_count & 0x1FFFFFFF });
	return index->name_count;
}

static uint32_t
number_claim(struct cedar_index *index, const struct claim *claim, uint32_t *numbers)
{
	uint32_t i;

	for (i = 0; i < claim->count; i++)
		numbers[i] = number_of(index, cedar_claim_uid(claim, i), claim->aspect);
	return claim->count;
}

static size_t
claims_members(const struct claim claims[PLACES])
{
	size_t count = 0, i;

	for (i = 0; i < PLACES; i++)
		count += claims[i].count;
	return count;
}

/* A list that is that of the policy before is kept once. */
static bool
lists_actions(const struct cedar_policy *policies, size_t at)
{
	return policies[at].action.count > 1 &&
	       (at == 0 || policies[at].action.entities != policies[at - 1].action.entities);
}

struct sizes {
	size_t members, listed; /* of all claims; of lists of actions */
};

static struct sizes
sizes_count(const struct cedar_policy *policies, size_t count)
{
	struct claim scope[PLACES], all[PLACES];
	struct sizes sizes = { 0 };
	size_t i;

	for (i = 0; i < count; i++) {
		cedar_index_claims(&policies[i], scope, all);
		sizes.members += claims_members(scope) + claims_members(all);
		sizes.listed += lists_actions(policies, i) ? policies[i].action.count : 0;
	}
	return sizes;
}

/* Numbers all names; the table is a wide one in passing. */
static void
policies_number(struct cedar_index *index, struct asking *asking)
{
	struct claim scope[PLACES], all[PLACES];
	uint32_t used = 0, place;
	size_t i;

	for (i = 0; i < asking->count; i++) {
		struct asked *asked = &asking->asked[i];

		asked->never = !cedar_index_claims(&index->policies[i], scope, all);
		for (place = 0; place < PLACES; place++)
			number_claim(index, &scope[place],
			             asking->numbers + used); /* so that all have numbers; written over */
		asked->start = used;
		for (place = 0; place < PLACES; place++) {
			asked->counts[place] = number_claim(index, &all[place], asking->numbers + used);
			used += asked->counts[place];
		}
	}
	asking->name_count = index->name_count;
	for (i = 0; i < index->name_size; i++)
		if (index->names[i].uid != NULL)
			asking->aspect_of[index->names[i].number] = index->names[i].aspect;
}

/* The scopes, for comparing. All names have numbers. */
static void
rows_fill(struct cedar_index *index, size_t count)
{
	struct claim scope[PLACES], all[PLACES];
	uint32_t listed = 0, place;
	size_t i;

	for (i = 0; i < count; i++) {
		const struct cedar_policy *policy = &index->policies[i];

		cedar_index_claims(policy, scope, all);
		if (lists_actions(index->policies, i))
			listed += number_claim(index, &scope[PLACE_ACTION], index->numbers + listed);
		index->rows[i] = (struct row){ .actions = policy->action.count };
		for (place = 0; place < PLACES; place++)
			if (scope[place].count == 1)
				number_claim(index, &scope[place], &index->rows[i].names[place]);
		if (policy->action.count > 1)
			index->rows[i].names[PLACE_ACTION] = listed - policy->action.count;
	}
}

/* From the wide table into one that is about as large as the names that there are. */
static void
names_keep(struct cedar_index *index, const struct name *wide, size_t wide_size, const struct places *places)
{
	size_t i;

	for (i = 0; i < wide_size; i++)
		if (wide[i].uid != NULL) {
			struct name name = wide[i];

			name.bucket = places->buckets[name.number];
			name_insert(index, name);
		}
}

static void
nodes_keep(struct cedar_index *index, const struct places *places)
{
	size_t i;

	if (places->entry_count > 0)
		memcpy(index->entries, places->entries, places->entry_count * sizeof *index->entries);
	if (places->node_count > 0)
		memcpy(index->nodes, places->nodes, places->node_count * sizeof *index->nodes);
	for (i = 0; i < places->node_count; i++)
		index->slots[cedar_node_slot(index, index->nodes[i].above, index->nodes[i].name)] = (uint32_t)i + 1;
	index->always_count = (uint32_t)places->always_count;
}

/* All arrays in one block, those of wider members first. */
static bool
index_keep(struct cedar_index *index, struct cedar_arena *arena, size_t count, size_t listed,
           const struct places *places)
{
	const struct name *wide = index->names;
	size_t wide_size = index->name_size;
	unsigned char *block;

	index->name_size = index->name_count + index->name_count / 6 + 1;
	index->slot_size = (uint32_t)(places->node_count ? places->node_count * 2 : 1);
	block = cedar_arena_zero(arena, index->name_size * sizeof *index->names +
	                                    places->node_count * sizeof *index->nodes + count * sizeof *index->rows +
	                                    (places->entry_count + listed + index->slot_size) * sizeof(uint32_t));
	if (block == NULL)
		return false;
	index->names = (struct name *)block;
	index->nodes = (struct node *)(index->names + index->name_size);
	index->rows = (struct row *)(index->nodes + places->node_count);
	index->entries = (uint32_t *)(index->rows + count);
	index->numbers = index->entries + places->entry_count;
	index->slots = index->numbers + listed;
	names_keep(index, wide, wide_size, places);
	nodes_keep(index, places);
	rows_fill(index, count);
	return true;
}

static bool
index_fill(struct cedar_index *index, struct cedar_arena *arena, struct cedar_arena *passing, size_t count)
{
	struct sizes sizes = sizes_count(index->policies, count);
	struct asking asking = { .count = count };
	struct places places = { 0 };

	if (sizes.members > UINT32_MAX / 4)
		return false;
	index->key = arena->key;
	index->name_size = (uint32_t)sizes.members * 2 + 1;
	index->names = cedar_arena_zero(passing, index->name_size * sizeof *index->names);
	asking.asked = cedar_arena_take(passing, count * sizeof *asking.asked);
	asking.numbers = cedar_arena_take(passing, sizes.members * sizeof *asking.numbers);
	asking.aspect_of = cedar_arena_take(passing, sizes.members + 1);
	if (passing->failed)
		return false;
	policies_number(index, &asking);
	return cedar_index_split(&places, &asking, passing) && index_keep(index, arena, count, sizes.listed, &places);
}

struct cedar_index *
cedar_index_new(struct cedar_arena *arena, const struct cedar_policy *policies, size_t count)
{
	struct cedar_index *index = cedar_arena_zero(arena, sizeof *index);
	struct cedar_arena passing;
	bool done;

	if (index == NULL)
		return NULL;
	index->policies = policies;
	cedar_arena_init(&passing, &arena->memory, 4096);
	done = index_fill(index, arena, &passing, count);
	cedar_arena_dispose(&passing);
	return done ? index : NULL;
}
