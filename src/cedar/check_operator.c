/* check_operator.c - types of operators with two sides, of `in`, `is`, and of calls. */
#include "cedar/check.h"

#include <stdio.h>

/* Not merged into one big frame: every level of an expression takes one, and stacks can be small. */
#define APART __attribute__((noinline))

/* The entity a literal names, or that the variable `action` stands for here; NULL for all else. */
static const struct cedar_uid *
uid_of(const struct cedar_checker *checker, const struct cedar_expr *expr)
{
	if (expr->kind == CEDAR_NODE_LITERAL && expr->value.kind == CEDAR_ENTITY)
		return expr->value.entity;
	if (expr->kind == CEDAR_NODE_VARIABLE && expr->detail == CEDAR_ACTION)
		return &checker->environment.action->uid;
	return NULL;
}

static void __attribute__((noinline)) fail_bound(struct cedar_checker *checker, const struct cedar_expr *expr,
                                                 const struct cedar_type *a, const struct cedar_type *b)
{
	char left[80], right[80];

	cedar_check_fail(checker, expr->offset,
	                 expr->kind == CEDAR_NODE_EQUAL || expr->kind == CEDAR_NODE_NOT_EQUAL
	                     ? "both sides must be of one type"
	                     : "what a set is asked for must be of the type of its elements",
	                 "%s and %s can never be equal: the types differ", cedar_type_show(a, left, sizeof left),
	                 cedar_type_show(b, right, sizeof right));
}

/* Strict mode: what is compared must be of one type. NULL types had their fault already. */
static struct cedar_answer
demand_bound(struct cedar_checker *checker, const struct cedar_expr *expr, const struct cedar_type *left,
             const struct cedar_type *right)
{
	bool spent = false;

	if (left == NULL || right == NULL || cedar_check_bound(checker, left, right, &spent) != NULL)
		return cedar_answer_good(&cedar_type_bool);
	if (!spent)
		fail_bound(checker, expr, left, right);
	return cedar_answer_bad(&cedar_type_bool);
}

/* Is it a literal, or && and || of nothing but true and false, which the reference takes for one when it parses? */
static bool
is_literal(const struct cedar_expr *expr, struct cedar_value *out)
{
	bool all = expr->kind == CEDAR_NODE_AND;
	size_t i;

	if (expr->kind == CEDAR_NODE_LITERAL) {
		*out = expr->value;
		return true;
	}
	if (expr->kind != CEDAR_NODE_AND && expr->kind != CEDAR_NODE_OR)
		return false;
	for (i = 0; i < expr->count; i++) {
		if (!is_literal(expr->items[i], out) || out->kind != CEDAR_BOOL)
			return false;
		all = expr->kind == CEDAR_NODE_AND ? all && out->truth : all || out->truth;
	}
	*out = (struct cedar_value){ .kind = CEDAR_BOOL, .truth = all };
	return true;
}

/* Literals can be compared here and now. */
APART static bool
literals_known(const struct cedar_checker *checker, const struct cedar_expr *left, const struct cedar_expr *right,
               bool *equal)
{
	const struct cedar_uid *a = uid_of(checker, left), *b = uid_of(checker, right);
	struct cedar_value x = { .kind = CEDAR_ENTITY }, y = { .kind = CEDAR_ENTITY };

	if ((a == NULL && !is_literal(left, &x)) || (b == NULL && !is_literal(right, &y)))
		return false;
	if (a == NULL || b == NULL)
		*equal = a == b && cedar_value_equal(&x, &y);
	else
		*equal = cedar_text_equal(a->type, b->type) && cedar_text_equal(a->id, b->id);
	return true;
}

APART static struct cedar_answer
check_equal(struct cedar_checker *checker, const struct cedar_capability *prior, const struct cedar_expr *expr)
{
	struct cedar_answer left = cedar_check_expr(checker, prior, expr->left);
	struct cedar_answer right = cedar_check_expr(checker, prior, expr->right), answer;
	bool equal;

	if (left.type != NULL && right.type != NULL && left.type->kind == CEDAR_TYPE_ENTITY &&
	    right.type->kind == CEDAR_TYPE_ENTITY && left.type->entity != right.type->entity)
		answer = cedar_answer_good(&cedar_type_false);
	else if (literals_known(checker, expr->left, expr->right, &equal))
		answer = cedar_answer_good(cedar_type_of_truth(equal));
	else
		answer = demand_bound(checker, expr, left.type, right.type);
	return cedar_answer_after(left.good && right.good, answer);
}

