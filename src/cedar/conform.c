/* conform.c - values, entities and requests against a schema. */
#include "cedar/conform.h"

#include <stdio.h>

#include "cedar/expr.h"
#include "cedar/schema.h"

static int
cut(struct cedar_text text)
{
	return text.size > 60 ? 60 : (int)text.size;
}

static bool
conform_record(const struct cedar_type *type, const struct cedar_value *value)
{
	uint32_t i, required = 0;

	for (i = 0; i < value->count; i++) {
		const struct cedar_attribute *attribute = cedar_attribute_find(type, value->fields[i].name);

		if (attribute == NULL || !cedar_conform_value(attribute->type, &value->fields[i].value))
			return false;
		required += attribute->required;
	}
	for (i = 0; i < type->count; i++)
		required -= type->attributes[i].required;
	return required == 0;
}

static bool
conform_items(const struct cedar_type *element, const struct cedar_value *value)
{
	uint32_t i;

	for (i = 0; i < value->count; i++)
		if (!cedar_conform_value(element, &value->items[i]))
			return false;
	return true;
}

bool
cedar_conform_value(const struct cedar_type *type, const struct cedar_value *value)
{
	if (value->kind == CEDAR_UNKNOWN) /* fits any type, in entities; contexts hold none */
		return true;
	switch ((enum cedar_type_kind)type->kind) {
	case CEDAR_TYPE_BOOL:
	case CEDAR_TYPE_TRUE:
	case CEDAR_TYPE_FALSE:
		return value->kind == CEDAR_BOOL;
	case CEDAR_TYPE_LONG:
		return value->kind == CEDAR_LONG;
	case CEDAR_TYPE_STRING:
		return value->kind == CEDAR_STRING;
	case CEDAR_TYPE_ENTITY:
		return value->kind == CEDAR_ENTITY && cedar_text_equal(value->entity->type, type->entity->name);
	case CEDAR_TYPE_SET:
		return value->kind == CEDAR_SET && conform_items(type->element, value);
	case CEDAR_TYPE_RECORD:
		return value->kind == CEDAR_RECORD && conform_record(type, value);
	case CEDAR_TYPE_EXTENSION:
		return value->kind == type->extension;
	case CEDAR_TYPE_NEVER:
		break;
	}
	return false;
}

static bool
is_choice(const struct cedar_entity_type *type, struct cedar_text id)
{
	return !type->is_enum || cedar_type_has_choice(type, id);
}

bool
cedar_conform_uid(const struct cedar_schema *schema, const struct cedar_uid *uid, char message[CEDAR_CONFORM_MESSAGE])
{
	const struct cedar_entity_type *type = cedar_schema_type(schema, uid->type);

	if (cedar_is_action_type(uid->type) && cedar_schema_action(schema, uid) == NULL) {
		snprintf(message, CEDAR_CONFORM_MESSAGE, "the schema declares no action %.*s::\"%.*s\"", cut(uid->type),
		         uid->type.data, cut(uid->id), uid->id.data);
		return false;
	}
	if (type != NULL && !is_choice(type, uid->id)) {
		snprintf(message, CEDAR_CONFORM_MESSAGE, "\"%.*s\" is none of the ids that `%.*s` enumerates",
		         cut(uid->id), uid->id.data, cut(uid->type), uid->type.data);
		return false;
	}
	return true;
}

bool
cedar_conform_uids(const struct cedar_schema *schema, const struct cedar_value *value,
                   char message[CEDAR_CONFORM_MESSAGE])
{
	uint32_t i;

	if (value->kind == CEDAR_ENTITY)
		return cedar_conform_uid(schema, value->entity, message);
	if (value->kind == CEDAR_SET) {
		for (i = 0; i < value->count; i++)
			if (!cedar_conform_uids(schema, &value->items[i], message))
				return false;
	} else if (value->kind == CEDAR_RECORD) {
		for (i = 0; i < value->count; i++)
			if (!cedar_conform_uids(schema, &value->fields[i].value, message))
				return false;
	}
	return true;
}

