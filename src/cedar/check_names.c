/* check_names.c - entity types, enumerated entities and actions that a policy names must be declared. */
#include <stdio.h>

#include "cedar/check.h"

enum { SUGGESTED_MAX = 1 << 20 }; /* names compared in one validation: each takes a while */

static int
cut(struct cedar_text text)
{
	return text.size > 60 ? 60 : (int)text.size;
}

static const char *
suggest(struct cedar_checker *checker, struct cedar_text word, const char *const *names, size_t count,
        const char *format)
{
	const char *nearest = cedar_nearest(word, names, count);
	char *help = cedar_arena_take(&checker->nodes, 120);

	if (nearest == NULL || help == NULL)
		return NULL;
	snprintf(help, 120, format, nearest);
	return help;
}

bool
cedar_check_may_suggest(struct cedar_checker *checker, size_t names)
{
	checker->suggested += names;
	return checker->suggested <= SUGGESTED_MAX;
}

const char *
cedar_check_suggest_type(struct cedar_checker *checker, struct cedar_text name)
{
	const struct cedar_schema *schema = checker->schema;
	const char **names = !cedar_check_may_suggest(checker, schema->type_count)
	                         ? NULL
	                         : cedar_arena_take(&checker->nodes, schema->type_count * sizeof *names);
	size_t count = 0;
	uint32_t i;

	for (i = 0; names != NULL && i < schema->type_count; i++) {
		if (schema->type_list[i]->is_action)
			continue;
		names[count] = cedar_text_copy(&checker->nodes, schema->type_list[i]->name).data;
		if (names[count++] == NULL)
			return NULL;
	}
	return names ? suggest(checker, name, names, count, "did you mean `%s`?") : NULL;
}

const char *
cedar_check_suggest_action(struct cedar_checker *checker, struct cedar_text id)
{
	const struct cedar_schema *schema = checker->schema;
	const char **names = !cedar_check_may_suggest(checker, schema->action_count)
	                         ? NULL
	                         : cedar_arena_take(&checker->nodes, schema->action_count * sizeof *names);
	uint32_t i;

	for (i = 0; names != NULL && i < schema->action_count; i++) {
		names[i] = cedar_text_copy(&checker->nodes, schema->action_list[i]->uid.id).data;
		if (names[i] == NULL)
			return NULL;
	}
	return names ? suggest(checker, id, names, schema->action_count, "did you mean \"%s\"?") : NULL;
}

void
cedar_check_entity_name(struct cedar_checker *checker, struct cedar_text name, uint32_t offset)
{
	if (cedar_is_action_type(name) || cedar_schema_type(checker->schema, name) != NULL)
		return;
	cedar_check_fail(checker, offset, cedar_check_suggest_type(checker, name),
	                 "the schema declares no entity type `%.*s`", cut(name), name.data);
}

/* As many as have room, in the scratch arena. */
static const char *
choices_show(struct cedar_checker *checker, const struct cedar_entity_type *type)
{
	char *shown = cedar_arena_take(&checker->scratch, 128);
	size_t size = 0;
	uint32_t i;

	if (shown == NULL)
		return NULL;
	size += (size_t)snprintf(shown, 128, "they are");
	for (i = 0; i < type->choice_count && size + type->choices[i].size + 8 < 120; i++)
		size += (size_t)snprintf(shown + size, 128 - size, "%s \"%.*s\"", i > 0 ? "," : "",
		                         (int)type->choices[i].size, type->choices[i].data);
	if (i < type->choice_count)
		snprintf(shown + size, 128 - size, " …");
	return shown;
}

static void
check_choice(struct cedar_checker *checker, const struct cedar_entity_type *type, const struct cedar_uid *uid,
             uint32_t offset)
{
	if (!type->is_enum || cedar_type_has_choice(type, uid->id))
		return;
	cedar_check_fail(checker, offset, choices_show(checker, type),
	                 "\"%.*s\" is none of the ids that `%.*s` enumerates", cut(uid->id), uid->id.data,
	                 cut(type->name), type->name.data);
}

static void
check_uid(struct cedar_checker *checker, const struct cedar_uid *uid, uint32_t offset)
{
	const struct cedar_entity_type *type;

	if (cedar_is_action_type(uid->type)) {
		if (cedar_schema_action(checker->schema, uid) == NULL)
			cedar_check_fail(checker, offset, cedar_check_suggest_action(checker, uid->id),
			                 "the schema declares no action %.*s::\"%.*s\"", cut(uid->type), uid->type.data,
			                 cut(uid->id), uid->id.data);
		return;
	}
	cedar_check_entity_name(checker, uid->type, offset);
	type = cedar_schema_type(checker->schema, uid->type);
	if (type != NULL)
		check_choice(checker, type, uid, offset);
}

static void
check_scope(struct cedar_checker *checker, const struct cedar_scope *scope)
{
	uint32_t i;

	if (scope->kind == CEDAR_SCOPE_IS || scope->kind == CEDAR_SCOPE_IS_IN)
		cedar_check_entity_name(checker, scope->type->type, scope->offset);
	for (i = 0; i < scope->count && scope->entities != NULL; i++)
		check_uid(checker, &scope->entities[i], scope->offset);
}

static bool
check_node(void *context, const struct cedar_expr *expr)
{
	struct cedar_checker *checker = context;

	if (expr->kind == CEDAR_NODE_LITERAL && expr->value.kind == CEDAR_ENTITY)
		check_uid(checker, expr->value.entity, expr->offset);
	if (expr->kind == CEDAR_NODE_IS)
		cedar_check_entity_name(checker, expr->type->type, expr->offset);
	return true;
}

void
cedar_check_names(struct cedar_checker *checker)
{
	const struct cedar_policy *policy = checker->policy;
	uint32_t i;

	check_scope(checker, &policy->principal);
	check_scope(checker, &policy->action);
	check_scope(checker, &policy->resource);
	for (i = 0; i < policy->condition_count; i++)
		(void)cedar_expr_each(cedar_condition_expr(&policy->conditions[i]), CEDAR_CHECK_STEPS_MAX, check_node,
		                      checker); /* too many: the types' check says so */
}