APART static struct cedar_answer
check_not_equal(struct cedar_checker *checker, const struct cedar_capability *prior, const struct cedar_expr *expr)
{
	struct cedar_answer answer = check_equal(checker, prior, expr);

	if (answer.type->kind != CEDAR_TYPE_BOOL)
		answer.type = cedar_type_of_truth(answer.type->kind == CEDAR_TYPE_FALSE);
	return answer;
}

static bool
is_ordered(const struct cedar_type *type)
{
	return type->kind == CEDAR_TYPE_LONG || type->kind == CEDAR_TYPE_NEVER ||
	       (type->kind == CEDAR_TYPE_EXTENSION &&
	        (type->extension == CEDAR_DATETIME || type->extension == CEDAR_DURATION));
}

static bool
is_never(const struct cedar_type *type)
{
	return type->kind == CEDAR_TYPE_NEVER;
}

static bool
is_same(const struct cedar_type *a, const struct cedar_type *b)
{
	return is_never(a) || is_never(b) || (a->kind == b->kind && a->extension == b->extension);
}

static void __attribute__((noinline)) fail_order(struct cedar_checker *checker, const struct cedar_expr *expr,
                                                 const struct cedar_type *left, const struct cedar_type *right)
{
	char a[80], b[80];

	cedar_type_show(left, a, sizeof a);
	cedar_type_show(right, b, sizeof b);
	if (is_ordered(left) && is_ordered(right))
		cedar_check_fail(checker, expr->offset, NULL, "%s and %s cannot be ordered against each other", a, b);
	else
		cedar_check_fail(checker, is_ordered(left) ? expr->right->offset : expr->left->offset,
		                 left->kind == CEDAR_TYPE_EXTENSION && left->extension == CEDAR_DECIMAL
		                     ? "decimals are ordered by .lessThan(…)"
		                     : NULL,
		                 "expected Long, datetime or duration, but this is %s", is_ordered(left) ? b : a);
}

APART static struct cedar_answer
check_order(struct cedar_checker *checker, const struct cedar_capability *prior, const struct cedar_expr *expr)
{
	struct cedar_answer left = cedar_check_expr(checker, prior, expr->left);
	struct cedar_answer right = cedar_check_expr(checker, prior, expr->right);

	if (left.type == NULL || right.type == NULL)
		return cedar_answer_bad(&cedar_type_bool);
	if (is_same(left.type, right.type) && is_ordered(left.type) && is_ordered(right.type))
		return cedar_answer_after(left.good && right.good, cedar_answer_good(&cedar_type_bool));
	fail_order(checker, expr, left.type, right.type);
	return cedar_answer_bad(&cedar_type_bool);
}

APART static struct cedar_answer
check_arithmetic(struct cedar_checker *checker, const struct cedar_capability *prior, const struct cedar_expr *expr)
{
	struct cedar_answer left = cedar_check_kind(checker, prior, expr->left, CEDAR_BIT_LONG, "Long");
	struct cedar_answer right = cedar_check_kind(checker, prior, expr->right, CEDAR_BIT_LONG, "Long");

	return cedar_answer_after(left.good && right.good, cedar_answer_good(&cedar_type_long));
}

APART static struct cedar_answer
check_contains(struct cedar_checker *checker, const struct cedar_capability *prior, const struct cedar_expr *expr)
{
	struct cedar_answer set = cedar_check_kind(checker, prior, expr->left, CEDAR_BIT_SET, "a set");
	struct cedar_answer item = cedar_check_expr(checker, prior, expr->right);

	return cedar_answer_after(set.good && item.good,
	                          demand_bound(checker, expr, set.type ? set.type->element : NULL, item.type));
}

APART static struct cedar_answer
check_contains_set(struct cedar_checker *checker, const struct cedar_capability *prior, const struct cedar_expr *expr)
{
	struct cedar_answer left = cedar_check_kind(checker, prior, expr->left, CEDAR_BIT_SET, "a set");
	struct cedar_answer right = cedar_check_kind(checker, prior, expr->right, CEDAR_BIT_SET, "a set");

	return cedar_answer_after(left.good && right.good, demand_bound(checker, expr, left.type, right.type));
}

