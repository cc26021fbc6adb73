/* parse.c - policies: annotations, scope, conditions. */
#include "cedar/parse.h"

bool
cedar_parser_start(struct cedar_parser *parser, struct cedar_interner *interner, struct cedar_arena *work,
                   struct cedar_text source, struct cedar_fault *fault)
{
	*parser = (struct cedar_parser){ .arena = interner->kept,
		                         .work = work,
		                         .maker = { .arena = interner->kept, .interner = interner } };
	return cedar_lex_start(&parser->lexer, source, fault);
}

static bool
parse_annotation(struct cedar_parser *parser, struct cedar_annotation *out)
{
	struct cedar_lexer *lexer = &parser->lexer;
	struct cedar_token token;

	cedar_lex_next(lexer);
	if (lexer->token.kind != CEDAR_TOKEN_WORD)
		return cedar_lex_fail(lexer, lexer->token.offset, "expected the name of the annotation behind @");
	*out = (struct cedar_annotation){ 0 };
	if (!cedar_parse_keep(parser, lexer->token.text, &out->key))
		return false;
	cedar_lex_next(lexer);
	if (!cedar_lex_accept(lexer, CEDAR_TOKEN('(')))
		return true;
	token = lexer->token;
	if (token.kind != CEDAR_TOKEN_STRING)
		return cedar_lex_fail(lexer, token.offset, "the value of an annotation is a string");
	if (!cedar_parse_string(parser, &token, &out->value))
		return false;
	cedar_lex_next(lexer);
	return cedar_lex_expect(lexer, CEDAR_TOKEN(')'), "`)`");
}

static bool
parse_annotations(struct cedar_parser *parser, struct cedar_annotation **out, size_t *out_count)
{
	struct cedar_annotation *list = NULL;
	size_t count = 0, capacity = 0, i;

	while (parser->lexer.token.kind == CEDAR_TOKEN('@')) {
		uint32_t offset = parser->lexer.token.offset;

		if (!cedar_arena_grow(parser->work, (void **)&list, count, &capacity, sizeof *list))
			return cedar_parse_out_of_memory(parser);
		if (!parse_annotation(parser, &list[count]))
			return false;
		for (i = 0; i < count; i++)
			if (cedar_text_equal(list[i].key, list[count].key))
				return cedar_lex_fail(&parser->lexer, offset, "the annotation @%.*s comes twice",
				                      list[i].key.size > 60 ? 60 : (int)list[i].key.size,
				                      list[i].key.data);
		if (++count > UINT8_MAX)
			return cedar_lex_fail(&parser->lexer, offset, "more than %d annotations", UINT8_MAX);
	}
	*out = list;
	*out_count = count;
	return true;
}

static bool
slot_accept(struct cedar_parser *parser, const char *variable, struct cedar_scope *scope)
{
	struct cedar_token token = parser->lexer.token;

	if (token.kind != CEDAR_TOKEN_SLOT)
		return false;
	if (!cedar_text_is((struct cedar_text){ token.text.data + 1, token.text.size - 1 }, variable))
		return cedar_lex_fail(&parser->lexer, token.offset, "only ?%s can stand here", variable);
	scope->slot = true;
	cedar_lex_next(&parser->lexer);
	return true;
}

/* An entity or slot, parentheses allowed around it. */
static bool
parse_reference(struct cedar_parser *parser, const char *variable, struct cedar_scope *scope, struct cedar_uid *out)
{
	unsigned open = 0;

	while (cedar_lex_accept(&parser->lexer, CEDAR_TOKEN('(')))
		open++;
	if (variable == NULL || !slot_accept(parser, variable, scope))
		if (!cedar_parse_uid(parser, out))
			return false;
	for (; open > 0; open--)
		if (!cedar_lex_expect(&parser->lexer, CEDAR_TOKEN(')'), "`)`"))
			return false;
	return true;
}

static bool
parse_scope_entity(struct cedar_parser *parser, const char *variable, struct cedar_scope *scope)
{
	struct cedar_uid uid;

	if (!parse_reference(parser, variable, scope, &uid))
		return false;
	if (scope->slot)
		return true;
	scope->entities = cedar_intern_uids(parser->maker.interner, &uid, 1);
	scope->count = 1;
	return scope->entities != NULL || cedar_parse_out_of_memory(parser);
}

