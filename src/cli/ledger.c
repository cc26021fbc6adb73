/* The book: tail, search, show, verify. */
#include "cli/inside.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TAIL = 20, FOLLOW_MS = 500 };

static const char *
text(json_t *entry, const char *key)
{
	const char *value = json_string_value(json_object_get(entry, key));
	return value && value[0] ? value : "-";
}

static void
print_line(json_t *e)
{
	printf("%6lld  %s  %-6s %-22s %-34s %-28s %s\n", (long long)json_integer_value(json_object_get(e, "seq")), text(e, "time"),
	       text(e, "decision"), text(e, "operation"), text(e, "actor"), text(e, "resource"), text(e, "purpose"));
}

static void
print_entries(json_t *items)
{
	size_t i;
	json_t *e;
	if (cli_output != OUTPUT_TABLE) {
		print_items(items);
		return;
	}
	printf("%6s  %-27s  %-6s %-22s %-34s %-28s %s\n", "seq", "time", "", "operation", "actor", "resource", "purpose");
	json_array_foreach(items, i, e)
		print_line(e);
}

static char *
add(void *owner, char *query, const char *key, const char *value)
{
	return value ? memory_format(owner, "%s%s%s=%s", query, query[0] ? "&" : "?", key, url_escape(owner, value)) : query;
}

/* Pages of entries, newest first, until `limit` (0: all). NULL and *exit where it failed. */
static json_t *
fetch(void *owner, const struct words *w, const char *subscriber, size_t limit, int *exit)
{
	json_t *all = json_array();
	char *base = memory_format(owner, "%s", ""), *before = NULL;
	base = add(owner, base, "actor", words_option(w, "actor"));
	base = add(owner, base, "resource", words_option(w, "resource"));
	base = add(owner, base, "credential", words_option(w, "credential"));
	base = add(owner, base, "for_purpose", words_option(w, "for-purpose"));
	base = add(owner, base, "from", words_option(w, "from"));
	base = add(owner, base, "to", words_option(w, "to"));
	do {
		char *query = add(owner, base, "before", before);
		if (limit && limit - json_array_size(all) < 500)
			query = add(owner, query, "limit", memory_format(owner, "%zu", limit - json_array_size(all)));
		struct request q = { .method = "GET", .purpose = words_option(w, "purpose") };
		q.path = subscriber ? memory_format(owner, "/v1/subscribers/%s/ledger%s", url_escape(owner, subscriber), query)
		                    : memory_format(owner, "/v1/ledger%s", query);
		struct response r;
		if (!client_send(owner, &q, &r) || r.status != 200) {
			*exit = client_failure(&r);
			json_decref(all);
			return NULL;
		}
		json_array_extend(all, json_object_get(r.json, "items"));
		json_t *next = json_object_get(r.json, "next");
		before = json_is_integer(next) ? memory_format(owner, "%lld", (long long)json_integer_value(next)) : NULL;
	} while (before && (!limit || json_array_size(all) < limit));
	return all;
}

static int
search(const struct words *w)
{
	SCOPED void *owner = talloc_new(NULL);
	const char *limit = words_option(w, "limit");
	int exit = EXIT_DONE;
	json_t *items = fetch(owner, w, words_option(w, "subscriber"), limit ? strtoul(limit, NULL, 10) : 0, &exit);
	if (items)
		print_entries(items);
	json_decref(items);
	return exit;
}

static json_t *
oldest_first(json_t *items)
{
	json_t *turned = json_array();
	for (size_t i = json_array_size(items); i-- > 0; )
		json_array_append(turned, json_array_get(items, i));
	json_decref(items);
	return turned;
}

/* What came after `last`, oldest first. */
static json_t *
fetch_new(void *owner, const struct words *w, int64_t last, int *exit)
{
	json_t *items = fetch(owner, w, words_option(w, "subscriber"), 200, exit), *fresh;
	if (!items)
		return NULL;
	fresh = json_array();
	for (size_t i = json_array_size(items); i-- > 0; ) {
		json_t *e = json_array_get(items, i);
		if (json_integer_value(json_object_get(e, "seq")) > last)
			json_array_append(fresh, e);
	}
	json_decref(items);
	return fresh;
}

