/* What is public of the book: its key, and the log as files (C2SP tlog-tiles). No login. */
#include "cli/inside.h"

#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TILE_WIDTH = 256 };

static bool
fetch_public(void *owner, const char *path, struct slice *body)
{
	struct request q = { .method = "GET", .path = memory_format(owner, "/log/%s", path) };
	struct response r;
	if (!client_send(owner, &q, &r) || r.status != 200) {
		client_failure(&r);
		return false;
	}
	*body = r.body;
	return true;
}

int
ledger_key_print(void)
{
	SCOPED void *owner = talloc_new(NULL);
	struct slice key;
	if (!fetch_public(owner, "key", &key))
		return EXIT_FAILED;
	fwrite(key.data, 1, key.size, stdout);
	return EXIT_DONE;
}

/* Writes beside and renames: a reader never sees half a file. */
static bool
write_public(const char *dir, const char *path, struct slice bytes)
{
	SCOPED char *whole = memory_format(NULL, "%s/%s", dir, path), *fresh = memory_format(NULL, "%s.part", whole);
	for (char *at = whole + strlen(dir) + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		bool made = mkdir(whole, 0755) == 0 || errno == EEXIST;
		*at = '/';
		if (!made)
			return false;
	}
	FILE *f = fopen(fresh, "wb");
	if (!f)
		return false;
	bool good = fwrite(bytes.data, 1, bytes.size, f) == bytes.size && fflush(f) == 0 && fsync(fileno(f)) == 0;
	good = fclose(f) == 0 && good;
	return good && rename(fresh, whole) == 0;
}

/* What is there already, and whole, never changes. */
static int
publish_one(const char *dir, const char *path, bool whole)
{
	SCOPED void *owner = talloc_new(NULL);
	struct slice bytes;
	if (whole && access(memory_format(owner, "%s/%s", dir, path), F_OK) == 0)
		return EXIT_DONE;
	if (!fetch_public(owner, path, &bytes))
		return EXIT_FAILED;
	if (write_public(dir, path, bytes))
		return EXIT_DONE;
	fprintf(stderr, "sekisho: %s/%s: %s\n", dir, path, strerror(errno));
	return EXIT_FAILED;
}

static char *
tile_path(void *owner, const char *level, uint64_t index, uint64_t width)
{
	char *path = memory_format(owner, "%03llu", (unsigned long long)(index % 1000));
	for (index /= 1000; index; index /= 1000)
		path = memory_format(owner, "x%03llu/%s", (unsigned long long)(index % 1000), path);
	return width == TILE_WIDTH ? memory_format(owner, "tile/%s/%s", level, path)
	                           : memory_format(owner, "tile/%s/%s.p/%llu", level, path, (unsigned long long)width);
}

static int
publish_level(const char *dir, const char *level, uint64_t size)
{
	int exit = EXIT_DONE;
	for (uint64_t at = 0; at < size && !exit; at += TILE_WIDTH) {
		SCOPED void *owner = talloc_new(NULL);
		uint64_t width = size - at < TILE_WIDTH ? size - at : TILE_WIDTH;
		exit = publish_one(dir, tile_path(owner, level, at / TILE_WIDTH, width), true);
	}
	return exit;
}

/* The checkpoint last: what it leads to is there by then. */
int
ledger_publish(const char *dir)
{
	SCOPED void *owner = talloc_new(NULL);
	struct slice note;
	uint64_t size = 0;
	char level[8];
	if (mkdir(dir, 0755) != 0 && errno != EEXIST) {
		fprintf(stderr, "sekisho: %s: %s\n", dir, strerror(errno));
		return EXIT_FAILED;
	}
	if (!fetch_public(owner, "checkpoint", &note))
		return EXIT_FAILED;
	struct slice line = slice_from(note, (size_t)((const uint8_t *)memchr(note.data, '\n', note.size) - note.data) + 1);
	for (size_t i = 0; i < line.size && line.data[i] != '\n'; i++)
		size = size * 10 + (uint64_t)(line.data[i] - '0');
	int exit = publish_level(dir, "entries", size);
	for (unsigned i = 0; size >> 8 * i && i < 8 && !exit; i++) {
		snprintf(level, sizeof level, "%u", i);
		exit = publish_level(dir, level, size >> 8 * i);
	}
	if (!exit && !write_public(dir, "checkpoint", note)) {
		fprintf(stderr, "sekisho: %s/checkpoint: %s\n", dir, strerror(errno));
		exit = EXIT_FAILED;
	}
	return exit;
}

/* ---- export ---- */

static bool
read_cursor(const char *path, uint64_t *after)
{
	FILE *f = path ? fopen(path, "r") : NULL;
	char line[32] = "";
	*after = 0;
	if (!f)
		return !path || errno == ENOENT;
	bool read = fgets(line, sizeof line, f) != NULL;
	fclose(f);
	line[strcspn(line, "\n")] = '\0';
	return read && text_number_parse(slice_text(line), after) == NULL;
}

static bool
write_cursor(const char *path, uint64_t after)
{
	char line[32];
	SCOPED char *fresh = memory_format(NULL, "%s.part", path);
	FILE *f = fopen(fresh, "w");
	if (!f)
		return false;
	int n = snprintf(line, sizeof line, "%llu\n", (unsigned long long)after);
	bool good = fwrite(line, 1, (size_t)n, f) == (size_t)n && fflush(f) == 0 && fsync(fileno(f)) == 0;
	good = fclose(f) == 0 && good;
	return good && rename(fresh, path) == 0;
}

/* The cursor moves when the lines are on the disk: after a crash some come twice, none is left out. */
static int
export_page(FILE *out, const char *format, const char *cursor, uint64_t *after, bool *more)
{
	SCOPED void *owner = talloc_new(NULL);
	struct request q = { .method = "GET", .path = memory_format(owner, "/v1/ledger/export?after=%llu&limit=500&format=%s",
	                                                            (unsigned long long)*after, format) };
	struct response r;
	size_t i;
	json_t *item;
	if (!client_send(owner, &q, &r) || r.status != 200)
		return client_failure(&r);
	json_array_foreach(json_object_get(r.json, "items"), i, item) {
		json_dumpf(item, out, JSON_COMPACT);
		fputc('\n', out);
	}
	uint64_t next = (uint64_t)json_integer_value(json_object_get(r.json, "next"));
	*more = json_array_size(json_object_get(r.json, "items")) == 500;
	*after = next;
	if (fflush(out) != 0 || ferror(out) || (out != stdout && fsync(fileno(out)) != 0) || (cursor && !write_cursor(cursor, next))) {
		fprintf(stderr, "sekisho: the export cannot be written: %s\n", strerror(errno));
		return EXIT_FAILED;
	}
	return EXIT_DONE;
}

int
ledger_export(const char *path, const char *format, const char *cursor)
{
	uint64_t after;
	bool more = true;
	if (!read_cursor(cursor, &after))
		return usage_error("--cursor %s: expected a file with a number, as an earlier export wrote it", cursor);
	FILE *out = strcmp(path, "-") == 0 ? stdout : fopen(path, "ab");
	if (!out) {
		fprintf(stderr, "sekisho: %s: %s\n", path, strerror(errno));
		return EXIT_FAILED;
	}
	int exit = EXIT_DONE;
	while (more && !exit)
		exit = export_page(out, format ? format : "json", cursor, &after, &more);
	if (out != stdout)
		fclose(out);
	return exit;
}
