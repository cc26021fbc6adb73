/* schema_json.c - schemas in the JSON format to raw declarations. */
#include "cedar/schema_json.h"

#include "cedar/expr.h"

static bool
names_from_json(struct cedar_raw_schema *raw, const struct cedar_json *json, struct cedar_raw_names *out)
{
	size_t i;

	if (!cedar_schema_json_expect(raw, json, CEDAR_JSON_ARRAY, "a list of names"))
		return false;
	for (i = 0; i < json->count; i++) {
		struct cedar_raw_name name = { .offset = json->items[i].offset };

		if (!cedar_schema_json_name(raw, &json->items[i], &name.name))
			return false;
		if (!cedar_raw_names_add(raw->arena, out, name))
			return cedar_raw_out_of_memory(raw);
	}
	return true;
}

static bool
choices_from_json(struct cedar_raw_schema *raw, const struct cedar_json *json, struct cedar_raw_entity *entity)
{
	struct cedar_text *choices;
	size_t i;

	if (!cedar_schema_json_expect(raw, json, CEDAR_JSON_ARRAY, "a list of ids"))
		return false;
	if (json->count == 0)
		return cedar_schema_json_fail(raw, json, "an enumerated entity type has at least one id%.*s",
		                              CEDAR_TEXT(""));
	choices = cedar_arena_take(raw->arena, json->count * sizeof *choices);
	if (choices == NULL)
		return cedar_raw_out_of_memory(raw);
	for (i = 0; i < json->count; i++) {
		if (!cedar_schema_json_expect(raw, &json->items[i], CEDAR_JSON_STRING, "an id"))
			return false;
		choices[i] = json->items[i].text;
	}
	entity->is_enum = true;
	entity->choices = choices;
	entity->choice_count = json->count;
	return true;
}

static bool
entity_from_json(struct cedar_raw_schema *raw, const struct cedar_json *json, struct cedar_raw_entity *entity)
{
	static const char *const names[] = { "memberOfTypes", "shape", "tags", "enum", "annotations", NULL };
	const struct cedar_json *parents, *shape, *tags, *choices;

	if (!cedar_schema_json_expect_struct(raw, &json, names) || !cedar_schema_json_check_annotations(raw, json))
		return false;
	parents = cedar_json_get(json, "memberOfTypes");
	shape = cedar_json_get(json, "shape");
	tags = cedar_json_get(json, "tags");
	choices = cedar_json_get(json, "enum");
	if (choices != NULL) {
		if (parents != NULL || shape != NULL || tags != NULL)
			return cedar_schema_json_fail(
			    raw, json, "an enumerated entity type has nothing but its `enum`%.*s", CEDAR_TEXT(""));
		return choices_from_json(raw, choices, entity);
	}
	if (parents != NULL && !names_from_json(raw, parents, &entity->parents))
		return false;
	if (shape != NULL && (entity->shape = cedar_schema_json_type(raw, shape, false)) == NULL)
		return false;
	return tags == NULL || (entity->tags = cedar_schema_json_type(raw, tags, false)) != NULL;
}

static bool
applies_from_json(struct cedar_raw_schema *raw, const struct cedar_json *json, struct cedar_raw_action *action)
{
	static const char *const names[] = { "resourceTypes", "principalTypes", "context", NULL };
	const struct cedar_json *principals, *resources, *context;

	if (!cedar_schema_json_expect_struct(raw, &json, names))
		return false;
	principals = cedar_json_get(json, "principalTypes");
	resources = cedar_json_get(json, "resourceTypes");
	context = cedar_json_get(json, "context");
	if (principals == NULL || resources == NULL)
		return cedar_schema_json_fail(raw, json, "`appliesTo` has `principalTypes` and `resourceTypes`%.*s",
		                              CEDAR_TEXT(""));
	if (!names_from_json(raw, principals, &action->principals) ||
	    !names_from_json(raw, resources, &action->resources))
		return false;
	return context == NULL || (action->context = cedar_schema_json_type(raw, context, false)) != NULL;
}

static bool
parents_from_json(struct cedar_raw_schema *raw, const struct cedar_json *json, struct cedar_raw_action *action)
{
	static const char *const names[] = { "id", "type", NULL };
	size_t i;

	if (!cedar_schema_json_expect(raw, json, CEDAR_JSON_ARRAY, "a list of actions"))
		return false;
	for (i = 0; i < json->count; i++) {
		const struct cedar_json *item = &json->items[i], *id, *type;
		struct cedar_raw_name name = { .offset = item->offset };

		if (!cedar_schema_json_expect_struct(raw, &item, names))
			return false;
		id = cedar_json_get(item, "id");
		type = cedar_schema_json_optional(item, "type");
		if (id == NULL)
			return cedar_schema_json_fail(raw, item, "an action lacks its `id`%.*s", CEDAR_TEXT(""));
		if (!cedar_schema_json_expect(raw, id, CEDAR_JSON_STRING, "a string") ||
		    (type != NULL && !cedar_schema_json_name(raw, type, &name.name)))
			return false;
		name.id = id->text;
		if (!cedar_raw_names_add(raw->arena, &action->parents, name))
			return cedar_raw_out_of_memory(raw);
	}
	return true;
}

