/* trie.c - a persistent hash trie: eight bits of the hash a level, nodes only as wide as they are full. */
#include "cedar/store.h"

enum { PLACES = 256, LEVELS = 8 };

struct cedar_trie {
	unsigned references, count;
	uint64_t full[PLACES / 64]; /* which places are taken */
	uintptr_t places[];         /* a node, or a leaf and 1 */
};

static bool
is_leaf(uintptr_t place)
{
	return place & 1;
}

static struct cedar_leaf *
leaf_of(uintptr_t place)
{
	return (struct cedar_leaf *)(place & ~(uintptr_t)1);
}

static struct cedar_trie *
node_of(uintptr_t place)
{
	return (struct cedar_trie *)place;
}

struct cedar_leaf *
cedar_leaf_new(const struct cedar_memory *memory)
{
	struct cedar_leaf *leaf = cedar_memory_take(memory, sizeof *leaf);

	if (leaf == NULL)
		return NULL;
	*leaf = (struct cedar_leaf){ .references = 1 };
	cedar_arena_init(&leaf->arena, memory, 512);
	return leaf;
}

struct cedar_leaf *
cedar_leaf_keep(struct cedar_leaf *leaf)
{
	if (leaf != NULL)
		__atomic_add_fetch(&leaf->references, 1, __ATOMIC_RELAXED);
	return leaf;
}

void
cedar_leaf_drop(struct cedar_leaf *leaf)
{
	while (leaf != NULL && __atomic_sub_fetch(&leaf->references, 1, __ATOMIC_ACQ_REL) == 0) {
		struct cedar_leaf *same = leaf->same;
		struct cedar_memory memory = leaf->arena.memory;

		cedar_leaf_drop(leaf->source); /* never borrows itself: one level */
		cedar_arena_dispose(&leaf->arena);
		cedar_memory_give(&memory, leaf);
		leaf = same;
	}
}

/* Without the instruction, which the oldest processors lack, gcc calls a function for this. */
static unsigned
bits_set(uint64_t map)
{
	map -= map >> 1 & 0x5555555555555555;
	map = (map & 0x3333333333333333) + (map >> 2 & 0x3333333333333333);
	return (unsigned)(((map + (map >> 4)) & 0x0F0F0F0F0F0F0F0F) * 0x0101010101010101 >> 56);
}

static unsigned
place_of(uint64_t hash, unsigned level)
{
	return (unsigned)(hash >> (level * 8)) & (PLACES - 1);
}

static bool
is_full(const struct cedar_trie *node, unsigned place)
{
	return node->full[place / 64] >> (place % 64) & 1;
}

/* Places taken in front of this one. */
static unsigned
index_of(const struct cedar_trie *node, unsigned place)
{
	unsigned index = bits_set(node->full[place / 64] & ((UINT64_C(1) << (place % 64)) - 1)), word;

	for (word = 0; word < place / 64; word++)
		index += bits_set(node->full[word]);
	return index;
}

struct cedar_leaf *
cedar_trie_find(const struct cedar_trie *trie, const struct cedar_uid *uid)
{
	uint64_t hash = uid->hash;

	for (; trie != NULL; hash >>= 8) {
		unsigned place = hash & (PLACES - 1);
		struct cedar_leaf *leaf;
		uintptr_t at;

		if (!is_full(trie, place))
			return NULL;
		at = trie->places[index_of(trie, place)];
		if (!is_leaf(at)) {
			trie = node_of(at);
			continue;
		}
		for (leaf = leaf_of(at); leaf != NULL; leaf = leaf->same)
			if (cedar_uid_equal(&leaf->entity.uid, uid))
				return leaf;
		return NULL;
	}
	return NULL;
}

/* Starts the way of the second level: the first is near anyway. */
void
cedar_trie_prefetch(const struct cedar_trie *trie, const struct cedar_uid *uid)
{
	unsigned place = uid->hash & (PLACES - 1);
	uintptr_t at;

	if (trie == NULL || !is_full(trie, place))
		return;
	at = trie->places[index_of(trie, place)];
	__builtin_prefetch(is_leaf(at) ? (const void *)&leaf_of(at)->entity : (const void *)node_of(at));
	if (!is_leaf(at))
		__builtin_prefetch((const char *)node_of(at) + 64);
}

static struct cedar_trie *
node_new(const struct cedar_memory *memory, unsigned count)
{
	struct cedar_trie *node = cedar_memory_take(memory, sizeof *node + count * sizeof node->places[0]);

	if (node != NULL)
		*node = (struct cedar_trie){ .references = 1, .count = count };
	return node;
}

