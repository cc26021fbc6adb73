/* values_json.c - values and uids out of JSON. */
#include "cedar/values_json.h"

#include "cedar/parse.h"
#include "cedar/type.h"

static bool
fail(struct cedar_loader *loader, const struct cedar_json *at, const char *message)
{
	return cedar_fault_set(loader->fault, loader->source, at ? at->offset : 0, "%s", message);
}

static bool
is_text(const struct cedar_json *json)
{
	return json != NULL && json->kind == CEDAR_JSON_STRING;
}

static const char *const uid_names[] = { "type", "id" };

static bool
is_uid(const struct cedar_json *json)
{
	return is_text(cedar_json_part(json, uid_names, 0)) && is_text(cedar_json_part(json, uid_names, 1)) &&
	       (json->kind == CEDAR_JSON_OBJECT || json->count == 2);
}

static bool
uid_from_parts(struct cedar_loader *loader, const struct cedar_json *json, struct cedar_uid *out)
{
	const struct cedar_json *type = cedar_json_part(json, uid_names, 0), *id = cedar_json_part(json, uid_names, 1);

	if (!is_uid(json))
		return fail(loader, json, "expected an entity: {\"type\": …, \"id\": …}");
	if (!cedar_name_valid(type->text))
		return fail(loader, type, "this is no name of a type");
	*out = cedar_uid_of(&loader->builder->arena, type->text, id->text);
	return true;
}

bool
cedar_uid_from_json(struct cedar_loader *loader, const struct cedar_json *json, struct cedar_uid *out)
{
	const struct cedar_json *escaped = cedar_json_get(json, "__entity");

	if (is_text(cedar_json_get(json, "__expr")))
		return fail(loader, json, "`__expr` is no longer part of the format");
	return uid_from_parts(loader, escaped != NULL && is_uid(escaped) ? escaped : json, out);
}

CEDAR_APART bool
cedar_uid_from_any(struct cedar_loader *loader, const struct cedar_json *json, struct cedar_uid *out)
{
	struct cedar_interner interner = { .kept = &loader->builder->arena }; /* an entity alone interns nothing */
	struct cedar_fault inner;
	struct cedar_parser parser;

	if (!is_text(json))
		return cedar_uid_from_json(loader, json, out);
	if (!cedar_parser_start(&parser, &interner, interner.kept, json->text, &inner) ||
	    !cedar_parse_uid(&parser, out))
		return cedar_fault_set(loader->fault, loader->source, json->offset, "%s", inner.message);
	return parser.lexer.token.kind == CEDAR_TOKEN_END || fail(loader, json, "something stands behind the entity");
}

static bool
put_entity(struct cedar_loader *loader, const struct cedar_uid *uid, struct cedar_value *out)
{
	struct cedar_uid *copy = cedar_arena_take(&loader->builder->arena, sizeof *copy);

	if (copy == NULL)
		return fail(loader, NULL, "out of memory");
	*copy = *uid;
	*out = (struct cedar_value){ .kind = CEDAR_ENTITY, .entity = copy };
	return true;
}

CEDAR_APART static bool
entity_value(struct cedar_loader *loader, const struct cedar_json *json, struct cedar_value *out)
{
	struct cedar_uid uid;

	return cedar_uid_from_json(loader, json, &uid) && put_entity(loader, &uid, out);
}

static const struct cedar_type *
argument_type(const struct cedar_signature *row, size_t argument, bool typed)
{
	return typed && argument < 2 ? cedar_type_of_kind((enum cedar_kind)row->takes[argument]) : NULL;
}

CEDAR_APART static bool
finish_call(struct cedar_loader *loader, const struct cedar_json *at, enum cedar_function function,
            const struct cedar_value *values, size_t count, struct cedar_value *out)
{
	char message[160];

	return cedar_function_call(function, values, count, out, message, sizeof message) || fail(loader, at, message);
}

static bool
call(struct cedar_loader *loader, const struct cedar_json *at, struct cedar_text name,
     const struct cedar_json *arguments, size_t count, bool typed, struct cedar_value *out)
{
	enum cedar_function function = cedar_function_find(name);
	struct cedar_value values[2];
	size_t i;

	if (function == CEDAR_CALL_COUNT)
		return fail(loader, at, "there is no extension function of this name");
	if (count > 2 || count != cedar_signatures[function].arguments)
		return fail(loader, at, "wrong number of arguments for this extension function");
	for (i = 0; i < count; i++)
		if (!cedar_value_from_json(loader, &arguments[i], argument_type(&cedar_signatures[function], i, typed),
		                           &values[i]))
			return false;
	return finish_call(loader, at, function, values, count, out);
}

