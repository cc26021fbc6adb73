#include "record/record.h"

#include "base/log.h"
#include "base/memory.h"
#include "record/publish.h"
#include "record/reserve.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <time.h>

enum { GROUP = 2048, CHECKPOINT_BYTES = 4 << 20, WAL_BYTES = 3 * CHECKPOINT_BYTES, RESTART_EVERY = 20 * 1000 };

struct record_worker {
	struct record *record;
	struct record_worker *next;
	struct waker *waker;
	void (*epoch_changed)(void *);
	void *argument;
	uint64_t epoch;                 /* its own: the last that epoch_changed was told of */
	uint64_t woken_epoch;           /* the recorder's: the last that it was woken for */
	_Atomic(struct submission *) done;      /* newest first */
	bool woken;                     /* the recorder's: has something from this group */
};

struct record {
	struct record_options options;
	pthread_t recorder, checkpointer, follower;
	pthread_mutex_t lock;           /* guards the queue, the workers' list and ending */
	pthread_cond_t queued, checkpoint;
	struct submission *first, **last;
	struct record_worker *workers;
	bool ending, running;
	bool checkpointing;             /* the checkpointer is at work, or woken */
	int64_t checkpointed;           /* bytes of the log when it was woken last */
	atomic_bool full;               /* the log has been copied, and is to begin anew */
	int64_t tried;                  /* when that was tried last */
	atomic_uint_fast64_t epoch, changes;
	_Atomic(err_t) state;
	struct reserve *reserve;        /* the recorder's */
	struct record_counts counts;    /* the recorder's; copied under the lock */
};

uint64_t
record_epoch(const struct record *r)
{
	return atomic_load(&r->epoch);
}

uint64_t
record_changes(const struct record *r)
{
	return atomic_load(&r->changes);
}

bool
record_wants_room(const struct record *r)
{
	return atomic_load_explicit(&r->full, memory_order_relaxed);
}

err_t
record_state(const struct record *r)
{
	return atomic_load(&r->state);
}

struct record_counts
record_counts(const struct record *r)
{
	struct record *writable = (struct record *)(uintptr_t)r;
	pthread_mutex_lock(&writable->lock);
	struct record_counts c = r->counts;
	pthread_mutex_unlock(&writable->lock);
	return c;
}

/* ---- one group ---- */

struct group {
	struct record *record;
	struct submission *first;
	uint64_t epoch;                 /* with what this group has changed */
	struct moment now;
	bool changed;                   /* more than the book */
	struct record_counts counts;
};

static bool
breaks_group(err_t e)
{
	return e == E_STORE || e == E_STORE_FULL || e == E_IO || e == E_ENTRY_SIZE || e == E_STALE;
}

/* Returns only what breaks the group; what is expected is the submission's own result. */
static fallible
run_one(struct group *g, struct submission *s)
{
	struct record_options *o = &g->record->options;
	if (reserve_is_given(g->record->reserve) && !s->operators) {
		s->result = E_CLOSED;
		return NULL;
	}
	s->result = s->epoch != EPOCH_ANY && s->epoch != g->epoch ? E_STALE : NULL;
	s->time = g->now.time;
	if (s->result) {
		g->counts.stale++;
		return NULL;
	}
	int64_t before = store_changes_all(o->store);
	if (s->apply)
		s->result = s->apply(s, o->store, g->now.time);
	if (s->result && !breaks_group(s->result) && store_changes_all(o->store) != before)
		s->result = E_STALE;    /* it failed after a change: without this the half of it would be committed */
	g->changed |= s->apply && !s->result;
	if (s->result)
		return breaks_group(s->result) ? s->result : NULL;
	for (size_t i = 0; i < s->entry_count; i++) {
		uint64_t seq;
		TRY(ledger_append(o->ledger, o->store, &s->entries[i], g->now.time, &seq));
		if (i == 0)
			s->seq = seq;
	}
	g->counts.entries += s->entry_count;
	if (s->changes_epoch)
		g->epoch++;
	return NULL;
}

static fallible
run_all(struct group *g, struct submission *only)
{
	for (struct submission *s = g->first; s; s = s->next)
		if (!only || s == only)
			TRY(run_one(g, s));
	return NULL;
}

