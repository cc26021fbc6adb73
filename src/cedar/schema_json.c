/* schema_json.c - schemas in the JSON format to raw declarations. */
#include "cedar/expr.h"
#include "cedar/json.h"
#include "cedar/schema_raw.h"

static bool
fail(struct cedar_raw_schema *raw, const struct cedar_json *at, const char *format, struct cedar_text name)
{
	return cedar_fault_set(raw->fault, raw->source, at->offset, format, name.size > 80 ? 80 : (int)name.size, name.data);
}

static bool
expect(struct cedar_raw_schema *raw, const struct cedar_json *json, enum cedar_json_kind kind, const char *what)
{
	if (json->kind == kind)
		return true;
	return cedar_fault_set(raw->fault, raw->source, json->offset, "%s is expected here", what);
}

/* Refuses fields that are not in the list, which ends with NULL. */
static bool
expect_fields(struct cedar_raw_schema *raw, const struct cedar_json *json, const char *const *names)
{
	size_t i, j;

	if (!expect(raw, json, CEDAR_JSON_OBJECT, "an object"))
		return false;
	for (i = 0; i < json->field_count; i++) {
		for (j = 0; names[j] != NULL && !cedar_text_is(json->fields[i].name, names[j]); j++)
			;
		if (names[j] == NULL)
			return fail(raw, &json->fields[i].value, "the field `%.*s` is not known here", json->fields[i].name);
	}
	return true;
}

/* Arrays are taken as the values of the fields in order, because the reference does so. */
static bool
fields_of_array(struct cedar_raw_schema *raw, const struct cedar_json **json, const char *const *names)
{
	const struct cedar_json *array = *json;
	struct cedar_json *object = cedar_arena_take(raw->arena, sizeof *object);
	struct cedar_json_field *fields = cedar_arena_take(raw->arena, array->count * sizeof *fields);
	size_t i;

	if (object == NULL || fields == NULL)
		return cedar_raw_out_of_memory(raw);
	for (i = 0; i < array->count; i++) {
		if (names[i] == NULL)
			return fail(raw, array, "this list is too long%.*s", CEDAR_TEXT(""));
		fields[i] = (struct cedar_json_field){ cedar_text_of(names[i]), array->items[i] };
	}
	*object = *array;
	object->kind = CEDAR_JSON_OBJECT;
	object->fields = fields;
	object->field_count = array->count;
	*json = object;
	return true;
}

/* Refuses fields that are not in the list, which ends with NULL and is in the order of the reference's structures. */
static bool
expect_struct(struct cedar_raw_schema *raw, const struct cedar_json **json, const char *const *names)
{
	if ((*json)->kind == CEDAR_JSON_ARRAY)
		return fields_of_array(raw, json, names);
	return expect_fields(raw, *json, names);
}

/* A field that may be absent or null. */
static const struct cedar_json *
optional(const struct cedar_json *json, const char *name)
{
	const struct cedar_json *field = cedar_json_get(json, name);

	return field != NULL && field->kind != CEDAR_JSON_NULL ? field : NULL;
}

static bool
check_annotations(struct cedar_raw_schema *raw, const struct cedar_json *json)
{
	const struct cedar_json *annotations = cedar_json_get(json, "annotations");
	size_t i;

	if (annotations == NULL)
		return true;
	if (!expect(raw, annotations, CEDAR_JSON_OBJECT, "an object of annotations"))
		return false;
	for (i = 0; i < annotations->field_count; i++) {
		const struct cedar_json_field *field = &annotations->fields[i];

		if (!cedar_word_valid(field->name))
			return fail(raw, &field->value, "`%.*s` is no name of an annotation", field->name);
		if (field->value.kind != CEDAR_JSON_NULL && !expect(raw, &field->value, CEDAR_JSON_STRING, "a string"))
			return false;
	}
	return true;
}

static bool
name_from_json(struct cedar_raw_schema *raw, const struct cedar_json *json, struct cedar_text *out)
{
	if (!expect(raw, json, CEDAR_JSON_STRING, "a name"))
		return false;
	if (!cedar_raw_name_valid(json->text, false))
		return fail(raw, json, "`%.*s` is no name of a type", json->text);
	*out = json->text;
	return true;
}

