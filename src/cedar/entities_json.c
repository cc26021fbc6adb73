/* entities_json.c - entities and requests out of JSON. */
#include "cedar/conform.h"
#include "cedar/expr.h"
#include "cedar/table.h"
#include "cedar/type.h"
#include "cedar/values_json.h"

static int
shown(struct cedar_text text)
{
	return text.size > 60 ? 60 : (int)text.size;
}

static bool
fail(struct cedar_loader *loader, const struct cedar_json *at, const char *message)
{
	return cedar_fault_set(loader->fault, loader->source, at->offset, "%s", message);
}

static bool
field_unknown(struct cedar_loader *loader, const struct cedar_json_field *field, const struct cedar_entity_type *type,
              bool tags)
{
	struct cedar_near near = { .word = field->name };
	uint32_t i;

	if (tags)
		return cedar_fault_set(loader->fault, loader->source, field->value.offset, "`%.*s` has no tags",
		                       shown(type->name), type->name.data);
	for (i = 0; i < type->shape->count; i++)
		cedar_near_try(&near, type->shape->attributes[i].name);
	cedar_fault_set(loader->fault, loader->source, field->value.offset, "`%.*s` has no attribute `%.*s`",
	                shown(type->name), type->name.data, shown(field->name), field->name.data);
	return cedar_near_suggest(&near, loader->fault);
}

/* Attributes by the shape that the schema gives, tags by the one type of all tags. */
static bool
fields_from_json(struct cedar_loader *loader, const struct cedar_json *json, const struct cedar_entity_type *type,
                 bool tags, struct cedar_value *out)
{
	struct cedar_field *fields = cedar_arena_take(&loader->builder->arena, json->field_count * sizeof *fields);
	size_t i, twice;

	if (fields == NULL)
		return fail(loader, json, "out of memory");
	for (i = 0; i < json->field_count; i++) {
		const struct cedar_json_field *field = &json->fields[i];
		const struct cedar_type *expected = NULL;

		if (type != NULL && tags) {
			expected = type->tags;
		} else if (type != NULL) {
			const struct cedar_attribute *attribute = cedar_attribute_find(type->shape, field->name);

			expected = attribute ? attribute->type : NULL;
		}
		if (type != NULL && expected == NULL)
			return field_unknown(loader, field, type, tags);
		fields[i].name = field->name;
		if (!cedar_value_from_json(loader, &field->value, expected, &fields[i].value))
			return false;
	}
	if (!cedar_fields_sort(fields, json->field_count, &twice))
		return fail(loader, json, "a name comes twice");
	*out = (struct cedar_value){
		.kind = CEDAR_RECORD, .fields = fields, .count = (uint32_t)json->field_count, .depth = 1
	};
	return true;
}

static bool
parents_from_json(struct cedar_loader *loader, const struct cedar_json *json, struct cedar_entity *entity)
{
	size_t i;

	for (i = 0; i < json->count; i++) {
		struct cedar_uid *uid = cedar_arena_take(&loader->builder->arena, sizeof *uid);

		if (uid == NULL)
			return fail(loader, json, "out of memory");
		if (!cedar_uid_from_json(loader, &json->items[i], uid))
			return false;
		if (cedar_is_action_type(entity->uid.type) && !cedar_is_action_type(uid->type))
			return fail(loader, &json->items[i], "the parent of an action must be an action");
		cedar_entity_parent_uid(loader->builder, entity, uid);
	}
	return !loader->builder->failed || fail(loader, json, "out of memory");
}

/* Are the parents of the one all parents of the other as well? */
static bool
parents_within(struct cedar_arena *arena, const struct cedar_entity *a, const struct cedar_entity *b, bool *within)
{
	struct cedar_table there = { .arena = arena };
	size_t i;

	for (i = 0; i < b->parent_count; i++)
		if (!cedar_table_put(&there, b->parents[i].uid->type, b->parents[i].uid->id, (void *)b))
			return false;
	for (i = 0; i < a->parent_count && *within; i++)
		*within = cedar_table_find(&there, a->parents[i].uid->type, a->parents[i].uid->id) != NULL;
	return true;
}