static void
give_up(struct group *g, struct submission *only, err_t e)
{
	for (struct submission *s = g->first; s; s = s->next)
		if (!only || s == only)
			s->result = e;
}

/* A transaction over the group, or over one of it. Returns what broke it; then nothing of it is there. */
static fallible
transact(struct group *g, struct submission *only)
{
	struct record *r = g->record;
	struct record_options *o = &r->options;
	g->changed = false;
	g->now = clock_read();
	g->epoch = record_epoch(r);
	TRY(store_begin(o->store));
	err_t e = run_all(g, only);
	if (!e) {
		e = store_commit(o->store);
		if (e == E_IO)          /* whether it is on the disk nobody knows */
			e = E_OUTCOME_UNKNOWN;
	}
	if (e) {
		store_rollback(o->store);
		ledger_rolled_back(o->ledger);
		return e;
	}
	ledger_committed(o->ledger);
	if (g->changed)
		atomic_fetch_add(&r->changes, 1);
	atomic_store(&r->epoch, g->epoch);
	return NULL;
}

/* What the disk refused is not the submission's fault: nothing can be recorded. */
static bool
closes(err_t e)
{
	return e == E_STORE_FULL || e == E_IO || e == E_OUTCOME_UNKNOWN;
}

static err_t
replay(struct group *g)
{
	err_t closed = NULL;
	g->counts.replays++;
	for (struct submission *s = g->first; s && closed != E_OUTCOME_UNKNOWN; s = s->next) {
		err_t e = transact(g, s);
		closed = closes(e) ? e : closed;
		if (e)
			give_up(g, s, closes(e) && e != E_OUTCOME_UNKNOWN ? E_CLOSED : e);
	}
	if (closed == E_OUTCOME_UNKNOWN)
		give_up(g, NULL, closed);
	return closed;
}

/* Returns why nothing can be recorded now, if so. */
static err_t
run_group(struct group *g)
{
	reserve_try(g->record->reserve);
	err_t e = transact(g, NULL);
	if (e == E_STORE_FULL && !reserve_is_given(g->record->reserve)) {
		reserve_give(g->record->reserve);
		e = transact(g, NULL);
	}
	if (e && e != E_OUTCOME_UNKNOWN && g->first->next)
		return replay(g);
	if (e)
		give_up(g, NULL, closes(e) && e != E_OUTCOME_UNKNOWN ? E_CLOSED : e);
	return closes(e) ? e : NULL;
}

/* ---- handing back ---- */

static void
hand_back(struct record *r, struct submission *first)
{
	for (struct submission *s = first, *next; s; s = next) {
		struct record_worker *w = s->worker;
		next = s->next;
		w->woken = true;        /* before the push: with it the worker may be on its way out */
		s->next = atomic_load(&w->done);
		while (!atomic_compare_exchange_weak(&w->done, &s->next, s))
			;
	}
	pthread_mutex_lock(&r->lock);
	for (struct record_worker *w = r->workers; w; w = w->next) {
		if (w->woken || w->woken_epoch != record_epoch(r))
			waker_wake(w->waker);
		w->woken = false;
		w->woken_epoch = record_epoch(r);
	}
	pthread_mutex_unlock(&r->lock);
}

static void
worker_woken(void *argument)
{
	struct record_worker *w = argument;
	struct submission *newest = atomic_exchange(&w->done, NULL), *oldest = NULL;
	for (struct submission *s = newest, *next; s; s = next) {
		next = s->next;
		s->next = oldest;
		oldest = s;
	}
	uint64_t epoch = record_epoch(w->record);
	if (w->epoch != epoch && w->epoch_changed)
		w->epoch_changed(w->argument);
	w->epoch = epoch;
	for (struct submission *s = oldest, *next; s; s = next) {
		next = s->next;
		s->done(s);
	}
}

/* ---- the threads ---- */

/* Those that change the epoch go first, each kind in its order. */
static struct submission *
revocations_first(struct submission *list)
{
	struct submission *changing = NULL, **c = &changing, *rest = NULL, **r = &rest;
	for (struct submission *s = list; s; s = s->next) {
		struct submission ***end = s->changes_epoch ? &c : &r;
		**end = s;
		*end = &s->next;
	}
	*r = NULL;
	*c = rest;
	return changing;
}

