/* schema_json_type.c - types out of schemas in the JSON format, and what is expected of their parts. */
#include "cedar/schema_json.h"

#include "cedar/expr.h"

bool
cedar_schema_json_fail(struct cedar_raw_schema *raw, const struct cedar_json *at, const char *format,
                       struct cedar_text name)
{
	return cedar_fault_set(raw->fault, raw->source, at->offset, format, name.size > 80 ? 80 : (int)name.size,
	                       name.data);
}

bool
cedar_schema_json_expect(struct cedar_raw_schema *raw, const struct cedar_json *json, enum cedar_json_kind kind,
                         const char *what)
{
	if (json->kind == kind)
		return true;
	return cedar_fault_set(raw->fault, raw->source, json->offset, "%s is expected here", what);
}

static bool
field_unknown(struct cedar_raw_schema *raw, const struct cedar_json_field *field, const char *const *names)
{
	struct cedar_near near = { .word = field->name };

	for (; *names != NULL; names++)
		cedar_near_try(&near, cedar_text_of(*names));
	cedar_schema_json_fail(raw, &field->value, "the field `%.*s` is not known here", field->name);
	return cedar_near_suggest(&near, raw->fault);
}

/* Refuses fields that are not in the list, which ends with NULL. */
static bool
expect_fields(struct cedar_raw_schema *raw, const struct cedar_json *json, const char *const *names)
{
	size_t i, j;

	if (!cedar_schema_json_expect(raw, json, CEDAR_JSON_OBJECT, "an object"))
		return false;
	for (i = 0; i < json->field_count; i++) {
		for (j = 0; names[j] != NULL && !cedar_text_is(json->fields[i].name, names[j]); j++)
			;
		if (names[j] == NULL)
			return field_unknown(raw, &json->fields[i], names);
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
			return cedar_schema_json_fail(raw, array, "this list is too long%.*s", CEDAR_TEXT(""));
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
bool
cedar_schema_json_expect_struct(struct cedar_raw_schema *raw, const struct cedar_json **json, const char *const *names)
{
	if ((*json)->kind == CEDAR_JSON_ARRAY)
		return fields_of_array(raw, json, names);
	return expect_fields(raw, *json, names);
}

/* A field that may be absent or null. */
const struct cedar_json *
cedar_schema_json_optional(const struct cedar_json *json, const char *name)
{
	const struct cedar_json *field = cedar_json_get(json, name);

	return field != NULL && field->kind != CEDAR_JSON_NULL ? field : NULL;
}

bool
cedar_schema_json_check_annotations(struct cedar_raw_schema *raw, const struct cedar_json *json)
{
	const struct cedar_json *annotations = cedar_json_get(json, "annotations");
	size_t i;

	if (annotations == NULL)
		return true;
	if (!cedar_schema_json_expect(raw, annotations, CEDAR_JSON_OBJECT, "an object of annotations"))
		return false;
	for (i = 0; i < annotations->field_count; i++) {
		const struct cedar_json_field *field = &annotations->fields[i];

		if (!cedar_word_valid(field->name))
			return cedar_schema_json_fail(raw, &field->value, "`%.*s` is no name of an annotation",
			                              field->name);
		if (field->value.kind != CEDAR_JSON_NULL &&
		    !cedar_schema_json_expect(raw, &field->value, CEDAR_JSON_STRING, "a string"))
			return false;
	}
	return true;
}

bool
cedar_schema_json_name(struct cedar_raw_schema *raw, const struct cedar_json *json, struct cedar_text *out)
{
	if (!cedar_schema_json_expect(raw, json, CEDAR_JSON_STRING, "a name"))
		return false;
	if (!cedar_raw_name_valid(json->text, false))
		return cedar_schema_json_fail(raw, json, "`%.*s` is no name of a type", json->text);
	*out = json->text;
	return true;
}

static bool
record_from_json(struct cedar_raw_schema *raw, const struct cedar_json *json, struct cedar_raw_type *type)
{
	const struct cedar_json *attributes = cedar_json_get(json, "attributes");
	const struct cedar_json *open = cedar_json_get(json, "additionalAttributes"), *required;
	size_t i;

	if (attributes == NULL)
		return cedar_schema_json_fail(raw, json, "a record lacks its `attributes`%.*s", CEDAR_TEXT(""));
	if (!cedar_schema_json_expect(raw, attributes, CEDAR_JSON_OBJECT, "an object") ||
	    (open != NULL && !cedar_schema_json_expect(raw, open, CEDAR_JSON_BOOL, "true or false")))
		return false;
	if (open != NULL && open->truth)
		return cedar_schema_json_fail(raw, open, "records with further attributes are not supported%.*s",
		                              CEDAR_TEXT(""));
	type->fields = cedar_arena_take(raw->arena, attributes->field_count * sizeof *type->fields);
	if (type->fields == NULL)
		return cedar_raw_out_of_memory(raw);
	for (i = 0; i < attributes->field_count; i++) {
		const struct cedar_json *field = &attributes->fields[i].value;

		required = cedar_json_get(field, "required");
		if (required != NULL && !cedar_schema_json_expect(raw, required, CEDAR_JSON_BOOL, "true or false"))
			return false;
		type->fields[i] =
		    (struct cedar_raw_field){ attributes->fields[i].name, cedar_schema_json_type(raw, field, true),
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
		return cedar_schema_json_fail(raw, json, "a set lacks its `element`%.*s", CEDAR_TEXT(""));
	type->element = cedar_schema_json_type(raw, element, false);
	return type->element != NULL && cedar_raw_deepen(raw, type, type->element);
}

static bool
named_from_json(struct cedar_raw_schema *raw, const struct cedar_json *json, struct cedar_raw_type *type)
{
	const struct cedar_json *name = cedar_json_get(json, "name");

	if (name == NULL)
		return cedar_schema_json_fail(raw, json, "this type lacks its `name`%.*s", CEDAR_TEXT(""));
	return cedar_schema_json_name(raw, name, &type->name);
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
	return expect_fields(raw, json, names) && cedar_schema_json_check_annotations(raw, json);
}

const struct cedar_raw_type *
cedar_schema_json_type(struct cedar_raw_schema *raw, const struct cedar_json *json, bool field)
{
	const struct cedar_json *name = cedar_json_get(json, "type");
	struct cedar_raw_type *type = cedar_arena_zero(raw->arena, sizeof *type);
	size_t word;
	bool made = true;

	if (type == NULL || !cedar_schema_json_expect(raw, json, CEDAR_JSON_OBJECT, "a type"))
		return NULL;
	if (name == NULL) {
		cedar_schema_json_fail(raw, json, "a type lacks its `type`%.*s", CEDAR_TEXT(""));
		return NULL;
	}
	if (!cedar_schema_json_expect(raw, name, CEDAR_JSON_STRING, "a string"))
		return NULL;
	for (word = 0; type_words[word].name != NULL && !cedar_text_is(name->text, type_words[word].name); word++)
		;
	if (!check_type_fields(raw, json, word, field))
		return NULL;
	*type = (struct cedar_raw_type){
		.kind = type_words[word].kind, .offset = json->offset, .depth = 1, .builtin = type_words[word].builtin
	};
	if (type->kind == CEDAR_RAW_COMMON)
		made = cedar_schema_json_name(raw, name, &type->name);
	else if (type->kind == CEDAR_RAW_SET)
		made = set_from_json(raw, json, type);
	else if (type->kind == CEDAR_RAW_RECORD)
		made = record_from_json(raw, json, type);
	else if (type->kind != CEDAR_RAW_BUILTIN)
		made = named_from_json(raw, json, type);
	return made ? type : NULL;
}
