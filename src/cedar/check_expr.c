/* check_expr.c - types of expressions, as the reference's strict mode gives them.
 *
 * An expression can be always true or always false (types True and False); what then cannot be reached is not checked.
 * `good` tells whether all is in order below; a type can be known even where it is not.
 */
#include "cedar/check.h"

#include <stdio.h>

/* Not merged into one big frame: every level of an expression takes one, and stacks can be small. */
#define APART __attribute__((noinline))

static struct cedar_answer __attribute__((noinline)) fail_steps(struct cedar_checker *checker)
{
	cedar_check_fail(checker, checker->policy->offset, NULL, "the policy is too complex to be checked");
	return cedar_answer_bad(NULL);
}

const struct cedar_type *
cedar_check_bound(struct cedar_checker *checker, const struct cedar_type *a, const struct cedar_type *b, bool *spent)
{
	const struct cedar_type *bound = cedar_type_bound(&checker->bounds, a, b);

	*spent = bound == NULL && checker->steps > CEDAR_CHECK_STEPS_MAX;
	if (*spent)
		fail_steps(checker);
	return bound;
}

static const char *
help_for(const struct cedar_expr *expr, const struct cedar_type *type, unsigned kinds)
{
	(void)expr;
	if (type->kind == CEDAR_TYPE_STRING && (kinds & CEDAR_BIT_SET))
		return "texts are compared with `like` and ==";
	if (type->kind == CEDAR_TYPE_STRING && (kinds & CEDAR_BIT_LONG))
		return "Cedar cannot join texts";
	if (type->kind == CEDAR_TYPE_SET && (kinds & (CEDAR_BIT_ENTITY | CEDAR_BIT_RECORD)))
		return "try .contains(…)";
	if (type->kind == CEDAR_TYPE_SET && (kinds & CEDAR_BIT_LONG))
		return "Cedar cannot compute with sets";
	if (type->kind == CEDAR_TYPE_ENTITY && (kinds & CEDAR_BIT_SET))
		return "try `in`";
	if (type->kind == CEDAR_TYPE_ENTITY && (kinds & CEDAR_BIT_STRING))
		return "the type of an entity is tested with `is`";
	if (type->kind == CEDAR_TYPE_RECORD && (kinds & CEDAR_BIT_SET))
		return "try `has`";
	return NULL;
}

static void __attribute__((noinline)) fail_kind(struct cedar_checker *checker, const struct cedar_expr *expr,
                                                const struct cedar_type *type, unsigned kinds, const char *expected)
{
	char buffer[100];

	cedar_check_fail(checker, expr->offset, help_for(expr, type, kinds), "expected %s, but this is %s", expected,
	                 cedar_type_show(type, buffer, sizeof buffer));
}

/* What is unknown passes for what is expected of it; an entity or record it stays unknown as. */
static const struct cedar_type *
never_as(unsigned kinds)
{
	static const struct cedar_type any_set = { .kind = CEDAR_TYPE_SET, .depth = 2, .element = &cedar_type_never };

	if (kinds == CEDAR_BIT_TRUTH)
		return &cedar_type_bool;
	if (kinds == CEDAR_BIT_LONG)
		return &cedar_type_long;
	if (kinds == CEDAR_BIT_STRING)
		return &cedar_type_string;
	return kinds == CEDAR_BIT_SET ? &any_set : &cedar_type_never;
}

struct cedar_answer
cedar_check_kind(struct cedar_checker *checker, const struct cedar_capability *prior, const struct cedar_expr *expr,
                 unsigned kinds, const char *expected)
{
	struct cedar_answer answer = cedar_check_expr(checker, prior, expr);

	if (answer.type != NULL && answer.type->kind == CEDAR_TYPE_NEVER)
		answer.type = never_as(kinds);
	if (answer.type == NULL || answer.type->kind == CEDAR_TYPE_NEVER || (kinds >> answer.type->kind & 1))
		return answer.type ? answer : cedar_answer_bad(NULL);
	fail_kind(checker, expr, answer.type, kinds, expected);
	return cedar_answer_bad(NULL);
}

static struct cedar_answer
check_truth(struct cedar_checker *checker, const struct cedar_capability *prior, const struct cedar_expr *expr)
{
	return cedar_check_kind(checker, prior, expr, CEDAR_BIT_TRUTH, "Bool");
}

