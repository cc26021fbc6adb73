/* note.h - public: signed notes (C2SP signed-note), checkpoints and cosignatures, read and checked.
 *
 * A note is text, an empty line, and signature lines. A checkpoint is a note whose text is origin, size and root.
 * Keys that the caller does not name are ignored; a signature by one that it names must hold.
 */
#pragma once
#include "proof/proof.h"

enum { PROOF_ED25519 = 1, PROOF_COSIGNATURE = 4 };

/* A verifier key: `name+hex(key id)+base64(type ‖ public key)`; `name` points into the text that it was read from. */
struct proof_vkey {
	struct proof_bytes name;
	uint8_t id[4];
	uint8_t type;
	uint8_t key[32];
};

struct proof_note {
	struct proof_bytes text;        /* with its last newline: what is signed */
	struct proof_bytes signatures;  /* the lines */
};

struct proof_checkpoint {
	struct proof_bytes origin;
	uint64_t size;
	struct proof_hash root;
};

enum proof_signed { PROOF_UNSIGNED, PROOF_SIGNED, PROOF_FORGED };

/* Reads a key of type 1 or 4 and checks its id. */
bool proof_vkey_parse(const struct proof_functions *, struct proof_bytes text, struct proof_vkey *out);
/* Reads a note: UTF-8, no control characters, at least one signature line, each of the right form. */
bool proof_note_parse(struct proof_bytes, struct proof_note *out, const char **fault);
/* Reads origin, size and root; lines behind them are let be. */
bool proof_checkpoint_parse(struct proof_bytes text, struct proof_checkpoint *out, const char **fault);
/* Has the note a signature by the key? FORGED if any by it fails. Of a cosignature *time is when, in seconds. */
enum proof_signed proof_note_check(const struct proof_functions *, const struct proof_note *, const struct proof_vkey *,
                                   uint64_t *time);
