/* est_set.c - policy sets out of the JSON format.
 *
 * Policies stand in an object by their ids, each in JSON or as text; the reference also takes static ones as one text, and as
 * a list whose items it names itself: a text policy0, JSON "JSON policy" (so a list of two texts has one id twice).
 */
#include <stdio.h>
#include <stdlib.h>

#include "cedar/est.h"
#include "cedar/parse.h"
#include "cedar/table.h"

struct reading {
	struct cedar_est est;
	struct cedar_policies *set;
	struct cedar_table ids, templates; /* of all; of templates, to them */
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
add(struct reading *reading, const struct cedar_json *at, struct cedar_text id, struct cedar_policy *policy,
    bool template)
{
	if (!id_take(reading, at, id, &policy->id))
		return false;
	if (!template && policy->slots != 0)
		return cedar_est_fail(&reading->est, at, "`%.*s` has a slot: it is a template", policy->id);
	if (template && policy->slots == 0)
		return cedar_est_fail(&reading->est, at, "the template `%.*s` has no slot: it is a policy", policy->id);
	return cedar_policies_add(reading->set, policy) || cedar_est_out_of_memory(&reading->est);
}

/* How many bytes of JSON stand for how many of the text, at an escape or a plain byte. */
static size_t
escape_size(const char *raw, size_t *bytes)
{
	char letters[5] = "";
	unsigned long point;

	*bytes = 1;
	if (raw[0] != '\\')
		return 1;
	if (raw[1] != 'u')
		return 2;
	memcpy(letters, raw + 2, 4); /* the reader saw to it that they are there, and that halves come in pairs */
	point = strtoul(letters, NULL, 16);
	*bytes = point < 0x80 ? 1 : point < 0x800 ? 2 : point >= 0xD800 && point < 0xE000 ? 4 : 3;
	return *bytes == 4 ? 12 : 6;
}

/* Where in the source each byte of a text in JSON stands. Without escapes one follows the other. */
static bool
places_find(struct reading *reading, const struct cedar_json *json, struct cedar_maker *maker)
{
	const char *source = reading->est.source.data;
	size_t at = json->offset + 1, i = 0, bytes, size, j;
	uint32_t *places;

	maker->base = (uint32_t)at;
	if (json->end - json->offset == json->text.size + 2)
		return true;
	places = cedar_arena_take(reading->ids.arena, (json->text.size + 1) * sizeof *places);
	if (places == NULL)
		return cedar_est_out_of_memory(&reading->est);
	while (i < json->text.size) {
		size = escape_size(source + at, &bytes);
		for (j = 0; j < bytes && i < json->text.size; j++)
			places[i++] = (uint32_t)at;
		at += size;
	}
	places[i] = (uint32_t)at;
	maker->places = places;
	return true;
}

/* A text inside of JSON that is being parsed. */
struct inner {
	struct cedar_parser parser;
	struct cedar_fault fault;
};

/* The fault of the text, where it stands in the source. */
static bool
text_fail(struct reading *reading, const struct inner *inner)
{
	cedar_fault_set(reading->est.fault, reading->est.source,
	                cedar_maker_place(&inner->parser.maker, inner->fault.offset), "%s", inner->fault.message);
	if (inner->fault.suggestion[0] != '\0')
		cedar_fault_suggest(reading->est.fault, "%s", inner->fault.suggestion);
	return false;
}

static bool
text_start(struct reading *reading, const struct cedar_json *json, struct inner *inner)
{
	struct cedar_maker places = { 0 };
	bool started;

	inner->fault = (struct cedar_fault){ 0 };
	if (!places_find(reading, json, &places))
		return false;
	started = cedar_parser_start(&inner->parser, reading->est.maker.interner, reading->est.work, json->text,
	                             &inner->fault);
	inner->parser.maker.base = places.base;
	inner->parser.maker.places = places.places;
	return started || text_fail(reading, inner);
}

static bool
text_policy(struct reading *reading, struct inner *inner, struct cedar_policy *out)
{
	const struct cedar_maker *maker = &inner->parser.maker;

	if (!cedar_parse_policy(&inner->parser, out))
		return text_fail(reading, inner);
	out->offset = cedar_maker_place(maker, out->offset);
	out->principal.offset = cedar_maker_place(maker, out->principal.offset);
	out->action.offset = cedar_maker_place(maker, out->action.offset);
	out->resource.offset = cedar_maker_place(maker, out->resource.offset);
	return true;
}

static bool
policy_from_text(struct reading *reading, const struct cedar_json *json, struct cedar_policy *out)
{
	struct inner inner;

	if (!text_start(reading, json, &inner) || !text_policy(reading, &inner, out))
		return false;
	return inner.parser.lexer.token.kind == CEDAR_TOKEN_END ||
	       cedar_est_fail(&reading->est, json, "one policy is expected in this text, and more stands behind it%.*s",
	                      CEDAR_TEXT(""));
}

static bool
policy_from_any(struct reading *reading, const struct cedar_json *json, struct cedar_policy *out)
{
	return json->kind == CEDAR_JSON_STRING ? policy_from_text(reading, json, out)
	                                       : cedar_est_policy(&reading->est, json, out);
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
		    !add(reading, &json->items[i], text ? CEDAR_TEXT("policy0") : CEDAR_TEXT("JSON policy"), &policy,
		         false))
			return false;
	}
	return true;
}

