/* parse_list.c - sets and records. */
#include "cedar/parse.h"

bool
cedar_parse_out_of_memory(struct cedar_parser *parser)
{
	if (parser->maker.too_deep)
		return cedar_lex_fail(&parser->lexer, parser->lexer.token.offset, "nested more than %d deep",
		                      (int)CEDAR_DEPTH_MAX);
	return cedar_lex_fail(&parser->lexer, parser->lexer.token.offset, "out of memory");
}

const struct cedar_expr *
cedar_parse_made(struct cedar_parser *parser, const struct cedar_expr *expr)
{
	if (expr == NULL)
		cedar_parse_out_of_memory(parser);
	return expr;
}

CEDAR_APART bool
cedar_parse_list_add(struct cedar_parser *parser, struct cedar_parse_list *list, const struct cedar_expr *expr)
{
	if (expr == NULL)
		return false;
	if (!cedar_arena_grow(parser->work, (void **)&list->items, list->count, &list->capacity, sizeof *list->items))
		return cedar_parse_out_of_memory(parser);
	list->items[list->count++] = expr;
	return true;
}

bool
cedar_parse_keep(struct cedar_parser *parser, struct cedar_text text, struct cedar_text *out)
{
	*out = cedar_intern_text(parser->maker.interner, text);
	return out->data != NULL || cedar_parse_out_of_memory(parser);
}

CEDAR_APART bool
cedar_parse_string(struct cedar_parser *parser, const struct cedar_token *token, struct cedar_text *out)
{
	struct cedar_text plain;

	return cedar_unescape(&parser->lexer, parser->work, token, &plain) && cedar_parse_keep(parser, plain, out);
}

CEDAR_APART const struct cedar_expr *
cedar_parse_list_made(struct cedar_parser *parser, const struct cedar_parse_list *list, enum cedar_node kind,
                      size_t offset)
{
	return cedar_parse_made(parser,
	                        cedar_make_list(&parser->maker, kind, offset, list->items, list->names, list->count));
}

/* Items up to the closing byte, which is consumed; a comma may follow the last. */
bool
cedar_parse_items(struct cedar_parser *parser, struct cedar_parse_list *list, char close)
{
	char what[] = { '`', close, '`', '\0' };

	while (parser->lexer.token.kind != CEDAR_TOKEN(close)) {
		if (!cedar_parse_list_add(parser, list, cedar_parse_expr(parser)))
			return false;
		if (!cedar_lex_accept(&parser->lexer, CEDAR_TOKEN(',')))
			break;
	}
	return cedar_lex_expect(&parser->lexer, CEDAR_TOKEN(close), what);
}

const struct cedar_expr *
cedar_parse_set(struct cedar_parser *parser)
{
	struct cedar_parse_list list = { 0 };
	size_t offset = parser->lexer.token.offset;

	cedar_lex_next(&parser->lexer);
	if (!cedar_parse_items(parser, &list, ']'))
		return NULL;
	return cedar_parse_list_made(parser, &list, CEDAR_NODE_SET, offset);
}

CEDAR_APART bool
cedar_parse_key(struct cedar_parser *parser, struct cedar_text *out)
{
	struct cedar_token token = parser->lexer.token;

	if (token.kind == CEDAR_TOKEN_STRING) {
		if (!cedar_parse_string(parser, &token, out))
			return false;
	} else if (token.kind == CEDAR_TOKEN_WORD) {
		if (cedar_word_reserved(token.text))
			return cedar_lex_fail(&parser->lexer, token.offset,
			                      "`%.*s` is reserved; as a key it is written in quotes",
			                      (int)token.text.size, token.text.data);
		if (!cedar_parse_keep(parser, token.text, out))
			return false;
	} else {
		return cedar_lex_fail(&parser->lexer, token.offset, "expected a key: a name or a string");
	}
	cedar_lex_next(&parser->lexer);
	return true;
}

CEDAR_APART static bool
list_find_name(const struct cedar_parse_list *list, struct cedar_text name)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		if (cedar_text_equal(list->names[i], name))
			return true;
	return false;
}

static bool
parse_field(struct cedar_parser *parser, struct cedar_parse_list *list)
{
	uint32_t offset = parser->lexer.token.offset;
	struct cedar_text name;

	if (!cedar_parse_key(parser, &name))
		return false;
	if (list->count < 64 && list_find_name(list, name)) /* longer records are checked when complete */
		return cedar_lex_fail(&parser->lexer, offset, "the key `%.*s` comes twice",
		                      name.size > 60 ? 60 : (int)name.size, name.data);
	if (!cedar_lex_expect(&parser->lexer, CEDAR_TOKEN(':'), "`:`"))
		return false;
	if (!cedar_arena_grow(parser->work, (void **)&list->names, list->count, &list->name_capacity,
	                      sizeof *list->names))
		return cedar_parse_out_of_memory(parser);
	list->names[list->count] = name;
	return cedar_parse_list_add(parser, list, cedar_parse_expr(parser));
}

CEDAR_APART static bool
names_distinct(struct cedar_parser *parser, const struct cedar_parse_list *list, size_t offset)
{
	struct cedar_text *names;
	size_t i;

	if (list->count < 64)
		return true;
	names = cedar_arena_take(parser->work, list->count * sizeof *names);
	if (names == NULL)
		return cedar_parse_out_of_memory(parser);
	memcpy(names, list->names, list->count * sizeof *names);
	cedar_texts_sort(names, list->count);
	for (i = 1; i < list->count; i++)
		if (cedar_text_equal(names[i - 1], names[i]))
			return cedar_lex_fail(&parser->lexer, offset, "the key `%.*s` comes twice in this record",
			                      names[i].size > 60 ? 60 : (int)names[i].size, names[i].data);
	return true;
}

const struct cedar_expr *
cedar_parse_record(struct cedar_parser *parser)
{
	struct cedar_parse_list list = { 0 };
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
	return cedar_parse_list_made(parser, &list, CEDAR_NODE_RECORD, offset);
}
