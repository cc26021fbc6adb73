/* check_policy.c - one policy in every environment that the schema allows.
 *
 * The whole is principal && (action && (resource && (condition && …))), as the reference nests it: where a part is
 * always false, what is behind it is not checked.
 */
#include "cedar/check.h"

enum { PARTS_MAX = 3 };

static const struct cedar_expr *
variable_node(struct cedar_checker *checker, unsigned variable, uint32_t offset)
{
	struct cedar_expr *expr = cedar_arena_zero(&checker->nodes, sizeof *expr);

	if (expr == NULL)
		return NULL;
	expr->kind = CEDAR_NODE_VARIABLE;
	expr->detail = (uint8_t)variable;
	expr->depth = 1;
	expr->offset = offset;
	return expr;
}

static const struct cedar_expr *
entity_node(struct cedar_checker *checker, const struct cedar_uid *uid, uint32_t offset)
{
	struct cedar_expr *expr = cedar_arena_zero(&checker->nodes, sizeof *expr);

	if (expr == NULL)
		return NULL;
	expr->value = (struct cedar_value){ .kind = CEDAR_ENTITY, .entity = uid };
	expr->offset = offset;
	return expr;
}

static const struct cedar_expr *
list_node(struct cedar_checker *checker, const struct cedar_scope *scope)
{
	struct cedar_expr *expr = cedar_arena_zero(&checker->nodes, sizeof *expr);
	const struct cedar_expr **items = cedar_arena_take(&checker->nodes, scope->count * sizeof *items);
	uint32_t i;

	if (expr == NULL || items == NULL)
		return NULL;
	for (i = 0; i < scope->count; i++)
		if ((items[i] = entity_node(checker, &scope->entities[i], scope->offset)) == NULL)
			return NULL;
	expr->kind = CEDAR_NODE_SET;
	expr->depth = 2;
	expr->offset = scope->offset;
	expr->items = items;
	expr->count = scope->count;
	return expr;
}

/* What stands behind the operator of the scope. */
static const struct cedar_expr *
target_node(struct cedar_checker *checker, const struct cedar_scope *scope, unsigned variable)
{
	if (scope->slot)
		return variable_node(checker, variable == CEDAR_PRINCIPAL ? CEDAR_SLOT_PRINCIPAL : CEDAR_SLOT_RESOURCE,
		                     scope->offset);
	if (scope->list)
		return list_node(checker, scope);
	return entity_node(checker, scope->entities, scope->offset);
}

/* A part of the scope as an expression; NULL for a bare variable and when memory is out (then failed is set). */
static const struct cedar_expr *
scope_node(struct cedar_checker *checker, const struct cedar_scope *scope, unsigned variable)
{
	static const enum cedar_node kinds[] = { CEDAR_NODE_LITERAL, CEDAR_NODE_EQUAL, CEDAR_NODE_IN, CEDAR_NODE_IS,
		                                 CEDAR_NODE_IS };
	struct cedar_expr *expr;

	if (scope->kind == CEDAR_SCOPE_ANY)
		return NULL;
	expr = cedar_arena_zero(&checker->nodes, sizeof *expr);
	if (expr == NULL)
		return NULL;
	expr->kind = (uint8_t)kinds[scope->kind];
	expr->depth = 3;
	expr->offset = scope->offset;
	expr->left = variable_node(checker, variable, scope->offset);
	if (scope->kind != CEDAR_SCOPE_IS && (expr->right = target_node(checker, scope, variable)) == NULL)
		return NULL;
	if (scope->kind == CEDAR_SCOPE_IS || scope->kind == CEDAR_SCOPE_IS_IN)
		expr->type = scope->type;
	return expr->left ? expr : NULL;
}

static struct cedar_answer
check_part(struct cedar_checker *checker, const struct cedar_capability *prior, const struct cedar_expr *expr,
           bool unless)
{
	struct cedar_answer answer = cedar_check_kind(checker, prior, expr, CEDAR_BIT_TRUTH, "Bool");

	if (!unless)
		return answer;
	answer.known = NULL;
	if (answer.type == NULL)
		answer.type = &cedar_type_bool;
	else if (answer.type->kind != CEDAR_TYPE_BOOL)
		answer.type = cedar_type_of_truth(answer.type->kind == CEDAR_TYPE_FALSE);
	return answer;
}