static const struct cedar_raw_type *type_from_json(struct cedar_raw_schema *, const struct cedar_json *, bool field);

static bool
record_from_json(struct cedar_raw_schema *raw, const struct cedar_json *json, struct cedar_raw_type *type)
{
	const struct cedar_json *attributes = cedar_json_get(json, "attributes");
	const struct cedar_json *open = cedar_json_get(json, "additionalAttributes"), *required;
	size_t i;

	if (attributes == NULL)
		return fail(raw, json, "a record lacks its `attributes`%.*s", CEDAR_TEXT(""));
	if (!expect(raw, attributes, CEDAR_JSON_OBJECT, "an object") ||
		(open != NULL && !expect(raw, open, CEDAR_JSON_BOOL, "true or false")))
		return false;
	if (open != NULL && open->truth)
		return fail(raw, open, "records with further attributes are not supported%.*s", CEDAR_TEXT(""));
	type->fields = cedar_arena_take(raw->arena, attributes->field_count * sizeof *type->fields);
	if (type->fields == NULL)
		return cedar_raw_out_of_memory(raw);
	for (i = 0; i < attributes->field_count; i++) {
		const struct cedar_json *field = &attributes->fields[i].value;

		required = cedar_json_get(field, "required");
		if (required != NULL && !expect(raw, required, CEDAR_JSON_BOOL, "true or false"))
			return false;
		type->fields[i] = (struct cedar_raw_field){ attributes->fields[i].name, type_from_json(raw, field, true),
			required == NULL || required->truth };
		if (type->fields[i].type == NULL || !cedar_raw_deepen(raw, type, type->fields[i].type))
			return false;
	}
	type->count = attributes->field_count;
	return true;
}

static bool
set_from_json(struct cedar_raw_schema *raw, const struct cedar_json *json, struct cedar_raw_type *type)
{
	const struct cedar_json *element = cedar_json_get(json, "element");

	if (element == NULL)
		return fail(raw, json, "a set lacks its `element`%.*s", CEDAR_TEXT(""));
	type->element = type_from_json(raw, element, false);
	return type->element != NULL && cedar_raw_deepen(raw, type, type->element);
}

static bool
named_from_json(struct cedar_raw_schema *raw, const struct cedar_json *json, struct cedar_raw_type *type)
{
	const struct cedar_json *name = cedar_json_get(json, "name");

	if (name == NULL)
		return fail(raw, json, "this type lacks its `name`%.*s", CEDAR_TEXT(""));
	return name_from_json(raw, name, &type->name);
}

/* What each word of "type" makes, and which fields it takes. */
static const struct {
	const char *name;
	enum cedar_raw_kind kind;
	const struct cedar_type *builtin;
	const char *fields[7];
} type_words[] = {
	{ "String", CEDAR_RAW_BUILTIN, &cedar_type_string, { "type" } },
	{ "Long", CEDAR_RAW_BUILTIN, &cedar_type_long, { "type" } },
	{ "Boolean", CEDAR_RAW_BUILTIN, &cedar_type_bool, { "type" } },
	{ "Set", CEDAR_RAW_SET, NULL, { "type", "element" } },
	{ "Record", CEDAR_RAW_RECORD, NULL, { "type", "attributes", "additionalAttributes" } },
	{ "Entity", CEDAR_RAW_ENTITY, NULL, { "type", "name" } },
	{ "EntityOrCommon", CEDAR_RAW_ENTITY_OR_COMMON, NULL, { "type", "name" } },
	{ "Extension", CEDAR_RAW_EXTENSION, NULL, { "type", "name" } },
	{ NULL, CEDAR_RAW_COMMON, NULL, { "type" } },
};

static bool
check_type_fields(struct cedar_raw_schema *raw, const struct cedar_json *json, size_t word, bool field)
{
	const char *names[8] = { NULL };
	size_t count = 0;

	for (; count < 3 && type_words[word].fields[count] != NULL; count++)
		names[count] = type_words[word].fields[count];
	if (field) { /* of a record, or a common type */
		names[count++] = "required";
		names[count++] = "annotations";
	}
	return expect_fields(raw, json, names) && check_annotations(raw, json);
}

