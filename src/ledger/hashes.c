#include "ledger/hashes.h"

#include "base/memory.h"
#include "ledger/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct hashes {
	char *dir;
	bool write;
	int files[HASHES_LEVELS];       /* -1: not opened yet */
};

static int
close_hashes(struct hashes *h)
{
	for (unsigned i = 0; i < HASHES_LEVELS; i++)
		if (h->files[i] >= 0)
			close(h->files[i]);
	return 0;
}

static fallible
open_level(struct hashes *h, unsigned level)
{
	if (h->files[level] >= 0)
		return NULL;
	SCOPED char *path = level ? memory_format(NULL, "%s/ledger/hashes.%u", h->dir, level) : memory_format(NULL, "%s/ledger/hashes", h->dir);
	h->files[level] = open(path, (h->write ? O_RDWR | O_CREAT : O_RDONLY) | O_CLOEXEC, 0600);
	return h->files[level] >= 0 ? NULL : errno == ENOENT ? E_NOT_FOUND : E_IO;
}

fallible
hashes_open(const void *owner, const char *dir, bool write, struct hashes **out)
{
	SCOPED struct hashes *h = NEW(owner, struct hashes);
	h->dir = memory_text(h, slice_text(dir));
	h->write = write;
	for (unsigned i = 0; i < HASHES_LEVELS; i++)
		h->files[i] = -1;
	talloc_set_destructor(h, close_hashes);
	TRY(open_level(h, 0));
	*out = TAKE(h);
	return NULL;
}

fallible
hashes_get(struct hashes *h, unsigned level, uint64_t index, struct proof_hash *out, size_t *count)
{
	TRY(open_level(h, level));
	ssize_t n = pread(h->files[level], out, *count * PROOF_HASH, (off_t)(index * PROOF_HASH));
	if (n < 0)
		return E_IO;
	*count = (size_t)n / PROOF_HASH;
	return NULL;
}

static fallible
write_one(struct hashes *h, unsigned level, uint64_t index, const struct proof_hash *hash)
{
	TRY(open_level(h, level));
	ssize_t n = pwrite(h->files[level], hash->bytes, PROOF_HASH, (off_t)(index * PROOF_HASH));
	return n == PROOF_HASH ? NULL : n < 0 && errno == ENOSPC ? E_STORE_FULL : E_IO;
}

fallible
hashes_put(struct hashes *h, uint64_t index, const struct proof_hash *hash)
{
	TRY(write_one(h, 0, index, hash));
	for (unsigned level = 0; level + 1 < HASHES_LEVELS && (index + 1) % TILE == 0; level++) {
		struct proof_hash tile[TILE];
		size_t count = TILE;
		index /= TILE;
		TRY(hashes_get(h, level, index * TILE, tile, &count));
		if (count != TILE)
			return E_IO;
		struct proof_hash root = tree_fold(tile, TILE);
		TRY(write_one(h, level + 1, index, &root));
	}
	return NULL;
}

bool
hashes_cover(struct hashes *h, uint64_t size)
{
	for (unsigned level = 0; level < HASHES_LEVELS && size; level++, size /= TILE) {
		struct stat st;
		if (open_level(h, level) || fstat(h->files[level], &st) != 0 || (uint64_t)st.st_size < size * PROOF_HASH)
			return false;
	}
	return true;
}

static err_t
node(void *context, unsigned height, uint64_t index, struct proof_hash *out)
{
	struct hashes *h = context;
	struct proof_hash tile[TILE];
	unsigned level = height / 8 < HASHES_LEVELS ? height / 8 : HASHES_LEVELS - 1, shift = height - 8 * level;
	if (shift > 8)
		return E_RANGE;
	size_t wanted = (size_t)1 << shift, count = wanted;
	TRY(hashes_get(h, level, index << shift, tile, &count));
	if (count != wanted)
		return E_NOT_FOUND;
	*out = tree_fold(tile, wanted);
	return NULL;
}

struct tree
hashes_tree(struct hashes *h)
{
	return (struct tree){ h, node };
}
