/* Inclusion and consistency proofs (RFC 6962 §2.1, checked as RFC 9162 §2.1.3.2 and §2.1.4.2 do), compact ranges. */
#include "proof/proof.h"

#include <string.h>

bool
proof_hash_same(const struct proof_hash *a, const struct proof_hash *b)
{
	return memcmp(a->bytes, b->bytes, PROOF_HASH) == 0;
}

void
proof_range_join(const struct proof_functions *f, struct proof_range *r, unsigned height, const struct proof_hash *root)
{
	struct proof_hash node = *root;
	for (uint64_t rest = r->size >> height; (rest & 1) && r->count; rest >>= 1)
		node = proof_node_hash(f, &r->hashes[--r->count], &node);
	r->hashes[r->count++] = node;
	r->size += UINT64_C(1) << height;
}

unsigned
proof_range_height(uint64_t x, uint64_t y)
{
	unsigned aligned = x ? (unsigned)__builtin_ctzll(x) : 63;
	unsigned fits = 63 - (unsigned)__builtin_clzll(y - x);
	return aligned < fits ? aligned : fits;
}

size_t
proof_range_count(uint64_t x, uint64_t y)
{
	size_t count = 0;
	for (; x < y; count++)
		x += UINT64_C(1) << proof_range_height(x, y);
	return count;
}

/* `at` counts nodes of one level from the left, `last` is the last of them. */
static bool
hash_up(const struct proof_functions *f, uint64_t at, uint64_t last, struct proof_hash *node,
        const struct proof_hash *path, size_t count)
{
	for (size_t i = 0; i < count; i++, at >>= 1, last >>= 1) {
		if (last == 0)
			return false;
		if (!(at & 1) && at < last) {
			*node = proof_node_hash(f, node, &path[i]);
			continue;
		}
		for (; !(at & 1) && at; at >>= 1)
			last >>= 1;
		*node = proof_node_hash(f, &path[i], node);
	}
	return last == 0;
}

bool
proof_inclusion_check(const struct proof_functions *f, const struct proof_hash *leaf, uint64_t index, uint64_t size,
                      const struct proof_hash *path, size_t count, const struct proof_hash *root)
{
	struct proof_hash node = *leaf;
	if (index >= size)
		return false;
	return hash_up(f, index, size - 1, &node, path, count) && proof_hash_same(&node, root);
}

/* Where the old tree is whole in the new one, its root is the first hash. */
static bool
check_both(const struct proof_functions *f, uint64_t at, uint64_t last, const struct proof_hash *first,
           const struct proof_hash *old_root, const struct proof_hash *root, const struct proof_hash *path,
           size_t count)
{
	struct proof_hash old_node = *first, node = *first;
	for (size_t i = 0; i < count; i++, at >>= 1, last >>= 1) {
		if (last == 0)
			return false;
		if (!(at & 1) && at < last) {
			node = proof_node_hash(f, &node, &path[i]);
			continue;
		}
		for (; !(at & 1) && at; at >>= 1)
			last >>= 1;
		node = proof_node_hash(f, &path[i], &node);
		old_node = proof_node_hash(f, &path[i], &old_node);
	}
	return last == 0 && proof_hash_same(&old_node, old_root) && proof_hash_same(&node, root);
}

bool
proof_consistency_check(const struct proof_functions *f, uint64_t old_size, const struct proof_hash *old_root,
                        uint64_t size, const struct proof_hash *root, const struct proof_hash *path, size_t count)
{
	struct proof_range none = { 0 };
	struct proof_hash empty = proof_range_root(f, &none);
	if (old_size > size)
		return false;
	if (old_size == size)
		return count == 0 && proof_hash_same(old_root, root) && (size || proof_hash_same(root, &empty));
	if (old_size == 0)
		return count == 0 && proof_hash_same(old_root, &empty);
	uint64_t at = old_size - 1, last = size - 1;
	for (; at & 1; at >>= 1)
		last >>= 1;
	if ((old_size & (old_size - 1)) == 0)
		return check_both(f, at, last, old_root, old_root, root, path, count);
	return count > 0 && check_both(f, at, last, &path[0], old_root, root, path + 1, count - 1);
}
