/* est_read.c - one policy out of the JSON format. */
#include "cedar/est.h"

bool
cedar_est_fail(struct cedar_est *est, const struct cedar_json *at, const char *format, struct cedar_text name)
{
	return cedar_fault_set(est->fault, est->source, at->offset, format, name.size > 80 ? 80 : (int)name.size,
	                       name.data);
}

bool
cedar_est_out_of_memory(struct cedar_est *est)
{
	return cedar_fault_set(est->fault, est->source, 0, "out of memory");
}

bool
cedar_est_keep(struct cedar_est *est, struct cedar_text text, struct cedar_text *out)
{
	*out = cedar_intern_text(est->maker.interner, text);
	return out->data != NULL || cedar_est_out_of_memory(est);
}

static bool
field_unknown(struct cedar_est *est, const struct cedar_json_field *field, const char *const *names)
{
	struct cedar_near near = { .word = field->name };

	for (; *names != NULL; names++)
		cedar_near_try(&near, cedar_text_of(*names));
	cedar_est_fail(est, &field->value, "the field `%.*s` is not known here", field->name);
	return cedar_near_suggest(&near, est->fault);
}

bool
cedar_est_fields(struct cedar_est *est, const struct cedar_json *json, const char *const *names)
{
	size_t i, j;

	if (json->kind != CEDAR_JSON_OBJECT)
		return cedar_est_fail(est, json, "an object is expected here%.*s", CEDAR_TEXT(""));
	for (i = 0; i < json->field_count; i++) {
		for (j = 0; names[j] != NULL && !cedar_text_is(json->fields[i].name, names[j]); j++)
			;
		if (names[j] == NULL)
			return field_unknown(est, &json->fields[i], names);
	}
	return true;
}

bool
cedar_est_structure(struct cedar_est *est, const struct cedar_json *json, const char *const *names, size_t least)
{
	size_t most = 0;

	if (json->kind != CEDAR_JSON_ARRAY)
		return cedar_est_fields(est, json, names);
	while (names[most] != NULL)
		most++;
	return (json->count >= least && json->count <= most) ||
	       cedar_est_fail(est, json, "this list has too few or too many parts: `%.*s` and so on",
	                      cedar_text_of(names[0]));
}

bool
cedar_est_is_word(const struct cedar_json *json, const char *word)
{
	if (json == NULL || json->kind != CEDAR_JSON_OBJECT)
		return cedar_json_is(json, word);
	return json->field_count == 1 && cedar_text_is(json->fields[0].name, word) &&
	       json->fields[0].value.kind == CEDAR_JSON_NULL;
}

static bool
is_text(const struct cedar_json *json)
{
	return json != NULL && json->kind == CEDAR_JSON_STRING;
}

static const char *const uid_names[] = { "type", "id", NULL };

static bool
is_uid(const struct cedar_json *json)
{
	return is_text(cedar_json_part(json, uid_names, 0)) && is_text(cedar_json_part(json, uid_names, 1)) &&
	       (json->kind == CEDAR_JSON_OBJECT || json->count == 2);
}

bool
cedar_est_uid(struct cedar_est *est, const struct cedar_json *json, struct cedar_uid *out)
{
	const struct cedar_json *escaped = cedar_json_get(json, "__entity"), *expr = cedar_json_get(json, "__expr"),
	                        *type, *id;

	if (expr != NULL && expr->kind == CEDAR_JSON_STRING)
		return cedar_est_fail(est, expr, "`__expr` is no longer part of the format%.*s", CEDAR_TEXT(""));
	if (escaped != NULL && is_uid(escaped))
		json = escaped;
	if (!is_uid(json))
		return cedar_est_fail(est, json, "an entity is {\"type\": …, \"id\": …}%.*s", CEDAR_TEXT(""));
	type = cedar_json_part(json, uid_names, 0);
	id = cedar_json_part(json, uid_names, 1);
	if (!cedar_name_valid(type->text))
		return cedar_est_fail(est, type, "`%.*s` is no name of a type", type->text);
	*out =
	    cedar_uid_of(est->arena, type->text, id->text); /* still the reader's texts: whoever keeps it interns it */
	return true;
}

bool
cedar_est_type(struct cedar_est *est, const struct cedar_json *json, const struct cedar_uid **out)
{
	struct cedar_uid uid;

	if (json->kind != CEDAR_JSON_STRING || !cedar_name_valid(json->text))
		return cedar_est_fail(est, json, "the name of a type is expected here%.*s", CEDAR_TEXT(""));
	uid = cedar_uid_of(est->arena, json->text, CEDAR_TEXT(""));
	*out = cedar_intern_uids(est->maker.interner, &uid, 1);
	return *out != NULL || cedar_est_out_of_memory(est);
}

