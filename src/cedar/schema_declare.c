/* schema_declare.c - what a schema declares: each name once, types and actions by number. */
#include "cedar/schema_raw.h"

static bool
fail(struct cedar_resolver *resolver, uint32_t offset, const char *format, struct cedar_text name)
{
	return cedar_fault_set(resolver->raw->fault, resolver->raw->source, offset, format,
	                       name.size > 100 ? 100 : (int)name.size, name.data);
}

static struct cedar_entity_type *
entity_type_new(struct cedar_resolver *resolver, struct cedar_text name)
{
	struct cedar_schema *schema = resolver->schema;
	struct cedar_entity_type *type = cedar_arena_zero(&schema->arena, sizeof *type);

	if (type == NULL || name.data == NULL || !cedar_table_put(&schema->types, name, CEDAR_TEXT(""), type))
		return NULL;
	type->name = name;
	type->index = schema->type_count++;
	type->reference = (struct cedar_type){ .kind = CEDAR_TYPE_ENTITY, .depth = 1, .entity = type };
	return type;
}

static bool
declare_choices(struct cedar_resolver *resolver, const struct cedar_raw_entity *raw)
{
	struct cedar_entity_type *type = raw->made;
	size_t i;

	type->is_enum = raw->is_enum;
	type->choices = raw->choices;
	type->choice_count = (uint32_t)raw->choice_count;
	type->choice_names.arena = &resolver->schema->arena;
	for (i = 0; i < raw->choice_count; i++)
		if (!cedar_table_put(&type->choice_names, raw->choices[i], CEDAR_TEXT(""), type))
			return cedar_raw_out_of_memory(resolver->raw);
	return true;
}

static bool
declare_entity(struct cedar_resolver *resolver, struct cedar_raw_space *space, struct cedar_raw_entity *raw)
{
	struct cedar_text name = cedar_resolve_full_name(resolver, space, raw->name);

	if (name.data == NULL)
		return cedar_raw_out_of_memory(resolver->raw);
	if (cedar_table_find(&resolver->schema->types, name, CEDAR_TEXT("")) != NULL)
		return fail(resolver, raw->offset, "the entity type `%.*s` is declared twice", name);
	raw->made = entity_type_new(resolver, name);
	if (raw->made == NULL)
		return cedar_raw_out_of_memory(resolver->raw);
	return declare_choices(resolver, raw);
}

static bool
declare_common(struct cedar_resolver *resolver, struct cedar_raw_space *space, struct cedar_raw_common *raw)
{
	raw->full_name = cedar_resolve_full_name(resolver, space, raw->name);
	if (raw->full_name.data == NULL)
		return cedar_raw_out_of_memory(resolver->raw);
	if (cedar_table_find(&resolver->commons, raw->full_name, CEDAR_TEXT("")) != NULL)
		return fail(resolver, raw->offset, "the type `%.*s` is declared twice", raw->full_name);
	if (!cedar_table_put(&resolver->commons, raw->full_name, CEDAR_TEXT(""), raw))
		return cedar_raw_out_of_memory(resolver->raw);
	return true;
}

static bool
declare_action(struct cedar_resolver *resolver, struct cedar_raw_space *space, struct cedar_raw_action *raw)
{
	struct cedar_schema *schema = resolver->schema;
	struct cedar_text name = cedar_resolve_full_name(resolver, space, CEDAR_TEXT("Action"));
	struct cedar_entity_type *type = cedar_table_find(&schema->types, name, CEDAR_TEXT(""));

	if (type == NULL && (type = entity_type_new(resolver, name)) == NULL)
		return cedar_raw_out_of_memory(resolver->raw);
	type->is_action = true;
	if (cedar_table_find(&schema->actions, name, raw->name) != NULL)
		return fail(resolver, raw->offset, "the action `%.*s` is declared twice", raw->name);
	raw->made = cedar_arena_zero(&schema->arena, sizeof *raw->made);
	if (raw->made == NULL || !cedar_table_put(&schema->actions, type->name, raw->name, raw->made))
		return cedar_raw_out_of_memory(resolver->raw);
	raw->made->uid = cedar_uid_of(resolver->raw->arena, type->name, raw->name);
	raw->made->type = type;
	raw->made->index = schema->action_count++;
	return true;
}

