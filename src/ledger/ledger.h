/* ledger.h - the append-only book of every passage.
 *
 * Entries are bytes as LEDGER.md fixes them; all of them, in order, are the leaves of one Merkle tree (RFC 6962). None
 * is ever changed or removed. The commit writes only the main order (`tail`); hashes, logs, map and search are derived
 * from it by ledger_follow() on a thread of its own, and are rebuilt where they are missing.
 *
 * ledger_append…, _trim, _committed and _rolled_back belong to the recorder's thread; drafts are encoded on any; a
 * ledger_reader belongs to the thread that opened it.
 */
#pragma once
#include "base/clock.h"
#include "base/err.h"
#include "base/slice.h"
#include "keys/keys.h"
#include "proof/proof.h"
#include "store/store.h"

#include <jansson.h>

enum { PASSAGE_SIZE = 16, ENTRY_POLICIES = 16, PAIRS = 24 };

#define LOG_VENDOR "vendor"             /* what concerns no subscriber */
#define LOG_EVERYONE "everyone"         /* what may concern all */

enum decision { DECISION_NONE = -1, DECISION_DENY, DECISION_ALLOW };

/* Pairs of an outcome or a detail; keys are constants, values belong to whoever made the draft. */
struct pairs {
	size_t count;
	struct pair {
		const char *key;
		bool is_text;
		int64_t number;
		struct slice text;
	} pairs[PAIRS];
};

void pairs_number(struct pairs *, const char *key, int64_t);
void pairs_text(struct pairs *, const char *key, struct slice);

/* An entry before it has its place: all but sequence and time. */
struct draft {
	struct slice log;
	enum proof_kind kind;
	uint8_t passage[PASSAGE_SIZE];
	struct slice actor, credential, operation, resource, purpose, on_behalf;        /* empty: absent */
	enum decision decision;
	size_t policy_count;
	struct slice policies[ENTRY_POLICIES];
	const uint8_t *policy_set;      /* DIGEST_SIZE bytes or NULL */
	struct pairs outcome;           /* what the book says openly: counts, versions, digests; never service data */
	struct pairs detail;            /* what only the subscriber's ledger key opens: names, addresses, texts */
};

/* The draft's bytes, cut where sequence and time go in. */
struct encoded {
	struct slice log;
	struct slice before, middle, after;
};

/* Encrypts the detail under the ledger key of the log; without one if that log's keys were shredded. Fails with E_ENTRY_SIZE, E_KEEPER, E_CRYPTO. */
fallible draft_encode(const void *owner, struct keys *, const struct draft *, struct encoded *out);

struct ledger;
struct ledger_reader;

/* Catches up what is derived, then knows the next place in every log. Fails with E_IO, E_STORE, E_SEALED, E_ENTRY_FORM. */
fallible ledger_open(const void *owner, const char *dir, struct store *, struct keys *, struct ledger **out);
/* The tree did not lead to what was signed, when it was opened. */
bool ledger_is_altered(const struct ledger *);
/* The last recorded time, 0 if there is none. */
int64_t ledger_last_time(const struct ledger *);

/* Appends in the open transaction; durable when that commits. Then, or after a rollback, tell the ledger. */
fallible ledger_append(struct ledger *, struct store *tx, const struct encoded *, int64_t time, uint64_t *seq);
fallible ledger_append_map(struct ledger *, struct store *tx, uint64_t covers, const struct proof_hash *root, uint64_t *seq);
/* The tail lets go of the first `whole` leaves, which lie in whole sealed files. */
fallible ledger_trim(struct ledger *, struct store *tx, uint64_t whole);
void ledger_committed(struct ledger *);
void ledger_rolled_back(struct ledger *);
/* No checkpoint is signed any more: a witness has seen what this book does not have. Until the next start. Any thread. */
void ledger_halt(struct ledger *);
/* NULL, or why what is derived does not follow, or is not what was signed: what /readyz says. Any thread. */
err_t ledger_state(const struct ledger *);
/* Number of committed leaves; any thread. */
uint64_t ledger_size(const struct ledger *);

/* What following asks of the recorder, each done durably before it returns. */
struct ledger_publisher {
	void *argument;
	err_t (*append_map)(void *argument, uint64_t covers, const struct proof_hash *root, uint64_t *seq);
	err_t (*keep)(void *argument, uint64_t size, uint64_t covers, struct slice note, int64_t time);
	err_t (*trim)(void *argument, uint64_t whole);
};
/* Runs until ledger_unfollow(), on a thread of its own: derives hashes, logs, map and search from what is committed,
 * seals it, and has a checkpoint signed each second in which there was an entry. */
err_t ledger_follow(struct ledger *, const struct ledger_publisher *);
void ledger_unfollow(struct ledger *);
/* Any thread but those two: waits until all that is committed is derived and under a checkpoint. Fails with E_BUSY. */
fallible ledger_await_checkpoint(struct ledger *);

/* ---- reading ---- */

fallible ledger_reader_open(const void *owner, const char *dir, struct ledger_reader **out);

/* What to look for: each empty field matches everything. */
struct ledger_filter {
	struct slice actor;             /* the actor, or the end user on whose behalf */
	struct slice log;
	struct slice resource;          /* with the subscriber (acme/tickets/4711) */
	struct slice resource_tail;     /* or without it (tickets/4711) */
	struct slice credential, purpose;
	struct slice passage;           /* its PASSAGE_SIZE bytes */
	int64_t from, to;               /* microseconds; to 0: no end */
	uint64_t before;                /* only entries with a smaller main index; 0: all */
	size_t limit;
};

/* Newest first, at most `limit`; `each` gets the leaf's bytes behind its 0x00 and the entry, which live that long. */
fallible ledger_search(struct ledger_reader *, const struct ledger_filter *,
                       err_t (*each)(void *, uint64_t seq, struct slice bytes, const struct proof_entry *), void *argument);

/* Oldest first, from `from` on, at most `limit`; *next is where to go on, `from` where there is nothing more. */
fallible ledger_each(struct ledger_reader *, uint64_t from, size_t limit,
                     err_t (*each)(void *, uint64_t seq, struct slice bytes, const struct proof_entry *), void *argument, uint64_t *next);

/* Re-hashes everything, on all cores; `fault` gets kind, file, index and text of each fault in order, `progress` (or
 * NULL) the count so far. The tree must lead to the root that was signed at signed_size, where that is not 0. */
struct ledger_check {
	uint64_t signed_size;           /* what the keeper signed last; 0: not known */
	struct proof_hash signed_root;
	const uint8_t *map_key;         /* NULL: the map's roots cannot be made again */
	void (*fault)(void *, const char *kind, const char *file, uint64_t index, const char *text);
	void (*progress)(void *, uint64_t done);
	void *argument;
	uint64_t entries, faults;       /* out */
	struct proof_hash root;         /* out */
};
fallible ledger_verify(struct ledger_reader *, struct ledger_check *);
/* For its map_key: who has the ledger open may have the map compared, too. */
const uint8_t *ledger_map_key(const struct ledger *);

/* The entry as CONTRACT.md shows it; `keys` may be NULL: then the detail stays closed. A new reference. */
json_t *entry_json(struct keys *keys, uint64_t seq, const struct proof_entry *);

/* That JSON as an OCSF event. A new reference. */
json_t *entry_ocsf(json_t *entry);

extern const struct proof_functions ledger_functions[1];
