/* The recorder from several threads: what it promises in record.h, and that nothing races (also built with TSan). */
#include "test.h"

#include "base/clock.h"
#include "base/id.h"
#include "keeper/keeper.h"
#include "record/record.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { THREADS = 4, EACH = 200 };

static char dir[] = "/tmp/sekisho-record-XXXXXX";

struct book {
	int keeper;
	struct keys *keys;
	struct store *store;
	struct ledger *ledger;
	struct record *record;
};

static int
open_book(void **state)
{
	struct book *b = NEW(NULL, struct book);
	snprintf(dir, sizeof dir, "/tmp/sekisho-record-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	SCOPED char *store = memory_format(NULL, "%s/store", dir), *ledger = memory_format(NULL, "%s/ledger", dir);
	SCOPED char *path = memory_format(NULL, "%s/store.db", store);
	mkdir(store, 0700);
	mkdir(ledger, 0700);
	clock_start(0);
	int socket;
	if (keeper_create(dir, NULL) || keeper_start(dir, &b->keeper, &socket) || keys_open(b, socket, &b->keys) ||
	    store_open(b, path, STORE_WRITE, &b->store) || store_migrate(b->store, clock_now()) ||
	    ledger_open(b, dir, b->store, b->keys, &b->ledger))
		return -1;
	const struct record_options options = { .dir = dir, .store = b->store, .ledger = b->ledger };
	if (record_open(b, &options, &b->record))
		return -1;
	*state = b;
	return 0;
}

static int
close_book(void **state)
{
	struct book *b = *state;
	SCOPED char *command = memory_format(NULL, "rm -rf %s", dir);
	int keeper = b->keeper;
	talloc_free(b->record);
	talloc_free(b);
	waitpid(keeper, NULL, 0);
	return system(command);
}

static fallible
encode(const void *owner, const char *log, struct encoded *out)
{
	struct draft d = { .log = slice_text(log), .kind = PROOF_WHOLE, .actor = LITERAL("psn_test"), .operation = LITERAL("test"),
	                   .decision = DECISION_ALLOW };
	random_bytes(d.passage, sizeof d.passage);
	return draft_encode(owner, NULL, &d, out);
}

/* ---- many at once ---- */

struct many {
	struct book *book;
	struct loop *loop;
	struct record_worker *worker;
	int number, done;
	uint64_t last;
	struct one {
		struct submission submission;
		struct encoded entry;
		struct many *many;
	} ones[EACH];
};

static void
one_done(struct submission *s)
{
	struct many *m = ((struct one *)s->context)->many;
	assert_ok(s->result);
	if (m->done > 0)
		assert_true(s->seq > m->last);         /* handed back in the order in which they were submitted */
	m->last = s->seq;
	if (++m->done == EACH)
		loop_stop(m->loop);
}

static void *
submit_many(void *argument)
{
	struct many *m = argument;
	char log[16];
	snprintf(log, sizeof log, "log-%d", m->number % 2);
	assert_ok(loop_open(NULL, &m->loop));
	assert_ok(record_worker_new(m->loop, m->book->record, m->loop, NULL, NULL, &m->worker));
	for (int i = 0; i < EACH; i++) {
		struct one *one = &m->ones[i];
		one->many = m;
		assert_ok(encode(m, log, &one->entry));
		one->submission = (struct submission){ .context = one, .entry_count = 1, .entries = &one->entry, .done = one_done };
		record_submit(m->worker, &one->submission);
	}
	loop_run(m->loop);
	talloc_free(m->loop);
	return NULL;
}

static void
no_fault(void *argument, const char *kind, const char *file, uint64_t index, const char *text)
{
	(void)argument;
	fail_msg("FAULT %s %s %llu: %s", kind, file, (unsigned long long)index, text);
}

static void
threads_get_every_place_once(void **state)
{
	struct book *b = *state;
	struct many *many[THREADS];
	pthread_t threads[THREADS];
	for (int i = 0; i < THREADS; i++) {
		many[i] = NEW(NULL, struct many);
		many[i]->book = b;
		many[i]->number = i;
		pthread_create(&threads[i], NULL, submit_many, many[i]);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		talloc_free(many[i]);
	}
	struct record_counts counts = record_counts(b->record);
	assert_int_equal(ledger_size(b->ledger), THREADS * EACH);
	assert_int_equal(counts.entries, THREADS * EACH);
	assert_true(counts.groups < counts.submissions);       /* they did share commits */
	SCOPED struct ledger_reader *reader = NULL;
	struct ledger_check check = { .fault = no_fault };
	assert_ok(ledger_reader_open(NULL, dir, &reader));
	assert_ok(ledger_verify(reader, &check));
	assert_int_equal(check.entries, THREADS * EACH);
}

/* ---- epochs, expected failures, broken groups ---- */

static err_t
conflict(struct submission *s, struct store *tx, int64_t time)
{
	(void)s;
	(void)tx;
	(void)time;
	return E_CONFLICT;
}

static err_t
breaks(struct submission *s, struct store *tx, int64_t time)
{
	(void)s;
	(void)tx;
	(void)time;
	return E_STORE;
}

static err_t
changes_then_conflicts(struct submission *s, struct store *tx, int64_t time)
{
	static const struct query insert[1] = { { "half", "INSERT INTO provider (id, kind, name, created) VALUES ('half', '', '', $1)", 1 } };
	(void)s;
	assert_ok(store_run(tx, insert, BIND(as_number(time))));
	return E_CONFLICT;
}

static err_t
does_nothing(struct submission *s, struct store *tx, int64_t time)
{
	(void)s;
	(void)tx;
	(void)time;
	return NULL;
}

static err_t
record_one(struct book *b, struct submission s, const char *log)
{
	SCOPED void *scope = talloc_new(NULL);
	struct encoded entry;
	assert_ok(encode(scope, log, &entry));
	s.entry_count = 1;
	s.entries = &entry;
	return record_wait(b->record, &s);
}

static void
a_stale_epoch_comes_back_and_leaves_nothing(void **state)
{
	struct book *b = *state;
	uint64_t before = record_epoch(b->record), size = ledger_size(b->ledger);
	assert_ok(record_one(b, (struct submission){ .apply = does_nothing, .epoch = before, .changes_epoch = true }, "vendor"));
	assert_int_equal(record_epoch(b->record), before + 1);
	assert_err(record_one(b, (struct submission){ .epoch = before }, "vendor"), E_STALE);
	assert_int_equal(ledger_size(b->ledger), size + 1);
	assert_ok(record_one(b, (struct submission){ .epoch = before + 1 }, "vendor"));
}

static void
what_fails_leaves_no_entry_and_harms_no_other(void **state)
{
	struct book *b = *state;
	uint64_t size = ledger_size(b->ledger), changes = record_changes(b->record);
	assert_err(record_one(b, (struct submission){ .apply = conflict }, "vendor"), E_CONFLICT);
	assert_err(record_one(b, (struct submission){ .apply = breaks }, "vendor"), E_STORE);
	for (int i = 0; i < 2; i++)     /* the second finds nothing of the first */
		assert_err(record_one(b, (struct submission){ .apply = changes_then_conflicts }, "vendor"), E_STALE);
	assert_int_equal(ledger_size(b->ledger), size);
	assert_int_equal(record_changes(b->record), changes);
	assert_ok(record_one(b, (struct submission){ .apply = does_nothing }, "vendor"));
	assert_int_equal(ledger_size(b->ledger), size + 1);
	assert_int_equal(record_changes(b->record), changes + 1);
	assert_ok(record_state(b->record));
}

/* Three in one group: the one that revokes goes first, so the others, decided before it, come back; one that breaks the
 * group has it replayed one by one. */
struct trio {
	struct loop *loop;
	int done;
};

static void
trio_done(struct submission *s)
{
	struct trio *t = s->context;
	if (++t->done == 3)
		loop_stop(t->loop);
}

static err_t
waits(struct submission *s, struct store *tx, int64_t time)
{
	struct timespec pause = { 0, 200 * 1000 * 1000 };
	(void)s;
	(void)tx;
	(void)time;
	nanosleep(&pause, NULL);
	return NULL;
}

static void
submit_trio(struct book *b, struct submission first, struct submission trio[3])
{
	struct trio t = { 0 };
	struct record_worker *worker;
	struct encoded entries[4];
	assert_ok(loop_open(NULL, &t.loop));
	assert_ok(record_worker_new(t.loop, b->record, t.loop, NULL, NULL, &worker));
	for (int i = 0; i < 4; i++)
		assert_ok(encode(t.loop, "vendor", &entries[i]));
	struct submission *all[4] = { &first, &trio[0], &trio[1], &trio[2] };
	t.done = -1;                    /* the first is not of the trio */
	for (int i = 0; i < 4; i++) {
		all[i]->context = &t;
		all[i]->done = trio_done;
		all[i]->entry_count = 1;
		all[i]->entries = &entries[i];
		record_submit(worker, all[i]);
		if (i == 0) {
			struct timespec pause = { 0, 50 * 1000 * 1000 };
			nanosleep(&pause, NULL);       /* it is in flight alone; the rest gathers behind it */
		}
	}
	loop_run(t.loop);
	talloc_free(t.loop);
}

static void
in_a_group_revocation_goes_first(void **state)
{
	struct book *b = *state;
	uint64_t epoch = record_epoch(b->record);
	struct submission trio[3] = { { .epoch = epoch }, { .epoch = epoch, .apply = does_nothing, .changes_epoch = true }, { .epoch = epoch } };
	submit_trio(b, (struct submission){ .apply = waits }, trio);
	assert_err(trio[0].result, E_STALE);
	assert_ok(trio[1].result);
	assert_err(trio[2].result, E_STALE);
}

static void
a_broken_group_is_replayed_one_by_one(void **state)
{
	struct book *b = *state;
	uint64_t size = ledger_size(b->ledger);
	struct submission trio[3] = { { .apply = does_nothing }, { .apply = breaks }, { .apply = does_nothing } };
	submit_trio(b, (struct submission){ .apply = waits }, trio);
	assert_ok(trio[0].result);
	assert_err(trio[1].result, E_STORE);
	assert_ok(trio[2].result);
	assert_int_equal(ledger_size(b->ledger), size + 3);
	assert_int_equal(record_counts(b->record).replays, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(threads_get_every_place_once, open_book, close_book),
		cmocka_unit_test_setup_teardown(a_stale_epoch_comes_back_and_leaves_nothing, open_book, close_book),
		cmocka_unit_test_setup_teardown(what_fails_leaves_no_entry_and_harms_no_other, open_book, close_book),
		cmocka_unit_test_setup_teardown(in_a_group_revocation_goes_first, open_book, close_book),
		cmocka_unit_test_setup_teardown(a_broken_group_is_replayed_one_by_one, open_book, close_book),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
