/* append.h - private: the ledger's state, shared by appending and following. */
#pragma once
#include "ledger/ledger.h"

#include <pthread.h>
#include <stdatomic.h>

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
	struct head *heads[BUCKETS];
	struct head *touched;
	uint64_t next, committed;       /* main index */
	atomic_uint_fast64_t size;      /* committed, for other threads */
	int64_t last_time;
	pthread_mutex_t lock;           /* guards following's wake-up */
	pthread_cond_t grown;
	bool ending;
};

/* Derives all that is in the main order and not yet derived. */
fallible ledger_catch_up(struct store *source, struct store *derived, int hashes, struct proof_range *,
                         uint64_t *position);
struct head *ledger_head(struct ledger *, struct slice log);

enum term { TERM_ACTOR = 1, TERM_LOG, TERM_RESOURCE, TERM_CREDENTIAL, TERM_PURPOSE };
int64_t term_key(enum term, struct slice value);
fallible derived_open(const void *owner, const char *dir, struct store **out, int *hashes, uint64_t *position,
                      struct proof_range *);
