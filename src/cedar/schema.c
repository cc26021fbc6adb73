/* schema.c - raw declarations to a schema: declaring, resolving, closing the hierarchies. */
#include "cedar/schema.h"

#include "cedar/schema_raw.h"

static bool
fail(struct cedar_resolver *resolver, uint32_t offset, const char *format, struct cedar_text name)
{
	return cedar_fault_set(resolver->raw->fault, resolver->raw->source, offset, format,
	                       name.size > 100 ? 100 : (int)name.size, name.data);
}

static const struct cedar_type *
resolve_shape(struct cedar_resolver *resolver, struct cedar_raw_space *space, const struct cedar_raw_type *raw)
{
	const struct cedar_type *type;

	if (raw == NULL)
		return &cedar_type_no_attributes;
	type = cedar_resolve_type(resolver, space, raw);
	if (type != NULL && type->kind != CEDAR_TYPE_RECORD) {
		cedar_fault_set(resolver->raw->fault, resolver->raw->source, raw->offset,
		                "a record type is expected here");
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

/* Each type once, in the order of the list. */
static bool
resolve_applies(struct cedar_resolver *resolver, struct cedar_raw_space *space, const struct cedar_raw_names *names,
                struct cedar_entity_type ***out, uint32_t *count)
{
	size_t i;

	*out = cedar_arena_take(&resolver->schema->arena, names->count * sizeof **out);
	if (*out == NULL)
		return cedar_raw_out_of_memory(resolver->raw);
	resolver->list++;
	for (i = 0; i < names->count; i++) {
		struct cedar_entity_type *type = resolve_plain_entity(resolver, space, &names->items[i]);

		if (type == NULL)
			return false;
		if (resolver->lists[type->index] != resolver->list)
			(*out)[(*count)++] = type;
		resolver->lists[type->index] = resolver->list;
	}
	return true;
}

static void
action_unknown(struct cedar_resolver *resolver, const struct cedar_raw_name *name)
{
	struct cedar_near near = { .word = name->id };
	uint32_t i;

	for (i = 0; i < resolver->schema->action_count; i++)
		cedar_near_try(&near, resolver->schema->action_list[i]->uid.id);
	fail(resolver, name->offset, "there is no action `%.*s`", name->id);
	cedar_near_suggest(&near, resolver->raw->fault);
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
		action_unknown(resolver, name);
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
	raw->made->parents = edges->to;
	raw->made->parent_count = edges->count;
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
			return fail(resolver, 0, "the action `%.*s` is its own ancestor",
			            schema->action_list[i]->uid.id);
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

	resolver->lists = cedar_arena_zero(arena, resolver->schema->type_count * sizeof *resolver->lists);
	if (types == NULL || actions == NULL || resolver->lists == NULL)
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
	if (!cedar_schema_declare(&resolver) || !cedar_resolve_commons(&resolver) || !resolve_all(&resolver)) {
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