static int
tail(const struct words *w)
{
	SCOPED void *owner = talloc_new(NULL);
	const char *count = words_option(w, "n");
	int exit = EXIT_DONE;
	json_t *items = fetch(owner, w, words_option(w, "subscriber"), count ? strtoul(count, NULL, 10) : TAIL, &exit);
	if (!items)
		return exit;
	items = oldest_first(items);
	print_entries(items);
	while (words_flag(w, "f")) {
		size_t n = json_array_size(items);
		int64_t last = n ? json_integer_value(json_object_get(json_array_get(items, n - 1), "seq")) : -1;
		fflush(stdout);
		usleep(FOLLOW_MS * 1000);
		SCOPED void *turn = talloc_new(NULL);
		json_t *fresh = fetch_new(turn, w, last, &exit);
		if (!fresh)
			break;
		size_t i;
		json_t *e;
		json_array_foreach(fresh, i, e) {
			if (cli_output == OUTPUT_TABLE)
				print_line(e);
			else
				print_item(e);
		}
		if (json_array_size(fresh)) {
			json_decref(items);
			items = fresh;
		} else
			json_decref(fresh);
	}
	json_decref(items);
	return exit;
}

static int
verify(void)
{
	SCOPED void *owner = talloc_new(NULL);
	struct request q = { .method = "POST", .path = memory_format(owner, "/v1/ledger/verify") };
	struct response r;
	size_t i;
	json_t *f;
	if (!client_send(owner, &q, &r) || r.status != 200)
		return client_failure(&r);
	json_t *faults = json_object_get(r.json, "faults");
	json_array_foreach(faults, i, f)
		printf("FAULT %s %s %lld: %s\n", text(f, "kind"), text(f, "file"),
		       (long long)json_integer_value(json_object_get(f, "index")), text(f, "text"));
	if (json_array_size(faults))
		return EXIT_PROOF;
	printf("%lld entries, root %s: nothing was altered\n", (long long)json_integer_value(json_object_get(r.json, "entries")),
	       text(r.json, "root"));
	return EXIT_DONE;
}

/* ---- fsck: the store itself, running or not ---- */

struct fsck {
	uint64_t total;
	bool progress;
};

static void
print_fault(void *argument, const char *kind, const char *file, uint64_t index, const char *why)
{
	(void)argument;
	printf("FAULT %s %s %llu: %s\n", kind, file, (unsigned long long)index, why);
}

static void
print_progress(void *argument, uint64_t done)
{
	const struct fsck *f = argument;
	if (f->progress)
		fprintf(stderr, "\r%llu entries", (unsigned long long)done);
}

static int
fsck(const char *dir)
{
	SCOPED struct ledger_reader *reader = NULL;
	struct fsck f = { .progress = isatty(2) };
	struct ledger_check check = { .fault = print_fault, .progress = print_progress, .argument = &f };
	char root[64];
	err_t e = dir ? ledger_reader_open(NULL, dir, &reader) : NULL;
	if (!dir)
		return usage_error("ledger fsck --dir D");
	if (!e)
		e = ledger_verify(reader, &check);
	if (f.progress)
		fputs("\r\033[K", stderr);
	if (e)
		return failure(e, "%s", dir);
	if (check.faults)
		return EXIT_PROOF;
	text_base64(slice_of(check.root.bytes, sizeof check.root.bytes), root);
	printf("%llu entries, root %s: nothing was altered\n", (unsigned long long)check.entries, root);
	return EXIT_DONE;
}

int
run_ledger(struct words *w)
{
	const char *verb = w->count ? w->places[0] : "";
	if (strcmp(verb, "tail") == 0 && w->count == 1)
		return tail(w);
	if (strcmp(verb, "search") == 0 && w->count == 1)
		return search(w);
	if (strcmp(verb, "verify") == 0 && w->count == 1)
		return verify();
	if (strcmp(verb, "fsck") == 0 && w->count == 1)
		return fsck(words_option(w, "dir"));
	if (strcmp(verb, "key") == 0 && w->count == 1)
		return ledger_key_print();
	if (strcmp(verb, "publish") == 0 && w->count == 2)
		return ledger_publish(w->places[1]);
	if (strcmp(verb, "export") == 0 && w->count == 2)
		return ledger_export(w->places[1], words_option(w, "format"), words_option(w, "cursor"));
	return usage_error("ledger tail [-f]|search|show ENTRY|verify|fsck --dir D|key|publish DIR|export FILE [--format ocsf] [--cursor FILE]");
}
