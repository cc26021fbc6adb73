/* keys.h - the keys that serve may hold: of subscribers, in locked pages, only those in use; never the root key.
 *
 * They come from the keeper (keys/wire.h) when first needed and are kept until they are shredded. Nonces: no key ever
 * seals two bodies. Each sealed body has a fresh random 256-bit key of its own (AES-256-GCM, nonce zero, used once),
 * which is wrapped by the subscriber's key with AES-256 key wrap (RFC 3394, which takes no nonce). The additional data
 * names what is sealed, so that no body can stand in for another.
 *
 * Any thread; a miss waits for the keeper. Fails with E_KEEPER (it is gone), E_SHREDDED, E_CRYPTO, E_SEAL.
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"
#include "keys/wire.h"
#include "proof/proof.h"

enum { WRAPPED_SIZE = KEY_SIZE + 8, SEAL_TAG = 16, DIGEST_SIZE = 32 };

struct keys;

/* Takes over the descriptor of the socket pair to the keeper. */
fallible keys_open(const void *owner, int keeper, struct keys **out);

/* The key of a generation, or KEY_CURRENT; `key` has KEY_SIZE bytes, `generation` may be NULL. */
fallible keys_get(struct keys *, struct slice scope, enum key_use, uint32_t generation, uint8_t *key, uint32_t *actual);
/* The same, made where there is none yet. */
fallible keys_make(struct keys *, struct slice scope, enum key_use, uint8_t *key, uint32_t *actual);
/* Opens that generation, if it is the next; nothing new where it is there already. Fails with E_NOT_FOUND where one before
 * it is missing: the keyring is an older one. */
fallible keys_rotate(struct keys *, struct slice scope, enum key_use, uint32_t generation);
/* Destroys every generation of every use, here and in the keyring. */
fallible keys_shred(struct keys *, struct slice scope);
fallible keys_rotate_root(struct keys *);
/* Where the root key comes from, as text: "file" is a plain file (E2 is red with it). */
fallible keys_root_source(struct keys *, char *out, size_t room);

/* A certificate for the public key; DER owned by `owner`. The keeper refuses other lifetimes than the profile's. */
fallible keys_certify(const void *owner, struct keys *, enum profile, struct slice public_key, struct slice name,
                      uint32_t seconds, struct slice *out);
fallible keys_issuer(const void *owner, struct keys *, enum profile, struct slice name, struct slice *out);

/* The ledger's log: its name (at most 127 bytes, owned by `owner`), public key, and the checkpoint signed last. */
struct keys_log {
	const char *name;
	uint8_t public_key[32];
	uint64_t size;
	struct proof_hash root;
};
enum { KEYS_SIGNATURE = 64 };
fallible keys_log(const void *owner, struct keys *, struct keys_log *out);
/* Signs a checkpoint of that log. Fails with E_DENIED where the proof does not lead to it from the one signed last. */
fallible keys_sign(struct keys *, uint64_t size, const struct proof_hash *root, const struct proof_hash *proof, size_t count,
                   uint8_t signature[KEYS_SIGNATURE]);
/* The old log ends: another key, and another name, from now on. */
fallible keys_succeed(struct keys *);

/* A body sealed under a key of its own. */
struct sealed {
	uint32_t generation;
	uint8_t wrapped[WRAPPED_SIZE];
	struct slice body;              /* ciphertext and tag */
};

/* `name` is what the body is: subscriber/collection/id/version. */
fallible keys_seal(const void *owner, struct keys *, struct slice scope, enum key_use, struct slice name, struct slice body,
                   struct sealed *out);
fallible keys_unseal(const void *owner, struct keys *, struct slice scope, enum key_use, struct slice name,
                     const struct sealed *, struct slice *out);

/* All of a sealed body in one run of bytes, for small things, and back. Fails with E_SEAL. */
fallible keys_seal_whole(const void *owner, struct keys *, struct slice scope, enum key_use, struct slice name,
                         struct slice body, struct slice *out);
fallible keys_unseal_whole(const void *owner, struct keys *, struct slice scope, enum key_use, struct slice name,
                           struct slice sealed, struct slice *out);

/* ---- primitives, which the keeper uses too ---- */

/* AES-256-GCM with a nonce of twelve zero bytes: the key must be used once. `out` has room for size + SEAL_TAG. */
fallible aead_seal(const uint8_t *key, struct slice name, struct slice body, uint8_t *out);
fallible aead_open(const uint8_t *key, struct slice name, struct slice sealed, uint8_t *out);
fallible key_wrap(const uint8_t *with, const uint8_t *key, uint8_t out[WRAPPED_SIZE]);
fallible key_unwrap(const uint8_t *with, const uint8_t wrapped[WRAPPED_SIZE], uint8_t *key);
void sha256(struct slice, uint8_t out[DIGEST_SIZE]);
void hmac_sha256(const uint8_t *key, struct slice, uint8_t out[DIGEST_SIZE]);
