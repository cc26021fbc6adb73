/* parse_expr.c - expressions, by precedence climbing. */
#include "cedar/parse.h"

#include <errno.h>
#include <stdlib.h>

enum level { LEVEL_OR = 1, LEVEL_AND, LEVEL_RELATION, LEVEL_ADD, LEVEL_MULTIPLY, LEVEL_UNARY };

struct list {
	const struct cedar_expr **items;
	struct cedar_text *names;
	size_t count, capacity, name_capacity;
};

static const struct cedar_expr *parse_binary(struct cedar_parser *, enum level);

bool
cedar_parse_out_of_memory(struct cedar_parser *parser)
{
	if (parser->maker.too_deep)
		return cedar_lex_fail(&parser->lexer, parser->lexer.token.offset, "nested more than %d deep", (int)CEDAR_DEPTH_MAX);
	return cedar_lex_fail(&parser->lexer, parser->lexer.token.offset, "out of memory");
}

static const struct cedar_expr *
made(struct cedar_parser *parser, const struct cedar_expr *expr)
{
	if (expr == NULL)
		cedar_parse_out_of_memory(parser);
	return expr;
}

CEDAR_APART static bool
list_add(struct cedar_parser *parser, struct list *list, const struct cedar_expr *expr)
{
	if (expr == NULL)
		return false;
	if (!cedar_arena_grow(parser->arena, (void **)&list->items, list->count, &list->capacity, sizeof *list->items))
		return cedar_parse_out_of_memory(parser);
	list->items[list->count++] = expr;
	return true;
}

/* Items up to the closing byte, which is consumed; a comma may follow the last. */
static bool
parse_items(struct cedar_parser *parser, struct list *list, char close)
{
	char what[] = { '`', close, '`', '\0' };

	while (parser->lexer.token.kind != CEDAR_TOKEN(close)) {
		if (!list_add(parser, list, cedar_parse_expr(parser)))
			return false;
		if (!cedar_lex_accept(&parser->lexer, CEDAR_TOKEN(',')))
			break;
	}
	return cedar_lex_expect(&parser->lexer, CEDAR_TOKEN(close), what);
}

static const struct cedar_expr *
parse_set(struct cedar_parser *parser)
{
	struct list list = { 0 };
	size_t offset = parser->lexer.token.offset;

	cedar_lex_next(&parser->lexer);
	if (!parse_items(parser, &list, ']'))
		return NULL;
	return made(parser, cedar_make_list(&parser->maker, CEDAR_NODE_SET, offset, list.items, NULL, list.count));
}

CEDAR_APART static bool
parse_key(struct cedar_parser *parser, struct cedar_text *out)
{
	struct cedar_token token = parser->lexer.token;

	if (token.kind == CEDAR_TOKEN_STRING) {
		if (!cedar_unescape(&parser->lexer, parser->arena, &token, out))
			return false;
	} else if (token.kind == CEDAR_TOKEN_WORD) {
		if (cedar_word_reserved(token.text))
			return cedar_lex_fail(&parser->lexer, token.offset, "`%.*s` is reserved; as a key it is written in quotes",
				(int)token.text.size, token.text.data);
		*out = token.text;
	} else {
		return cedar_lex_fail(&parser->lexer, token.offset, "expected a key: a name or a string");
	}
	cedar_lex_next(&parser->lexer);
	return true;
}

CEDAR_APART static bool
list_find_name(const struct list *list, struct cedar_text name)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		if (cedar_text_equal(list->names[i], name))
			return true;
	return false;
}

static bool
parse_field(struct cedar_parser *parser, struct list *list)
{
	uint32_t offset = parser->lexer.token.offset;
	struct cedar_text name;

	if (!parse_key(parser, &name))
		return false;
	if (list->count < 64 && list_find_name(list, name)) /* longer records are checked when complete */
		return cedar_lex_fail(&parser->lexer, offset, "the key `%.*s` comes twice",
			name.size > 60 ? 60 : (int)name.size, name.data);
	if (!cedar_lex_expect(&parser->lexer, CEDAR_TOKEN(':'), "`:`"))
		return false;
	if (!cedar_arena_grow(parser->arena, (void **)&list->names, list->count, &list->name_capacity, sizeof *list->names))
		return cedar_parse_out_of_memory(parser);
	list->names[list->count] = name;
	return list_add(parser, list, cedar_parse_expr(parser));
}

