/* evaluate.c - expressions to values. Recursion is bounded: no expression is deeper than CEDAR_DEPTH_MAX. */
#include "cedar/evaluate.h"

#include <stdarg.h>
#include <stdio.h>


#define NOINLINE __attribute__((noinline))

/* Always false. */
NOINLINE static bool __attribute__((format(printf, 2, 3)))
fail(struct cedar_evaluation *run, const char *format, ...)
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

static int
shown(struct cedar_text text)
{
	return text.size > 40 ? 40 : (int)text.size;
}

NOINLINE static bool
fail_type(struct cedar_evaluation *run, const char *expected, const struct cedar_value *got)
{
	return fail(run, "type error: expected %s, got %s", expected, cedar_kind_name(got));
}

static bool
evaluate_kind(struct cedar_evaluation *run, const struct cedar_expr *expr, enum cedar_kind kind, const char *name,
	struct cedar_value *out)
{
	if (!cedar_evaluate(run, expr, out))
		return false;
	return out->kind == kind || fail_type(run, name, out);
}

bool
cedar_evaluate_truth(struct cedar_evaluation *run, const struct cedar_expr *expr, bool *out)
{
	struct cedar_value value;

	if (!evaluate_kind(run, expr, CEDAR_BOOL, "bool", &value))
		return false;
	*out = value.truth;
	return true;
}

static void
put_truth(struct cedar_value *out, bool truth)
{
	out->kind = CEDAR_BOOL;
	out->truth = truth;
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
	put_truth(out, i < expr->count ? decides : !decides);
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
	if (!evaluate_kind(run, expr->left, CEDAR_LONG, "long", out))
		return false;
	return !__builtin_sub_overflow((int64_t)0, out->number, &out->number) || fail(run, "integer overflow while negating");
}

