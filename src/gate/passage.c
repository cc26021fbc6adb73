/* A passage's arguments, its answer, and what it says when it fails. */
#include "gate/inside.h"

#include "base/memory.h"
#include "base/text.h"
#include "vault/vault.h"

#include <stdarg.h>
#include <stdio.h>

static int
free_passage(struct passage *p)
{
	json_decref(p->input);
	json_decref(p->json);
	return 0;
}

struct passage *
passage_new(const void *owner, const struct operation *operation)
{
	struct passage *p = NEW(owner, struct passage);
	p->operation = operation;
	p->args = memory_zeroed(p, operation->args_size + 1, 1, "arguments");
	random_bytes(p->id, sizeof p->id);
	text_hex(slice_of(p->id, sizeof p->id), p->id_text);
	p->input = json_object();
	talloc_set_destructor(p, free_passage);
	return p;
}

const char *
passage_says(const struct passage *p, const char *english, const char *japanese)
{
	return p->language == JAPANESE && japanese && japanese[0] ? japanese : english;
}

err_t
passage_fail(struct passage *p, err_t e, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	p->detail_text = talloc_vasprintf(p, format, arguments);
	va_end(arguments);
	return e;
}

err_t
passage_answer(struct passage *p, json_t *json)
{
	json_decref(p->json);
	p->json = json;
	return NULL;
}

void
passage_header(struct passage *p, const char *name, const char *format, ...)
{
	va_list arguments;
	if (p->header_count == ANSWER_HEADERS)
		return;
	va_start(arguments, format);
	p->headers[p->header_count++] = (struct answer_header){ name, talloc_vasprintf(p, format, arguments) };
	va_end(arguments);
}

struct slice
passage_resource(struct passage *p)
{
	if (!p->subscriber.size)
		return (struct slice){ NULL, 0 };
	return slice_text(memory_format(p, "%.*s%s%.*s%s%.*s", SLICE_ARGUMENTS(p->subscriber), p->collection.size ? "/" : "",
	                                SLICE_ARGUMENTS(p->collection), p->object.size ? "/" : "", SLICE_ARGUMENTS(p->object)));
}

/* ---- arguments ---- */

static const char *const wanted[] = {
	[FIELD_NAME] = "1 to 63 of a-z, 0-9 and -",
	[FIELD_OBJECT_ID] = "1 to 128 of A-Z, a-z, 0-9, '.', '_' and '-'",
	[FIELD_TEXT] = "text in UTF-8, not empty, and no longer than allowed",
	[FIELD_SECRET] = "text in UTF-8",
	[FIELD_NUMBER] = "a whole number in its range",
	[FIELD_FLAG] = "true or false",
	[FIELD_TIME] = "a time as in 2026-11-24T10:00:00Z",
	[FIELD_DURATION] = "a duration as in 10m, 12h or 7d",
	[FIELD_JSON] = "JSON",
};

static bool
set_slice(void *to, struct slice value, bool good)
{
	if (good)
		*(struct slice *)to = value;
	return good;
}

static bool
set_number(const struct field *f, void *to, struct slice value)
{
	uint64_t n;
	if (text_number_parse(value, &n) || n > (uint64_t)(f->most ? f->most : INT64_MAX))
		return false;
	*(int64_t *)to = (int64_t)n;
	return true;
}

static bool
set_field(struct passage *p, const struct field *f, struct slice value)
{
	void *to = (uint8_t *)p->args + f->offset;
	size_t most = f->most ? (size_t)f->most : 256;
	switch (f->type) {
	case FIELD_NAME:
		return set_slice(to, value, text_is_name(value));
	case FIELD_OBJECT_ID:
		return set_slice(to, value, object_id_check(value));
	case FIELD_TEXT:
	case FIELD_SECRET:
		return set_slice(to, value, value.size && value.size <= most && text_is_utf8(value));
	case FIELD_NUMBER:
		return set_number(f, to, value);
	case FIELD_FLAG:
		*(bool *)to = slice_is(value, "true");
		return *(bool *)to || slice_is(value, "false");
	case FIELD_TIME:
		return text_time_parse(value, to) == NULL;
	case FIELD_DURATION:
		return text_duration_parse(value, to) == NULL;
	case FIELD_JSON:
		break;
	}
	return false;
}

static const struct field *
find_field(const struct operation *o, struct slice name, enum field_place place)
{
	for (const struct field *f = o->fields; f && f->name; f++)
		if (f->place == place && slice_is(name, f->name))
			return f;
	return NULL;
}

