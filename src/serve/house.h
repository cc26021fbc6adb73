/* house.h - public: what a process that works on an installation has open, for serve, init and tools. */
#pragma once
#include "keys/keys.h"
#include "ledger/succeed.h"
#include "record/record.h"
#include "store/store.h"

/* Freeing it ends the record's threads after the last commit, then closes the rest. */
struct house {
	const char *dir;
	struct keys *keys;
	struct store *store;            /* the recorder's */
	struct ledger *ledger;
	struct succession succession;   /* of a log that ended at this start */
	struct record *record;
};

/* Takes the keeper's socket over. `failed` as in struct record_options; *why says what could not be opened. */
fallible house_open(const void *owner, const char *dir, int keeper, void (*failed)(void *, err_t), struct house **out,
                    const char **why);
