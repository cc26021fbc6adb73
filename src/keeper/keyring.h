/* keyring.h - private: keys by scope, use and generation, each wrapped by the root key, in an append-only file.
 *
 * A record: length (be32) of what follows but the check, type (u8), then
 *   KEY    scope, use (u8), generation (be32), created (be64), nonce (12 bytes), AES-256-GCM of the secret
 *   SHRED  scope, time (be64)
 * and the check: the first 8 bytes of SHA-256 over length and record. A torn last record is cut. Shredding writes its
 * record, then the whole file anew without the scope's keys; so does a new root key. The nonce is random: under one
 * root key there are far fewer than 2^32 of them. One thread.
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"

#include <stdint.h>

enum { SECRET_MAX = 512 };

struct keyring;

fallible keyring_create(const char *dir);
fallible keyring_open(const void *owner, const char *dir, struct keyring **out);

/* The secret of a generation (0: the newest), into `secret` of SECRET_MAX bytes. Fails with E_NOT_FOUND, E_SHREDDED. */
fallible keyring_get(struct keyring *, struct slice scope, uint8_t use, uint32_t generation, uint8_t *secret, size_t *size,
                     uint32_t *actual);
/* The newest generation; 0 if there is none. */
uint32_t keyring_newest(struct keyring *, struct slice scope, uint8_t use);
/* Durable when it returns. Fails with E_SHREDDED, E_IO. */
fallible keyring_add(struct keyring *, struct slice scope, uint8_t use, struct slice secret, uint32_t *generation);
fallible keyring_shred(struct keyring *, struct slice scope);
fallible keyring_rotate_root(struct keyring *);
/* Small files beside the keyring, put in the old one's place at once and durably. Fails with E_NOT_FOUND, E_IO. */
fallible keyring_file_put(const char *dir, const char *name, struct slice content);
fallible keyring_file_get(const void *owner, const char *dir, const char *name, struct slice *content);
/* "file": the only source there is so far. */
const char *keyring_root_source(void);
