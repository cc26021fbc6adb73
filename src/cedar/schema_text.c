/* schema_text.c - schemas in the human format to raw declarations.
 *
 * Keywords are no reserved words here: `entity`, `in`, `type` may also be names, told apart by what follows.
 */
#include "cedar/lex.h"
#include "cedar/schema_raw.h"

struct parser {
	struct cedar_lexer lexer;
	struct cedar_raw_schema *raw;
	unsigned depth;
};

static bool
out_of_memory(struct parser *parser)
{
	return cedar_lex_fail(&parser->lexer, parser->lexer.token.offset, "out of memory");
}

static bool
expected(struct parser *parser, const char *what)
{
	char buffer[64];

	return cedar_lex_fail(&parser->lexer, parser->lexer.token.offset, "expected %s, found %s", what,
		cedar_token_show(&parser->lexer.token, buffer));
}

static bool
accept_word(struct parser *parser, const char *word)
{
	if (!cedar_lex_is_word(&parser->lexer, word))
		return false;
	cedar_lex_next(&parser->lexer);
	return true;
}

static bool
parse_word(struct parser *parser, struct cedar_text *out)
{
	if (parser->lexer.token.kind != CEDAR_TOKEN_WORD)
		return expected(parser, "a name");
	if (cedar_word_reserved(parser->lexer.token.text) && !cedar_text_is(parser->lexer.token.text, "__cedar"))
		return cedar_lex_fail(&parser->lexer, parser->lexer.token.offset, "`%.*s` is reserved and cannot be a name",
			(int)parser->lexer.token.text.size, parser->lexer.token.text.data);
	*out = parser->lexer.token.text;
	cedar_lex_next(&parser->lexer);
	return true;
}

static bool
parse_string(struct parser *parser, struct cedar_text *out)
{
	struct cedar_token token = parser->lexer.token;

	if (token.kind != CEDAR_TOKEN_STRING)
		return expected(parser, "a string");
	if (!cedar_unescape(&parser->lexer, parser->raw->arena, &token, out))
		return false;
	cedar_lex_next(&parser->lexer);
	return true;
}

/* A word or a string. */
static bool
parse_label(struct parser *parser, struct cedar_text *out)
{
	if (parser->lexer.token.kind == CEDAR_TOKEN_STRING)
		return parse_string(parser, out);
	return parse_word(parser, out);
}

static bool
join(struct parser *parser, struct cedar_text *name, struct cedar_text part)
{
	*name = cedar_text_join(parser->raw->arena, *name, "::", part);
	return name->data != NULL || out_of_memory(parser);
}

static bool
parse_path(struct parser *parser, struct cedar_raw_name *out)
{
	struct cedar_text part;

	*out = (struct cedar_raw_name){ .offset = parser->lexer.token.offset };
	if (!parse_word(parser, &out->name))
		return false;
	while (cedar_lex_accept(&parser->lexer, CEDAR_TOKEN_PATH))
		if (!parse_word(parser, &part) || !join(parser, &out->name, part))
			return false;
	return true;
}

/* Path "::" string, or a word or string alone (then of the default type). */
static bool
parse_action_name(struct parser *parser, struct cedar_raw_name *out)
{
	struct cedar_text part;

	*out = (struct cedar_raw_name){ .offset = parser->lexer.token.offset };
	if (parser->lexer.token.kind == CEDAR_TOKEN_STRING)
		return parse_string(parser, &out->id);
	if (!parse_word(parser, &part))
		return false;
	if (parser->lexer.token.kind != CEDAR_TOKEN_PATH) {
		out->id = part;
		return true;
	}
	out->name = part;
	while (cedar_lex_accept(&parser->lexer, CEDAR_TOKEN_PATH)) {
		if (parser->lexer.token.kind == CEDAR_TOKEN_STRING)
			return parse_string(parser, &out->id);
		if (!parse_word(parser, &part) || !join(parser, &out->name, part))
			return false;
	}
	return expected(parser, "`::` and the action's name in quotes");
}

/* One, or several in brackets. */
static bool
parse_names(struct parser *parser, bool actions, struct cedar_raw_names *out)
{
	bool (*parse)(struct parser *, struct cedar_raw_name *) = actions ? parse_action_name : parse_path;
	bool list = cedar_lex_accept(&parser->lexer, CEDAR_TOKEN('['));

	if (list && !actions && cedar_lex_accept(&parser->lexer, CEDAR_TOKEN(']')))
		return true;
	do {
		struct cedar_raw_name name;

		if (!parse(parser, &name))
			return false;
		if (!cedar_raw_names_add(parser->raw->arena, out, name))
			return out_of_memory(parser);
	} while (list && cedar_lex_accept(&parser->lexer, CEDAR_TOKEN(',')));
	return !list || cedar_lex_expect(&parser->lexer, CEDAR_TOKEN(']'), "`,` or `]`");
}

