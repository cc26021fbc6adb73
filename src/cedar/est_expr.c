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
		return cedar_est_made(est, json, expr);
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
		return cedar_est_made(est, json, NULL);
	if (left->kind == kind)
		memcpy(items, left->items, count * sizeof *items);
	else
		items[0] = left;
	items[count] = right;
	return cedar_est_made(est, json, cedar_make_list(&est->maker, kind, 0, items, NULL, count + 1));
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
	return cedar_est_made(est, json, cedar_make_operation(&est->maker, kind, 0, left, right, NULL));
}

static const struct cedar_expr *
unary_expr(struct cedar_est *est, const struct cedar_json *json, enum cedar_node kind)
{
	static const char *const names[] = { "arg", NULL };
	const struct cedar_expr *operand;

	if (!cedar_est_fields(est, json, names) || (operand = field_expr(est, json, "arg")) == NULL)
		return NULL;
	return cedar_est_made(est, json, cedar_make_operation(&est->maker, kind, 0, operand, NULL, NULL));
}

static const struct cedar_expr *
path_expr(struct cedar_est *est, const struct cedar_json *json, const struct cedar_expr *object, const struct cedar_json *path)
{
	struct cedar_text *names = cedar_arena_take(est->arena, path->count * sizeof *names);
	size_t i;

	if (names == NULL)
		return cedar_est_made(est, json, NULL);
	for (i = 0; i < path->count; i++) {
		if (path->items[i].kind != CEDAR_JSON_STRING) {
			cedar_est_fail(est, path, "the names of attributes are strings%.*s", CEDAR_TEXT(""));
			return NULL;
		}
		if (!cedar_est_keep(est, path->items[i].text, &names[i]))
			return NULL;
	}
	return cedar_est_made(est, json, cedar_make_has_path(&est->maker, 0, object, names, path->count));
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
	if (kind == CEDAR_NODE_HAS && cedar_json_has_kind(name, CEDAR_JSON_ARRAY) && name->count > 0)
		return path_expr(est, json, object, name);
	if (!cedar_json_has_kind(name, CEDAR_JSON_STRING)) {
		cedar_est_fail(est, json, "`attr` is the name of an attribute%.*s", CEDAR_TEXT(""));
		return NULL;
	}
	if (!cedar_est_keep(est, name->text, &kept))
		return NULL;
	return cedar_est_made(est, json, cedar_make_named(&est->maker, kind, 0, object, kept));
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
		if (!cedar_json_has_kind(literal, CEDAR_JSON_STRING) || item->field_count != 1) {
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
	if (!cedar_json_has_kind(pattern, CEDAR_JSON_ARRAY)) {
		cedar_est_fail(est, json, "`pattern` is a list%.*s", CEDAR_TEXT(""));
		return NULL;
	}
	expr = (struct cedar_expr *)cedar_est_made(est, json, cedar_make_operation(&est->maker, CEDAR_NODE_LIKE, 0, subject, NULL, NULL));
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
	expr = (struct cedar_expr *)cedar_est_made(est, json, cedar_make_operation(&est->maker, CEDAR_NODE_IS, 0, tested, inside, NULL));
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
	return cedar_est_made(est, json, cedar_make_operation(&est->maker, CEDAR_NODE_IF, 0, test, yes, no));
}

static const struct cedar_expr *
node_expr(struct cedar_est *est, const struct cedar_json *json, enum cedar_node kind)
{
	switch (kind) {
	case CEDAR_NODE_LITERAL:
		return cedar_est_value(est, json);
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
		return cedar_est_list(est, json, kind, cedar_est_expr);
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
	items = cedar_est_items(est, json, cedar_est_expr, &count);
	return items ? cedar_est_call(est, json, function, items, count) : NULL;
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
