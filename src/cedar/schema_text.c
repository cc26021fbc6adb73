/* schema_text.c - schemas in the human format to raw declarations.
 *
 * Keywords are no reserved words here: `entity`, `in`, `type` may also be names, told apart by what follows.
 */
#include "cedar/schema_scan.h"

static bool
parse_choices(struct cedar_scan *parser, struct cedar_raw_entity *entity)
{
	struct cedar_text *choices = NULL;
	size_t capacity = 0;

	entity->is_enum = true;
	if (!cedar_lex_expect(&parser->lexer, CEDAR_TOKEN('['), "`[`"))
		return false;
	do {
		if (!cedar_arena_grow(parser->raw->arena, (void **)&choices, entity->choice_count, &capacity,
		                      sizeof *choices))
			return cedar_scan_out_of_memory(parser);
		if (!cedar_scan_string(parser, &choices[entity->choice_count]))
			return false;
		entity->choice_count++;
	} while (cedar_lex_accept(&parser->lexer, CEDAR_TOKEN(',')));
	entity->choices = choices;
	return cedar_lex_expect(&parser->lexer, CEDAR_TOKEN(']'), "`,` or `]`") &&
	       cedar_lex_expect(&parser->lexer, CEDAR_TOKEN(';'), "`;`");
}

static bool
parse_entity_body(struct cedar_scan *parser, struct cedar_raw_entity *entity)
{
	struct cedar_raw_type *shape;
	bool equal;

	if (cedar_scan_accept(parser, "enum"))
		return parse_choices(parser, entity);
	if (cedar_scan_accept(parser, "in") && !cedar_scan_names(parser, false, &entity->parents))
		return false;
	equal = cedar_lex_accept(&parser->lexer, CEDAR_TOKEN('='));
	if (parser->lexer.token.kind == CEDAR_TOKEN('{')) {
		shape = cedar_scan_type_new(parser, CEDAR_RAW_RECORD);
		cedar_lex_next(&parser->lexer);
		if (shape == NULL || cedar_scan_record(parser, shape) == NULL)
			return false;
		entity->shape = shape;
	} else if (equal) {
		return cedar_scan_expected(parser, "`{`");
	}
	if (cedar_scan_accept(parser, "tags") && (entity->tags = cedar_scan_type(parser)) == NULL)
		return false;
	return cedar_lex_expect(&parser->lexer, CEDAR_TOKEN(';'), "`;`");
}

