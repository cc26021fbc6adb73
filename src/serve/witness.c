/* The thread that shows checkpoints to witnesses, through the courier, and keeps what they answer. It delays nobody. */
#include "serve/inside.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "ledger/public.h"
#include "record/alert.h"
#include "serve/serve_sql.h"

#include <pthread.h>
#include <sys/prctl.h>
#include <time.h>

enum { WITNESSES_MAX = 16, FETCH_MS = 10000, TRIES = 3, PAUSE_MOST = 60, COSIGNED_AHEAD = 300 };

struct witnesses {
	struct house *house;
	struct outward *outward;
	struct store *view;
	struct ledger_reader *reader;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool ending;
	struct pause {
		struct slice name;
		int64_t until;          /* monotonic */
		unsigned seconds;
	} pauses[WITNESSES_MAX];
};

struct witness {
	struct slice name, url, vkey, authorities, state;
	uint64_t size;
	int64_t seen;
};

struct shown {
	uint64_t size;
	struct slice note;
};

/* ---- keeping ---- */

struct outcome {
	const struct witness *witness;
	uint64_t size;
	int64_t seen;
	struct slice line;
	const char *state;
};

static err_t
apply_cosigned(void *context, struct store *tx, int64_t time)
{
	const struct outcome *o = context;
	TRY(store_run(tx, QUERY_COSIGNATURE_PUT, BIND(as_number((int64_t)o->size), as_text(o->witness->name), as_text(o->line))));
	return store_run(tx, QUERY_WITNESS_COSIGNED,
	                 BIND(as_text(o->witness->name), as_number((int64_t)o->size), as_number(o->seen), as_number(time)));
}

struct alarm {
	struct outcome outcome;
	struct id alert;
};

static err_t
apply_alarm(void *context, struct store *tx, int64_t time)
{
	const struct alarm *a = context;
	TRY(store_run(tx, QUERY_WITNESS_STATE,
	              BIND(as_text(a->outcome.witness->name), as_text(slice_text(a->outcome.state)), as_number(time))));
	SCOPED char *rule = memory_format(NULL, "witness.%s", a->outcome.state);
	return alert_raise_apply(tx, id_slice(&a->alert), slice_text(rule), a->outcome.witness->name, LITERAL("[]"), time);
}

/* Told once, not at every try. */
static fallible
raise(struct witnesses *w, const struct witness *witness, const char *state)
{
	if (slice_is(witness->state, state))
		return NULL;
	struct alarm a = { .outcome = { .witness = witness, .state = state }, .alert = id_new("alr_") };
	struct system_change c = { .operation = "alert.raised", .subject = id_slice(&a.alert), .apply = apply_alarm, .context = &a };
	pairs_text(&c.outcome, "rule", slice_text(state));
	pairs_text(&c.outcome, "witness", witness->name);
	log_event(LOG_ERROR, "witness.refuses", "state", state, NULL);
	return system_record(w->house, &c);
}

/* ---- asking ---- */

static fallible
post(void *scope, struct witnesses *w, const struct witness *witness, uint64_t old, const struct shown *shown,
     struct outward_response *response)
{
	struct slice body;
	TRY(ledger_witness_request(scope, w->reader, old, shown->size, shown->note, &body));
	const struct outward_request q = {
		.method = "POST", .url = slice_text(memory_format(scope, "%.*s/add-checkpoint", SLICE_ARGUMENTS(witness->url))),
		.authorities = witness->authorities, .media = LITERAL("text/plain; charset=utf-8"), .body = body, .milliseconds = FETCH_MS,
	};
	return outward_fetch(scope, w->outward, &q, response, NULL);
}

static fallible
keep(void *scope, struct witnesses *w, const struct witness *witness, const struct shown *shown, struct slice answer)
{
	struct outcome o = { .witness = witness, .size = shown->size };
	err_t e = ledger_witness_check(scope, witness->vkey, shown->note, answer, &o.line, &o.seen);
	if (e == E_LEDGER_FAULT)
		return raise(w, witness, "forged");
	TRY(e);
	if (o.seen < witness->seen)
		return raise(w, witness, "replayed");
	if (SECONDS(o.seen) > clock_now() + SECONDS(COSIGNED_AHEAD)) /* it would make every honest one after it look replayed */
		return raise(w, witness, "ahead-of-time");
	TRY(house_apply(w->house, apply_cosigned, &o));
	ledger_cosign(w->house->ledger, shown->size, o.line);
	return NULL;
}

static bool
read_size(struct slice body, uint64_t *theirs)
{
	size_t n = body.size;
	while (n && (body.data[n - 1] == '\n' || body.data[n - 1] == '\r'))
		n--;
	return text_number_parse(slice_of(body.data, n), theirs) == NULL;
}

