/* schema_resolve.c - names in a schema to what they name.
 *
 * A name without `::` is looked for in its own namespace first, then outside of all; a common type hides an entity
 * type of the same name. Bool, Long, String and the extension types can be hidden by declarations, but are always
 * there as __cedar::Bool and so on.
 */
#include "cedar/expr.h"
#include "cedar/schema_raw.h"

struct cedar_text
cedar_resolve_full_name(struct cedar_resolver *resolver, const struct cedar_raw_space *space, struct cedar_text name)
{
	if (space->name.size == 0)
		return name;
	return cedar_text_join(resolver->raw->arena, space->name, "::", name);
}

static bool
is_qualified(struct cedar_text name)
{
	return memchr(name.data, ':', name.size) != NULL;
}

static bool
fail(struct cedar_resolver *resolver, uint32_t offset, const char *format, struct cedar_text name)
{
	return cedar_fault_set(resolver->raw->fault, resolver->raw->source, offset, format,
	                       name.size > 100 ? 100 : (int)name.size, name.data);
}

/* The readings of a name, in order. Answers how many, 0 when memory is out. */
static size_t
readings(struct cedar_resolver *resolver, const struct cedar_raw_space *space, struct cedar_text name,
         struct cedar_text out[2])
{
	if (space->name.size == 0 || is_qualified(name)) {
		out[0] = name;
		return 1;
	}
	out[0] = cedar_resolve_full_name(resolver, space, name);
	out[1] = name;
	return out[0].data ? 2 : 0;
}

/* Types that are declared, by their names alone or with the namespace, and those that are built in. */
static void
suggest_name(struct cedar_resolver *resolver, struct cedar_text name, bool entities)
{
	static const char *const builtins[] = { "Bool", "Long", "String", "ipaddr", "decimal", "datetime", "duration" };
	const struct cedar_schema *schema = resolver->schema;
	struct cedar_near near = { .word = name };
	size_t i;

	for (i = 0; i < schema->type_count; i++) {
		cedar_near_try(&near, schema->type_list[i]->name);
		cedar_near_try(&near, cedar_name_base(schema->type_list[i]->name));
	}
	for (i = 0; i < resolver->commons.capacity && !entities; i++)
		if (resolver->commons.slots[i].value != NULL)
			cedar_near_try(&near,
			               ((const struct cedar_raw_common *)resolver->commons.slots[i].value)->name);
	for (i = 0; i < sizeof builtins / sizeof *builtins && !entities; i++)
		cedar_near_try(&near, cedar_text_of(builtins[i]));
	cedar_near_suggest(&near, resolver->raw->fault);
}

struct cedar_entity_type *
cedar_resolve_entity(struct cedar_resolver *resolver, const struct cedar_raw_space *space, struct cedar_text name,
                     uint32_t offset)
{
	struct cedar_text names[2];
	size_t count = readings(resolver, space, name, names), i;

	for (i = 0; i < count; i++) {
		struct cedar_entity_type *type = cedar_table_find(&resolver->schema->types, names[i], CEDAR_TEXT(""));

		if (type != NULL)
			return type;
	}
	fail(resolver, offset, "there is no entity type `%.*s`", name);
	suggest_name(resolver, name, true);
	return NULL;
}

/* Bool and the like, unless the name is taken by a declaration outside of namespaces. */
static const struct cedar_type *
builtin_find(struct cedar_text name)
{
	static const char prefix[] = "__cedar::";

	if (name.size > sizeof prefix - 1 && memcmp(name.data, prefix, sizeof prefix - 1) == 0)
		name = (struct cedar_text){ name.data + sizeof prefix - 1, name.size - (sizeof prefix - 1) };
	if (cedar_text_is(name, "Bool"))
		return &cedar_type_bool;
	if (cedar_text_is(name, "Long"))
		return &cedar_type_long;
	if (cedar_text_is(name, "String"))
		return &cedar_type_string;
	return cedar_type_extension(name);
}

/* What a name means: one of these, or nothing. */
struct meaning {
	struct cedar_raw_common *common;
	const struct cedar_type *type;
};

