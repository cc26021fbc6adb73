/* backup.h - public: a copy of the store and the sealed ledger in one file, encrypted to a public key; keys are never in it.
 *
 * Layout: magic; header (JSON, in the clear: when, whose, how much) behind its size in four bytes; a file key sealed to the
 * recipient (X25519, libsodium's crypto_box_seal); then pieces of crypto_secretstream_xchacha20poly1305, each behind its size,
 * the last tagged as such, the first bound to the header; then SHA-256 of all before it, so that damage shows without a key.
 * What is encrypted: for each file its name behind two bytes of length, its size in eight, its bytes.
 *
 * Any thread. Fails with E_IO, E_STORE_FULL; E_SEAL where a file is not what was written, or the key is another.
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"

#include <stdint.h>

enum { BACKUP_KEY = 32, BACKUP_HEADER_MAX = 4096 };

void backup_key_new(uint8_t public_key[BACKUP_KEY], uint8_t secret[BACKUP_KEY]);

/* Copies D/store/store.db as of now into `snapshot`, which must not exist, and opens the copy: it reads as a database, and has
 * as many objects as it should. *objects is how many. */
fallible backup_snapshot(const char *dir, const char *snapshot, int64_t *objects);
/* Writes `path`, synced: the snapshot as store/store.db, with D/ledger/sealed and D/ca.pem. *size is the file's. */
fallible backup_write(const char *dir, const char *snapshot, const char *path, struct slice header, const uint8_t recipient[BACKUP_KEY],
                      uint64_t *size);

/* Without a key: magic, form and digest. *header is `owner`'s. */
fallible backup_check(const void *owner, const char *path, struct slice *header, const char **why);
/* Into a folder that has D/keeper and no store yet; on failure nothing is left there. */
fallible backup_restore(const char *path, const uint8_t secret[BACKUP_KEY], const char *into, const char **why);