struct cedar_answer
cedar_check_binary(struct cedar_checker *checker, const struct cedar_capability *prior, const struct cedar_expr *expr)
{
	switch ((int)expr->kind) {
	case CEDAR_NODE_EQUAL:
		return check_equal(checker, prior, expr);
	case CEDAR_NODE_NOT_EQUAL:
		return check_not_equal(checker, prior, expr);
	case CEDAR_NODE_CONTAINS:
		return check_contains(checker, prior, expr);
	case CEDAR_NODE_CONTAINS_ALL:
	case CEDAR_NODE_CONTAINS_ANY:
		return check_contains_set(checker, prior, expr);
	case CEDAR_NODE_GET_TAG:
		return cedar_check_get_tag(checker, prior, expr);
	case CEDAR_NODE_HAS_TAG:
		return cedar_check_has_tag(checker, prior, expr);
	case CEDAR_NODE_ADD:
	case CEDAR_NODE_SUBTRACT:
	case CEDAR_NODE_MULTIPLY:
		return check_arithmetic(checker, prior, expr);
	default:
		return check_order(checker, prior, expr);
	}
}

/* Can an action of the type `below` be in an entity of the type `above`? */
static bool
action_types_below(const struct cedar_schema *schema, const struct cedar_entity_type *above,
                   const struct cedar_entity_type *below)
{
	uint32_t i, j;

	for (i = 0; i < schema->action_count; i++)
		for (j = 0; j < schema->action_count && schema->action_list[i]->type == above; j++)
			if (schema->action_list[j]->type == below && cedar_bit(schema->action_list[i]->descendants, j))
				return true;
	return false;
}

static bool
types_below(const struct cedar_schema *schema, const struct cedar_entity_type *above,
            const struct cedar_entity_type *below)
{
	return above == below || cedar_type_below(above, below) || action_types_below(schema, above, below);
}

/* An action in one of the actions on the right: the schema knows. Entities of other types hold no action. */
static struct cedar_answer
check_action_in(const struct cedar_checker *checker, const struct cedar_uid *left, const struct cedar_expr *right)
{
	bool list = right->kind == CEDAR_NODE_SET;
	const struct cedar_action_type *action = cedar_schema_action(checker->schema, left);
	size_t count = list ? right->count : 1, i;
	bool inside = false;

	for (i = 0; i < count; i++) {
		const struct cedar_uid *uid = uid_of(checker, list ? cedar_expr_operand(right, i) : right);
		const struct cedar_action_type *above;

		if (!cedar_is_action_type(uid->type))
			continue;
		above = cedar_schema_action(checker->schema, uid);
		if (above == NULL || action == NULL)
			return cedar_answer_bad(&cedar_type_bool);
		inside = inside || above == action || cedar_bit(above->descendants, action->index);
	}
	return cedar_answer_good(cedar_type_of_truth(inside));
}

static bool
are_uids(const struct cedar_checker *checker, const struct cedar_expr *expr)
{
	size_t i;

	if (expr->kind != CEDAR_NODE_SET)
		return uid_of(checker, expr) != NULL;
	for (i = 0; i < expr->count; i++)
		if (uid_of(checker, cedar_expr_operand(expr, i)) == NULL)
			return false;
	return true;
}

static void __attribute__((noinline))
fail_in(struct cedar_checker *checker, const struct cedar_expr *expr, const struct cedar_type *type)
{
	char buffer[100];

	cedar_check_fail(checker, expr->offset, type->kind == CEDAR_TYPE_SET ? "try .contains(…)" : NULL,
	                 "expected an entity or a set of entities, but this is %s",
	                 cedar_type_show(type, buffer, sizeof buffer));
}

struct cedar_answer
cedar_check_in(struct cedar_checker *checker, const struct cedar_capability *prior, const struct cedar_expr *at,
               const struct cedar_expr *left, const struct cedar_expr *right)
{
	struct cedar_answer below = cedar_check_kind(checker, prior, left, CEDAR_BIT_ENTITY, "an entity");
	struct cedar_answer above = cedar_check_expr(checker, prior, right);
	const struct cedar_type *type = above.type;
	const struct cedar_uid *uid = uid_of(checker, left);

	(void)at;
	if (type != NULL && type->kind == CEDAR_TYPE_SET)
		type = type->element;
	if (type != NULL && type->kind != CEDAR_TYPE_ENTITY && !is_never(type)) {
		fail_in(checker, right, above.type);
		return cedar_answer_bad(&cedar_type_bool);
	}
	if (!below.good || !above.good || below.type == NULL || type == NULL)
		return cedar_answer_bad(&cedar_type_bool);
	if (is_never(type) || is_never(below.type))
		return cedar_answer_good(&cedar_type_bool);
	if (uid != NULL && cedar_is_action_type(uid->type) && are_uids(checker, right))
		return check_action_in(checker, uid, right);
	if (!types_below(checker->schema, type->entity, below.type->entity))
		return cedar_answer_good(&cedar_type_false);
	return cedar_answer_good(&cedar_type_bool);
}