static struct meaning
meaning_of(struct cedar_resolver *resolver, const struct cedar_raw_space *space, const struct cedar_raw_type *raw)
{
	struct cedar_text names[2];
	size_t count = readings(resolver, space, raw->name, names), i;
	struct meaning meaning = { NULL, NULL };

	for (i = 0; i < count && meaning.common == NULL && meaning.type == NULL; i++) {
		const struct cedar_entity_type *entity =
		    cedar_table_find(&resolver->schema->types, names[i], CEDAR_TEXT(""));

		meaning.common = cedar_table_find(&resolver->commons, names[i], CEDAR_TEXT(""));
		if (meaning.common == NULL && entity == NULL)
			meaning.type = builtin_find(names[i]);
		else if (meaning.common == NULL && raw->kind == CEDAR_RAW_ENTITY_OR_COMMON)
			meaning.type = &entity->reference;
	}
	return meaning;
}

static const struct cedar_type *
resolve_name(struct cedar_resolver *resolver, const struct cedar_raw_space *space, const struct cedar_raw_type *raw)
{
	struct meaning meaning = meaning_of(resolver, space, raw);

	if (meaning.common != NULL) /* all were resolved before anything that needs them */
		return meaning.common->resolved;
	if (meaning.type != NULL)
		return meaning.type;
	fail(resolver, raw->offset,
	     raw->kind == CEDAR_RAW_COMMON ? "there is no common type `%.*s`" : "there is no type `%.*s`", raw->name);
	suggest_name(resolver, raw->name, false);
	return NULL;
}

static const struct cedar_type *
resolve_set(struct cedar_resolver *resolver, const struct cedar_raw_space *space, const struct cedar_raw_type *raw)
{
	struct cedar_type *type = cedar_arena_zero(resolver->raw->arena, sizeof *type);

	if (type == NULL)
		return NULL;
	type->kind = CEDAR_TYPE_SET;
	type->element = cedar_resolve_type(resolver, space, raw->element);
	if (type->element == NULL)
		return NULL;
	type->depth = (uint16_t)(type->element->depth + 1);
	return type;
}

/* Of fields with the same name the last one counts. False when memory is out. */
static bool
fields_last(struct cedar_resolver *resolver, const struct cedar_raw_type *raw, const struct cedar_raw_field **out,
            size_t *count)
{
	struct cedar_table places = { .arena = resolver->raw->arena };
	size_t i;

	for (i = 0, *count = 0; i < raw->count; i++) {
		const struct cedar_raw_field **place = cedar_table_find(&places, raw->fields[i].name, CEDAR_TEXT(""));

		if (place == NULL) {
			place = &out[(*count)++];
			if (!cedar_table_put(&places, raw->fields[i].name, CEDAR_TEXT(""), place))
				return false;
		}
		*place = &raw->fields[i];
	}
	return true;
}

static const struct cedar_type *
resolve_record(struct cedar_resolver *resolver, const struct cedar_raw_space *space, const struct cedar_raw_type *raw)
{
	struct cedar_type *type = cedar_arena_zero(resolver->raw->arena, sizeof *type);
	const struct cedar_raw_field **fields = cedar_arena_take(resolver->raw->arena, raw->count * sizeof *fields);
	struct cedar_attribute *attributes = cedar_arena_take(resolver->raw->arena, raw->count * sizeof *attributes);
	size_t count, i;

	if (type == NULL || fields == NULL || attributes == NULL || !fields_last(resolver, raw, fields, &count))
		return NULL;
	type->kind = CEDAR_TYPE_RECORD;
	type->depth = 1;
	for (i = 0; i < count; i++) {
		attributes[i] =
		    (struct cedar_attribute){ fields[i]->name, cedar_resolve_type(resolver, space, fields[i]->type),
			                      fields[i]->required };
		if (attributes[i].type == NULL)
			return NULL;
		if (attributes[i].type->depth >= type->depth)
			type->depth = (uint16_t)(attributes[i].type->depth + 1);
	}
	cedar_attributes_sort(attributes, count);
	type->attributes = attributes;
	type->count = (uint32_t)count;
	return type;
}