static int
name_order(const void *a, const void *b)
{
	return cedar_text_order(*(const struct cedar_text *)a, *(const struct cedar_text *)b);
}

CEDAR_APART static bool
names_distinct(struct cedar_parser *parser, const struct list *list, size_t offset)
{
	struct cedar_text *names;
	size_t i;

	if (list->count < 64)
		return true;
	names = cedar_arena_take(parser->arena, list->count * sizeof *names);
	if (names == NULL)
		return cedar_parse_out_of_memory(parser);
	memcpy(names, list->names, list->count * sizeof *names);
	qsort(names, list->count, sizeof *names, name_order);
	for (i = 1; i < list->count; i++)
		if (cedar_text_equal(names[i - 1], names[i]))
			return cedar_lex_fail(&parser->lexer, offset, "the key `%.*s` comes twice in this record",
				names[i].size > 60 ? 60 : (int)names[i].size, names[i].data);
	return true;
}

static const struct cedar_expr *
parse_record(struct cedar_parser *parser)
{
	struct list list = { 0 };
	size_t offset = parser->lexer.token.offset;

	cedar_lex_next(&parser->lexer);
	while (parser->lexer.token.kind != CEDAR_TOKEN('}')) {
		if (!parse_field(parser, &list))
			return NULL;
		if (!cedar_lex_accept(&parser->lexer, CEDAR_TOKEN(',')))
			break;
	}
	if (!cedar_lex_expect(&parser->lexer, CEDAR_TOKEN('}'), "`}`") || !names_distinct(parser, &list, offset))
		return NULL;
	return made(parser, cedar_make_list(&parser->maker, CEDAR_NODE_RECORD, offset, list.items, list.names, list.count));
}

CEDAR_APART static const struct cedar_expr *
parse_number(struct cedar_parser *parser, bool negative)
{
	struct cedar_token token = parser->lexer.token;
	uint64_t number = 0, limit = (uint64_t)INT64_MAX + negative;
	struct cedar_value value = { .kind = CEDAR_LONG };
	size_t i;

	for (i = 0; i < token.text.size; i++)
		if (__builtin_mul_overflow(number, 10, &number) ||
			__builtin_add_overflow(number, (uint64_t)(token.text.data[i] - '0'), &number) || number > limit) {
			cedar_lex_fail(&parser->lexer, token.offset, "this number does not fit into 64 bits");
			return NULL;
		}
	value.number = negative ? (int64_t)(0 - number) : (int64_t)number;
	cedar_lex_next(&parser->lexer);
	return made(parser, cedar_make_value(&parser->maker, token.offset, value));
}

CEDAR_APART static const struct cedar_expr *
parse_string(struct cedar_parser *parser)
{
	struct cedar_value value = { .kind = CEDAR_STRING };
	struct cedar_token token = parser->lexer.token;

	if (!cedar_unescape(&parser->lexer, parser->arena, &token, &value.text))
		return NULL;
	cedar_lex_next(&parser->lexer);
	return made(parser, cedar_make_value(&parser->maker, token.offset, value));
}

/* Name, with the `::` and the string behind it if it is an entity. */
CEDAR_APART static bool
parse_path(struct cedar_parser *parser, struct cedar_text *name, struct cedar_token *id)
{
	struct cedar_lexer *lexer = &parser->lexer;
	struct cedar_token token = lexer->token;
	char buffer[64];

	id->kind = CEDAR_TOKEN_BAD;
	*name = (struct cedar_text){ 0 };
	for (;;) {
		token = lexer->token;
		if (token.kind == CEDAR_TOKEN_STRING && name->data != NULL) {
			*id = token;
			cedar_lex_next(lexer);
			return true;
		}
		if (token.kind != CEDAR_TOKEN_WORD)
			return cedar_lex_fail(lexer, token.offset, "expected a name, found %s", cedar_token_show(&token, buffer));
		if (cedar_word_reserved(token.text))
			return cedar_lex_fail(lexer, token.offset, "`%.*s` is reserved and names nothing", (int)token.text.size,
				token.text.data);
		*name = name->data == NULL ? token.text : cedar_text_join(parser->arena, *name, "::", token.text);
		if (name->data == NULL)
			return cedar_parse_out_of_memory(parser);
		cedar_lex_next(lexer);
		if (!cedar_lex_accept(lexer, CEDAR_TOKEN_PATH))
			return true;
	}
}

