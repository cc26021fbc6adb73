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

static uint32_t
number_of(struct cedar_index *index, const struct cedar_uid *uid, unsigned aspect)
{
	const struct name *name = cedar_name_find(index, uid, aspect);

	if (name != NULL)
		return name->number;
	index->aspects |= (uint8_t)(1u << aspect);
	index->name_count++;
	name_insert(index, (struct name){ .uid = uid, .check = (uint32_t)cedar_name_hash(uid, aspect), .aspect = aspect & 7,
				   .number = (uint32_t)index->name_count & 0x1FFFFFFF });
	return (uint32_t)index->name_count;
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

struct sizes {
	size_t members, listed; /* of all claims; of lists of actions */
};

/* A list that is that of the policy before is kept once. */
static bool
lists_actions(const struct cedar_policy *policies, size_t at)
{
	return policies[at].action.count > 1 && (at == 0 || policies[at].action.entities != policies[at - 1].action.entities);
}

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

/* The scope, for comparing. */
static void
row_fill(struct cedar_index *index, struct row *row, const struct cedar_policy *policy, const struct claim scope[PLACES], uint32_t lists)
{
	unsigned place;

	row->duty = (struct cedar_duty){ policy->conditions, policy->condition_count, policy->forbids };
	row->actions = policy->action.count;
	for (place = 0; place < PLACES; place++) {
		const struct claim *claim = &scope[place];

		if (claim->count == 1)
			number_claim(index, claim, &row->names[place]);
		else if (claim->count > 1)
			row->names[place] = lists;
	}
}

static void
asked_fill(struct cedar_index *index, struct asking *asking, size_t at, const struct claim all[PLACES], uint32_t *used)
{
	struct asked *asked = &asking->asked[at];
	unsigned place;

	asked->start = *used;
	for (place = 0; place < PLACES; place++) {
		asked->counts[place] = number_claim(index, &all[place], asking->numbers + *used);
		*used += asked->counts[place];
	}
}

/* Numbers all names; the table is a wide one in passing. */
static void
policies_number(struct cedar_index *index, struct asking *asking, const struct cedar_policy *policies)
{
	struct claim scope[PLACES], all[PLACES];
	uint32_t used = 0, listed = 0;
	size_t i;

	for (i = 0; i < asking->count; i++) {
		asking->asked[i].never = !cedar_index_claims(&policies[i], scope, all);
		if (lists_actions(policies, i))
			listed += number_claim(index, &scope[PLACE_ACTION], index->numbers + listed);
		row_fill(index, &index->rows[i], &policies[i], scope, listed - policies[i].action.count);
		asked_fill(index, asking, i, all, &used);
	}
}

/* From the wide table into one that is as large as the names that there are. */
static bool
names_keep(struct cedar_index *index, struct cedar_arena *arena, struct asking *asking)
{
	struct name *wide = index->names;
	size_t wide_size = index->name_size, i;

	index->name_size = index->name_count + index->name_count / 3 + 1;
	index->names = cedar_arena_zero(arena, index->name_size * sizeof *index->names);
	if (index->names == NULL)
		return false;
	for (i = 0; i < wide_size; i++)
		if (wide[i].uid != NULL) {
			name_insert(index, wide[i]);
			asking->aspect_of[wide[i].number] = wide[i].aspect;
		}
	return true;
}

static bool
index_fill(struct cedar_index *index, struct cedar_arena *arena, struct cedar_arena *passing, const struct cedar_policy *policies,
	size_t count)
{
	struct sizes sizes = sizes_count(policies, count);
	struct asking asking = { .memory = &arena->memory, .count = count };

	index->key = arena->key.words[0];
	index->name_size = sizes.members * 2 + 1;
	index->names = cedar_arena_zero(passing, index->name_size * sizeof *index->names);
	asking.asked = cedar_arena_take(passing, count * sizeof *asking.asked);
	asking.numbers = cedar_arena_take(passing, sizes.members * sizeof *asking.numbers);
	asking.aspect_of = cedar_arena_take(passing, sizes.members + 1);
	index->numbers = cedar_arena_take(arena, sizes.listed * sizeof *index->numbers);
	index->rows = cedar_arena_zero(arena, count * sizeof *index->rows);
	if (passing->failed || index->numbers == NULL || index->rows == NULL)
		return false;
	policies_number(index, &asking, policies);
	asking.name_count = index->name_count;
	return names_keep(index, arena, &asking) && cedar_index_split(index, arena, &asking);
}

struct cedar_index *
cedar_index_new(struct cedar_arena *arena, const struct cedar_policy *policies, size_t count)
{
	struct cedar_index *index = cedar_arena_zero(arena, sizeof *index);
	struct cedar_arena passing;
	bool done;

	if (index == NULL)
		return NULL;
	cedar_arena_init(&passing, &arena->memory, 4096);
	done = index_fill(index, arena, &passing, policies, count);
	cedar_arena_dispose(&passing);
	return done ? index : NULL;
}
