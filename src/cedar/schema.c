/* schema.c - raw declarations to a schema: declaring, resolving, closing the hierarchies. */
#include "cedar/schema.h"

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
	raw->made->is_enum = raw->is_enum;
	raw->made->choices = raw->choices;
	raw->made->choice_count = (uint32_t)raw->choice_count;
	return true;
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
	raw->made->uid = cedar_uid_of(type->name, raw->name);
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
				return fail(resolver, entity->offset, "`%.*s` is also declared outside of the namespace", entity->name);
		for (common = space->commons; common != NULL; common = common->next)
			if (cedar_table_find(&types, common->name, CEDAR_TEXT("")) != NULL)
				return fail(resolver, common->offset, "`%.*s` is also declared outside of the namespace", common->name);
		for (action = space->actions; action != NULL; action = action->next)
			if (cedar_table_find(&actions, action->name, CEDAR_TEXT("")) != NULL)
				return fail(resolver, action->offset, "the action `%.*s` is also declared outside of the namespace",
					action->name);
	}
	return true;
}

static const struct cedar_type *
resolve_shape(struct cedar_resolver *resolver, struct cedar_raw_space *space, const struct cedar_raw_type *raw)
{
	const struct cedar_type *type;

	if (raw == NULL)
		return &cedar_type_no_attributes;
	type = cedar_resolve_type(resolver, space, raw);
	if (type != NULL && type->kind != CEDAR_TYPE_RECORD) {
		cedar_fault_set(resolver->raw->fault, resolver->raw->source, raw->offset, "a record type is expected here");
		return NULL;
	}
	return type;
}

/* An entity type that is not that of actions. */
static struct cedar_entity_type *
resolve_plain_entity(struct cedar_resolver *resolver, struct cedar_raw_space *space, const struct cedar_raw_name *name)
{
	struct cedar_entity_type *type = cedar_resolve_entity(resolver, space, name->name, name->offset);

	if (type == NULL || !type->is_action)
		return type;
	fail(resolver, name->offset, "`%.*s` is the type of actions and cannot stand here", name->name);
	return NULL;
}

static bool
resolve_entity(struct cedar_resolver *resolver, struct cedar_raw_space *space, struct cedar_raw_entity *raw,
	struct cedar_edges *edges)
{
	size_t i;

	raw->made->shape = resolve_shape(resolver, space, raw->shape);
	if (raw->made->shape == NULL)
		return false;
	if (raw->tags != NULL && (raw->made->tags = cedar_resolve_type(resolver, space, raw->tags)) == NULL)
		return false;
	edges->to = cedar_arena_take(resolver->raw->arena, raw->parents.count * sizeof *edges->to);
	if (edges->to == NULL)
		return cedar_raw_out_of_memory(resolver->raw);
	for (i = 0; i < raw->parents.count; i++) {
		const struct cedar_entity_type *parent = resolve_plain_entity(resolver, space, &raw->parents.items[i]);

		if (parent == NULL)
			return false;
		edges->to[edges->count++] = parent->index;
	}
	return true;
}

static bool
resolve_applies(struct cedar_resolver *resolver, struct cedar_raw_space *space, const struct cedar_raw_names *names,
	struct cedar_entity_type ***out, uint32_t *count)
{
	size_t i, j;

	*out = cedar_arena_take(&resolver->schema->arena, names->count * sizeof **out);
	if (*out == NULL)
		return cedar_raw_out_of_memory(resolver->raw);
	for (i = 0; i < names->count; i++) {
		struct cedar_entity_type *type = resolve_plain_entity(resolver, space, &names->items[i]);

		if (type == NULL)
			return false;
		for (j = 0; j < *count && (*out)[j] != type; j++)
			;
		if (j == *count)
			(*out)[(*count)++] = type;
	}
	return true;
}

static const struct cedar_action_type *
resolve_action_name(struct cedar_resolver *resolver, struct cedar_raw_space *space, const struct cedar_raw_name *name)
{
	struct cedar_text type = name->name.data ? name->name : CEDAR_TEXT("Action"), full;
	const struct cedar_action_type *action = NULL;

	if (space->name.size > 0 && memchr(type.data, ':', type.size) == NULL) {
		full = cedar_resolve_full_name(resolver, space, type);
		if (full.data == NULL)
			return NULL;
		action = cedar_table_find(&resolver->schema->actions, full, name->id);
	}
	if (action == NULL)
		action = cedar_table_find(&resolver->schema->actions, type, name->id);
	if (action == NULL)
		fail(resolver, name->offset, "there is no action `%.*s`", name->id);
	return action;
}

static bool
resolve_action(struct cedar_resolver *resolver, struct cedar_raw_space *space, struct cedar_raw_action *raw,
	struct cedar_edges *edges)
{
	size_t i;