bool
cedar_parse_name(struct cedar_parser *parser, struct cedar_text *out)
{
	uint32_t offset = parser->lexer.token.offset;
	struct cedar_token id;

	if (!parse_path(parser, out, &id))
		return false;
	if (id.kind == CEDAR_TOKEN_STRING)
		return cedar_lex_fail(&parser->lexer, offset, "expected the name of a type, found an entity");
	return true;
}

bool
cedar_parse_uid(struct cedar_parser *parser, struct cedar_uid *out)
{
	uint32_t offset = parser->lexer.token.offset;
	struct cedar_text name, text;
	struct cedar_token id;

	if (!parse_path(parser, &name, &id))
		return false;
	if (id.kind != CEDAR_TOKEN_STRING) {
		cedar_lex_fail(&parser->lexer, offset, "expected an entity");
		cedar_fault_suggest(parser->lexer.fault, "entities are written Type::\"id\"");
		return false;
	}
	if (!cedar_unescape(&parser->lexer, parser->arena, &id, &text))
		return false;
	*out = cedar_uid_of(name, text);
	return true;
}

CEDAR_APART static const struct cedar_expr *
function_unknown(struct cedar_parser *parser, struct cedar_text name, size_t offset)
{
	static const char *const functions[] = { "ip", "decimal", "datetime", "duration" };
	enum cedar_function function = cedar_function_find(name);
	const char *near = cedar_nearest(name, functions, 4);

	cedar_lex_fail(&parser->lexer, offset, "there is no function `%.*s`", name.size > 60 ? 60 : (int)name.size, name.data);
	if (function != CEDAR_CALL_COUNT)
		cedar_fault_suggest(parser->lexer.fault, "it is a method: write value.%s(…)", cedar_signatures[function].name);
	else if (near != NULL)
		cedar_fault_suggest(parser->lexer.fault, "did you mean %s?", near);
	return NULL;
}

static const struct cedar_expr *
parse_call(struct cedar_parser *parser, struct cedar_text name, size_t offset)
{
	enum cedar_function function = cedar_function_find(name);
	struct list list = { 0 };
	struct cedar_expr *call;

	if (function == CEDAR_CALL_COUNT || cedar_signatures[function].method)
		return function_unknown(parser, name, offset);
	cedar_lex_next(&parser->lexer);
	if (!parse_items(parser, &list, ')'))
		return NULL;
	call = (struct cedar_expr *)made(parser,
		cedar_make_list(&parser->maker, CEDAR_NODE_CALL, offset, list.items, NULL, list.count));
	if (call != NULL)
		call->detail = (uint8_t)function;
	return call;
}

CEDAR_APART static const struct cedar_expr *
make_variable(struct cedar_parser *parser, enum cedar_variable variable, size_t offset)
{
	struct cedar_expr *expr = cedar_make(&parser->maker, CEDAR_NODE_VARIABLE, offset);

	if (expr != NULL)
		expr->detail = (uint8_t)variable;
	return made(parser, expr);
}

CEDAR_APART static const struct cedar_expr *
make_entity(struct cedar_parser *parser, struct cedar_text type, const struct cedar_token *id, size_t offset)
{
	struct cedar_value value = { .kind = CEDAR_ENTITY };
	struct cedar_uid *uid = cedar_arena_take(parser->arena, sizeof *uid);
	struct cedar_text text;

	if (uid == NULL)
		return made(parser, NULL);
	if (!cedar_unescape(&parser->lexer, parser->arena, id, &text))
		return NULL;
	*uid = cedar_uid_of(type, text);
	value.entity = uid;
	return made(parser, cedar_make_value(&parser->maker, offset, value));
}

CEDAR_APART static const struct cedar_expr *
parse_truth(struct cedar_parser *parser)
{
	struct cedar_value value = { .kind = CEDAR_BOOL, .truth = cedar_lex_is_word(&parser->lexer, "true") };
	uint32_t offset = parser->lexer.token.offset;

	cedar_lex_next(&parser->lexer);
	return made(parser, cedar_make_value(&parser->maker, offset, value));
}

