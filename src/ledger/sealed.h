/* sealed.h - private: the main order's leaves in immutable files, D/ledger/sealed/NNNNNN, of 256 bundles of 256 each.
 *
 * A bundle: "SKB1", index of its first leaf (be64), size of what is inside and size as stored (be32 each), SHA-256 of
 * those 20 bytes and of what is stored, then that: one zstd frame of 256 times a length (be16) and a leaf. A whole file
 * ends with "SKBI", the offset of each bundle (be32) and SHA-256 of both. What does not read so at the end of the last
 * file was torn, and is cut at the next start; anywhere else it is a fault.
 *
 * One writer, and readers of their own on any thread. Fails with E_IO, E_STORE_FULL, E_SEALED (a fault).
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"

#include <stdint.h>

enum { SEALED_BUNDLE = 256, SEALED_FILE = 65536, SEALED_BUNDLES = SEALED_FILE / SEALED_BUNDLE };

struct sealer;
struct seals;

/* Cuts what is torn; *count is how many leaves are sealed. The first `needed` leaves are nowhere else: where they do not
 * read, nothing is cut, and it is E_SEALED. */
fallible sealer_open(const void *owner, const char *dir, uint64_t needed, struct sealer **out, uint64_t *count);
/* The next bundle; a file's last one ends it. */
fallible sealer_add(struct sealer *, const struct slice leaves[SEALED_BUNDLE]);
/* Leaves in whole files, which are durable. */
uint64_t sealer_whole(const struct sealer *);

fallible seals_open(const void *owner, const char *dir, struct seals **out);
/* The leaves of a bundle, which live until the next call. Fails with E_NOT_FOUND where it is not sealed. */
fallible seals_bundle(struct seals *, uint64_t bundle, const struct slice **leaves);
fallible seals_leaf(struct seals *, uint64_t index, struct slice *out);
