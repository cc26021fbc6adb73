/* `sekisho bundle create`: fetches the proof and its entries page by page, and writes them as they come. */
#include "cli/inside.h"

#include "base/text.h"
#include "ledger/public.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

enum { TAR_BLOCK = 512, WINDOW_LOG = 23, LEVEL = 3, FIRST_LOGS = 2 };

struct archive {
	FILE *file;
	ZSTD_CCtx *zstd;
	uint8_t *room;
	size_t room_size;
	bool failed;
};

static void
write_out(struct archive *a, struct slice bytes, ZSTD_EndDirective end)
{
	ZSTD_inBuffer in = { bytes.data, bytes.size, 0 };
	size_t left;
	do {
		ZSTD_outBuffer out = { a->room, a->room_size, 0 };
		left = ZSTD_compressStream2(a->zstd, &out, &in, end);
		if (ZSTD_isError(left) || fwrite(a->room, 1, out.pos, a->file) != out.pos) {
			a->failed = true;
			return;
		}
	} while (end == ZSTD_e_end ? left : in.pos < in.size);
}

static void
write_member(struct archive *a, const char *name, struct slice content)
{
	static const uint8_t zeroes[TAR_BLOCK] = { 0 };
	char block[TAR_BLOCK] = { 0 };
	unsigned sum = 0;
	snprintf(block, 100, "%s", name);
	snprintf(block + 100, 8, "%07o", 0644u);
	snprintf(block + 108, 8, "%07o", 0u);
	snprintf(block + 116, 8, "%07o", 0u);
	snprintf(block + 124, 12, "%011zo", content.size);
	snprintf(block + 136, 12, "%011o", 0u);
	memset(block + 148, ' ', 8);
	block[156] = '0';
	memcpy(block + 257, "ustar\00000", 8);
	for (size_t i = 0; i < sizeof block; i++)
		sum += (uint8_t)block[i];
	snprintf(block + 148, 8, "%06o", sum);
	write_out(a, slice_of(block, sizeof block), ZSTD_e_continue);
	write_out(a, content, ZSTD_e_continue);
	if (content.size % TAR_BLOCK)
		write_out(a, slice_of(zeroes, TAR_BLOCK - content.size % TAR_BLOCK), ZSTD_e_continue);
}

static void
write_end(struct archive *a)
{
	static const uint8_t zeroes[2 * TAR_BLOCK] = { 0 };
	write_out(a, slice_of(zeroes, sizeof zeroes), ZSTD_e_end);
}

static bool
open_archive(struct archive *a, const char *path)
{
	int fd = -1;
	a->file = fopen(path, "wbx");
	if (!a->file)
		return false;
	fd = fileno(a->file);
	a->zstd = ZSTD_createCCtx();
	a->room_size = ZSTD_CStreamOutSize();
	a->room = malloc(a->room_size);
	return fchmod(fd, 0600) == 0 && a->zstd && a->room &&
	       !ZSTD_isError(ZSTD_CCtx_setParameter(a->zstd, ZSTD_c_compressionLevel, LEVEL)) &&
	       !ZSTD_isError(ZSTD_CCtx_setParameter(a->zstd, ZSTD_c_windowLog, WINDOW_LOG));
}

static bool
close_archive(struct archive *a)
{
	bool good = !a->failed && fflush(a->file) == 0 && fsync(fileno(a->file)) == 0;
	good = fclose(a->file) == 0 && good;
	ZSTD_freeCCtx(a->zstd);
	free(a->room);
	return good;
}

/* ---- fetching ---- */

struct job {
	void *owner;
	const char *subscriber;
	struct archive archive;
	json_t *proof;
	size_t members;
	long long done, total;
	bool progress;
};

/* The pages of one member, one after the other. */
static int
fetch_member(struct job *j, const char *log, long long from, long long to)
{
	SCOPED void *owner = talloc_new(NULL);
	uint8_t *content = NULL;
	size_t size = 0;
	char name[32];
	while (from < to) {
		SCOPED void *page = talloc_new(NULL);
		struct request q = { .method = "GET", .path = memory_format(page, "/v1/subscribers/%s/bundle/%s?start=%lld&end=%lld", j->subscriber,
		                                                            log, from, to) };
		struct response r;
		uint64_t next;
		if (!client_send(page, &q, &r) || r.status != 200)
			return client_failure(&r);
		if (text_number_parse(slice_text(r.next), &next) || (long long)next <= from)
			return failure(E_REQUEST, "%s: the server left out Sekisho-Next", q.path);
		content = memory_grow(owner, content, 1, size + r.body.size + 1);
		memcpy(content + size, r.body.data, r.body.size);
		size += r.body.size;
		j->done += (long long)next - from;
		from = (long long)next;
		if (j->progress)
			fprintf(stderr, "\r%lld of %lld entries", j->done, j->total);
	}
	snprintf(name, sizeof name, "entries-%06zu.cbor", ++j->members);
	write_member(&j->archive, name, slice_of(content, size));
	return EXIT_DONE;
}