static const char *const variables[] = { "principal", "action", "resource", "context" };

CEDAR_APART static const struct cedar_expr *
variable_unknown(struct cedar_parser *parser, struct cedar_text name, size_t offset)
{
	cedar_lex_fail(&parser->lexer, offset, "`%.*s` is no variable; they are principal, action, resource, context",
		name.size > 60 ? 60 : (int)name.size, name.data);
	if (cedar_nearest(name, variables, 4) != NULL)
		cedar_fault_suggest(parser->lexer.fault, "did you mean %s?", cedar_nearest(name, variables, 4));
	return NULL;
}

/* A variable, an entity, true or false; *call is set if it is the name of a function instead. */
CEDAR_APART static const struct cedar_expr *
parse_word(struct cedar_parser *parser, struct cedar_text *call)
{
	uint32_t offset = parser->lexer.token.offset;
	struct cedar_text name;
	struct cedar_token id;
	size_t i;

	if (cedar_lex_is_word(&parser->lexer, "true") || cedar_lex_is_word(&parser->lexer, "false"))
		return parse_truth(parser);
	if (!parse_path(parser, &name, &id))
		return NULL;
	if (id.kind == CEDAR_TOKEN_STRING)
		return make_entity(parser, name, &id, offset);
	for (i = 0; i < 4; i++)
		if (cedar_text_is(name, variables[i]))
			return make_variable(parser, (enum cedar_variable)i, offset);
	if (parser->lexer.token.kind != CEDAR_TOKEN('('))
		return variable_unknown(parser, name, offset);
	*call = name;
	return NULL;
}

static const struct cedar_expr *
parse_word_or_call(struct cedar_parser *parser)
{
	uint32_t offset = parser->lexer.token.offset;
	struct cedar_text call = { 0 };
	const struct cedar_expr *expr = parse_word(parser, &call);

	return call.data != NULL ? parse_call(parser, call, offset) : expr;
}

CEDAR_APART static const struct cedar_expr *
expression_expected(struct cedar_parser *parser)
{
	char buffer[64];

	if (parser->lexer.token.kind == CEDAR_TOKEN_SLOT)
		cedar_lex_fail(&parser->lexer, parser->lexer.token.offset, "slots stand in the scope only, not in conditions");
	else
		cedar_lex_fail(&parser->lexer, parser->lexer.token.offset, "expected an expression, found %s",
			cedar_token_show(&parser->lexer.token, buffer));
	return NULL;
}

static const struct cedar_expr *
parse_primary(struct cedar_parser *parser)
{
	const struct cedar_expr *expr;

	switch (parser->lexer.token.kind) {
	case CEDAR_TOKEN_NUMBER:
		return parse_number(parser, false);
	case CEDAR_TOKEN_STRING:
		return parse_string(parser);
	case CEDAR_TOKEN_WORD:
		return parse_word_or_call(parser);
	case CEDAR_TOKEN('['):
		return parse_set(parser);
	case CEDAR_TOKEN('{'):
		return parse_record(parser);
	case CEDAR_TOKEN('('):
		cedar_lex_next(&parser->lexer);
		expr = cedar_parse_expr(parser);
		return expr != NULL && cedar_lex_expect(&parser->lexer, CEDAR_TOKEN(')'), "`)`") ? expr : NULL;
	default:
		return expression_expected(parser);
	}
}

static const struct {
	const char *name;
	enum cedar_node node;
} methods[] = {
	{ "contains", CEDAR_NODE_CONTAINS },
	{ "containsAll", CEDAR_NODE_CONTAINS_ALL },
	{ "containsAny", CEDAR_NODE_CONTAINS_ANY },
	{ "isEmpty", CEDAR_NODE_IS_EMPTY },
	{ "getTag", CEDAR_NODE_GET_TAG },
	{ "hasTag", CEDAR_NODE_HAS_TAG },
};

