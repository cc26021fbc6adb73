/* index_find.c - the policies whose scope matches a request. */
#include "cedar/index_inside.h"

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
	const struct name *name = cedar_name_slot(index, uid, is_type);

	return name->uid != NULL ? name : NULL;
}

/* Starts the way of cache lines, which for a large set are far. */
static void
party_prefetch(const struct cedar_index *index, const struct cedar_uid *uid, const struct cedar_entity *entity)
{
	size_t i;

	__builtin_prefetch(&index->names[cedar_name_place(index, uid->hash)]);
	__builtin_prefetch(&index->names[cedar_name_place(index, uid->type_hash)]);
	for (i = 0; entity != NULL && i < entity->above.count && i < 16; i++)
		__builtin_prefetch(&index->names[cedar_name_place(index, entity->above.links[i].hash)]);
}

static bool
party_find(struct search *search, struct party *party, const struct cedar_uid *uid, const struct cedar_entity *entity)
{
	const struct cedar_ancestry *list;
	size_t i;

	party->self = name_find(search->index, uid, false);
	party->type = name_find(search->index, uid, true);
	if (entity == NULL || entity->above.total == 0)
		return true;
	party->ancestors = cedar_arena_take(search->arena, entity->above.total * sizeof(const struct name *));
	if (party->ancestors == NULL)
		return false;
	for (list = &entity->above; list != NULL; list = list->beyond)
		for (i = 0; i < list->count; i++) {
			const struct name *name = name_find(search->index, list->links[i].uid, false);

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
part_matches(uint8_t kind, const struct party *party, uint32_t number, uint32_t type)
{
	switch ((enum cedar_scope_kind)kind) {
	case CEDAR_SCOPE_ANY:
		return true;
	case CEDAR_SCOPE_EQUAL:
		return party_is(party, number);
	case CEDAR_SCOPE_IN:
		return party_inside(party, number);
	case CEDAR_SCOPE_IS:
		return party->type != NULL && party->type->number == type;
	case CEDAR_SCOPE_IS_IN:
		return party->type != NULL && party->type->number == type && party_inside(party, number);
	}
	return false;
}

static bool
row_matches(const struct search *search, const struct row *row)
{
	const struct party *action = &search->parties[PART_ACTION];
	uint32_t i;

	if (!part_matches(row->kinds[PART_PRINCIPAL], &search->parties[PART_PRINCIPAL], row->principal, row->types[0]) ||
		!part_matches(row->kinds[PART_RESOURCE], &search->parties[PART_RESOURCE], row->resource, row->types[1]))
		return false;
	if (!row->action_list)
		return part_matches(row->kinds[PART_ACTION], action, row->action.start, 0);
	for (i = 0; i < row->action.count; i++)
		if (party_inside(action, search->index->numbers[row->action.start + i]))
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
search_bucket(struct search *search, const struct name *name)
{
	if (name != NULL)
		search_list(search, search->index->entries + name->bucket.start, name->bucket.count);
}

static void
search_party(struct search *search, const struct party *party)
{
	size_t i;

	search_bucket(search, party->self);
	search_bucket(search, party->type);
	for (i = 0; i < party->ancestor_count; i++)
		search_bucket(search, party->ancestors[i]);
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
		search_party(&search, &search.parties[part]);
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
