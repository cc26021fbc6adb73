/* evaluate_sets.c - sets and records: making them, and what sets are asked. */
#include "cedar/evaluate_parts.h"

static bool
contains_all(const struct cedar_value *set, const struct cedar_value *other)
{
	uint32_t i;

	for (i = 0; i < other->count; i++)
		if (!cedar_set_contains(set, &other->items[i]))
			return false;
	return true;
}

static bool
contains_any(const struct cedar_value *set, const struct cedar_value *other)
{
	uint32_t i;

	for (i = 0; i < other->count; i++)
		if (cedar_set_contains(set, &other->items[i]))
			return true;
	return false;
}

bool
cedar_evaluate_set_method(struct cedar_evaluation *run, const struct cedar_expr *expr, struct cedar_value *out)
{
	struct cedar_value set, other;

	if (!cedar_evaluate_kind(run, expr->left, CEDAR_SET, "set", &set))
		return false;
	if (expr->kind == CEDAR_NODE_IS_EMPTY) {
		cedar_put_truth(out, set.count == 0);
		return true;
	}
	if (!cedar_evaluate(run, expr->right, &other))
		return false;
	if (cedar_value_unknown(&other))
		return cedar_fail_unknown(run);
	if (expr->kind == CEDAR_NODE_CONTAINS) {
		cedar_put_truth(out, cedar_set_contains(&set, &other));
		return true;
	}
	if (other.kind != CEDAR_SET)
		return cedar_fail_type(run, "set", &other);
	cedar_put_truth(out, expr->kind == CEDAR_NODE_CONTAINS_ALL ? contains_all(&set, &other)
	                                                           : contains_any(&set, &other));
	return true;
}

bool
cedar_evaluate_set(struct cedar_evaluation *run, const struct cedar_expr *expr, struct cedar_value *out)
{
	struct cedar_value *items = cedar_arena_take(run->arena, expr->count * sizeof *items);
	size_t i;

	if (items == NULL)
		return cedar_evaluate_fail(run, "out of memory");
	for (i = 0; i < expr->count; i++)
		if (!cedar_evaluate(run, expr->items[i], &items[i]))
			return false;
	*out = (struct cedar_value){ .kind = CEDAR_SET, .items = items };
	out->count = (uint32_t)cedar_values_sort(items, expr->count);
	out->depth = cedar_value_depth(items, out->count);
	cedar_value_settle(out);
	return out->depth <= CEDAR_DEPTH_MAX * 2 || cedar_evaluate_fail(run, "a value is nested too deep");
}

bool
cedar_evaluate_record(struct cedar_evaluation *run, const struct cedar_expr *expr, struct cedar_value *out)
{
	struct cedar_field *fields = cedar_arena_take(run->arena, expr->count * sizeof *fields);
	uint16_t depth = 1;
	size_t i, twice;

	if (fields == NULL)
		return cedar_evaluate_fail(run, "out of memory");
	for (i = 0; i < expr->count; i++) {
		fields[i].name = expr->names[i];
		if (!cedar_evaluate(run, expr->items[i], &fields[i].value))
			return false;
		if (cedar_value_depth(&fields[i].value, 1) > depth)
			depth = cedar_value_depth(&fields[i].value, 1);
	}
	if (!cedar_fields_sort(fields, expr->count, &twice))
		return cedar_evaluate_fail(run, "a key comes twice");
	*out = (struct cedar_value){
		.kind = CEDAR_RECORD, .fields = fields, .count = (uint32_t)expr->count, .depth = depth
	};
	cedar_value_settle(out);
	return depth <= CEDAR_DEPTH_MAX * 2 || cedar_evaluate_fail(run, "a value is nested too deep");
}