static const struct cedar_raw_type *
type_from_json(struct cedar_raw_schema *raw, const struct cedar_json *json, bool field)
{
	const struct cedar_json *name = cedar_json_get(json, "type");
	struct cedar_raw_type *type = cedar_arena_zero(raw->arena, sizeof *type);
	size_t word;
	bool made = true;

	if (type == NULL || !expect(raw, json, CEDAR_JSON_OBJECT, "a type"))
		return NULL;
	if (name == NULL) {
		fail(raw, json, "a type lacks its `type`%.*s", CEDAR_TEXT(""));
		return NULL;
	}
	if (!expect(raw, name, CEDAR_JSON_STRING, "a string"))
		return NULL;
	for (word = 0; type_words[word].name != NULL && !cedar_text_is(name->text, type_words[word].name); word++)
		;
	if (!check_type_fields(raw, json, word, field))
		return NULL;
	*type = (struct cedar_raw_type){ .kind = type_words[word].kind, .offset = json->offset, .depth = 1,
		.builtin = type_words[word].builtin };
	if (type->kind == CEDAR_RAW_COMMON)
		made = name_from_json(raw, name, &type->name);
	else if (type->kind == CEDAR_RAW_SET)
		made = set_from_json(raw, json, type);
	else if (type->kind == CEDAR_RAW_RECORD)
		made = record_from_json(raw, json, type);
	else if (type->kind != CEDAR_RAW_BUILTIN)
		made = named_from_json(raw, json, type);
	return made ? type : NULL;
}

