/* evaluate.c - expressions to values. Recursion is bounded: no expression is deeper than CEDAR_DEPTH_MAX. */
#include "cedar/evaluate_parts.h"

#include <stdarg.h>
#include <stdio.h>

#define NOINLINE __attribute__((noinline))

/* Always false. */
NOINLINE bool
cedar_evaluate_fail(struct cedar_evaluation *run, const char *format, ...)
{
	char *message = cedar_arena_take(run->arena, 160);
	va_list list;

	run->message = "out of memory";
	if (message == NULL)
		return false;
	va_start(list, format);
	vsnprintf(message, 160, format, list);
	va_end(list);
	run->message = message;
	return false;
}

NOINLINE bool
cedar_fail_type(struct cedar_evaluation *run, const char *expected, const struct cedar_value *got)
{
	return cedar_evaluate_fail(run, "type error: expected %s, got %s", expected, cedar_kind_name(got));
}

NOINLINE bool
cedar_fail_unknown(struct cedar_evaluation *run)
{
	return cedar_evaluate_fail(run, "the result depends on something unknown");
}

bool
cedar_evaluate_kind(struct cedar_evaluation *run, const struct cedar_expr *expr, enum cedar_kind kind, const char *name,
                    struct cedar_value *out)
{
	if (!cedar_evaluate(run, expr, out))
		return false;
	return out->kind == kind || cedar_fail_type(run, name, out);
}

bool
cedar_evaluate_truth(struct cedar_evaluation *run, const struct cedar_expr *expr, bool *out)
{
	struct cedar_value value;

	if (!cedar_evaluate_kind(run, expr, CEDAR_BOOL, "bool", &value))
		return false;
	*out = value.truth;
	return true;
}

/* Stops at the first operand whose truth decides: false for &&, true for ||. */
static bool
evaluate_chain(struct cedar_evaluation *run, const struct cedar_expr *expr, struct cedar_value *out)
{
	bool decides = expr->kind == CEDAR_NODE_OR, truth;
	size_t i;

	for (i = 0; i < expr->count; i++) {
		if (!cedar_evaluate_truth(run, expr->items[i], &truth))
			return false;
		if (truth == decides)
			break;
	}
	cedar_put_truth(out, i < expr->count ? decides : !decides);
	return true;
}

static bool
evaluate_if(struct cedar_evaluation *run, const struct cedar_expr *expr, struct cedar_value *out)
{
	bool truth;

	if (!cedar_evaluate_truth(run, expr->left, &truth))
		return false;
	return cedar_evaluate(run, truth ? expr->right : expr->third, out);
}

static bool
evaluate_negate(struct cedar_evaluation *run, const struct cedar_expr *expr, struct cedar_value *out)
{
	if (!cedar_evaluate_kind(run, expr->left, CEDAR_LONG, "long", out))
		return false;
	return !__builtin_sub_overflow((int64_t)0, out->number, &out->number) ||
	       cedar_evaluate_fail(run, "integer overflow while negating");
}

NOINLINE static bool
evaluate_arithmetic(struct cedar_evaluation *run, const struct cedar_expr *expr, struct cedar_value *out)
{
	struct cedar_value right;
	bool over;

	if (!cedar_evaluate_kind(run, expr->left, CEDAR_LONG, "long", out) ||
	    !cedar_evaluate_kind(run, expr->right, CEDAR_LONG, "long", &right))
		return false;
	if (expr->kind == CEDAR_NODE_ADD)
		over = __builtin_add_overflow(out->number, right.number, &out->number);
	else if (expr->kind == CEDAR_NODE_SUBTRACT)
		over = __builtin_sub_overflow(out->number, right.number, &out->number);
	else
		over = __builtin_mul_overflow(out->number, right.number, &out->number);
	return !over || cedar_evaluate_fail(run, "integer overflow");
}

static bool
compares(const struct cedar_value *value)
{
	return value->kind == CEDAR_LONG || value->kind == CEDAR_DATETIME || value->kind == CEDAR_DURATION;
}