static bool
conform_attributes(const struct cedar_schema *schema, const struct cedar_entity_type *type,
                   const struct cedar_value *attributes, char message[CEDAR_CONFORM_MESSAGE])
{
	char buffer[80];
	uint32_t i;

	for (i = 0; i < type->shape->count; i++) {
		const struct cedar_attribute *attribute = &type->shape->attributes[i];

		if (attribute->required && cedar_record_find(attributes, attribute->name) == NULL) {
			snprintf(message, CEDAR_CONFORM_MESSAGE, "the attribute `%.*s` is missing",
			         cut(attribute->name), attribute->name.data);
			return false;
		}
	}
	for (i = 0; i < attributes->count; i++) {
		const struct cedar_field *field = &attributes->fields[i];
		const struct cedar_attribute *attribute = cedar_attribute_find(type->shape, field->name);

		if (attribute == NULL) {
			snprintf(message, CEDAR_CONFORM_MESSAGE, "`%.*s` has no attribute `%.*s`", cut(type->name),
			         type->name.data, cut(field->name), field->name.data);
			return false;
		}
		if (!cedar_conform_value(attribute->type, &field->value)) {
			snprintf(message, CEDAR_CONFORM_MESSAGE, "the attribute `%.*s` is not of the type %s",
			         cut(field->name), field->name.data,
			         cedar_type_show(attribute->type, buffer, sizeof buffer));
			return false;
		}
		if (!cedar_conform_uids(schema, &field->value, message))
			return false;
	}
	return true;
}

static bool
conform_tags(const struct cedar_schema *schema, const struct cedar_entity_type *type, const struct cedar_value *tags,
             char message[CEDAR_CONFORM_MESSAGE])
{
	char buffer[80];
	uint32_t i;

	for (i = 0; i < tags->count; i++) {
		const struct cedar_field *field = &tags->fields[i];

		if (type->tags == NULL) {
			snprintf(message, CEDAR_CONFORM_MESSAGE, "`%.*s` has no tags", cut(type->name),
			         type->name.data);
			return false;
		}
		if (!cedar_conform_value(type->tags, &field->value)) {
			snprintf(message, CEDAR_CONFORM_MESSAGE, "the tag `%.*s` is not of the type %s",
			         cut(field->name), field->name.data,
			         cedar_type_show(type->tags, buffer, sizeof buffer));
			return false;
		}
		if (!cedar_conform_uids(schema, &field->value, message))
			return false;
	}
	return true;
}

static bool
conform_parents(const struct cedar_schema *schema, const struct cedar_entity_type *type,
                const struct cedar_entity *entity, char message[CEDAR_CONFORM_MESSAGE])
{
	size_t i;

	for (i = 0; i < entity->parent_count; i++) {
		const struct cedar_uid *parent = entity->parents[i].uid;
		const struct cedar_entity_type *above = cedar_schema_type(schema, parent->type);

		if (!cedar_conform_uid(schema, parent, message))
			return false;
		if (above == NULL || !cedar_type_below(above, type)) {
			snprintf(message, CEDAR_CONFORM_MESSAGE, "`%.*s` cannot be in `%.*s`", cut(type->name),
			         type->name.data, cut(parent->type), parent->type.data);
			return false;
		}
	}
	return true;
}