CEDAR_APART static void
method_unknown(struct cedar_parser *parser, struct cedar_text name, size_t offset)
{
	const char *names[CEDAR_CALL_COUNT + 6];
	size_t count = 0, i;

	cedar_lex_fail(&parser->lexer, offset, "there is no method `%.*s`", name.size > 60 ? 60 : (int)name.size, name.data);
	for (i = 0; i < 6; i++)
		names[count++] = methods[i].name;
	for (i = 0; i < CEDAR_CALL_COUNT; i++)
		if (cedar_signatures[i].method)
			names[count++] = cedar_signatures[i].name;
	if (cedar_nearest(name, names, count) != NULL)
		cedar_fault_suggest(parser->lexer.fault, "did you mean %s?", cedar_nearest(name, names, count));
}

CEDAR_APART static const struct cedar_expr *
make_method(struct cedar_parser *parser, struct list *list, struct cedar_text name, size_t offset)
{
	enum cedar_function function = cedar_function_find(name);
	struct cedar_expr *call;
	size_t i;

	for (i = 0; i < 6; i++) {
		size_t wanted = methods[i].node == CEDAR_NODE_IS_EMPTY ? 1 : 2;

		if (!cedar_text_is(name, methods[i].name))
			continue;
		if (list->count != wanted) {
			cedar_lex_fail(&parser->lexer, offset, "%s takes %zu argument(s), not %zu", methods[i].name, wanted - 1,
				list->count - 1);
			return NULL;
		}
		return made(parser, cedar_make_operation(&parser->maker, methods[i].node, offset, list->items[0],
					    wanted == 2 ? list->items[1] : NULL, NULL));
	}
	if (function == CEDAR_CALL_COUNT || !cedar_signatures[function].method) {
		method_unknown(parser, name, offset);
		return NULL;
	}
	call = (struct cedar_expr *)made(parser,
		cedar_make_list(&parser->maker, CEDAR_NODE_CALL, offset, list->items, NULL, list->count));
	if (call != NULL)
		call->detail = (uint8_t)function;
	return call;
}

CEDAR_APART static const struct cedar_expr *
attribute_expected(struct cedar_parser *parser)
{
	struct cedar_token token = parser->lexer.token;
	char buffer[64];

	cedar_lex_fail(&parser->lexer, token.offset, "expected the name of an attribute, found %s", cedar_token_show(&token, buffer));
	if (token.kind == CEDAR_TOKEN_WORD || token.kind == CEDAR_TOKEN_STRING)
		cedar_fault_suggest(parser->lexer.fault, "write [\"%.*s\"]", token.text.size > 60 ? 60 : (int)token.text.size,
			token.text.data);
	return NULL;
}

CEDAR_APART static const struct cedar_expr *
parse_dot(struct cedar_parser *parser, const struct cedar_expr *object)
{
	struct cedar_token token;
	struct list list = { 0 };

	cedar_lex_next(&parser->lexer);
	token = parser->lexer.token;
	if (token.kind != CEDAR_TOKEN_WORD || cedar_word_reserved(token.text))
		return attribute_expected(parser);
	cedar_lex_next(&parser->lexer);
	if (!cedar_lex_accept(&parser->lexer, CEDAR_TOKEN('(')))
		return made(parser, cedar_make_named(&parser->maker, CEDAR_NODE_ATTRIBUTE, token.offset, object, token.text));
	if (!list_add(parser, &list, object) || !parse_items(parser, &list, ')'))
		return NULL;
	return make_method(parser, &list, token.text, token.offset);
}

CEDAR_APART static const struct cedar_expr *
parse_index(struct cedar_parser *parser, const struct cedar_expr *object)
{
	struct cedar_token token;
	struct cedar_text name;

	cedar_lex_next(&parser->lexer);
	token = parser->lexer.token;
	if (token.kind != CEDAR_TOKEN_STRING) {
		cedar_lex_fail(&parser->lexer, token.offset, "between [ and ] stands a string, the name of an attribute");
		return NULL;
	}
	if (!cedar_unescape(&parser->lexer, parser->arena, &token, &name))
		return NULL;
	cedar_lex_next(&parser->lexer);
	if (!cedar_lex_expect(&parser->lexer, CEDAR_TOKEN(']'), "`]`"))
		return NULL;
	return made(parser, cedar_make_named(&parser->maker, CEDAR_NODE_ATTRIBUTE, token.offset, object, name));
}

