/* `sekisho rules …`. What each prints is pinned in CONTRACT.md. */
#include "cli/rules.h"
#include "base/memory.h"
#include "cli/inside.h"
#include "watch/files.h"

#include <stdio.h>
#include <unistd.h>

struct work {
	void *owner;
	struct watch_rules *rules;
	struct watch_set *set;
	struct watch_loaded loaded;
};

static void
print_refused(void *context, const char *file, const struct watch_fault *fault)
{
	FILE *out = context;
	fprintf(out, "%s:%u: ", file, fault->line);
	if (fault->field[0])
		fprintf(out, "%s: ", fault->field);
	fprintf(out, "%s\n", fault->text);
}

static int
load(struct work *w, const char *path, FILE *out)
{
	w->rules = watch_rules_new(w->owner);
	err_t error = watch_files_load(w->rules, path, &w->loaded, print_refused, out);
	return error ? failure(error, "%s", path) : EXIT_DONE;
}

static int
compile(struct work *w)
{
	struct watch_fault fault = { 0 };
	if (!watch_set_new(w->owner, w->rules, &w->set, &fault))
		return EXIT_DONE;
	print_refused(stderr, "rules", &fault);
	return EXIT_FAILED;
}

static int
run_check(struct work *w, char **argv)
{
	int code = load(w, argv[0], stdout);
	if (code == EXIT_DONE)
		code = compile(w);
	if (code != EXIT_DONE)
		return code;
	printf("%zu parsed, %zu refused\n", w->loaded.parsed, w->loaded.refused);
	return w->loaded.refused ? EXIT_FAILED : EXIT_DONE;
}

/* ---- test ---- */

struct testing {
	struct watcher *watcher;
	struct watch_counts *counts;
	size_t printed, faults;
	bool matched;
};

/* On one line, whatever it was before: blanks between values are not printed. */
static void
print_event(struct slice event)
{
	bool text = false;
	if (!event.size || event.data[0] != '{' || !memchr(event.data, '\n', event.size)) {
		fwrite(event.data, 1, event.size, stdout);
		putchar('\n');
		return;
	}
	for (size_t i = 0; i < event.size; i++) {
		uint8_t c = event.data[i];
		if (!text && (c == ' ' || c == '\n' || c == '\r' || c == '\t'))
			continue;
		putchar(c);
		if (text && c == '\\' && i + 1 < event.size)
			putchar(event.data[++i]);
		else if (c == '"')
			text = !text;
	}
	putchar('\n');
}

static void
on_match(void *context, const struct watch_rule *rule)
{
	struct testing *t = context;
	(void)rule;
	t->matched = true;
}

/* An event matches if a rule of the file does, or where the file counts, if a count is reached by it. */
static void
test_event(struct work *w, struct testing *t, const struct watch_event *e, bool correlated)
{
	int64_t time = 0;
	bool timed = watch_event_time(e, &time);
	t->matched = false;
	for (size_t i = 0; i < watch_rules_count(w->rules); i++) {
		const struct watch_rule *rule = watch_rules_get(w->rules, i);
		if (rule->correlation || !watch_rule_matches(t->watcher, rule, e, true))
			continue;
		if (!correlated)
			t->matched = true;
		else if (timed)
			watch_counts_add(t->counts, rule, e, time, on_match, t);
	}
}

static int
test_events(struct work *w, struct slice text)
{
	struct testing t = { .watcher = watcher_new(w->owner, w->set), .counts = watch_counts_new(w->owner, w->set) };
	struct watch_event *e = watch_event_new(w->owner);
	struct watch_stream stream = { .rest = text };
	struct slice line;
	bool correlated = false;
	for (size_t i = 0; i < watch_rules_count(w->rules); i++)
		correlated |= watch_rules_get(w->rules, i)->correlation;
	while (watch_stream_next(&stream, &line)) {
		watch_event_read(e, line);
		watch_event_source(e);
		if (e->fault && ++t.faults <= 10)
			fprintf(stderr, "%.60s: kept as bytes: %s\n", line.size ? "an event" : "a line", e->fault);
		test_event(w, &t, e, correlated);
		if (!t.matched)
			continue;
		print_event(line);
		t.printed++;
	}
	return t.printed ? EXIT_DONE : EXIT_FAILED;
}

static int
run_test(struct work *w, char **argv)
{
	struct slice text;
	int code = load(w, argv[0], stderr);
	if (code == EXIT_DONE)
		code = compile(w);
	if (code != EXIT_DONE)
		return code;
	if (w->loaded.parsed == 0)
		return failure(E_ARGUMENT, "%s: no rule", argv[0]);
	if (strcmp(argv[1], "-") == 0) {
		text = file_read(w->owner, "-", (size_t)WATCH_FILE_MAX);
		return text.data ? test_events(w, text) : EXIT_FAILED;
	}
	err_t error = watch_file_map(w->owner, argv[1], &text);
	return error ? failure(error, "%s", argv[1]) : test_events(w, text);
}

/* ---- regress ---- */

struct counted {
	size_t passed, failed;
};

static void
on_regression(void *context, const struct watch_regression *t)
{
	struct counted *c = context;
	if (!t->fault[0]) {
		c->passed++;
		if (t->matched > t->expected)
			printf("%s: note: %llu matches, %llu are asked for\n", t->info, (unsigned long long)t->matched,
			       (unsigned long long)t->expected);
		return;
	}
	c->failed++;
	printf("%s: %s: %s\n", t->info, t->title[0] ? t->title : "failed", t->fault);
}

static int
run_regress(struct work *w, char **argv)
{
	struct counted c = { 0 };
	int code = load(w, argv[0], stderr);
	if (code == EXIT_DONE)
		code = compile(w);
	if (code != EXIT_DONE)
		return code;
	err_t error = watch_regress(w->set, w->rules, argv[1], on_regression, &c);
	if (error)
		return failure(error, "%s", argv[1]);
	printf("%zu passed, %zu failed\n", c.passed, c.failed);
	return c.failed ? EXIT_FAILED : EXIT_DONE;
}

static const struct row {
	const char *name;
	int (*run)(struct work *, char **argv);
	int places;
	const char *usage;
} rows[] = {
	{ "check", run_check, 1, "DIR" },
	{ "test", run_test, 2, "RULE EVENTS" },
	{ "regress", run_regress, 2, "RULES DIR" },
};

enum { ROWS = sizeof rows / sizeof *rows };

static const struct row *
find_row(const char *word)
{
	for (size_t i = 0; i < ROWS; i++)
		if (strcmp(rows[i].name, word) == 0)
			return &rows[i];
	return NULL;
}

bool
cli_rules_is_local(const char *word)
{
	return find_row(word) != NULL;
}

static int
usage(FILE *out)
{
	for (size_t i = 0; i < ROWS; i++)
		fprintf(out, "%s sekisho rules %s %s\n", i == 0 ? "usage:" : "      ", rows[i].name, rows[i].usage);
	return out == stdout ? EXIT_DONE : EXIT_USAGE;
}

int
cli_rules(int argc, char **argv)
{
	const struct row *row = argc > 1 ? find_row(argv[1]) : NULL;
	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || (argc > 2 && strcmp(argv[2], "--help") == 0)))
		return usage(stdout);
	if (!row || argc != 2 + row->places)
		return usage(stderr);
	struct work w = { .owner = NEW(NULL, char) };
	int code = row->run(&w, argv + 2);
	talloc_free(w.owner);
	return code;
}
