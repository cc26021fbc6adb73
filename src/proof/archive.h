/* archive.h - private: the members of a tar archive, plain or as one zstd frame, in one pass. */
#pragma once
#include "proof/bundle.h"

enum { ARCHIVE_ROOM = 1 << 17, TAR_BLOCK = 512, ARCHIVE_NAME = 101 };

struct proof_archive {
	const struct proof_bundle *from;
	uint8_t *room;                  /* ARCHIVE_ROOM bytes, lent */
	struct proof_bytes pending;     /* of the source, read and not yet used */
	bool compressed, source_ended, frame_ended;
	bool unreadable;                /* the source failed: no verdict */
	const char *fault;              /* the first; then every read gives nothing */
	uint64_t left;                  /* bytes of the member still to read */
	size_t padding;                 /* behind it */
};

/* `from` and `room` are set, the rest zero. Fails with a fault where a compressed start is not as it must be. */
bool proof_archive_open(struct proof_archive *);
/* MORE: the next member's name and size. END: the archive's end, nothing behind it. BROKEN: fault. */
enum proof_flow proof_archive_next(struct proof_archive *, char name[ARCHIVE_NAME], uint64_t *size);
/* Up to `size` bytes of the member; fewer only at its end or at a fault. */
size_t proof_archive_read(struct proof_archive *, uint8_t *out, size_t size);
