/* recount.h - private: what is derived, made again from the entries while they are verified, and compared.
 *
 * Heads and tiles of logs against derived.db as it stood when the verification began, the map's root against the leaf that the
 * last checkpoint ends with, and that checkpoint's own root. Entries come in order.
 */
#pragma once
#include "ledger/ledger.h"
#include "ledger/reader.h"

struct recount;

typedef void recount_fault(void *, const char *kind, const char *file, uint64_t index, const char *text);

/* Reads what there is to compare with. `map_key` NULL: the map is not compared. */
fallible recount_new(const void *owner, struct ledger_reader *, const uint8_t *map_key, recount_fault *, void *argument, struct recount **out);
/* Leaves of logs beyond this are not asked for. */
uint64_t recount_end(const struct recount *);
/* Where the entries of one log are split, if their order across logs matters there: the map covers those before. */
uint64_t recount_covers(const struct recount *);
fallible recount_leaf(struct recount *, struct slice log, const struct proof_hash *leaf, uint64_t index);
/* All entries before recount_covers() have been given. */
void recount_map(struct recount *);
/* The size and root that the newest checkpoint in the store names; false where there is none that reads. */
bool recount_signed(const struct recount *, uint64_t *size, struct proof_hash *root);
/* The map leaf that it ends with. */
void recount_map_leaf(struct recount *, struct slice leaf);
/* All entries before recount_end() have been given. */
void recount_finish(struct recount *);