static bool
scope_word(struct cedar_parser *parser, const char *variable)
{
	char buffer[64];

	if (!cedar_lex_is_word(&parser->lexer, variable)) {
		cedar_lex_fail(&parser->lexer, parser->lexer.token.offset, "expected `%s`, found %s", variable,
		               cedar_token_show(&parser->lexer.token, buffer));
		cedar_fault_suggest(parser->lexer.fault, "the scope names principal, action, resource in this order");
		return false;
	}
	cedar_lex_next(&parser->lexer);
	if (parser->lexer.token.kind != CEDAR_TOKEN(':'))
		return true;
	cedar_lex_fail(&parser->lexer, parser->lexer.token.offset, "types are not written like this");
	cedar_fault_suggest(parser->lexer.fault, "write `%s is Type`", variable);
	return false;
}

static bool
scope_operator_unknown(struct cedar_parser *parser)
{
	char buffer[64];

	cedar_lex_fail(&parser->lexer, parser->lexer.token.offset,
	               "expected `==`, `in`, `is` or the end of this part, found %s",
	               cedar_token_show(&parser->lexer.token, buffer));
	if (parser->lexer.token.kind == CEDAR_TOKEN('='))
		cedar_fault_suggest(parser->lexer.fault, "equality is written ==");
	else
		cedar_fault_suggest(parser->lexer.fault, "other conditions stand in when { … }");
	return false;
}

/* Between two parts of the scope. */
static bool
scope_comma(struct cedar_parser *parser)
{
	int found = parser->lexer.token.kind;

	if (cedar_lex_expect(&parser->lexer, CEDAR_TOKEN(','), "`,`"))
		return true;
	if (found == CEDAR_TOKEN_AND || found == CEDAR_TOKEN_OR)
		cedar_fault_suggest(parser->lexer.fault,
		                    "one condition for each part of the scope; others stand in when { … }");
	return false;
}

static bool
scope_at_end(const struct cedar_parser *parser)
{
	return parser->lexer.token.kind == CEDAR_TOKEN(',') || parser->lexer.token.kind == CEDAR_TOKEN(')');
}

static bool
parse_party(struct cedar_parser *parser, const char *variable, struct cedar_scope *scope)
{
	*scope = (struct cedar_scope){ .kind = CEDAR_SCOPE_ANY, .offset = parser->lexer.token.offset };
	if (!scope_word(parser, variable))
		return false;
	if (scope_at_end(parser))
		return true;
	if (cedar_lex_accept(&parser->lexer, CEDAR_TOKEN_EQUAL)) {
		scope->kind = CEDAR_SCOPE_EQUAL;
		return parse_scope_entity(parser, variable, scope);
	}
	if (cedar_lex_is_word(&parser->lexer, "is")) {
		cedar_lex_next(&parser->lexer);
		scope->kind = CEDAR_SCOPE_IS;
		scope->type = cedar_parse_type(parser);
		if (scope->type == NULL || scope_at_end(parser))
			return scope->type != NULL;
	}
	if (!cedar_lex_is_word(&parser->lexer, "in"))
		return scope_operator_unknown(parser);
	cedar_lex_next(&parser->lexer);
	scope->kind = scope->kind == CEDAR_SCOPE_IS ? CEDAR_SCOPE_IS_IN : CEDAR_SCOPE_IN;
	return parse_scope_entity(parser, variable, scope);
}

