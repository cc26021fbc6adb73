/* check_same.c - expressions compared by their shape. */
#include "cedar/check.h"

static uint64_t
mix(uint64_t a, uint64_t b)
{
	return (a ^ (b + 0x9E3779B97F4A7C15ull + (a << 6) + (a >> 2))) * 0xD6E8FEB86659FD93ull;
}

static uint64_t
literal_hash(const struct cedar_key *key, const struct cedar_value *value)
{
	switch ((enum cedar_kind)value->kind) {
	case CEDAR_BOOL:
		return value->truth;
	case CEDAR_STRING:
		return cedar_text_hash(key, value->text, 7);
	case CEDAR_ENTITY:
		return value->entity->hash;
	case CEDAR_LONG:
	case CEDAR_DECIMAL:
	case CEDAR_DATETIME:
	case CEDAR_DURATION:
		return (uint64_t)value->number;
	case CEDAR_SET:
	case CEDAR_RECORD:
	case CEDAR_IP:
	case CEDAR_UNKNOWN:
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
hash_levels(const struct cedar_key *key, const struct cedar_expr *expr, unsigned levels)
{
	size_t count = levels > 0 ? cedar_expr_operands(expr) : 0, i;
	uint64_t hash = mix(expr->kind, detail_of(expr));

	if (expr->kind == CEDAR_NODE_LITERAL)
		return mix(hash, mix(expr->value.kind, literal_hash(key, &expr->value)));
	if (expr->kind == CEDAR_NODE_ATTRIBUTE || expr->kind == CEDAR_NODE_HAS)
		hash = mix(hash, cedar_text_hash(key, expr->name, 7));
	for (i = 0; i < count; i++)
		hash = mix(hash, hash_levels(key, cedar_expr_operand(expr, i), levels - 1));
	return hash;
}

uint64_t
cedar_expr_hash(const struct cedar_key *key, const struct cedar_expr *expr)
{
	return hash_levels(key, expr, 8);
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
