/* The board's history: a thread that has the checks run, and records each that comes to another state. */
#include "serve/inside.h"

#include "assure/assure.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

#include <pthread.h>
#include <sys/prctl.h>
#include <time.h>

/* At most a twentieth of one core, and each second if that is cheap. */
enum { TIMES_ITS_COST = 20, OFTEN_US = 1000 * 1000, SELDOM_US = 60 * 1000 * 1000, CHANGES = 64 };

struct board {
	struct house *house;
	struct store *view;
	struct ledger_reader *reader;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t woken;
	bool ending;
};

struct changes {
	size_t count;
	struct check_change list[CHANGES];
};

static err_t
keep_change(void *argument, const struct check_change *c)
{
	struct changes *k = argument;
	if (k->count < CHANGES)
		k->list[k->count++] = *c;
	return NULL;
}

static fallible
run_checks(struct board *b, void *scope, struct changes *out)
{
	struct house *h = b->house;
	uint8_t digest[DIGEST_SIZE];
	struct look l = { .owner = scope, .dir = h->dir, .view = b->view, .keys = h->keys, .ledger = h->ledger, .reader = b->reader,
	                  .record = h->record, .now = clock_now() };
	TRY(store_begin(b->view));
	err_t e = policy_text(scope, b->view, l.now, &l.policies, digest);
	if (e == E_NOT_FOUND)
		e = NULL;
	if (!e)
		e = assure_changes(&l, keep_change, out);
	store_rollback(b->view);
	return e;
}

struct kept_change {
	const struct check_change *change;
	uint64_t seq;
};

static err_t
apply_change(void *context, struct store *tx, int64_t time)
{
	const struct kept_change *k = context;
	return check_change_apply(tx, k->change, time, k->seq);
}

/* The entry first: what the board says of it names its place in the book. */
static fallible
record_change(struct house *h, const struct check_change *c)
{
	struct kept_change kept = { .change = c };
	struct system_change entry = { .operation = "check.changed", .subject = slice_text(c->check->id), .keeps_epoch = true, .seq = &kept.seq };
	pairs_text(&entry.outcome, "state", slice_text(check_state_name(c->result.state)));
	if (c->was.size)
		pairs_text(&entry.outcome, "was", c->was);
	pairs_text(&entry.outcome, "value", slice_text(c->result.value));
	TRY(system_record(h, &entry));
	return house_apply(h, apply_change, &kept);
}

static fallible
look_once(struct board *b)
{
	SCOPED struct changes *changes = NEW(NULL, struct changes);
	TRY(run_checks(b, changes, changes));
	for (size_t i = 0; i < changes->count; i++)
		TRY(record_change(b->house, &changes->list[i]));
	return NULL;
}

static bool
wait_for(struct board *b, int64_t us)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += us / 1000000;
	until.tv_nsec += us % 1000000 * 1000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&b->lock);
	int late = 0;
	while (!b->ending && !late)
		late = pthread_cond_timedwait(&b->woken, &b->lock, &until);
	bool ending = b->ending;
	pthread_mutex_unlock(&b->lock);
	return !ending;
}

static void *
run_board(void *argument)
{
	struct board *b = argument;
	int64_t pause = OFTEN_US;
	prctl(PR_SET_NAME, "board", 0, 0, 0);
	while (wait_for(b, pause)) {
		int64_t begun = clock_monotonic();
		err_t e = look_once(b);
		pause = TIMES_ITS_COST * (clock_monotonic() - begun);
		pause = pause < OFTEN_US ? OFTEN_US : pause > SELDOM_US ? SELDOM_US : pause;
		if (e)
			log_event(LOG_ERROR, "checks.failed", "code", e->name, "then", "they are run again", NULL);
	}
	return NULL;
}

static int
end_board(struct board *b)
{
	pthread_mutex_lock(&b->lock);
	b->ending = true;
	pthread_cond_signal(&b->woken);
	pthread_mutex_unlock(&b->lock);
	pthread_join(b->thread, NULL);
	return 0;
}

fallible
board_start(const void *owner, struct house *h, struct board **out)
{
	SCOPED struct board *b = NEW(owner, struct board);
	SCOPED char *path = memory_format(NULL, "%s/store/store.db", h->dir);
	pthread_condattr_t monotonic;
	b->house = h;
	TRY(store_open(b, path, STORE_READ, &b->view));
	TRY(ledger_reader_open(b, h->dir, &b->reader));
	pthread_mutex_init(&b->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&b->woken, &monotonic);
	if (pthread_create(&b->thread, NULL, run_board, b) != 0)
		return E_IO;
	talloc_set_destructor(b, end_board);
	*out = TAKE(b);
	return NULL;
}