NOINLINE static bool
evaluate_comparison(struct cedar_evaluation *run, const struct cedar_expr *expr, struct cedar_value *out)
{
	struct cedar_value left, right;
	bool less, equal;

	if (!cedar_evaluate(run, expr->left, &left) || !cedar_evaluate(run, expr->right, &right))
		return false;
	if (!compares(&left))
		return cedar_fail_type(run, "long, datetime or duration", &left);
	if (left.kind != right.kind)
		return cedar_fail_type(run, cedar_kind_name(&left), &right);
	less = left.number < right.number;
	equal = left.number == right.number;
	cedar_put_truth(out, expr->kind == CEDAR_NODE_LESS         ? less
	                     : expr->kind == CEDAR_NODE_LESS_EQUAL ? less || equal
	                     : expr->kind == CEDAR_NODE_GREATER    ? !less && !equal
	                                                           : !less);
	return true;
}

NOINLINE static bool
evaluate_equality(struct cedar_evaluation *run, const struct cedar_expr *expr, struct cedar_value *out)
{
	struct cedar_value left, right;

	if (!cedar_evaluate(run, expr->left, &left) || !cedar_evaluate(run, expr->right, &right))
		return false;
	if (cedar_value_unknown(&left) || cedar_value_unknown(&right))
		return cedar_fail_unknown(run);
	cedar_put_truth(out, cedar_value_equal(&left, &right) == (expr->kind == CEDAR_NODE_EQUAL));
	return true;
}

const struct cedar_entity *
cedar_party_find(const struct cedar_evaluation *run, const struct cedar_uid *uid)
{
	int i;

	for (i = 0; i < 3; i++)
		if (run->variables[i].entity == uid)
			return run->parties[i];
	return cedar_view_find(&run->view, uid);
}

NOINLINE static bool
attribute_missing(struct cedar_evaluation *run, const struct cedar_expr *expr, const struct cedar_value *object,
                  bool exists)
{
	if (object->kind == CEDAR_RECORD)
		return cedar_evaluate_fail(run, "the record has no attribute `%.*s`", cedar_shown(*expr->name),
		                           expr->name->data);
	if (!exists)
		return cedar_evaluate_fail(run, "the entity %.*s::\"%.*s\" does not exist",
		                           cedar_shown(object->entity->type), object->entity->type.data,
		                           cedar_shown(object->entity->id), object->entity->id.data);
	return cedar_evaluate_fail(run, "%.*s::\"%.*s\" has no attribute `%.*s`", cedar_shown(object->entity->type),
	                           object->entity->type.data, cedar_shown(object->entity->id), object->entity->id.data,
	                           cedar_shown(*expr->name), expr->name->data);
}

static bool
evaluate_attribute(struct cedar_evaluation *run, const struct cedar_expr *expr, struct cedar_value *out)
{
	const struct cedar_entity *entity = NULL;
	const struct cedar_value *found = NULL;

	if (expr->detail)
		*out = run->variables[expr->detail - 1];
	else if (!cedar_evaluate(run, expr->object, out))
		return false;
	if (out->kind == CEDAR_RECORD) {
		found = cedar_record_find(out, *expr->name);
	} else if (out->kind == CEDAR_ENTITY) {
		entity = cedar_party_find(run, out->entity);
		found = entity ? cedar_record_find(&entity->attributes, *expr->name) : NULL;
	} else {
		return cedar_fail_type(run, "entity or record", out);
	}
	if (expr->kind == CEDAR_NODE_HAS) {
		cedar_put_truth(out, found != NULL);
		return true;
	}
	if (found == NULL)
		return attribute_missing(run, expr, out, entity != NULL);
	*out = *found;
	return true;
}

NOINLINE static bool
evaluate_call(struct cedar_evaluation *run, const struct cedar_expr *expr, struct cedar_value *out)
{
	struct cedar_value arguments[2];
	char *message;
	size_t i;

	for (i = 0; i < expr->count; i++)
		if (!cedar_evaluate(run, expr->items[i], i < 2 ? &arguments[i] : out))
			return false;
	if (expr->count > 2)
		return cedar_evaluate_fail(run, "%s: wrong number of arguments", cedar_signatures[expr->detail].name);
	message = cedar_arena_take(run->arena, 160);
	if (message == NULL)
		return cedar_evaluate_fail(run, "out of memory");
	if (cedar_function_call((enum cedar_function)expr->detail, arguments, expr->count, out, message, 160))
		return true;
	run->message = message;
	return false;
}

