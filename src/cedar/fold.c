/* fold.c - sets and constructor calls made of literals are evaluated once, when the policy is compiled. What would be an
 * error is left to each decision, which must report it. */
#include "cedar/policies.h"

static const struct cedar_value *
constant_of(const struct cedar_expr *expr)
{
	if (expr->kind == CEDAR_NODE_LITERAL)
		return &expr->value;
	if (expr->kind == CEDAR_NODE_SET || expr->kind == CEDAR_NODE_CALL)
		return expr->folded;
	return NULL;
}

CEDAR_APART static bool
fold_set(struct cedar_arena *arena, struct cedar_expr *expr)
{
	struct cedar_value *items = cedar_arena_take(arena, expr->count * sizeof *items);
	struct cedar_value *value = cedar_arena_zero(arena, sizeof *value);
	size_t i;

	if (items == NULL || value == NULL)
		return false;
	for (i = 0; i < expr->count; i++)
		items[i] = *constant_of(expr->items[i]);
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

	if (expr->count > 2)
		return true;
	for (i = 0; i < expr->count; i++)
		arguments[i] = *constant_of(expr->items[i]);
	if (!cedar_function_call((enum cedar_function)expr->detail, arguments, expr->count, &result, message, sizeof message))
		return true;
	value = cedar_arena_take(arena, sizeof *value);
	if (value == NULL)
		return false;
	*value = result;
	expr->folded = value;
	return true;
}

static bool
fold_list(struct cedar_arena *arena, struct cedar_expr *expr)
{
	bool constant = true;
	size_t i;

	for (i = 0; i < expr->count; i++) {
		if (!cedar_fold(arena, expr->items[i]))
			return false;
		constant = constant && constant_of(expr->items[i]) != NULL;
	}
	if (!constant || (expr->kind != CEDAR_NODE_SET && expr->kind != CEDAR_NODE_CALL) || expr->folded != NULL)
		return true;
	return expr->kind == CEDAR_NODE_SET ? fold_set(arena, expr) : fold_call(arena, expr);
}

bool
cedar_fold(struct cedar_arena *arena, const struct cedar_expr *expr)
{
	if (expr->visited)
		return true;
	((struct cedar_expr *)expr)->visited = 1;
	switch ((enum cedar_node)expr->kind) {
	case CEDAR_NODE_LITERAL:
	case CEDAR_NODE_VARIABLE:
		return true;
	case CEDAR_NODE_AND:
	case CEDAR_NODE_OR:
	case CEDAR_NODE_SET:
	case CEDAR_NODE_RECORD:
	case CEDAR_NODE_CALL:
		return fold_list(arena, (struct cedar_expr *)expr);
	case CEDAR_NODE_ATTRIBUTE:
	case CEDAR_NODE_HAS:
	case CEDAR_NODE_LIKE:
		return cedar_fold(arena, expr->left);
	case CEDAR_NODE_IS:
		return cedar_fold(arena, expr->tested) && (expr->inside == NULL || cedar_fold(arena, expr->inside));
	case CEDAR_NODE_IF:
		return cedar_fold(arena, expr->left) && cedar_fold(arena, expr->right) && cedar_fold(arena, expr->third);
	case CEDAR_NODE_NOT:
	case CEDAR_NODE_NEGATE:
	case CEDAR_NODE_IS_EMPTY:
		return cedar_fold(arena, expr->left);
	case CEDAR_NODE_EQUAL:
	case CEDAR_NODE_NOT_EQUAL:
	case CEDAR_NODE_LESS:
	case CEDAR_NODE_LESS_EQUAL:
	case CEDAR_NODE_GREATER:
	case CEDAR_NODE_GREATER_EQUAL:
	case CEDAR_NODE_IN:
	case CEDAR_NODE_ADD:
	case CEDAR_NODE_SUBTRACT:
	case CEDAR_NODE_MULTIPLY:
	case CEDAR_NODE_CONTAINS:
	case CEDAR_NODE_CONTAINS_ALL:
	case CEDAR_NODE_CONTAINS_ANY:
	case CEDAR_NODE_GET_TAG:
	case CEDAR_NODE_HAS_TAG:
		break;
	}
	return cedar_fold(arena, expr->left) && cedar_fold(arena, expr->right);
}