static struct cedar_answer
check_uid(struct cedar_checker *checker, const struct cedar_uid *uid)
{
	const struct cedar_action_type *action;
	const struct cedar_entity_type *type;

	if (cedar_is_action_type(uid->type)) {
		action = cedar_schema_action(checker->schema, uid);
		return action ? cedar_answer_good(&action->type->reference) : cedar_answer_bad(NULL);
	}
	type = cedar_schema_type(checker->schema, uid->type);
	return type ? cedar_answer_good(&type->reference) : cedar_answer_bad(NULL);
}

APART static struct cedar_answer
check_literal(struct cedar_checker *checker, const struct cedar_value *value)
{
	if (value->kind == CEDAR_BOOL)
		return cedar_answer_good(cedar_type_of_truth(value->truth));
	if (value->kind == CEDAR_ENTITY)
		return check_uid(checker, value->entity);
	return cedar_answer_good(cedar_type_of_kind((enum cedar_kind)value->kind));
}

static struct cedar_answer
check_variable(struct cedar_checker *checker, unsigned variable)
{
	const struct cedar_environment *environment = &checker->environment;

	switch (variable) {
	case CEDAR_PRINCIPAL:
		return cedar_answer_good(&environment->principal->reference);
	case CEDAR_ACTION:
		return cedar_answer_good(&environment->action->type->reference);
	case CEDAR_RESOURCE:
		return cedar_answer_good(&environment->resource->reference);
	case CEDAR_CONTEXT:
		return cedar_answer_good(environment->action->context);
	default:
		return cedar_answer_good(&environment->slots[variable - CEDAR_SLOT_PRINCIPAL]->reference);
	}
}

/* The next conjunct `right` behind what was found of all before it. */
APART static struct cedar_answer
join_and(struct cedar_checker *checker, struct cedar_answer left, struct cedar_answer right)
{
	bool good = left.good && right.good;
	struct cedar_answer answer = { .type = &cedar_type_bool, .good = true };

	if (left.type == NULL || right.type == NULL)
		return cedar_answer_bad(&cedar_type_bool);
	if (right.type->kind == CEDAR_TYPE_FALSE)
		return cedar_answer_after(good, cedar_answer_good(&cedar_type_false));
	answer.known = cedar_known_union(checker, left.known, right.known);
	if (right.type->kind == CEDAR_TYPE_TRUE) {
		answer.type = left.type;
	} else if (left.type->kind == CEDAR_TYPE_TRUE) {
		answer.type = right.type;
		answer.known = right.known; /* the reference forgets the left side here; so do we */
	}
	return cedar_answer_after(good, answer);
}

struct cedar_answer
cedar_check_and(struct cedar_checker *checker, const struct cedar_capability *prior,
                const struct cedar_expr *const *items, size_t count)
{
	struct cedar_answer answer = check_truth(checker, prior, items[0]), right;
	const struct cedar_capability *sofar = cedar_known_union(checker, prior, answer.known);
	size_t i;

	for (i = 1; i < count; i++) {
		if (answer.type != NULL && answer.type->kind == CEDAR_TYPE_FALSE)
			return (struct cedar_answer){ .type = answer.type, .good = answer.good };
		right = check_truth(checker, sofar, items[i]);
		answer = join_and(checker, answer, right);
		if (answer.known == NULL || answer.known == right.known) /* what was on the left is forgotten */
			sofar = prior;
		sofar = cedar_known_union(checker, sofar, answer.known ? right.known : NULL);
	}
	return answer;
}

APART static struct cedar_answer
join_or(struct cedar_checker *checker, struct cedar_answer left, struct cedar_answer right)
{
	bool good = left.good && right.good;
	struct cedar_answer answer = { .type = &cedar_type_bool, .good = true };

	if (left.type == NULL || right.type == NULL)
		return cedar_answer_bad(&cedar_type_bool);
	if (right.type->kind == CEDAR_TYPE_TRUE)
		answer = (struct cedar_answer){ right.type, right.known, true };
	else if (right.type->kind == CEDAR_TYPE_FALSE)
		answer = (struct cedar_answer){ left.type, left.known, true };
	else if (left.type->kind == CEDAR_TYPE_FALSE)
		answer = (struct cedar_answer){ right.type, right.known, true };
	else
		answer.known = cedar_known_both(checker, right.known, left.known);
	return cedar_answer_after(good, answer);
}

APART static struct cedar_answer
check_or(struct cedar_checker *checker, const struct cedar_capability *prior, const struct cedar_expr *expr)
{
	struct cedar_answer answer = check_truth(checker, prior, expr->items[0]);
	size_t i;

	for (i = 1; i < expr->count; i++) {
		if (answer.type != NULL && answer.type->kind == CEDAR_TYPE_TRUE)
			return answer;
		answer = join_or(checker, answer, check_truth(checker, prior, expr->items[i]));
	}
	return answer;
}

