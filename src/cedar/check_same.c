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

/* The reference has fewer kinds of nodes: `a != b` is `!(a == b)` to it, > and >= are negations of <= and <, `is … in …` is an
 * && of two, && and || take two operands, and the fields of a record have no order. Two expressions are the same if they are
 * so in its eyes. A part of a node that stands for several: */
enum part { WHOLE, UNDER_NOT, IS_ALONE, IN_ALONE };

struct shape {
	const struct cedar_expr *expr;
	enum part part;
};

static bool
is_negation(const struct cedar_expr *expr)
{
	return expr->kind == CEDAR_NODE_NOT_EQUAL || expr->kind == CEDAR_NODE_GREATER ||
	       expr->kind == CEDAR_NODE_GREATER_EQUAL;
}

static enum cedar_node
kind_of(struct shape shape)
{
	enum cedar_node kind = (enum cedar_node)shape.expr->kind;

	if (shape.part == UNDER_NOT)
		return kind == CEDAR_NODE_NOT_EQUAL ? CEDAR_NODE_EQUAL
		       : kind == CEDAR_NODE_GREATER ? CEDAR_NODE_LESS_EQUAL
		                                    : CEDAR_NODE_LESS;
	if (shape.part == IN_ALONE)
		return CEDAR_NODE_IN;
	if (shape.part == IS_ALONE)
		return CEDAR_NODE_IS;
	if (is_negation(shape.expr))
		return CEDAR_NODE_NOT;
	return kind == CEDAR_NODE_IS && shape.expr->inside != NULL ? CEDAR_NODE_AND : kind;
}

static size_t
operands_of(struct shape shape)
{
	if (shape.part == WHOLE)
		return is_negation(shape.expr) ? 1 : cedar_expr_operands(shape.expr);
	return shape.part == IS_ALONE ? 1 : 2;
}

static struct shape
operand_of(struct shape shape, size_t index)
{
	if (shape.part == WHOLE && is_negation(shape.expr))
		return (struct shape){ shape.expr, UNDER_NOT };
	return (struct shape){ cedar_expr_operand(shape.expr, index), WHOLE };
}

/* A place in a chain of && or ||, whose first operand can be such a chain as well: (a && b) && c is a && b && c. */
struct place {
	struct shape chain;
	size_t left; /* operands at and before this one */
};

static bool
is_chain(enum cedar_node kind)
{
	return kind == CEDAR_NODE_AND || kind == CEDAR_NODE_OR;
}

static struct place
chain_end(struct shape chain)
{
	return (struct place){ chain, chain.expr->kind == CEDAR_NODE_IS ? 2 : chain.expr->count };
}

/* The operand here, and moves to the one before it; false at the end of the way. */
static bool
chain_back(struct place *place, struct shape *out)
{
	struct shape chain = place->chain;

	if (place->left == 0)
		return false;
	place->left--;
	if (chain.expr->kind == CEDAR_NODE_IS)
		*out = (struct shape){ chain.expr, place->left ? IN_ALONE : IS_ALONE };
	else
		*out = (struct shape){ chain.expr->items[place->left], WHOLE };
	if (place->left == 0 && kind_of(*out) == kind_of(chain)) {
		*place = chain_end(*out);
		return chain_back(place, out); /* a chain has more than one operand: the next ends it */
	}
	return true;
}

/* Only the upper levels, and of chains the ends: `has a.b.c` shares operands, and walking all of them could take forever. */
enum { LEVELS = 8, ENDS = 16 };

static uint64_t hash_levels(const struct cedar_key *, struct shape, unsigned levels);

static uint64_t
hash_chain(const struct cedar_key *key, struct shape chain, unsigned levels)
{
	struct place place = chain_end(chain);
	uint64_t hash = kind_of(chain);
	struct shape operand;
	unsigned i;

	for (i = 0; levels > 0 && i < ENDS && chain_back(&place, &operand); i++)
		hash = mix(hash, hash_levels(key, operand, levels - 1));
	return hash;
}

static uint64_t
hash_record(const struct cedar_key *key, const struct cedar_expr *record, unsigned levels)
{
	uint64_t hash = 0;
	size_t i;

	for (i = 0; levels > 0 && i < record->count; i++)
		hash += mix(cedar_text_hash(key, record->names[i], 7),
		            hash_levels(key, (struct shape){ record->items[i], WHOLE }, levels - 1));
	return hash;
}

