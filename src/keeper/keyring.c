#include "keeper/keyring.h"

#include "base/clock.h"
#include "base/cursor.h"
#include "base/id.h"
#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RECORD_KEY = 1, RECORD_SHRED = 2, NONCE = 12, TAG = 16, CHECK = 8, RECORD_MAX = 1024, ROOT = 32, SCOPE_MAX = 80 };

struct wrapped {
	char scope[SCOPE_MAX];
	uint8_t use;
	bool shred;                     /* not a key: the scope was shredded */
	uint32_t generation;
	int64_t created;
	int older;                      /* in its bucket; NONE: the last */
	uint8_t nonce[NONCE];
	size_t size;                    /* of the ciphertext and tag */
	uint8_t secret[SECRET_MAX + TAG];       /* of one that is kept, no longer than that */
};

enum { BUCKETS = 65536, NO_ITEM = -1 };

struct keyring {
	char *dir;
	int file;
	void *root_owner;
	uint8_t *root;                  /* in locked pages */
	struct wrapped **items;
	size_t count, room;
	int buckets[BUCKETS];           /* by scope: the newest of them */
};

/* ---- wrapping ---- */

static fallible
gcm(bool seal, const uint8_t *root, struct wrapped *w, uint8_t *clear, size_t size)
{
	uint8_t name[SCOPE_MAX + 8];
	struct writer n = writer_of(name, sizeof name);
	write_field(&n, slice_text(w->scope));
	write_u8(&n, w->use);
	write_be16(&n, (uint16_t)w->generation);
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int done;
	bool good = c && EVP_CipherInit_ex(c, EVP_aes_256_gcm(), NULL, root, w->nonce, seal) == 1 &&
	            EVP_CipherUpdate(c, NULL, &done, name, (int)n.size) == 1;
	if (seal)
		good = good && EVP_CipherUpdate(c, w->secret, &done, clear, (int)size) == 1 &&
		       EVP_CipherFinal_ex(c, w->secret + size, &done) == 1 &&
		       EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TAG, w->secret + size) == 1;
	else
		good = good && EVP_CipherUpdate(c, clear, &done, w->secret, (int)size) == 1 &&
		       EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, TAG, w->secret + size) == 1 &&
		       EVP_CipherFinal_ex(c, clear + size, &done) == 1;
	EVP_CIPHER_CTX_free(c);
	return good ? NULL : E_SEAL;
}

static fallible
wrap(const uint8_t *root, struct wrapped *w, struct slice secret)
{
	uint8_t clear[SECRET_MAX];
	if (secret.size > sizeof clear)
		return E_ARGUMENT;
	memcpy(clear, secret.data, secret.size);
	random_bytes(w->nonce, sizeof w->nonce);
	err_t e = gcm(true, root, w, clear, secret.size);
	memory_wipe(clear, sizeof clear);
	w->size = secret.size + TAG;
	return e;
}

/* ---- the file ---- */

static void
encode(struct writer *out, const struct wrapped *w)
{
	uint8_t body[RECORD_MAX], check[SHA256_DIGEST_LENGTH];
	struct writer b = writer_of(body, sizeof body);
	write_u8(&b, w->shred ? RECORD_SHRED : RECORD_KEY);
	write_field(&b, slice_text(w->scope));
	if (!w->shred) {
		write_u8(&b, w->use);
		write_be32(&b, w->generation);
	}
	write_be64(&b, (uint64_t)w->created);
	if (!w->shred) {
		write_bytes(&b, slice_of(w->nonce, NONCE));
		write_field(&b, slice_of(w->secret, w->size));
	}
	size_t begin = out->size;
	write_field(out, writer_slice(&b));
	SHA256(out->data + begin, out->size - begin, check);
	write_bytes(out, slice_of(check, CHECK));
}

static bool
parse_record(struct slice record, struct wrapped *w)
{
	struct reader r = reader_of(record);
	uint8_t type = read_u8(&r);
	struct slice scope = read_field(&r);
	*w = (struct wrapped){ .shred = type == RECORD_SHRED };
	if (scope.size >= sizeof w->scope || (type != RECORD_KEY && type != RECORD_SHRED))
		return false;
	if (scope.size)
		memcpy(w->scope, scope.data, scope.size);
	if (!w->shred) {
		w->use = read_u8(&r);
		w->generation = read_be32(&r);
	}
	w->created = (int64_t)read_be64(&r);
	if (!w->shred) {
		struct slice nonce = read_bytes(&r, NONCE), secret = read_field(&r);
		if (r.failed || secret.size > sizeof w->secret || secret.size < TAG)
			return false;
		memcpy(w->nonce, nonce.data, nonce.size);
		memcpy(w->secret, secret.data, secret.size);
		w->size = secret.size;
	}
	return reader_end(&r);
}

