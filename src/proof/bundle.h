/* bundle.h - public: verifies a bundle, in one pass and in memory that does not grow with it (LEDGER.md, "Bundle").
 *
 * The caller gives bytes through `read` and is told what is in the bundle as it comes by; what it was told is proven
 * only when proof_bundle_verify has returned true. May be used from any thread, one call a `struct proof_bundle`.
 */
#pragma once
#include "proof/note.h"

#define PROOF_BUNDLE_MEMORY ((size_t)10 << 20) /* bytes to lend, aligned as for uint64_t; little of it is touched */

enum proof_fault_kind {
	PROOF_FAULT_NONE,
	PROOF_FAULT_ARCHIVE,
	PROOF_FAULT_CHECKPOINT,
	PROOF_FAULT_SIGNATURE,
	PROOF_FAULT_WITNESS,
	PROOF_FAULT_INCLUSION,
	PROOF_FAULT_MAP,
	PROOF_FAULT_CONSISTENCY,
	PROOF_FAULT_ENTRY,
	PROOF_FAULT_ORDER,
	PROOF_FAULT_OPENING,
	PROOF_FAULT_ROOT,
	PROOF_FAULT_UNREADABLE,               /* not a verdict: `read` failed */
};

struct proof_fault {
	enum proof_fault_kind kind;
	char member[24];                /* "-" where there is none */
	bool has_index;
	uint64_t index;                 /* the entry's main index */
	const char *text;               /* English, constant */
};

/* What the bundle says of its checkpoints; `timestamp` is the earliest time stamp that policy asked for, in seconds. */
struct proof_shown_checkpoint {
	struct proof_checkpoint now, previous;
	bool has_previous, has_kept, has_time;
	uint64_t covers, previous_covers, since, until;
	size_t witnesses;               /* how many of those that policy names have cosigned */
	uint64_t witnessed;             /* when the last of them did, in seconds */
	uint64_t timestamp;
};

struct proof_shown_log {
	struct proof_bytes name;        /* valid until the bundle is done */
	struct proof_hash label;
	uint64_t size, from, to, previous_size, opened;
	bool absent, label_told;
	uint64_t first_time, last_time; /* of the entries shown, where from < to */
};

struct proof_shown_entry {
	struct proof_bytes log, bytes;
	uint64_t index;
	struct proof_hash hash;
	const struct proof_entry *entry;
	struct proof_bytes detail;      /* the opened plaintext; data NULL where it is not opened */
};

/* What the caller's own checks ask for, each `NULL` where there is none to make. A text that is returned is a fault of
 * kind inclusion, with the index of the entry. */
struct proof_visitor {
	void *context;
	void (*cover)(void *context, const char *member, struct proof_bytes piece);
	const char *(*checkpoint)(void *context, const struct proof_shown_checkpoint *);
	const char *(*entry)(void *context, const struct proof_shown_entry *);
	void (*log)(void *context, const struct proof_shown_log *);     /* at the log's end */
};

struct proof_told_label {
	struct proof_bytes name;
	struct proof_hash label;
};

struct proof_policy {
	struct proof_vkey key;          /* the log's, of type PROOF_ED25519 */
	const struct proof_told_label *labels;
	size_t label_count;
	struct proof_bytes kept;        /* a note that the reader kept; data NULL where there is none */
	const struct proof_vkey *witnesses;     /* of type PROOF_COSIGNATURE */
	size_t witness_count, quorum;
	size_t timestamps;              /* how many time stamps must hold; 0: they are not looked at */
};

struct proof_bundle {
	const struct proof_functions *functions;
	const struct proof_policy *policy;      /* NULL: the form alone is read, nothing is proven */
	void *source;
	/* Reads up to `size` bytes; 0 at the end, -1 where it cannot. */
	ptrdiff_t (*read)(void *source, uint8_t *into, size_t size);
	struct proof_visitor visitor;
	void *memory;                   /* PROOF_BUNDLE_MEMORY bytes */
};

/* False at the first fault, which goes to `fault`. */
bool proof_bundle_verify(const struct proof_bundle *, struct proof_fault *fault);
/* `archive`, `checkpoint`, … */
const char *proof_fault_name(enum proof_fault_kind);
