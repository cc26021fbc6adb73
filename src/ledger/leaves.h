/* leaves.h - private: the main order, wherever its leaves lie: in the store's tail or in sealed files.
 *
 * A thread's own. Fails with E_STORE, E_IO, E_SEALED.
 */
#pragma once
#include "ledger/sealed.h"
#include "store/store.h"

struct leaves;

fallible leaves_open(const void *owner, const char *dir, struct leaves **out);
/* Lives until the next call. Fails with E_NOT_FOUND. */
fallible leaves_get(struct leaves *, uint64_t seq, struct slice *leaf);
/* Some leaves from `from` on, in order, none from `to` on; *next is the one behind the last that was visited, `from` where
 * there is none. A gap shows in the numbers. */
fallible leaves_run(struct leaves *, uint64_t from, uint64_t to, err_t (*each)(void *, uint64_t seq, struct slice leaf),
                    void *argument, uint64_t *next);
/* Of the tail alone: its first and one past its last; both 0 where it is empty. */
fallible leaves_tail(struct leaves *, uint64_t *first, uint64_t *end);
struct store *leaves_store(struct leaves *);
struct seals *leaves_seals(struct leaves *);

static inline bool
leaf_is_odd(uint64_t seq)
{
	return seq / SEALED_FILE % 2 == 1;
}