static const struct cedar_expr *
parse_access(struct cedar_parser *parser, const struct cedar_expr *expr)
{
	while (expr != NULL) {
		if (parser->lexer.token.kind == CEDAR_TOKEN('.')) {
			expr = parse_dot(parser, expr);
		} else if (parser->lexer.token.kind == CEDAR_TOKEN('[')) {
			expr = parse_index(parser, expr);
		} else if (parser->lexer.token.kind == CEDAR_TOKEN('(')) {
			cedar_lex_fail(&parser->lexer, parser->lexer.token.offset, "this is no function and cannot be called");
			return NULL;
		} else {
			break;
		}
	}
	return expr;
}

/* A minus in front of a number literal with nothing behind it is part of the number. */
CEDAR_APART static bool
number_is_alone(struct cedar_parser *parser)
{
	bool twice;
	char next;

	if (parser->lexer.token.kind != CEDAR_TOKEN_NUMBER)
		return false;
	next = cedar_lex_peek(&parser->lexer, &twice);
	return next != '.' && next != '[' && next != '(';
}

static const struct cedar_expr *
parse_unary(struct cedar_parser *parser)
{
	int sign = parser->lexer.token.kind;
	uint32_t offset = parser->lexer.token.offset;
	const struct cedar_expr *expr;
	unsigned count = 0;

	if (sign == CEDAR_TOKEN('!') || sign == CEDAR_TOKEN('-'))
		while (cedar_lex_accept(&parser->lexer, sign))
			count++;
	if (count > 4) {
		cedar_lex_fail(&parser->lexer, offset, "more than four `%c` in a row", (char)(sign - CEDAR_TOKEN_BYTE));
		return NULL;
	}
	if (count > 0 && sign == CEDAR_TOKEN('-') && number_is_alone(parser)) {
		expr = parse_number(parser, true);
		count--;
	} else {
		expr = parse_access(parser, parse_primary(parser));
	}
	for (; count > 0 && expr != NULL; count--)
		expr = made(parser, cedar_make_operation(&parser->maker,
					    sign == CEDAR_TOKEN('!') ? CEDAR_NODE_NOT : CEDAR_NODE_NEGATE, offset, expr, NULL, NULL));
	return expr;
}

static enum level
level_of(const struct cedar_lexer *lexer)
{
	switch (lexer->token.kind) {
	case CEDAR_TOKEN_OR:
		return LEVEL_OR;
	case CEDAR_TOKEN_AND:
		return LEVEL_AND;
	case CEDAR_TOKEN_EQUAL:
	case CEDAR_TOKEN_NOT_EQUAL:
	case CEDAR_TOKEN_LESS_EQUAL:
	case CEDAR_TOKEN_GREATER_EQUAL:
	case CEDAR_TOKEN('<'):
	case CEDAR_TOKEN('>'):
	case CEDAR_TOKEN('='):
		return LEVEL_RELATION;
	case CEDAR_TOKEN('+'):
	case CEDAR_TOKEN('-'):
		return LEVEL_ADD;
	case CEDAR_TOKEN('*'):
	case CEDAR_TOKEN('/'):
	case CEDAR_TOKEN('%'):
		return LEVEL_MULTIPLY;
	case CEDAR_TOKEN_WORD:
		if (cedar_lex_is_word(lexer, "in") || cedar_lex_is_word(lexer, "has") || cedar_lex_is_word(lexer, "like") ||
			cedar_lex_is_word(lexer, "is"))
			return LEVEL_RELATION;
		return 0;
	default:
		return 0;
	}
}

static const struct cedar_expr *
parse_chain(struct cedar_parser *parser, const struct cedar_expr *first, enum level level)
{
	int kind = level == LEVEL_OR ? CEDAR_TOKEN_OR : CEDAR_TOKEN_AND;
	uint32_t offset = parser->lexer.token.offset;
	struct list list = { 0 };

	if (!list_add(parser, &list, first))
		return NULL;
	while (cedar_lex_accept(&parser->lexer, kind))
		if (!list_add(parser, &list, parse_binary(parser, level + 1)))
			return NULL;
	return made(parser, cedar_make_list(&parser->maker, level == LEVEL_OR ? CEDAR_NODE_OR : CEDAR_NODE_AND, offset, list.items,
				    NULL, list.count));
}