static void __attribute__((noinline)) fail_branches(struct cedar_checker *checker, const struct cedar_expr *expr,
                                                    const struct cedar_type *a, const struct cedar_type *b)
{
	char left[80], right[80];

	cedar_check_fail(checker, expr->offset, NULL, "the branches are of different types, %s and %s",
	                 cedar_type_show(a, left, sizeof left), cedar_type_show(b, right, sizeof right));
}

APART static struct cedar_answer
check_if(struct cedar_checker *checker, const struct cedar_capability *prior, const struct cedar_expr *expr)
{
	struct cedar_answer test = check_truth(checker, prior, expr->left), yes, no, answer;
	bool spent;

	if (test.type != NULL && test.type->kind == CEDAR_TYPE_FALSE)
		return cedar_answer_after(test.good, cedar_check_expr(checker, prior, expr->third));
	yes = cedar_check_expr(checker, cedar_known_union(checker, prior, test.known), expr->right);
	if (yes.good)
		yes.known = cedar_known_union(checker, yes.known, test.known);
	if (test.type != NULL && test.type->kind == CEDAR_TYPE_TRUE)
		return cedar_answer_after(test.good, yes);
	no = cedar_check_expr(checker, prior, expr->third);
	if (yes.type == NULL || no.type == NULL)
		return cedar_answer_bad(NULL);
	answer = cedar_answer_good(cedar_check_bound(checker, yes.type, no.type, &spent));
	if (answer.type == NULL) {
		if (!spent)
			fail_branches(checker, expr, yes.type, no.type);
		return cedar_answer_bad(NULL);
	}
	answer.known = cedar_known_both(checker, no.known, yes.known);
	return cedar_answer_after(test.good && yes.good && no.good, answer);
}

APART static struct cedar_answer
check_not(struct cedar_checker *checker, const struct cedar_capability *prior, const struct cedar_expr *operand)
{
	struct cedar_answer answer = check_truth(checker, prior, operand);

	if (answer.type == NULL)
		return cedar_answer_bad(&cedar_type_bool);
	if (answer.type->kind == CEDAR_TYPE_BOOL)
		return cedar_answer_after(answer.good, cedar_answer_good(&cedar_type_bool));
	return cedar_answer_after(answer.good,
	                          cedar_answer_good(cedar_type_of_truth(answer.type->kind == CEDAR_TYPE_FALSE)));
}

static void __attribute__((noinline)) fail_set(struct cedar_checker *checker, const struct cedar_expr *expr,
                                               const struct cedar_type *a, const struct cedar_type *b)
{
	char left[80], right[80];

	cedar_check_fail(checker, expr->offset, NULL, "the elements of a set must be of one type; here are %s and %s",
	                 cedar_type_show(a, left, sizeof left), cedar_type_show(b, right, sizeof right));
}

static const struct cedar_type *
set_of(struct cedar_checker *checker, const struct cedar_type *element)
{
	struct cedar_type *type = cedar_arena_zero(&checker->scratch, sizeof *type);

	if (type == NULL) {
		checker->failed = true;
		return NULL;
	}
	*type =
	    (struct cedar_type){ .kind = CEDAR_TYPE_SET, .depth = (uint16_t)(element->depth + 1), .element = element };
	return type;
}

APART static struct cedar_answer
check_set(struct cedar_checker *checker, const struct cedar_capability *prior, const struct cedar_expr *expr)
{
	const struct cedar_type *element = NULL, *bound;
	bool good = true, known = true, spent = false;
	size_t i;

	if (expr->count == 0) {
		cedar_check_fail(checker, expr->offset, "test a set with .isEmpty()",
		                 "the empty set has no type and cannot be written here");
		return cedar_answer_bad(NULL);
	}
	for (i = 0; i < expr->count; i++) {
		const struct cedar_expr *operand = cedar_expr_operand(expr, i);
		struct cedar_answer item = cedar_check_expr(checker, prior, operand);

		good = good && item.good;
		if (item.type == NULL || !known) {
			known = false;
			continue;
		}
		bound = element ? cedar_check_bound(checker, element, item.type, &spent) : item.type;
		known = bound != NULL;
		if (!known && !spent)
			fail_set(checker, operand, element, item.type);
		element = bound;
	}
	return known ? cedar_answer_after(good, cedar_answer_good(set_of(checker, element))) : cedar_answer_bad(NULL);
}

