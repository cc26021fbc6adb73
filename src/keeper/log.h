/* log.h - private: the key that signs checkpoints, and what it last signed.
 *
 * A checkpoint is signed only at a size not behind the last one, with a consistency proof from there; what was signed
 * is durable in D/keeper/log.state before the signature leaves. A log that lost its tail is succeeded by another, with
 * a key and a name of its own. Sources: C2SP signed-note, tlog-checkpoint; LEDGER.md, "Main log". One thread.
 */
#pragma once
#include "base/err.h"
#include "keeper/keyring.h"
#include "proof/proof.h"

enum { LOG_NAME_MAX = 128, LOG_SIGNATURE = 64, LOG_PROOF_MAX = 63 };

#define LOG_PREFIX "log.sekisho.invalid"        /* of those whom nobody has named */

struct log_state {
	char name[LOG_NAME_MAX];        /* the origin line */
	uint8_t public_key[32];
	uint64_t size;
	struct proof_hash root;         /* of the tree that was last signed; of none: size 0 */
};

/* Makes a key and a name of its own: `prefix/` and eight random hex digits. */
fallible log_create(struct keyring *, const char *dir, struct slice prefix);
/* Of the newest log, made if there is none yet. */
fallible log_open(struct keyring *, const char *dir, struct log_state *out);
/* A new one, of the same prefix. */
fallible log_succeed(struct keyring *, const char *dir);
/* Signs origin, size and root. Fails with E_DENIED where the proof does not lead there from what was last signed. */
fallible log_sign(struct keyring *, const char *dir, uint64_t size, const struct proof_hash *root,
                  const struct proof_hash *proof, size_t count, uint8_t signature[LOG_SIGNATURE]);
