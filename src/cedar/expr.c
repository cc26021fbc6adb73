/* expr.c - making nodes, and what may be a name. */
#include "cedar/expr.h"

const struct cedar_expr cedar_variables[4] = {
	{ .kind = CEDAR_NODE_VARIABLE, .depth = 1, .detail = CEDAR_PRINCIPAL },
	{ .kind = CEDAR_NODE_VARIABLE, .depth = 1, .detail = CEDAR_ACTION },
	{ .kind = CEDAR_NODE_VARIABLE, .depth = 1, .detail = CEDAR_RESOURCE },
	{ .kind = CEDAR_NODE_VARIABLE, .depth = 1, .detail = CEDAR_CONTEXT },
};

/* Nodes that were given up are linked through their first word. */
static struct cedar_expr *
spare_take(struct cedar_maker *maker, size_t size)
{
	struct cedar_expr *expr = maker->spare[size / 8];

	if (expr == NULL)
		return cedar_arena_zero(maker->arena, size);
	memcpy(&maker->spare[size / 8], expr, sizeof(void *));
	memset(expr, 0, size);
	return expr;
}

static void
spare_give(struct cedar_maker *maker, const struct cedar_expr *expr)
{
	size_t at = cedar_expr_size((enum cedar_node)expr->kind) / 8;

	memcpy((void *)expr, &maker->spare[at], sizeof(void *));
	maker->spare[at] = (struct cedar_expr *)expr;
}

static struct cedar_expr *
make_sized(struct cedar_maker *maker, enum cedar_node kind, size_t offset, size_t size)
{
	struct cedar_expr *expr = spare_take(maker, size);

	if (expr == NULL)
		return NULL;
	expr->kind = (uint8_t)kind;
	expr->depth = 1;
	expr->offset = cedar_maker_place(maker, offset);
	return expr;
}

struct cedar_expr *
cedar_make(struct cedar_maker *maker, enum cedar_node kind, size_t offset)
{
	return make_sized(maker, kind, offset, cedar_expr_size(kind));
}

static void
deepen(struct cedar_maker *maker, struct cedar_expr *expr, const struct cedar_expr *operand)
{
	unsigned depth = operand == NULL ? 0 : operand->depth ? operand->depth : 1;

	if (depth >= expr->depth)
		expr->depth = (depth + 1) & 0x7FFF;
	if (expr->depth > CEDAR_DEPTH_MAX)
		maker->too_deep = true;
}

const struct cedar_expr *
cedar_make_value(struct cedar_maker *maker, size_t offset, struct cedar_value value)
{
	struct cedar_expr *expr = cedar_make(maker, CEDAR_NODE_LITERAL, offset);

	if (expr != NULL) {
		expr->value = value;
		expr->offset = cedar_maker_place(maker, offset);
	}
	return expr;
}

const struct cedar_expr *
cedar_make_operation(struct cedar_maker *maker, enum cedar_node kind, size_t offset, const struct cedar_expr *left,
                     const struct cedar_expr *right, const struct cedar_expr *third)
{
	struct cedar_expr *expr = cedar_make(maker, kind, offset);

	if (expr == NULL)
		return NULL;
	expr->left = left;
	if (right != NULL)
		expr->right = right;
	if (third != NULL)
		expr->third = third;
	deepen(maker, expr, left);
	deepen(maker, expr, right);
	deepen(maker, expr, third);
	return maker->too_deep ? NULL : expr;
}

static bool
are_literals(const struct cedar_expr *const *items, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (items[i]->kind != CEDAR_NODE_LITERAL)
			return false;
	return count > 0;
}

static bool
are_ascending(const struct cedar_expr *const *items, size_t count)
{
	size_t i;

	for (i = 1; i < count; i++)
		if (cedar_value_order(&items[i - 1]->value, &items[i]->value) >= 0)
			return false;
	return true;
}

