#include "ledger/tree.h"

#include "ledger/ledger.h"

struct proof_hash
tree_fold(struct proof_hash *nodes, size_t count)
{
	for (; count > 1; count /= 2)
		for (size_t i = 0; i < count / 2; i++)
			nodes[i] = proof_node_hash(ledger_functions, &nodes[2 * i], &nodes[2 * i + 1]);
	return nodes[0];
}

fallible
tree_range(const struct tree *t, uint64_t from, uint64_t to, struct proof_hash *out, size_t *count)
{
	size_t n = 0;
	while (from < to) {
		unsigned height = proof_range_height(from, to);
		TRY(t->node(t->context, height, from >> height, &out[n++]));
		from += UINT64_C(1) << height;
	}
	*count = n;
	return NULL;
}

fallible
tree_hash(const struct tree *t, uint64_t from, uint64_t to, struct proof_hash *out)
{
	struct proof_hash parts[PROOF_RANGE_MAX];
	size_t count;
	TRY(tree_range(t, from, to, parts, &count));
	struct proof_hash node = parts[count - 1];
	for (size_t i = count - 1; i > 0; i--)
		node = proof_node_hash(ledger_functions, &parts[i - 1], &node);
	*out = node;
	return NULL;
}

fallible
tree_root(const struct tree *t, uint64_t size, struct proof_hash *out)
{
	const struct proof_range none = { 0 };
	if (size)
		return tree_hash(t, 0, size, out);
	*out = proof_range_root(ledger_functions, &none);
	return NULL;
}

static void
reverse(struct proof_hash *hashes, size_t count)
{
	for (size_t i = 0; i < count / 2; i++) {
		struct proof_hash kept = hashes[i];
		hashes[i] = hashes[count - 1 - i];
		hashes[count - 1 - i] = kept;
	}
}

/* Where a tree of these leaves splits: the largest power of two smaller than their number. */
static uint64_t
split(uint64_t from, uint64_t to)
{
	return from + (UINT64_C(1) << (63 - __builtin_clzll(to - from - 1)));
}

fallible
tree_inclusion(const struct tree *t, uint64_t index, uint64_t size, struct proof_hash out[TREE_PATH_MAX], size_t *count)
{
	uint64_t from = 0, to = size;
	size_t n = 0;
	if (index >= size)
		return E_RANGE;
	while (to - from > 1) {
		uint64_t middle = split(from, to);
		bool right = index >= middle;
		TRY(tree_hash(t, right ? from : middle, right ? middle : to, &out[n++]));
		from = right ? middle : from;
		to = right ? to : middle;
	}
	reverse(out, n);
	*count = n;
	return NULL;
}

fallible
tree_consistency(const struct tree *t, uint64_t old, uint64_t size, struct proof_hash out[TREE_PATH_MAX], size_t *count)
{
	uint64_t from = 0, to = size;
	size_t n = 0;
	if (old > size)
		return E_RANGE;
	*count = 0;
	if (old == 0 || old == size)
		return NULL;
	while (to != old) {
		uint64_t middle = split(from, to);
		bool right = old > middle;
		TRY(tree_hash(t, right ? from : middle, right ? middle : to, &out[n++]));
		from = right ? middle : from;
		to = right ? to : middle;
	}
	if (from > 0)
		TRY(tree_hash(t, from, to, &out[n++]));
	reverse(out, n);
	*count = n;
	return NULL;
}