CEDAR_APART static const struct cedar_expr *
parse_has(struct cedar_parser *parser, const struct cedar_expr *object, size_t offset)
{
	struct cedar_text *names = NULL;
	size_t count = 0, capacity = 0;
	bool more = parser->lexer.token.kind != CEDAR_TOKEN_STRING;

	do {
		if (!cedar_arena_grow(parser->arena, (void **)&names, count, &capacity, sizeof *names))
			return made(parser, NULL);
		if (more && parser->lexer.token.kind == CEDAR_TOKEN_STRING) {
			cedar_lex_fail(&parser->lexer, parser->lexer.token.offset, "a path after `has` is made of names");
			return NULL;
		}
		if (!parse_key(parser, &names[count]))
			return NULL;
		count++;
	} while (more && cedar_lex_accept(&parser->lexer, CEDAR_TOKEN('.')));
	return made(parser, cedar_make_has_path(&parser->maker, offset, object, names, count));
}

CEDAR_APART static const struct cedar_expr *
parse_like(struct cedar_parser *parser, const struct cedar_expr *subject, size_t offset)
{
	struct cedar_pattern *pattern = cedar_arena_take(parser->arena, sizeof *pattern);
	struct cedar_expr *expr;

	if (parser->lexer.token.kind != CEDAR_TOKEN_STRING) {
		cedar_lex_fail(&parser->lexer, parser->lexer.token.offset, "behind `like` stands a pattern in quotes");
		return NULL;
	}
	if (pattern == NULL)
		return made(parser, NULL);
	if (!cedar_unescape_pattern(&parser->lexer, parser->arena, &parser->lexer.token, pattern))
		return NULL;
	cedar_lex_next(&parser->lexer);
	expr = (struct cedar_expr *)made(parser,
		cedar_make_operation(&parser->maker, CEDAR_NODE_LIKE, offset, subject, NULL, NULL));
	if (expr != NULL)
		expr->pattern = pattern;
	return expr;
}

static const struct cedar_expr *
parse_is(struct cedar_parser *parser, const struct cedar_expr *tested, size_t offset)
{
	struct cedar_uid *type = cedar_arena_take(parser->arena, sizeof *type);
	const struct cedar_expr *inside = NULL;
	struct cedar_expr *expr;
	struct cedar_text name;

	if (type == NULL)
		return made(parser, NULL);
	if (!cedar_parse_name(parser, &name))
		return NULL;
	*type = cedar_uid_of(name, CEDAR_TEXT(""));
	if (cedar_lex_is_word(&parser->lexer, "in")) {
		cedar_lex_next(&parser->lexer);
		inside = parse_binary(parser, LEVEL_ADD);
		if (inside == NULL)
			return NULL;
	}
	expr = (struct cedar_expr *)made(parser,
		cedar_make_operation(&parser->maker, CEDAR_NODE_IS, offset, tested, inside, NULL));
	if (expr != NULL)
		expr->type = type;
	return expr;
}

static const struct cedar_expr *
parse_comparison(struct cedar_parser *parser, const struct cedar_expr *left, int kind, size_t offset)
{
	static const struct {
		int kind;
		enum cedar_node node;
	} nodes[] = { { CEDAR_TOKEN_EQUAL, CEDAR_NODE_EQUAL }, { CEDAR_TOKEN_NOT_EQUAL, CEDAR_NODE_NOT_EQUAL },
		{ CEDAR_TOKEN_LESS_EQUAL, CEDAR_NODE_LESS_EQUAL }, { CEDAR_TOKEN_GREATER_EQUAL, CEDAR_NODE_GREATER_EQUAL },
		{ CEDAR_TOKEN('<'), CEDAR_NODE_LESS }, { CEDAR_TOKEN('>'), CEDAR_NODE_GREATER },
		{ CEDAR_TOKEN_WORD, CEDAR_NODE_IN } };
	const struct cedar_expr *right;
	size_t i = 0;

	if (kind == CEDAR_TOKEN('=')) {
		cedar_lex_fail(&parser->lexer, offset, "`=` is no operator");
		cedar_fault_suggest(parser->lexer.fault, "equality is written ==");
		return NULL;
	}
	right = parse_binary(parser, LEVEL_ADD);
	while (nodes[i].kind != kind)
		i++;
	return right == NULL ? NULL
			     : made(parser, cedar_make_operation(&parser->maker, nodes[i].node, offset, left, right, NULL));
}