static fallible
refuse_field(struct passage *p, const struct field *f, struct slice value)
{
	if (f->type == FIELD_SECRET || !text_is_utf8(value) || value.size > 80)
		return passage_fail(p, E_ARGUMENT, "%s: expected %s", f->name, wanted[f->type]);
	return passage_fail(p, E_ARGUMENT, "%s: expected %s, not '%.*s'", f->name, wanted[f->type], SLICE_ARGUMENTS(value));
}

static fallible
take_json_text(struct passage *p, const struct field *f, struct slice value)
{
	json_t *j = json_loadb((const char *)value.data, value.size, JSON_REJECT_DUPLICATES, NULL);
	if (!j)
		return refuse_field(p, f, value);
	*(json_t **)((uint8_t *)p->args + f->offset) = j;
	json_object_set_new(p->input, f->name, j);
	return NULL;
}

static fallible
take_text(struct passage *p, const struct field *f, struct slice value)
{
	if (f->type == FIELD_JSON)
		return take_json_text(p, f, value);
	struct slice kept = memory_copy(p, value);
	if (!set_field(p, f, kept))
		return refuse_field(p, f, value);
	if (f->type != FIELD_SECRET && p->operation->effect == EFFECT_CHANGE)
		json_object_set_new(p->input, f->name, json_stringn((const char *)kept.data, kept.size));
	if (strcmp(f->name, "subscriber") == 0)
		p->subscriber = kept;
	else if (strcmp(f->name, "collection") == 0)
		p->collection = kept;
	else if (strcmp(f->name, "id") == 0 && p->operation->resource == RESOURCE_OBJECT)
		p->object = kept;
	return NULL;
}

static fallible
take_json(struct passage *p, const struct field *f, json_t *value)
{
	if (f->type == FIELD_JSON) {
		*(json_t **)((uint8_t *)p->args + f->offset) = value;
		json_object_set(p->input, f->name, value);      /* which keeps it as long as the passage */
		return NULL;
	}
	if (json_is_string(value))
		return take_text(p, f, slice_of(json_string_value(value), json_string_length(value)));
	if (json_is_boolean(value))
		return take_text(p, f, json_is_true(value) ? LITERAL("true") : LITERAL("false"));
	if (json_is_integer(value) && json_integer_value(value) >= 0)
		return take_text(p, f, slice_text(memory_format(p, "%lld", (long long)json_integer_value(value))));
	return refuse_field(p, f, LITERAL("…"));
}

static fallible
take_body(struct passage *p, json_t *body)
{
	const char *name;
	json_t *value;
	json_object_foreach(body, name, value) {
		const struct field *f = find_field(p->operation, slice_text(name), PLACE_BODY);
		if (!f)
			return passage_fail(p, E_ARGUMENT, "'%.40s' is not an argument of %s", name, p->operation->name);
		if (!json_is_null(value))
			TRY(take_json(p, f, value));
	}
	return NULL;
}

fallible
passage_arguments_again(struct passage *p, json_t *input)
{
	for (const struct field *f = p->operation->fields; f && f->name; f++) {
		json_t *value = json_object_get(input, f->name);
		if (value)
			TRY(take_json(p, f, value));
	}
	return NULL;
}

static bool
is_given(const struct field *f, const struct given *g)
{
	json_t *value = f->place == PLACE_BODY ? json_object_get(g->body, f->name) : NULL;
	if (value && !json_is_null(value))
		return true;
	for (size_t i = 0; i < g->count; i++)
		if (g->values[i].place == f->place && slice_is(g->values[i].name, f->name))
			return true;
	return false;
}

fallible
passage_arguments(struct passage *p, const struct given *g)
{
	for (size_t i = 0; i < g->count; i++) {
		const struct field *f = find_field(p->operation, g->values[i].name, g->values[i].place);
		if (!f)
			return passage_fail(p, E_ARGUMENT, "'%.*s' is not an argument of %s", SLICE_ARGUMENTS(g->values[i].name),
			                    p->operation->name);
		TRY(take_text(p, f, g->values[i].value));
	}
	if (g->body)
		TRY(take_body(p, g->body));
	for (const struct field *f = p->operation->fields; f && f->name; f++)
		if (f->required && !is_given(f, g))
			return passage_fail(p, E_ARGUMENT, "%s is missing: %s", f->name, wanted[f->type]);
	return NULL;
}