static uint64_t
hash_levels(const struct cedar_key *key, struct shape shape, unsigned levels)
{
	const struct cedar_expr *expr = shape.expr;
	enum cedar_node kind = kind_of(shape);
	size_t count = levels > 0 ? operands_of(shape) : 0, i;
	uint64_t hash = mix(kind, kind == CEDAR_NODE_VARIABLE || kind == CEDAR_NODE_CALL ? expr->detail : 0);

	if (kind == CEDAR_NODE_LITERAL)
		return mix(hash, mix(expr->value.kind, literal_hash(key, &expr->value)));
	if (is_chain(kind))
		return hash_chain(key, shape, levels);
	if (kind == CEDAR_NODE_RECORD)
		return mix(hash, hash_record(key, expr, levels));
	if (kind == CEDAR_NODE_ATTRIBUTE || kind == CEDAR_NODE_HAS)
		hash = mix(hash, cedar_text_hash(key, *expr->name, 7));
	for (i = 0; i < count; i++)
		hash = mix(hash, hash_levels(key, operand_of(shape, i), levels - 1));
	return hash;
}

uint64_t
cedar_expr_hash(const struct cedar_key *key, const struct cedar_expr *expr)
{
	return hash_levels(key, (struct shape){ expr, WHOLE }, LEVELS);
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

/* What a node has besides its operands; the kinds are the same. */
static bool
details_same(enum cedar_node kind, const struct cedar_expr *a, const struct cedar_expr *b)
{
	if (kind == CEDAR_NODE_LITERAL)
		return cedar_value_equal(&a->value, &b->value);
	if (kind == CEDAR_NODE_ATTRIBUTE || kind == CEDAR_NODE_HAS)
		return cedar_text_equal(*a->name, *b->name);
	if (kind == CEDAR_NODE_LIKE)
		return patterns_same(a->pattern, b->pattern);
	if (kind == CEDAR_NODE_IS)
		return cedar_text_equal(a->type->type, b->type->type);
	if (kind == CEDAR_NODE_STRANGE)
		return cedar_text_equal(*a->names, *b->names);
	return (kind != CEDAR_NODE_VARIABLE && kind != CEDAR_NODE_CALL) || a->detail == b->detail;
}

static bool same_within(struct shape, struct shape, unsigned *budget);

static bool
chains_same(struct shape a, struct shape b, unsigned *budget)
{
	struct place left = chain_end(a), right = chain_end(b);
	struct shape one, other;

	while (chain_back(&left, &one))
		if (!chain_back(&right, &other) || !same_within(one, other, budget))
			return false;
	return !chain_back(&right, &other);
}

static bool
field_is(const struct cedar_expr *record, size_t at, struct cedar_text name)
{
	return at < record->count && cedar_text_equal(record->names[at], name);
}

/* The field of a name, looked for first beside the one before: most records that are the same have the same order, or its
 * reverse. */
static size_t
field_find(const struct cedar_expr *record, struct cedar_text name, size_t before, unsigned *budget)
{
	size_t i;

	if (field_is(record, before + 1, name))
		return before + 1;
	if (field_is(record, before - 1, name))
		return before - 1;
	for (i = 0; i<record->count && * budget> 0; i++, --*budget)
		if (cedar_text_equal(record->names[i], name))
			return i;
	return record->count;
}

static bool
records_same(const struct cedar_expr *a, const struct cedar_expr *b, unsigned *budget)
{
	size_t i, at = SIZE_MAX;

	for (i = 0; i < a->count; i++) {
		at = field_find(b, a->names[i], at, budget);
		if (at == b->count ||
		    !same_within((struct shape){ a->items[i], WHOLE }, (struct shape){ b->items[at], WHOLE }, budget))
			return false;
	}
	return a->count == b->count;
}

static bool
same_within(struct shape a, struct shape b, unsigned *budget)
{
	enum cedar_node kind = kind_of(a);
	size_t count = operands_of(a), i;

	if (a.expr == b.expr && a.part == b.part)
		return true;
	if (*budget == 0 || kind != kind_of(b))
		return false;
	(*budget)--;
	if (is_chain(kind))
		return chains_same(a, b, budget);
	if (kind == CEDAR_NODE_RECORD)
		return records_same(a.expr, b.expr, budget);
	if (count != operands_of(b) || !details_same(kind, a.expr, b.expr))
		return false;
	for (i = 0; i < count; i++)
		if (!same_within(operand_of(a, i), operand_of(b, i), budget))
			return false;
	return true;
}

bool
cedar_expr_same(const struct cedar_expr *a, const struct cedar_expr *b)
{
	unsigned budget = 100000;

	return same_within((struct shape){ a, WHOLE }, (struct shape){ b, WHOLE }, &budget);
}
