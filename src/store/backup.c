#include "store/backup.h"

#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 64 << 10, SEALED = crypto_secretstream_xchacha20poly1305_ABYTES, NAME_MOST = 64, SUM = crypto_hash_sha256_BYTES };

static const char magic[] = "SEKISHO-BACKUP-1\n";
enum { MAGIC = sizeof magic - 1 };

void
backup_key_new(uint8_t public_key[BACKUP_KEY], uint8_t secret[BACKUP_KEY])
{
	crypto_box_keypair(public_key, secret);
}

/* ---- a snapshot ---- */

static fallible
one_number(sqlite3 *db, const char *sql, int64_t *out)
{
	sqlite3_stmt *s = NULL;
	bool good = sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW;
	if (good)
		*out = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return good ? NULL : E_STORE;
}

/* A restore in small: what was copied is opened and read whole. */
static fallible
try_snapshot(const char *snapshot, int64_t *objects)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *s = NULL;
	bool whole = sqlite3_open_v2(snapshot, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
	             sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW &&
	             strcmp((const char *)sqlite3_column_text(s, 0), "ok") == 0;
	sqlite3_finalize(s);
	err_t e = whole ? one_number(db, "SELECT count(*) FROM object", objects) : E_SEAL;
	sqlite3_close(db);
	return e;
}

fallible
backup_snapshot(const char *dir, const char *snapshot, int64_t *objects)
{
	SCOPED char *path = memory_format(NULL, "%s/store/store.db", dir);
	sqlite3 *db = NULL;
	sqlite3_stmt *s = NULL;
	bool good = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK && sqlite3_busy_timeout(db, 10000) == SQLITE_OK &&
	            sqlite3_prepare_v2(db, "VACUUM INTO ?1", -1, &s, NULL) == SQLITE_OK &&
	            sqlite3_bind_text(s, 1, snapshot, -1, SQLITE_STATIC) == SQLITE_OK;
	int result = good ? sqlite3_step(s) : SQLITE_ERROR;
	sqlite3_finalize(s);
	sqlite3_close(db);
	if (result != SQLITE_DONE)
		return result == SQLITE_FULL ? E_STORE_FULL : E_STORE;
	return try_snapshot(snapshot, objects);
}

/* ---- writing ---- */

struct out {
	FILE *file;
	crypto_hash_sha256_state sum;
	crypto_secretstream_xchacha20poly1305_state stream;
	uint8_t piece[PIECE], sealed[PIECE + SEALED];
	size_t filled;
	struct slice bound;             /* to the first piece; empty from then on */
	uint64_t written;
	bool failed;
};

static void
put(struct out *o, const void *data, size_t size)
{
	o->failed |= fwrite(data, 1, size, o->file) != size;
	crypto_hash_sha256_update(&o->sum, data, size);
	o->written += size;
}

