/* est_expr.c - expressions out of the JSON format. */
#include "cedar/est.h"

const char *const cedar_variable_names[4] = { "principal", "action", "resource", "context" };

const char *const cedar_est_operators[CEDAR_NODE_CALL + 1] = {
	[CEDAR_NODE_AND] = "&&",
	[CEDAR_NODE_OR] = "||",
	[CEDAR_NODE_NOT] = "!",
	[CEDAR_NODE_NEGATE] = "neg",
	[CEDAR_NODE_EQUAL] = "==",
	[CEDAR_NODE_NOT_EQUAL] = "!=",
	[CEDAR_NODE_LESS] = "<",
	[CEDAR_NODE_LESS_EQUAL] = "<=",
	[CEDAR_NODE_GREATER] = ">",
	[CEDAR_NODE_GREATER_EQUAL] = ">=",
	[CEDAR_NODE_IN] = "in",
	[CEDAR_NODE_ADD] = "+",
	[CEDAR_NODE_SUBTRACT] = "-",
	[CEDAR_NODE_MULTIPLY] = "*",
	[CEDAR_NODE_CONTAINS] = "contains",
	[CEDAR_NODE_CONTAINS_ALL] = "containsAll",
	[CEDAR_NODE_CONTAINS_ANY] = "containsAny",
	[CEDAR_NODE_GET_TAG] = "getTag",
	[CEDAR_NODE_HAS_TAG] = "hasTag",
	[CEDAR_NODE_IS_EMPTY] = "isEmpty",
	[CEDAR_NODE_ATTRIBUTE] = ".",
	[CEDAR_NODE_HAS] = "has",
	[CEDAR_NODE_LIKE] = "like",
	[CEDAR_NODE_IS] = "is",
	[CEDAR_NODE_IF] = "if-then-else",
	[CEDAR_NODE_SET] = "Set",
	[CEDAR_NODE_RECORD] = "Record",
	[CEDAR_NODE_LITERAL] = "Value",
	[CEDAR_NODE_VARIABLE] = "Var",
};

/* NULL with a fault where making failed: too deep, or no memory. */
static const struct cedar_expr *
made(struct cedar_est *est, const struct cedar_json *at, const struct cedar_expr *expr)
{
	if (expr != NULL)
		return expr;
	if (est->maker.too_deep)
		cedar_fault_set(est->fault, est->source, at->offset, "the expression is nested more than %d deep", CEDAR_DEPTH_MAX);
	else
		cedar_est_out_of_memory(est);
	return NULL;
}

static const struct cedar_expr *value_expr(struct cedar_est *, const struct cedar_json *);

/* Every item of an array, or value of an object, read by `read`. */
static const struct cedar_expr *const *
list_exprs(struct cedar_est *est, const struct cedar_json *json,
	const struct cedar_expr *(*read)(struct cedar_est *, const struct cedar_json *), size_t *count)
{
	bool object = json->kind == CEDAR_JSON_OBJECT;
	const struct cedar_expr **items;
	size_t i;

	*count = object ? json->field_count : json->count;
	items = cedar_arena_take(est->arena, *count * sizeof *items);
	if (items == NULL) {
		cedar_est_out_of_memory(est);
		return NULL;
	}
	for (i = 0; i < *count; i++)
		if ((items[i] = read(est, object ? &json->fields[i].value : &json->items[i])) == NULL)
			return NULL;
	return items;
}

static const struct cedar_expr *
list_node(struct cedar_est *est, const struct cedar_json *json, enum cedar_node kind,
	const struct cedar_expr *(*read)(struct cedar_est *, const struct cedar_json *))
{
	const struct cedar_expr *const *items;
	struct cedar_text *names = NULL;
	size_t count, i;

	if (json->kind != (kind == CEDAR_NODE_RECORD ? CEDAR_JSON_OBJECT : CEDAR_JSON_ARRAY)) {
		cedar_est_fail(est, json, "this is not the list or object that is expected here%.*s", CEDAR_TEXT(""));
		return NULL;
	}
	items = list_exprs(est, json, read, &count);
	if (items == NULL)
		return NULL;
	if (kind == CEDAR_NODE_RECORD) {
		names = cedar_arena_take(est->arena, count * sizeof *names);
		if (names == NULL)
			return made(est, json, NULL);
		for (i = 0; i < count; i++)
			if (!cedar_est_keep(est, json->fields[i].name, &names[i]))
				return NULL;
	}
	return made(est, json, cedar_make_list(&est->maker, kind, 0, items, names, count));
}