static struct submission *
take_group(struct record *r)
{
	pthread_mutex_lock(&r->lock);
	while (!r->first && !r->ending)
		pthread_cond_wait(&r->queued, &r->lock);
	struct submission *first = r->first, *s = first;
	for (size_t n = 1; s && s->next && n < GROUP; n++)
		s = s->next;
	r->first = s ? s->next : NULL;
	if (!r->first)
		r->last = &r->first;
	if (s)
		s->next = NULL;
	pthread_mutex_unlock(&r->lock);
	return revocations_first(first);
}

static void
account(struct record *r, const struct group *g)
{
	pthread_mutex_lock(&r->lock);
	r->counts.groups++;
	for (struct submission *s = g->first; s; s = s->next)
		r->counts.submissions++;
	r->counts.entries += g->counts.entries;
	r->counts.stale += g->counts.stale;
	r->counts.replays += g->counts.replays;
	int64_t size = store_wal_size(r->options.store);
	if (size < r->checkpointed)
		r->checkpointed = 0;
	/* what the reserve gave is for operators' entries, not for the file that the log is copied into */
	if (!r->checkpointing && size - r->checkpointed > CHECKPOINT_BYTES && !reserve_is_given(r->reserve)) {
		r->checkpointed = size;
		r->checkpointing = true;
		pthread_cond_signal(&r->checkpoint);
	}
	pthread_mutex_unlock(&r->lock);
}

/* Without this the log would grow for as long as somebody always reads in it (10 MB a second under load), and each sync
 * would have to write the file's new size as well. */
static void
begin_log_anew(struct record *r)
{
	int64_t now = clock_monotonic();
	if (!record_wants_room(r) || now - r->tried < RESTART_EVERY || reserve_is_given(r->reserve))
		return;
	r->tried = now;
	if (store_wal_restart(r->options.store))
		atomic_store(&r->full, false);
}

static void *
run_recorder(void *argument)
{
	struct record *r = argument;
	prctl(PR_SET_NAME, "recorder", 0, 0, 0);
	for (;;) {
		struct group g = { .record = r, .first = take_group(r) };
		if (!g.first)
			return NULL;
		begin_log_anew(r);
		err_t e = run_group(&g);
		atomic_store(&r->state, e ? e : reserve_is_given(r->reserve) ? E_STORE_FULL : NULL);
		if (e)
			log_event(LOG_ERROR, "record.failed", "code", e->name, "why", store_fault(r->options.store), NULL);
		account(r, &g);
		hand_back(r, g.first);
		if (e == E_OUTCOME_UNKNOWN && r->options.failed)
			r->options.failed(r->options.argument, e);
	}
}

/* A disk that is full today has room tomorrow: it is tried again. */
static bool
copy_log(struct record *r, struct store *store)
{
	const struct timespec pause = { 1, 0 };
	err_t e = store_checkpoint(store);
	if (!e) {
		atomic_store(&r->full, true);
		return true;
	}
	log_event(LOG_ERROR, "checkpoint.failed", "code", e->name, "then", "it is tried again", NULL);
	nanosleep(&pause, NULL);
	return false;
}

static void *
run_checkpointer(void *argument)
{
	struct record *r = argument;
	SCOPED char *path = memory_format(NULL, "%s/store/store.db", r->options.dir);
	SCOPED struct store *store = NULL;
	prctl(PR_SET_NAME, "checkpointer", 0, 0, 0);
	err_t e = store_open(NULL, path, STORE_WRITE, &store);
	pthread_mutex_lock(&r->lock);
	while (!e && !r->ending) {
		while (!r->checkpointing && !r->ending)
			pthread_cond_wait(&r->checkpoint, &r->lock);
		pthread_mutex_unlock(&r->lock);
		bool copied = copy_log(r, store);
		pthread_mutex_lock(&r->lock);
		r->checkpointing = false;
		if (!copied)
			r->checkpointed = 0;
	}
	pthread_mutex_unlock(&r->lock);
	if (e)
		log_event(LOG_ERROR, "checkpoint.failed", "code", e->name, "then", "the log grows until the next start", NULL);
	return NULL;
}

static void *
run_follower(void *argument)
{
	struct record *r = argument;
	prctl(PR_SET_NAME, "follower", 0, 0, 0);
	err_t e = publish_follow(r, r->options.ledger);
	if (e)
		log_event(LOG_ERROR, "ledger.follow.failed", "code", e->name, NULL);
	return NULL;
}

