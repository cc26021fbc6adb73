/* tree.h - private: proofs out of any tree whose perfect subtrees can be had (RFC 6962 §2.1).
 *
 * `node` gives the root of the 2^height leaves from index·2^height on; all of them must be there. No state; any thread
 * that `node` allows. Fails with what `node` fails with.
 */
#pragma once
#include "base/err.h"
#include "proof/proof.h"

enum { TREE_PATH_MAX = 64 };            /* hashes of an inclusion or consistency proof */

struct tree {
	void *context;
	err_t (*node)(void *context, unsigned height, uint64_t index, struct proof_hash *out);
};

/* The root over 2^k nodes of one level, in their place. */
struct proof_hash tree_fold(struct proof_hash *nodes, size_t count);
/* MTH(D[from:to]), from < to, where that is a subtree of some tree. */
fallible tree_hash(const struct tree *, uint64_t from, uint64_t to, struct proof_hash *out);
/* The root of the first `size` leaves. */
fallible tree_root(const struct tree *, uint64_t size, struct proof_hash *out);
/* The compact range of [from, to): at most PROOF_RANGE_MAX hashes. */
fallible tree_range(const struct tree *, uint64_t from, uint64_t to, struct proof_hash *out, size_t *count);
fallible tree_inclusion(const struct tree *, uint64_t index, uint64_t size, struct proof_hash out[TREE_PATH_MAX], size_t *count);
/* Nothing where the old size is 0 or the same. */
fallible tree_consistency(const struct tree *, uint64_t old, uint64_t size, struct proof_hash out[TREE_PATH_MAX], size_t *count);