static const struct cedar_expr *
call_node(struct cedar_est *est, const struct cedar_json *at, enum cedar_function function, const struct cedar_expr *const *items,
	size_t count)
{
	struct cedar_expr *expr = (struct cedar_expr *)made(est, at,
		cedar_make_list(&est->maker, CEDAR_NODE_CALL, 0, items, NULL, count));

	if (expr != NULL)
		expr->detail = (uint8_t)function;
	return expr;
}

/* {"fn": …, "arg": …} or {"fn": …, "args": […]} */
static const struct cedar_expr *
escaped_call(struct cedar_est *est, const struct cedar_json *json, const struct cedar_json *name)
{
	const struct cedar_json *one = cedar_json_get(json, "arg"), *many = cedar_json_get(json, "args");
	enum cedar_function function = cedar_function_find(name->text);
	const struct cedar_expr **item, *const *items;
	size_t count = 1;

	if (function == CEDAR_CALL_COUNT) {
		cedar_est_fail(est, name, "there is no function `%.*s`", name->text);
		return NULL;
	}
	if (one != NULL) {
		item = cedar_arena_take(est->arena, sizeof *item);
		if (item == NULL)
			return made(est, json, NULL);
		*item = value_expr(est, one);
		items = *item ? item : NULL;
	} else {
		items = list_exprs(est, many, value_expr, &count);
	}
	return items ? call_node(est, json, function, items, count) : NULL;
}

static bool
is_kind(const struct cedar_json *json, enum cedar_json_kind kind)
{
	return json != NULL && json->kind == kind;
}

/* An object that stands for something else than a record; false if it is a record. */
static bool
is_escape(const struct cedar_json *json, const char *key, const struct cedar_json **inner)
{
	const struct cedar_json *fn;

	if (json->field_count != 1 || !cedar_text_is(json->fields[0].name, key))
		return false;
	*inner = &json->fields[0].value;
	if (!is_kind(*inner, CEDAR_JSON_OBJECT))
		return false;
	if (strcmp(key, "__entity") == 0)
		return is_kind(cedar_json_get(*inner, "type"), CEDAR_JSON_STRING) &&
			is_kind(cedar_json_get(*inner, "id"), CEDAR_JSON_STRING);
	fn = cedar_json_get(*inner, "fn");
	return is_kind(fn, CEDAR_JSON_STRING) &&
		(cedar_json_get(*inner, "arg") != NULL || is_kind(cedar_json_get(*inner, "args"), CEDAR_JSON_ARRAY));
}

static const struct cedar_expr *
entity_expr(struct cedar_est *est, const struct cedar_json *json)
{
	struct cedar_uid *uid = cedar_arena_take(est->arena, sizeof *uid);

	if (uid == NULL)
		return made(est, json, NULL);
	if (!cedar_est_uid(est, json, uid))
		return NULL;
	return made(est, json, cedar_make_value(&est->maker, 0, (struct cedar_value){ .kind = CEDAR_ENTITY, .entity = uid }));
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
		is_kind(&json->fields[0].value, CEDAR_JSON_STRING)) {
		cedar_est_fail(est, json, "`__expr` is no longer part of the format%.*s", CEDAR_TEXT(""));
		return NULL;
	}
	return list_node(est, json, CEDAR_NODE_RECORD, value_expr);
}

/* What stands in {"Value": …}. */
static const struct cedar_expr *
value_expr(struct cedar_est *est, const struct cedar_json *json)
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
		return list_node(est, json, CEDAR_NODE_SET, value_expr);
	case CEDAR_JSON_OBJECT:
		return object_expr(est, json);
	case CEDAR_JSON_NULL:
	case CEDAR_JSON_REAL:
		cedar_est_fail(est, json, "Cedar has no null and no numbers but 64-bit integers%.*s", CEDAR_TEXT(""));
		return NULL;
	}
	return made(est, json, cedar_make_value(&est->maker, 0, value));
}