/* {"fn": …, "arg": …} or {"fn": …, "args": […]}; *is tells whether it is one. */
static bool
call_object(struct cedar_loader *loader, const struct cedar_json *json, bool typed, struct cedar_value *out, bool *is)
{
	const struct cedar_json *name = cedar_json_get(json, "fn"), *one = cedar_json_get(json, "arg"),
	                        *many = cedar_json_get(json, "args");

	*is = is_text(name) && (one != NULL || (many != NULL && many->kind == CEDAR_JSON_ARRAY));
	if (!*is)
		return true;
	if (one != NULL)
		return call(loader, json, name->text, one, 1, typed, out);
	return call(loader, json, name->text, many->items, many->count, typed, out);
}

static bool
set_value(struct cedar_loader *loader, const struct cedar_json *json, const struct cedar_type *element,
          struct cedar_value *out)
{
	struct cedar_value *items = cedar_arena_take(&loader->builder->arena, json->count * sizeof *items);
	size_t i;

	if (items == NULL)
		return fail(loader, json, "out of memory");
	for (i = 0; i < json->count; i++)
		if (!cedar_value_from_json(loader, &json->items[i], element, &items[i]))
			return false;
	*out = (struct cedar_value){ .kind = CEDAR_SET, .items = items };
	out->count = (uint32_t)cedar_values_sort(items, json->count);
	out->depth = cedar_value_depth(items, out->count);
	cedar_value_settle(out);
	return true;
}

static int
shown(struct cedar_text text)
{
	return text.size > 60 ? 60 : (int)text.size;
}

static bool
attribute_unknown(struct cedar_loader *loader, const struct cedar_json_field *field, const struct cedar_type *record)
{
	struct cedar_near near = { .word = field->name };
	uint32_t i;

	for (i = 0; i < record->count; i++)
		cedar_near_try(&near, record->attributes[i].name);
	cedar_fault_set(loader->fault, loader->source, field->value.offset, "the schema knows no attribute `%.*s` here",
	                shown(field->name), field->name.data);
	return cedar_near_suggest(&near, loader->fault);
}

static bool
has_required(struct cedar_loader *loader, const struct cedar_json *json, const struct cedar_type *record,
             const struct cedar_value *value)
{
	uint32_t i;

	for (i = 0; record != NULL && i < record->count; i++) {
		const struct cedar_text name = record->attributes[i].name;

		if (record->attributes[i].required && cedar_record_find(value, name) == NULL)
			return cedar_fault_set(loader->fault, loader->source, json->offset,
			                       "the attribute `%.*s` is missing here", shown(name), name.data);
	}
	return true;
}

static bool
record_value(struct cedar_loader *loader, const struct cedar_json *json, const struct cedar_type *record,
             struct cedar_value *out)
{
	struct cedar_field *fields = cedar_arena_take(&loader->builder->arena, json->field_count * sizeof *fields);
	uint16_t depth = 1;
	size_t i, twice;

	if (fields == NULL)
		return fail(loader, json, "out of memory");
	for (i = 0; i < json->field_count; i++) {
		const struct cedar_attribute *attribute =
		    record ? cedar_attribute_find(record, json->fields[i].name) : NULL;

		if (record != NULL && attribute == NULL)
			return attribute_unknown(loader, &json->fields[i], record);
		fields[i].name = json->fields[i].name;
		if (!cedar_value_from_json(loader, &json->fields[i].value, attribute ? attribute->type : NULL,
		                           &fields[i].value))
			return false;
		if (cedar_value_depth(&fields[i].value, 1) > depth)
			depth = cedar_value_depth(&fields[i].value, 1);
	}
	if (!cedar_fields_sort(fields, json->field_count, &twice))
		return fail(loader, json, "a name comes twice");
	*out = (struct cedar_value){
		.kind = CEDAR_RECORD, .fields = fields, .count = (uint32_t)json->field_count, .depth = depth
	};
	if (!has_required(loader, json, record, out))
		return false;
	cedar_value_settle(out);
	return true;
}