/* Exactly the ancestors that are declared, no attributes, no tags. */
static bool
conform_action(const struct cedar_schema *schema, const struct cedar_entity *entity,
               char message[CEDAR_CONFORM_MESSAGE])
{
	const struct cedar_action_type *action = cedar_schema_action(schema, &entity->uid), *above;
	const struct cedar_ancestry *list;
	size_t declared = 0, found = 0, i;

	if (!cedar_conform_uid(schema, &entity->uid, message) || action == NULL)
		return false;
	for (i = 0; i < schema->action_count; i++)
		declared += cedar_bit(schema->action_list[i]->descendants, action->index);
	for (list = &entity->above; list != NULL; list = list->beyond)
		for (i = 0; i < list->count; i++) {
			above = cedar_schema_action(schema, list->links[i].uid);
			found += above != NULL && cedar_bit(above->descendants, action->index);
		}
	if (found == entity->above.total && found == declared && entity->attributes.count == 0 &&
	    entity->tags.count == 0)
		return true;
	snprintf(message, CEDAR_CONFORM_MESSAGE, "the action %.*s::\"%.*s\" is not as the schema declares it",
	         cut(entity->uid.type), entity->uid.type.data, cut(entity->uid.id), entity->uid.id.data);
	return false;
}

bool
cedar_conform_entity(const struct cedar_schema *schema, const struct cedar_entity *entity,
                     char message[CEDAR_CONFORM_MESSAGE])
{
	const struct cedar_entity_type *type = cedar_schema_type(schema, entity->uid.type);

	if (cedar_is_action_type(entity->uid.type))
		return conform_action(schema, entity, message);
	if (type == NULL) {
		snprintf(message, CEDAR_CONFORM_MESSAGE, "the schema declares no entity type `%.*s`",
		         cut(entity->uid.type), entity->uid.type.data);
		return false;
	}
	return cedar_conform_uid(schema, &entity->uid, message) &&
	       conform_attributes(schema, type, &entity->attributes, message) &&
	       conform_parents(schema, type, entity, message) && conform_tags(schema, type, &entity->tags, message);
}

static bool
fail(struct cedar_fault *fault, const char *message)
{
	return cedar_fault_set(fault, CEDAR_TEXT(""), 0, "%s", message);
}

bool
cedar_conform_type_unknown(const struct cedar_schema *schema, struct cedar_text name, struct cedar_fault *fault)
{
	struct cedar_near near = { .word = name };
	uint32_t i;

	for (i = 0; i < schema->type_count; i++)
		if (!schema->type_list[i]->is_action)
			cedar_near_try(&near, schema->type_list[i]->name);
	return cedar_near_suggest(&near, fault);
}

bool
cedar_conform_action_unknown(const struct cedar_schema *schema, const struct cedar_uid_text *action,
                             struct cedar_fault *fault)
{
	struct cedar_near near = { .word = action->id };
	uint32_t i;

	for (i = 0; i < schema->action_count; i++)
		if (cedar_text_equal(schema->action_list[i]->uid.type, action->type))
			cedar_near_try(&near, schema->action_list[i]->uid.id);
	cedar_fault_set(fault, CEDAR_TEXT(""), 0, "the schema declares no action %.*s::\"%.*s\"", cut(action->type),
	                action->type.data, cut(action->id), action->id.data);
	return cedar_near_suggest(&near, fault);
}

/* Which types the action applies to, as many as have room. */
static void
suggest_allowed(struct cedar_entity_type *const *allowed, uint32_t count, struct cedar_fault *fault)
{
	char names[100] = "";
	size_t size = 0;
	uint32_t i;

	for (i = 0; i < count && size + allowed[i]->name.size + 4 < sizeof names - 4; i++)
		size += (size_t)snprintf(names + size, sizeof names - size, "%s%.*s", i ? ", " : "",
		                         (int)allowed[i]->name.size, allowed[i]->name.data);
	if (count > 0 && size > 0)
		cedar_fault_suggest(fault, "it applies to %s%s", names, i < count ? ", …" : "");
}

static bool
check_party(const struct cedar_schema *schema, const char *role, struct cedar_uid_text party,
            struct cedar_entity_type *const *allowed, uint32_t count, struct cedar_fault *fault)
{
	const struct cedar_entity_type *type = cedar_schema_type(schema, party.type);
	struct cedar_uid uid = { .type = party.type, .id = party.id };
	char message[CEDAR_CONFORM_MESSAGE];
	uint32_t i;

