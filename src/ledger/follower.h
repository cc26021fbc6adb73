/* follower.h - private: all that is derived from the main order, and how far it has come.
 *
 * Opened with the ledger, then the following thread's. D/ledger/derived.db holds search terms, heads and tiles of logs
 * and the position; hashes* the main tree; sealed/ the leaves in immutable files. All but sealed can be thrown away: a
 * start without them, or with less than the position says, begins anew at the first leaf.
 */
#pragma once
#include "ledger/hashes.h"
#include "ledger/leaves.h"
#include "ledger/logs.h"
#include "ledger/map.h"

struct follower {
	char *dir;
	struct leaves *leaves;
	struct store *derived;
	struct hashes *hashes;
	struct sealer *sealer;
	uint64_t sealed;                /* leaves */
	struct proof_range range;       /* of the main tree */
	uint64_t position;
	struct logs *logs;
	struct term_at {
		int64_t key, seq;
	} *terms;                       /* of the batch */
	size_t term_count, term_room;
	struct map *map;
	bool lost;                      /* more had been derived than is there */
	bool moved;                     /* an entry has come since the last map leaf */
};

fallible follower_open(const void *owner, const char *dir, const uint8_t map_key[32], struct follower **out);
/* Derives and seals all that is committed. */
fallible follower_catch_up(struct follower *);
/* Throws away what is derived, and begins anew. */
fallible follower_rebuild(struct follower *, const uint8_t map_key[32]);

/* The newest checkpoint, with the map that it leads to. */
struct published {
	uint64_t size, covers;          /* size 0: none yet */
	struct proof_hash root, map_root;
	char *note;                     /* as signed, without cosignatures */
	int64_t time;
};