NOINLINE static bool
evaluate_like(struct cedar_evaluation *run, const struct cedar_expr *expr, struct cedar_value *out)
{
	if (!cedar_evaluate_kind(run, expr->subject, CEDAR_STRING, "string", out))
		return false;
	cedar_put_truth(out, cedar_pattern_match(expr->pattern, out->text));
	return true;
}

static bool
evaluate_not(struct cedar_evaluation *run, const struct cedar_expr *expr, struct cedar_value *out)
{
	if (!cedar_evaluate_kind(run, expr->left, CEDAR_BOOL, "bool", out))
		return false;
	out->truth = !out->truth;
	return true;
}

bool
cedar_evaluate(struct cedar_evaluation *run, const struct cedar_expr *expr, struct cedar_value *out)
{
	switch ((enum cedar_node)expr->kind) {
	case CEDAR_NODE_LITERAL:
		*out = expr->value;
		return true;
	case CEDAR_NODE_VARIABLE:
		*out = run->variables[expr->detail];
		return true;
	case CEDAR_NODE_IF:
		return evaluate_if(run, expr, out);
	case CEDAR_NODE_AND:
	case CEDAR_NODE_OR:
		if (expr->detail == CEDAR_HAS_PATH && expr->kind == CEDAR_NODE_AND)
			return cedar_evaluate_path(run, expr, out);
		return evaluate_chain(run, expr, out);
	case CEDAR_NODE_NOT:
		return evaluate_not(run, expr, out);
	case CEDAR_NODE_NEGATE:
		return evaluate_negate(run, expr, out);
	case CEDAR_NODE_EQUAL:
	case CEDAR_NODE_NOT_EQUAL:
		return evaluate_equality(run, expr, out);
	case CEDAR_NODE_LESS:
	case CEDAR_NODE_LESS_EQUAL:
	case CEDAR_NODE_GREATER:
	case CEDAR_NODE_GREATER_EQUAL:
		return evaluate_comparison(run, expr, out);
	case CEDAR_NODE_IN:
		return cedar_evaluate_in(run, expr, out);
	case CEDAR_NODE_ADD:
	case CEDAR_NODE_SUBTRACT:
	case CEDAR_NODE_MULTIPLY:
		return evaluate_arithmetic(run, expr, out);
	case CEDAR_NODE_CONTAINS:
	case CEDAR_NODE_CONTAINS_ALL:
	case CEDAR_NODE_CONTAINS_ANY:
	case CEDAR_NODE_IS_EMPTY:
		return cedar_evaluate_set_method(run, expr, out);
	case CEDAR_NODE_GET_TAG:
	case CEDAR_NODE_HAS_TAG:
		return cedar_evaluate_tag(run, expr, out);
	case CEDAR_NODE_ATTRIBUTE:
	case CEDAR_NODE_HAS:
		return evaluate_attribute(run, expr, out);
	case CEDAR_NODE_LIKE:
		return evaluate_like(run, expr, out);
	case CEDAR_NODE_IS:
		return cedar_evaluate_is(run, expr, out);
	case CEDAR_NODE_SET:
		return cedar_expr_constant(expr, out) || cedar_evaluate_set(run, expr, out);
	case CEDAR_NODE_RECORD:
		return cedar_evaluate_record(run, expr, out);
	case CEDAR_NODE_CALL:
		if (expr->folded != NULL) {
			*out = *expr->folded;
			return true;
		}
		return evaluate_call(run, expr, out);
	case CEDAR_NODE_STRANGE:
		return cedar_evaluate_fail(run, "there is no function `%.*s`", cedar_shown(*expr->names),
		                           expr->names->data);
	}
	return cedar_evaluate_fail(run, "no such expression");
}