/* False when memory is out. */
static bool
entities_compare(struct cedar_arena *arena, const struct cedar_entity *a, const struct cedar_entity *b, bool *same)
{
	*same = cedar_value_equal(&a->attributes, &b->attributes) && cedar_value_equal(&a->tags, &b->tags);
	return !*same || (parents_within(arena, a, b, same) && parents_within(arena, b, a, same));
}

static const char *const entity_names[] = { "uid", "attrs", "parents", "tags" };

static bool
parts_are_there(struct cedar_loader *loader, const struct cedar_json *json)
{
	static const enum cedar_json_kind kinds[] = { 0, CEDAR_JSON_OBJECT, CEDAR_JSON_ARRAY, CEDAR_JSON_OBJECT };
	size_t i;

	if (json->kind != CEDAR_JSON_OBJECT && (json->kind != CEDAR_JSON_ARRAY || json->count > 4))
		return fail(loader, json, "an entity is an object with uid, attrs, parents");
	for (i = 0; i < 4; i++) {
		const struct cedar_json *part = cedar_json_part(json, entity_names, i);

		if (part == NULL && i < 3)
			return cedar_fault_set(loader->fault, loader->source, json->offset, "the entity has no `%s`",
			                       entity_names[i]);
		if (part != NULL && i > 0 && part->kind != kinds[i])
			return cedar_fault_set(loader->fault, loader->source, part->offset,
			                       "`%s` is not of the right kind", entity_names[i]);
	}
	return true;
}

static bool
entity_from_json(struct cedar_loader *loader, const struct cedar_json *json)
{
	const struct cedar_entity_type *type = NULL;
	const struct cedar_json *tags;
	struct cedar_entity *entity;
	struct cedar_uid uid;

	if (!parts_are_there(loader, json) ||
	    !cedar_uid_from_json(loader, cedar_json_part(json, entity_names, 0), &uid))
		return false;
	if (loader->schema != NULL && !cedar_is_action_type(uid.type)) {
		type = cedar_schema_type(loader->schema, uid.type);
		if (type == NULL) {
			cedar_fault_set(loader->fault, loader->source, json->offset,
			                "the schema declares no entity type `%.*s`", shown(uid.type), uid.type.data);
			return cedar_conform_type_unknown(loader->schema, uid.type, loader->fault);
		}
	}
	entity = cedar_entity_add_uid(loader->builder, &uid);
	if (entity == NULL)
		return fail(loader, json, "out of memory");
	tags = cedar_json_part(json, entity_names, 3);
	return fields_from_json(loader, cedar_json_part(json, entity_names, 1), type, false, &entity->attributes) &&
	       (tags == NULL || fields_from_json(loader, tags, type, true, &entity->tags)) &&
	       parents_from_json(loader, cedar_json_part(json, entity_names, 2), entity);
}

/* The same entity may come twice, but not with two meanings. */
static bool
check_doubles(struct cedar_loader *loader, const struct cedar_json *json)
{
	struct cedar_entity *entity;
	size_t i = 0;
	bool same;

	if (!cedar_builder_table(loader->builder))
		return fail(loader, json, "out of memory");
	for (entity = loader->builder->first; entity != NULL; entity = entity->next, i++) {
		const struct cedar_entity *other = cedar_builder_find(loader->builder, &entity->uid);

		if (other == NULL || other == entity)
			continue;
		if (!entities_compare(&loader->builder->arena, entity, other, &same))
			return fail(loader, json, "out of memory");
		if (!same)
			return fail(loader, i < json->count ? &json->items[i] : json,
			            "this entity comes twice, and differs");
	}
	return true;
}

bool
cedar_entities_from_json(struct cedar_loader *loader, const struct cedar_json *json)
{
	size_t i;

	if (json->kind != CEDAR_JSON_ARRAY)
		return fail(loader, json, "entities are an array");
	for (i = 0; i < json->count; i++)
		if (!entity_from_json(loader, &json->items[i]))
			return false;
	return check_doubles(loader, json);
}