/* Another history than ours was shown to it: nothing more is signed until somebody has looked. */
static fallible
raise_and_halt(struct witnesses *w, const struct witness *witness, const char *state)
{
	ledger_halt(w->house->ledger);
	return raise(w, witness, state);
}

/* Shows it from where the witness stands; where it says that it stands elsewhere (409), from there. */
static fallible
show(struct witnesses *w, const struct witness *witness, const struct shown *shown)
{
	SCOPED void *scope = talloc_new(NULL);
	uint64_t old = witness->size;
	for (int i = 0; i < TRIES; i++) {
		struct outward_response r;
		uint64_t theirs;
		TRY(post(scope, w, witness, old, shown, &r));
		if (r.status == 200)
			return keep(scope, w, witness, shown, r.body);
		if (r.status == 422)
			return raise_and_halt(w, witness, "fork");
		if (r.status != 409 || !read_size(r.body, &theirs))
			return E_UNREACHABLE;
		if (theirs > shown->size)
			return raise_and_halt(w, witness, "ahead");
		old = theirs;
	}
	return E_UNREACHABLE;
}

/* ---- the thread ---- */

static struct pause *
pause_of(struct witnesses *w, struct slice name)
{
	for (size_t i = 0; i < WITNESSES_MAX; i++)
		if (!w->pauses[i].name.data || slice_equal(w->pauses[i].name, name)) {
			if (!w->pauses[i].name.data)
				w->pauses[i].name = memory_copy(w, name);
			return &w->pauses[i];
		}
	return NULL;
}

static void
try_one(struct witnesses *w, const struct witness *witness, const struct shown *shown)
{
	struct pause *p = pause_of(w, witness->name);
	if (!p || witness->size >= shown->size || clock_monotonic() < p->until)
		return;
	err_t e = show(w, witness, shown);
	p->seconds = !e ? 0 : p->seconds ? p->seconds * 2 : 1;
	p->seconds = p->seconds > PAUSE_MOST ? PAUSE_MOST : p->seconds;
	p->until = clock_monotonic() + SECONDS(p->seconds);
	if (e)
		log_event(LOG_WARNING, "witness.unreached", "code", e->name, NULL);
}

static fallible
load(void *scope, struct witnesses *w, struct shown *shown, struct witness all[WITNESSES_MAX], size_t *count)
{
	SCOPED struct rows *rows = NULL, *newest = NULL;
	*count = 0;
	shown->size = 0;
	TRY(store_rows(NULL, w->view, QUERY_CHECKPOINT_NEWEST, BIND_NONE, &newest));
	if (!rows_next(newest))
		return rows_end(newest);
	*shown = (struct shown){ (uint64_t)row_number(newest, 0), memory_copy(scope, row_bytes(newest, 1)) };
	TRY(store_rows(NULL, w->view, QUERY_WITNESSES_ALL, BIND_NONE, &rows));
	while (*count < WITNESSES_MAX && rows_next(rows))
		all[(*count)++] = (struct witness){
			memory_copy(scope, row_text(rows, 0)), memory_copy(scope, row_text(rows, 1)), memory_copy(scope, row_text(rows, 2)),
			memory_copy(scope, row_text(rows, 3)), memory_copy(scope, row_text(rows, 6)), (uint64_t)row_number(rows, 4),
			row_number(rows, 5),
		};
	return *count < WITNESSES_MAX ? rows_end(rows) : NULL;
}

static void
look(struct witnesses *w)
{
	SCOPED void *scope = talloc_new(NULL);
	struct witness all[WITNESSES_MAX];
	struct shown shown;
	size_t count;
	if (load(scope, w, &shown, all, &count) || !shown.size)
		return;
	for (size_t i = 0; i < count; i++)
		try_one(w, &all[i], &shown);
}

static void *
run(void *argument)
{
	struct witnesses *w = argument;
	prctl(PR_SET_NAME, "witness", 0, 0, 0);
	pthread_mutex_lock(&w->lock);
	while (!w->ending) {
		struct timespec until;
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec++;
		pthread_cond_timedwait(&w->wake, &w->lock, &until);
		pthread_mutex_unlock(&w->lock);
		look(w);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static int
close_witnesses(struct witnesses *w)
{
	pthread_mutex_lock(&w->lock);
	w->ending = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->wake);
	return 0;
}

fallible
witnesses_start(const void *owner, struct house *house, struct outward *outward, struct witnesses **out)
{
	struct witnesses *w = NEW(owner, struct witnesses);
	SCOPED char *path = memory_format(NULL, "%s/store/store.db", house->dir);
	w->house = house;
	w->outward = outward;
	TRY(store_open(w, path, STORE_READ, &w->view));
	TRY(ledger_reader_open(w, house->dir, &w->reader));
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&w->wake, &monotonic);
	if (pthread_create(&w->thread, NULL, run, w) != 0)
		return E_IO;
	talloc_set_destructor(w, close_witnesses);
	*out = w;
	return NULL;
}
