/* check_scope.c - is there an action that applies to principals and resources of the scope? */
#include "cedar/check.h"

/* The type of `==` or `in` in the scope; NULL where a slot stands, or a type that is not declared. */
static bool
scope_allows(const struct cedar_checker *checker, const struct cedar_scope *scope, const struct cedar_entity_type *type)
{
	bool entity = scope->entities != NULL && scope->count > 0;
	const struct cedar_entity_type *above =
	    entity ? cedar_schema_type(checker->schema, scope->entities->type) : NULL;

	if ((scope->kind == CEDAR_SCOPE_IS || scope->kind == CEDAR_SCOPE_IS_IN) &&
	    !cedar_text_equal(scope->type->type, type->name))
		return false;
	if (scope->kind == CEDAR_SCOPE_ANY || scope->kind == CEDAR_SCOPE_IS || !entity)
		return true;
	if (above == type)
		return true;
	return scope->kind != CEDAR_SCOPE_EQUAL && above != NULL && cedar_type_below(above, type);
}

static bool
any_allowed(const struct cedar_checker *checker, const struct cedar_scope *scope,
            struct cedar_entity_type *const *types, uint32_t count)
{
	uint32_t i;

	for (i = 0; i < count; i++)
		if (scope_allows(checker, scope, types[i]))
			return true;
	return false;
}

static bool
applies(const struct cedar_checker *checker, const struct cedar_action_type *action)
{
	const struct cedar_policy *policy = checker->policy;

	return any_allowed(checker, &policy->principal, action->principals, action->principal_count) &&
	       any_allowed(checker, &policy->resource, action->resources, action->resource_count);
}

/* Is this action one that the scope lets through? An undeclared action in a list makes the list empty. */
static bool
action_allowed(const struct cedar_checker *checker, const struct cedar_scope *scope,
               const struct cedar_action_type *action)
{
	bool inside = false;
	uint32_t i;

	if (scope->kind == CEDAR_SCOPE_ANY)
		return true;
	for (i = 0; i < scope->count; i++) {
		const struct cedar_action_type *above = cedar_schema_action(checker->schema, &scope->entities[i]);

		if (above == NULL)
			return false;
		inside = inside || above == action ||
		         (scope->kind == CEDAR_SCOPE_IN && cedar_bit(above->descendants, action->index));
	}
	return inside;
}

/* Would `in` instead of `==` help? */
static bool
in_would_help(const struct cedar_checker *checker, const struct cedar_scope *scope, bool principals)
{
	struct cedar_scope other = *scope;
	uint32_t i;

	if (scope->kind != CEDAR_SCOPE_EQUAL)
		return false;
	other.kind = CEDAR_SCOPE_IN;
	for (i = 0; i < checker->schema->action_count; i++) {
		const struct cedar_action_type *action = checker->schema->action_list[i];
		struct cedar_entity_type *const *types = principals ? action->principals : action->resources;
		uint32_t count = principals ? action->principal_count : action->resource_count;

		if (action_allowed(checker, &checker->policy->action, action) &&
		    !any_allowed(checker, scope, types, count) && any_allowed(checker, &other, types, count))
			return true;
	}
	return false;
}

void
cedar_check_application(struct cedar_checker *checker)
{
	const struct cedar_schema *schema = checker->schema;
	const char *help = NULL;
	uint32_t i;

	for (i = 0; i < schema->action_count; i++)
		if (action_allowed(checker, &checker->policy->action, schema->action_list[i]) &&
		    applies(checker, schema->action_list[i]))
			return;
	if (in_would_help(checker, &checker->policy->principal, true))
		help = "try `principal in` instead of `principal ==`";
	else if (in_would_help(checker, &checker->policy->resource, false))
		help = "try `resource in` instead of `resource ==`";
	cedar_check_fail(checker, checker->policy->offset, help, "no action applies to what the scope asks for");
}
