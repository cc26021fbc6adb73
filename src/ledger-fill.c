/* ledger-fill --dir D --entries N --subscribers K --seed S: fills a store with Zipf-spread entries, at full speed, through
 * the real writer. It takes the store's subscribers first, acme the busiest, then makes up more (`made-1`, …). */
#include "base/clock.h"
#include "base/id.h"
#include "base/loop.h"
#include "base/memory.h"
#include "identity/identity.h"
#include "keeper/keeper.h"
#include "serve/house.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { IN_FLIGHT = 512, ACTORS = 64, OBJECTS = 1000 };

struct fill {
	struct house *house;
	struct loop *loop;
	struct record_worker *worker;
	uint64_t wanted, begun, done;
	size_t subscribers;
	struct slice *names;            /* the busiest first */
	double *cumulative;             /* of the Zipf weights, ending with 1 */
	char actors[ACTORS][ID_SIZE];
	uint64_t random;
	err_t error;
	double keys_seconds;
};

struct slot {
	struct submission submission;
	struct fill *fill;
	struct encoded entry;
};

/* xorshift64*: the same seed makes the same entries but for blinds, passages and times. */
static uint64_t
next_random(struct fill *f)
{
	f->random ^= f->random >> 12;
	f->random ^= f->random << 25;
	f->random ^= f->random >> 27;
	return f->random * UINT64_C(2685821657736338717);
}

static struct slice
next_subscriber(struct fill *f)
{
	double at = (double)(next_random(f) >> 11) / (double)(UINT64_C(1) << 53);
	size_t low = 0, high = f->subscribers - 1;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (f->cumulative[middle] < at)
			low = middle + 1;
		else
			high = middle;
	}
	return f->names[low];
}

static fallible
make_entry(struct slot *s)
{
	struct fill *f = s->fill;
	struct slice log = next_subscriber(f);
	char resource[128], purpose[32];
	struct draft d = { .log = log, .kind = PROOF_WHOLE, .operation = LITERAL("object.get"), .decision = DECISION_ALLOW };
	random_bytes(d.passage, sizeof d.passage);
	snprintf(resource, sizeof resource, "%.*s/tickets/%llu", SLICE_ARGUMENTS(log), (unsigned long long)(next_random(f) % OBJECTS));
	snprintf(purpose, sizeof purpose, "CASE-%llu", (unsigned long long)(next_random(f) % 100000));
	d.actor = slice_text(f->actors[next_random(f) % ACTORS]);
	d.resource = slice_text(resource);
	d.purpose = slice_text(purpose);
	d.policies[d.policy_count++] = LITERAL("read-by-grant");
	pairs_number(&d.outcome, "rows", 1);
	pairs_number(&d.outcome, "bytes", (int64_t)(next_random(f) % 4096));
	pairs_text(&d.detail, "from", LITERAL("192.0.2.1"));
	return draft_encode(s, f->house->keys, &d, &s->entry);
}

static void submit_next(struct slot *);

static void
slot_done(struct submission *submission)
{
	struct slot *s = submission->context;
	struct fill *f = s->fill;
	f->error = f->error ? f->error : submission->result;
	f->done++;
	talloc_free_children(s);
	submit_next(s);
	if (f->done == f->begun)
		loop_stop(f->loop);
}

static void
submit_next(struct slot *s)
{
	struct fill *f = s->fill;
	if (f->begun == f->wanted || f->error)
		return;
	err_t e = make_entry(s);
	if (e) {
		f->error = e;
		return;
	}
	f->begun++;
	s->submission = (struct submission){ .context = s, .epoch = EPOCH_ANY, .entry_count = 1, .entries = &s->entry, .done = slot_done };
	record_submit(f->worker, &s->submission);
}

static err_t
add_name(void *argument, const struct subscriber *s)
{
	struct fill *f = argument;
	if (f->subscribers == 0 || s->shredded)
		return NULL;
	for (size_t i = 0; i < f->subscribers; i++)
		if (!f->names[i].data) {
			f->names[i] = memory_copy(f, s->id);
			break;
		}
	return NULL;
}