/* Annotations are checked and left behind: nothing of the validator looks at them. */
static bool
skip_annotations(struct parser *parser)
{
	struct cedar_raw_names seen = { 0 };

	while (parser->lexer.token.kind == CEDAR_TOKEN('@')) {
		struct cedar_raw_name name = { .offset = parser->lexer.token.offset };
		size_t i;

		cedar_lex_next(&parser->lexer);
		if (parser->lexer.token.kind != CEDAR_TOKEN_WORD)
			return expected(parser, "the name of the annotation");
		name.name = parser->lexer.token.text;
		cedar_lex_next(&parser->lexer);
		if (cedar_lex_accept(&parser->lexer, CEDAR_TOKEN('(')) &&
			(!parse_string(parser, &name.id) || !cedar_lex_expect(&parser->lexer, CEDAR_TOKEN(')'), "`)`")))
			return false;
		for (i = 0; i < seen.count; i++)
			if (cedar_text_equal(seen.items[i].name, name.name))
				return cedar_lex_fail(&parser->lexer, name.offset, "the annotation comes twice");
		if (!cedar_raw_names_add(parser->raw->arena, &seen, name))
			return out_of_memory(parser);
	}
	return true;
}

static const struct cedar_raw_type *parse_type(struct parser *);

static struct cedar_raw_type *
raw_type_new(struct parser *parser, enum cedar_raw_kind kind)
{
	struct cedar_raw_type *type = cedar_arena_zero(parser->raw->arena, sizeof *type);

	if (type == NULL) {
		out_of_memory(parser);
		return NULL;
	}
	type->kind = kind;
	type->depth = 1;
	type->offset = parser->lexer.token.offset;
	return type;
}

static bool
parse_field(struct parser *parser, struct cedar_raw_field *out)
{
	if (!skip_annotations(parser) || !parse_label(parser, &out->name))
		return false;
	out->required = !cedar_lex_accept(&parser->lexer, CEDAR_TOKEN('?'));
	if (!cedar_lex_expect(&parser->lexer, CEDAR_TOKEN(':'), "`:` or `?:`"))
		return false;
	out->type = parse_type(parser);
	return out->type != NULL;
}

