#include "ledger/sealed.h"

#include "base/cursor.h"
#include "base/memory.h"
#include "keys/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

enum {
	HEAD = 20, HEADER = HEAD + DIGEST_SIZE, LEAF_MAX = 8193, RAW_MAX = SEALED_BUNDLE * (2 + LEAF_MAX), LEVEL = 1,
	INDEX = 4 + 4 * SEALED_BUNDLES + DIGEST_SIZE, AHEAD = 16 << 20,
};

/* A file, open, with as many of its bundles as are known. */
struct file {
	int fd;
	uint64_t number;
	unsigned count;
	off_t offsets[SEALED_BUNDLES + 1];
};

static char *
path_of(const void *owner, const char *dir, uint64_t number)
{
	return memory_format(owner, "%s/ledger/sealed/%06llu", dir, (unsigned long long)number);
}

static fallible
read_at(int fd, off_t at, void *into, size_t size)
{
	ssize_t n = pread(fd, into, size, at);
	if (n < 0)
		return E_IO;
	return (size_t)n == size ? NULL : E_NOT_FOUND;
}

struct header {
	uint64_t first;
	uint32_t raw, stored;
	uint8_t digest[DIGEST_SIZE];
};

static bool
parse_header(const uint8_t bytes[HEADER], uint64_t first, struct header *out)
{
	struct reader r = reader_of(slice_of(bytes, HEADER));
	struct slice magic = read_bytes(&r, 4);
	out->first = read_be64(&r);
	out->raw = read_be32(&r);
	out->stored = read_be32(&r);
	memcpy(out->digest, read_bytes(&r, DIGEST_SIZE).data, DIGEST_SIZE);
	return slice_is(magic, "SKB1") && out->first == first && out->raw <= RAW_MAX && out->stored <= ZSTD_COMPRESSBOUND(RAW_MAX);
}

/* Knows the bundles behind those that are known, by their headers alone. */
static fallible
scan(struct file *f)
{
	while (f->count < SEALED_BUNDLES) {
		uint8_t bytes[HEADER];
		struct header h;
		struct stat st;
		off_t at = f->offsets[f->count];
		err_t e = read_at(f->fd, at, bytes, sizeof bytes);
		if (e == E_NOT_FOUND)
			return NULL;
		TRY(e);
		if (fstat(f->fd, &st) != 0)
			return E_IO;
		if (!parse_header(bytes, f->number * SEALED_FILE + (uint64_t)f->count * SEALED_BUNDLE, &h) ||
		    st.st_size - at < (off_t)(HEADER + h.stored))
			return NULL;
		f->offsets[++f->count] = at + HEADER + (off_t)h.stored;
	}
	return NULL;
}

/* A whole file's own index, so that nothing has to be scanned. */
static fallible
read_index(struct file *f)
{
	uint8_t bytes[INDEX], digest[DIGEST_SIZE];
	struct stat st;
	if (fstat(f->fd, &st) != 0)
		return E_IO;
	err_t e = st.st_size < INDEX ? E_NOT_FOUND : read_at(f->fd, st.st_size - INDEX, bytes, sizeof bytes);
	if (!e) {
		sha256(slice_of(bytes, INDEX - DIGEST_SIZE), digest);
		if (memcmp(bytes, "SKBI", 4) == 0 && memcmp(digest, bytes + INDEX - DIGEST_SIZE, DIGEST_SIZE) == 0) {
			struct reader r = reader_of(slice_of(bytes + 4, INDEX - 4));
			for (unsigned i = 0; i < SEALED_BUNDLES; i++)
				f->offsets[i] = (off_t)read_be32(&r);
			f->offsets[SEALED_BUNDLES] = st.st_size - INDEX;
			f->count = SEALED_BUNDLES;
			return NULL;
		}
	}
	return e == E_IO ? e : scan(f);
}