static void
put_be(struct out *o, uint64_t value, size_t bytes)
{
	uint8_t data[8];
	for (size_t i = 0; i < bytes; i++)
		data[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
	put(o, data, bytes);
}

static void
seal_piece(struct out *o, bool last)
{
	unsigned long long size = 0;
	crypto_secretstream_xchacha20poly1305_push(&o->stream, o->sealed, &size, o->piece, o->filled, o->bound.data, o->bound.size,
	                                           last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL : 0);
	o->bound = (struct slice){ NULL, 0 };
	o->filled = 0;
	put_be(o, size, 4);
	put(o, o->sealed, (size_t)size);
}

static void
encrypt(struct out *o, const void *data, size_t size)
{
	for (const uint8_t *at = data; size; ) {
		size_t n = sizeof o->piece - o->filled < size ? sizeof o->piece - o->filled : size;
		memcpy(o->piece + o->filled, at, n);
		o->filled += n;
		at += n;
		size -= n;
		if (o->filled == sizeof o->piece)
			seal_piece(o, false);
	}
}

static void
encrypt_be(struct out *o, uint64_t value, size_t bytes)
{
	uint8_t data[8];
	for (size_t i = 0; i < bytes; i++)
		data[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
	encrypt(o, data, bytes);
}

/* Sealed files grow at their end only: as many bytes as there were when it was opened. */
static void
encrypt_file(struct out *o, const char *path, const char *name)
{
	uint8_t room[8192];
	struct stat st;
	FILE *f = fopen(path, "rb");
	if (!f || fstat(fileno(f), &st) != 0) {
		o->failed = true;
		if (f)
			fclose(f);
		return;
	}
	encrypt_be(o, strlen(name), 2);
	encrypt(o, name, strlen(name));
	encrypt_be(o, (uint64_t)st.st_size, 8);
	for (off_t left = st.st_size; left > 0 && !o->failed; ) {
		size_t n = fread(room, 1, left < (off_t)sizeof room ? (size_t)left : sizeof room, f);
		o->failed |= n == 0;
		encrypt(o, room, n);
		left -= (off_t)n;
	}
	fclose(f);
}

static void
encrypt_sealed(struct out *o, const char *dir)
{
	SCOPED char *folder = memory_format(NULL, "%s/ledger/sealed", dir);
	DIR *d = opendir(folder);
	for (struct dirent *each; d && (each = readdir(d)); ) {
		if (strspn(each->d_name, "0123456789") != strlen(each->d_name))
			continue;
		SCOPED char *path = memory_format(NULL, "%s/%s", folder, each->d_name), *name = memory_format(path, "ledger/sealed/%s", each->d_name);
		encrypt_file(o, path, name);
	}
	if (d)
		closedir(d);
}

static void
begin_out(struct out *o, struct slice header, const uint8_t recipient[BACKUP_KEY])
{
	uint8_t key[crypto_secretstream_xchacha20poly1305_KEYBYTES], sealed[sizeof key + crypto_box_SEALBYTES];
	uint8_t start[crypto_secretstream_xchacha20poly1305_HEADERBYTES];
	crypto_hash_sha256_init(&o->sum);
	crypto_secretstream_xchacha20poly1305_keygen(key);
	o->failed |= crypto_box_seal(sealed, key, sizeof key, recipient) != 0;
	crypto_secretstream_xchacha20poly1305_init_push(&o->stream, start, key);
	sodium_memzero(key, sizeof key);
	o->bound = header;
	put(o, magic, MAGIC);
	put_be(o, header.size, 4);
	put(o, header.data, header.size);
	put(o, sealed, sizeof sealed);
	put(o, start, sizeof start);
}

fallible
backup_write(const char *dir, const char *snapshot, const char *path, struct slice header, const uint8_t recipient[BACKUP_KEY], uint64_t *size)
{
	SCOPED struct out *o = NEW(NULL, struct out);
	SCOPED char *authority = memory_format(NULL, "%s/ca.pem", dir);
	uint8_t sum[SUM];
	o->file = fopen(path, "wbx");
	if (!o->file)
		return E_IO;
	begin_out(o, header, recipient);
	encrypt_file(o, snapshot, "store/store.db");
	encrypt_sealed(o, dir);
	encrypt_file(o, authority, "ca.pem");
	seal_piece(o, true);
	crypto_hash_sha256_final(&o->sum, sum);
	o->failed |= fwrite(sum, 1, sizeof sum, o->file) != sizeof sum || fflush(o->file) != 0 || fsync(fileno(o->file)) != 0;
	o->failed |= fclose(o->file) != 0;
	sodium_memzero(&o->stream, sizeof o->stream);
	sodium_memzero(o->piece, sizeof o->piece);
	*size = o->written + sizeof sum;
	if (o->failed)
		unlink(path);
	return o->failed ? E_IO : NULL;
}

/* ---- reading ---- */

struct in {
	FILE *file;
	uint64_t left;                  /* before the digest */
	crypto_hash_sha256_state sum;
	crypto_secretstream_xchacha20poly1305_state stream;
	uint8_t piece[PIECE], sealed[PIECE + SEALED];
	size_t at, filled;
	struct slice bound;
	bool ended, failed;
};

static bool
get(struct in *i, void *data, size_t size)
{
	if (size > i->left || fread(data, 1, size, i->file) != size)
		return false;
	i->left -= size;
	return true;
}

static bool
get_be(struct in *i, size_t bytes, uint64_t *out)
{
	uint8_t data[8];
	*out = 0;
	if (!get(i, data, bytes))
		return false;
	for (size_t k = 0; k < bytes; k++)
		*out = *out << 8 | data[k];
	return true;
}

/* Magic, header, and whether the digest at the end is that of what stands before it. */
static fallible
open_in(const void *owner, const char *path, struct in *i, struct slice *header, const char **why)
{
	uint8_t room[8192], sum[SUM], said[SUM], start[MAGIC];
	struct stat st;
	uint64_t size;
	*why = "it cannot be opened";
	i->file = fopen(path, "rb");
	if (!i->file || fstat(fileno(i->file), &st) != 0)
		return E_IO;
	*why = "it is too short to be a backup";
	if (st.st_size < MAGIC + 4 + SUM)
		return E_SEAL;
	crypto_hash_sha256_init(&i->sum);
	for (off_t left = st.st_size - SUM; left > 0; ) {
		size_t n = fread(room, 1, left < (off_t)sizeof room ? (size_t)left : sizeof room, i->file);
		if (n == 0)
			return E_IO;
		crypto_hash_sha256_update(&i->sum, room, n);
		left -= (off_t)n;
	}
	crypto_hash_sha256_final(&i->sum, sum);
	*why = "it was altered, or is not whole: the digest at its end is another";
	if (fread(said, 1, sizeof said, i->file) != sizeof said || memcmp(said, sum, sizeof sum) != 0)
		return E_SEAL;
	rewind(i->file);
	i->left = (uint64_t)st.st_size - SUM;
	*why = "it is no backup of this version";
	if (!get(i, start, sizeof start) || memcmp(start, magic, sizeof start) != 0 || !get_be(i, 4, &size) || size > BACKUP_HEADER_MAX)
		return E_SEAL;
	uint8_t *data = memory_grow(owner, NULL, 1, (size_t)size + 1);
	if (!get(i, data, (size_t)size))
		return E_SEAL;
	data[size] = '\0';
	*header = slice_of(data, (size_t)size);
	*why = "";
	return NULL;
}

fallible
backup_check(const void *owner, const char *path, struct slice *header, const char **why)
{
	SCOPED struct in *i = NEW(NULL, struct in);
	err_t e = open_in(owner, path, i, header, why);
	if (i->file)
		fclose(i->file);
	return e;
}

static bool
open_piece(struct in *i)
{
	uint64_t size;
	unsigned long long opened = 0;
	unsigned char tag = 0;
	if (i->ended || !get_be(i, 4, &size) || size < SEALED || size > sizeof i->sealed || !get(i, i->sealed, (size_t)size))
		return false;
	if (crypto_secretstream_xchacha20poly1305_pull(&i->stream, i->piece, &opened, &tag, i->sealed, size, i->bound.data, i->bound.size) != 0)
		return false;
	i->bound = (struct slice){ NULL, 0 };
	i->at = 0;
	i->filled = (size_t)opened;
	i->ended = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
	return true;
}

/* As much as was asked for, or nothing where it ends before. */
static bool
decrypt(struct in *i, void *data, size_t size)
{
	for (uint8_t *to = data; size; ) {
		if (i->at == i->filled && !open_piece(i))
			return false;
		size_t n = i->filled - i->at < size ? i->filled - i->at : size;
		memcpy(to, i->piece + i->at, n);
		i->at += n;
		to += n;
		size -= n;
	}
	return true;
}

static bool
is_end(struct in *i)
{
	while (i->at == i->filled && !i->ended)
		if (!open_piece(i)) {
			i->failed = true;
			return true;
		}
	return i->at == i->filled;
}

static bool
is_name(const char *name)
{
	return strcmp(name, "store/store.db") == 0 || strcmp(name, "ca.pem") == 0 ||
	       (strncmp(name, "ledger/sealed/", 14) == 0 && name[14] && strspn(name + 14, "0123456789") == strlen(name + 14));
}

static bool
restore_one(struct in *i, const char *into)
{
	uint8_t lengths[2], size_bytes[8], room[8192];
	char name[NAME_MOST + 1] = "";
	if (!decrypt(i, lengths, 2))
		return false;
	size_t length = (size_t)(lengths[0] << 8 | lengths[1]);
	if (length > NAME_MOST || !decrypt(i, name, length) || !is_name(name) || !decrypt(i, size_bytes, 8))
		return false;
	uint64_t size = 0;
	for (size_t k = 0; k < 8; k++)
		size = size << 8 | size_bytes[k];
	SCOPED char *path = memory_format(NULL, "%s/%s", into, name);
	FILE *f = fopen(path, "wbx");
	bool good = f != NULL;
	while (good && size) {
		size_t n = size < sizeof room ? (size_t)size : sizeof room;
		good = decrypt(i, room, n) && fwrite(room, 1, n, f) == n;
		size -= n;
	}
	if (f)
		good = fflush(f) == 0 && fsync(fileno(f)) == 0 && good;
	return f && fclose(f) == 0 && good;
}

static void
remove_tree(const char *folder)
{
	static const char *const inside[] = { "ledger/sealed", "ledger", "store", "" };
	for (size_t k = 0; k < sizeof inside / sizeof *inside; k++) {
		SCOPED char *path = memory_format(NULL, "%s/%s", folder, inside[k]);
		DIR *d = opendir(path);
		for (struct dirent *each; d && (each = readdir(d)); ) {
			SCOPED char *file = memory_format(NULL, "%s/%s", path, each->d_name);
			(void)unlink(file);
		}
		if (d)
			closedir(d);
		(void)rmdir(path);
	}
}

static bool
make_tree(const char *folder)
{
	static const char *const inside[] = { "", "store", "ledger", "ledger/sealed" };
	for (size_t k = 0; k < sizeof inside / sizeof *inside; k++) {
		SCOPED char *path = memory_format(NULL, "%s/%s", folder, inside[k]);
		if (mkdir(path, 0700) != 0)
			return false;
	}
	return true;
}

static fallible
open_stream(struct in *i, const uint8_t secret[BACKUP_KEY], struct slice header, const char **why)
{
	uint8_t key[crypto_secretstream_xchacha20poly1305_KEYBYTES], sealed[sizeof key + crypto_box_SEALBYTES], public_key[BACKUP_KEY];
	uint8_t start[crypto_secretstream_xchacha20poly1305_HEADERBYTES];
	*why = "it is not whole";
	if (!get(i, sealed, sizeof sealed) || !get(i, start, sizeof start))
		return E_SEAL;
	crypto_scalarmult_base(public_key, secret);
	*why = "it was made for another key";
	if (crypto_box_seal_open(key, sealed, sizeof sealed, public_key, secret) != 0)
		return E_SEAL;
	int bad = crypto_secretstream_xchacha20poly1305_init_pull(&i->stream, start, key);
	sodium_memzero(key, sizeof key);
	i->bound = header;
	return bad ? E_SEAL : NULL;
}

static fallible
restore_all(struct in *i, const char *folder, const char **why)
{
	SCOPED char *store = memory_format(NULL, "%s/store/store.db", folder);
	int64_t objects;
	*why = "the folder cannot be written to";
	if (!make_tree(folder))
		return E_IO;
	*why = "it was altered, or is not whole";
	while (!is_end(i))
		if (!restore_one(i, folder))
			return E_SEAL;
	if (i->failed || i->left)
		return E_SEAL;
	*why = "the store in it does not read as a database";
	return try_snapshot(store, &objects);
}

fallible
backup_restore(const char *path, const uint8_t secret[BACKUP_KEY], const char *into, const char **why)
{
	static const char *const parts[] = { "ledger", "ca.pem", "store" };     /* the store last: with it there is an installation */
	SCOPED struct in *i = NEW(NULL, struct in);
	SCOPED char *folder = memory_format(NULL, "%s/.restore-%d", into, (int)getpid()), *there = memory_format(folder, "%s/store", into);
	struct slice header;
	*why = "there is a store in that folder already";
	if (access(there, F_OK) == 0)
		return E_EXISTS;
	err_t e = open_in(i, path, i, &header, why);
	if (!e)
		e = open_stream(i, secret, header, why);
	if (!e)
		e = restore_all(i, folder, why);
	if (i->file)
		fclose(i->file);
	for (size_t k = 0; k < sizeof parts / sizeof *parts && !e; k++) {
		SCOPED char *from = memory_format(NULL, "%s/%s", folder, parts[k]), *to = memory_format(from, "%s/%s", into, parts[k]);
		if (rename(from, to) != 0) {
			*why = strerror(errno);
			e = E_IO;
		}
	}
	remove_tree(folder);
	sodium_memzero(i, sizeof *i);
	return e;
}