static bool
scope_entities(struct cedar_est *est, const struct cedar_json *const items, size_t count, struct cedar_scope *scope)
{
	struct cedar_uid *uids = cedar_arena_take(est->work, count * sizeof *uids);
	size_t i;

	if (uids == NULL)
		return cedar_est_out_of_memory(est);
	for (i = 0; i < count; i++)
		if (!cedar_est_uid(est, &items[i], &uids[i]))
			return false;
	scope->entities = cedar_intern_uids(est->maker.interner, uids, count);
	scope->count = count & CEDAR_SCOPE_COUNT;
	return scope->entities != NULL || cedar_est_out_of_memory(est);
}

/* {"entity": …} or {"slot": "?principal"} */
static bool
scope_target(struct cedar_est *est, const struct cedar_json *json, const char *slot, struct cedar_scope *scope)
{
	const struct cedar_json *entity = cedar_json_get(json, "entity"), *named = cedar_json_get(json, "slot");

	if (entity != NULL)
		return scope_entities(est, entity, 1, scope);
	if (slot == NULL || named == NULL || !cedar_est_is_word(named, slot))
		return cedar_est_fail(
		    est, json, slot ? "`entity` or the slot `%.*s` is expected here" : "`entity` is expected here%.*s",
		    slot ? cedar_text_of(slot) : CEDAR_TEXT(""));
	scope->slot = true;
	return true;
}

/* In a list the parts follow the operator, and none may be missing. */
static bool
scope_is(struct cedar_est *est, const struct cedar_json *json, const char *slot, struct cedar_scope *scope)
{
	static const char *const names[] = { "op", "entity_type", "in", NULL };
	const struct cedar_json *type, *in;

	if (!cedar_est_structure(est, json, names, 3))
		return false;
	type = cedar_json_part(json, names, 1);
	in = cedar_json_part(json, names, 2);
	if (type == NULL)
		return cedar_est_fail(est, json, "the field `%.*s` is missing", CEDAR_TEXT("entity_type"));
	if (!cedar_est_type(est, type, &scope->type))
		return false;
	scope->kind = CEDAR_SCOPE_IS;
	if (in == NULL || in->kind == CEDAR_JSON_NULL)
		return true;
	scope->kind = CEDAR_SCOPE_IS_IN;
	return scope_target(est, in, slot, scope);
}

static bool
scope_actions(struct cedar_est *est, const struct cedar_json *json, struct cedar_scope *scope)
{
	const struct cedar_json *entities = cedar_json_get(json, "entities");
	uint32_t i;

	if (scope->kind == CEDAR_SCOPE_IN && entities != NULL && cedar_json_get(json, "entity") == NULL) {
		if (entities->kind != CEDAR_JSON_ARRAY)
			return cedar_est_fail(est, entities, "`entities` is a list%.*s", CEDAR_TEXT(""));
		scope->list = true;
		if (!scope_entities(est, entities->items, entities->count, scope))
			return false;
	} else if (!scope_target(est, json, NULL, scope)) {
		return false;
	}
	for (i = 0; i < scope->count; i++)
		if (!cedar_is_action_type(scope->entities[i].type))
			return cedar_est_fail(est, json, "`%.*s` is no type of actions", scope->entities[i].type);
	return true;
}

/* `slot` is NULL for the action. Lists are read for what begins them; == and `in` have none. */
static bool
scope_from_json(struct cedar_est *est, const struct cedar_json *json, const char *slot, struct cedar_scope *scope)
{
	static const char *const names[] = { "op", NULL };
	const struct cedar_json *op = cedar_json_part(json, names, 0);
	bool list = json->kind == CEDAR_JSON_ARRAY;

	*scope = (struct cedar_scope){ .offset = json->offset };
	if ((cedar_json_is(op, "All") || cedar_json_is(op, "all")) && (!list || json->count == 1))
		return true;
	if (cedar_json_is(op, "is") && slot != NULL)
		return scope_is(est, json, slot, scope);
	if (list || !(cedar_json_is(op, "==") || cedar_json_is(op, "in")))
		return cedar_est_fail(est, json, "`op` of the scope is \"All\", \"==\", \"in\" or \"is\"%.*s",
		                      CEDAR_TEXT(""));
	scope->kind = cedar_json_is(op, "==") ? CEDAR_SCOPE_EQUAL : CEDAR_SCOPE_IN;
	return slot ? scope_target(est, json, slot, scope) : scope_actions(est, json, scope);
}