static long long
number(json_t *j, const char *key)
{
	return json_integer_value(json_object_get(j, key));
}

static int
fetch_log(struct job *j, json_t *log)
{
	long long to = number(log, "to");
	for (long long from = number(log, "from"); from < to; from += BUNDLE_MEMBER_ENTRIES) {
		long long end = to - from > BUNDLE_MEMBER_ENTRIES ? from + BUNDLE_MEMBER_ENTRIES : to;
		int exit = fetch_member(j, json_string_value(json_object_get(log, "name")), from, end);
		if (exit)
			return exit;
	}
	return EXIT_DONE;
}

static int
write_all(struct job *j, json_t *answer)
{
	static const struct { const char *key, *member; } covers[] = { { "cover_en", "cover.en.txt" }, { "cover_ja", "cover.ja.txt" } };
	size_t i;
	json_t *log;
	for (i = 0; i < sizeof covers / sizeof *covers; i++)
		write_member(&j->archive, covers[i].member, slice_text(json_string_value(json_object_get(answer, covers[i].key))));
	char *proof = json_dumps(j->proof, JSON_COMPACT);
	write_member(&j->archive, "proof.json", slice_text(proof));
	free(proof);
	json_array_foreach(json_object_get(j->proof, "logs"), i, log)
		j->total += number(log, "to") - number(log, "from");
	json_array_foreach(json_object_get(j->proof, "logs"), i, log) {
		int exit = fetch_log(j, log);
		if (exit)
			return exit;
	}
	write_end(&j->archive);
	return EXIT_DONE;
}

static int
ask(void *owner, struct words *w, const char *subscriber, struct response *r)
{
	const char *from = words_option(w, "from"), *to = words_option(w, "to"), *previous = words_option(w, "previous");
	json_t *body = json_object();
	if (from)
		json_object_set_new(body, "from", json_string(from));
	if (to)
		json_object_set_new(body, "to", json_string(to));
	if (previous) {
		struct slice note = file_read(owner, previous, 16384);
		if (!note.data)
			return EXIT_FAILED;
		while (note.size > 1 && note.data[note.size - 1] == '\n' && note.data[note.size - 2] == '\n')
			note.size--;            /* as `jq -r` leaves it; a note ends with one newline */
		json_object_set_new(body, "previous", json_stringn((const char *)note.data, note.size));
	}
	char *text = json_dumps(body, JSON_COMPACT);
	struct request q = { .method = "POST", .path = memory_format(owner, "/v1/subscribers/%s/bundle", subscriber), .body = slice_text(text) };
	bool sent = client_send(owner, &q, r);
	free(text);
	json_decref(body);
	return sent && r->status == 200 ? EXIT_DONE : client_failure(r);
}

/* A file of its own, or none yet: not a device, nor what a link leads to. */
static bool
is_replaceable(const char *path)
{
	struct stat st;
	if (lstat(path, &st) != 0)
		return errno == ENOENT;
	return S_ISREG(st.st_mode);
}

static int
create(struct words *w, const char *subscriber, const char *path)
{
	if (strcmp(path, "-") == 0 || !is_replaceable(path))
		return usage_error("bundle create: %s: expected the name of a file; devices, links and - are not written to", path);
	SCOPED void *owner = talloc_new(NULL);
	struct job j = { .owner = owner, .subscriber = subscriber, .progress = isatty(2) };
	struct response r;
	int exit = ask(owner, w, subscriber, &r);
	if (exit)
		return exit;
	j.proof = json_object_get(r.json, "proof");
	SCOPED char *fresh = memory_format(NULL, "%s.part", path);
	unlink(fresh);
	if (!open_archive(&j.archive, fresh)) {
		fprintf(stderr, "sekisho: %s: %s\n", fresh, strerror(errno));
		return EXIT_FAILED;
	}
	exit = write_all(&j, r.json);
	if (j.progress)
		fputs("\r\033[K", stderr);
	bool written = close_archive(&j.archive);
	if (!exit && (!written || rename(fresh, path) != 0)) {  /* what was there stays until the new one is whole */
		fprintf(stderr, "sekisho: %s: %s\n", path, errno ? strerror(errno) : "it cannot be written");
		exit = EXIT_FAILED;
	}
	if (exit)
		unlink(fresh);
	else
		printf("%s: %lld entries; verify it with: sekisho bundle verify %s --key VKEY\n", path, j.total, path);
	return exit;
}

int
run_bundle(struct words *w)
{
	const char *subscriber = words_option(w, "subscriber");
	if (w->count != 2 || strcmp(w->places[0], "create") != 0 || !subscriber)
		return usage_error("bundle create --subscriber S [--from T] [--to T] [--previous NOTE] FILE");
	if (!text_is_name(slice_text(subscriber)))
		return usage_error("--subscriber: expected 1 to 63 of a-z, 0-9 and -");
	return create(w, subscriber, w->places[1]);
}