static size_t
bucket_of(struct slice scope)
{
	size_t h = 5381;
	for (size_t i = 0; i < scope.size; i++)
		h = h * 33 ^ scope.data[i];
	return h % BUCKETS;
}

static void
index_item(struct keyring *k, size_t at)
{
	int *bucket = &k->buckets[bucket_of(slice_text(k->items[at]->scope))];
	k->items[at]->older = *bucket;
	*bucket = (int)at;
}

static void
index_all(struct keyring *k)
{
	for (size_t i = 0; i < BUCKETS; i++)
		k->buckets[i] = NO_ITEM;
	for (size_t i = 0; i < k->count; i++)
		index_item(k, i);
}

/* Only as much as it holds: most secrets are far shorter than the longest. */
static struct wrapped *
keep_item(const void *owner, const struct wrapped *w)
{
	size_t size = offsetof(struct wrapped, secret) + (w->shred ? 0 : w->size);
	struct wrapped *kept = memory_zeroed(owner, size, 1, "struct wrapped");
	memcpy(kept, w, size);
	return kept;
}

static void
push(struct keyring *k, const struct wrapped *w)
{
	if (k->count == k->room) {
		k->room = k->room ? 2 * k->room : 64;
		k->items = memory_grow(k, k->items, sizeof *k->items, k->room);
	}
	k->items[k->count++] = keep_item(k, w);
	index_item(k, k->count - 1);
}

/* Reads records up to the first that is torn; `whole` is where it begins. */
static fallible
read_records(struct keyring *k, struct slice bytes, size_t *whole)
{
	struct reader r = reader_of(bytes);
	size_t good = 0;
	while (r.rest.size) {
		struct slice at = r.rest;
		struct slice record = read_field(&r);
		struct slice check = read_bytes(&r, CHECK);
		uint8_t wanted[SHA256_DIGEST_LENGTH];
		struct wrapped w;
		if (r.failed)
			break;
		SHA256(at.data, 4 + record.size, wanted);
		bool last = r.rest.size == 0;
		if (memcmp(wanted, check.data, CHECK) != 0) {
			if (last)
				break;
			return E_SEAL;
		}
		if (!parse_record(record, &w))
			return E_SEAL;
		push(k, &w);
		good = bytes.size - r.rest.size;
	}
	*whole = good;
	return NULL;
}

static char *
path_in(const void *owner, const char *dir, const char *name)
{
	return memory_format(owner, "%s/%s", dir, name);
}

