/* succeed.h - public: a ledger that lost its tail, and the one that takes its place. At start, before the recorder. */
#pragma once
#include "ledger/ledger.h"

/* Does the store end before what was signed, or derived from it? */
bool ledger_is_lost(const struct ledger *);
/* Moves what is left of it aside, in the store. The ledger is to be freed after it. */
fallible ledger_end(struct ledger *, struct store *);

struct succession {
	struct slice log;               /* the name of the log that ended; empty: none did */
	struct slice note;              /* its last checkpoint; empty where none was signed */
	uint64_t had, signed_size;      /* leaves that were left, and that there had been, at least */
};
/* Moves an ended log's files aside, and has another key made; until its successor has cited it. */
fallible ledger_succession(const void *owner, const char *dir, struct store *, struct keys *, struct succession *out);
/* With the first entry of the successor. */
fallible ledger_succession_apply(struct store *tx, const struct succession *);
