/* index_find.c - the policies whose scope matches a request. */
#include "cedar/index_inside.h"

/* What the request has in one aspect; only names that scopes have. */
struct had {
	const struct name **names;
	size_t count;
};

struct search {
	const struct cedar_index *index;
	struct cedar_arena *arena;
	struct had had[ASPECTS];
	const struct name *single[ASPECTS]; /* room for where there can be but one */
	uint32_t *items;
	size_t count, capacity;
	bool failed;
};

/* The aspects of a party. */
static const struct {
	enum aspect equal, in, type;
} aspects_of[3] = {
	{ ASPECT_PRINCIPAL_EQUAL, ASPECT_PRINCIPAL_IN, ASPECT_PRINCIPAL_TYPE },
	{ ASPECT_ACTION_EQUAL, ASPECT_ACTION_IN, ASPECTS },
	{ ASPECT_RESOURCE_EQUAL, ASPECT_RESOURCE_IN, ASPECT_RESOURCE_TYPE },
};

static bool
is_used(const struct cedar_index *index, unsigned aspect)
{
	return index->aspects >> aspect & 1;
}

/* Can an entity of this type have a name there? */
static bool
names_type(const struct cedar_index *index, unsigned aspect, uint64_t type_hash)
{
	return is_used(index, aspect) && (index->types[aspect] & cedar_index_type_bit(type_hash)) != 0;
}

static void
name_prefetch(const struct cedar_index *index, uint64_t hash, unsigned aspect)
{
	if (is_used(index, aspect))
		__builtin_prefetch(&index->names[cedar_hash_place(hash ^ cedar_aspect_salt(aspect), index->name_size)]);
}

/* Starts the way of cache lines, which for a large set are far. */
static void
party_prefetch(const struct cedar_index *index, unsigned party, const struct cedar_question *question)
{
	const struct cedar_entity *entity = question->entities[party];
	uint64_t hash = question->parties[party]->hash;
	uint64_t type_hash = question->type_hashes[party];
	unsigned in = aspects_of[party].in;
	size_t i;

	if (names_type(index, aspects_of[party].equal, type_hash))
		name_prefetch(index, hash, aspects_of[party].equal);
	if (names_type(index, in, type_hash))
		name_prefetch(index, hash, in);
	name_prefetch(index, type_hash, aspects_of[party].type);
	for (i = 0; entity != NULL && is_used(index, in) && i < entity->above.count && i < 16; i++)
		name_prefetch(index, entity->above.links[i].hash, in);
}

static void
had_add(struct search *search, unsigned aspect, const struct cedar_uid *uid, uint64_t hash)
{
	const struct name *name = cedar_name_find(search->index, uid, hash, aspect);
	struct had *had = &search->had[aspect];

	if (name != NULL)
		had->names[had->count++] = name;
}

static void
find_single(struct search *search, unsigned aspect, const struct cedar_uid *uid, uint64_t hash)
{
	if (!is_used(search->index, aspect))
		return;
	search->had[aspect].names = &search->single[aspect];
	had_add(search, aspect, uid, hash);
}

static bool
find_inside(struct search *search, unsigned aspect, const struct cedar_uid *uid, uint64_t type_hash,
            const struct cedar_entity *entity)
{
	const struct cedar_ancestry *list;
	struct had *had = &search->had[aspect];
	size_t i;

	if (!is_used(search->index, aspect))
		return true;
	had->names =
	    cedar_arena_take(search->arena, (1 + (entity ? entity->above.total : 0)) * sizeof(const struct name *));
	if (had->names == NULL)
		return false;
	if (names_type(search->index, aspect, type_hash))
		had_add(search, aspect, uid, uid->hash);
	for (list = entity ? &entity->above : NULL; list != NULL; list = list->beyond)
		for (i = 0; i < list->count; i++)
			had_add(search, aspect, list->links[i].uid, list->links[i].hash);
	return true;
}

