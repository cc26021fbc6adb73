/* est_set.c - policy sets out of the JSON format.
 *
 * Policies stand in an object by their ids, each in JSON or as text; the reference also takes static ones as one text, and as
 * a list whose items it names itself: a text policy0, JSON "JSON policy" (so a list of two texts has one id twice).
 */
#include <stdio.h>

#include "cedar/est.h"
#include "cedar/parse.h"
#include "cedar/table.h"

struct reading {
	struct cedar_est est;
	struct cedar_policies *set;
	struct cedar_table ids;
};

static bool
id_take(struct reading *reading, const struct cedar_json *at, struct cedar_text id, struct cedar_text *kept)
{
	if (cedar_table_find(&reading->ids, id, CEDAR_TEXT("")) != NULL)
		return cedar_est_fail(&reading->est, at, "the id `%.*s` comes twice", id);
	if (!cedar_est_keep(&reading->est, id, kept))
		return false;
	if (!cedar_table_put(&reading->ids, *kept, CEDAR_TEXT(""), reading))
		return cedar_est_out_of_memory(&reading->est);
	return true;
}

static bool
add(struct reading *reading, const struct cedar_json *at, struct cedar_text id, struct cedar_policy *policy, bool template)
{
	if (!id_take(reading, at, id, &policy->id))
		return false;
	if (!template && policy->slots != 0)
		return cedar_est_fail(&reading->est, at, "`%.*s` has a slot: it is a template", policy->id);
	if (template && policy->slots == 0)
		return cedar_est_fail(&reading->est, at, "the template `%.*s` has no slot: it is a policy", policy->id);
	return cedar_policies_add(reading->set, policy) || cedar_est_out_of_memory(&reading->est);
}

/* A fault of a text inside JSON: where in the text it is stands in the message. */
static bool
text_fail(struct reading *reading, const struct cedar_json *at, const struct cedar_fault *inner)
{
	cedar_fault_set(reading->est.fault, reading->est.source, at->offset, "line %u, column %u of this text: %.200s", inner->line,
		inner->column, inner->message);
	if (inner->suggestion[0] != '\0')
		cedar_fault_suggest(reading->est.fault, "%s", inner->suggestion);
	return false;
}

static bool
text_start(struct reading *reading, const struct cedar_json *json, struct cedar_parser *parser, struct cedar_fault *inner)
{
	*inner = (struct cedar_fault){ 0 };
	return cedar_parser_start(parser, reading->est.maker.interner, reading->est.work, json->text, inner) ||
		text_fail(reading, json, inner);
}

static bool
policy_from_text(struct reading *reading, const struct cedar_json *json, struct cedar_policy *out)
{
	struct cedar_parser parser;
	struct cedar_fault inner;

	if (!text_start(reading, json, &parser, &inner))
		return false;
	if (!cedar_parse_policy(&parser, out))
		return text_fail(reading, json, &inner);
	return parser.lexer.token.kind == CEDAR_TOKEN_END ||
		cedar_est_fail(&reading->est, json, "one policy is expected in this text, and more stands behind it%.*s", CEDAR_TEXT(""));
}

static bool
policy_from_any(struct reading *reading, const struct cedar_json *json, struct cedar_policy *out)
{
	return json->kind == CEDAR_JSON_STRING ? policy_from_text(reading, json, out) : cedar_est_policy(&reading->est, json, out);
}

static bool
policies_by_id(struct reading *reading, const struct cedar_json *json, bool templates)
{
	struct cedar_policy policy;
	size_t i;

	for (i = 0; i < json->field_count; i++) {
		const struct cedar_json_field *field = &json->fields[i];

		if (!policy_from_any(reading, &field->value, &policy) ||
			!add(reading, &field->value, field->name, &policy, templates))
			return false;
	}
	return true;
}

static bool
policies_in_list(struct reading *reading, const struct cedar_json *json)
{
	struct cedar_policy policy;
	size_t i;

	for (i = 0; i < json->count; i++) {
		bool text = json->items[i].kind == CEDAR_JSON_STRING;

		if (!policy_from_any(reading, &json->items[i], &policy) ||
			!add(reading, &json->items[i], text ? CEDAR_TEXT("policy0") : CEDAR_TEXT("JSON policy"), &policy, false))
			return false;
	}
	return true;
}

static bool
policies_in_text(struct reading *reading, const struct cedar_json *json)
{
	struct cedar_parser parser;
	struct cedar_fault inner;
	struct cedar_policy policy;
	size_t number = 0;
	char id[32];

	if (!text_start(reading, json, &parser, &inner))
		return false;
	while (parser.lexer.token.kind != CEDAR_TOKEN_END) {
		if (!cedar_parse_policy(&parser, &policy))
			return text_fail(reading, json, &inner);
		snprintf(id, sizeof id, "policy%zu", number++);
		if (!add(reading, json, cedar_text_of(id), &policy, false))
			return false;
	}
	return true;
}

static bool
static_from_json(struct reading *reading, const struct cedar_json *json)
{
	if (json == NULL)
		return true;
	if (json->kind == CEDAR_JSON_STRING)
		return policies_in_text(reading, json);
	if (json->kind == CEDAR_JSON_ARRAY)
		return policies_in_list(reading, json);
	if (json->kind == CEDAR_JSON_OBJECT)
		return policies_by_id(reading, json, false);
	return cedar_est_fail(&reading->est, json, "`staticPolicies` is an object, a list or a text%.*s", CEDAR_TEXT(""));
}

