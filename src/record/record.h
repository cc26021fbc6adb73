/* record.h - the one writer: what has gathered becomes one durable commit, and only then are those woken who wait.
 *
 * A submission is a change, or none, with its entries. The recorder thread runs what has gathered as one transaction,
 * commits once (fsync), then hands each submission back to its worker. It flushes at once when idle and gathers while
 * a flush is in flight. So no answer is released before the record of it is durable (DESIGN §3).
 *
 * Revocation wins: a submission bears the epoch it was decided on and comes back with E_STALE if that has passed. In a
 * group those that change the epoch go first. A failed fsync is never retried: E_OUTCOME_UNKNOWN for the group, and
 * `failed` is called, which ends the process.
 */
#pragma once
#include "base/err.h"
#include "base/loop.h"
#include "ledger/ledger.h"
#include "store/store.h"

#include <stdint.h>

enum { EPOCH_ANY = 0 };                 /* of a submission that depends on no decision */

struct record;
struct record_worker;

/* Lives on its worker's tree until it comes back; in between it is the recorder's. */
struct submission {
	/* Bounded SQL on prepared values. An expected failure is an error returned before anything was changed (after a
	 * change it becomes E_STALE); E_STORE,
	 * E_STORE_FULL, E_IO and E_STALE (found out too late: decide again) roll the group back, which is then replayed one
	 * by one. May be NULL. */
	err_t (*apply)(struct submission *, struct store *tx, int64_t time);
	void *context;
	uint64_t epoch;
	bool changes_epoch;             /* who may what is another after it */
	bool operators;                 /* recorded also while the disk is full, in room kept for that */
	size_t entry_count;
	const struct encoded *entries;
	void (*done)(struct submission *);      /* on the worker's thread */

	err_t result;                   /* NULL: durable */
	uint64_t seq;                   /* of its first entry */
	int64_t time;                   /* when it was recorded */
	struct record_worker *worker;
	struct submission *next;
};

struct record_options {
	const char *dir;
	struct store *store;            /* the recorder's from now on */
	struct ledger *ledger;
	void (*failed)(void *, err_t);  /* on the recorder's thread, after the group was handed back */
	void *argument;
};

/* Starts the recorder, the checkpoint and the following thread; freeing it ends them after the last commit. */
fallible record_open(const void *owner, const struct record_options *, struct record **out);

/* A worker's side; `epoch_changed` runs on its loop soon after each such commit (within a turn), and may be NULL. */
fallible record_worker_new(const void *owner, struct record *, struct loop *, void (*epoch_changed)(void *), void *argument,
                           struct record_worker **out);
void record_submit(struct record_worker *, struct submission *);
/* For start and tests: waits until it is durable. */
err_t record_wait(struct record *, struct submission *);

/* Any thread. Read it before the state that a decision rests on. */
uint64_t record_epoch(const struct record *);
/* Any thread. Counts the commits that changed more than the book: a view of the store that was opened after it was
 * read is as good as a new one for as long as it stays the same. */
uint64_t record_changes(const struct record *);
/* Any thread. The write-ahead log is to begin anew: who reads in it should not hold on to a view. */
bool record_wants_room(const struct record *);
/* NULL, or why not everything can be recorded now: what /readyz says. */
err_t record_state(const struct record *);

struct record_counts {
	uint64_t groups, submissions, entries, stale, replays;
};
struct record_counts record_counts(const struct record *);