NOINLINE static bool
evaluate_arithmetic(struct cedar_evaluation *run, const struct cedar_expr *expr, struct cedar_value *out)
{
	struct cedar_value right;
	bool over;

	if (!evaluate_kind(run, expr->left, CEDAR_LONG, "long", out) ||
		!evaluate_kind(run, expr->right, CEDAR_LONG, "long", &right))
		return false;
	if (expr->kind == CEDAR_NODE_ADD)
		over = __builtin_add_overflow(out->number, right.number, &out->number);
	else if (expr->kind == CEDAR_NODE_SUBTRACT)
		over = __builtin_sub_overflow(out->number, right.number, &out->number);
	else
		over = __builtin_mul_overflow(out->number, right.number, &out->number);
	return !over || fail(run, "integer overflow");
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
		return fail_type(run, "long, datetime or duration", &left);
	if (left.kind != right.kind)
		return fail_type(run, cedar_kind_name(&left), &right);
	less = left.number < right.number;
	equal = left.number == right.number;
	put_truth(out,
		expr->kind == CEDAR_NODE_LESS		 ? less
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
	put_truth(out, cedar_value_equal(&left, &right) == (expr->kind == CEDAR_NODE_EQUAL));
	return true;
}

static const struct cedar_entity *
entity_find(const struct cedar_evaluation *run, const struct cedar_uid *uid)
{
	int i;

	for (i = 0; i < 3; i++)
		if (run->variables[i].entity == uid)
			return run->parties[i];
	return cedar_view_find(&run->view, uid);
}

static bool
in_one(const struct cedar_uid *uid, const struct cedar_entity *entity, const struct cedar_uid *other)
{
	return cedar_uid_equal(uid, other) || (entity != NULL && cedar_entity_inside(entity, other));
}

static bool
decide_in(struct cedar_evaluation *run, const struct cedar_value *left, const struct cedar_value *right, struct cedar_value *out)
{
	const struct cedar_entity *entity = entity_find(run, left->entity);
	const struct cedar_uid *uid = left->entity;
	bool found = false;
	uint32_t i;

	if (right->kind == CEDAR_ENTITY) {
		put_truth(out, in_one(uid, entity, right->entity));
		return true;
	}
	if (right->kind != CEDAR_SET)
		return fail_type(run, "entity or set of entities", right);
	for (i = 0; i < right->count; i++)
		if (right->items[i].kind != CEDAR_ENTITY)
			return fail_type(run, "entity", &right->items[i]);
	for (i = 0; i < right->count && !found; i++)
		found = in_one(uid, entity, right->items[i].entity);
	put_truth(out, found);
	return true;
}

NOINLINE static bool
evaluate_in(struct cedar_evaluation *run, const struct cedar_expr *expr, struct cedar_value *out)
{
	struct cedar_value left, right;

	if (!evaluate_kind(run, expr->left, CEDAR_ENTITY, "entity", &left) || !cedar_evaluate(run, expr->right, &right))
		return false;
	return decide_in(run, &left, &right, out);
}

NOINLINE static bool
evaluate_is(struct cedar_evaluation *run, const struct cedar_expr *expr, struct cedar_value *out)
{
	struct cedar_value left, right;

	if (!evaluate_kind(run, expr->tested, CEDAR_ENTITY, "entity", &left))
		return false;
	if (left.entity->type_hash != expr->type->type_hash || !cedar_text_equal(left.entity->type, expr->type->type)) {
		put_truth(out, false);
		return true;
	}
	put_truth(out, true);
	if (expr->inside == NULL)
		return true;
	return cedar_evaluate(run, expr->inside, &right) && decide_in(run, &left, &right, out);
}

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

NOINLINE static bool
evaluate_set_method(struct cedar_evaluation *run, const struct cedar_expr *expr, struct cedar_value *out)
{
	struct cedar_value set, other;

	if (!evaluate_kind(run, expr->left, CEDAR_SET, "set", &set))
		return false;
	if (expr->kind == CEDAR_NODE_IS_EMPTY) {
		put_truth(out, set.count == 0);
		return true;
	}
	if (!cedar_evaluate(run, expr->right, &other))
		return false;
	if (expr->kind == CEDAR_NODE_CONTAINS) {
		put_truth(out, cedar_set_contains(&set, &other));
		return true;
	}
	if (other.kind != CEDAR_SET)
		return fail_type(run, "set", &other);
	put_truth(out, expr->kind == CEDAR_NODE_CONTAINS_ALL ? contains_all(&set, &other) : contains_any(&set, &other));
	return true;
}

NOINLINE static bool
evaluate_tag(struct cedar_evaluation *run, const struct cedar_expr *expr, struct cedar_value *out)
{
	const struct cedar_entity *entity;
	const struct cedar_value *found;
	struct cedar_value left, right;

	if (!evaluate_kind(run, expr->left, CEDAR_ENTITY, "entity", &left) ||
		!evaluate_kind(run, expr->right, CEDAR_STRING, "string", &right))
		return false;
	entity = entity_find(run, left.entity);
	found = entity ? cedar_record_find(&entity->tags, right.text) : NULL;
	if (expr->kind == CEDAR_NODE_HAS_TAG) {
		put_truth(out, found != NULL);
		return true;
	}
	if (entity == NULL)
		return fail(run, "the entity %.*s::\"%.*s\" does not exist", shown(left.entity->type), left.entity->type.data,
			shown(left.entity->id), left.entity->id.data);
	if (found == NULL)
		return fail(run, "%.*s::\"%.*s\" has no tag `%.*s`", shown(left.entity->type), left.entity->type.data,
			shown(left.entity->id), left.entity->id.data, shown(right.text), right.text.data);
	*out = *found;
	return true;
}

NOINLINE static bool
attribute_missing(struct cedar_evaluation *run, const struct cedar_expr *expr, const struct cedar_value *object, bool exists)
{
	if (object->kind == CEDAR_RECORD)
		return fail(run, "the record has no attribute `%.*s`", shown(expr->name), expr->name.data);
	if (!exists)
		return fail(run, "the entity %.*s::\"%.*s\" does not exist", shown(object->entity->type), object->entity->type.data,
			shown(object->entity->id), object->entity->id.data);
	return fail(run, "%.*s::\"%.*s\" has no attribute `%.*s`", shown(object->entity->type), object->entity->type.data,
		shown(object->entity->id), object->entity->id.data, shown(expr->name), expr->name.data);
}

static bool
evaluate_attribute(struct cedar_evaluation *run, const struct cedar_expr *expr, struct cedar_value *out)
{
	const struct cedar_entity *entity = NULL;
	const struct cedar_value *found = NULL;

	if (!cedar_evaluate(run, expr->object, out))
		return false;
	if (out->kind == CEDAR_RECORD) {
		found = cedar_record_find(out, expr->name);
	} else if (out->kind == CEDAR_ENTITY) {
		entity = entity_find(run, out->entity);
		found = entity ? cedar_record_find(&entity->attributes, expr->name) : NULL;
	} else {
		return fail_type(run, "entity or record", out);
	}
	if (expr->kind == CEDAR_NODE_HAS) {
		put_truth(out, found != NULL);
		return true;
	}
	if (found == NULL)
		return attribute_missing(run, expr, out, entity != NULL);
	*out = *found;
	return true;
}

/* The attribute of an entity or record; *found NULL if it has none. */
static bool
find_attribute(struct cedar_evaluation *run, const struct cedar_value *object, struct cedar_text name,
	const struct cedar_value **found)
{
	const struct cedar_entity *entity;

	*found = NULL;
	if (object->kind == CEDAR_RECORD) {
		*found = cedar_record_find(object, name);
	} else if (object->kind == CEDAR_ENTITY) {
		entity = entity_find(run, object->entity);
		*found = entity ? cedar_record_find(&entity->attributes, name) : NULL;
	} else {
		return fail_type(run, "entity or record", object);
	}
	return true;
}

/* object has a.b.c: the same as object has a && object.a has b && …, without evaluating the object again and again. */
NOINLINE static bool
evaluate_path(struct cedar_evaluation *run, const struct cedar_expr *expr, struct cedar_value *out)
{
	const struct cedar_value *found = NULL;
	size_t i;

	if (!cedar_evaluate(run, expr->items[0]->object, out))
		return false;
	for (i = 0; i < expr->count; i++) {
		if (!find_attribute(run, out, expr->items[i]->name, &found))
			return false;
		if (found == NULL)
			break;
		*out = *found;
	}
	put_truth(out, found != NULL);
	return true;
}

NOINLINE static bool
evaluate_set(struct cedar_evaluation *run, const struct cedar_expr *expr, struct cedar_value *out)
{
	struct cedar_value *items = cedar_arena_take(run->arena, expr->count * sizeof *items);
	size_t i;

	if (items == NULL)
		return fail(run, "out of memory");
	for (i = 0; i < expr->count; i++)
		if (!cedar_evaluate(run, expr->items[i], &items[i]))
			return false;
	*out = (struct cedar_value){ .kind = CEDAR_SET, .items = items };
	out->count = (uint32_t)cedar_values_sort(items, expr->count);
	out->depth = cedar_value_depth(items, out->count);
	return out->depth <= CEDAR_DEPTH_MAX * 2 || fail(run, "a value is nested too deep");
}

NOINLINE static bool
evaluate_record(struct cedar_evaluation *run, const struct cedar_expr *expr, struct cedar_value *out)
{
	struct cedar_field *fields = cedar_arena_take(run->arena, expr->count * sizeof *fields);
	uint16_t depth = 1;
	size_t i, twice;

	if (fields == NULL)
		return fail(run, "out of memory");
	for (i = 0; i < expr->count; i++) {
		fields[i].name = expr->names[i];
		if (!cedar_evaluate(run, expr->items[i], &fields[i].value))
			return false;
		if (cedar_value_depth(&fields[i].value, 1) > depth)
			depth = cedar_value_depth(&fields[i].value, 1);
	}
	if (!cedar_fields_sort(fields, expr->count, &twice))
		return fail(run, "a key comes twice");
	*out = (struct cedar_value){ .kind = CEDAR_RECORD, .fields = fields, .count = (uint32_t)expr->count, .depth = depth };
	return depth <= CEDAR_DEPTH_MAX * 2 || fail(run, "a value is nested too deep");
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
		return fail(run, "%s: wrong number of arguments", cedar_signatures[expr->detail].name);
	message = cedar_arena_take(run->arena, 160);
	if (message == NULL)
		return fail(run, "out of memory");
	if (cedar_function_call((enum cedar_function)expr->detail, arguments, expr->count, out, message, 160))
		return true;
	run->message = message;
	return false;
}

NOINLINE static bool
evaluate_like(struct cedar_evaluation *run, const struct cedar_expr *expr, struct cedar_value *out)
{
	if (!evaluate_kind(run, expr->subject, CEDAR_STRING, "string", out))
		return false;
	put_truth(out, cedar_pattern_match(expr->pattern, out->text));
	return true;
}

static bool
evaluate_not(struct cedar_evaluation *run, const struct cedar_expr *expr, struct cedar_value *out)
{
	if (!evaluate_kind(run, expr->left, CEDAR_BOOL, "bool", out))
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
			return evaluate_path(run, expr, out);
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
		return evaluate_in(run, expr, out);
	case CEDAR_NODE_ADD:
	case CEDAR_NODE_SUBTRACT:
	case CEDAR_NODE_MULTIPLY:
		return evaluate_arithmetic(run, expr, out);
	case CEDAR_NODE_CONTAINS:
	case CEDAR_NODE_CONTAINS_ALL:
	case CEDAR_NODE_CONTAINS_ANY:
	case CEDAR_NODE_IS_EMPTY:
		return evaluate_set_method(run, expr, out);
	case CEDAR_NODE_GET_TAG:
	case CEDAR_NODE_HAS_TAG:
		return evaluate_tag(run, expr, out);
	case CEDAR_NODE_ATTRIBUTE:
	case CEDAR_NODE_HAS:
		return evaluate_attribute(run, expr, out);
	case CEDAR_NODE_LIKE:
		return evaluate_like(run, expr, out);
	case CEDAR_NODE_IS:
		return evaluate_is(run, expr, out);
	case CEDAR_NODE_SET:
		if (expr->folded != NULL) {
			*out = *expr->folded;
			return true;
		}
		return evaluate_set(run, expr, out);
	case CEDAR_NODE_RECORD:
		return evaluate_record(run, expr, out);
	case CEDAR_NODE_CALL:
		if (expr->folded != NULL) {
			*out = *expr->folded;
			return true;
		}
		return evaluate_call(run, expr, out);
	}
	return fail(run, "no such expression");
}