static bool
templates_from_json(struct reading *reading, const struct cedar_json *json)
{
	if (json == NULL)
		return true;
	if (json->kind != CEDAR_JSON_OBJECT)
		return cedar_est_fail(&reading->est, json, "templates stand in an object, by their ids%.*s", CEDAR_TEXT(""));
	return policies_by_id(reading, json, true);
}

/* The uid for a slot; *out stays NULL if there is none. */
static bool
link_value(struct cedar_est *est, const struct cedar_json *values, const char *slot, const struct cedar_uid **out)
{
	const struct cedar_json *json = cedar_json_get(values, slot);
	struct cedar_uid uid;

	*out = NULL;
	if (json == NULL)
		return true;
	if (!cedar_est_uid(est, json, &uid))
		return false;
	*out = cedar_intern_uids(est->maker.interner, &uid, 1);
	return *out != NULL || cedar_est_out_of_memory(est);
}

static bool
link_from_json(struct reading *reading, const struct cedar_json *json)
{
	static const char *const names[] = { "templateId", "newId", "values", NULL };
	static const char *const slots[] = { "?principal", "?resource", NULL };
	struct cedar_est *est = &reading->est;
	const struct cedar_json *template_id = cedar_json_get(json, "templateId"), *new_id = cedar_json_get(json, "newId");
	const struct cedar_json *values = cedar_json_get(json, "values");
	const struct cedar_policy *template;
	const struct cedar_uid *principal, *resource;
	struct cedar_policy policy;
	struct cedar_fault inner;
	struct cedar_text id;

	if (!cedar_est_fields(est, json, names))
		return false;
	if (template_id == NULL || template_id->kind != CEDAR_JSON_STRING || new_id == NULL || new_id->kind != CEDAR_JSON_STRING ||
		values == NULL)
		return cedar_est_fail(est, json, "a link has `templateId`, `newId` and `values`%.*s", CEDAR_TEXT(""));
	template = cedar_template_find(reading->set, template_id->text);
	if (template == NULL)
		return cedar_est_fail(est, template_id, "there is no template `%.*s`", template_id->text);
	if (!cedar_est_fields(est, values, slots) || !link_value(est, values, slots[0], &principal) ||
		!link_value(est, values, slots[1], &resource) || !id_take(reading, new_id, new_id->text, &id))
		return false;
	if (!cedar_template_link(template, id, principal, resource, &policy, &inner))
		return cedar_fault_set(est->fault, est->source, json->offset, "%s", inner.message);
	return cedar_policies_add(reading->set, &policy) || cedar_est_out_of_memory(est);
}

static bool
links_from_json(struct reading *reading, const struct cedar_json *json)
{
	size_t i;

	if (json == NULL)
		return true;
	if (json->kind != CEDAR_JSON_ARRAY)
		return cedar_est_fail(&reading->est, json, "`templateLinks` is a list%.*s", CEDAR_TEXT(""));
	for (i = 0; i < json->count; i++)
		if (!link_from_json(reading, &json->items[i]))
			return false;
	return true;
}

/* A policy alone gets the id that the first of a text has. */
static bool
single_from_json(struct reading *reading, const struct cedar_json *json)
{
	struct cedar_policy policy;

	if (!cedar_est_policy(&reading->est, json, &policy))
		return false;
	policy.id = CEDAR_TEXT("policy0");
	return cedar_policies_add(reading->set, &policy) || cedar_est_out_of_memory(&reading->est);
}

static bool
set_from_json(struct reading *reading, const struct cedar_json *json)
{
	static const char *const names[] = { "staticPolicies", "templates", "templateLinks", NULL };

	if (cedar_json_get(json, "effect") != NULL)
		return single_from_json(reading, json);
	return cedar_est_fields(&reading->est, json, names) &&
		static_from_json(reading, cedar_json_get(json, "staticPolicies")) &&
		templates_from_json(reading, cedar_json_get(json, "templates")) &&
		links_from_json(reading, cedar_json_get(json, "templateLinks"));
}

static bool
read_all(struct reading *reading)
{
	struct cedar_json json;

	return cedar_json_parse_deep(reading->ids.arena, reading->est.source, CEDAR_EST_LEVELS_MAX, &json, reading->est.fault) && set_from_json(reading, &json) &&
		(cedar_policies_finish(reading->set) || cedar_est_out_of_memory(&reading->est));
}

bool
cedar_policies_parse_json(const struct cedar_memory *memory, struct cedar_text source, struct cedar_policies **out,
	struct cedar_fault *fault)
{
	struct cedar_policies *set = cedar_policies_new(memory);
	struct cedar_arena tree, work;
	struct cedar_interner interner;
	struct reading reading = { .set = set, .ids = { .arena = &tree }, .est = { .source = source, .fault = fault, .work = &work } };
	bool done;

	if (set == NULL)
		return cedar_fault_set(fault, source, 0, "out of memory");
	cedar_arena_init(&tree, memory, 16384);
	cedar_arena_init(&work, memory, 1024);
	cedar_interner_init(&interner, &set->arena);
	reading.est.arena = &set->arena;
	reading.est.maker = (struct cedar_maker){ .arena = &set->arena, .interner = &interner };
	done = read_all(&reading);
	cedar_interner_dispose(&interner);
	cedar_arena_dispose(&work);
	cedar_arena_dispose(&tree);
	if (!done) {
		cedar_policies_free(set);
		return false;
	}
	*out = set;
	return true;
}