static const struct cedar_type *
resolve_by_kind(struct cedar_resolver *resolver, const struct cedar_raw_space *space, const struct cedar_raw_type *raw)
{
	const struct cedar_entity_type *entity;
	const struct cedar_type *type;

	switch (raw->kind) {
	case CEDAR_RAW_BUILTIN:
		return raw->builtin;
	case CEDAR_RAW_SET:
		return resolve_set(resolver, space, raw);
	case CEDAR_RAW_RECORD:
		return resolve_record(resolver, space, raw);
	case CEDAR_RAW_ENTITY:
		entity = cedar_resolve_entity(resolver, space, raw->name, raw->offset);
		return entity ? &entity->reference : NULL;
	case CEDAR_RAW_EXTENSION:
		type = cedar_type_extension(raw->name);
		if (type == NULL)
			fail(resolver, raw->offset, "there is no extension type `%.*s`", raw->name);
		return type;
	case CEDAR_RAW_COMMON:
	case CEDAR_RAW_ENTITY_OR_COMMON:
		break;
	}
	return resolve_name(resolver, space, raw);
}

const struct cedar_type *
cedar_resolve_type(struct cedar_resolver *resolver, const struct cedar_raw_space *space,
                   const struct cedar_raw_type *raw)
{
	const struct cedar_type *type = resolve_by_kind(resolver, space, raw);

	if (type != NULL && type->depth > CEDAR_DEPTH_MAX) {
		cedar_fault_set(resolver->raw->fault, resolver->raw->source, raw->offset,
		                "types are nested more than %d deep", CEDAR_DEPTH_MAX);
		return NULL;
	}
	return type;
}

/* A common type on the way to being resolved. Chains of them can be long: they are followed without recursion, so that it does
 * not matter in which order they are declared. */
struct unresolved {
	struct cedar_raw_common *common;
	struct unresolved *below;
};

static bool
unresolved_add(struct cedar_resolver *resolver, struct unresolved **stack, struct cedar_raw_common *common)
{
	struct unresolved *top = cedar_arena_take(resolver->raw->arena, sizeof *top);

	if (top == NULL)
		return cedar_raw_out_of_memory(resolver->raw);
	*top = (struct unresolved){ common, *stack };
	*stack = top;
	return true;
}

/* Adds the common types that a type names and that are not resolved. No deeper than the parsers let types be. */
static bool
needs_add(struct cedar_resolver *resolver, const struct cedar_raw_common *of, const struct cedar_raw_type *raw,
          struct unresolved **stack)
{
	struct meaning meaning;
	size_t i;

	if (raw->kind == CEDAR_RAW_SET)
		return needs_add(resolver, of, raw->element, stack);
	for (i = 0; raw->kind == CEDAR_RAW_RECORD && i < raw->count; i++)
		if (!needs_add(resolver, of, raw->fields[i].type, stack))
			return false;
	if (raw->kind != CEDAR_RAW_COMMON && raw->kind != CEDAR_RAW_ENTITY_OR_COMMON)
		return true;
	meaning = meaning_of(resolver, of->space, raw);
	if (meaning.common == NULL || meaning.common->resolved != NULL)
		return true;
	if (meaning.common->busy)
		return fail(resolver, meaning.common->offset, "the type `%.*s` contains itself",
		            meaning.common->full_name);
	return unresolved_add(resolver, stack, meaning.common);
}

static bool
resolve_common(struct cedar_resolver *resolver, struct cedar_raw_common *common)
{
	struct unresolved *stack = NULL, *top;

	if (!unresolved_add(resolver, &stack, common))
		return false;
	while ((top = stack) != NULL) {
		common = top->common;
		if (common->resolved == NULL && !common->busy) {
			common->busy = true;
			if (!needs_add(resolver, common, common->type, &stack))
				return false;
			continue;
		}
		if (common->resolved == NULL &&
		    (common->resolved = cedar_resolve_type(resolver, common->space, common->type)) == NULL)
			return false;
		common->busy = false;
		stack = top->below;
	}
	return true;
}

bool
cedar_resolve_commons(struct cedar_resolver *resolver)
{
	struct cedar_raw_space *space;
	struct cedar_raw_common *common;

	for (space = resolver->raw->spaces; space != NULL; space = space->next)
		for (common = space->commons; common != NULL; common = common->next)
			if (common->resolved == NULL && !resolve_common(resolver, common))
				return false;
	return true;
}