static bool
object_value(struct cedar_loader *loader, const struct cedar_json *json, struct cedar_value *out)
{
	const struct cedar_json *only = json->field_count == 1 ? &json->fields[0].value : NULL;
	struct cedar_text name = only ? json->fields[0].name : CEDAR_TEXT("");
	bool is = false;

	if (only != NULL && cedar_text_is(name, "__expr") && is_text(only))
		return fail(loader, json, "`__expr` is no longer part of the format");
	if (only != NULL && cedar_text_is(name, "__extn") && only->kind == CEDAR_JSON_OBJECT) {
		if (!call_object(loader, only, false, out, &is))
			return false;
		if (is)
			return true;
	}
	if (only != NULL && cedar_text_is(name, "__entity") && is_text(cedar_json_get(only, "type")) &&
	    is_text(cedar_json_get(only, "id")))
		return entity_value(loader, json, out);
	return record_value(loader, json, NULL, out);
}

static bool
plain_value(struct cedar_loader *loader, const struct cedar_json *json, struct cedar_value *out)
{
	switch ((enum cedar_json_kind)json->kind) {
	case CEDAR_JSON_BOOL:
		*out = (struct cedar_value){ .kind = CEDAR_BOOL, .truth = json->truth };
		return true;
	case CEDAR_JSON_LONG:
		*out = (struct cedar_value){ .kind = CEDAR_LONG, .number = json->number };
		return true;
	case CEDAR_JSON_STRING:
		*out = (struct cedar_value){ .kind = CEDAR_STRING, .text = json->text };
		return true;
	case CEDAR_JSON_ARRAY:
		return set_value(loader, json, NULL, out);
	case CEDAR_JSON_OBJECT:
		return object_value(loader, json, out);
	case CEDAR_JSON_NULL:
		return fail(loader, json, "Cedar has no null");
	case CEDAR_JSON_REAL:
		break;
	}
	return fail(loader, json, "this number is no 64-bit integer");
}

static struct cedar_text
constructor_name(const struct cedar_type *type)
{
	switch ((int)type->extension) {
	case CEDAR_DECIMAL:
		return CEDAR_TEXT("decimal");
	case CEDAR_DATETIME:
		return CEDAR_TEXT("datetime");
	case CEDAR_DURATION:
		return CEDAR_TEXT("duration");
	default:
		return CEDAR_TEXT("ip");
	}
}

static bool
extension_value(struct cedar_loader *loader, const struct cedar_json *json, const struct cedar_type *type,
                struct cedar_value *out)
{
	const struct cedar_json *explicit = cedar_json_get(json, "__extn");
	bool is = false;

	if (is_text(cedar_json_get(json, "__expr")))
		return fail(loader, json, "`__expr` is no longer part of the format");
	if (explicit != NULL && !call_object(loader, explicit, true, out, &is))
		return false;
	if (!is && !call_object(loader, json, true, out, &is))
		return false;
	return is || call(loader, json, constructor_name(type), json, 1, false, out);
}

/* {"__extn":{"fn":"unknown",…}} stands for a value of any type. */
static bool
is_unknown(const struct cedar_json *json)
{
	return json->kind == CEDAR_JSON_OBJECT && json->field_count == 1 &&
	       cedar_json_is(cedar_json_get(cedar_json_get(json, "__extn"), "fn"), "unknown");
}

bool
cedar_value_from_json(struct cedar_loader *loader, const struct cedar_json *json, const struct cedar_type *type,
                      struct cedar_value *out)
{
	if (type == NULL || is_unknown(json))
		return plain_value(loader, json, out);
	switch ((int)type->kind) {
	case CEDAR_TYPE_ENTITY:
		return entity_value(loader, json, out);
	case CEDAR_TYPE_EXTENSION:
		return extension_value(loader, json, type, out);
	case CEDAR_TYPE_SET:
		return json->kind == CEDAR_JSON_ARRAY ? set_value(loader, json, type->element, out)
		                                      : fail(loader, json, "the schema expects a set here");
	case CEDAR_TYPE_RECORD:
		return json->kind == CEDAR_JSON_OBJECT ? record_value(loader, json, type, out)
		                                       : fail(loader, json, "the schema expects a record here");
	default:
		return plain_value(loader, json, out);
	}
}