static uint32_t
member_find(const struct cedar_value *members, uint32_t count, const struct cedar_value *wanted)
{
	uint32_t low = 0, high = count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (cedar_value_order(&members[middle], wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The literals themselves become the members, and their own places are free again. */
static bool
set_constant(struct cedar_maker *maker, struct cedar_expr *expr, const struct cedar_expr *const *items)
{
	bool ascending = are_ascending(items, expr->count);
	struct cedar_value *members = cedar_arena_take(maker->arena, expr->count * sizeof *members);
	uint32_t *order = ascending ? NULL : cedar_arena_take(maker->arena, expr->count * sizeof *order), i;

	if (members == NULL || (!ascending && order == NULL))
		return false;
	for (i = 0; i < expr->count; i++)
		members[i] = items[i]->value;
	expr->member_count = ascending ? expr->count : (uint32_t)cedar_values_sort(members, expr->count);
	for (i = 0; !ascending && i < expr->count; i++)
		order[i] = member_find(members, expr->member_count, &items[i]->value);
	for (i = 0; i < expr->count; i++)
		spare_give(maker, items[i]);
	expr->detail = CEDAR_CONSTANT;
	expr->members = members;
	expr->order = order;
	expr->depth = 2;
	return true;
}

static bool
list_fill(struct cedar_maker *maker, struct cedar_expr *expr, const struct cedar_expr *const *items,
          const struct cedar_text *names)
{
	const struct cedar_expr **kept = cedar_arena_take(maker->arena, expr->count * sizeof *kept);
	size_t named = expr->kind == CEDAR_NODE_RECORD ? expr->count : expr->kind == CEDAR_NODE_STRANGE ? 1 : 0, i;
	struct cedar_text *kept_names = named ? cedar_arena_take(maker->arena, named * sizeof *kept_names) : NULL;

	if (kept == NULL || (named && kept_names == NULL))
		return false;
	for (i = 0; i < expr->count; i++) {
		kept[i] = items[i];
		deepen(maker, expr, items[i]);
	}
	if (named) {
		memcpy(kept_names, names, named * sizeof *names);
		expr->names = kept_names;
	}
	expr->items = kept;
	return true;
}

const struct cedar_expr *
cedar_make_list(struct cedar_maker *maker, enum cedar_node kind, size_t offset, const struct cedar_expr *const *items,
                const struct cedar_text *names, size_t count)
{
	struct cedar_expr *expr = cedar_make(maker, kind, offset);

	if (expr == NULL)
		return NULL;
	expr->count = (uint32_t)count;
	if (kind == CEDAR_NODE_SET && are_literals(items, count))
		return set_constant(maker, expr, items) ? expr : NULL;
	return list_fill(maker, expr, items, names) && !maker->too_deep ? expr : NULL;
}

/* A variable that only an attribute is taken of stands nowhere by itself: all share one node. */
static const struct cedar_expr *
object_of(struct cedar_maker *maker, const struct cedar_expr *object)
{
	const struct cedar_expr *shared;

	if (object->kind != CEDAR_NODE_VARIABLE)
		return object;
	shared = &cedar_variables[object->detail];
	if (object != shared)
		spare_give(maker, object);
	return shared;
}

const struct cedar_expr *
cedar_make_named(struct cedar_maker *maker, enum cedar_node kind, size_t offset, const struct cedar_expr *object,
                 struct cedar_text name)
{
	bool variable = object->kind == CEDAR_NODE_VARIABLE;
	struct cedar_expr *expr;

	object = object_of(maker, object);
	expr = make_sized(maker, kind, offset, variable ? offsetof(struct cedar_expr, object) : cedar_expr_size(kind));
	if (expr == NULL)
		return NULL;
	if (variable)
		expr->detail = (uint8_t)(object->detail + 1);
	else
		expr->object = object;
	expr->name = cedar_intern_name(maker->interner, name);
	if (expr->name == NULL)
		return NULL;
	deepen(maker, expr, object);
	return maker->too_deep ? NULL : expr;
}

const struct cedar_expr *
cedar_make_has_path(struct cedar_maker *maker, size_t offset, const struct cedar_expr *object,
                    const struct cedar_text *names, size_t count)
{
	const struct cedar_expr *items[CEDAR_DEPTH_MAX];
	struct cedar_expr *path;
	size_t i;

	if (count > CEDAR_DEPTH_MAX) {
		maker->too_deep = true;
		return NULL;
	}
	object = object_of(maker, object);
	for (i = 0; i < count; i++) {
		items[i] = cedar_make_named(maker, CEDAR_NODE_HAS, offset, object, names[i]);
		if (i + 1 < count && items[i] != NULL)
			object = cedar_make_named(maker, CEDAR_NODE_ATTRIBUTE, offset, object, names[i]);
		if (items[i] == NULL || object == NULL)
			return NULL;
	}
	if (count == 1)
		return items[0];
	path = (struct cedar_expr *)cedar_make_list(maker, CEDAR_NODE_AND, offset, items, NULL, count);
	if (path != NULL)
		path->detail = CEDAR_HAS_PATH;
	return path;
}

bool
cedar_policy_furnish(struct cedar_arena *arena, const struct cedar_condition *conditions, size_t condition_count,
                     const struct cedar_annotation *annotations, size_t annotation_count, struct cedar_policy *policy)
{
	struct cedar_condition *kept =
	    cedar_arena_take(arena, condition_count * sizeof *kept + annotation_count * sizeof *annotations);

	if (kept == NULL)
		return false;
	if (condition_count > 0)
		memcpy(kept, conditions, condition_count * sizeof *kept);
	if (annotation_count > 0)
		memcpy(kept + condition_count, annotations, annotation_count * sizeof *annotations);
	policy->conditions = kept;
	policy->condition_count = (uint32_t)condition_count;
	policy->annotation_count = (uint8_t)annotation_count;
	return true;
}

bool
cedar_word_reserved(struct cedar_text word)
{
	static const char *const words[] = {
		"true", "false", "if", "then", "else", "in", "is", "like", "has", "__cedar"
	};
	size_t i;

	for (i = 0; i < sizeof words / sizeof *words; i++)
		if (cedar_text_is(word, words[i]))
			return true;
	return false;
}

bool
cedar_word_valid(struct cedar_text word)
{
	size_t i;

	if (word.size == 0 || (word.data[0] >= '0' && word.data[0] <= '9'))
		return false;
	for (i = 0; i < word.size; i++) {
		char c = word.data[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'))
			return false;
	}
	return true;
}

bool
cedar_name_valid(struct cedar_text name)
{
	size_t start = 0, at;

	for (at = 0; at <= name.size; at++) {
		struct cedar_text word = { name.data + start, at - start };

		if (at < name.size && name.data[at] != ':')
			continue;
		if (!cedar_word_valid(word) || cedar_word_reserved(word))
			return false;
		if (at == name.size)
			return true;
		if (at + 1 >= name.size || name.data[at + 1] != ':')
			return false;
		start = at + 2;
		at++;
	}
	return false;
}

struct cedar_text
cedar_name_base(struct cedar_text name)
{
	size_t start = name.size;

	while (start > 0 && name.data[start - 1] != ':')
		start--;
	return (struct cedar_text){ name.data + start, name.size - start };
}

bool
cedar_is_action_type(struct cedar_text name)
{
	return cedar_text_is(cedar_name_base(name), "Action");
}
