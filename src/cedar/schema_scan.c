/* schema_scan.c - names, annotations and types in the human format. */
#include "cedar/schema_scan.h"

bool
cedar_scan_out_of_memory(struct cedar_scan *parser)
{
	return cedar_lex_fail(&parser->lexer, parser->lexer.token.offset, "out of memory");
}

bool
cedar_scan_expected(struct cedar_scan *parser, const char *what)
{
	char buffer[64];

	return cedar_lex_fail(&parser->lexer, parser->lexer.token.offset, "cedar_scan_expected %s, found %s", what,
	                      cedar_token_show(&parser->lexer.token, buffer));
}

bool
cedar_scan_accept(struct cedar_scan *parser, const char *word)
{
	if (!cedar_lex_is_word(&parser->lexer, word))
		return false;
	cedar_lex_next(&parser->lexer);
	return true;
}

bool
cedar_scan_word(struct cedar_scan *parser, struct cedar_text *out)
{
	if (parser->lexer.token.kind != CEDAR_TOKEN_WORD)
		return cedar_scan_expected(parser, "a name");
	if (cedar_word_reserved(parser->lexer.token.text) && !cedar_text_is(parser->lexer.token.text, "__cedar"))
		return cedar_lex_fail(&parser->lexer, parser->lexer.token.offset,
		                      "`%.*s` is reserved and cannot be a name", (int)parser->lexer.token.text.size,
		                      parser->lexer.token.text.data);
	*out = parser->lexer.token.text;
	cedar_lex_next(&parser->lexer);
	return true;
}

bool
cedar_scan_string(struct cedar_scan *parser, struct cedar_text *out)
{
	struct cedar_token token = parser->lexer.token;

	if (token.kind != CEDAR_TOKEN_STRING)
		return cedar_scan_expected(parser, "a string");
	if (!cedar_unescape(&parser->lexer, parser->raw->arena, &token, out))
		return false;
	cedar_lex_next(&parser->lexer);
	return true;
}

bool
cedar_scan_label(struct cedar_scan *parser, struct cedar_text *out)
{
	if (parser->lexer.token.kind == CEDAR_TOKEN_STRING)
		return cedar_scan_string(parser, out);
	return cedar_scan_word(parser, out);
}

static bool
join(struct cedar_scan *parser, struct cedar_text *name, struct cedar_text part)
{
	*name = cedar_text_join(parser->raw->arena, *name, "::", part);
	if (name->data != NULL && name->size > CEDAR_NAME_MAX)
		return cedar_scan_expected(parser, "a name of at most 4,096 bytes");
	return name->data != NULL || cedar_scan_out_of_memory(parser);
}

bool
cedar_scan_path(struct cedar_scan *parser, struct cedar_raw_name *out)
{
	struct cedar_text part;

	*out = (struct cedar_raw_name){ .offset = parser->lexer.token.offset };
	if (!cedar_scan_word(parser, &out->name))
		return false;
	while (cedar_lex_accept(&parser->lexer, CEDAR_TOKEN_PATH))
		if (!cedar_scan_word(parser, &part) || !join(parser, &out->name, part))
			return false;
	return true;
}

/* Path "::" string, or a word or string alone (then of the default type). */
static bool
parse_action_name(struct cedar_scan *parser, struct cedar_raw_name *out)
{
	struct cedar_text part;

	*out = (struct cedar_raw_name){ .offset = parser->lexer.token.offset };
	if (parser->lexer.token.kind == CEDAR_TOKEN_STRING)
		return cedar_scan_string(parser, &out->id);
	if (!cedar_scan_word(parser, &part))
		return false;
	if (parser->lexer.token.kind != CEDAR_TOKEN_PATH) {
		out->id = part;
		return true;
	}
	out->name = part;
	while (cedar_lex_accept(&parser->lexer, CEDAR_TOKEN_PATH)) {
		if (parser->lexer.token.kind == CEDAR_TOKEN_STRING)
			return cedar_scan_string(parser, &out->id);
		if (!cedar_scan_word(parser, &part) || !join(parser, &out->name, part))
			return false;
	}
	return cedar_scan_expected(parser, "`::` and the action's name in quotes");
}

bool
cedar_scan_names(struct cedar_scan *parser, bool actions, struct cedar_raw_names *out)
{
	bool (*parse)(struct cedar_scan *, struct cedar_raw_name *) = actions ? parse_action_name : cedar_scan_path;
	bool list = cedar_lex_accept(&parser->lexer, CEDAR_TOKEN('['));

	if (list && !actions && cedar_lex_accept(&parser->lexer, CEDAR_TOKEN(']')))
		return true;
	do {
		struct cedar_raw_name name;

		if (!parse(parser, &name))
			return false;
		if (!cedar_raw_names_add(parser->raw->arena, out, name))
			return cedar_scan_out_of_memory(parser);
	} while (list && cedar_lex_accept(&parser->lexer, CEDAR_TOKEN(',')));
	return !list || cedar_lex_expect(&parser->lexer, CEDAR_TOKEN(']'), "`,` or `]`");
}