/* The brace is read already. */
static const struct cedar_raw_type *
parse_record(struct parser *parser, struct cedar_raw_type *type)
{
	size_t capacity = 0;

	while (!cedar_lex_accept(&parser->lexer, CEDAR_TOKEN('}'))) {
		if (!cedar_arena_grow(parser->raw->arena, (void **)&type->fields, type->count, &capacity, sizeof *type->fields)) {
			out_of_memory(parser);
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
parse_set(struct parser *parser)
{
	struct cedar_raw_type *type = raw_type_new(parser, CEDAR_RAW_SET);

	cedar_lex_next(&parser->lexer);
	cedar_lex_next(&parser->lexer);
	if (type == NULL || (type->element = parse_type(parser)) == NULL || !cedar_raw_deepen(parser->raw, type, type->element))
		return NULL;
	return cedar_lex_expect(&parser->lexer, CEDAR_TOKEN('>'), "`>`") ? type : NULL;
}

static const struct cedar_raw_type *
parse_type_inside(struct parser *parser)
{
	struct cedar_raw_type *type;
	struct cedar_raw_name name;
	bool twice;

	if (cedar_lex_is_word(&parser->lexer, "Set") && cedar_lex_peek(&parser->lexer, &twice) == '<')
		return parse_set(parser);
	if (parser->lexer.token.kind == CEDAR_TOKEN('{')) {
		type = raw_type_new(parser, CEDAR_RAW_RECORD);
		cedar_lex_next(&parser->lexer);
		return type ? parse_record(parser, type) : NULL;
	}
	type = raw_type_new(parser, CEDAR_RAW_ENTITY_OR_COMMON);
	if (type == NULL || !parse_path(parser, &name))
		return NULL;
	type->name = name.name;
	return type;
}

static const struct cedar_raw_type *
parse_type(struct parser *parser)
{
	const struct cedar_raw_type *type;

	if (++parser->depth > CEDAR_DEPTH_MAX) {
		cedar_lex_fail(&parser->lexer, parser->lexer.token.offset, "types are nested more than %d deep", CEDAR_DEPTH_MAX);
		return NULL;
	}
	type = parse_type_inside(parser);
	parser->depth--;
	return type;
}

static bool
parse_choices(struct parser *parser, struct cedar_raw_entity *entity)
{
	struct cedar_text *choices = NULL;
	size_t capacity = 0;

	entity->is_enum = true;
	if (!cedar_lex_expect(&parser->lexer, CEDAR_TOKEN('['), "`[`"))
		return false;
	do {
		if (!cedar_arena_grow(parser->raw->arena, (void **)&choices, entity->choice_count, &capacity, sizeof *choices))
			return out_of_memory(parser);
		if (!parse_string(parser, &choices[entity->choice_count]))
			return false;
		entity->choice_count++;
	} while (cedar_lex_accept(&parser->lexer, CEDAR_TOKEN(',')));
	entity->choices = choices;
	return cedar_lex_expect(&parser->lexer, CEDAR_TOKEN(']'), "`,` or `]`") &&
		cedar_lex_expect(&parser->lexer, CEDAR_TOKEN(';'), "`;`");
}

static bool
parse_entity_body(struct parser *parser, struct cedar_raw_entity *entity)
{
	struct cedar_raw_type *shape;
	bool equal;

	if (accept_word(parser, "enum"))
		return parse_choices(parser, entity);
	if (accept_word(parser, "in") && !parse_names(parser, false, &entity->parents))
		return false;
	equal = cedar_lex_accept(&parser->lexer, CEDAR_TOKEN('='));
	if (parser->lexer.token.kind == CEDAR_TOKEN('{')) {
		shape = raw_type_new(parser, CEDAR_RAW_RECORD);
		cedar_lex_next(&parser->lexer);
		if (shape == NULL || parse_record(parser, shape) == NULL)
			return false;
		entity->shape = shape;
	} else if (equal) {
		return expected(parser, "`{`");
	}
	if (accept_word(parser, "tags") && (entity->tags = parse_type(parser)) == NULL)
		return false;
	return cedar_lex_expect(&parser->lexer, CEDAR_TOKEN(';'), "`;`");
}

static bool
parse_entity(struct parser *parser, struct cedar_raw_space *space)
{
	struct cedar_raw_entity entity = { 0 };
	struct cedar_raw_names names = { 0 };
	size_t i;

	do {
		struct cedar_raw_name name = { .offset = parser->lexer.token.offset };

		if (!parse_word(parser, &name.name))
			return false;
		if (!cedar_raw_names_add(parser->raw->arena, &names, name))
			return out_of_memory(parser);
	} while (cedar_lex_accept(&parser->lexer, CEDAR_TOKEN(',')));
	if (!parse_entity_body(parser, &entity))
		return false;
	for (i = 0; i < names.count; i++) {
		entity.name = names.items[i].name;
		entity.offset = names.items[i].offset;
		if (!cedar_raw_entity_add(parser->raw, space, entity))
			return false;
	}
	return true;
}

static bool
parse_context(struct parser *parser, struct cedar_raw_action *action)
{
	struct cedar_raw_type *type;
	struct cedar_raw_name name;

	if (parser->lexer.token.kind == CEDAR_TOKEN('{')) {
		action->context = parse_type(parser);
		return action->context != NULL;
	}
	type = raw_type_new(parser, CEDAR_RAW_COMMON);
	if (type == NULL || !parse_path(parser, &name))
		return false;
	type->name = name.name;
	action->context = type;
	return true;
}

static bool
parse_applies_part(struct parser *parser, struct cedar_raw_action *action, bool seen[3])
{
	static const char *const words[] = { "principal", "resource", "context" };
	uint32_t offset = parser->lexer.token.offset;
	struct cedar_raw_names *names;
	size_t part;

	for (part = 0; part < 3 && !accept_word(parser, words[part]); part++)
		;
	if (part == 3)
		return expected(parser, "`principal`, `resource` or `context`");
	if (seen[part])
		return cedar_lex_fail(&parser->lexer, offset, "`%s` comes twice", words[part]);
	seen[part] = true;
	if (!cedar_lex_expect(&parser->lexer, CEDAR_TOKEN(':'), "`:`"))
		return false;
	if (part == 2)
		return parse_context(parser, action);
	names = part == 0 ? &action->principals : &action->resources;
	if (!parse_names(parser, false, names))
		return false;
	if (names->count > 0)
		return true;
	cedar_lex_fail(&parser->lexer, offset, "`%s` names no entity type", words[part]);
	cedar_fault_suggest(parser->lexer.fault, "leave `appliesTo` out of actions that are only groups");
	return false;
}

static bool
parse_applies(struct parser *parser, struct cedar_raw_action *action)
{
	uint32_t offset = parser->lexer.token.offset;
	bool seen[3] = { false };

	if (!cedar_lex_expect(&parser->lexer, CEDAR_TOKEN('{'), "`{`"))
		return false;
	do {
		if (!parse_applies_part(parser, action, seen))
			return false;
	} while (cedar_lex_accept(&parser->lexer, CEDAR_TOKEN(',')) && parser->lexer.token.kind != CEDAR_TOKEN('}'));
	if (!cedar_lex_expect(&parser->lexer, CEDAR_TOKEN('}'), "`,` or `}`"))
		return false;
	if (!seen[0] || !seen[1])
		return cedar_lex_fail(&parser->lexer, offset, "`appliesTo` lacks `%s`", seen[0] ? "resource" : "principal");
	return true;
}

static bool
parse_action_body(struct parser *parser, struct cedar_raw_action *action)
{
	if (accept_word(parser, "in") && !parse_names(parser, true, &action->parents))
		return false;
	if (accept_word(parser, "appliesTo") && !parse_applies(parser, action))
		return false;
	if (accept_word(parser, "attributes") && (!cedar_lex_expect(&parser->lexer, CEDAR_TOKEN('{'), "`{`") ||
							 !cedar_lex_expect(&parser->lexer, CEDAR_TOKEN('}'), "`}`")))
		return false;
	return cedar_lex_expect(&parser->lexer, CEDAR_TOKEN(';'), "`;`");
}

static bool
parse_action(struct parser *parser, struct cedar_raw_space *space)
{
	struct cedar_raw_action action = { 0 };
	struct cedar_raw_names names = { 0 };
	size_t i;

	do {
		struct cedar_raw_name name = { .offset = parser->lexer.token.offset };

		if (!parse_label(parser, &name.name))
			return false;
		if (!cedar_raw_names_add(parser->raw->arena, &names, name))
			return out_of_memory(parser);
	} while (cedar_lex_accept(&parser->lexer, CEDAR_TOKEN(',')));
	if (!parse_action_body(parser, &action))
		return false;
	for (i = 0; i < names.count; i++) {
		action.name = names.items[i].name;
		action.offset = names.items[i].offset;
		if (!cedar_raw_action_add(parser->raw, space, action))
			return false;
	}
	return true;
}

static bool
parse_common(struct parser *parser, struct cedar_raw_space *space)
{
	struct cedar_raw_common common = { .offset = parser->lexer.token.offset };

	if (!parse_word(parser, &common.name) || !cedar_lex_expect(&parser->lexer, CEDAR_TOKEN('='), "`=`"))
		return false;
	common.type = parse_type(parser);
	return common.type != NULL && cedar_lex_expect(&parser->lexer, CEDAR_TOKEN(';'), "`;`") &&
		cedar_raw_common_add(parser->raw, space, common);
}

static bool
parse_declaration(struct parser *parser, struct cedar_raw_space *space)
{
	if (accept_word(parser, "entity"))
		return parse_entity(parser, space);
	if (accept_word(parser, "action"))
		return parse_action(parser, space);
	if (accept_word(parser, "type"))
		return parse_common(parser, space);
	return expected(parser, "`entity`, `action` or `type`");
}

static bool
parse_namespace(struct parser *parser)
{
	struct cedar_raw_space *space;
	struct cedar_raw_name name;
	bool fresh;

	if (!parse_path(parser, &name))
		return false;
	if (!cedar_raw_name_valid(name.name, true))
		return cedar_lex_fail(&parser->lexer, name.offset, "this namespace is reserved");
	space = cedar_raw_space_get(parser->raw, name.name, &fresh);
	if (space == NULL)
		return out_of_memory(parser);
	if (!fresh)
		return cedar_lex_fail(&parser->lexer, name.offset, "the namespace `%.*s` comes twice",
			name.name.size > 80 ? 80 : (int)name.name.size, name.name.data);
	space->offset = name.offset;
	if (!cedar_lex_expect(&parser->lexer, CEDAR_TOKEN('{'), "`{`"))
		return false;
	while (!cedar_lex_accept(&parser->lexer, CEDAR_TOKEN('}')))
		if (!skip_annotations(parser) || !parse_declaration(parser, space))
			return false;
	return true;
}

bool
cedar_raw_parse_text(struct cedar_raw_schema *raw)
{
	struct parser parser = { .raw = raw };
	struct cedar_raw_space *outside;
	bool fresh;

	outside = cedar_raw_space_get(raw, CEDAR_TEXT(""), &fresh);
	if (outside == NULL)
		return cedar_raw_out_of_memory(raw);
	if (!cedar_lex_start(&parser.lexer, raw->source, raw->fault))
		return false;
	while (parser.lexer.token.kind != CEDAR_TOKEN_END) {
		if (!skip_annotations(&parser))
			return false;
		if (accept_word(&parser, "namespace") ? !parse_namespace(&parser) : !parse_declaration(&parser, outside))
			return false;
	}
	return true;
}