static bool
parse_entity(struct cedar_scan *parser, struct cedar_raw_space *space)
{
	struct cedar_raw_entity entity = { 0 };
	struct cedar_raw_names names = { 0 };
	size_t i;

	do {
		struct cedar_raw_name name = { .offset = parser->lexer.token.offset };

		if (!cedar_scan_word(parser, &name.name))
			return false;
		if (!cedar_raw_names_add(parser->raw->arena, &names, name))
			return cedar_scan_out_of_memory(parser);
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
parse_context(struct cedar_scan *parser, struct cedar_raw_action *action)
{
	struct cedar_raw_type *type;
	struct cedar_raw_name name;

	if (parser->lexer.token.kind == CEDAR_TOKEN('{')) {
		action->context = cedar_scan_type(parser);
		return action->context != NULL;
	}
	type = cedar_scan_type_new(parser, CEDAR_RAW_COMMON);
	if (type == NULL || !cedar_scan_path(parser, &name))
		return false;
	type->name = name.name;
	action->context = type;
	return true;
}

static bool
parse_applies_part(struct cedar_scan *parser, struct cedar_raw_action *action, bool seen[3])
{
	static const char *const words[] = { "principal", "resource", "context" };
	uint32_t offset = parser->lexer.token.offset;
	struct cedar_raw_names *names;
	size_t part;

	for (part = 0; part < 3 && !cedar_scan_accept(parser, words[part]); part++)
		;
	if (part == 3)
		return cedar_scan_expected(parser, "`principal`, `resource` or `context`");
	if (seen[part])
		return cedar_lex_fail(&parser->lexer, offset, "`%s` comes twice", words[part]);
	seen[part] = true;
	if (!cedar_lex_expect(&parser->lexer, CEDAR_TOKEN(':'), "`:`"))
		return false;
	if (part == 2)
		return parse_context(parser, action);
	names = part == 0 ? &action->principals : &action->resources;
	if (!cedar_scan_names(parser, false, names))
		return false;
	if (names->count > 0)
		return true;
	cedar_lex_fail(&parser->lexer, offset, "`%s` names no entity type", words[part]);
	cedar_fault_suggest(parser->lexer.fault, "leave `appliesTo` out of actions that are only groups");
	return false;
}

static bool
parse_applies(struct cedar_scan *parser, struct cedar_raw_action *action)
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
		return cedar_lex_fail(&parser->lexer, offset, "`appliesTo` lacks `%s`",
		                      seen[0] ? "resource" : "principal");
	return true;
}

static bool
parse_action_body(struct cedar_scan *parser, struct cedar_raw_action *action)
{
	if (cedar_scan_accept(parser, "in") && !cedar_scan_names(parser, true, &action->parents))
		return false;
	if (cedar_scan_accept(parser, "appliesTo") && !parse_applies(parser, action))
		return false;
	if (cedar_scan_accept(parser, "attributes") && (!cedar_lex_expect(&parser->lexer, CEDAR_TOKEN('{'), "`{`") ||
	                                                !cedar_lex_expect(&parser->lexer, CEDAR_TOKEN('}'), "`}`")))
		return false;
	return cedar_lex_expect(&parser->lexer, CEDAR_TOKEN(';'), "`;`");
}

static bool
parse_action(struct cedar_scan *parser, struct cedar_raw_space *space)
{
	struct cedar_raw_action action = { 0 };
	struct cedar_raw_names names = { 0 };
	size_t i;

	do {
		struct cedar_raw_name name = { .offset = parser->lexer.token.offset };

		if (!cedar_scan_label(parser, &name.name))
			return false;
		if (!cedar_raw_names_add(parser->raw->arena, &names, name))
			return cedar_scan_out_of_memory(parser);
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
parse_common(struct cedar_scan *parser, struct cedar_raw_space *space)
{
	struct cedar_raw_common common = { .offset = parser->lexer.token.offset };

	if (!cedar_scan_word(parser, &common.name) || !cedar_lex_expect(&parser->lexer, CEDAR_TOKEN('='), "`=`"))
		return false;
	common.type = cedar_scan_type(parser);
	return common.type != NULL && cedar_lex_expect(&parser->lexer, CEDAR_TOKEN(';'), "`;`") &&
	       cedar_raw_common_add(parser->raw, space, common);
}

static bool
parse_declaration(struct cedar_scan *parser, struct cedar_raw_space *space)
{
	if (cedar_scan_accept(parser, "entity"))
		return parse_entity(parser, space);
	if (cedar_scan_accept(parser, "action"))
		return parse_action(parser, space);
	if (cedar_scan_accept(parser, "type"))
		return parse_common(parser, space);
	return cedar_scan_expected(parser, "`entity`, `action` or `type`");
}

static bool
parse_namespace(struct cedar_scan *parser)
{
	struct cedar_raw_space *space;
	struct cedar_raw_name name;
	bool fresh;

	if (!cedar_scan_path(parser, &name))
		return false;
	if (!cedar_raw_name_valid(name.name, true))
		return cedar_lex_fail(&parser->lexer, name.offset, "this namespace is reserved");
	space = cedar_raw_space_get(parser->raw, name.name, &fresh);
	if (space == NULL)
		return cedar_scan_out_of_memory(parser);
	if (!fresh)
		return cedar_lex_fail(&parser->lexer, name.offset, "the namespace `%.*s` comes twice",
		                      name.name.size > 80 ? 80 : (int)name.name.size, name.name.data);
	space->offset = name.offset;
	if (!cedar_lex_expect(&parser->lexer, CEDAR_TOKEN('{'), "`{`"))
		return false;
	while (!cedar_lex_accept(&parser->lexer, CEDAR_TOKEN('}')))
		if (!cedar_scan_annotations(parser) || !parse_declaration(parser, space))
			return false;
	return true;
}

bool
cedar_raw_parse_text(struct cedar_raw_schema *raw)
{
	struct cedar_scan parser = { .raw = raw };
	struct cedar_raw_space *outside;
	bool fresh;

	outside = cedar_raw_space_get(raw, CEDAR_TEXT(""), &fresh);
	if (outside == NULL)
		return cedar_raw_out_of_memory(raw);
	if (!cedar_lex_start(&parser.lexer, raw->source, raw->fault))
		return false;
	while (parser.lexer.token.kind != CEDAR_TOKEN_END) {
		if (!cedar_scan_annotations(&parser))
			return false;
		if (cedar_scan_accept(&parser, "namespace") ? !parse_namespace(&parser)
		                                            : !parse_declaration(&parser, outside))
			return false;
	}
	return true;
}
