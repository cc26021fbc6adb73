/* operators.c - one row for each kind of node: its name, how its operands lie, how tightly it holds. */
#include "cedar/expr.h"

const struct cedar_operator cedar_operators[CEDAR_NODE_STRANGE + 1] = {
	[CEDAR_NODE_LITERAL] = { "Value", CEDAR_FORM_VALUE, CEDAR_LEVEL_MEMBER },
	[CEDAR_NODE_VARIABLE] = { "Var", CEDAR_FORM_LEAF, CEDAR_LEVEL_MEMBER },
	[CEDAR_NODE_IF] = { "if-then-else", CEDAR_FORM_THREE, CEDAR_LEVEL_IF },
	[CEDAR_NODE_AND] = { "&&", CEDAR_FORM_LIST, CEDAR_LEVEL_AND },
	[CEDAR_NODE_OR] = { "||", CEDAR_FORM_LIST, CEDAR_LEVEL_OR },
	[CEDAR_NODE_NOT] = { "!", CEDAR_FORM_ONE, CEDAR_LEVEL_UNARY },
	[CEDAR_NODE_NEGATE] = { "neg", CEDAR_FORM_ONE, CEDAR_LEVEL_UNARY },
	[CEDAR_NODE_EQUAL] = { "==", CEDAR_FORM_TWO, CEDAR_LEVEL_RELATION },
	[CEDAR_NODE_NOT_EQUAL] = { "!=", CEDAR_FORM_TWO, CEDAR_LEVEL_RELATION },
	[CEDAR_NODE_LESS] = { "<", CEDAR_FORM_TWO, CEDAR_LEVEL_RELATION },
	[CEDAR_NODE_LESS_EQUAL] = { "<=", CEDAR_FORM_TWO, CEDAR_LEVEL_RELATION },
	[CEDAR_NODE_GREATER] = { ">", CEDAR_FORM_TWO, CEDAR_LEVEL_RELATION },
	[CEDAR_NODE_GREATER_EQUAL] = { ">=", CEDAR_FORM_TWO, CEDAR_LEVEL_RELATION },
	[CEDAR_NODE_IN] = { "in", CEDAR_FORM_TWO, CEDAR_LEVEL_RELATION },
	[CEDAR_NODE_ADD] = { "+", CEDAR_FORM_TWO, CEDAR_LEVEL_ADD },
	[CEDAR_NODE_SUBTRACT] = { "-", CEDAR_FORM_TWO, CEDAR_LEVEL_ADD },
	[CEDAR_NODE_MULTIPLY] = { "*", CEDAR_FORM_TWO, CEDAR_LEVEL_MULTIPLY },
	[CEDAR_NODE_CONTAINS] = { "contains", CEDAR_FORM_TWO, CEDAR_LEVEL_MEMBER },
	[CEDAR_NODE_CONTAINS_ALL] = { "containsAll", CEDAR_FORM_TWO, CEDAR_LEVEL_MEMBER },
	[CEDAR_NODE_CONTAINS_ANY] = { "containsAny", CEDAR_FORM_TWO, CEDAR_LEVEL_MEMBER },
	[CEDAR_NODE_GET_TAG] = { "getTag", CEDAR_FORM_TWO, CEDAR_LEVEL_MEMBER },
	[CEDAR_NODE_HAS_TAG] = { "hasTag", CEDAR_FORM_TWO, CEDAR_LEVEL_MEMBER },
	[CEDAR_NODE_IS_EMPTY] = { "isEmpty", CEDAR_FORM_ONE, CEDAR_LEVEL_MEMBER },
	[CEDAR_NODE_ATTRIBUTE] = { ".", CEDAR_FORM_NAMED, CEDAR_LEVEL_MEMBER },
	[CEDAR_NODE_HAS] = { "has", CEDAR_FORM_NAMED, CEDAR_LEVEL_RELATION },
	[CEDAR_NODE_LIKE] = { "like", CEDAR_FORM_LIKE, CEDAR_LEVEL_RELATION },
	[CEDAR_NODE_IS] = { "is", CEDAR_FORM_IS, CEDAR_LEVEL_RELATION },
	[CEDAR_NODE_SET] = { "Set", CEDAR_FORM_LIST, CEDAR_LEVEL_MEMBER },
	[CEDAR_NODE_RECORD] = { "Record", CEDAR_FORM_LIST, CEDAR_LEVEL_MEMBER },
	[CEDAR_NODE_CALL] = { NULL, CEDAR_FORM_LIST, CEDAR_LEVEL_MEMBER }, /* named by its function */
	[CEDAR_NODE_STRANGE] = { NULL, CEDAR_FORM_LIST, CEDAR_LEVEL_MEMBER },
};

