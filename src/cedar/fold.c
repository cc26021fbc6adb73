/* fold.c - sets and constructor calls made of literals are evaluated once, when the policy is compiled. What would be an
 * error is left to each decision, which must report it. */
#include "cedar/policies.h"

CEDAR_APART static bool
fold_set(struct cedar_arena *arena, struct cedar_expr *expr)
{
	struct cedar_value *items = cedar_arena_take(arena, expr->count * sizeof *items);
	struct cedar_value *value = cedar_arena_zero(arena, sizeof *value);
	size_t i;

	if (items == NULL || value == NULL)
		return false;
	for (i = 0; i < expr->count; i++)
		if (!cedar_expr_constant(expr->items[i], &items[i]))
			return false;
	value->kind = CEDAR_SET;
	value->items = items;
	value->count = (uint32_t)cedar_values_sort(items, expr->count);
	value->depth = cedar_value_depth(items, value->count);
	expr->folded = value;
	return true;
}

CEDAR_APART static bool
fold_call(struct cedar_arena *arena, struct cedar_expr *expr)
{
	struct cedar_value arguments[2], *value, result;
	char message[160];
	size_t i;

	if (expr->count > 2 || expr->detail == CEDAR_CALL_UNKNOWN)
		return true;
	for (i = 0; i < expr->count; i++)
		if (!cedar_expr_constant(expr->items[i], &arguments[i]))
			return true;
	if (!cedar_function_call((enum cedar_function)expr->detail, arguments, expr->count, &result, message,
	                         sizeof message))
		return true;
	value = cedar_arena_take(arena, sizeof *value);
	if (value == NULL)
		return false;
	*value = result;
	expr->folded = value;
	return true;
}

static bool
fold_constant(struct cedar_arena *arena, struct cedar_expr *expr)
{
	struct cedar_value value;
	size_t i;

	if ((expr->kind != CEDAR_NODE_SET && expr->kind != CEDAR_NODE_CALL) || cedar_expr_constant(expr, &value))
		return true;
	for (i = 0; i < expr->count; i++)
		if (!cedar_expr_constant(expr->items[i], &value))
			return true;
	return expr->kind == CEDAR_NODE_SET ? fold_set(arena, expr) : fold_call(arena, expr);
}

bool
cedar_fold(struct cedar_arena *arena, const struct cedar_expr *expr)
{
	size_t count, i;

	if (cedar_operators[expr->kind].form <= CEDAR_FORM_LEAF || expr->visited)
		return true;
	((struct cedar_expr *)expr)->visited = 1;
	count = cedar_expr_operands(expr);
	for (i = 0; i < count; i++)
		if (!cedar_fold(arena, cedar_expr_operand(expr, i)))
			return false;
	return fold_constant(arena, (struct cedar_expr *)expr);
}