/* Tells whether the policy can apply here. */
static bool
check_environment(struct cedar_checker *checker, const struct cedar_expr *const *parts)
{
	const struct cedar_capability *prior = NULL;
	const struct cedar_policy *policy = checker->policy;
	bool unknown = false;
	size_t i, count = PARTS_MAX + policy->condition_count;

	for (i = 0; i < count; i++) {
		const struct cedar_condition *condition = i < PARTS_MAX ? NULL : &policy->conditions[i - PARTS_MAX];
		const struct cedar_expr *expr = condition ? cedar_condition_expr(condition) : parts[i];
		struct cedar_answer answer;

		if (expr == NULL)
			continue;
		answer = check_part(checker, prior, expr, condition != NULL && cedar_condition_unless(condition));
		if (answer.type == NULL)
			unknown = true;
		else if (answer.type->kind == CEDAR_TYPE_FALSE)
			return unknown;
		prior = cedar_known_union(checker, prior, answer.known);
	}
	return true;
}

/* The types a slot can have: that of the variable, or with `in` any that may hold it. Calls check_environment for each. */
static bool
check_slots(struct cedar_checker *checker, const struct cedar_expr *const *parts, size_t slot)
{
	const struct cedar_scope *scope = slot == 0 ? &checker->policy->principal : &checker->policy->resource;
	const struct cedar_entity_type *type =
	    slot == 0 ? checker->environment.principal : checker->environment.resource;
	bool possible = false;
	uint32_t i;

	if (slot == 2) {
		checker->failed = checker->failed || checker->scratch.failed; /* the reset forgets it */
		cedar_arena_reset(&checker->scratch);
		checker->steps = 0;
		checker->bounds = (struct cedar_bounds){ .arena = &checker->scratch,
			                                 .steps = &checker->steps,
			                                 .most = CEDAR_CHECK_STEPS_MAX };
		return check_environment(checker, parts);
	}
	checker->environment.slots[slot] = scope->slot ? type : NULL;
	possible = check_slots(checker, parts, slot + 1);
	if (!scope->slot || scope->kind == CEDAR_SCOPE_EQUAL)
		return possible;
	for (i = 0; i < checker->schema->type_count; i++) {
		const struct cedar_entity_type *above = checker->schema->type_list[i];

		if (above == type || !cedar_type_below(above, type))
			continue;
		checker->environment.slots[slot] = above;
		possible = check_slots(checker, parts, slot + 1) || possible;
	}
	return possible;
}

static bool
check_action(struct cedar_checker *checker, const struct cedar_expr *const *parts,
             const struct cedar_action_type *action)
{
	bool possible = false;
	uint32_t i, j;

	checker->environment.action = action;
	for (i = 0; i < action->principal_count; i++)
		for (j = 0; j < action->resource_count && !checker->failed; j++) {
			checker->environment.principal = action->principals[i];
			checker->environment.resource = action->resources[j];
			possible = check_slots(checker, parts, 0) || possible;
		}
	return possible;
}

void
cedar_check_policy(struct cedar_checker *checker)
{
	const struct cedar_policy *policy = checker->policy;
	const struct cedar_expr *parts[PARTS_MAX] = { scope_node(checker, &policy->principal, CEDAR_PRINCIPAL),
		                                      scope_node(checker, &policy->action, CEDAR_ACTION),
		                                      scope_node(checker, &policy->resource, CEDAR_RESOURCE) };
	bool possible = false;
	uint32_t i;

	if (checker->nodes.failed) {
		checker->failed = true;
		return;
	}
	for (i = 0; i < checker->schema->action_count; i++)
		possible = check_action(checker, parts, checker->schema->action_list[i]) || possible;
	if (!possible)
		cedar_check_warn(checker, policy->offset, "the policy can never apply");
}
