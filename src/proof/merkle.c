/* RFC 6962 §2.1. */
#include "proof/proof.h"

struct proof_hash
proof_leaf_hash(const struct proof_functions *f, struct proof_bytes leaf)
{
	static const uint8_t zero[1] = { 0 };
	struct proof_hash out;
	f->sha256(f->context, (struct proof_bytes[]){ { zero, 1 }, leaf }, 2, out.bytes);
	return out;
}

struct proof_hash
proof_node_hash(const struct proof_functions *f, const struct proof_hash *left, const struct proof_hash *right)
{
	static const uint8_t one[1] = { 1 };
	struct proof_hash out;
	f->sha256(f->context,
	          (struct proof_bytes[]){ { one, 1 }, { left->bytes, PROOF_HASH }, { right->bytes, PROOF_HASH } }, 3,
	          out.bytes);
	return out;
}

/* Each trailing one bit of the old size is a perfect subtree that the new leaf completes. */
void
proof_range_append(const struct proof_functions *f, struct proof_range *r, const struct proof_hash *leaf)
{
	struct proof_hash node = *leaf;
	for (uint64_t rest = r->size; rest & 1; rest >>= 1)
		node = proof_node_hash(f, &r->hashes[--r->count], &node);
	r->hashes[r->count++] = node;
	r->size++;
}

struct proof_hash
proof_range_root(const struct proof_functions *f, const struct proof_range *r)
{
	struct proof_hash root;
	if (r->count == 0) {
		f->sha256(f->context, NULL, 0, root.bytes);
		return root;
	}
	root = r->hashes[r->count - 1];
	for (size_t i = r->count - 1; i > 0; i--)
		root = proof_node_hash(f, &r->hashes[i - 1], &root);
	return root;
}
