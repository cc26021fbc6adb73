/* trie.c - a persistent hash trie: five bits of the hash a level, nodes only as wide as they are full. */
#include "cedar/store.h"

struct cedar_trie {
	unsigned references;
	uint32_t full;   /* which of the 32 places are taken */
	uint32_t leaves; /* and which of those are leaves */
	union {
		struct cedar_trie *node;
		struct cedar_leaf *leaf;
	} places[];
};

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

static unsigned
index_below(uint32_t map, unsigned place)
{
	return (unsigned)__builtin_popcount(map & ((1u << place) - 1));
}

static unsigned
place_of(uint64_t hash, unsigned level)
{
	return level < 12 ? (unsigned)(hash >> (level * 5)) & 31 : (unsigned)(hash >> 60);
}

struct cedar_leaf *
cedar_trie_find(const struct cedar_trie *trie, const struct cedar_uid *uid)
{
	unsigned level = 0;

	while (trie != NULL) {
		unsigned place = place_of(uid->hash, level++);
		unsigned index = index_below(trie->full, place);
		struct cedar_leaf *leaf;

		if ((trie->full >> place & 1) == 0)
			return NULL;
		if ((trie->leaves >> place & 1) == 0) {
			trie = trie->places[index].node;
			continue;
		}
		for (leaf = trie->places[index].leaf; leaf != NULL; leaf = leaf->same)
			if (cedar_uid_equal(&leaf->entity.uid, uid))
				return leaf;
		return NULL;
	}
	return NULL;
}

static struct cedar_trie *
node_new(const struct cedar_memory *memory, unsigned count)
{
	struct cedar_trie *node = cedar_memory_take(memory, sizeof *node + count * sizeof node->places[0]);

	if (node != NULL)
		*node = (struct cedar_trie){ .references = 1 };
	return node;
}

/* A copy with one more place, or with the same ones; what it points to is kept once more, except the place itself. */
static struct cedar_trie *
node_copy(const struct cedar_memory *memory, const struct cedar_trie *node, unsigned place)
{
	bool there = node->full >> place & 1;
	unsigned count = (unsigned)__builtin_popcount(node->full), from, to = 0, slot = index_below(node->full, place);
	struct cedar_trie *copy = node_new(memory, count + !there);
	unsigned bit = 0;

	if (copy == NULL)
		return NULL;
	copy->full = node->full | 1u << place;
	copy->leaves = node->leaves;
	for (from = 0; from < count; from++, bit++) {
		while ((node->full >> bit & 1) == 0)
			bit++;
		if (!there && from == slot)
			to++;
		copy->places[to] = node->places[from];
		if (bit != place) {
			if (node->leaves >> bit & 1)
				cedar_leaf_keep(copy->places[to].leaf);
			else
				cedar_trie_keep(copy->places[to].node);
		}
		to++;
	}
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
		copy->source = cedar_leaf_keep(at->source ? at->source : at);
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
	struct cedar_trie *node = node_new(memory, first == second ? 1 : 2);

	if (node == NULL) {
		cedar_leaf_drop(leaf);
		return NULL;
	}
	node->full = 1u << first | 1u << second;
	if (first == second) {
		node->places[0].node = two_leaves(memory, old, leaf, level + 1);
		if (node->places[0].node == NULL) {
			cedar_memory_give(memory, node);
			return NULL;
		}
		return node;
	}
	node->leaves = node->full;
	node->places[first < second ? 0 : 1].leaf = cedar_leaf_keep(old);
	node->places[first < second ? 1 : 0].leaf = leaf;
	return node;
}

static struct cedar_trie *
put_at(const struct cedar_memory *memory, const struct cedar_trie *trie, struct cedar_leaf *leaf, unsigned level)
{
	unsigned place = place_of(leaf->entity.uid.hash, level), index;
	struct cedar_trie *copy, *below;

	copy = trie ? node_copy(memory, trie, place) : node_new(memory, 1);
	if (copy == NULL) {
		cedar_leaf_drop(leaf);
		return NULL;
	}
	copy->full |= 1u << place;
	index = index_below(copy->full, place);
	if (trie == NULL || (trie->full >> place & 1) == 0) {
		copy->leaves |= 1u << place;
		copy->places[index].leaf = leaf;
		return copy;
	}
	if ((trie->leaves >> place & 1) == 0) {
		below = put_at(memory, copy->places[index].node, leaf, level + 1);
	} else if (copy->places[index].leaf->entity.uid.hash == leaf->entity.uid.hash) {
		if (chain_put(memory, copy->places[index].leaf, leaf)) {
			copy->places[index].leaf = leaf;
			return copy;
		}
		cedar_leaf_drop(leaf);
		below = NULL;
	} else {
		below = two_leaves(memory, copy->places[index].leaf, leaf, level + 1);
	}
	if (below == NULL) { /* the place is not ours to drop: make it be so first */
		if (copy->leaves >> place & 1)
			cedar_leaf_keep(copy->places[index].leaf);
		else
			cedar_trie_keep(copy->places[index].node);
		cedar_trie_drop(memory, copy);
		return NULL;
	}
	copy->leaves &= ~(1u << place);
	copy->places[index].node = below;
	return copy;
}

struct cedar_trie *
cedar_trie_put(const struct cedar_memory *memory, const struct cedar_trie *trie, struct cedar_leaf *leaf)
{
	return put_at(memory, trie, leaf, 0);
}

struct cedar_trie *
cedar_trie_keep(struct cedar_trie *trie)
{
	if (trie != NULL)
		__atomic_add_fetch(&trie->references, 1, __ATOMIC_RELAXED);
	return trie;
}

/* Recursion is bounded by the 13 levels of a hash. */
void
cedar_trie_drop(const struct cedar_memory *memory, struct cedar_trie *trie)
{
	unsigned bit, index = 0;

	if (trie == NULL || __atomic_sub_fetch(&trie->references, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	for (bit = 0; bit < 32; bit++) {
		if ((trie->full >> bit & 1) == 0)
			continue;
		if (trie->leaves >> bit & 1)
			cedar_leaf_drop(trie->places[index].leaf);
		else
			cedar_trie_drop(memory, trie->places[index].node);
		index++;
	}
	cedar_memory_give(memory, trie);
}

bool
cedar_trie_each(const struct cedar_trie *trie, bool (*visit)(void *, struct cedar_leaf *), void *context)
{
	unsigned bit, index = 0;

	for (bit = 0; trie != NULL && bit < 32; bit++) {
		struct cedar_leaf *leaf;

		if ((trie->full >> bit & 1) == 0)
			continue;
		if ((trie->leaves >> bit & 1) == 0) {
			if (!cedar_trie_each(trie->places[index++].node, visit, context))
				return false;
			continue;
		}
		for (leaf = trie->places[index++].leaf; leaf != NULL; leaf = leaf->same)
			if (!visit(context, leaf))
				return false;
	}
	return true;
}
