/* verify.h - private: one verification under way, and its steps in LEDGER.md's order. */
#pragma once
#include "proof/archive.h"
#include "proof/manifest.h"

enum {
	VERIFY_ROOM = 1 << 18,          /* entries read and not yet checked */
	VERIFY_MEMBER_MAX = 64 << 20,
};

/* The log whose entries are coming by. */
struct verify_log {
	struct manifest_log log;
	uint64_t next;                  /* sequence */
	uint64_t first_index, last_index, first_time, last_time;        /* of those shown, where from < next */
	uint64_t previous_size;
	uint64_t opened;
	struct proof_range range;       /* [0, next) */
	bool left_fits;
};

/* What `everyone` must enclose: the other logs' spans. */
struct verify_span {
	bool from_start, to_end, any;
	uint64_t first, last;
};

struct verify {
	const struct proof_bundle *bundle;
	const struct proof_functions *functions;
	const struct proof_policy *policy;
	struct proof_archive archive;
	struct manifest manifest;
	uint8_t *room;                  /* VERIFY_ROOM */
	uint8_t *plaintext;             /* PROOF_ENTRY_MAX */
	struct proof_shown_checkpoint shown;
	struct verify_log log;
	struct verify_span span;
	struct proof_fault fault;
};

/* Sets the fault; returns false. */
bool proof_verify_fail(struct verify *, enum proof_fault_kind, const char *text);
bool proof_verify_fail_at(struct verify *, enum proof_fault_kind, uint64_t index, const char *text);

/* Checkpoint, map leaf, map, previous. */
bool proof_verify_manifest(struct verify *);
/* The entries of the member that was just begun. */
bool proof_verify_member(struct verify *);
/* Begins the log at the node, `previous` being its node in previous.logs or NONE. */
void proof_verify_log_begin(struct verify *, uint32_t node, uint32_t previous);
bool proof_verify_log_end(struct verify *);
