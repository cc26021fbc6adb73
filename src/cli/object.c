/* Objects: get, put, ls, history, rm, import. */
#include "cli/inside.h"

#include "base/text.h"

#include "vault/vault.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PART = 512 << 10, PART_LINES = 1000 };

static char *
object_path(void *owner, const char *subscriber, const char *place)
{
	const char *slash = strchr(place, '/');
	char *collection = memory_text(owner, slice_of(place, slash ? (size_t)(slash - place) : strlen(place)));
	char *path = memory_format(owner, "/v1/subscribers/%s/objects/%s", url_escape(owner, subscriber),
	                           url_escape(owner, collection));
	return slash ? memory_format(owner, "%s/%s", path, url_escape(owner, slash + 1)) : path;
}

static bool
names_object(const char *place)
{
	const char *slash = strchr(place, '/');
	return slash && slash[1];
}

static int
object_get(const struct words *w, const char *subscriber, const char *place)
{
	SCOPED void *owner = talloc_new(NULL);
	char *path = object_path(owner, subscriber, place);
	const char *version = words_option(w, "version");
	struct request q = { .method = "GET", .purpose = words_option(w, "purpose"),
	                     .path = version ? memory_format(owner, "%s?version=%s", path, url_escape(owner, version)) : path };
	struct response r;
	if (!names_object(place))
		return usage_error("get SUBSCRIBER COLLECTION/ID");
	if (!client_send(owner, &q, &r) || r.status != 200)
		return client_failure(&r);
	return fwrite(r.body.data, 1, r.body.size, stdout) == r.body.size && fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}

static const char *
media_of(const struct words *w, struct slice body)
{
	const char *given = words_option(w, "type");
	if (given)
		return given;
	json_t *j = json_loadb((const char *)body.data, body.size, JSON_DECODE_ANY, NULL);
	json_decref(j);
	return j ? "application/json" : "application/octet-stream";
}

static int
object_put(const struct words *w, const char *subscriber, const char *place, const char *file)
{
	SCOPED void *owner = talloc_new(NULL);
	const char *attributes = words_option(w, "attributes");
	char *path = object_path(owner, subscriber, place);
	struct slice body = file_read(owner, file, 64 << 20);
	struct response r;
	if (!names_object(place))
		return usage_error("put SUBSCRIBER COLLECTION/ID [FILE|-]");
	if (!body.data)
		return EXIT_FAILED;
	struct request q = {
		.method = "PUT", .body = body, .type = media_of(w, body), .purpose = words_option(w, "purpose"),
		.path = attributes ? memory_format(owner, "%s?attributes=%s", path, url_escape(owner, attributes)) : path,
		.if_match = words_option(w, "if-match"), .idempotency_key = words_option(w, "idempotency-key"),
	};
	if (!client_send(owner, &q, &r) || r.status >= 300)
		return client_failure(&r);
	if (cli_output != OUTPUT_TABLE)
		print_item(r.json);
	return EXIT_DONE;
}

static int
object_rm(const struct words *w, const char *subscriber, const char *place)
{
	SCOPED void *owner = talloc_new(NULL);
	struct request q = { .method = "DELETE", .path = object_path(owner, subscriber, place),
	                     .purpose = words_option(w, "purpose"), .if_match = words_option(w, "if-match") };
	struct response r;
	if (!names_object(place))
		return usage_error("object rm SUBSCRIBER COLLECTION/ID");
	return client_send(owner, &q, &r) && r.status < 300 ? EXIT_DONE : client_failure(&r);
}

/* All pages of a list, printed as one. */
static int
list_pages(const char *path, const char *purpose, const char *after, uint64_t most)
{
	SCOPED void *owner = talloc_new(NULL);
	json_t *all = json_array();
	char *next = NULL;
	int exit = EXIT_DONE;
	do {
		struct request q = { .method = "GET", .purpose = purpose,
		                     .path = next ? memory_format(owner, "%s%s%s=%s", path, strchr(path, '?') ? "&" : "?", after,
		                                                  url_escape(owner, next)) : memory_format(owner, "%s", path) };
		struct response r;
		if (!client_send(owner, &q, &r) || r.status != 200) {
			exit = client_failure(&r);
			break;
		}
		json_array_extend(all, json_object_get(r.json, "items"));
		const char *more = json_string_value(json_object_get(r.json, "next"));
		next = more ? memory_format(owner, "%s", more) : NULL;
	} while (next && json_array_size(all) < most);
	while (json_array_size(all) > most)
		json_array_remove(all, json_array_size(all) - 1);
	if (!exit)
		print_items(all);
	json_decref(all);
	return exit;
}

static int
object_ls(const struct words *w, const char *subscriber, const char *collection)
{
	SCOPED void *owner = talloc_new(NULL);
	char *path = collection ? object_path(owner, subscriber, collection)
	                        : memory_format(owner, "/v1/subscribers/%s/objects", url_escape(owner, subscriber));
	const char *limit = words_option(w, "limit");
	uint64_t most = SIZE_MAX;
	if (limit && (text_number_parse(slice_text(limit), &most) || most == 0))
		return usage_error("--limit: expected a number of lines");
	return list_pages(path, words_option(w, "purpose"), "after", most);
}

static int
object_history(const struct words *w, const char *subscriber, const char *place)
{
	SCOPED void *owner = talloc_new(NULL);
	if (!names_object(place))
		return usage_error("object history SUBSCRIBER COLLECTION/ID");
	return list_pages(memory_format(owner, "%s/history", object_path(owner, subscriber, place)), words_option(w, "purpose"),
	                  "after", SIZE_MAX);
}

