/* record - durable entries a second through the recorder beside raw SQLite with the same bytes in equal batches.
 *
 *     record [SECONDS]
 *
 * In one run, alternating; no secondary index on either side. The recorder assigns places, assembles each entry and hands
 * it back to a worker thread; raw SQLite only inserts. Aim: at least 0.7. Answers are checked: every entry is verified. */
#include "base/clock.h"
#include "base/id.h"
#include "base/loop.h"
#include "base/memory.h"
#include "keeper/keeper.h"
#include "record/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { ENTRY_BYTES = 300 };

struct writer_side {
	struct record *record;
	struct loop *loop;
	struct record_worker *worker;
	struct encoded entry;
	int64_t until;
	uint64_t done;
	unsigned in_flight;
};

static void
stop(const char *what, err_t e)
{
	if (!e)
		return;
	fprintf(stderr, "record: %s: %s\n", what, e->name);
	exit(1);
}

static void
one_done(struct submission *s)
{
	struct writer_side *w = s->context;
	stop("recorder", s->result);
	w->done++;
	if (clock_monotonic() < w->until) {
		record_submit(w->worker, s);
		return;
	}
	if (--w->in_flight == 0)
		loop_stop(w->loop);
}

static double
through_recorder(struct record *record, const struct encoded *entry, unsigned batch, int64_t micros)
{
	struct writer_side w = { .record = record, .entry = *entry, .until = clock_monotonic() + micros, .in_flight = batch };
	struct submission *all = NEW_ARRAY(NULL, struct submission, batch);
	int64_t begun = clock_monotonic();
	stop("loop", loop_open(NULL, &w.loop));
	stop("worker", record_worker_new(w.loop, record, w.loop, NULL, NULL, &w.worker));
	for (unsigned i = 0; i < batch; i++) {
		all[i] = (struct submission){ .context = &w, .entry_count = 1, .entries = &w.entry, .done = one_done };
		record_submit(w.worker, &all[i]);
	}
	loop_run(w.loop);
	double rate = (double)w.done * 1e6 / (double)(clock_monotonic() - begun);
	talloc_free(w.loop);
	talloc_free(all);
	return rate;
}

static double
through_sqlite(struct store *store, unsigned batch, int64_t micros)
{
	static const struct query insert[1] = { { "raw", "INSERT INTO tail (seq, leaf) VALUES ($1, $2)", 2 } };
	static int64_t seq;
	uint8_t bytes[ENTRY_BYTES];
	int64_t begun = clock_monotonic(), first = seq;
	random_bytes(bytes, sizeof bytes);
	while (clock_monotonic() - begun < micros) {
		stop("begin", store_begin(store));
		for (unsigned i = 0; i < batch; i++)
			stop("insert", store_run(store, insert, BIND(as_number(seq++), as_bytes(slice_of(bytes, sizeof bytes)))));
		stop("commit", store_commit(store));
		if (store_wal_size(store) > 4 << 20)
			stop("checkpoint", store_checkpoint(store));
	}
	return (double)(seq - first) * 1e6 / (double)(clock_monotonic() - begun);
}

static void
fault(void *argument, const char *kind, const char *file, uint64_t index, const char *text)
{
	(void)argument;
	fprintf(stderr, "FAULT %s %s %llu: %s\n", kind, file, (unsigned long long)index, text);
	exit(1);
}

static char *
make_folder(const void *owner, const char *name)
{
	char *dir = memory_format(owner, "/var/tmp/sekisho-bench-%s-XXXXXX", name);
	if (!mkdtemp(dir))
		exit(1);
	mkdir(memory_format(owner, "%s/store", dir), 0700);
	mkdir(memory_format(owner, "%s/ledger", dir), 0700);
	return dir;
}

int
main(int argc, char **argv)
{
	static const unsigned batches[] = { 1, 8, 64, 512 };
	int64_t micros = (argc > 1 ? atoi(argv[1]) : 2) * INT64_C(1000000);
	void *top = talloc_new(NULL);
	char *dir = make_folder(top, "record"), *raw_dir = make_folder(top, "raw");
	struct store *store, *raw;
	struct ledger *ledger;
	struct record *record;
	struct encoded entry;
	struct keys *keys;
	int keeper, socket;
	stop("store", store_open(top, memory_format(top, "%s/store/store.db", dir), STORE_WRITE, &store));
	stop("store", store_open(top, memory_format(top, "%s/store/store.db", raw_dir), STORE_WRITE, &raw));
	stop("migrate", store_migrate(store, clock_now()));
	stop("migrate", store_migrate(raw, clock_now()));
	stop("keeper", keeper_create(dir, NULL));
	stop("keeper", keeper_start(dir, &keeper, &socket));
	stop("keys", keys_open(top, socket, &keys));
	stop("ledger", ledger_open(top, dir, store, keys, &ledger));
	const struct record_options options = { .dir = dir, .store = store, .ledger = ledger };
	stop("record", record_open(top, &options, &record));
	struct draft d = { .log = LITERAL("acme"), .actor = LITERAL("psn_aaaaaaaaaaaaaaaaaaaaaaaaaa"), .operation = LITERAL("object.get"),
	                   .resource = LITERAL("acme/tickets/4711"), .decision = DECISION_ALLOW };
	char purpose[160];
	memset(purpose, 'p', sizeof purpose);
	d.purpose = slice_of(purpose, sizeof purpose);
	stop("encode", draft_encode(top, NULL, &d, &entry));
	printf("%zu bytes an entry, %d bytes a raw row\n%8s%14s%14s%8s\n", entry.before.size + entry.middle.size + entry.after.size + 8,
	       ENTRY_BYTES, "batch", "raw rows/s", "entries/s", "ratio");
	for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
		double a = 0, b = 0;
		for (int round = 0; round < 2; round++) {
			a += through_sqlite(raw, batches[i], micros / 2) / 2;
			b += through_recorder(record, &entry, batches[i], micros / 2) / 2;
		}
		printf("%8u%14.0f%14.0f%8.2f\n", batches[i], a, b, b / a);
		fflush(stdout);
	}
	talloc_free(record);
	struct ledger_reader *reader;
	struct ledger_check check = { .fault = fault };
	stop("reader", ledger_reader_open(top, dir, &reader));
	stop("verify", ledger_verify(reader, &check));
	printf("%llu entries verified\n", (unsigned long long)check.entries);
	return system(memory_format(top, "rm -rf %s %s", dir, raw_dir)) != 0;
}