static const struct cedar_expr *
variable_expr(struct cedar_est *est, const struct cedar_json *json)
{
	struct cedar_expr *expr;
	uint8_t i;

	for (i = 0; i < 4; i++) {
		if (json->kind != CEDAR_JSON_STRING || !cedar_text_is(json->text, cedar_variable_names[i]))
			continue;
		expr = cedar_make(&est->maker, CEDAR_NODE_VARIABLE, 0);
		if (expr != NULL)
			expr->detail = i;
		return made(est, json, expr);
	}
	cedar_est_fail(est, json, "a variable is principal, action, resource or context%.*s", CEDAR_TEXT(""));
	return NULL;
}

static const struct cedar_expr *
field_expr(struct cedar_est *est, const struct cedar_json *json, const char *name)
{
	const struct cedar_json *field = cedar_json_get(json, name);

	if (field == NULL) {
		cedar_est_fail(est, json, "the field `%.*s` is missing", cedar_text_of(name));
		return NULL;
	}
	return cedar_est_expr(est, field);
}

/* (a && b) && c is one list of three. */
static const struct cedar_expr *
join_expr(struct cedar_est *est, const struct cedar_json *json, enum cedar_node kind, const struct cedar_expr *left,
	const struct cedar_expr *right)
{
	size_t count = left->kind == kind ? left->count : 1;
	const struct cedar_expr **items = cedar_arena_take(est->arena, (count + 1) * sizeof *items);

	if (items == NULL)
		return made(est, json, NULL);
	if (left->kind == kind)
		memcpy(items, left->items, count * sizeof *items);
	else
		items[0] = left;
	items[count] = right;
	return made(est, json, cedar_make_list(&est->maker, kind, 0, items, NULL, count + 1));
}

static const struct cedar_expr *
binary_expr(struct cedar_est *est, const struct cedar_json *json, enum cedar_node kind)
{
	static const char *const names[] = { "left", "right", NULL };
	const struct cedar_expr *left, *right;

	if (!cedar_est_fields(est, json, names) || (left = field_expr(est, json, "left")) == NULL ||
		(right = field_expr(est, json, "right")) == NULL)
		return NULL;
	if (kind == CEDAR_NODE_AND || kind == CEDAR_NODE_OR)
		return join_expr(est, json, kind, left, right);
	return made(est, json, cedar_make_operation(&est->maker, kind, 0, left, right, NULL));
}

static const struct cedar_expr *
unary_expr(struct cedar_est *est, const struct cedar_json *json, enum cedar_node kind)
{
	static const char *const names[] = { "arg", NULL };
	const struct cedar_expr *operand;

	if (!cedar_est_fields(est, json, names) || (operand = field_expr(est, json, "arg")) == NULL)
		return NULL;
	return made(est, json, cedar_make_operation(&est->maker, kind, 0, operand, NULL, NULL));
}

static const struct cedar_expr *
path_expr(struct cedar_est *est, const struct cedar_json *json, const struct cedar_expr *object, const struct cedar_json *path)
{
	struct cedar_text *names = cedar_arena_take(est->arena, path->count * sizeof *names);
	size_t i;

	if (names == NULL)
		return made(est, json, NULL);
	for (i = 0; i < path->count; i++) {
		if (path->items[i].kind != CEDAR_JSON_STRING) {
			cedar_est_fail(est, path, "the names of attributes are strings%.*s", CEDAR_TEXT(""));
			return NULL;
		}
		if (!cedar_est_keep(est, path->items[i].text, &names[i]))
			return NULL;
	}
	return made(est, json, cedar_make_has_path(&est->maker, 0, object, names, path->count));
}

