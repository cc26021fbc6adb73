/* est_expr.c - expressions out of the JSON format. */
#include "cedar/est.h"

const char *const cedar_variable_names[4] = { "principal", "action", "resource", "context" };

static const struct cedar_expr *
variable_expr(struct cedar_est *est, const struct cedar_json *json)
{
	struct cedar_expr *expr;
	uint8_t i;

	for (i = 0; i < 4; i++) {
		if (!cedar_est_is_word(json, cedar_variable_names[i]))
			continue;
		expr = cedar_make(&est->maker, CEDAR_NODE_VARIABLE, json->offset);
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

static const char *const sides[] = { "left", "right", NULL };

static const struct cedar_expr *
binary_expr(struct cedar_est *est, const struct cedar_json *json, enum cedar_node kind)
{
	const struct cedar_expr *left, *right;

	if (!cedar_est_fields(est, json, sides) || (left = field_expr(est, json, "left")) == NULL ||
	    (right = field_expr(est, json, "right")) == NULL)
		return NULL;
	return cedar_est_made(est, json, cedar_make_operation(&est->maker, kind, json->offset, left, right, NULL));
}

/* The sides of the same operator on the left of this one, or NULL. */
static const struct cedar_json *
further_left(const struct cedar_json *json, enum cedar_node kind)
{
	const struct cedar_json *left = cedar_json_get(json, "left");

	if (!cedar_json_has_kind(left, CEDAR_JSON_OBJECT) || left->field_count != 1 ||
	    !cedar_text_is(left->fields[0].name, cedar_operators[kind].name))
		return NULL;
	return &left->fields[0].value;
}

/* (a && b) && c is one list of three: however long it is, it is nested no deeper. */
static const struct cedar_expr *
chain_expr(struct cedar_est *est, const struct cedar_json *json, enum cedar_node kind)
{
	const struct cedar_expr **items;
	const struct cedar_json *at;
	size_t count = 1, i;

	for (at = json; at != NULL; at = further_left(at, kind), count++)
		if (!cedar_est_fields(est, at, sides))
			return NULL;
	items = cedar_arena_take(est->work, count * sizeof *items);
	if (items == NULL)
		return cedar_est_made(est, json, NULL);
	for (at = json, i = count - 1; at != NULL; at = further_left(at, kind), i--) {
		if ((items[i] = field_expr(est, at, "right")) == NULL)
			return NULL;
		if (i == 1 && (items[0] = field_expr(est, at, "left")) == NULL)
			return NULL;
	}
	return cedar_est_made(est, json, cedar_make_list(&est->maker, kind, json->offset, items, NULL, count));
}

static const struct cedar_expr *
unary_expr(struct cedar_est *est, const struct cedar_json *json, enum cedar_node kind)
{
	static const char *const names[] = { "arg", NULL };
	const struct cedar_expr *operand;

	if (!cedar_est_fields(est, json, names) || (operand = field_expr(est, json, "arg")) == NULL)
		return NULL;
	return cedar_est_made(est, json, cedar_make_operation(&est->maker, kind, json->offset, operand, NULL, NULL));
}

static const struct cedar_expr *
path_expr(struct cedar_est *est, const struct cedar_json *json, const struct cedar_expr *object,
          const struct cedar_json *path)
{
	struct cedar_text *names = cedar_arena_take(est->work, path->count * sizeof *names);
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
	return cedar_est_made(est, json, cedar_make_has_path(&est->maker, json->offset, object, names, path->count));
}

static const struct cedar_expr *
attribute_expr(struct cedar_est *est, const struct cedar_json *json, enum cedar_node kind)
{
	static const char *const names[] = { "left", "attr", NULL };
	const struct cedar_json *name = cedar_json_get(json, "attr");
	const struct cedar_expr *object;
	struct cedar_text kept;

	if (kind != CEDAR_NODE_HAS &&
	    !cedar_est_fields(est, json, names)) /* the reference minds no more fields in `has` */
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
	return cedar_est_made(est, json, cedar_make_named(&est->maker, kind, json->offset, object, kept));
}

/* "Wildcard" or {"Literal": text}; counts the stars and the bytes of the texts. */
static bool
pattern_measure(struct cedar_est *est, const struct cedar_json *json, size_t *stars, size_t *bytes)
{
	size_t i;

	*stars = *bytes = 0;
	for (i = 0; i < json->count; i++) {
		const struct cedar_json *item = &json->items[i], *literal = cedar_json_get(item, "Literal");

		if (cedar_est_is_word(item, "Wildcard"))
			++*stars;
		else if (cedar_json_has_kind(literal, CEDAR_JSON_STRING) && item->field_count == 1)
			*bytes += literal->text.size;
		else
			return cedar_est_fail(est, item, "a pattern is a list of \"Wildcard\" and {\"Literal\": …}%.*s",
			                      CEDAR_TEXT(""));
	}
	return true;
}

/* The texts between two stars are joined to one piece. */
static bool
pattern_join(struct cedar_est *est, const struct cedar_json *json, char *joined, struct cedar_text *pieces)
{
	size_t i, size = 0, piece = 0;

	for (i = 0; i <= json->count; i++) {
		bool end = i == json->count || cedar_est_is_word(&json->items[i], "Wildcard");
		struct cedar_text text = end ? CEDAR_TEXT("") : cedar_json_get(&json->items[i], "Literal")->text;

		if (end) {
			if (!cedar_est_keep(est, (struct cedar_text){ joined, size }, &pieces[piece++]))
				return false;
			size = 0;
		} else if (text.size > 0) {
			memcpy(joined + size, text.data, text.size);
			size += text.size;
		}
	}
	return true;
}

static struct cedar_pattern *
pattern_of(struct cedar_est *est, const struct cedar_json *json)
{
	struct cedar_pattern *pattern = cedar_arena_take(est->arena, sizeof *pattern);
	struct cedar_text *pieces;
	size_t stars, bytes;
	char *joined;

	if (!pattern_measure(est, json, &stars, &bytes))
		return NULL;
	pieces = cedar_arena_take(est->arena, (stars + 1) * sizeof *pieces);
	joined = cedar_arena_take(est->work, bytes);
	if (pattern == NULL || pieces == NULL || joined == NULL) {
		cedar_est_out_of_memory(est);
		return NULL;
	}
	if (!pattern_join(est, json, joined, pieces))
		return NULL;
	*pattern = (struct cedar_pattern){ stars + 1, pieces };
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
	expr = (struct cedar_expr *)cedar_est_made(
	    est, json, cedar_make_operation(&est->maker, CEDAR_NODE_LIKE, json->offset, subject, NULL, NULL));
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
	expr = (struct cedar_expr *)cedar_est_made(
	    est, json, cedar_make_operation(&est->maker, CEDAR_NODE_IS, json->offset, tested, inside, NULL));
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
	return cedar_est_made(est, json, cedar_make_operation(&est->maker, CEDAR_NODE_IF, json->offset, test, yes, no));
}

static const struct cedar_expr *
node_expr(struct cedar_est *est, const struct cedar_json *json, enum cedar_node kind)
{
	switch ((int)cedar_operators[kind].form) {
	case CEDAR_FORM_VALUE:
		return cedar_est_value(est, json);
	case CEDAR_FORM_LEAF:
		return variable_expr(est, json);
	case CEDAR_FORM_ONE:
		return unary_expr(est, json, kind);
	case CEDAR_FORM_THREE:
		return if_expr(est, json);
	case CEDAR_FORM_LIST:
		return kind == CEDAR_NODE_AND || kind == CEDAR_NODE_OR
		           ? chain_expr(est, json, kind)
		           : cedar_est_list(est, json, kind, cedar_est_expr);
	case CEDAR_FORM_NAMED:
		return attribute_expr(est, json, kind);
	case CEDAR_FORM_LIKE:
		return like_expr(est, json);
	case CEDAR_FORM_IS:
		return is_expr(est, json);
	default:
		return binary_expr(est, json, kind);
	}
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

static void
operator_unknown(struct cedar_est *est, const struct cedar_json *json, struct cedar_text name)
{
	struct cedar_near near = { .word = name };
	int i;

	if (cedar_text_is(name, "Slot")) {
		cedar_est_fail(est, json, "slots stand only in the scope%.*s", CEDAR_TEXT(""));
		return;
	}
	cedar_est_fail(est, json, "there is no operator `%.*s`", name);
	for (i = 0; i < CEDAR_NODE_CALL; i++)
		cedar_near_try(&near, cedar_text_of(cedar_operators[i].name));
	for (i = 0; i < CEDAR_CALL_COUNT; i++)
		cedar_near_try(&near, cedar_text_of(cedar_signatures[i].name));
	cedar_near_suggest(&near, est->fault);
}

static const struct cedar_expr *
any_expr(struct cedar_est *est, const struct cedar_json *json)
{
	enum cedar_function function;
	struct cedar_text name;
	enum cedar_node kind;

	if (json->kind != CEDAR_JSON_OBJECT || json->field_count != 1) {
		cedar_est_fail(est, json, "an expression is an object with one key, its operator%.*s", CEDAR_TEXT(""));
		return NULL;
	}
	name = json->fields[0].name;
	function = cedar_function_find(name);
	if (function != CEDAR_CALL_COUNT)
		return call_expr(est, &json->fields[0].value, function);
	kind = cedar_operator_find(name);
	if (kind != CEDAR_NODE_CALL)
		return node_expr(est, &json->fields[0].value, kind);
	operator_unknown(est, json, name);
	return NULL;
}

const struct cedar_expr *
cedar_est_expr(struct cedar_est *est, const struct cedar_json *json)
{
	const struct cedar_expr *expr = cedar_est_enter(est, json) ? any_expr(est, json) : NULL;

	est->depth--;
	return expr;
}