static void
place_keep(uintptr_t place)
{
	if (is_leaf(place))
		cedar_leaf_keep(leaf_of(place));
	else
		cedar_trie_keep(node_of(place));
}

/* A copy whose place is there; all else that it points to is kept once more. The place is 0 if it was not there. */
static struct cedar_trie *
node_copy(const struct cedar_memory *memory, const struct cedar_trie *node, unsigned place, unsigned *index)
{
	bool there = is_full(node, place);
	struct cedar_trie *copy = node_new(memory, node->count + !there);
	unsigned from, to = 0;

	if (copy == NULL)
		return NULL;
	*index = index_of(node, place);
	memcpy(copy->full, node->full, sizeof copy->full);
	copy->full[place / 64] |= UINT64_C(1) << (place % 64);
	for (from = 0; from < node->count; from++) {
		if (!there && from == *index)
			copy->places[to++] = 0;
		copy->places[to++] = node->places[from];
		if (!there || from != *index)
			place_keep(node->places[from]);
	}
	if (!there && *index == node->count)
		copy->places[to] = 0;
	return copy;
}

/* Same hash, other uid: chained. The chain behind the leaf that goes is rebuilt by sharing when it is at the head. */
static bool
chain_put(const struct cedar_memory *memory, struct cedar_leaf *old, struct cedar_leaf *leaf)
{
	struct cedar_leaf *rest = NULL, *at;

	for (at = old; at != NULL; at = at->same) {
		struct cedar_leaf *copy;

		if (cedar_uid_equal(&at->entity.uid, &leaf->entity.uid))
			continue;
		copy = cedar_leaf_new(memory);
		if (copy == NULL) {
			cedar_leaf_drop(rest);
			return false;
		}
		copy->entity = at->entity;
		copy->source = cedar_leaf_keep(at); /* its ancestors lie there, and others' lists go on with them */
		copy->same = rest;
		rest = copy;
	}
	leaf->same = rest;
	return true;
}

static struct cedar_trie *
two_leaves(const struct cedar_memory *memory, struct cedar_leaf *old, struct cedar_leaf *leaf, unsigned level)
{
	unsigned first = place_of(old->entity.uid.hash, level), second = place_of(leaf->entity.uid.hash, level);
	struct cedar_trie *node = node_new(memory, first == second ? 1 : 2), *below;

	if (node == NULL) {
		cedar_leaf_drop(leaf);
		return NULL;
	}
	node->full[first / 64] |= UINT64_C(1) << (first % 64);
	node->full[second / 64] |= UINT64_C(1) << (second % 64);
	if (first == second) {
		below = two_leaves(memory, old, leaf, level + 1);
		if (below == NULL) {
			cedar_memory_give(memory, node);
			return NULL;
		}
		node->places[0] = (uintptr_t)below;
		return node;
	}
	node->places[first < second ? 0 : 1] = (uintptr_t)cedar_leaf_keep(old) | 1;
	node->places[first < second ? 1 : 0] = (uintptr_t)leaf | 1;
	return node;
}

static uintptr_t put_at(const struct cedar_memory *, const struct cedar_trie *, struct cedar_leaf *, unsigned level);

/* What stands at a place once the leaf is in; 0 when memory is out, and then the leaf is dropped. */
static uintptr_t
put_in_place(const struct cedar_memory *memory, uintptr_t place, struct cedar_leaf *leaf, unsigned level)
{
	if (place == 0)
		return (uintptr_t)leaf | 1;
	if (!is_leaf(place))
		return put_at(memory, node_of(place), leaf, level + 1);
	if (leaf_of(place)->entity.uid.hash != leaf->entity.uid.hash)
		return (uintptr_t)two_leaves(memory, leaf_of(place), leaf, level + 1);
	if (chain_put(memory, leaf_of(place), leaf))
		return (uintptr_t)leaf | 1;
	cedar_leaf_drop(leaf);
	return 0;
}

/* Drops a node of which one place was never kept. */
static void
node_undo(const struct cedar_memory *memory, struct cedar_trie *node, unsigned index)
{
	if (node->places[index] != 0)
		place_keep(node->places[index]);
	cedar_trie_drop(memory, node);
}

static uintptr_t
put_at(const struct cedar_memory *memory, const struct cedar_trie *trie, struct cedar_leaf *leaf, unsigned level)
{
	static const struct cedar_trie empty = { .references = 1 };
	unsigned index;
	struct cedar_trie *copy =
	    node_copy(memory, trie ? trie : &empty, place_of(leaf->entity.uid.hash, level), &index);
	uintptr_t place;

	if (copy == NULL) {
		cedar_leaf_drop(leaf);
		return 0;
	}
	place = put_in_place(memory, copy->places[index], leaf, level);
	if (place == 0) {
		node_undo(memory, copy, index);
		return 0;
	}
	copy->places[index] = place;
	return (uintptr_t)copy;
}