static bool
policies_in_text(struct reading *reading, const struct cedar_json *json)
{
	struct cedar_policy policy;
	struct inner inner;
	size_t number = 0;
	char id[32];

	if (!text_start(reading, json, &inner))
		return false;
	while (inner.parser.lexer.token.kind != CEDAR_TOKEN_END) {
		if (!text_policy(reading, &inner, &policy))
			return false;
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
	return cedar_est_fail(&reading->est, json, "`staticPolicies` is an object, a list or a text%.*s",
	                      CEDAR_TEXT(""));
}

static bool
templates_from_json(struct reading *reading, const struct cedar_json *json)
{
	if (json == NULL)
		return true;
	if (json->kind != CEDAR_JSON_OBJECT)
		return cedar_est_fail(&reading->est, json, "templates stand in an object, by their ids%.*s",
		                      CEDAR_TEXT(""));
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
template_unknown(struct reading *reading, const struct cedar_json *id)
{
	struct cedar_near near = { .word = id->text };
	size_t i;

	for (i = 0; i < reading->set->template_count; i++)
		cedar_near_try(&near, reading->set->templates[i].id);
	cedar_est_fail(&reading->est, id, "there is no template `%.*s`", id->text);
	return cedar_near_suggest(&near, reading->est.fault);
}

static bool
link_from_json(struct reading *reading, const struct cedar_json *json)
{
	static const char *const names[] = { "templateId", "newId", "values", NULL };
	static const char *const slots[] = { "?principal", "?resource", NULL };
	struct cedar_est *est = &reading->est;
	const struct cedar_json *template_id, *new_id, *values;
	const struct cedar_policy *template;
	const struct cedar_uid *principal, *resource;
	struct cedar_policy policy;
	struct cedar_fault inner;
	struct cedar_text id;

	if (!cedar_est_structure(est, json, names, 3))
		return false;
	template_id = cedar_json_part(json, names, 0);
	new_id = cedar_json_part(json, names, 1);
	values = cedar_json_part(json, names, 2);
	if (!cedar_json_has_kind(template_id, CEDAR_JSON_STRING) || !cedar_json_has_kind(new_id, CEDAR_JSON_STRING) ||
	    values == NULL)
		return cedar_est_fail(est, json, "a link has `templateId`, `newId` and `values`%.*s", CEDAR_TEXT(""));
	template = cedar_table_find(&reading->templates, template_id->text, CEDAR_TEXT(""));
	if (template == NULL)
		return template_unknown(reading, template_id);
	if (!cedar_est_fields(est, values, slots) || !link_value(est, values, slots[0], &principal) ||
	    !link_value(est, values, slots[1], &resource) || !id_take(reading, new_id, new_id->text, &id))
		return false;
	if (!cedar_template_link(template, id, principal, resource, &policy, &inner))
		return cedar_fault_set(est->fault, est->source, json->offset, "%s", inner.message);
	policy.offset = json->offset;
	return cedar_policies_add(reading->set, &policy) || cedar_est_out_of_memory(est);
}

/* All are there, and stay where they are. */
static bool
templates_name(struct reading *reading)
{
	size_t i;

	reading->templates.arena = reading->ids.arena;
	for (i = 0; i < reading->set->template_count; i++)
		if (!cedar_table_put(&reading->templates, reading->set->templates[i].id, CEDAR_TEXT(""),
		                     &reading->set->templates[i]))
			return cedar_est_out_of_memory(&reading->est);
	return true;
}

static bool
links_from_json(struct reading *reading, const struct cedar_json *json)
{
	size_t i;

	if (json == NULL)
		return true;
	if (!templates_name(reading))
		return false;
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

/* A policy, and no set: it has an effect, or is a list that begins with one. */
static bool
is_policy(const struct cedar_json *json)
{
	const struct cedar_json *first = json->kind == CEDAR_JSON_ARRAY && json->count > 0 ? &json->items[0] : NULL;

	return cedar_json_get(json, "effect") != NULL || cedar_est_is_word(first, "permit") ||
	       cedar_est_is_word(first, "forbid");
}

static bool
set_from_json(struct reading *reading, const struct cedar_json *json)
{
	static const char *const names[] = { "staticPolicies", "templates", "templateLinks", NULL };

	if (is_policy(json))
		return single_from_json(reading, json);
	return cedar_est_structure(&reading->est, json, names, 0) &&
	       static_from_json(reading, cedar_json_part(json, names, 0)) &&
	       templates_from_json(reading, cedar_json_part(json, names, 1)) &&
	       links_from_json(reading, cedar_json_part(json, names, 2));
}

static bool
read_all(struct reading *reading)
{
	struct cedar_json json;

	if (!cedar_json_parse_deep(reading->ids.arena, reading->est.source, CEDAR_EST_LEVELS_MAX, &json,
	                           reading->est.fault) ||
	    !set_from_json(reading, &json))
		return false;
	return (cedar_lines_take(&reading->set->arena, reading->est.source, &reading->set->lines) &&
	        cedar_policies_finish(reading->set)) ||
	       cedar_est_out_of_memory(&reading->est);
}

bool
cedar_policies_parse_json(const struct cedar_memory *memory, struct cedar_text source, struct cedar_policies **out,
                          struct cedar_fault *fault)
{
	struct cedar_policies *set = cedar_policies_new(memory);
	struct cedar_arena tree, work;
	struct cedar_interner interner;
	struct reading reading = { .set = set,
		                   .ids = { .arena = &tree },
		                   .est = { .source = source, .fault = fault, .work = &work } };
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
