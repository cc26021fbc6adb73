/* parse_expr.c - operators, by precedence climbing. */
#include "cedar/parse.h"

enum level { LEVEL_OR = 1, LEVEL_AND, LEVEL_RELATION, LEVEL_ADD, LEVEL_MULTIPLY, LEVEL_UNARY };

static const struct cedar_expr *parse_binary(struct cedar_parser *, enum level);

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
		expr = cedar_parse_number(parser, true);
		count--;
	} else {
		expr = cedar_parse_member(parser);
	}
	for (; count > 0 && expr != NULL; count--)
		expr = cedar_parse_made(
		    parser,
		    cedar_make_operation(&parser->maker, sign == CEDAR_TOKEN('!') ? CEDAR_NODE_NOT : CEDAR_NODE_NEGATE,
		                         offset, expr, NULL, NULL));
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
		if (cedar_lex_is_word(lexer, "in") || cedar_lex_is_word(lexer, "has") ||
		    cedar_lex_is_word(lexer, "like") || cedar_lex_is_word(lexer, "is"))
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
	struct cedar_parse_list list = { 0 };

	if (!cedar_parse_list_add(parser, &list, first))
		return NULL;
	while (cedar_lex_accept(&parser->lexer, kind))
		if (!cedar_parse_list_add(parser, &list, parse_binary(parser, level + 1)))
			return NULL;
	return cedar_parse_list_made(parser, &list, level == LEVEL_OR ? CEDAR_NODE_OR : CEDAR_NODE_AND, offset);
}

CEDAR_APART static const struct cedar_expr *
parse_has(struct cedar_parser *parser, const struct cedar_expr *object, size_t offset)
{
	struct cedar_text *names = NULL;
	size_t count = 0, capacity = 0;
	bool more = parser->lexer.token.kind != CEDAR_TOKEN_STRING;

	do {
		if (!cedar_arena_grow(parser->work, (void **)&names, count, &capacity, sizeof *names))
			return cedar_parse_made(parser, NULL);
		if (more && parser->lexer.token.kind == CEDAR_TOKEN_STRING) {
			cedar_lex_fail(&parser->lexer, parser->lexer.token.offset,
			               "a path after `has` is made of names");
			return NULL;
		}
		if (!cedar_parse_key(parser, &names[count]))
			return NULL;
		count++;
	} while (more && cedar_lex_accept(&parser->lexer, CEDAR_TOKEN('.')));
	return cedar_parse_made(parser, cedar_make_has_path(&parser->maker, offset, object, names, count));
}

CEDAR_APART static const struct cedar_pattern *
pattern_kept(struct cedar_parser *parser)
{
	struct cedar_pattern *pattern = cedar_arena_take(parser->arena, sizeof *pattern), read;
	struct cedar_text *pieces;
	size_t i;

	if (!cedar_unescape_pattern(&parser->lexer, parser->work, &parser->lexer.token, &read))
		return NULL;
	pieces = cedar_arena_take(parser->arena, read.count * sizeof *pieces);
	if (pattern == NULL || pieces == NULL) {
		cedar_parse_out_of_memory(parser);
		return NULL;
	}
	for (i = 0; i < read.count; i++)
		if (!cedar_parse_keep(parser, read.pieces[i], &pieces[i]))
			return NULL;
	*pattern = (struct cedar_pattern){ read.count, pieces };
	return pattern;
}

CEDAR_APART static const struct cedar_expr *
parse_like(struct cedar_parser *parser, const struct cedar_expr *subject, size_t offset)
{
	const struct cedar_pattern *pattern;
	struct cedar_expr *expr;

	if (parser->lexer.token.kind != CEDAR_TOKEN_STRING) {
		cedar_lex_fail(&parser->lexer, parser->lexer.token.offset, "behind `like` stands a pattern in quotes");
		return NULL;
	}
	pattern = pattern_kept(parser);
	if (pattern == NULL)
		return NULL;
	cedar_lex_next(&parser->lexer);
	expr = (struct cedar_expr *)cedar_parse_made(
	    parser, cedar_make_operation(&parser->maker, CEDAR_NODE_LIKE, offset, subject, NULL, NULL));
	if (expr != NULL)
		expr->pattern = pattern;
	return expr;
}

static const struct cedar_expr *
parse_is(struct cedar_parser *parser, const struct cedar_expr *tested, size_t offset)
{
	const struct cedar_uid *type = cedar_parse_type(parser);
	const struct cedar_expr *inside = NULL;
	struct cedar_expr *expr;

	if (type == NULL)
		return NULL;
	if (cedar_lex_is_word(&parser->lexer, "in")) {
		cedar_lex_next(&parser->lexer);
		inside = parse_binary(parser, LEVEL_ADD);
		if (inside == NULL)
			return NULL;
	}
	expr = (struct cedar_expr *)cedar_parse_made(
	    parser, cedar_make_operation(&parser->maker, CEDAR_NODE_IS, offset, tested, inside, NULL));
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
	} nodes[] = { { CEDAR_TOKEN_EQUAL, CEDAR_NODE_EQUAL },
		      { CEDAR_TOKEN_NOT_EQUAL, CEDAR_NODE_NOT_EQUAL },
		      { CEDAR_TOKEN_LESS_EQUAL, CEDAR_NODE_LESS_EQUAL },
		      { CEDAR_TOKEN_GREATER_EQUAL, CEDAR_NODE_GREATER_EQUAL },
		      { CEDAR_TOKEN('<'), CEDAR_NODE_LESS },
		      { CEDAR_TOKEN('>'), CEDAR_NODE_GREATER },
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
	                     : cedar_parse_made(parser, cedar_make_operation(&parser->maker, nodes[i].node, offset,
	                                                                     left, right, NULL));
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
	return right == NULL
	           ? NULL
	           : cedar_parse_made(parser, cedar_make_operation(&parser->maker, node, offset, left, right, NULL));
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
			cedar_lex_fail(&parser->lexer, parser->lexer.token.offset,
			               "expected `%s`: an if has then and else", words[i]);
			return NULL;
		}
		cedar_lex_next(&parser->lexer);
		parts[i] = cedar_parse_expr(parser);
		if (parts[i] == NULL)
			return NULL;
	}
	return cedar_parse_made(
	    parser, cedar_make_operation(&parser->maker, CEDAR_NODE_IF, offset, parts[0], parts[1], parts[2]));
}

const struct cedar_expr *
cedar_parse_expr(struct cedar_parser *parser)
{
	const struct cedar_expr *expr;

	if (++parser->depth > CEDAR_DEPTH_MAX) {
		cedar_lex_fail(&parser->lexer, parser->lexer.token.offset, "nested more than %d deep",
		               (int)CEDAR_DEPTH_MAX);
		return NULL;
	}
	expr = cedar_lex_is_word(&parser->lexer, "if") ? parse_if(parser) : parse_binary(parser, LEVEL_OR);
	parser->depth--;
	return expr;
}