static bool
parse_action_list(struct cedar_parser *parser, struct cedar_scope *scope)
{
	struct cedar_uid *list = NULL;
	size_t count = 0, capacity = 0;

	cedar_lex_next(&parser->lexer);
	while (parser->lexer.token.kind != CEDAR_TOKEN(']')) {
		if (!cedar_arena_grow(parser->work, (void **)&list, count, &capacity, sizeof *list))
			return cedar_parse_out_of_memory(parser);
		if (!parse_reference(parser, NULL, scope, &list[count++]))
			return false;
		if (!cedar_lex_accept(&parser->lexer, CEDAR_TOKEN(',')))
			break;
	}
	scope->list = true;
	scope->entities = cedar_intern_uids(parser->maker.interner, list, count);
	scope->count = count & CEDAR_SCOPE_COUNT;
	if (count > 0 && scope->entities == NULL)
		return cedar_parse_out_of_memory(parser);
	return cedar_lex_expect(&parser->lexer, CEDAR_TOKEN(']'), "`]`");
}

static bool
actions_are_actions(struct cedar_parser *parser, const struct cedar_scope *scope)
{
	uint32_t i;

	for (i = 0; i < scope->count; i++)
		if (!cedar_is_action_type(scope->entities[i].type)) {
			cedar_lex_fail(&parser->lexer, scope->offset, "`%.*s` is no type of actions",
			               scope->entities[i].type.size > 60 ? 60 : (int)scope->entities[i].type.size,
			               scope->entities[i].type.data);
			cedar_fault_suggest(parser->lexer.fault,
			                    "actions are written Action::\"name\", with a namespace if need be");
			return false;
		}
	return true;
}

/* `[…]`, which may stand in parentheses; if it does, they are taken, and counted. */
static bool
at_action_list(struct cedar_parser *parser, unsigned *parentheses)
{
	struct cedar_lexer before = parser->lexer;

	*parentheses = 0;
	while (*parentheses < CEDAR_DEPTH_MAX && cedar_lex_accept(&parser->lexer, CEDAR_TOKEN('(')))
		++*parentheses;
	if (parser->lexer.token.kind == CEDAR_TOKEN('['))
		return true;
	parser->lexer = before;
	return false;
}

static bool
parse_enclosed_list(struct cedar_parser *parser, struct cedar_scope *scope, unsigned parentheses)
{
	if (!parse_action_list(parser, scope))
		return false;
	for (; parentheses > 0; parentheses--)
		if (!cedar_lex_expect(&parser->lexer, CEDAR_TOKEN(')'), "`)`"))
			return false;
	return actions_are_actions(parser, scope);
}

static bool
parse_action(struct cedar_parser *parser, struct cedar_scope *scope)
{
	unsigned parentheses;

	*scope = (struct cedar_scope){ .kind = CEDAR_SCOPE_ANY, .offset = parser->lexer.token.offset };
	if (!scope_word(parser, "action"))
		return false;
	if (scope_at_end(parser))
		return true;
	if (cedar_lex_accept(&parser->lexer, CEDAR_TOKEN_EQUAL)) {
		scope->kind = CEDAR_SCOPE_EQUAL;
		return parse_scope_entity(parser, NULL, scope) && actions_are_actions(parser, scope);
	}
	if (cedar_lex_is_word(&parser->lexer, "is"))
		return cedar_lex_fail(&parser->lexer, parser->lexer.token.offset, "`is` cannot be used with action");
	if (!cedar_lex_is_word(&parser->lexer, "in"))
		return scope_operator_unknown(parser);
	cedar_lex_next(&parser->lexer);
	scope->kind = CEDAR_SCOPE_IN;
	if (at_action_list(parser, &parentheses))
		return parse_enclosed_list(parser, scope, parentheses);
	return parse_scope_entity(parser, NULL, scope) && actions_are_actions(parser, scope);
}

static bool
parse_scopes(struct cedar_parser *parser, struct cedar_policy *policy)
{
	struct cedar_lexer *lexer = &parser->lexer;

	if (!cedar_lex_expect(lexer, CEDAR_TOKEN('('), "`(`") ||
	    !parse_party(parser, "principal", &policy->principal) || !scope_comma(parser) ||
	    !parse_action(parser, &policy->action) || !scope_comma(parser) ||
	    !parse_party(parser, "resource", &policy->resource))
		return false;
	cedar_lex_accept(lexer, CEDAR_TOKEN(','));
	policy->slots = (uint8_t)((policy->principal.slot ? 1 : 0) | (policy->resource.slot ? 2 : 0));
	return cedar_lex_expect(lexer, CEDAR_TOKEN(')'), "`)`");
}