static bool
party_find(struct search *search, unsigned party, const struct cedar_question *question)
{
	const struct cedar_uid *uid = question->parties[party];
	uint64_t type_hash = question->type_hashes[party];

	if (names_type(search->index, aspects_of[party].equal, type_hash))
		find_single(search, aspects_of[party].equal, uid, uid->hash);
	find_single(search, aspects_of[party].type, uid, type_hash);
	return find_inside(search, aspects_of[party].in, uid, type_hash, question->entities[party]);
}

static bool
has_name(const struct had *had, uint32_t number)
{
	size_t i;

	for (i = 0; i < had->count; i++)
		if (had->names[i]->number == number)
			return true;
	return false;
}

/* By == or by `in`; 0 asks nothing. */
static bool
party_has(const struct search *search, unsigned party, uint32_t number)
{
	return number == 0 || has_name(&search->had[aspects_of[party].equal], number) ||
	       has_name(&search->had[aspects_of[party].in], number);
}

static bool
action_matches(const struct search *search, const struct row *row)
{
	uint32_t i;

	if (row->actions <= 1)
		return party_has(search, 1, row->names[PLACE_ACTION]);
	for (i = 0; i < row->actions; i++)
		if (has_name(&search->had[ASPECT_ACTION_IN], search->index->numbers[row->names[PLACE_ACTION] + i]))
			return true;
	return false;
}

static bool
type_matches(const struct had *had, uint32_t number)
{
	return number == 0 || has_name(had, number);
}

static bool
row_matches(const struct search *search, const struct row *row)
{
	return party_has(search, 0, row->names[PLACE_PRINCIPAL]) && party_has(search, 2, row->names[PLACE_RESOURCE]) &&
	       type_matches(&search->had[ASPECT_PRINCIPAL_TYPE], row->names[PLACE_PRINCIPAL_TYPE]) &&
	       type_matches(&search->had[ASPECT_RESOURCE_TYPE], row->names[PLACE_RESOURCE_TYPE]) &&
	       action_matches(search, row);
}

static void
search_entries(struct search *search, const uint32_t *items, size_t count)
{
	size_t i;

	for (i = 0; i < count && i < 16; i++) {
		__builtin_prefetch(&search->index->rows[items[i]]);
		__builtin_prefetch(&search->index->policies[items[i]].conditions);
	}
	for (i = 0; i < count && !search->failed; i++) {
		if (!row_matches(search, &search->index->rows[items[i]]))
			continue;
		search->failed = !cedar_arena_grow(search->arena, (void **)&search->items, search->count,
		                                   &search->capacity, sizeof *search->items);
		if (!search->failed)
			search->items[search->count++] = items[i];
	}
}

/* A node, and those below it to which the request has the names. No deeper than there are places. */
static void
search_node(struct search *search, uint32_t number, const struct bucket *bucket)
{
	const struct cedar_index *index = search->index;
	unsigned aspects = bucket->aspects, aspect;
	size_t i;

	search_entries(search, index->entries + bucket->start, bucket->count);
	for (aspect = 0; aspects >> aspect != 0; aspect++)
		for (i = 0; (aspects >> aspect & 1) != 0 && i < search->had[aspect].count; i++) {
			uint32_t node =
			    index->slots[cedar_node_slot(index, number, search->had[aspect].names[i]->number)];

			if (node != 0)
				search_node(search, (uint32_t)index->name_count + node, &index->nodes[node - 1].bucket);
		}
}

static void
search_all(struct search *search)
{
	unsigned aspect;
	size_t i;

	search_entries(search, search->index->entries, search->index->always_count);
	for (aspect = 0; aspect < ASPECTS; aspect++)
		for (i = 0; i < search->had[aspect].count; i++)
			search_node(search, search->had[aspect].names[i]->number,
			            &search->had[aspect].names[i]->bucket);
}

bool
cedar_index_find(const struct cedar_index *index, const struct cedar_question *question, struct cedar_arena *scratch,
                 const uint32_t **out, size_t *count)
{
	struct search search = { .index = index, .arena = scratch };
	uint32_t *spare = NULL;
	unsigned party;

	for (party = 0; party < 3; party++)
		party_prefetch(index, party, question);
	for (party = 0; party < 3; party++)
		if (!party_find(&search, party, question))
			return false;
	search_all(&search);
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
