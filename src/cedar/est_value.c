/* est_value.c - what stands in {"Value": …}: literals, sets, records, entities, calls. */
#include "cedar/est.h"

bool
cedar_est_enter(struct cedar_est *est, const struct cedar_json *at)
{
	return ++est->depth <= CEDAR_DEPTH_MAX + 1 || /* a literal counts twice; the maker counts exactly */
	       cedar_fault_set(est->fault, est->source, at->offset, "the expression is nested more than %d deep",
	                       CEDAR_DEPTH_MAX);
}

const struct cedar_expr *
cedar_est_made(struct cedar_est *est, const struct cedar_json *at, const struct cedar_expr *expr)
{
	if (expr != NULL)
		return expr;
	if (est->maker.too_deep)
		cedar_fault_set(est->fault, est->source, at->offset, "the expression is nested more than %d deep",
		                CEDAR_DEPTH_MAX);
	else
		cedar_est_out_of_memory(est);
	return NULL;
}

const struct cedar_expr *const *
cedar_est_items(struct cedar_est *est, const struct cedar_json *json,
                const struct cedar_expr *(*read)(struct cedar_est *, const struct cedar_json *), size_t *count)
{
	bool object = json->kind == CEDAR_JSON_OBJECT;
	const struct cedar_expr **items;
	size_t i;

	*count = object ? json->field_count : json->count;
	items = cedar_arena_take(est->work, *count * sizeof *items);
	if (items == NULL) {
		cedar_est_out_of_memory(est);
		return NULL;
	}
	for (i = 0; i < *count; i++)
		if ((items[i] = read(est, object ? &json->fields[i].value : &json->items[i])) == NULL)
			return NULL;
	return items;
}

const struct cedar_expr *
cedar_est_list(struct cedar_est *est, const struct cedar_json *json, enum cedar_node kind,
               const struct cedar_expr *(*read)(struct cedar_est *, const struct cedar_json *))
{
	const struct cedar_expr *const *items;
	struct cedar_text *names = NULL;
	size_t count, i;

	if (json->kind != (kind == CEDAR_NODE_RECORD ? CEDAR_JSON_OBJECT : CEDAR_JSON_ARRAY)) {
		cedar_est_fail(est, json, "this is not the list or object that is expected here%.*s", CEDAR_TEXT(""));
		return NULL;
	}
	items = cedar_est_items(est, json, read, &count);
	if (items == NULL)
		return NULL;
	if (kind == CEDAR_NODE_RECORD) {
		names = cedar_arena_take(est->work, count * sizeof *names);
		if (names == NULL)
			return cedar_est_made(est, json, NULL);
		for (i = 0; i < count; i++)
			if (!cedar_est_keep(est, json->fields[i].name, &names[i]))
				return NULL;
	}
	return cedar_est_made(est, json, cedar_make_list(&est->maker, kind, json->offset, items, names, count));
}

const struct cedar_expr *
cedar_est_call(struct cedar_est *est, const struct cedar_json *at, enum cedar_function function,
               const struct cedar_expr *const *items, size_t count)
{
	struct cedar_expr *expr = (struct cedar_expr *)cedar_est_made(
	    est, at, cedar_make_list(&est->maker, CEDAR_NODE_CALL, at->offset, items, NULL, count));

	if (expr != NULL)
		expr->detail = (uint8_t)function;
	return expr;
}

/* The reference finds out that there is no such function when it is called, or in validation. */
static const struct cedar_expr *
strange_call(struct cedar_est *est, const struct cedar_json *name, const struct cedar_expr *const *items, size_t count)
{
	struct cedar_text kept;

	if (!cedar_name_valid(name->text)) {
		cedar_est_fail(est, name, "`%.*s` is no name of a function", name->text);
		return NULL;
	}
	if (!cedar_est_keep(est, name->text, &kept))
		return NULL;
	return cedar_est_made(est, name,
	                      cedar_make_list(&est->maker, CEDAR_NODE_STRANGE, name->offset, items, &kept, count));
}