static fallible
choose_names(struct fill *f)
{
	double total = 0, sum = 0;
	SCOPED char *path = memory_format(NULL, "%s/store/store.db", f->house->dir);
	SCOPED struct store *view = NULL;
	f->names = NEW_ARRAY(f, struct slice, f->subscribers);
	f->cumulative = NEW_ARRAY(f, double, f->subscribers);
	TRY(store_open(NULL, path, STORE_READ, &view));
	TRY(subscriber_each(view, clock_now(), add_name, f));
	for (size_t i = 0; i < f->subscribers; i++) {
		if (!f->names[i].data)
			f->names[i] = slice_text(memory_format(f, "made-%zu", i + 1));
		total += 1 / (double)(i + 1);
	}
	for (size_t i = 0; i < f->subscribers; i++)
		f->cumulative[i] = (sum += 1 / (double)(i + 1)) / total;
	return NULL;
}

/* A log's first key costs a sync of the keyring, once in its life: before the clock runs. */
static fallible
make_keys(struct fill *f)
{
	for (size_t i = 0; i < f->subscribers; i++) {
		uint8_t key[KEY_SIZE];
		TRY(keys_make(f->house->keys, f->names[i], USE_LEDGER, key, NULL));
		memory_wipe(key, sizeof key);
	}
	return NULL;
}

static fallible
fill(struct fill *f)
{
	TRY(choose_names(f));
	int64_t begun = clock_monotonic();
	TRY(make_keys(f));
	f->keys_seconds = (double)(clock_monotonic() - begun) / 1e6;
	for (size_t i = 0; i < ACTORS; i++)
		memcpy(f->actors[i], id_new("psn_").text, ID_SIZE);
	TRY(loop_open(f, &f->loop));
	TRY(record_worker_new(f->loop, f->house->record, f->loop, NULL, NULL, &f->worker));
	for (size_t i = 0; i < IN_FLIGHT && !f->error; i++) {
		struct slot *s = NEW(f, struct slot);
		s->fill = f;
		submit_next(s);
	}
	if (f->begun)
		loop_run(f->loop);
	return f->error;
}

static const char *
option(int argc, char **argv, const char *name, const char *otherwise)
{
	for (int i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return argv[i + 1];
	return otherwise;
}

int
main(int argc, char **argv)
{
	const char *dir = option(argc, argv, "--dir", NULL), *why = "";
	SCOPED struct fill *f = NEW(NULL, struct fill);
	int pid, keeper;
	f->wanted = strtoull(option(argc, argv, "--entries", "0"), NULL, 10);
	f->subscribers = strtoull(option(argc, argv, "--subscribers", "4"), NULL, 10);
	f->random = strtoull(option(argc, argv, "--seed", "1"), NULL, 10) * 2 + 1;
	char *real = dir ? realpath(dir, NULL) : NULL;
	if (!real || f->wanted == 0 || f->subscribers == 0) {
		fprintf(stderr, "usage: ledger-fill --dir D --entries N [--subscribers K] [--seed S]   (nothing else may serve D)\n");
		return 2;
	}
	err_t e = keeper_start(real, &pid, &keeper);
	if (!e)
		e = house_open(NULL, real, keeper, NULL, &f->house, &why);
	int64_t begun = clock_monotonic();
	if (!e)
		e = fill(f);
	double seconds = (double)(clock_monotonic() - begun) / 1e6 - f->keys_seconds;
	if (e)
		fprintf(stderr, "ledger-fill: %s (%s) %s\n", e->text[ENGLISH], e->name, why);
	else
		printf("{\"entries\": %llu, \"seconds\": %.3f, \"entries_per_second\": %.0f}\n", (unsigned long long)f->done, seconds,
		       (double)f->done / seconds);
	talloc_free(f->loop);
	talloc_free(f->house);
	free(real);
	return e ? e->exit : 0;
}
