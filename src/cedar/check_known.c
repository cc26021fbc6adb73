/* check_known.c - sets of what is known: added to, joined and intersected without changing what they were made of, and
 * without walking what both have in common. Recursion ends with the bits of a hash. */
#include "cedar/check.h"

enum { LEAF = -1 };

typedef const struct cedar_capability *known_t;

static uint64_t
mix(uint64_t a, uint64_t b)
{
	return (a ^ (b + 0x9E3779B97F4A7C15ull + (a << 6) + (a >> 2))) * 0xD6E8FEB86659FD93ull;
}

static struct cedar_capability *
made(struct cedar_checker *checker, struct cedar_capability capability)
{
	struct cedar_capability *place = cedar_arena_take(&checker->scratch, sizeof *place);

	if (place == NULL)
		checker->failed = true;
	else
		*place = capability;
	return place;
}

static known_t
known_new(struct cedar_checker *checker, const struct cedar_expr *object, const struct cedar_expr *tag,
          struct cedar_text name)
{
	const struct cedar_key *key = &checker->scratch.key;
	uint64_t hash = cedar_expr_hash(key, object);

	hash = mix(hash, tag ? cedar_expr_hash(key, tag) + 1 : cedar_text_hash(key, name, 9));
	return made(checker,
	            (struct cedar_capability){ .hash = hash, .bit = LEAF, .object = object, .tag = tag, .name = name });
}

known_t
cedar_known_attribute(struct cedar_checker *checker, const struct cedar_expr *object, struct cedar_text name)
{
	return known_new(checker, object, NULL, name);
}

known_t
cedar_known_tag(struct cedar_checker *checker, const struct cedar_expr *object, const struct cedar_expr *tag)
{
	return known_new(checker, object, tag, CEDAR_TEXT(""));
}

static int
side_of(uint64_t hash, int bit)
{
	return (int)(hash >> bit & 1);
}

/* The bits above the one at which a branch parts. */
static uint64_t
above(uint64_t hash, int bit)
{
	return bit == 63 ? 0 : hash >> (bit + 1) << (bit + 1);
}

static bool
same(known_t a, known_t b)
{
	if ((a->tag == NULL) != (b->tag == NULL))
		return false;
	if (a->tag != NULL ? !cedar_expr_same(a->tag, b->tag) : !cedar_text_equal(a->name, b->name))
		return false;
	return cedar_expr_same(a->object, b->object);
}

static bool
leaf_has(known_t leaf, known_t wanted)
{
	for (; leaf != NULL; leaf = leaf->next)
		if (same(leaf, wanted))
			return true;
	return false;
}

bool
cedar_known_has(known_t set, known_t wanted)
{
	if (wanted == NULL)
		return false;
	while (set != NULL && set->bit != LEAF)
		set = set->sides[side_of(wanted->hash, set->bit)];
	return set != NULL && set->hash == wanted->hash && leaf_has(set, wanted);
}

static known_t
branch(struct cedar_checker *checker, int bit, known_t low, known_t high)
{
	if (low == NULL || high == NULL)
		return low ? low : high;
	return made(checker,
	            (struct cedar_capability){ .hash = above(low->hash, bit), .bit = bit, .sides = { low, high } });
}

/* Of two that have different hashes, or part at different places. */
static known_t
join(struct cedar_checker *checker, known_t a, known_t b)
{
	int bit = 63 - __builtin_clzll(a->hash ^ b->hash);

	return side_of(a->hash, bit) ? branch(checker, bit, b, a) : branch(checker, bit, a, b);
}

static known_t
leaves_union(struct cedar_checker *checker, known_t into, known_t from)
{
	for (; from != NULL; from = from->next)
		if (!leaf_has(into, from)) {
			struct cedar_capability copy = *from;

			copy.next = into;
			into = made(checker, copy);
			if (into == NULL)
				return NULL;
		}
	return into;
}

static bool
belongs_below(known_t outer, known_t inner)
{
	return outer->bit > inner->bit && above(inner->hash, outer->bit) == outer->hash;
}

/* `inner` goes to one side of `outer`. */
static known_t
union_below(struct cedar_checker *checker, known_t outer, known_t inner)
{
	int side = side_of(inner->hash, outer->bit);
	known_t joined = cedar_known_union(checker, outer->sides[side], inner);

	if (joined == outer->sides[side])
		return outer;
	return side ? branch(checker, outer->bit, outer->sides[0], joined)
	            : branch(checker, outer->bit, joined, outer->sides[1]);
}

known_t
cedar_known_union(struct cedar_checker *checker, known_t a, known_t b)
{
	known_t low, high;

	if (a == NULL || b == NULL || a == b)
		return a ? a : b;
	if (belongs_below(a, b))
		return union_below(checker, a, b);
	if (belongs_below(b, a))
		return union_below(checker, b, a);
	if (a->bit != b->bit || a->hash != b->hash)
		return join(checker, a, b);
	if (a->bit == LEAF)
		return leaves_union(checker, a, b);
	low = cedar_known_union(checker, a->sides[0], b->sides[0]);
	high = cedar_known_union(checker, a->sides[1], b->sides[1]);
	if (low == a->sides[0] && high == a->sides[1])
		return a;
	return branch(checker, a->bit, low, high);
}

static known_t
leaves_both(struct cedar_checker *checker, known_t leaf, known_t other)
{
	known_t result = NULL;

	for (; leaf != NULL; leaf = leaf->next)
		if (cedar_known_has(other, leaf)) {
			struct cedar_capability copy = *leaf;

			copy.next = result;
			result = made(checker, copy);
			if (result == NULL)
				return NULL;
		}
	return result;
}

known_t
cedar_known_both(struct cedar_checker *checker, known_t a, known_t b)
{
	known_t low, high;

	if (a == NULL || b == NULL || a == b)
		return a == b ? a : NULL;
	if (a->bit == LEAF)
		return leaves_both(checker, a, b);
	if (b->bit == LEAF)
		return leaves_both(checker, b, a);
	if (belongs_below(a, b))
		return cedar_known_both(checker, a->sides[side_of(b->hash, a->bit)], b);
	if (belongs_below(b, a))
		return cedar_known_both(checker, a, b->sides[side_of(a->hash, b->bit)]);
	if (a->bit != b->bit || a->hash != b->hash)
		return NULL;
	low = cedar_known_both(checker, a->sides[0], b->sides[0]);
	high = cedar_known_both(checker, a->sides[1], b->sides[1]);
	return low == a->sides[0] && high == a->sides[1] ? a : branch(checker, a->bit, low, high);
}