/* {"fn": …, "arg": …} or {"fn": …, "args": […]} */
static const struct cedar_expr *
escaped_call(struct cedar_est *est, const struct cedar_json *json, const struct cedar_json *name)
{
	const struct cedar_json *one = cedar_json_get(json, "arg"), *many = cedar_json_get(json, "args");
	enum cedar_function function = cedar_function_find(name->text);
	const struct cedar_expr **item, *const *items;
	size_t count = 1;

	if (one != NULL) {
		item = cedar_arena_take(est->work, sizeof *item);
		if (item == NULL)
			return cedar_est_made(est, json, NULL);
		*item = cedar_est_value(est, one);
		items = *item ? item : NULL;
	} else {
		items = cedar_est_items(est, many, cedar_est_value, &count);
	}
	if (items == NULL)
		return NULL;
	return function == CEDAR_CALL_COUNT ? strange_call(est, name, items, count)
	                                    : cedar_est_call(est, json, function, items, count);
}

/* An object that stands for something else than a record; false if it is a record. */
static bool
is_escape(const struct cedar_json *json, const char *key, const struct cedar_json **inner)
{
	const struct cedar_json *fn;

	if (json->field_count != 1 || !cedar_text_is(json->fields[0].name, key))
		return false;
	*inner = &json->fields[0].value;
	if (!cedar_json_has_kind(*inner, CEDAR_JSON_OBJECT))
		return false;
	if (strcmp(key, "__entity") == 0)
		return cedar_json_has_kind(cedar_json_get(*inner, "type"), CEDAR_JSON_STRING) &&
		       cedar_json_has_kind(cedar_json_get(*inner, "id"), CEDAR_JSON_STRING);
	fn = cedar_json_get(*inner, "fn");
	return cedar_json_has_kind(fn, CEDAR_JSON_STRING) &&
	       (cedar_json_get(*inner, "arg") != NULL ||
	        cedar_json_has_kind(cedar_json_get(*inner, "args"), CEDAR_JSON_ARRAY));
}

static const struct cedar_expr *
entity_expr(struct cedar_est *est, const struct cedar_json *json)
{
	const struct cedar_uid *kept;
	struct cedar_uid uid;

	if (!cedar_est_uid(est, json, &uid))
		return NULL;
	kept = cedar_intern_uids(est->maker.interner, &uid, 1);
	if (kept == NULL)
		return cedar_est_made(est, json, NULL);
	return cedar_est_made(
	    est, json,
	    cedar_make_value(&est->maker, json->offset, (struct cedar_value){ .kind = CEDAR_ENTITY, .entity = kept }));
}

static const struct cedar_expr *
object_expr(struct cedar_est *est, const struct cedar_json *json)
{
	const struct cedar_json *inner;

	if (is_escape(json, "__entity", &inner))
		return entity_expr(est, inner);
	if (is_escape(json, "__extn", &inner))
		return escaped_call(est, inner, cedar_json_get(inner, "fn"));
	if (json->field_count == 1 && cedar_text_is(json->fields[0].name, "__expr") &&
	    cedar_json_has_kind(&json->fields[0].value, CEDAR_JSON_STRING)) {
		cedar_est_fail(est, json, "`__expr` is no longer part of the format%.*s", CEDAR_TEXT(""));
		return NULL;
	}
	return cedar_est_list(est, json, CEDAR_NODE_RECORD, cedar_est_value);
}

static const struct cedar_expr *
any_value(struct cedar_est *est, const struct cedar_json *json)
{
	struct cedar_value value = { .kind = CEDAR_BOOL };

	switch ((enum cedar_json_kind)json->kind) {
	case CEDAR_JSON_BOOL:
		value.truth = json->truth;
		break;
	case CEDAR_JSON_LONG:
		value = (struct cedar_value){ .kind = CEDAR_LONG, .number = json->number };
		break;
	case CEDAR_JSON_STRING:
		value.kind = CEDAR_STRING;
		if (!cedar_est_keep(est, json->text, &value.text))
			return NULL;
		break;
	case CEDAR_JSON_ARRAY:
		return cedar_est_list(est, json, CEDAR_NODE_SET, cedar_est_value);
	case CEDAR_JSON_OBJECT:
		return object_expr(est, json);
	case CEDAR_JSON_NULL:
	case CEDAR_JSON_REAL:
		cedar_est_fail(est, json, "Cedar has no null and no numbers but 64-bit integers%.*s", CEDAR_TEXT(""));
		return NULL;
	}
	return cedar_est_made(est, json, cedar_make_value(&est->maker, json->offset, value));
}

const struct cedar_expr *
cedar_est_value(struct cedar_est *est, const struct cedar_json *json)
{
	const struct cedar_expr *expr = cedar_est_enter(est, json) ? any_value(est, json) : NULL;

	est->depth--;
	return expr;
}
