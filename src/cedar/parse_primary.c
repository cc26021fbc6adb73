/* parse_primary.c - literals, names, calls, and what follows them: .attribute, .method(), ["attribute"]. */
#include "cedar/parse.h"

CEDAR_APART const struct cedar_expr *
cedar_parse_number(struct cedar_parser *parser, bool negative)
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
	return cedar_parse_made(parser, cedar_make_value(&parser->maker, token.offset, value));
}

CEDAR_APART static const struct cedar_expr *
parse_string(struct cedar_parser *parser)
{
	struct cedar_value value = { .kind = CEDAR_STRING };
	struct cedar_token token = parser->lexer.token;

	if (!cedar_parse_string(parser, &token, &value.text))
		return NULL;
	cedar_lex_next(&parser->lexer);
	return cedar_parse_made(parser, cedar_make_value(&parser->maker, token.offset, value));
}

CEDAR_APART static const struct cedar_expr *
function_unknown(struct cedar_parser *parser, struct cedar_text name, size_t offset)
{
	static const char *const functions[] = { "ip", "decimal", "datetime", "duration" };
	enum cedar_function function = cedar_function_find(name);
	const char *near = cedar_nearest(name, functions, 4);

	cedar_lex_fail(&parser->lexer, offset, "there is no function `%.*s`", name.size > 60 ? 60 : (int)name.size,
	               name.data);
	if (function != CEDAR_CALL_COUNT)
		cedar_fault_suggest(parser->lexer.fault, "it is a method: write value.%s(…)",
		                    cedar_signatures[function].name);
	else if (near != NULL)
		cedar_fault_suggest(parser->lexer.fault, "did you mean %s?", near);
	return NULL;
}

static const struct cedar_expr *
parse_call(struct cedar_parser *parser, struct cedar_text name, size_t offset)
{
	enum cedar_function function = cedar_function_find(name);
	struct cedar_parse_list list = { 0 };
	struct cedar_expr *call;

	if (function == CEDAR_CALL_COUNT || cedar_signatures[function].method)
		return function_unknown(parser, name, offset);
	cedar_lex_next(&parser->lexer);
	if (!cedar_parse_items(parser, &list, ')'))
		return NULL;
	call = (struct cedar_expr *)cedar_parse_list_made(parser, &list, CEDAR_NODE_CALL, offset);
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
	return cedar_parse_made(parser, expr);
}

CEDAR_APART static const struct cedar_expr *
make_entity(struct cedar_parser *parser, struct cedar_text type, const struct cedar_token *id, size_t offset)
{
	struct cedar_value value = { .kind = CEDAR_ENTITY };
	struct cedar_text text;
	struct cedar_uid uid;

	if (!cedar_unescape(&parser->lexer, parser->work, id, &text))
		return NULL;
	uid = cedar_uid_of(parser->arena, type, text);
	value.entity = cedar_intern_uids(parser->maker.interner, &uid, 1);
	if (value.entity == NULL)
		return cedar_parse_made(parser, NULL);
	return cedar_parse_made(parser, cedar_make_value(&parser->maker, offset, value));
}

CEDAR_APART static const struct cedar_expr *
parse_truth(struct cedar_parser *parser)
{
	struct cedar_value value = { .kind = CEDAR_BOOL, .truth = cedar_lex_is_word(&parser->lexer, "true") };
	uint32_t offset = parser->lexer.token.offset;

	cedar_lex_next(&parser->lexer);
	return cedar_parse_made(parser, cedar_make_value(&parser->maker, offset, value));
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
	if (!cedar_parse_path(parser, &name, &id))
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
		cedar_lex_fail(&parser->lexer, parser->lexer.token.offset,
		               "slots stand in the scope only, not in conditions");
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
		return cedar_parse_number(parser, false);
	case CEDAR_TOKEN_STRING:
		return parse_string(parser);
	case CEDAR_TOKEN_WORD:
		return parse_word_or_call(parser);
	case CEDAR_TOKEN('['):
		return cedar_parse_set(parser);
	case CEDAR_TOKEN('{'):
		return cedar_parse_record(parser);
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
	{ "contains", CEDAR_NODE_CONTAINS },        { "containsAll", CEDAR_NODE_CONTAINS_ALL },
	{ "containsAny", CEDAR_NODE_CONTAINS_ANY }, { "isEmpty", CEDAR_NODE_IS_EMPTY },
	{ "getTag", CEDAR_NODE_GET_TAG },           { "hasTag", CEDAR_NODE_HAS_TAG },
};

