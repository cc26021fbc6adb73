/* watch.c - events per second of one core's time against all rules of a folder: bench-watch RULES EVENTS… [SECONDS]
 *
 * EVENTS are files of JSON (regression sets, NDJSON). Prints what matching costs with events already read, as the
 * intake hands them on, and with reading each line's JSON before.
 */
#include "base/clock.h"
#include "base/memory.h"
#include "watch/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct bench {
	void *owner;
	struct watch_event **events;
	struct slice *lines;
	size_t count;
	uint64_t matches;
};

static void
ignore_refused(void *context, const char *file, const struct watch_fault *fault)
{
	(void)context, (void)file, (void)fault;
}

static void
on_match(void *context, const struct watch_rule *rule)
{
	struct bench *b = context;
	(void)rule;
	b->matches++;
}

static void
read_file(struct bench *b, const char *path)
{
	struct watch_stream stream = { 0 };
	struct slice line;
	if (watch_file_map(b->owner, path, &stream.rest))
		return;
	while (watch_stream_next(&stream, &line)) {
		if ((b->count & (b->count - 1)) == 0) {
			b->events = memory_grow(b->owner, b->events, sizeof *b->events, b->count ? 2 * b->count : 1);
			b->lines = memory_grow(b->owner, b->lines, sizeof *b->lines, b->count ? 2 * b->count : 1);
		}
		b->events[b->count] = watch_event_new(b->owner);
		watch_event_read(b->events[b->count], line);
		watch_event_source(b->events[b->count]);
		b->lines[b->count++] = line;
	}
}

/* Of this process alone: others may be busy on the machine. */
static int64_t
processor_time(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void
run(struct bench *b, struct watcher *w, bool reads, int64_t span)
{
	struct watch_event *one = watch_event_new(b->owner);
	int64_t start = processor_time(), now = start;
	uint64_t done = 0;
	for (b->matches = 0; now - start < span; now = processor_time())
		for (size_t i = 0; i < b->count; i++, done++) {
			if (reads) {
				watch_event_read(one, b->lines[i]);
				watch_event_source(one);
			}
			watch_match(w, reads ? one : b->events[i], on_match, b);
		}
	printf("%s: %.0f events/s, %.2f us each, %.2f matches an event\n", reads ? "read and matched" : "matched",
	       (double)done * 1e6 / (double)(now - start), (double)(now - start) / (double)done, (double)b->matches / (double)done);
}

int
main(int argc, char **argv)
{
	struct bench b = { .owner = NEW(NULL, char) };
	struct watch_loaded loaded = { 0 };
	struct watch_fault fault = { 0 };
	struct watch_rules *rules = watch_rules_new(b.owner);
	struct watch_set *set;
	int64_t seconds = 3;
	if (argc < 3 || watch_files_load(rules, argv[1], &loaded, ignore_refused, NULL)) {
		fprintf(stderr, "usage: bench-watch RULES EVENTS… [SECONDS]\n");
		return 2;
	}
	int64_t start = clock_monotonic();
	if (watch_set_new(b.owner, rules, &set, &fault)) {
		fprintf(stderr, "%s\n", fault.text);
		return 1;
	}
	printf("%zu rules compiled in %.2f s\n", loaded.parsed, (double)(clock_monotonic() - start) / 1e6);
	for (int i = 2; i < argc; i++) {
		char *end;
		long number = strtol(argv[i], &end, 10);
		if (*end == '\0' && number > 0)
			seconds = number;
		else
			read_file(&b, argv[i]);
	}
	struct watcher *w = watcher_new(b.owner, set);
	size_t bytes = 0;
	for (size_t i = 0; i < b.count; i++)
		bytes += b.lines[i].size;
	if (b.count == 0)
		return 1;
	printf("%zu events of %zu bytes\n", b.count, bytes / b.count);
	run(&b, w, false, SECONDS(seconds));
	run(&b, w, true, SECONDS(seconds));
	talloc_free(b.owner);
	return 0;
}