static const struct cedar_expr *
attribute_expr(struct cedar_est *est, const struct cedar_json *json, enum cedar_node kind)
{
	static const char *const names[] = { "left", "attr", NULL };
	const struct cedar_json *name = cedar_json_get(json, "attr");
	const struct cedar_expr *object;
	struct cedar_text kept;

	if (kind != CEDAR_NODE_HAS && !cedar_est_fields(est, json, names)) /* the reference minds no more fields in `has` */
		return NULL;
	object = field_expr(est, json, "left");
	if (object == NULL)
		return NULL;
	if (kind == CEDAR_NODE_HAS && is_kind(name, CEDAR_JSON_ARRAY) && name->count > 0)
		return path_expr(est, json, object, name);
	if (!is_kind(name, CEDAR_JSON_STRING)) {
		cedar_est_fail(est, json, "`attr` is the name of an attribute%.*s", CEDAR_TEXT(""));
		return NULL;
	}
	if (!cedar_est_keep(est, name->text, &kept))
		return NULL;
	return made(est, json, cedar_make_named(&est->maker, kind, 0, object, kept));
}

/* "Wildcard" or {"Literal": text}; pieces are joined, stars stand between them. */
static struct cedar_pattern *
pattern_of(struct cedar_est *est, const struct cedar_json *json)
{
	struct cedar_pattern *pattern = cedar_arena_take(est->arena, sizeof *pattern);
	struct cedar_text *pieces = cedar_arena_take(est->arena, (json->count + 1) * sizeof *pieces);
	size_t i, piece = 0;

	if (pattern == NULL || pieces == NULL) {
		cedar_est_out_of_memory(est);
		return NULL;
	}
	pieces[0] = CEDAR_TEXT("");
	for (i = 0; i < json->count; i++) {
		const struct cedar_json *item = &json->items[i], *literal = cedar_json_get(item, "Literal");

		if (cedar_json_is(item, "Wildcard")) {
			pieces[++piece] = CEDAR_TEXT("");
			continue;
		}
		if (!is_kind(literal, CEDAR_JSON_STRING) || item->field_count != 1) {
			cedar_est_fail(est, item, "a pattern is a list of \"Wildcard\" and {\"Literal\": …}%.*s", CEDAR_TEXT(""));
			return NULL;
		}
		pieces[piece] = cedar_text_join(est->arena, pieces[piece], "", literal->text);
		if (pieces[piece].data == NULL) {
			cedar_est_out_of_memory(est);
			return NULL;
		}
	}
	*pattern = (struct cedar_pattern){ piece + 1, pieces };
	return pattern;
}

static const struct cedar_expr *
like_expr(struct cedar_est *est, const struct cedar_json *json)
{
	static const char *const names[] = { "left", "pattern", NULL };
	const struct cedar_json *pattern = cedar_json_get(json, "pattern");
	const struct cedar_expr *subject;
	struct cedar_expr *expr;

	if (!cedar_est_fields(est, json, names) || (subject = field_expr(est, json, "left")) == NULL)
		return NULL;
	if (!is_kind(pattern, CEDAR_JSON_ARRAY)) {
		cedar_est_fail(est, json, "`pattern` is a list%.*s", CEDAR_TEXT(""));
		return NULL;
	}
	expr = (struct cedar_expr *)made(est, json, cedar_make_operation(&est->maker, CEDAR_NODE_LIKE, 0, subject, NULL, NULL));
	if (expr == NULL || (expr->pattern = pattern_of(est, pattern)) == NULL)
		return NULL;
	return expr;
}

static const struct cedar_expr *
is_expr(struct cedar_est *est, const struct cedar_json *json)
{
	static const char *const names[] = { "left", "entity_type", "in", NULL };
	const struct cedar_json *type = cedar_json_get(json, "entity_type"), *in = cedar_json_get(json, "in");
	const struct cedar_expr *tested, *inside = NULL;
	struct cedar_expr *expr;

	if (!cedar_est_fields(est, json, names) || (tested = field_expr(est, json, "left")) == NULL)
		return NULL;
	if (in != NULL && in->kind != CEDAR_JSON_NULL && (inside = cedar_est_expr(est, in)) == NULL)
		return NULL;
	if (type == NULL) {
		cedar_est_fail(est, json, "the field `%.*s` is missing", CEDAR_TEXT("entity_type"));
		return NULL;
	}
	expr = (struct cedar_expr *)made(est, json, cedar_make_operation(&est->maker, CEDAR_NODE_IS, 0, tested, inside, NULL));
	if (expr == NULL || !cedar_est_type(est, type, &expr->type))
		return NULL;
	return expr;
}