static bool
action_from_json(struct cedar_raw_schema *raw, const struct cedar_json *json, struct cedar_raw_action *action)
{
	static const char *const names[] = { "attributes", "appliesTo", "memberOf", "annotations", NULL };
	const struct cedar_json *applies, *parents, *attributes;

	if (!cedar_schema_json_expect_struct(raw, &json, names) || !cedar_schema_json_check_annotations(raw, json))
		return false;
	attributes = cedar_schema_json_optional(json, "attributes");
	applies = cedar_schema_json_optional(json, "appliesTo");
	parents = cedar_schema_json_optional(json, "memberOf");
	if (attributes != NULL)
		return cedar_schema_json_fail(raw, attributes, "actions have no attributes%.*s", CEDAR_TEXT(""));
	if (applies != NULL && !applies_from_json(raw, applies, action))
		return false;
	return parents == NULL || parents_from_json(raw, parents, action);
}

static bool
commons_from_json(struct cedar_raw_schema *raw, const struct cedar_json *json, struct cedar_raw_space *space)
{
	size_t i;

	if (!cedar_schema_json_expect(raw, json, CEDAR_JSON_OBJECT, "an object of types"))
		return false;
	for (i = 0; i < json->field_count; i++) {
		const struct cedar_json *value = &json->fields[i].value;
		struct cedar_raw_common common = { .name = json->fields[i].name, .offset = value->offset };

		if (cedar_json_get(value, "required") != NULL)
			return cedar_schema_json_fail(raw, value, "a common type is neither required nor optional%.*s",
			                              CEDAR_TEXT(""));
		common.type = cedar_schema_json_type(raw, value, true);
		if (common.type == NULL || !cedar_raw_common_add(raw, space, common))
			return false;
	}
	return true;
}

static bool
entities_from_json(struct cedar_raw_schema *raw, const struct cedar_json *json, struct cedar_raw_space *space)
{
	size_t i;

	if (!cedar_schema_json_expect(raw, json, CEDAR_JSON_OBJECT, "an object of entity types"))
		return false;
	for (i = 0; i < json->field_count; i++) {
		const struct cedar_json *value = &json->fields[i].value;
		struct cedar_raw_entity entity = { .name = json->fields[i].name, .offset = value->offset };

		if (!entity_from_json(raw, value, &entity) || !cedar_raw_entity_add(raw, space, entity))
			return false;
	}
	return true;
}

static bool
actions_from_json(struct cedar_raw_schema *raw, const struct cedar_json *json, struct cedar_raw_space *space)
{
	size_t i;

	if (!cedar_schema_json_expect(raw, json, CEDAR_JSON_OBJECT, "an object of actions"))
		return false;
	for (i = 0; i < json->field_count; i++) {
		const struct cedar_json *value = &json->fields[i].value;
		struct cedar_raw_action action = { .name = json->fields[i].name, .offset = value->offset };

		if (!action_from_json(raw, value, &action) || !cedar_raw_action_add(raw, space, action))
			return false;
	}
	return true;
}

static bool
space_from_json(struct cedar_raw_schema *raw, struct cedar_text name, const struct cedar_json *json)
{
	static const char *const names[] = { "commonTypes", "entityTypes", "actions", "annotations", NULL };
	const struct cedar_json *commons, *entities, *actions, *annotations;
	struct cedar_raw_space *space;
	bool fresh;

	if (name.size > 0 && !cedar_raw_name_valid(name, true))
		return cedar_schema_json_fail(raw, json, "`%.*s` is no name of a namespace", name);
	space = cedar_raw_space_get(raw, name, &fresh);
	if (space == NULL)
		return cedar_raw_out_of_memory(raw);
	if (!cedar_schema_json_expect_struct(raw, &json, names) || !cedar_schema_json_check_annotations(raw, json))
		return false;
	commons = cedar_json_get(json, "commonTypes");
	entities = cedar_json_get(json, "entityTypes");
	actions = cedar_json_get(json, "actions");
	annotations = cedar_json_get(json, "annotations");
	if (entities == NULL || actions == NULL)
		return cedar_schema_json_fail(raw, json, "a namespace has `entityTypes` and `actions`%.*s",
		                              CEDAR_TEXT(""));
	if (name.size == 0 && annotations != NULL && annotations->field_count > 0)
		return cedar_schema_json_fail(raw, annotations, "only namespaces with a name can be annotated%.*s",
		                              CEDAR_TEXT(""));
	return (commons == NULL || commons_from_json(raw, commons, space)) &&
	       entities_from_json(raw, entities, space) && actions_from_json(raw, actions, space);
}

bool
cedar_raw_parse_json(struct cedar_raw_schema *raw)
{
	struct cedar_json json;
	size_t i;

	if (!cedar_json_parse(raw->arena, raw->source, &json, raw->fault) ||
	    !cedar_schema_json_expect(raw, &json, CEDAR_JSON_OBJECT, "an object"))
		return false;
	for (i = 0; i < json.field_count; i++)
		if (!space_from_json(raw, json.fields[i].name, &json.fields[i].value))
			return false;
	return true;
}