static bool
names_from_json(struct cedar_raw_schema *raw, const struct cedar_json *json, struct cedar_raw_names *out)
{
	size_t i;

	if (!expect(raw, json, CEDAR_JSON_ARRAY, "a list of names"))
		return false;
	for (i = 0; i < json->count; i++) {
		struct cedar_raw_name name = { .offset = json->items[i].offset };

		if (!name_from_json(raw, &json->items[i], &name.name))
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

	if (!expect(raw, json, CEDAR_JSON_ARRAY, "a list of ids"))
		return false;
	if (json->count == 0)
		return fail(raw, json, "an enumerated entity type has at least one id%.*s", CEDAR_TEXT(""));
	choices = cedar_arena_take(raw->arena, json->count * sizeof *choices);
	if (choices == NULL)
		return cedar_raw_out_of_memory(raw);
	for (i = 0; i < json->count; i++) {
		if (!expect(raw, &json->items[i], CEDAR_JSON_STRING, "an id"))
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

	if (!expect_struct(raw, &json, names) || !check_annotations(raw, json))
		return false;
	parents = cedar_json_get(json, "memberOfTypes");
	shape = cedar_json_get(json, "shape");
	tags = cedar_json_get(json, "tags");
	choices = cedar_json_get(json, "enum");
	if (choices != NULL) {
		if (parents != NULL || shape != NULL || tags != NULL)
			return fail(raw, json, "an enumerated entity type has nothing but its `enum`%.*s", CEDAR_TEXT(""));
		return choices_from_json(raw, choices, entity);
	}
	if (parents != NULL && !names_from_json(raw, parents, &entity->parents))
		return false;
	if (shape != NULL && (entity->shape = type_from_json(raw, shape, false)) == NULL)
		return false;
	return tags == NULL || (entity->tags = type_from_json(raw, tags, false)) != NULL;
}

static bool
applies_from_json(struct cedar_raw_schema *raw, const struct cedar_json *json, struct cedar_raw_action *action)
{
	static const char *const names[] = { "resourceTypes", "principalTypes", "context", NULL };
	const struct cedar_json *principals, *resources, *context;

	if (!expect_struct(raw, &json, names))
		return false;
	principals = cedar_json_get(json, "principalTypes");
	resources = cedar_json_get(json, "resourceTypes");
	context = cedar_json_get(json, "context");
	if (principals == NULL || resources == NULL)
		return fail(raw, json, "`appliesTo` has `principalTypes` and `resourceTypes`%.*s", CEDAR_TEXT(""));
	if (!names_from_json(raw, principals, &action->principals) || !names_from_json(raw, resources, &action->resources))
		return false;
	return context == NULL || (action->context = type_from_json(raw, context, false)) != NULL;
}

static bool
parents_from_json(struct cedar_raw_schema *raw, const struct cedar_json *json, struct cedar_raw_action *action)
{
	static const char *const names[] = { "id", "type", NULL };
	size_t i;

	if (!expect(raw, json, CEDAR_JSON_ARRAY, "a list of actions"))
		return false;
	for (i = 0; i < json->count; i++) {
		const struct cedar_json *item = &json->items[i], *id, *type;
		struct cedar_raw_name name = { .offset = item->offset };

		if (!expect_struct(raw, &item, names))
			return false;
		id = cedar_json_get(item, "id");
		type = optional(item, "type");
		if (id == NULL)
			return fail(raw, item, "an action lacks its `id`%.*s", CEDAR_TEXT(""));
		if (!expect(raw, id, CEDAR_JSON_STRING, "a string") || (type != NULL && !name_from_json(raw, type, &name.name)))
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

	if (!expect_struct(raw, &json, names) || !check_annotations(raw, json))
		return false;
	attributes = optional(json, "attributes");
	applies = optional(json, "appliesTo");
	parents = optional(json, "memberOf");
	if (attributes != NULL)
		return fail(raw, attributes, "actions have no attributes%.*s", CEDAR_TEXT(""));
	if (applies != NULL && !applies_from_json(raw, applies, action))
		return false;
	return parents == NULL || parents_from_json(raw, parents, action);
}

static bool
commons_from_json(struct cedar_raw_schema *raw, const struct cedar_json *json, struct cedar_raw_space *space)
{
	size_t i;

	if (!expect(raw, json, CEDAR_JSON_OBJECT, "an object of types"))
		return false;
	for (i = 0; i < json->field_count; i++) {
		const struct cedar_json *value = &json->fields[i].value;
		struct cedar_raw_common common = { .name = json->fields[i].name, .offset = value->offset };

		if (cedar_json_get(value, "required") != NULL)
			return fail(raw, value, "a common type is neither required nor optional%.*s", CEDAR_TEXT(""));
		common.type = type_from_json(raw, value, true);
		if (common.type == NULL || !cedar_raw_common_add(raw, space, common))
			return false;
	}
	return true;
}

static bool
entities_from_json(struct cedar_raw_schema *raw, const struct cedar_json *json, struct cedar_raw_space *space)
{
	size_t i;

	if (!expect(raw, json, CEDAR_JSON_OBJECT, "an object of entity types"))
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

	if (!expect(raw, json, CEDAR_JSON_OBJECT, "an object of actions"))
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
		return fail(raw, json, "`%.*s` is no name of a namespace", name);
	space = cedar_raw_space_get(raw, name, &fresh);
	if (space == NULL)
		return cedar_raw_out_of_memory(raw);
	if (!expect_struct(raw, &json, names) || !check_annotations(raw, json))
		return false;
	commons = cedar_json_get(json, "commonTypes");
	entities = cedar_json_get(json, "entityTypes");
	actions = cedar_json_get(json, "actions");
	annotations = cedar_json_get(json, "annotations");
	if (entities == NULL || actions == NULL)
		return fail(raw, json, "a namespace has `entityTypes` and `actions`%.*s", CEDAR_TEXT(""));
	if (name.size == 0 && annotations != NULL && annotations->field_count > 0)
		return fail(raw, annotations, "only namespaces with a name can be annotated%.*s", CEDAR_TEXT(""));
	return (commons == NULL || commons_from_json(raw, commons, space)) && entities_from_json(raw, entities, space) &&
		actions_from_json(raw, actions, space);
}

bool
cedar_raw_parse_json(struct cedar_raw_schema *raw)
{
	struct cedar_json json;
	size_t i;

	if (!cedar_json_parse(raw->arena, raw->source, &json, raw->fault) || !expect(raw, &json, CEDAR_JSON_OBJECT, "an object"))
		return false;
	for (i = 0; i < json.field_count; i++)
		if (!space_from_json(raw, json.fields[i].name, &json.fields[i].value))
			return false;
	return true;
}
