/* keeper.h - the process that holds the root key, the authorities' keys and the keyring; serve asks it (keys/wire.h).
 *
 * All of it lies in D/keeper: `root.key` (32 bytes; a plain file is the sample's way, and E2 is red with it),
 * `keyring`, every key in it wrapped by the root key, and `log.state`, what it last signed. It is single-threaded and confined; it ends when serve does.
 */
#pragma once
#include "base/err.h"

#include <stdint.h>

/* Makes D/keeper: root key, keyring, the two authorities, and the ledger's key, whose name begins with `origin` (a
 * schema-less URL; NULL: log.sekisho.invalid). Fails with E_EXISTS, E_IO, E_ARGUMENT. */
fallible keeper_create(const char *dir, const char *origin);

/* Forks a confined keeper for D; returns its pid and our end of the socket pair. Fails with E_STATE where one is at work. */
fallible keeper_start(const char *dir, int *pid, int *socket);
