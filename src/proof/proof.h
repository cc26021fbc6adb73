/* proof.h - what outsiders verify: entries, trees, maps and bundles, as LEDGER.md fixes them.
 *
 * A library of its own: it knows nothing of Sekisho's server, allocates nothing, keeps no state, and may be used from
 * any thread. Hash and signature come in as functions. Sources: LEDGER.md; RFC 6962 §2.1; RFC 8949 §4.2.1.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PROOF_HASH = 32,
	PROOF_ENTRY_MAX = 8192,         /* bytes of an entry */
	PROOF_DEPTH_MAX = 8,            /* levels of an entry, itself the first */
	PROOF_POLICIES_MAX = 64,        /* ids of policies that we keep of an entry; more are counted */
	PROOF_RANGE_MAX = 128,          /* hashes of a compact range of 64-bit bounds */
};

struct proof_bytes {
	const uint8_t *data;
	size_t size;
};

struct proof_hash {
	uint8_t bytes[PROOF_HASH];
};

/* What the caller lends; `context` is handed back to each. */
struct proof_functions {
	void *context;
	/* SHA-256 of the parts, one after the other. */
	void (*sha256)(void *context, const struct proof_bytes *parts, size_t count, uint8_t out[PROOF_HASH]);
};

/* ---- entries ---- */

enum proof_kind { PROOF_WHOLE, PROOF_OPENING, PROOF_CLOSING, PROOF_CHANGE, PROOF_SYSTEM };

/* An entry, read; texts and bytes point into it. Absent fields have data NULL. */
struct proof_entry {
	struct proof_bytes blind, passage;
	uint64_t log_seq, time, kind, decision, generation;
	struct proof_bytes log, actor, credential, operation, resource, purpose, from, on_behalf;
	struct proof_bytes policies[PROOF_POLICIES_MAX];
	size_t policy_count;
	struct proof_bytes policy_set;
	struct proof_bytes outcome;     /* the CBOR of the map */
	struct proof_bytes detail, commitment;
	bool has_decision;
};

/* True if the bytes are an entry as LEDGER.md says; else *fault says why, in English. `out` may be NULL. */
bool proof_entry_parse(struct proof_bytes, struct proof_entry *out, const char **fault);

/* ---- deterministic CBOR, as entries are made of it ---- */

struct proof_cbor {
	struct proof_bytes rest;
	const char *fault;              /* the first; then every read gives nothing */
};

enum proof_type { PROOF_UINT, PROOF_NEGATIVE, PROOF_BYTES, PROOF_TEXT, PROOF_ARRAY, PROOF_MAP, PROOF_SIMPLE = 7 };

struct proof_item {
	enum proof_type type;
	uint64_t number;                /* value, count of items or pairs; negative: -1 - number; simple: 20 false … 22 null */
	struct proof_bytes bytes;       /* of bytes and text */
};

/* Reads the head of the next item: of an array or map only its count. */
struct proof_item proof_cbor_next(struct proof_cbor *);
/* Reads one whole item, checks it (keys in order, depth) and returns its bytes. */
struct proof_bytes proof_cbor_whole(struct proof_cbor *, unsigned depth);

/* ---- trees (RFC 6962) ---- */

/* The roots of the largest perfect subtrees of [0, size), left to right: all that appending needs. */
struct proof_range {
	uint64_t size;
	size_t count;
	struct proof_hash hashes[64];
};

struct proof_hash proof_leaf_hash(const struct proof_functions *, struct proof_bytes leaf);
struct proof_hash proof_node_hash(const struct proof_functions *, const struct proof_hash *, const struct proof_hash *);
void proof_range_append(const struct proof_functions *, struct proof_range *, const struct proof_hash *leaf);
struct proof_hash proof_range_root(const struct proof_functions *, const struct proof_range *);