static bool
declare(struct cedar_resolver *resolver)
{
	struct cedar_raw_space *space;

	for (space = resolver->raw->spaces; space != NULL; space = space->next) {
		struct cedar_raw_entity *entity;
		struct cedar_raw_common *common;
		struct cedar_raw_action *action;

		for (entity = space->entities; entity != NULL; entity = entity->next)
			if (!declare_entity(resolver, space, entity))
				return false;
		for (common = space->commons; common != NULL; common = common->next)
			if (!declare_common(resolver, space, common))
				return false;
		for (action = space->actions; action != NULL; action = action->next)
			if (!declare_action(resolver, space, action))
				return false;
	}
	return true;
}

static bool
list_declared(struct cedar_resolver *resolver)
{
	struct cedar_schema *schema = resolver->schema;
	size_t i;

	schema->type_list = cedar_arena_take(&schema->arena, schema->type_count * sizeof *schema->type_list);
	schema->action_list = cedar_arena_take(&schema->arena, schema->action_count * sizeof *schema->action_list);
	if (schema->type_list == NULL || schema->action_list == NULL)
		return cedar_raw_out_of_memory(resolver->raw);
	for (i = 0; i < schema->types.capacity; i++)
		if (schema->types.slots[i].value != NULL) {
			struct cedar_entity_type *type = schema->types.slots[i].value;

			type->shape = &cedar_type_no_attributes;
			schema->type_list[type->index] = type;
		}
	for (i = 0; i < schema->actions.capacity; i++)
		if (schema->actions.slots[i].value != NULL) {
			struct cedar_action_type *action = schema->actions.slots[i].value;

			schema->action_list[action->index] = action;
		}
	return true;
}

/* What a namespace declares must not have a name that is also declared outside of all: one would hide the other. */
static bool
check_shadows(struct cedar_resolver *resolver)
{
	struct cedar_table types = { .arena = resolver->raw->arena }, actions = { .arena = resolver->raw->arena };
	struct cedar_raw_space *space;
	struct cedar_raw_entity *entity;
	struct cedar_raw_common *common;
	struct cedar_raw_action *action;

	for (space = resolver->raw->spaces; space != NULL; space = space->next) {
		if (space->name.size > 0)
			continue;
		for (entity = space->entities; entity != NULL; entity = entity->next)
			if (!cedar_table_put(&types, entity->name, CEDAR_TEXT(""), entity))
				return cedar_raw_out_of_memory(resolver->raw);
		for (common = space->commons; common != NULL; common = common->next)
			if (!cedar_table_put(&types, common->name, CEDAR_TEXT(""), common))
				return cedar_raw_out_of_memory(resolver->raw);
		for (action = space->actions; action != NULL; action = action->next)
			if (!cedar_table_put(&actions, action->name, CEDAR_TEXT(""), action))
				return cedar_raw_out_of_memory(resolver->raw);
	}
	for (space = resolver->raw->spaces; space != NULL; space = space->next) {
		if (space->name.size == 0)
			continue;
		for (entity = space->entities; entity != NULL; entity = entity->next)
			if (cedar_table_find(&types, entity->name, CEDAR_TEXT("")) != NULL)
				return fail(resolver, entity->offset,
				            "`%.*s` is also declared outside of the namespace", entity->name);
		for (common = space->commons; common != NULL; common = common->next)
			if (cedar_table_find(&types, common->name, CEDAR_TEXT("")) != NULL)
				return fail(resolver, common->offset,
				            "`%.*s` is also declared outside of the namespace", common->name);
		for (action = space->actions; action != NULL; action = action->next)
			if (cedar_table_find(&actions, action->name, CEDAR_TEXT("")) != NULL)
				return fail(resolver, action->offset,
				            "the action `%.*s` is also declared outside of the namespace",
				            action->name);
	}
	return true;
}

bool
cedar_schema_declare(struct cedar_resolver *resolver)
{
	return declare(resolver) && list_declared(resolver) && check_shadows(resolver);
}
