/* parse_name.c - names of types, and entities. */
#include "cedar/parse.h"

/* Name, with the `::` and the string behind it if it is an entity. */
CEDAR_APART bool
cedar_parse_path(struct cedar_parser *parser, struct cedar_text *name, struct cedar_token *id)
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
			return cedar_lex_fail(lexer, token.offset, "expected a name, found %s",
			                      cedar_token_show(&token, buffer));
		if (cedar_word_reserved(token.text))
			return cedar_lex_fail(lexer, token.offset, "`%.*s` is reserved and names nothing",
			                      (int)token.text.size, token.text.data);
		*name = name->data == NULL ? token.text : cedar_text_join(parser->work, *name, "::", token.text);
		if (name->data == NULL)
			return cedar_parse_out_of_memory(parser);
		if (name->size > CEDAR_NAME_MAX) /* each part joined anew: without an end, the square of the text */
			return cedar_lex_fail(lexer, token.offset, "a name is longer than %d bytes", CEDAR_NAME_MAX);
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

	if (!cedar_parse_path(parser, out, &id))
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

	if (!cedar_parse_path(parser, &name, &id))
		return false;
	if (id.kind != CEDAR_TOKEN_STRING) {
		cedar_lex_fail(&parser->lexer, offset, "expected an entity");
		cedar_fault_suggest(parser->lexer.fault, "entities are written Type::\"id\"");
		return false;
	}
	if (!cedar_unescape(&parser->lexer, parser->work, &id, &text))
		return false;
	*out = cedar_uid_of(parser->arena, name, text);
	return true;
}

const struct cedar_uid *
cedar_parse_type(struct cedar_parser *parser)
{
	const struct cedar_uid *type;
	struct cedar_uid uid;
	struct cedar_text name;

	if (!cedar_parse_name(parser, &name))
		return NULL;
	uid = cedar_uid_of(parser->arena, name, CEDAR_TEXT(""));
	type = cedar_intern_uids(parser->maker.interner, &uid, 1);
	if (type == NULL)
		cedar_parse_out_of_memory(parser);
	return type;
}
