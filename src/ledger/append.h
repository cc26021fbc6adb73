/* append.h - private: the ledger's state, and what its files share. */
#pragma once
#include "ledger/follower.h"
#include "ledger/ledger.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* The next place in one log. */
struct head {
	struct head *next;              /* in its bucket */
	struct head *touched;           /* in the open transaction's list */
	char *log;
	uint64_t size;
	uint64_t committed;
};

enum { BUCKETS = 16384 };

struct ledger {
	char *dir;
	struct keys *keys;
	uint8_t map_key[32];
	struct head *heads[BUCKETS];
	struct head *touched;
	uint64_t next, committed;       /* main index */
	uint64_t trimmed;               /* the tail begins here; the follower's */
	int64_t published_at;           /* the same; monotonic */
	_Atomic int64_t uncovered_since;        /* monotonic; 0: all that is derived is under a checkpoint */
	atomic_uint_fast64_t size;      /* committed, for other threads */
	int64_t last_time;
	bool lost;                      /* the store ends before what was signed, or derived from it */
	_Atomic(err_t) state;           /* of following */
	atomic_bool halted;             /* nothing is signed any more */
	bool altered;                   /* the tree does not lead to what was signed */
	atomic_bool idle;               /* the follower sleeps until there is more */
	struct follower *follower;      /* opened with the ledger, then the following thread's */
	pthread_mutex_t lock;           /* guards what is below */
	pthread_cond_t grown, published;
	bool ending;
	bool wanted;                    /* somebody waits for a checkpoint of all that there is */
	uint64_t publications;          /* how often those who waited were told */
	pthread_mutex_t publishing;     /* held while map and checkpoint do not belong together */
	struct published published_now; /* guarded by it */
};

/* The signed note of a checkpoint (C2SP). */
char *ledger_note_text(const void *owner, const struct keys_log *, uint64_t size, const struct proof_hash *root,
                       const uint8_t signature[KEYS_SIGNATURE]);
void ledger_key_id(const struct keys_log *, uint8_t id[4]);
struct head *ledger_head(struct ledger *, struct slice log);

enum term { TERM_ACTOR = 1, TERM_LOG, TERM_RESOURCE, TERM_CREDENTIAL, TERM_PURPOSE };
int64_t term_key(enum term, struct slice value);