APART static struct cedar_answer
check_record(struct cedar_checker *checker, const struct cedar_capability *prior, const struct cedar_expr *expr)
{
	struct cedar_type *type = cedar_arena_zero(&checker->scratch, sizeof *type);
	struct cedar_attribute *attributes = cedar_arena_take(&checker->scratch, expr->count * sizeof *attributes);
	bool good = true, known = true;
	size_t i;

	if (type == NULL || attributes == NULL) {
		checker->failed = true;
		return cedar_answer_bad(NULL);
	}
	type->kind = CEDAR_TYPE_RECORD;
	type->depth = 1;
	for (i = 0; i < expr->count; i++) {
		struct cedar_answer item = cedar_check_expr(checker, prior, expr->items[i]);

		good = good && item.good;
		known = known && item.type != NULL;
		attributes[i] = (struct cedar_attribute){ expr->names[i], item.type, true };
		if (item.type != NULL && item.type->depth >= type->depth)
			type->depth = (uint16_t)(item.type->depth + 1);
	}
	cedar_attributes_sort(attributes, expr->count);
	type->attributes = attributes;
	type->count = (uint32_t)expr->count;
	return known ? cedar_answer_after(good, cedar_answer_good(type)) : cedar_answer_bad(NULL);
}

/* An operator of one side that always gives the same type. */
APART static struct cedar_answer
check_single(struct cedar_checker *checker, const struct cedar_capability *prior, const struct cedar_expr *expr,
             unsigned kinds, const char *expected, const struct cedar_type *gives)
{
	struct cedar_answer operand = cedar_check_kind(checker, prior, expr->left, kinds, expected);

	return cedar_answer_after(operand.good, cedar_answer_good(gives));
}

APART static struct cedar_answer
check_strange(struct cedar_checker *checker, const struct cedar_expr *expr)
{
	const char *names[CEDAR_CALL_COUNT], *near;
	char help[60];
	size_t i;

	for (i = 0; i < CEDAR_CALL_COUNT; i++)
		names[i] = cedar_signatures[i].name;
	near = cedar_nearest(*expr->names, names, CEDAR_CALL_COUNT);
	snprintf(help, sizeof help, "did you mean %s?", near ? near : "");
	cedar_check_fail(checker, expr->offset, near ? help : NULL, "there is no function `%.*s`",
	                 expr->names->size > 80 ? 80 : (int)expr->names->size, expr->names->data);
	return cedar_answer_bad(NULL);
}

struct cedar_answer
cedar_check_expr(struct cedar_checker *checker, const struct cedar_capability *prior, const struct cedar_expr *expr)
{
	if (++checker->steps > CEDAR_CHECK_STEPS_MAX)
		return fail_steps(checker);
	switch ((int)expr->kind) {
	case CEDAR_NODE_LITERAL:
		return check_literal(checker, &expr->value);
	case CEDAR_NODE_VARIABLE:
		return check_variable(checker, expr->detail);
	case CEDAR_NODE_IF:
		return check_if(checker, prior, expr);
	case CEDAR_NODE_AND:
		return cedar_check_and(checker, prior, expr->items, expr->count);
	case CEDAR_NODE_OR:
		return check_or(checker, prior, expr);
	case CEDAR_NODE_NOT:
		return check_not(checker, prior, expr->left);
	case CEDAR_NODE_NEGATE:
		return check_single(checker, prior, expr, CEDAR_BIT_LONG, "Long", &cedar_type_long);
	case CEDAR_NODE_IS_EMPTY:
		return check_single(checker, prior, expr, CEDAR_BIT_SET, "a set", &cedar_type_bool);
	case CEDAR_NODE_LIKE:
		return check_single(checker, prior, expr, CEDAR_BIT_STRING, "String", &cedar_type_bool);
	case CEDAR_NODE_ATTRIBUTE:
		return cedar_check_attribute(checker, prior, expr);
	case CEDAR_NODE_HAS:
		return cedar_check_has(checker, prior, expr);
	case CEDAR_NODE_IS:
		return cedar_check_is(checker, prior, expr);
	case CEDAR_NODE_SET:
		return check_set(checker, prior, expr);
	case CEDAR_NODE_RECORD:
		return check_record(checker, prior, expr);
	case CEDAR_NODE_CALL:
		return cedar_check_call(checker, prior, expr);
	case CEDAR_NODE_STRANGE:
		return check_strange(checker, expr);
	case CEDAR_NODE_IN:
		return cedar_check_in(checker, prior, expr, expr->left, expr->right);
	default:
		return cedar_check_binary(checker, prior, expr);
	}
}