static bool
condition_end(struct cedar_parser *parser)
{
	struct cedar_token found = parser->lexer.token;

	if (cedar_lex_expect(&parser->lexer, CEDAR_TOKEN('}'), "`}`"))
		return true;
	if (found.kind == CEDAR_TOKEN_WORD && (cedar_text_is(found.text, "and") || cedar_text_is(found.text, "or")))
		cedar_fault_suggest(parser->lexer.fault, "write %s", cedar_text_is(found.text, "and") ? "&&" : "||");
	return false;
}

static bool
parse_conditions(struct cedar_parser *parser, struct cedar_condition **out, size_t *out_count)
{
	static const char *const words[] = { "when", "unless" };
	struct cedar_condition *list = NULL;
	size_t count = 0, capacity = 0;
	char buffer[64];

	while (parser->lexer.token.kind == CEDAR_TOKEN_WORD) {
		struct cedar_token token = parser->lexer.token;
		bool unless = cedar_text_is(token.text, "unless");

		if (!unless && !cedar_text_is(token.text, "when")) {
			cedar_lex_fail(&parser->lexer, token.offset, "expected `when`, `unless` or `;`, found %s",
			               cedar_token_show(&token, buffer));
			if (cedar_nearest(token.text, words, 2) != NULL)
				cedar_fault_suggest(parser->lexer.fault, "did you mean %s?",
				                    cedar_nearest(token.text, words, 2));
			return false;
		}
		cedar_lex_next(&parser->lexer);
		if (!cedar_lex_expect(&parser->lexer, CEDAR_TOKEN('{'), "`{`"))
			return false;
		if (!cedar_arena_grow(parser->work, (void **)&list, count, &capacity, sizeof *list))
			return cedar_parse_out_of_memory(parser);
		list[count] = cedar_condition_of(cedar_parse_expr(parser), unless);
		if (cedar_condition_expr(&list[count++]) == NULL || !condition_end(parser))
			return false;
	}
	*out = list;
	*out_count = count;
	return true;
}

static bool
parse_effect(struct cedar_parser *parser, struct cedar_policy *policy)
{
	static const char *const effects[] = { "permit", "forbid" };
	const struct cedar_token *token = &parser->lexer.token;
	const char *near;
	char buffer[64];

	policy->offset = token->offset;
	policy->forbids = cedar_lex_is_word(&parser->lexer, "forbid");
	if (!policy->forbids && !cedar_lex_is_word(&parser->lexer, "permit")) {
		cedar_lex_fail(&parser->lexer, policy->offset, "expected `permit` or `forbid`, found %s",
		               cedar_token_show(token, buffer));
		near = token->kind == CEDAR_TOKEN_WORD ? cedar_nearest(token->text, effects, 2) : NULL;
		if (near != NULL)
			cedar_fault_suggest(parser->lexer.fault, "did you mean %s?", near);
		return false;
	}
	cedar_lex_next(&parser->lexer);
	return true;
}

bool
cedar_parse_policy(struct cedar_parser *parser, struct cedar_policy *out)
{
	struct cedar_policy policy = { 0 };
	struct cedar_annotation *annotations = NULL;
	struct cedar_condition *conditions = NULL;
	size_t annotation_count = 0, condition_count = 0;
	uint32_t start = parser->lexer.token.offset;

	if (parser->work != parser->arena)
		cedar_arena_reset(parser->work);
	if (!parse_annotations(parser, &annotations, &annotation_count) || !parse_effect(parser, &policy) ||
	    !parse_scopes(parser, &policy) || !parse_conditions(parser, &conditions, &condition_count) ||
	    !cedar_lex_expect(&parser->lexer, CEDAR_TOKEN(';'), "`;`"))
		return false;
	policy.start = start;
	policy.size = (uint32_t)parser->lexer.before - start;
	if (parser->lexer.failed)
		return false;
	if (!cedar_policy_furnish(parser->arena, conditions, condition_count, annotations, annotation_count, &policy))
		return cedar_parse_out_of_memory(parser);
	*out = policy;
	return true;
}