static int
close_record(struct record *r)
{
	if (r->running) {               /* the follower first: it may be waiting for the recorder */
		ledger_unfollow(r->options.ledger);
		pthread_join(r->follower, NULL);
	}
	pthread_mutex_lock(&r->lock);
	r->ending = true;
	pthread_cond_signal(&r->queued);
	pthread_cond_signal(&r->checkpoint);
	pthread_mutex_unlock(&r->lock);
	if (r->running) {
		pthread_join(r->recorder, NULL);
		pthread_join(r->checkpointer, NULL);
	}
	pthread_mutex_destroy(&r->lock);
	return 0;
}

fallible
record_open(const void *owner, const struct record_options *options, struct record **out)
{
	struct record *r = NEW(owner, struct record);
	r->options = *options;
	r->last = &r->first;
	atomic_store(&r->epoch, 1);
	if (store_wal_reserve(r->options.store, WAL_BYTES))     /* on a full disk operators must be able to start it all the same */
		log_event(LOG_WARNING, "record.unreserved", "then", "the log grows as it is written", NULL);
	r->reserve = reserve_open(r, options->dir);
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->queued, NULL);
	pthread_cond_init(&r->checkpoint, NULL);
	if (pthread_create(&r->recorder, NULL, run_recorder, r) != 0 ||
	    pthread_create(&r->checkpointer, NULL, run_checkpointer, r) != 0 ||
	    pthread_create(&r->follower, NULL, run_follower, r) != 0)
		return E_IO;
	r->running = true;
	talloc_set_destructor(r, close_record);
	*out = r;
	return NULL;
}

static int
close_worker(struct record_worker *w)
{
	struct record *r = w->record;
	pthread_mutex_lock(&r->lock);
	for (struct record_worker **at = &r->workers; *at; at = &(*at)->next)
		if (*at == w) {
			*at = w->next;
			break;
		}
	pthread_mutex_unlock(&r->lock);
	return 0;
}

fallible
record_worker_new(const void *owner, struct record *r, struct loop *loop, void (*epoch_changed)(void *), void *argument,
                  struct record_worker **out)
{
	struct record_worker *w = NEW(owner, struct record_worker);
	w->record = r;
	w->epoch_changed = epoch_changed;
	w->argument = argument;
	w->epoch = w->woken_epoch = record_epoch(r);
	TRY(waker_new(w, loop, worker_woken, w, &w->waker));
	pthread_mutex_lock(&r->lock);
	w->next = r->workers;
	r->workers = w;
	pthread_mutex_unlock(&r->lock);
	talloc_set_destructor(w, close_worker);
	*out = w;
	return NULL;
}

void
record_submit(struct record_worker *w, struct submission *s)
{
	struct record *r = w->record;
	s->worker = w;
	s->next = NULL;
	pthread_mutex_lock(&r->lock);
	bool was_empty = !r->first;
	*r->last = s;
	r->last = &s->next;
	if (was_empty)
		pthread_cond_signal(&r->queued);
	pthread_mutex_unlock(&r->lock);
}

/* ---- waiting, on a loop of one's own ---- */

static void
stop_waiting(struct submission *s)
{
	loop_stop(s->context);
}

struct waiting {
	struct submission submission;
	struct submission *original;
};

static err_t
apply_original(struct submission *s, struct store *tx, int64_t time)
{
	struct submission *original = ((struct waiting *)s)->original;
	return original->apply(original, tx, time);
}

err_t
record_wait(struct record *r, struct submission *s)
{
	struct loop *loop;
	struct record_worker *worker;
	TRY(loop_open(NULL, &loop));
	SCOPED struct loop *scope = loop;
	TRY(record_worker_new(scope, r, loop, NULL, NULL, &worker));
	struct waiting w = { .submission = *s, .original = s };
	w.submission.context = loop;
	w.submission.done = stop_waiting;
	if (s->apply)
		w.submission.apply = apply_original;
	record_submit(worker, &w.submission);
	loop_run(loop);
	s->result = w.submission.result;
	s->seq = w.submission.seq;
	s->time = w.submission.time;
	return s->result;
}