CEDAR_APART static void
method_unknown(struct cedar_parser *parser, struct cedar_text name, size_t offset)
{
	const char *names[CEDAR_CALL_COUNT + 6];
	size_t count = 0, i;

	cedar_lex_fail(&parser->lexer, offset, "there is no method `%.*s`", name.size > 60 ? 60 : (int)name.size,
	               name.data);
	for (i = 0; i < 6; i++)
		names[count++] = methods[i].name;
	for (i = 0; i < CEDAR_CALL_COUNT; i++)
		if (cedar_signatures[i].method)
			names[count++] = cedar_signatures[i].name;
	if (cedar_nearest(name, names, count) != NULL)
		cedar_fault_suggest(parser->lexer.fault, "did you mean %s?", cedar_nearest(name, names, count));
}

CEDAR_APART static const struct cedar_expr *
make_method(struct cedar_parser *parser, struct cedar_parse_list *list, struct cedar_text name, size_t offset)
{
	enum cedar_function function = cedar_function_find(name);
	struct cedar_expr *call;
	size_t i;

	for (i = 0; i < 6; i++) {
		size_t wanted = methods[i].node == CEDAR_NODE_IS_EMPTY ? 1 : 2;

		if (!cedar_text_is(name, methods[i].name))
			continue;
		if (list->count != wanted) {
			cedar_lex_fail(&parser->lexer, offset, "%s takes %zu argument(s), not %zu", methods[i].name,
			               wanted - 1, list->count - 1);
			return NULL;
		}
		return cedar_parse_made(parser,
		                        cedar_make_operation(&parser->maker, methods[i].node, offset, list->items[0],
		                                             wanted == 2 ? list->items[1] : NULL, NULL));
	}
	if (function == CEDAR_CALL_COUNT || !cedar_signatures[function].method) {
		method_unknown(parser, name, offset);
		return NULL;
	}
	call = (struct cedar_expr *)cedar_parse_list_made(parser, list, CEDAR_NODE_CALL, offset);
	if (call != NULL)
		call->detail = (uint8_t)function;
	return call;
}

CEDAR_APART static const struct cedar_expr *
attribute_expected(struct cedar_parser *parser)
{
	struct cedar_token token = parser->lexer.token;
	char buffer[64];

	cedar_lex_fail(&parser->lexer, token.offset, "expected the name of an attribute, found %s",
	               cedar_token_show(&token, buffer));
	if (token.kind == CEDAR_TOKEN_WORD || token.kind == CEDAR_TOKEN_STRING)
		cedar_fault_suggest(parser->lexer.fault, "write [\"%.*s\"]",
		                    token.text.size > 60 ? 60 : (int)token.text.size, token.text.data);
	return NULL;
}

CEDAR_APART static const struct cedar_expr *
make_attribute(struct cedar_parser *parser, const struct cedar_expr *object, const struct cedar_token *token)
{
	struct cedar_text name;

	if (!cedar_parse_keep(parser, token->text, &name))
		return NULL;
	return cedar_parse_made(parser,
	                        cedar_make_named(&parser->maker, CEDAR_NODE_ATTRIBUTE, token->offset, object, name));
}

CEDAR_APART static const struct cedar_expr *
parse_dot(struct cedar_parser *parser, const struct cedar_expr *object)
{
	struct cedar_token token;
	struct cedar_parse_list list = { 0 };

	cedar_lex_next(&parser->lexer);
	token = parser->lexer.token;
	if (token.kind != CEDAR_TOKEN_WORD || cedar_word_reserved(token.text))
		return attribute_expected(parser);
	cedar_lex_next(&parser->lexer);
	if (!cedar_lex_accept(&parser->lexer, CEDAR_TOKEN('(')))
		return make_attribute(parser, object, &token);
	if (!cedar_parse_list_add(parser, &list, object) || !cedar_parse_items(parser, &list, ')'))
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
		cedar_lex_fail(&parser->lexer, token.offset,
		               "between [ and ] stands a string, the name of an attribute");
		return NULL;
	}
	if (!cedar_parse_string(parser, &token, &name))
		return NULL;
	cedar_lex_next(&parser->lexer);
	if (!cedar_lex_expect(&parser->lexer, CEDAR_TOKEN(']'), "`]`"))
		return NULL;
	return cedar_parse_made(parser,
	                        cedar_make_named(&parser->maker, CEDAR_NODE_ATTRIBUTE, token.offset, object, name));
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
			cedar_lex_fail(&parser->lexer, parser->lexer.token.offset,
			               "this is no function and cannot be called");
			return NULL;
		} else {
			break;
		}
	}
	return expr;
}

const struct cedar_expr *
cedar_parse_member(struct cedar_parser *parser)
{
	return parse_access(parser, parse_primary(parser));
}