APART static struct cedar_answer
check_is_alone(struct cedar_checker *checker, const struct cedar_capability *prior, const struct cedar_expr *expr)
{
	struct cedar_answer tested = cedar_check_kind(checker, prior, expr->tested, CEDAR_BIT_ENTITY, "an entity");

	if (tested.type == NULL || is_never(tested.type))
		return cedar_answer_after(tested.type != NULL && tested.good, cedar_answer_good(&cedar_type_bool));
	return cedar_answer_after(tested.good, cedar_answer_good(cedar_type_of_truth(
	                                           cedar_text_equal(tested.type->entity->name, expr->type->type))));
}

/* `a is T in b` is `a is T && a in b`. */
struct cedar_answer
cedar_check_is(struct cedar_checker *checker, const struct cedar_capability *prior, const struct cedar_expr *expr)
{
	struct cedar_answer left = check_is_alone(checker, prior, expr), right;

	if (expr->inside == NULL || left.type->kind == CEDAR_TYPE_FALSE)
		return left;
	right = cedar_check_in(checker, prior, expr, expr->tested, expr->inside);
	if (right.type->kind == CEDAR_TYPE_TRUE)
		return cedar_answer_after(right.good, left);
	if (right.type->kind == CEDAR_TYPE_FALSE || left.type->kind == CEDAR_TYPE_TRUE)
		return cedar_answer_after(left.good, right);
	return cedar_answer_after(left.good && right.good, cedar_answer_good(&cedar_type_bool));
}

/* The text of ip("…") and the like must be a literal, and a good one. */
static bool
check_constructor(struct cedar_checker *checker, const struct cedar_expr *expr)
{
	const struct cedar_signature *row = &cedar_signatures[expr->detail];
	const struct cedar_expr *text = expr->items[0];
	struct cedar_value value;
	char message[160];

	if (text->kind != CEDAR_NODE_LITERAL) {
		cedar_check_fail(checker, expr->offset, "such values are made in the data of entities and the context",
		                 "%s(…) takes a text in quotes, nothing computed", row->name);
		return false;
	}
	if (text->value.kind != CEDAR_STRING ||
	    cedar_function_call((enum cedar_function)expr->detail, &text->value, 1, &value, message, sizeof message))
		return true;
	cedar_check_fail(checker, expr->offset, NULL, "%s", message);
	return false;
}

struct cedar_answer
cedar_check_call(struct cedar_checker *checker, const struct cedar_capability *prior, const struct cedar_expr *expr)
{
	const struct cedar_signature *row = &cedar_signatures[expr->detail];
	const struct cedar_type *gives = cedar_type_of_kind((enum cedar_kind)row->gives);
	bool good = true;
	size_t i;

	if (expr->count != row->arguments) {
		cedar_check_fail(checker, expr->offset, NULL, "%s takes %u argument(s), not %u", row->name,
		                 (unsigned)row->arguments, expr->count);
		good = false;
	} else if (!row->method && expr->detail != CEDAR_CALL_UNKNOWN && !check_constructor(checker, expr)) {
		good = false;
	}
	for (i = 0; i < expr->count; i++) {
		const struct cedar_type *takes =
		    i < row->arguments ? cedar_type_of_kind((enum cedar_kind)row->takes[i]) : NULL;
		struct cedar_answer argument = cedar_check_expr(checker, prior, expr->items[i]);

		if (good && argument.type != NULL && takes != NULL && !is_same(argument.type, takes)) {
			char expected[20], actual[100];

			cedar_check_fail(checker, expr->items[i]->offset, NULL, "expected %s, but this is %s",
			                 cedar_type_show(takes, expected, sizeof expected),
			                 cedar_type_show(argument.type, actual, sizeof actual));
			good = false;
		}
		good = good && argument.good;
	}
	return cedar_answer_after(good, cedar_answer_good(gives));
}
