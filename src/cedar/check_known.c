/* check_known.c - expressions compared by their shape, and what is known of them. */
#include "cedar/check.h"

static uint64_t
mix(uint64_t a, uint64_t b)
{
	return (a ^ (b + 0x9E3779B97F4A7C15ull + (a << 6) + (a >> 2))) * 0xD6E8FEB86659FD93ull;
}

size_t
cedar_expr_operands(const struct cedar_expr *expr)
{
	switch ((enum cedar_node)expr->kind) {
	case CEDAR_NODE_LITERAL:
	case CEDAR_NODE_VARIABLE:
		return 0;
	case CEDAR_NODE_AND:
	case CEDAR_NODE_OR:
	case CEDAR_NODE_SET:
	case CEDAR_NODE_RECORD:
	case CEDAR_NODE_CALL:
		return expr->count;
	case CEDAR_NODE_NOT:
	case CEDAR_NODE_NEGATE:
	case CEDAR_NODE_IS_EMPTY:
	case CEDAR_NODE_ATTRIBUTE:
	case CEDAR_NODE_HAS:
	case CEDAR_NODE_LIKE:
		return 1;
	case CEDAR_NODE_IF:
		return 3;
	case CEDAR_NODE_IS:
		return expr->inside ? 2 : 1;
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
	return 2;
}

static bool
is_list(const struct cedar_expr *expr)
{
	return expr->kind == CEDAR_NODE_AND || expr->kind == CEDAR_NODE_OR || expr->kind == CEDAR_NODE_SET ||
		expr->kind == CEDAR_NODE_RECORD || expr->kind == CEDAR_NODE_CALL;
}

const struct cedar_expr *
cedar_expr_operand(const struct cedar_expr *expr, size_t index)
{
	if (is_list(expr))
		return expr->items[index];
	return index == 0 ? expr->left : index == 1 ? expr->right : expr->third;
}

static uint64_t
literal_hash(const struct cedar_value *value)
{
	switch ((enum cedar_kind)value->kind) {
	case CEDAR_BOOL:
		return value->truth;
	case CEDAR_STRING:
		return cedar_text_hash(value->text, 7);
	case CEDAR_ENTITY:
		return cedar_text_hash(value->entity->id, cedar_text_hash(value->entity->type, 7));
	case CEDAR_LONG:
	case CEDAR_DECIMAL:
	case CEDAR_DATETIME:
	case CEDAR_DURATION:
		return (uint64_t)value->number;
	case CEDAR_SET:
	case CEDAR_RECORD:
	case CEDAR_IP:
		break;
	}
	return 0;
}

/* An && is the same whether it was written as a path behind `has` or not. */
static uint8_t
detail_of(const struct cedar_expr *expr)
{
	return expr->kind == CEDAR_NODE_AND ? 0 : expr->detail;
}

/* Only the upper levels: `has a.b.c` shares operands, and walking all of them could take forever. */
static uint64_t
hash_levels(const struct cedar_expr *expr, unsigned levels)
{
	size_t count = levels > 0 ? cedar_expr_operands(expr) : 0, i;
	uint64_t hash = mix(expr->kind, detail_of(expr));

	if (expr->kind == CEDAR_NODE_LITERAL)
		return mix(hash, mix(expr->value.kind, literal_hash(&expr->value)));
	if (expr->kind == CEDAR_NODE_ATTRIBUTE || expr->kind == CEDAR_NODE_HAS)
		hash = mix(hash, cedar_text_hash(expr->name, 7));
	for (i = 0; i < count; i++)
		hash = mix(hash, hash_levels(cedar_expr_operand(expr, i), levels - 1));
	return hash;
}

uint64_t
cedar_expr_hash(const struct cedar_expr *expr)
{
	return hash_levels(expr, 8);
}

static bool
patterns_same(const struct cedar_pattern *a, const struct cedar_pattern *b)
{
	size_t i;

	if (a->count != b->count)
		return false;
	for (i = 0; i < a->count; i++)
		if (!cedar_text_equal(a->pieces[i], b->pieces[i]))
			return false;
	return true;
}

/* What a node has besides its operands. */
static bool
details_same(const struct cedar_expr *a, const struct cedar_expr *b)
{
	size_t i;

	if (a->kind == CEDAR_NODE_LITERAL)
		return cedar_value_equal(&a->value, &b->value);
	if (a->kind == CEDAR_NODE_ATTRIBUTE || a->kind == CEDAR_NODE_HAS)
		return cedar_text_equal(a->name, b->name);
	if (a->kind == CEDAR_NODE_LIKE)
		return patterns_same(a->pattern, b->pattern);
	if (a->kind == CEDAR_NODE_IS)
		return cedar_text_equal(a->type->type, b->type->type);
	if (a->kind == CEDAR_NODE_RECORD)
		for (i = 0; i < a->count; i++)
			if (!cedar_text_equal(a->names[i], b->names[i]))
				return false;
	return true;
}

static bool
same_within(const struct cedar_expr *a, const struct cedar_expr *b, unsigned *budget)
{
	size_t count, i;

	if (a == b)
		return true;
	if (*budget == 0)
		return false;
	(*budget)--;
	if (a->kind != b->kind || detail_of(a) != detail_of(b) || a->depth != b->depth)
		return false;
	count = cedar_expr_operands(a);
	if (count != cedar_expr_operands(b) || !details_same(a, b))
		return false;
	for (i = 0; i < count; i++)
		if (!same_within(cedar_expr_operand(a, i), cedar_expr_operand(b, i), budget))
			return false;
	return true;
}

bool
cedar_expr_same(const struct cedar_expr *a, const struct cedar_expr *b)
{
	unsigned budget = 100000;

	return same_within(a, b, &budget);
}

static const struct cedar_capability *
known_new(struct cedar_checker *checker, const struct cedar_expr *object, const struct cedar_expr *tag, struct cedar_text name)
{
	struct cedar_capability *made = cedar_arena_take(&checker->scratch, sizeof *made);
	uint64_t hash = cedar_expr_hash(object);

	if (made == NULL) {
		checker->failed = true;
		return NULL;
	}
	hash = mix(hash, tag ? cedar_expr_hash(tag) + 1 : cedar_text_hash(name, 9));
	*made = (struct cedar_capability){ .hash = hash, .length = 1, .object = object, .tag = tag, .name = name };
	return made;
}

const struct cedar_capability *
cedar_known_attribute(struct cedar_checker *checker, const struct cedar_expr *object, struct cedar_text name)
{
	return known_new(checker, object, NULL, name);
}

const struct cedar_capability *
cedar_known_tag(struct cedar_checker *checker, const struct cedar_expr *object, const struct cedar_expr *tag)
{
	return known_new(checker, object, tag, CEDAR_TEXT(""));
}

bool
cedar_known_has(const struct cedar_capability *list, const struct cedar_capability *wanted)
{
	if (wanted == NULL)
		return false;
	for (; list != NULL; list = list->next) {
		if (list->hash != wanted->hash || (list->tag == NULL) != (wanted->tag == NULL))
			continue;
		if (list->tag != NULL ? !cedar_expr_same(list->tag, wanted->tag) : !cedar_text_equal(list->name, wanted->name))
			continue;
		if (cedar_expr_same(list->object, wanted->object))
			return true;
	}
	return false;
}

static const struct cedar_capability *
known_put(struct cedar_checker *checker, const struct cedar_capability *item, const struct cedar_capability *list)
{
	struct cedar_capability *made = cedar_arena_take(&checker->scratch, sizeof *made);

	if (made == NULL) {
		checker->failed = true;
		return list;
	}
	*made = *item;
	made->next = list;
	made->length = list ? list->length + 1 : 1;
	return made;
}

const struct cedar_capability *
cedar_known_union(struct cedar_checker *checker, const struct cedar_capability *a, const struct cedar_capability *b)
{
	const struct cedar_capability *few = a, *many = b, *result;

	if (a == NULL || b == NULL || a == b)
		return a ? a : b;
	if (a->length > b->length) {
		few = b;
		many = a;
	}
	for (result = many; few != NULL; few = few->next)
		if (!cedar_known_has(many, few))
			result = known_put(checker, few, result);
	return result;
}

const struct cedar_capability *
cedar_known_both(struct cedar_checker *checker, const struct cedar_capability *a, const struct cedar_capability *b)
{
	const struct cedar_capability *result = NULL;

	for (; a != NULL; a = a->next)
		if (cedar_known_has(b, a))
			result = known_put(checker, a, result);
	return result;
}
