#include "ledger/map.h"

#include "base/memory.h"
#include "ledger/ledger.h"

#include <string.h>

enum { LEAF = 1 << 30, NOTHING = -1, DEPTH_MAX = 256 };

struct leaf {
	struct map_leaf is;
	struct proof_hash hash;
	bool stale;
};

struct node {
	struct proof_hash hash;
	int child[2];                   /* a node, or LEAF + a leaf */
	uint16_t depth;
	bool stale;
};

struct map {
	struct leaf *leaves;
	struct node *nodes;
	int leaf_count, leaf_room, node_count, node_room;
	int top;                        /* NOTHING, a node or a leaf */
};

struct map *
map_new(const void *owner)
{
	struct map *m = NEW(owner, struct map);
	m->top = NOTHING;
	return m;
}

static unsigned
bit_at(const struct proof_hash *label, unsigned depth)
{
	return label->bytes[depth / 8] >> (7 - depth % 8) & 1;
}

static unsigned
first_difference(const struct proof_hash *a, const struct proof_hash *b)
{
	unsigned i = 0;
	while (i < PROOF_HASH && a->bytes[i] == b->bytes[i])
		i++;
	return i == PROOF_HASH ? DEPTH_MAX : 8 * i + (unsigned)__builtin_clz((unsigned)(a->bytes[i] ^ b->bytes[i])) - 24;
}

static struct leaf *
nearest(const struct map *m, const struct proof_hash *label)
{
	int at = m->top;
	while (at < LEAF)
		at = m->nodes[at].child[bit_at(label, m->nodes[at].depth)];
	return &m->leaves[at - LEAF];
}

static int
add_leaf(struct map *m, const struct map_leaf *is)
{
	if (m->leaf_count == m->leaf_room) {
		m->leaf_room = m->leaf_room ? 2 * m->leaf_room : 64;
		m->leaves = memory_grow(m, m->leaves, sizeof *m->leaves, (size_t)m->leaf_room);
	}
	m->leaves[m->leaf_count] = (struct leaf){ .is = *is, .stale = true };
	return LEAF + m->leaf_count++;
}

static int
add_node(struct map *m, unsigned depth, int left, int right)
{
	if (m->node_count == m->node_room) {
		m->node_room = m->node_room ? 2 * m->node_room : 64;
		m->nodes = memory_grow(m, m->nodes, sizeof *m->nodes, (size_t)m->node_room);
	}
	m->nodes[m->node_count] = (struct node){ .child = { left, right }, .depth = (uint16_t)depth, .stale = true };
	return m->node_count++;
}

/* All above `depth` on the way to the label are stale; returns where the way goes on from there. */
static int *
mark(struct map *m, const struct proof_hash *label, unsigned depth)
{
	int *at = &m->top;
	while (*at < LEAF && m->nodes[*at].depth < depth) {
		struct node *n = &m->nodes[*at];
		n->stale = true;
		at = &n->child[bit_at(label, n->depth)];
	}
	return at;
}

void
map_put(struct map *m, const struct map_leaf *is)
{
	if (m->top == NOTHING) {
		m->top = add_leaf(m, is);
		return;
	}
	struct leaf *found = nearest(m, &is->label);
	unsigned depth = first_difference(&is->label, &found->is.label);
	if (depth == DEPTH_MAX) {
		mark(m, &is->label, DEPTH_MAX);
		found->is = *is;
		found->stale = true;
		return;
	}
	int leaf = add_leaf(m, is), node = add_node(m, depth, 0, 0);
	int *at = mark(m, &is->label, depth);
	unsigned side = bit_at(&is->label, depth);
	m->nodes[node].child[side] = leaf;
	m->nodes[node].child[!side] = *at;
	*at = node;
}

/* ---- hashes ---- */

static void
hash_leaf(struct leaf *l)
{
	static const uint8_t start[1] = { 0x10 };
	struct proof_hash head = proof_head_hash(ledger_functions, l->is.size, &l->is.root);
	ledger_functions->sha256(NULL, (struct proof_bytes[]){ { start, 1 }, { l->is.label.bytes, PROOF_HASH }, { head.bytes, PROOF_HASH } },
	                         3, l->hash.bytes);
	l->stale = false;
}

static const struct proof_hash *
hash_of(const struct map *m, int at)
{
	return at < LEAF ? &m->nodes[at].hash : &m->leaves[at - LEAF].hash;
}

static bool
is_stale(const struct map *m, int at)
{
	return at < LEAF ? m->nodes[at].stale : m->leaves[at - LEAF].stale;
}

static void
hash_node(struct map *m, struct node *n)
{
	uint8_t start[3] = { 0x11, (uint8_t)(n->depth >> 8), (uint8_t)n->depth };
	ledger_functions->sha256(NULL,
	                         (struct proof_bytes[]){ { start, 3 }, { hash_of(m, n->child[0])->bytes, PROOF_HASH },
	                                                 { hash_of(m, n->child[1])->bytes, PROOF_HASH } },
	                         3, n->hash.bytes);
	n->stale = false;
}

/* From the leaves up; depths grow on the way down, so the stack holds at most one node for each of them. */
struct proof_hash
map_root(struct map *m)
{
	int stack[DEPTH_MAX + 1];
	size_t n = 0;
	if (m->top == NOTHING)
		return (struct proof_hash){ { 0 } };
	stack[n++] = m->top;
	while (n) {
		int at = stack[n - 1];
		if (at >= LEAF) {
			if (m->leaves[at - LEAF].stale)
				hash_leaf(&m->leaves[at - LEAF]);
			n--;
			continue;
		}
		struct node *node = &m->nodes[at];
		int next = is_stale(m, node->child[0]) ? node->child[0] : is_stale(m, node->child[1]) ? node->child[1] : NOTHING;
		if (next != NOTHING) {
			stack[n++] = next;
			continue;
		}
		if (node->stale)
			hash_node(m, node);
		n--;
	}
	return *hash_of(m, m->top);
}

const struct map_leaf *
map_find(const struct map *m, const struct proof_hash *label, struct proof_step *path, size_t *count)
{
	size_t n = 0;
	int at = m->top;
	*count = 0;
	if (at == NOTHING)
		return NULL;
	while (at < LEAF) {
		const struct node *node = &m->nodes[at];
		unsigned side = bit_at(label, node->depth);
		path[n++] = (struct proof_step){ node->depth, *hash_of(m, node->child[!side]) };
		at = node->child[side];
	}
	for (size_t i = 0; i < n / 2; i++) {
		struct proof_step kept = path[i];
		path[i] = path[n - 1 - i];
		path[n - 1 - i] = kept;
	}
	*count = n;
	return &m->leaves[at - LEAF].is;
}