/* A node with one place more, which is 0; the old one is gone. NULL when memory is out, and then it is not. */
static struct cedar_trie *
node_widen(const struct cedar_memory *memory, struct cedar_trie *node, unsigned place, unsigned index)
{
	struct cedar_trie *wide = node_new(memory, node->count + 1);

	if (wide == NULL)
		return NULL;
	memcpy(wide->full, node->full, sizeof wide->full);
	wide->full[place / 64] |= UINT64_C(1) << (place % 64);
	memcpy(wide->places, node->places, index * sizeof node->places[0]);
	memcpy(wide->places + index + 1, node->places + index, (node->count - index) * sizeof node->places[0]);
	wide->places[index] = 0;
	cedar_memory_give(memory, node);
	return wide;
}

static void
place_drop(const struct cedar_memory *memory, uintptr_t place)
{
	if (is_leaf(place))
		cedar_leaf_drop(leaf_of(place));
	else
		cedar_trie_drop(memory, node_of(place));
}

static uintptr_t put_own_at(const struct cedar_memory *, struct cedar_trie *, struct cedar_leaf *, unsigned level);

/* Of a node that nobody else has: what stands at a place that is taken, once the leaf is in. */
static uintptr_t
put_in_own_place(const struct cedar_memory *memory, uintptr_t place, struct cedar_leaf *leaf, unsigned level)
{
	uintptr_t put;

	if (!is_leaf(place))
		return put_own_at(memory, node_of(place), leaf, level + 1);
	put = put_in_place(memory, place, leaf, level);
	if (put != 0)
		place_drop(memory, place);
	return put;
}

/* The reference to the node is taken over on success; 0 when memory is out, and then only the leaf's is. */
static uintptr_t
put_own_at(const struct cedar_memory *memory, struct cedar_trie *node, struct cedar_leaf *leaf, unsigned level)
{
	unsigned place = place_of(leaf->entity.uid.hash, level), index;
	uintptr_t put;

	if (__atomic_load_n(&node->references, __ATOMIC_ACQUIRE) != 1) {
		put = put_at(memory, node, leaf, level);
		if (put != 0)
			cedar_trie_drop(memory, node);
		return put;
	}
	index = index_of(node, place);
	if (is_full(node, place)) {
		put = put_in_own_place(memory, node->places[index], leaf, level);
		node->places[index] = put ? put : node->places[index];
		return put ? (uintptr_t)node : 0;
	}
	node = node_widen(memory, node, place, index);
	if (node == NULL)
		cedar_leaf_drop(leaf);
	else
		node->places[index] = (uintptr_t)leaf | 1;
	return (uintptr_t)node;
}

struct cedar_trie *
cedar_trie_put(const struct cedar_memory *memory, struct cedar_trie *trie, struct cedar_leaf *leaf)
{
	return (struct cedar_trie *)(trie ? put_own_at(memory, trie, leaf, 0) : put_at(memory, NULL, leaf, 0));
}

struct cedar_trie *
cedar_trie_keep(struct cedar_trie *trie)
{
	if (trie != NULL)
		__atomic_add_fetch(&trie->references, 1, __ATOMIC_RELAXED);
	return trie;
}

/* Recursion is bounded by the eight levels of a hash. */
void
cedar_trie_drop(const struct cedar_memory *memory, struct cedar_trie *trie)
{
	unsigned i;

	if (trie == NULL || __atomic_sub_fetch(&trie->references, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	for (i = 0; i < trie->count; i++) {
		if (is_leaf(trie->places[i]))
			cedar_leaf_drop(leaf_of(trie->places[i]));
		else
			cedar_trie_drop(memory, node_of(trie->places[i]));
	}
	cedar_memory_give(memory, trie);
}

bool
cedar_trie_each(const struct cedar_trie *trie, bool (*visit)(void *, struct cedar_leaf *), void *context)
{
	unsigned i;

	for (i = 0; trie != NULL && i < trie->count; i++) {
		struct cedar_leaf *leaf;

		if (!is_leaf(trie->places[i])) {
			if (!cedar_trie_each(node_of(trie->places[i]), visit, context))
				return false;
			continue;
		}
		for (leaf = leaf_of(trie->places[i]); leaf != NULL; leaf = leaf->same)
			if (!visit(context, leaf))
				return false;
	}
	return true;
}