bool
cedar_scan_annotations(struct cedar_scan *parser)
{
	struct cedar_raw_names seen = { 0 };

	while (parser->lexer.token.kind == CEDAR_TOKEN('@')) {
		struct cedar_raw_name name = { .offset = parser->lexer.token.offset };
		size_t i;

		cedar_lex_next(&parser->lexer);
		if (parser->lexer.token.kind != CEDAR_TOKEN_WORD)
			return cedar_scan_expected(parser, "the name of the annotation");
		name.name = parser->lexer.token.text;
		cedar_lex_next(&parser->lexer);
		if (cedar_lex_accept(&parser->lexer, CEDAR_TOKEN('(')) &&
		    (!cedar_scan_string(parser, &name.id) ||
		     !cedar_lex_expect(&parser->lexer, CEDAR_TOKEN(')'), "`)`")))
			return false;
		for (i = 0; i < seen.count; i++)
			if (cedar_text_equal(seen.items[i].name, name.name))
				return cedar_lex_fail(&parser->lexer, name.offset, "the annotation comes twice");
		if (!cedar_raw_names_add(parser->raw->arena, &seen, name))
			return cedar_scan_out_of_memory(parser);
	}
	return true;
}

struct cedar_raw_type *
cedar_scan_type_new(struct cedar_scan *parser, enum cedar_raw_kind kind)
{
	struct cedar_raw_type *type = cedar_arena_zero(parser->raw->arena, sizeof *type);

	if (type == NULL) {
		cedar_scan_out_of_memory(parser);
		return NULL;
	}
	type->kind = kind;
	type->depth = 1;
	type->offset = parser->lexer.token.offset;
	return type;
}

static bool
parse_field(struct cedar_scan *parser, struct cedar_raw_field *out)
{
	if (!cedar_scan_annotations(parser) || !cedar_scan_label(parser, &out->name))
		return false;
	out->required = !cedar_lex_accept(&parser->lexer, CEDAR_TOKEN('?'));
	if (!cedar_lex_expect(&parser->lexer, CEDAR_TOKEN(':'), "`:` or `?:`"))
		return false;
	out->type = cedar_scan_type(parser);
	return out->type != NULL;
}

const struct cedar_raw_type *
cedar_scan_record(struct cedar_scan *parser, struct cedar_raw_type *type)
{
	size_t capacity = 0;

	while (!cedar_lex_accept(&parser->lexer, CEDAR_TOKEN('}'))) {
		if (!cedar_arena_grow(parser->raw->arena, (void **)&type->fields, type->count, &capacity,
		                      sizeof *type->fields)) {
			cedar_scan_out_of_memory(parser);
			return NULL;
		}
		if (!parse_field(parser, &type->fields[type->count]) ||
		    !cedar_raw_deepen(parser->raw, type, type->fields[type->count].type))
			return NULL;
		type->count++;
		if (cedar_lex_accept(&parser->lexer, CEDAR_TOKEN(',')))
			continue;
		if (!cedar_lex_expect(&parser->lexer, CEDAR_TOKEN('}'), "`,` or `}`"))
			return NULL;
		break;
	}
	return type;
}

static const struct cedar_raw_type *
parse_set(struct cedar_scan *parser)
{
	struct cedar_raw_type *type = cedar_scan_type_new(parser, CEDAR_RAW_SET);

	cedar_lex_next(&parser->lexer);
	cedar_lex_next(&parser->lexer);
	if (type == NULL || (type->element = cedar_scan_type(parser)) == NULL ||
	    !cedar_raw_deepen(parser->raw, type, type->element))
		return NULL;
	return cedar_lex_expect(&parser->lexer, CEDAR_TOKEN('>'), "`>`") ? type : NULL;
}

static const struct cedar_raw_type *
parse_type_inside(struct cedar_scan *parser)
{
	struct cedar_raw_type *type;
	struct cedar_raw_name name;
	bool twice;

	if (cedar_lex_is_word(&parser->lexer, "Set") && cedar_lex_peek(&parser->lexer, &twice) == '<')
		return parse_set(parser);
	if (parser->lexer.token.kind == CEDAR_TOKEN('{')) {
		type = cedar_scan_type_new(parser, CEDAR_RAW_RECORD);
		cedar_lex_next(&parser->lexer);
		return type ? cedar_scan_record(parser, type) : NULL;
	}
	type = cedar_scan_type_new(parser, CEDAR_RAW_ENTITY_OR_COMMON);
	if (type == NULL || !cedar_scan_path(parser, &name))
		return NULL;
	type->name = name.name;
	return type;
}

const struct cedar_raw_type *
cedar_scan_type(struct cedar_scan *parser)
{
	const struct cedar_raw_type *type;

	if (++parser->depth > CEDAR_DEPTH_MAX) {
		cedar_lex_fail(&parser->lexer, parser->lexer.token.offset, "types are nested more than %d deep",
		               CEDAR_DEPTH_MAX);
		return NULL;
	}
	type = parse_type_inside(parser);
	parser->depth--;
	return type;
}