static fallible
open_file(struct file *f, const char *dir, uint64_t number, int flags)
{
	SCOPED char *path = path_of(NULL, dir, number);
	int fd = open(path, flags | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno == ENOENT ? E_NOT_FOUND : errno == ENOSPC ? E_STORE_FULL : E_IO;
	*f = (struct file){ .fd = fd, .number = number };
	err_t e = read_index(f);
	if (e) {
		close(fd);
		f->fd = -1;
	}
	return e;
}

/* ---- reading ---- */

struct seals {
	char *dir;
	struct file file;               /* fd -1: none */
	uint64_t bundle;                /* of the leaves, UINT64_MAX: none */
	uint8_t *raw, *stored;
	struct slice leaves[SEALED_BUNDLE];
};

static int
close_seals(struct seals *s)
{
	if (s->file.fd >= 0)
		close(s->file.fd);
	return 0;
}

fallible
seals_open(const void *owner, const char *dir, struct seals **out)
{
	struct seals *s = NEW(owner, struct seals);
	s->dir = memory_text(s, slice_text(dir));
	s->file.fd = -1;
	s->bundle = UINT64_MAX;
	talloc_set_destructor(s, close_seals);
	*out = s;
	return NULL;
}

static bool
parse_leaves(struct slice raw, struct slice leaves[SEALED_BUNDLE])
{
	struct reader r = reader_of(raw);
	for (size_t i = 0; i < SEALED_BUNDLE; i++) {
		uint16_t size = read_be16(&r);
		leaves[i] = read_bytes(&r, size);
	}
	return reader_end(&r);
}

static fallible
read_bundle(struct seals *s, unsigned at)
{
	uint8_t bytes[HEADER], digest[DIGEST_SIZE];
	struct header h;
	off_t offset = s->file.offsets[at];
	uint64_t first = s->file.number * SEALED_FILE + (uint64_t)at * SEALED_BUNDLE;
	if (read_at(s->file.fd, offset, bytes, sizeof bytes) || !parse_header(bytes, first, &h))
		return E_SEALED;
	talloc_free(s->stored);
	talloc_free(s->raw);
	s->stored = talloc_size(s, HEAD + h.stored + 1);
	s->raw = talloc_size(s, h.raw + 1);
	memcpy(s->stored, bytes, HEAD);
	if (read_at(s->file.fd, offset + HEADER, s->stored + HEAD, h.stored))
		return E_SEALED;
	sha256(slice_of(s->stored, HEAD + h.stored), digest);
	if (memcmp(digest, h.digest, DIGEST_SIZE) != 0 || ZSTD_decompress(s->raw, h.raw, s->stored + HEAD, h.stored) != h.raw)
		return E_SEALED;
	return parse_leaves(slice_of(s->raw, h.raw), s->leaves) ? NULL : E_SEALED;
}

fallible
seals_bundle(struct seals *s, uint64_t bundle, const struct slice **leaves)
{
	uint64_t number = bundle / SEALED_BUNDLES;
	unsigned at = (unsigned)(bundle % SEALED_BUNDLES);
	if (s->bundle == bundle) {
		*leaves = s->leaves;
		return NULL;
	}
	if (s->file.fd < 0 || s->file.number != number) {
		close_seals(s);
		s->file.fd = -1;
		TRY(open_file(&s->file, s->dir, number, O_RDONLY));
	}
	if (at >= s->file.count)
		TRY(scan(&s->file));
	if (at >= s->file.count)
		return E_NOT_FOUND;
	s->bundle = UINT64_MAX;
	TRY(read_bundle(s, at));
	s->bundle = bundle;
	*leaves = s->leaves;
	return NULL;
}

fallible
seals_leaf(struct seals *s, uint64_t index, struct slice *out)
{
	const struct slice *leaves;
	TRY(seals_bundle(s, index / SEALED_BUNDLE, &leaves));
	*out = leaves[index % SEALED_BUNDLE];
	return NULL;
}

/* ---- writing ---- */

struct sealer {
	char *dir;
	struct file file;
	off_t reserved;
	uint8_t *raw, *stored;
};

static int
close_sealer(struct sealer *s)
{
	if (s->file.fd >= 0)
		close(s->file.fd);
	return 0;
}

static fallible
sync_folder(const char *dir)
{
	SCOPED char *path = memory_format(NULL, "%s/ledger/sealed", dir);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err_t e = fd < 0 || fsync(fd) != 0 ? E_IO : NULL;
	if (fd >= 0)
		close(fd);
	return e;
}

/* How many bundles of the file, from its first, read as they were written. */
static fallible
count_whole(const char *dir, const struct file *f, unsigned *count)
{
	SCOPED struct seals *reader = NULL;
	const struct slice *leaves;
	err_t e = seals_open(NULL, dir, &reader);
	*count = 0;
	while (!e && *count < f->count && !(e = seals_bundle(reader, f->number * SEALED_BUNDLES + *count, &leaves)))
		++*count;
	return e == E_SEALED ? NULL : e;
}

static fallible
find_last(const char *dir, uint64_t *number)
{
	for (*number = 0;; ++*number) {
		SCOPED char *next = path_of(NULL, dir, *number + 1);
		if (access(next, F_OK) != 0)
			return errno == ENOENT ? NULL : E_IO;
	}
}

/* What was torn in the last file is cut, unless it is nowhere else any more. */
static fallible
open_last(struct sealer *s, uint64_t needed)
{
	uint64_t number;
	unsigned whole;
	TRY(find_last(s->dir, &number));
	TRY(open_file(&s->file, s->dir, number, O_RDWR | O_CREAT));
	TRY(count_whole(s->dir, &s->file, &whole));
	if (number * SEALED_FILE + (uint64_t)whole * SEALED_BUNDLE < needed)
		return E_SEALED;
	s->file.count = whole;
	return whole < SEALED_BUNDLES && ftruncate(s->file.fd, s->file.offsets[whole]) != 0 ? E_IO : NULL;
}

fallible
sealer_open(const void *owner, const char *dir, uint64_t needed, struct sealer **out, uint64_t *count)
{
	SCOPED struct sealer *s = NEW(owner, struct sealer);
	SCOPED char *folder = memory_format(NULL, "%s/ledger/sealed", dir);
	s->dir = memory_text(s, slice_text(dir));
	s->file.fd = -1;
	talloc_set_destructor(s, close_sealer);
	if (mkdir(folder, 0700) != 0 && errno != EEXIST)
		return E_IO;
	TRY(open_last(s, needed));
	s->raw = talloc_size(s, RAW_MAX);
	s->stored = talloc_size(s, HEADER + ZSTD_COMPRESSBOUND(RAW_MAX));
	*count = s->file.number * SEALED_FILE + (uint64_t)s->file.count * SEALED_BUNDLE;
	*out = TAKE(s);
	return NULL;
}

static fallible
write_at(struct sealer *s, off_t at, struct slice bytes)
{
	if (at + (off_t)bytes.size > s->reserved) {
		s->reserved = at + (off_t)bytes.size + AHEAD;
		(void)!fallocate(s->file.fd, FALLOC_FL_KEEP_SIZE, at, (off_t)bytes.size + AHEAD);     /* a file system may lack it */
	}
	while (bytes.size) {
		ssize_t n = pwrite(s->file.fd, bytes.data, bytes.size, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 && errno == ENOSPC ? E_STORE_FULL : E_IO;
		at += n;
		bytes = slice_from(bytes, (size_t)n);
	}
	return NULL;
}

/* Its index, and no room behind it; then the next file. */
static fallible
end_file(struct sealer *s)
{
	uint8_t bytes[INDEX], digest[DIGEST_SIZE];
	struct writer w = writer_of(bytes, sizeof bytes);
	write_bytes(&w, LITERAL("SKBI"));
	for (unsigned i = 0; i < SEALED_BUNDLES; i++)
		write_be32(&w, (uint32_t)s->file.offsets[i]);
	sha256(writer_slice(&w), digest);
	write_bytes(&w, slice_of(digest, sizeof digest));
	TRY(write_at(s, s->file.offsets[SEALED_BUNDLES], writer_slice(&w)));
	if (ftruncate(s->file.fd, s->file.offsets[SEALED_BUNDLES] + INDEX) != 0 || fdatasync(s->file.fd) != 0)
		return E_IO;
	close(s->file.fd);
	s->file.fd = -1;
	s->reserved = 0;
	TRY(open_file(&s->file, s->dir, s->file.number + 1, O_RDWR | O_CREAT));
	return sync_folder(s->dir);     /* with it both names are durable */
}

fallible
sealer_add(struct sealer *s, const struct slice leaves[SEALED_BUNDLE])
{
	struct writer raw = writer_of(s->raw, RAW_MAX), head = writer_of(s->stored, HEAD);
	uint8_t digest[DIGEST_SIZE];
	if (s->file.count == SEALED_BUNDLES)    /* its end was torn */
		TRY(end_file(s));
	for (size_t i = 0; i < SEALED_BUNDLE; i++) {
		write_be16(&raw, (uint16_t)leaves[i].size);
		write_bytes(&raw, leaves[i]);
	}
	size_t size = ZSTD_compress(s->stored + HEADER, ZSTD_COMPRESSBOUND(RAW_MAX), s->raw, raw.size, LEVEL);
	if (raw.failed || ZSTD_isError(size))
		return E_SEALED;
	write_bytes(&head, LITERAL("SKB1"));
	write_be64(&head, s->file.number * SEALED_FILE + (uint64_t)s->file.count * SEALED_BUNDLE);
	write_be32(&head, (uint32_t)raw.size);
	write_be32(&head, (uint32_t)size);
	memmove(s->stored + HEADER - HEAD, s->stored, HEAD);    /* the digest is of what lies in one run */
	sha256(slice_of(s->stored + HEADER - HEAD, HEAD + size), digest);
	memmove(s->stored, s->stored + HEADER - HEAD, HEAD);
	memcpy(s->stored + HEAD, digest, sizeof digest);
	off_t at = s->file.offsets[s->file.count];
	TRY(write_at(s, at, slice_of(s->stored, HEADER + size)));
	s->file.offsets[++s->file.count] = at + HEADER + (off_t)size;
	return s->file.count == SEALED_BUNDLES ? end_file(s) : NULL;
}

uint64_t
sealer_whole(const struct sealer *s)
{
	return s->file.number * SEALED_FILE;
}