static bool
annotations_from_json(struct cedar_est *est, const struct cedar_json *json, struct cedar_annotation **out,
                      size_t *out_count)
{
	struct cedar_annotation *list;
	size_t i;

	if (json == NULL)
		return true;
	if (json->kind != CEDAR_JSON_OBJECT || json->field_count > UINT8_MAX)
		return cedar_est_fail(est, json, "`annotations` is an object, of at most 255 fields%.*s",
		                      CEDAR_TEXT(""));
	list = cedar_arena_take(est->work, json->field_count * sizeof *list);
	if (list == NULL)
		return cedar_est_out_of_memory(est);
	for (i = 0; i < json->field_count; i++) {
		const struct cedar_json_field *field = &json->fields[i];

		list[i] = (struct cedar_annotation){ 0 };
		if (!cedar_word_valid(field->name))
			return cedar_est_fail(est, &field->value, "`%.*s` is no name of an annotation", field->name);
		if (field->value.kind != CEDAR_JSON_NULL && field->value.kind != CEDAR_JSON_STRING)
			return cedar_est_fail(est, &field->value, "the value of an annotation is a string%.*s",
			                      CEDAR_TEXT(""));
		if (!cedar_est_keep(est, field->name, &list[i].key) ||
		    (field->value.kind == CEDAR_JSON_STRING && !cedar_est_keep(est, field->value.text, &list[i].value)))
			return false;
	}
	*out = list;
	*out_count = json->field_count;
	return true;
}

static bool
condition_from_json(struct cedar_est *est, const struct cedar_json *json, struct cedar_condition *out)
{
	static const char *const names[] = { "kind", "body", NULL };
	const struct cedar_json *kind, *body;
	bool unless;

	if (!cedar_est_structure(est, json, names, 2))
		return false;
	kind = cedar_json_part(json, names, 0);
	body = cedar_json_part(json, names, 1);
	unless = cedar_est_is_word(kind, "unless");
	if (body == NULL || !(unless || cedar_est_is_word(kind, "when")))
		return cedar_est_fail(est, json, "a condition has `kind` (\"when\" or \"unless\") and `body`%.*s",
		                      CEDAR_TEXT(""));
	*out = cedar_condition_of(cedar_est_expr(est, body), unless);
	return cedar_condition_expr(out) != NULL;
}

static bool
conditions_from_json(struct cedar_est *est, const struct cedar_json *policy, const struct cedar_json *json,
                     struct cedar_condition **out, size_t *out_count)
{
	struct cedar_condition *list;
	size_t i;

	if (json == NULL || json->kind != CEDAR_JSON_ARRAY)
		return cedar_est_fail(est, json ? json : policy, "a policy has a list of `conditions`%.*s",
		                      CEDAR_TEXT(""));
	list = cedar_arena_take(est->work, json->count * sizeof *list);
	if (list == NULL)
		return cedar_est_out_of_memory(est);
	for (i = 0; i < json->count; i++)
		if (!condition_from_json(est, &json->items[i], &list[i]))
			return false;
	*out = list;
	*out_count = json->count;
	return true;
}

static const char *const policy_names[] = { "effect",     "principal",   "action", "resource",
	                                    "conditions", "annotations", NULL };

static bool
scopes_from_json(struct cedar_est *est, const struct cedar_json *json, struct cedar_policy *policy)
{
	static const char *const slots[] = { "?principal", NULL, "?resource" };
	struct cedar_scope *scopes[] = { &policy->principal, &policy->action, &policy->resource };
	size_t i;

	for (i = 0; i < 3; i++) {
		const struct cedar_json *part = cedar_json_part(json, policy_names, 1 + i);

		if (part == NULL)
			return cedar_est_fail(est, json, "the field `%.*s` is missing",
			                      cedar_text_of(policy_names[1 + i]));
		if (!scope_from_json(est, part, slots[i], scopes[i]))
			return false;
	}
	policy->slots = (uint8_t)((policy->principal.slot ? 1 : 0) | (policy->resource.slot ? 2 : 0));
	return true;
}

bool
cedar_est_policy(struct cedar_est *est, const struct cedar_json *json, struct cedar_policy *out)
{
	struct cedar_policy policy = { .offset = json->offset };
	struct cedar_annotation *annotations = NULL;
	struct cedar_condition *conditions = NULL;
	size_t annotation_count = 0, condition_count = 0;
	const struct cedar_json *effect;

	cedar_arena_reset(est->work);
	if (!cedar_est_structure(est, json, policy_names, 5))
		return false;
	effect = cedar_json_part(json, policy_names, 0);
	policy.forbids = cedar_est_is_word(effect, "forbid");
	if (!policy.forbids && !cedar_est_is_word(effect, "permit"))
		return cedar_est_fail(est, effect ? effect : json, "`effect` is \"permit\" or \"forbid\"%.*s",
		                      CEDAR_TEXT(""));
	if (!scopes_from_json(est, json, &policy) ||
	    !conditions_from_json(est, json, cedar_json_part(json, policy_names, 4), &conditions, &condition_count) ||
	    !annotations_from_json(est, cedar_json_part(json, policy_names, 5), &annotations, &annotation_count))
		return false;
	if (!cedar_policy_furnish(est->arena, conditions, condition_count, annotations, annotation_count, &policy))
		return cedar_est_out_of_memory(est);
	*out = policy;
	return true;
}