static fallible
write_all(int fd, struct slice s)
{
	while (s.size) {
		ssize_t n = write(fd, s.data, s.size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return E_IO;
		s = slice_from(s, (size_t)n);
	}
	return NULL;
}

/* The new content takes the old one's place at once, and durably. */
static fallible
replace_file(const char *dir, const char *name, struct slice content, int *kept)
{
	SCOPED char *fresh = memory_format(NULL, "%s/%s.new", dir, name), *path = path_in(NULL, dir, name);
	int folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = open(fresh, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	err_t e = folder < 0 || fd < 0 ? E_IO : write_all(fd, content);
	if (!e && (fsync(fd) != 0 || rename(fresh, path) != 0 || fsync(folder) != 0))
		e = E_IO;
	if (folder >= 0)
		close(folder);
	if (!e && kept)
		*kept = fd;
	else if (fd >= 0)
		close(fd);
	return e;
}

static fallible
read_file(const void *owner, const char *path, struct slice *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (fd < 0)
		return E_IO;
	if (fstat(fd, &st) != 0 || st.st_size < 0) {
		close(fd);
		return E_IO;
	}
	size_t size = (size_t)st.st_size, at = 0;
	uint8_t *data = talloc_size(owner, size + 1);
	for (ssize_t n; at < size && (n = read(fd, data + at, size - at)) > 0; )
		at += (size_t)n;
	close(fd);
	*out = slice_of(data, at);
	return at == size ? NULL : E_IO;
}

fallible
keyring_file_put(const char *dir, const char *name, struct slice content)
{
	return replace_file(dir, name, content, NULL);
}

fallible
keyring_file_get(const void *owner, const char *dir, const char *name, struct slice *content)
{
	SCOPED char *path = path_in(NULL, dir, name);
	return access(path, F_OK) != 0 && errno == ENOENT ? E_NOT_FOUND : read_file(owner, path, content);
}

static fallible
rewrite(struct keyring *k)
{
	size_t room = k->count * RECORD_MAX + 1;
	SCOPED uint8_t *data = talloc_size(NULL, room);
	struct writer w = writer_of(data, room);
	for (size_t i = 0; i < k->count; i++)
		encode(&w, k->items[i]);
	int file;
	TRY(replace_file(k->dir, "keyring", writer_slice(&w), &file));
	close(k->file);
	k->file = file;
	return NULL;
}

fallible
keyring_create(const char *dir)
{
	uint8_t root[ROOT];
	if (mkdir(dir, 0700) != 0)
		return errno == EEXIST ? E_EXISTS : E_IO;
	random_bytes(root, sizeof root);
	err_t e = replace_file(dir, "root.key", slice_of(root, sizeof root), NULL);
	memory_wipe(root, sizeof root);
	return e ? e : replace_file(dir, "keyring", (struct slice){ NULL, 0 }, NULL);
}

static int
close_keyring(struct keyring *k)
{
	close(k->file);
	return 0;
}

static fallible
load_root(struct keyring *k)
{
	SCOPED char *path = path_in(NULL, k->dir, "root.key");
	struct slice bytes;
	TRY(read_file(path, path, &bytes));
	if (bytes.size != ROOT)
		return E_SEAL;
	k->root_owner = talloc_new(k);
	k->root = memory_secret(k->root_owner, ROOT);
	memcpy(k->root, bytes.data, ROOT);
	memory_wipe((void *)(uintptr_t)bytes.data, ROOT);
	return NULL;
}

/* A rotation that was cut short left the root of the newer keyring beside the older one. */
static fallible
finish_rotation(const char *dir)
{
	SCOPED char *next = path_in(NULL, dir, "root.next"), *root = path_in(NULL, dir, "root.key");
	return access(next, F_OK) == 0 && rename(next, root) != 0 ? E_IO : NULL;
}

static bool
root_opens(const struct keyring *k, const uint8_t *root)
{
	uint8_t clear[SECRET_MAX];
	for (size_t i = 0; i < k->count; i++) {
		if (k->items[i]->shred)
			continue;
		bool opens = gcm(false, root, k->items[i], clear, k->items[i]->size - TAG) == NULL;
		memory_wipe(clear, sizeof clear);
		return opens;
	}
	return true;
}

fallible
keyring_open(const void *owner, const char *dir, struct keyring **out)
{
	SCOPED struct keyring *k = NEW(owner, struct keyring);
	SCOPED char *path = path_in(NULL, dir, "keyring");
	struct slice bytes;
	size_t whole;
	index_all(k);
	k->dir = memory_text(k, slice_text(dir));
	TRY(read_file(path, path, &bytes));
	k->file = open(path, O_RDWR | O_CLOEXEC);
	if (k->file < 0)
		return E_IO;
	talloc_set_destructor(k, close_keyring);
	TRY(read_records(k, bytes, &whole));
	if (whole < bytes.size && ftruncate(k->file, (off_t)whole) != 0)
		return E_IO;
	TRY(load_root(k));
	if (!root_opens(k, k->root)) {
		TRY(finish_rotation(dir));
		TRY(load_root(k));
		if (!root_opens(k, k->root))
			return E_SEAL;
	}
	*out = TAKE(k);
	return NULL;
}

static bool
is_shredded(const struct keyring *k, struct slice scope)
{
	for (int at = k->buckets[bucket_of(scope)]; at != NO_ITEM; at = k->items[at]->older)
		if (k->items[at]->shred && slice_is(scope, k->items[at]->scope))
			return true;
	return false;
}

static struct wrapped *
find(struct keyring *k, struct slice scope, uint8_t use, uint32_t generation)
{
	struct wrapped *best = NULL;
	for (int at = k->buckets[bucket_of(scope)]; at != NO_ITEM; at = k->items[at]->older) {
		struct wrapped *w = k->items[at];
		if (w->shred || w->use != use || !slice_is(scope, w->scope))
			continue;
		if (generation ? w->generation == generation : !best || w->generation > best->generation)
			best = w;
	}
	return best;
}

uint32_t
keyring_newest(struct keyring *k, struct slice scope, uint8_t use)
{
	const struct wrapped *newest = find(k, scope, use, 0);
	return newest ? newest->generation : 0;
}

fallible
keyring_get(struct keyring *k, struct slice scope, uint8_t use, uint32_t generation, uint8_t *secret, size_t *size,
            uint32_t *actual)
{
	struct wrapped *w = find(k, scope, use, generation);
	if (!w)
		return is_shredded(k, scope) ? E_SHREDDED : E_NOT_FOUND;
	TRY(gcm(false, k->root, w, secret, w->size - TAG));
	*size = w->size - TAG;
	*actual = w->generation;
	return NULL;
}

static fallible
append(struct keyring *k, const struct wrapped *w)
{
	uint8_t data[RECORD_MAX + 16];
	struct writer out = writer_of(data, sizeof data);
	encode(&out, w);
	off_t end = lseek(k->file, 0, SEEK_END);
	if (end < 0 || out.failed)
		return E_IO;
	err_t e = write_all(k->file, writer_slice(&out));
	if (!e && fdatasync(k->file) != 0)
		e = E_IO;
	if (e && ftruncate(k->file, end) != 0)
		return E_IO;
	return e;
}

fallible
keyring_add(struct keyring *k, struct slice scope, uint8_t use, struct slice secret, uint32_t *generation)
{
	struct wrapped *newest = find(k, scope, use, 0);
	struct wrapped w = { .use = use, .generation = newest ? newest->generation + 1 : 1, .created = clock_now() };
	if (scope.size >= sizeof w.scope)
		return E_ARGUMENT;
	if (is_shredded(k, scope))
		return E_SHREDDED;
	memcpy(w.scope, scope.data, scope.size);
	TRY(wrap(k->root, &w, secret));
	TRY(append(k, &w));
	push(k, &w);
	*generation = w.generation;
	return NULL;
}

fallible
keyring_shred(struct keyring *k, struct slice scope)
{
	struct wrapped shred = { .shred = true, .created = clock_now() };
	if (scope.size >= sizeof shred.scope)
		return E_ARGUMENT;
	memcpy(shred.scope, scope.data, scope.size);
	if (!is_shredded(k, scope)) {
		TRY(append(k, &shred));
		push(k, &shred);
	}
	size_t kept = 0;
	for (size_t i = 0; i < k->count; i++)
		if (k->items[i]->shred || !slice_is(scope, k->items[i]->scope))
			k->items[kept++] = k->items[i];
		else
			talloc_free(k->items[i]);
	if (kept == k->count)
		return NULL;
	k->count = kept;
	index_all(k);
	return rewrite(k);
}

/* The same keys under another root; what `k` has stays as it is. */
static fallible
wrap_all(const struct keyring *k, const uint8_t *fresh, struct wrapped **out)
{
	for (size_t i = 0; i < k->count; i++) {
		uint8_t clear[SECRET_MAX];
		struct wrapped *old = k->items[i], w;
		memcpy(&w, old, offsetof(struct wrapped, secret));
		if (!old->shred) {
			size_t size = old->size - TAG;
			TRY(gcm(false, k->root, old, clear, size));
			err_t e = wrap(fresh, &w, slice_of(clear, size));
			memory_wipe(clear, sizeof clear);
			TRY(e);
		}
		out[i] = keep_item(out, &w);
	}
	return NULL;
}

/* The new root stands beside the old one before the keyring under it takes its place, and replaces it after. */
fallible
keyring_rotate_root(struct keyring *k)
{
	SCOPED void *owner = talloc_new(k);
	uint8_t *fresh = memory_secret(owner, ROOT);
	SCOPED struct wrapped **items = NEW_ARRAY(k, struct wrapped *, k->room + 1);
	struct wrapped **old = k->items;
	random_bytes(fresh, ROOT);
	TRY(wrap_all(k, fresh, items));
	TRY(replace_file(k->dir, "root.next", slice_of(fresh, ROOT), NULL));
	k->items = items;
	err_t e = rewrite(k);
	if (e) {                        /* the old keyring stands, and its root */
		k->items = old;
		return e;
	}
	for (size_t i = 0; i < k->count; i++)
		talloc_free(old[i]);
	talloc_free(old);
	items = NULL;
	talloc_free(k->root_owner);
	k->root_owner = TAKE(owner);
	k->root = fresh;
	index_all(k);
	return finish_rotation(k->dir);
}

const char *
keyring_root_source(void)
{
	return "file";
}