enum cedar_node
cedar_operator_find(struct cedar_text name)
{
	int kind;

	for (kind = 0; kind < CEDAR_NODE_CALL; kind++)
		if (cedar_text_is(name, cedar_operators[kind].name))
			break;
	return (enum cedar_node)kind;
}

size_t
cedar_expr_size(enum cedar_node kind)
{
	switch ((int)cedar_operators[kind].form) {
	case CEDAR_FORM_VALUE:
		return sizeof(struct cedar_value);
	case CEDAR_FORM_LEAF:
		return offsetof(struct cedar_expr, left);
	case CEDAR_FORM_ONE:
		return offsetof(struct cedar_expr, right);
	case CEDAR_FORM_TWO:
	case CEDAR_FORM_NAMED:
	case CEDAR_FORM_LIKE:
		return offsetof(struct cedar_expr, third);
	case CEDAR_FORM_LIST:
		return kind == CEDAR_NODE_AND || kind == CEDAR_NODE_OR ? offsetof(struct cedar_expr, names)
		                                                       : sizeof(struct cedar_expr);
	default:
		return sizeof(struct cedar_expr);
	}
}

size_t
cedar_expr_operands(const struct cedar_expr *expr)
{
	switch ((int)cedar_operators[expr->kind].form) {
	case CEDAR_FORM_VALUE:
	case CEDAR_FORM_LEAF:
		return 0;
	case CEDAR_FORM_TWO:
		return 2;
	case CEDAR_FORM_THREE:
		return 3;
	case CEDAR_FORM_LIST:
		return expr->count;
	case CEDAR_FORM_IS:
		return expr->inside ? 2 : 1;
	default:
		return 1;
	}
}

const struct cedar_expr *
cedar_expr_operand(const struct cedar_expr *expr, size_t index)
{
	if (expr->kind == CEDAR_NODE_SET && expr->detail == CEDAR_CONSTANT)
		return (const struct cedar_expr *)&expr->members[expr->order ? expr->order[index] : index];
	if (cedar_operators[expr->kind].form == CEDAR_FORM_LIST)
		return expr->items[index];
	if (cedar_operators[expr->kind].form == CEDAR_FORM_NAMED)
		return cedar_expr_object(expr);
	return index == 0 ? expr->left : index == 1 ? expr->right : expr->third;
}

bool
cedar_expr_constant(const struct cedar_expr *expr, struct cedar_value *out)
{
	if (expr->kind == CEDAR_NODE_LITERAL) {
		*out = expr->value;
	} else if (expr->kind == CEDAR_NODE_SET && expr->detail == CEDAR_CONSTANT) {
		*out = (struct cedar_value){
			.kind = CEDAR_SET, .depth = 1, .count = expr->member_count, .items = expr->members
		};
	} else {
		if ((expr->kind != CEDAR_NODE_SET && expr->kind != CEDAR_NODE_CALL) || expr->folded == NULL)
			return false;
		*out = *expr->folded;
	}
	return true;
}

static bool
each_within(const struct cedar_expr *expr, size_t *left, bool (*visit)(void *context, const struct cedar_expr *),
            void *context)
{
	size_t count = cedar_expr_operands(expr), i;

	if (*left == 0 || !visit(context, expr))
		return false;
	--*left;
	for (i = 0; i < count; i++)
		if (!each_within(cedar_expr_operand(expr, i), left, visit, context))
			return false;
	return true;
}

bool
cedar_expr_each(const struct cedar_expr *expr, size_t most, bool (*visit)(void *context, const struct cedar_expr *),
                void *context)
{
	return each_within(expr, &most, visit, context);
}
