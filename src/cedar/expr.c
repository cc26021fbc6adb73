/* expr.c - making nodes, and what may be a name. */
#include "cedar/expr.h"

struct cedar_expr *
cedar_make(struct cedar_maker *maker, enum cedar_node kind, size_t offset)
{
	struct cedar_expr *expr = cedar_arena_zero(maker->arena, cedar_expr_size(kind));

	if (expr == NULL)
		return NULL;
	expr->kind = (uint8_t)kind;
	expr->depth = 1;
	expr->offset = (uint32_t)offset;
	return expr;
}

static void
deepen(struct cedar_maker *maker, struct cedar_expr *expr, const struct cedar_expr *operand)
{
	if (operand != NULL && operand->depth >= expr->depth)
		expr->depth = (operand->depth + 1) & 0x7FFF;
	if (expr->depth > CEDAR_DEPTH_MAX)
		maker->too_deep = true;
}

const struct cedar_expr *
cedar_make_value(struct cedar_maker *maker, size_t offset, struct cedar_value value)
{
	struct cedar_expr *expr = cedar_make(maker, CEDAR_NODE_LITERAL, offset);

	if (expr != NULL)
		expr->value = value;
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

const struct cedar_expr *
cedar_make_list(struct cedar_maker *maker, enum cedar_node kind, size_t offset, const struct cedar_expr *const *items,
	const struct cedar_text *names, size_t count)
{
	struct cedar_expr *expr = cedar_make(maker, kind, offset);
	size_t i;

	if (expr == NULL)
		return NULL;
	expr->items = items;
	expr->count = count;
	if (kind == CEDAR_NODE_RECORD)
		expr->names = names;
	for (i = 0; i < count; i++)
		deepen(maker, expr, items[i]);
	return maker->too_deep ? NULL : expr;
}

const struct cedar_expr *
cedar_make_named(struct cedar_maker *maker, enum cedar_node kind, size_t offset, const struct cedar_expr *object,
	struct cedar_text name)
{
	struct cedar_expr *expr = cedar_make(maker, kind, offset);

	if (expr == NULL)
		return NULL;
	expr->object = object;
	expr->name = name;
	deepen(maker, expr, object);
	return maker->too_deep ? NULL : expr;
}

const struct cedar_expr *
cedar_make_has_path(struct cedar_maker *maker, size_t offset, const struct cedar_expr *object,
	const struct cedar_text *names, size_t count)
{
	const struct cedar_expr **items = cedar_arena_take(maker->arena, count * sizeof *items);
	struct cedar_expr *path;
	size_t i;

	if (items == NULL)
		return NULL;
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
cedar_word_reserved(struct cedar_text word)
{
	static const char *const words[] = { "true", "false", "if", "then", "else", "in", "is", "like", "has", "__cedar" };
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
