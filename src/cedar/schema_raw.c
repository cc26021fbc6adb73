/* schema_raw.c - collecting declarations, and what may be declared. */
#include "cedar/expr.h"
#include "cedar/schema_raw.h"

bool
cedar_raw_out_of_memory(const struct cedar_raw_schema *raw)
{
	return cedar_fault_set(raw->fault, raw->source, 0, "out of memory");
}

static bool
part_valid(struct cedar_text part, bool declared)
{
	if (!cedar_word_valid(part))
		return false;
	if (cedar_text_is(part, "__cedar"))
		return !declared;
	return !cedar_word_reserved(part);
}

bool
cedar_raw_name_valid(struct cedar_text name, bool declared)
{
	size_t start = 0, at;

	for (at = 0; at <= name.size; at++) {
		if (at < name.size && name.data[at] != ':')
			continue;
		if (!part_valid((struct cedar_text){ name.data + start, at - start }, declared))
			return false;
		if (at == name.size)
			return true;
		if (at + 1 >= name.size || name.data[at + 1] != ':')
			return false;
		start = at + 2;
		at++;
	}
	return false;
}

struct cedar_raw_space *
cedar_raw_space_get(struct cedar_raw_schema *raw, struct cedar_text name, bool *fresh)
{
	struct cedar_raw_space *space;

	raw->space_names.arena = raw->arena;
	space = cedar_table_find(&raw->space_names, name, CEDAR_TEXT(""));
	*fresh = space == NULL;
	if (space != NULL)
		return space;
	space = cedar_arena_zero(raw->arena, sizeof *space);
	if (space == NULL || !cedar_table_put(&raw->space_names, name, CEDAR_TEXT(""), space))
		return NULL;
	space->name = name;
	if (raw->last_space != NULL)
		raw->last_space->next = space;
	else
		raw->spaces = space;
	return raw->last_space = space;
}

bool
cedar_raw_names_add(struct cedar_arena *arena, struct cedar_raw_names *names, struct cedar_raw_name name)
{
	if (!cedar_arena_grow(arena, (void **)&names->items, names->count, &names->capacity, sizeof *names->items))
		return false;
	names->items[names->count++] = name;
	return true;
}

static bool
name_unfit(const struct cedar_raw_schema *raw, uint32_t offset, struct cedar_text name)
{
	return cedar_fault_set(raw->fault, raw->source, offset,
	                       "`%.*s` cannot be declared: the name is reserved or no name",
	                       name.size > 80 ? 80 : (int)name.size, name.data);
}

bool
cedar_raw_common_add(struct cedar_raw_schema *raw, struct cedar_raw_space *space, struct cedar_raw_common common)
{
	static const char *const taken[] = {
		"Bool", "Boolean", "Entity", "Extension", "Long", "Record", "Set", "String"
	};
	struct cedar_raw_common *copy;
	size_t i;

	if (!part_valid(common.name, true))
		return name_unfit(raw, common.offset, common.name);
	for (i = 0; i < sizeof taken / sizeof *taken; i++)
		if (cedar_text_is(common.name, taken[i]))
			return name_unfit(raw, common.offset, common.name);
	copy = cedar_arena_take(raw->arena, sizeof *copy);
	if (copy == NULL)
		return cedar_raw_out_of_memory(raw);
	common.space = space;
	common.next = space->commons;
	*copy = common;
	space->commons = copy;
	return true;
}

bool
cedar_raw_entity_add(struct cedar_raw_schema *raw, struct cedar_raw_space *space, struct cedar_raw_entity entity)
{
	struct cedar_raw_entity *copy;

	if (!part_valid(entity.name, true))
		return name_unfit(raw, entity.offset, entity.name);
	if (cedar_text_is(entity.name, "Action"))
		return cedar_fault_set(raw->fault, raw->source, entity.offset,
		                       "the entity type `Action` is made by the actions and is not declared");
	copy = cedar_arena_take(raw->arena, sizeof *copy);
	if (copy == NULL)
		return cedar_raw_out_of_memory(raw);
	entity.next = space->entities;
	*copy = entity;
	space->entities = copy;
	return true;
}

bool
cedar_raw_action_add(struct cedar_raw_schema *raw, struct cedar_raw_space *space, struct cedar_raw_action action)
{
	struct cedar_raw_action *copy = cedar_arena_take(raw->arena, sizeof *copy);

	if (copy == NULL)
		return cedar_raw_out_of_memory(raw);
	action.next = space->actions;
	*copy = action;
	space->actions = copy;
	return true;
}

bool
cedar_raw_deepen(const struct cedar_raw_schema *raw, struct cedar_raw_type *outer, const struct cedar_raw_type *inner)
{
	if (inner->depth >= outer->depth)
		outer->depth = (uint16_t)(inner->depth + 1);
	if (outer->depth > CEDAR_DEPTH_MAX)
		return cedar_fault_set(raw->fault, raw->source, outer->offset, "types are nested more than %d deep",
		                       CEDAR_DEPTH_MAX);
	return true;
}