/* ---- import ---- */

struct import {
	const char *file, *purpose;
	char *path;
	size_t total, done, imported, faults, line;
	bool progress;
};

static void
show_progress(const struct import *i)
{
	enum { BAR = 30 };
	int filled = i->total ? (int)(i->done * BAR / i->total) : BAR;
	if (i->progress)
		fprintf(stderr, "\r[%.*s%*s] %3d %%  %zu objects", filled, "##############################", BAR - filled, "",
		        i->total ? (int)(i->done * 100 / i->total) : 100, i->imported);
}

static int
import_part(struct import *i, struct slice part, size_t lines)
{
	SCOPED void *owner = talloc_new(NULL);
	struct request q = { .method = "POST", .path = memory_format(owner, "%s/import", i->path), .body = part,
	                     .type = "application/x-ndjson", .purpose = i->purpose };
	struct response r;
	size_t at;
	json_t *fault;
	if (!client_send(owner, &q, &r) || r.status != 200)
		return client_failure(&r);
	json_array_foreach(json_object_get(r.json, "faults"), at, fault) {
		fprintf(stderr, "%s%s:%lld: %s\n", i->progress ? "\r\033[K" : "", i->file,
		        (long long)i->line + json_integer_value(json_object_get(fault, "line")),
		        json_string_value(json_object_get(fault, "cause")));
		i->faults++;
	}
	i->imported += (size_t)json_integer_value(json_object_get(r.json, "imported"));
	i->line += lines;
	i->done += part.size;
	show_progress(i);
	return EXIT_DONE;
}

/* As many whole lines as one part takes. A line longer than a part goes alone, and the server says why not. */
static struct slice
next_part(struct slice rest, size_t *lines)
{
	size_t size = 0, n = 0;
	while (size < rest.size && n < PART_LINES) {
		const uint8_t *end = memchr(rest.data + size, '\n', rest.size - size);
		size_t to = end ? (size_t)(end - rest.data) + 1 : rest.size;
		if (n > 0 && to > PART)
			break;
		size = to;
		n++;
	}
	*lines = n;
	return slice_of(rest.data, size);
}

int
import_lines(const char *subscriber, const char *collection, const char *file, struct slice lines, bool progress)
{
	SCOPED void *owner = talloc_new(NULL);
	struct import i = { .file = file, .path = object_path(owner, subscriber, collection), .total = lines.size,
	                    .progress = progress };
	for (struct slice rest = lines; rest.size; ) {
		size_t count;
		struct slice part = next_part(rest, &count);
		if (part.size > PART && count == 1) {
			fprintf(stderr, "%s:%zu: longer than an object may be (%d bytes)\n", file, i.line + 1, OBJECT_MAX);
			i.faults++;
			i.line++;
		} else {
			int exit = import_part(&i, part, count);
			if (exit)
				return exit;
		}
		rest = slice_from(rest, part.size);
	}
	if (progress)
		fputs("\n", stderr);
	if (i.faults)
		fprintf(stderr, "%zu imported, %zu refused\n", i.imported, i.faults);
	return i.faults ? EXIT_FAILED : EXIT_DONE;
}

static int
object_import(const struct words *w, const char *subscriber, const char *collection, const char *file)
{
	SCOPED void *owner = talloc_new(NULL);
	struct slice lines = file_read(owner, file, (size_t)4 << 30);
	const char *purpose = words_option(w, "purpose");
	if (purpose)
		setenv("SEKISHO_PURPOSE", purpose, 1);
	return lines.data ? import_lines(subscriber, collection, file, lines, isatty(2)) : EXIT_FAILED;
}

int
run_get(struct words *w)
{
	return w->count == 2 ? object_get(w, w->places[0], w->places[1]) : usage_error("get SUBSCRIBER COLLECTION/ID [--purpose P]");
}

int
run_put(struct words *w)
{
	if (w->count != 2 && w->count != 3)
		return usage_error("put SUBSCRIBER COLLECTION/ID [FILE|-] [--purpose P]");
	return object_put(w, w->places[0], w->places[1], w->count == 3 ? w->places[2] : "-");
}

int
run_object(struct words *w)
{
	const char *verb = w->count ? w->places[0] : "";
	const char *subscriber = w->count > 1 ? w->places[1] : NULL, *place = w->count > 2 ? w->places[2] : NULL;
	if (subscriber && strcmp(verb, "ls") == 0 && w->count <= 3)
		return object_ls(w, subscriber, place);
	if (place && w->count == 3 && strcmp(verb, "get") == 0)
		return object_get(w, subscriber, place);
	if (place && w->count == 3 && strcmp(verb, "history") == 0)
		return object_history(w, subscriber, place);
	if (place && w->count == 3 && strcmp(verb, "rm") == 0)
		return object_rm(w, subscriber, place);
	if (place && w->count <= 4 && strcmp(verb, "put") == 0)
		return object_put(w, subscriber, place, w->count == 4 ? w->places[3] : "-");
	if (place && w->count <= 4 && strcmp(verb, "import") == 0)
		return object_import(w, subscriber, place, w->count == 4 ? w->places[3] : "-");
	return usage_error("object get|put|ls|history|rm|import SUBSCRIBER [COLLECTION[/ID]] [FILE|-] [--purpose P]");
}
