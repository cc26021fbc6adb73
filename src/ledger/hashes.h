/* hashes.h - private: the main tree on disk, D/ledger/hashes for its leaves and hashes.1 … for each 256 of the level below.
 *
 * All of it is derived. A tile (C2SP tlog-tiles) is 8,192 bytes of one of these files. One writer; readers of their own.
 * Fails with E_IO; E_NOT_FOUND where a subtree is not whole yet.
 */
#pragma once
#include "ledger/tree.h"

enum { HASHES_LEVELS = 8, TILE = 256 };

struct hashes;

fallible hashes_open(const void *owner, const char *dir, bool write, struct hashes **out);
/* The hash of leaf `index`, and of each tile that it completes. */
fallible hashes_put(struct hashes *, uint64_t index, const struct proof_hash *);
/* Hashes of a level from `index` on; *count becomes how many there are. */
fallible hashes_get(struct hashes *, unsigned level, uint64_t index, struct proof_hash *out, size_t *count);
/* Are there as many as a tree of this size has? */
bool hashes_cover(struct hashes *, uint64_t size);
struct tree hashes_tree(struct hashes *);
