/* load.c - entity stores and requests out of JSON texts. */
#include "cedar/conform.h"
#include "cedar/expr.h"
#include "cedar/type.h"
#include "cedar/values_json.h"

/* Every action of the schema is an entity, its parents as declared; those of the data were found to agree. */
static bool
add_actions(struct cedar_loader *loader)
{
	const struct cedar_schema *schema = loader->schema;
	struct cedar_builder *builder = loader->builder;
	uint8_t *there = cedar_arena_zero(&builder->arena, schema->action_count);
	struct cedar_entity *entity;
	uint32_t i, j;

	for (entity = builder->first; entity != NULL && there != NULL; entity = entity->next) {
		const struct cedar_action_type *action = cedar_schema_action(schema, &entity->uid);

		if (action != NULL)
			there[action->index] = 1;
	}
	for (i = 0; i < schema->action_count && there != NULL; i++) {
		const struct cedar_action_type *action = schema->action_list[i];

		if (there[i])
			continue;
		entity = cedar_entity_add_uid(builder, &action->uid);
		for (j = 0; j < action->parent_count && entity != NULL; j++)
			cedar_entity_parent_uid(builder, entity, &schema->action_list[action->parents[j]]->uid);
	}
	return (there != NULL && !builder->failed) ||
	       cedar_fault_set(loader->fault, loader->source, 0, "out of memory");
}

/* The builder holds them in the order of the array. */
static bool
check_entities(struct cedar_loader *loader, const struct cedar_json *json)
{
	const struct cedar_entity *entity;
	char message[CEDAR_CONFORM_MESSAGE];
	size_t i = 0;

	if (!cedar_builder_seal(loader->builder, NULL))
		return cedar_fault_set(loader->fault, loader->source, 0, "%s", loader->builder->trouble);
	for (entity = loader->builder->first; entity != NULL; entity = entity->next, i++)
		if (!cedar_conform_entity(loader->schema, entity, message))
			return cedar_fault_set(loader->fault, loader->source, json->items[i].offset, "%s", message);
	return true;
}

static bool
load_entities(struct cedar_loader *loader)
{
	struct cedar_json json;

	if (!cedar_json_parse(&loader->builder->arena, loader->source, &json, loader->fault) ||
	    !cedar_entities_from_json(loader, &json))
		return false;
	return loader->schema == NULL || (check_entities(loader, &json) && add_actions(loader));
}

bool
cedar_entities_parse_json(const struct cedar_memory *memory, struct cedar_text json, const struct cedar_schema *schema,
                          struct cedar_entities **out, struct cedar_fault *fault)
{
	struct cedar_loader loader = {
		.builder = cedar_builder_new(memory), .source = json, .fault = fault, .schema = schema
	};
	bool done;

	if (loader.builder == NULL)
		return cedar_fault_set(fault, json, 0, "out of memory");
	done = load_entities(&loader) && cedar_entities_with(memory, NULL, loader.builder, out, fault);
	cedar_builder_free(loader.builder);
	return done;
}

static bool
context_from_json(struct cedar_loader *loader, const struct cedar_json *json, const struct cedar_uid *action,
                  const struct cedar_value **out)
{
	struct cedar_value *context = cedar_arena_zero(&loader->builder->arena, sizeof *context);
	const struct cedar_type *type = NULL;
	const struct cedar_action_type *known;

	if (context == NULL)
		return cedar_fault_set(loader->fault, loader->source, 0, "out of memory");
	*context = (struct cedar_value){ .kind = CEDAR_RECORD, .depth = 1 };
	*out = context;
	if (loader->schema != NULL) {
		known = cedar_schema_action(loader->schema, action);
		if (known == NULL)
			return cedar_conform_action_unknown(
			    loader->schema, &(struct cedar_uid_text){ action->type, action->id }, loader->fault);
		type = known->context;
	}
	if (json == NULL)
		return true;
	if (!cedar_value_from_json(loader, json, type, context))
		return false;
	return json->kind == CEDAR_JSON_OBJECT ||
	       cedar_fault_set(loader->fault, loader->source, json->offset, "the context is a record");
}

static bool
request_from_json(struct cedar_loader *loader, const struct cedar_json *json, struct cedar_request *out)
{
	static const char *const names[] = { "principal", "action", "resource" };
	struct cedar_uid_text *parties[] = { &out->principal, &out->action, &out->resource };
	struct cedar_uid uid, action = { 0 };
	size_t i;

	for (i = 0; i < 3; i++) {
		const struct cedar_json *party = cedar_json_get(json, names[i]);

		if (party == NULL)
			return cedar_fault_set(loader->fault, loader->source, json->offset, "the request has no `%s`",
			                       names[i]);
		if (!cedar_uid_from_any(loader, party, &uid))
			return false;
		*parties[i] = (struct cedar_uid_text){ uid.type, uid.id };
		if (i == 1)
			action = uid;
	}
	return context_from_json(loader, cedar_json_get(json, "context"), &action, &out->context);
}

bool
cedar_request_parse_json(struct cedar_builder *builder, struct cedar_text text, const struct cedar_schema *schema,
                         struct cedar_request *out, struct cedar_fault *fault)
{
	struct cedar_loader loader = { .builder = builder, .source = text, .fault = fault, .schema = schema };
	struct cedar_request request = { 0 };
	struct cedar_json json;

	if (!cedar_json_parse(&builder->arena, text, &json, fault) || !request_from_json(&loader, &json, &request))
		return false;
	*out = request;
	return true;
}
