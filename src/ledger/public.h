/* public.h - public: what outsiders get of the book: the public log, and bundles that prove a subscriber's log complete.
 *
 * Any thread, each with its own reader. Sources: LEDGER.md; C2SP tlog-tiles, signed-note, tlog-checkpoint.
 */
#pragma once
#include "ledger/ledger.h"

/* The verifier's key: name+id+key. Owned by `owner`. */
fallible ledger_vkey(const void *owner, struct keys *, char **out);
/* The newest checkpoint as it is served, and its size. Fails with E_NOT_FOUND before the first. */
fallible ledger_note(const void *owner, struct ledger *, uint64_t *size, struct slice *note);
/* How far behind the newest checkpoint is: microseconds since the oldest entry that none covers, 0 where all are covered. */
int64_t ledger_lag(struct ledger *);
/* `checkpoint`, `tile/0/x001/067.p/12`, `tile/entries/000`: bytes owned by `owner`; all but the checkpoint never change.
 * Fails with E_NOT_FOUND. */
fallible ledger_public(const void *owner, struct ledger *, struct ledger_reader *, struct slice path, struct slice *out);
/* The label that a log has in the map, to be told to whom it names. */
struct proof_hash ledger_label(const struct ledger *, struct slice log);

/* ---- witnesses (C2SP tlog-witness) ---- */

/* The body of add-checkpoint: `old` size, consistency proof, the note. Owned by `owner`. */
fallible ledger_witness_request(const void *owner, struct ledger_reader *, uint64_t old, uint64_t size, struct slice note, struct slice *out);
/* A cosignature line of the answer by that key (a vkey of type 4), over that note; `seen` is the time it says, in seconds.
 * Fails with E_ARGUMENT where the key cannot be read, E_LEDGER_FAULT where no line holds. */
fallible ledger_witness_check(const void *owner, struct slice vkey, struct slice note, struct slice answer, struct slice *line, int64_t *seen);
/* The newest checkpoint bears the line from now on, if it still is that one. */
void ledger_cosign(struct ledger *, uint64_t size, struct slice line);

/* ---- bundles ---- */

struct ledger_bundle {
	struct slice log;               /* the subscriber's; everyone's goes with it */
	bool has_time;
	int64_t since, until;           /* microseconds */
	struct slice previous;          /* a note that was kept; empty: none */
	struct slice checkpoint;        /* under this note instead of the newest, with its cosignatures; empty: the newest */
};

/* proof.json under the newest checkpoint. Fails with E_LEDGER_FAULT where `previous` is of another history, E_ARGUMENT where
 * it is no checkpoint of this log, E_BUSY, E_NOT_FOUND before the first checkpoint. A new reference. */
fallible ledger_bundle_proof(const struct ledger_bundle *, struct ledger *, struct ledger_reader *, json_t **out);
enum { BUNDLE_MEMBER_ENTRIES = 8192 };  /* entries of a member of the archive; none is larger than 64 MiB then */
/* Entries of a log from `from` on, as a member has them, about `room` bytes of them; *next is where to go on. With `opened`
 * each has its detail key, where that is not shredded. */
fallible ledger_bundle_entries(const void *owner, struct ledger_reader *, struct keys *opened, struct slice log, uint64_t from,
                               uint64_t to, size_t room, struct slice *out, uint64_t *next);