static const struct cedar_expr *
if_expr(struct cedar_est *est, const struct cedar_json *json)
{
	static const char *const names[] = { "if", "then", "else", NULL };
	const struct cedar_expr *test, *yes, *no;

	if (!cedar_est_fields(est, json, names) || (test = field_expr(est, json, "if")) == NULL ||
		(yes = field_expr(est, json, "then")) == NULL || (no = field_expr(est, json, "else")) == NULL)
		return NULL;
	return made(est, json, cedar_make_operation(&est->maker, CEDAR_NODE_IF, 0, test, yes, no));
}

static const struct cedar_expr *
node_expr(struct cedar_est *est, const struct cedar_json *json, enum cedar_node kind)
{
	switch (kind) {
	case CEDAR_NODE_LITERAL:
		return value_expr(est, json);
	case CEDAR_NODE_VARIABLE:
		return variable_expr(est, json);
	case CEDAR_NODE_IF:
		return if_expr(est, json);
	case CEDAR_NODE_NOT:
	case CEDAR_NODE_NEGATE:
	case CEDAR_NODE_IS_EMPTY:
		return unary_expr(est, json, kind);
	case CEDAR_NODE_ATTRIBUTE:
	case CEDAR_NODE_HAS:
		return attribute_expr(est, json, kind);
	case CEDAR_NODE_LIKE:
		return like_expr(est, json);
	case CEDAR_NODE_IS:
		return is_expr(est, json);
	case CEDAR_NODE_SET:
	case CEDAR_NODE_RECORD:
		return list_node(est, json, kind, cedar_est_expr);
	case CEDAR_NODE_AND:
	case CEDAR_NODE_OR:
	case CEDAR_NODE_EQUAL:
	case CEDAR_NODE_NOT_EQUAL:
	case CEDAR_NODE_LESS:
	case CEDAR_NODE_LESS_EQUAL:
	case CEDAR_NODE_GREATER:
	case CEDAR_NODE_GREATER_EQUAL:
	case CEDAR_NODE_IN:
	case CEDAR_NODE_ADD:
	case CEDAR_NODE_SUBTRACT:
	case CEDAR_NODE_MULTIPLY:
	case CEDAR_NODE_CONTAINS:
	case CEDAR_NODE_CONTAINS_ALL:
	case CEDAR_NODE_CONTAINS_ANY:
	case CEDAR_NODE_GET_TAG:
	case CEDAR_NODE_HAS_TAG:
	case CEDAR_NODE_CALL:
		break;
	}
	return binary_expr(est, json, kind);
}

static const struct cedar_expr *
call_expr(struct cedar_est *est, const struct cedar_json *json, enum cedar_function function)
{
	const struct cedar_expr *const *items;
	size_t count;

	if (json->kind != CEDAR_JSON_ARRAY) {
		cedar_est_fail(est, json, "the arguments of a function are a list%.*s", CEDAR_TEXT(""));
		return NULL;
	}
	items = list_exprs(est, json, cedar_est_expr, &count);
	return items ? call_node(est, json, function, items, count) : NULL;
}

const struct cedar_expr *
cedar_est_expr(struct cedar_est *est, const struct cedar_json *json)
{
	enum cedar_function function;
	struct cedar_text name;
	int kind;

	if (json->kind != CEDAR_JSON_OBJECT || json->field_count != 1) {
		cedar_est_fail(est, json, "an expression is an object with one key, its operator%.*s", CEDAR_TEXT(""));
		return NULL;
	}
	name = json->fields[0].name;
	function = cedar_function_find(name);
	if (function != CEDAR_CALL_COUNT)
		return call_expr(est, &json->fields[0].value, function);
	for (kind = 0; kind < CEDAR_NODE_CALL; kind++)
		if (cedar_est_operators[kind] != NULL && cedar_text_is(name, cedar_est_operators[kind]))
			return node_expr(est, &json->fields[0].value, (enum cedar_node)kind);
	cedar_est_fail(est, json, cedar_text_is(name, "Slot") ? "slots stand only in the scope%.*s" : "there is no operator `%.*s`",
		cedar_text_is(name, "Slot") ? CEDAR_TEXT("") : name);
	return NULL;
}