	if (type == NULL || type->is_action) {
		cedar_fault_set(fault, CEDAR_TEXT(""), 0, "the schema declares no entity type `%.*s`, that of the %s",
		                cut(party.type), party.type.data, role);
		return cedar_conform_type_unknown(schema, party.type, fault);
	}
	if (!cedar_conform_uid(schema, &uid, message))
		return fail(fault, message);
	for (i = 0; i < count; i++)
		if (allowed[i] == type)
			return true;
	cedar_fault_set(fault, CEDAR_TEXT(""), 0, "the action does not apply to a %s of type `%.*s`", role,
	                cut(party.type), party.type.data);
	suggest_allowed(allowed, count, fault);
	return false;
}

/* What of a record does not fit is named, where it is one attribute of it. */
static bool
record_unfit(const struct cedar_type *type, const struct cedar_value *record, struct cedar_fault *fault)
{
	struct cedar_near near = { 0 };
	char buffer[100];
	uint32_t i, j;

	for (i = 0; i < type->count; i++)
		if (type->attributes[i].required && cedar_record_find(record, type->attributes[i].name) == NULL)
			return cedar_fault_set(fault, CEDAR_TEXT(""), 0, "the context lacks the attribute `%.*s`",
			                       cut(type->attributes[i].name), type->attributes[i].name.data);
	for (i = 0; i < record->count; i++) {
		const struct cedar_field *field = &record->fields[i];
		const struct cedar_attribute *attribute = cedar_attribute_find(type, field->name);

		if (attribute == NULL) {
			near.word = field->name;
			for (j = 0; j < type->count; j++)
				cedar_near_try(&near, type->attributes[j].name);
			cedar_fault_set(fault, CEDAR_TEXT(""), 0, "the action's context has no attribute `%.*s`",
			                cut(field->name), field->name.data);
			return cedar_near_suggest(&near, fault);
		}
		if (!cedar_conform_value(attribute->type, &field->value))
			return cedar_fault_set(fault, CEDAR_TEXT(""), 0,
			                       "the attribute `%.*s` of the context is not of the type %s",
			                       cut(field->name), field->name.data,
			                       cedar_type_show(attribute->type, buffer, sizeof buffer));
	}
	return fail(fault, "the context does not fit the action");
}

bool
cedar_schema_check_context(const struct cedar_schema *schema, const struct cedar_uid_text *action,
                           const struct cedar_value *context, struct cedar_fault *fault)
{
	struct cedar_uid uid = { .type = action->type, .id = action->id };
	const struct cedar_action_type *known = cedar_schema_action(schema, &uid);
	char message[CEDAR_CONFORM_MESSAGE];

	if (known == NULL)
		return cedar_conform_action_unknown(schema, action, fault);
	if (context == NULL)
		return fail(fault, "the context could not be made");
	if (!cedar_conform_uids(schema, context, message))
		return fail(fault, message);
	if (!cedar_value_unknown(context) && cedar_conform_value(known->context, context))
		return true;
	return context->kind == CEDAR_RECORD ? record_unfit(known->context, context, fault)
	                                     : fail(fault, "the context is no record");
}

bool
cedar_schema_check_request(const struct cedar_schema *schema, const struct cedar_request *request,
                           struct cedar_fault *fault)
{
	struct cedar_uid uid = { .type = request->action.type, .id = request->action.id };
	const struct cedar_action_type *action = cedar_schema_action(schema, &uid);

	if (action == NULL)
		return cedar_conform_action_unknown(schema, &request->action, fault);
	return check_party(schema, "principal", request->principal, action->principals, action->principal_count,
	                   fault) &&
	       check_party(schema, "resource", request->resource, action->resources, action->resource_count, fault) &&
	       cedar_schema_check_context(schema, &request->action, request->context, fault);
}
