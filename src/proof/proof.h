/* proof.h - what outsiders verify: entries, trees, maps and bundles, as LEDGER.md fixes them.
 *
 * A library of its own: it knows nothing of Sekisho's server, allocates nothing, keeps no state, and may be used from
 * any thread. Hash and signature come in as functions. Sources: LEDGER.md; RFC 6962 §2.1; RFC 8949 §4.2.1.
 * Public, with proof/note.h (signed notes, checkpoints) and proof/bundle.h (the verifier of bundles).
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
	PROOF_PATH_MAX = 256,           /* steps of a path: the bits of a label */
	PROOF_TAG = 16,                 /* bytes that a sealed detail is longer than its plaintext */
};

struct proof_bytes {
	const uint8_t *data;
	size_t size;
};

struct proof_hash {
	uint8_t bytes[PROOF_HASH];
};

enum proof_flow { PROOF_MORE, PROOF_END, PROOF_BROKEN };

/* What the caller lends; `context` is handed back to each. Only what is used must be there: sha256 by everything,
 * hmac and unseal by openings, ed25519 by notes, inflate by compressed bundles, timestamp by a policy that asks. */
struct proof_functions {
	void *context;
	/* SHA-256 of the parts, one after the other. */
	void (*sha256)(void *context, const struct proof_bytes *parts, size_t count, uint8_t out[PROOF_HASH]);
	/* HMAC-SHA-256. */
	void (*hmac)(void *context, const uint8_t key[32], struct proof_bytes data, uint8_t out[PROOF_HASH]);
	/* AES-256-GCM, nonce of twelve zero bytes, no additional data: ciphertext ‖ tag to sealed.size - 16 bytes. */
	bool (*unseal)(void *context, const uint8_t key[32], struct proof_bytes sealed, uint8_t *out);
	/* Ed25519 over the parts, one after the other. */
	bool (*ed25519)(void *context, const uint8_t key[32], const struct proof_bytes *parts, size_t count,
	                const uint8_t signature[64]);
	/* zstd: takes from *in, advancing it, writes at most *size bytes, sets *size to how many; END at the frame's end. */
	enum proof_flow (*inflate)(void *context, struct proof_bytes *in, uint8_t *out, size_t *size);
	/* RFC 3161: does the token, of an authority that the caller trusts, stamp this digest? When, in seconds. */
	bool (*timestamp)(void *context, struct proof_bytes token, const uint8_t digest[PROOF_HASH], uint64_t *time);
};

/* ---- entries ---- */

enum proof_kind { PROOF_WHOLE, PROOF_OPENING, PROOF_CLOSING, PROOF_CHANGE, PROOF_SYSTEM };

/* An entry, read; texts and bytes point into it. Absent fields have data NULL. */
struct proof_entry {
	struct proof_bytes blind, passage;
	uint64_t log_seq, time, kind, decision, generation;
	struct proof_bytes log, actor, credential, operation, resource, purpose, from, on_behalf;
	struct proof_bytes policy_set;
	struct proof_bytes outcome;     /* the CBOR of the map */
	struct proof_bytes detail, commitment;
	bool has_decision;
	size_t policy_count;
	struct proof_bytes policies[PROOF_POLICIES_MAX];        /* the first policy_count; the others are not set */
};

/* True if the bytes are an entry as LEDGER.md says; else *fault says why, in English. `out` may be NULL. */
bool proof_entry_parse(struct proof_bytes, struct proof_entry *out, const char **fault);

/* Does the key open the entry's detail: tag, commitment, and a map with text keys? The plaintext goes to `room`, which
 * has at least PROOF_ENTRY_MAX bytes. */
bool proof_opening_check(const struct proof_functions *, const struct proof_entry *, struct proof_bytes key,
                         uint8_t *room, struct proof_bytes *plaintext, const char **fault);

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

/* Appends the root of a perfect subtree of 2^height leaves; the range's size is a multiple of that. */
void proof_range_join(const struct proof_functions *, struct proof_range *, unsigned height, const struct proof_hash *);
/* The height of the first subtree of the compact range of [x, y), x < y. */
unsigned proof_range_height(uint64_t x, uint64_t y);
/* How many hashes the compact range of [x, y) has. */
size_t proof_range_count(uint64_t x, uint64_t y);

bool proof_hash_same(const struct proof_hash *, const struct proof_hash *);
bool proof_inclusion_check(const struct proof_functions *, const struct proof_hash *leaf, uint64_t index, uint64_t size,
                           const struct proof_hash *path, size_t count, const struct proof_hash *root);
bool proof_consistency_check(const struct proof_functions *, uint64_t old_size, const struct proof_hash *old_root,
                             uint64_t size, const struct proof_hash *root, const struct proof_hash *path, size_t count);

/* ---- the map ---- */

struct proof_step {
	uint64_t depth;
	struct proof_hash sibling;
};

struct proof_hash proof_head_hash(const struct proof_functions *, uint64_t size, const struct proof_hash *root);
/* Is `head` the head of `label` in the map with this root? */
bool proof_present_check(const struct proof_functions *, const struct proof_hash *label, const struct proof_hash *head,
                         const struct proof_step *path, size_t count, const struct proof_hash *root);
/* Is `label` not in it? The neighbour's label and head are both NULL in the map of no logs. */
bool proof_absent_check(const struct proof_functions *, const struct proof_hash *label,
                        const struct proof_hash *other_label, const struct proof_hash *other_head,
                        const struct proof_step *path, size_t count, const struct proof_hash *root);