	raw->made->context = resolve_shape(resolver, space, raw->context);
	if (raw->made->context == NULL ||
		!resolve_applies(resolver, space, &raw->principals, &raw->made->principals, &raw->made->principal_count) ||
		!resolve_applies(resolver, space, &raw->resources, &raw->made->resources, &raw->made->resource_count))
		return false;
	edges->to = cedar_arena_take(resolver->raw->arena, raw->parents.count * sizeof *edges->to);
	if (edges->to == NULL)
		return cedar_raw_out_of_memory(resolver->raw);
	for (i = 0; i < raw->parents.count; i++) {
		const struct cedar_action_type *parent = resolve_action_name(resolver, space, &raw->parents.items[i]);

		if (parent == NULL)
			return false;
		edges->to[edges->count++] = parent->index;
	}
	return true;
}

static bool
close_types(struct cedar_resolver *resolver, const struct cedar_edges *edges)
{
	struct cedar_schema *schema = resolver->schema;
	uint64_t **rows = cedar_close(&schema->arena, edges, schema->type_count);
	uint32_t i;

	if (rows == NULL)
		return cedar_raw_out_of_memory(resolver->raw);
	for (i = 0; i < schema->type_count; i++)
		schema->type_list[i]->descendants = rows[i];
	return true;
}

static bool
close_actions(struct cedar_resolver *resolver, const struct cedar_edges *edges)
{
	struct cedar_schema *schema = resolver->schema;
	uint64_t **rows = cedar_close(&schema->arena, edges, schema->action_count);
	uint32_t i;

	if (rows == NULL)
		return cedar_raw_out_of_memory(resolver->raw);
	for (i = 0; i < schema->action_count; i++) {
		schema->action_list[i]->descendants = rows[i];
		if (cedar_bit(rows[i], i))
			return fail(resolver, 0, "the action `%.*s` is its own ancestor", schema->action_list[i]->uid.id);
	}
	return true;
}

static bool
resolve_all(struct cedar_resolver *resolver)
{
	struct cedar_arena *arena = resolver->raw->arena;
	struct cedar_edges *types = cedar_arena_zero(arena, resolver->schema->type_count * sizeof *types);
	struct cedar_edges *actions = cedar_arena_zero(arena, resolver->schema->action_count * sizeof *actions);
	struct cedar_raw_space *space;
	struct cedar_raw_entity *entity;
	struct cedar_raw_action *action;

	if (types == NULL || actions == NULL)
		return cedar_raw_out_of_memory(resolver->raw);
	for (space = resolver->raw->spaces; space != NULL; space = space->next) {
		for (entity = space->entities; entity != NULL; entity = entity->next)
			if (!resolve_entity(resolver, space, entity, &types[entity->made->index]))
				return false;
		for (action = space->actions; action != NULL; action = action->next)
			if (!resolve_action(resolver, space, action, &actions[action->made->index]))
				return false;
	}
	return close_types(resolver, types) && close_actions(resolver, actions);
}

static bool
build(struct cedar_raw_schema *raw, struct cedar_schema *schema)
{
	struct cedar_resolver resolver = { .raw = raw, .schema = schema, .commons = { .arena = raw->arena } };

	schema->types.arena = schema->actions.arena = &schema->arena;
	if (!declare(&resolver) || !list_declared(&resolver) || !check_shadows(&resolver) || !cedar_resolve_commons(&resolver) ||
		!resolve_all(&resolver)) {
		if (schema->arena.failed)
			cedar_raw_out_of_memory(raw);
		return false;
	}
	return true;
}

static bool
schema_parse(const struct cedar_memory *memory, struct cedar_text source, bool (*parse)(struct cedar_raw_schema *),
	struct cedar_schema **out, struct cedar_fault *fault)
{
	struct cedar_memory own = cedar_memory_or_default(memory);
	struct cedar_schema *schema = cedar_memory_take(&own, sizeof *schema);
	struct cedar_raw_schema raw = { .source = source, .fault = fault };

	if (schema == NULL)
		return cedar_fault_set(fault, source, 0, "out of memory");
	*schema = (struct cedar_schema){ 0 };
	cedar_arena_init(&schema->arena, &own, 4096);
	raw.arena = &schema->arena;
	raw.source = cedar_text_copy(&schema->arena, source);
	if (raw.source.data == NULL || !parse(&raw) || !build(&raw, schema)) {
		if (schema->arena.failed)
			cedar_fault_set(fault, source, 0, "out of memory");
		cedar_schema_free(schema);
		return false;
	}
	*out = schema;
	return true;
}

bool
cedar_schema_parse(const struct cedar_memory *memory, struct cedar_text source, struct cedar_schema **out,
	struct cedar_fault *fault)
{
	return schema_parse(memory, source, cedar_raw_parse_text, out, fault);
}

bool
cedar_schema_parse_json(const struct cedar_memory *memory, struct cedar_text source, struct cedar_schema **out,
	struct cedar_fault *fault)
{
	return schema_parse(memory, source, cedar_raw_parse_json, out, fault);
}

void
cedar_schema_free(struct cedar_schema *schema)
{
	struct cedar_memory memory;

	if (schema == NULL)
		return;
	memory = schema->arena.memory;
	cedar_arena_dispose(&schema->arena);
	cedar_memory_give(&memory, schema);
}
