/* map.h - private: the Merkle crit-bit tree from label to head (LEDGER.md, "Map"), in memory, hashed as far as it changed.
 *
 * One thread at a time. About 250 bytes a log. Labels are never removed.
 */
#pragma once
#include "proof/proof.h"

struct map;

struct map_leaf {
	struct proof_hash label;
	uint64_t size;                  /* of the log */
	struct proof_hash root;
};

struct map *map_new(const void *owner);
/* A new label, or another head of one that is there. */
void map_put(struct map *, const struct map_leaf *);
/* Hashes what has changed since. Of no logs: 32 zero bytes. */
struct proof_hash map_root(struct map *);
/* The leaf that a lookup of the label ends at: itself if it is there, else a neighbour; NULL in the map of no logs. The
 * path is from the leaf up, of at most PROOF_PATH_MAX steps. After map_root(), with no map_put() since. */
const struct map_leaf *map_find(const struct map *, const struct proof_hash *label, struct proof_step *path, size_t *count);
