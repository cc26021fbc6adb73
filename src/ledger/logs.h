/* logs.h - private: the log of each subscriber, of the vendor and of everyone, derived from the main order.
 *
 * Of each the compact range is in memory; in D/ledger/derived.db its size and range, and for each 256 of its entries
 * their subtree's root and the main index of the last. The follower's thread; reading goes by a connection of one's own.
 */
#pragma once
#include "ledger/leaves.h"
#include "ledger/map.h"
#include "ledger/tree.h"

struct logs;

/* `map_key` (32 bytes) NULL: for counting alone, without labels. */
struct logs *logs_new(const void *owner, const uint8_t *map_key);
/* What is in derived.db. */
fallible logs_load(struct logs *, struct store *derived);
/* The next entry of a log. Fails with E_ENTRY_FORM where its sequence is not the next. */
fallible logs_add(struct logs *, struct store *derived, const struct proof_entry *, uint64_t main_index, const struct proof_hash *entry);
/* The same for who keeps nothing: its leaf as it is; true if it completes a tile of 256, whose root *tile then is. */
bool logs_append(struct logs *, struct slice name, const struct proof_hash *leaf, struct proof_hash *tile, int64_t *key, uint64_t *size);
/* The saved head of one log; false where there is none. */
bool logs_same(const struct logs *, const struct logs *other, struct slice name);
/* Writes what was touched since the last call. */
fallible logs_save(struct logs *, struct store *derived);
/* Puts what changed since the last call into the map. */
void logs_map(struct logs *, struct map *);
/* The sum of the saved heads' hashes, whatever their order (Bellare and Micciancio's AdHASH): of the same heads the same, and
 * of others another. A head that was altered, lost or added in derived.db shows in it. */
enum { LOGS_SUM = 32 };
void logs_sum(const struct logs *, uint8_t out[LOGS_SUM]);
void logs_each(const struct logs *, void (*each)(void *, const char *name, uint64_t size, int64_t time), void *argument);

struct proof_hash log_label(const uint8_t map_key[32], struct slice name);
struct proof_hash log_leaf(uint64_t main_index, const struct proof_hash *entry);

/* One log, to read: its tree of any past size. */
struct log_view;
fallible log_view_open(const void *owner, struct store *derived, struct leaves *, struct slice name, struct log_view **out);
struct tree log_view_tree(struct log_view *);
/* As derived so far. */
uint64_t log_view_size(const struct log_view *);
/* How many of its entries have a main index smaller than this. */
fallible log_view_before(struct log_view *, uint64_t main_index, uint64_t *count);
/* The main indices of entries from `from` on; *count becomes how many there are. */
fallible log_view_indices(struct log_view *, uint64_t from, uint64_t *out, size_t *count);