static const struct cedar_expr *
parse_relation(struct cedar_parser *parser, const struct cedar_expr *left)
{
	struct cedar_token token = parser->lexer.token;
	const struct cedar_expr *expr;

	cedar_lex_next(&parser->lexer);
	if (token.kind == CEDAR_TOKEN_WORD && cedar_text_is(token.text, "has"))
		expr = parse_has(parser, left, token.offset);
	else if (token.kind == CEDAR_TOKEN_WORD && cedar_text_is(token.text, "like"))
		expr = parse_like(parser, left, token.offset);
	else if (token.kind == CEDAR_TOKEN_WORD && cedar_text_is(token.text, "is"))
		expr = parse_is(parser, left, token.offset);
	else
		expr = parse_comparison(parser, left, token.kind, token.offset);
	if (expr != NULL && level_of(&parser->lexer) >= LEVEL_RELATION) {
		cedar_lex_fail(&parser->lexer, parser->lexer.token.offset, "comparisons do not chain");
		cedar_fault_suggest(parser->lexer.fault, "use parentheses or &&");
		return NULL;
	}
	return expr;
}

static const struct cedar_expr *
parse_arithmetic(struct cedar_parser *parser, const struct cedar_expr *left, enum level level)
{
	int kind = parser->lexer.token.kind;
	uint32_t offset = parser->lexer.token.offset;
	const struct cedar_expr *right;
	enum cedar_node node = CEDAR_NODE_MULTIPLY;

	if (kind == CEDAR_TOKEN('/') || kind == CEDAR_TOKEN('%')) {
		cedar_lex_fail(&parser->lexer, offset, "Cedar has no division and no remainder");
		return NULL;
	}
	if (level == LEVEL_ADD)
		node = kind == CEDAR_TOKEN('+') ? CEDAR_NODE_ADD : CEDAR_NODE_SUBTRACT;
	cedar_lex_next(&parser->lexer);
	right = level == LEVEL_ADD ? parse_binary(parser, LEVEL_MULTIPLY) : parse_unary(parser);
	return right == NULL ? NULL : made(parser, cedar_make_operation(&parser->maker, node, offset, left, right, NULL));
}

static const struct cedar_expr *
parse_binary(struct cedar_parser *parser, enum level lowest)
{
	const struct cedar_expr *left = parse_unary(parser);
	enum level level;

	while (left != NULL) {
		level = level_of(&parser->lexer);
		if (level == 0 || level < lowest)
			break;
		if (level == LEVEL_OR || level == LEVEL_AND)
			left = parse_chain(parser, left, level);
		else if (level == LEVEL_RELATION)
			left = parse_relation(parser, left);
		else
			left = parse_arithmetic(parser, left, level);
	}
	return left;
}

static const struct cedar_expr *
parse_if(struct cedar_parser *parser)
{
	uint32_t offset = parser->lexer.token.offset;
	static const char *const words[] = { NULL, "then", "else" };
	const struct cedar_expr *parts[3];
	size_t i;

	for (i = 0; i < 3; i++) {
		if (i > 0 && !cedar_lex_is_word(&parser->lexer, words[i])) {
			cedar_lex_fail(&parser->lexer, parser->lexer.token.offset, "expected `%s`: an if has then and else", words[i]);
			return NULL;
		}
		cedar_lex_next(&parser->lexer);
		parts[i] = cedar_parse_expr(parser);
		if (parts[i] == NULL)
			return NULL;
	}
	return made(parser, cedar_make_operation(&parser->maker, CEDAR_NODE_IF, offset, parts[0], parts[1], parts[2]));
}

const struct cedar_expr *
cedar_parse_expr(struct cedar_parser *parser)
{
	const struct cedar_expr *expr;

	if (++parser->depth > CEDAR_DEPTH_MAX) {
		cedar_lex_fail(&parser->lexer, parser->lexer.token.offset, "nested more than %d deep", (int)CEDAR_DEPTH_MAX);
		return NULL;
	}
	expr = cedar_lex_is_word(&parser->lexer, "if") ? parse_if(parser) : parse_binary(parser, LEVEL_OR);
	parser->depth--;
	return expr;
}
