#include "postgres/backend.h"

#include "base/clock.h"
#include "base/text.h"
#include "postgres/session.h"

#include <stdio.h>

enum { IDLE_SECONDS = 60, CROWDED_SECONDS = 1, CROWDED_MILLISECONDS = 50, WAIT_SECONDS = 10 };

struct backend_pool *
backend_pool_new(const void *owner, size_t most)
{
	struct backend_pool *p = NEW(owner, struct backend_pool);
	p->most = most ? most : BACKENDS_DEFAULT;
	p->waiting_end = &p->waiting;
	return p;
}

/* ---- opened, lent, given back, closed ---- */

/* Of back ends that are as good as each other for the session. */
static const uint8_t *
key_of(struct session *s)
{
	const struct database *d = &s->database;
	if (s->keyed)
		return s->pool_key;
	SCOPED char *text = memory_format(NULL, "%.*s\n%.*s\n%u\n%.*s\n%.*s", SLICE_ARGUMENTS(d->host), SLICE_ARGUMENTS(d->address), d->port,
	                                  SLICE_ARGUMENTS(d->name), SLICE_ARGUMENTS(d->role));
	for (size_t i = 0; i < s->setting_count; i++)
		text = talloc_asprintf_append(text, "\n%.*s\t%.*s", SLICE_ARGUMENTS(s->settings[i].name), SLICE_ARGUMENTS(s->settings[i].value));
	sha256(slice_text(text), s->pool_key);
	s->keyed = true;
	return s->pool_key;
}

void
backend_rekey(struct session *s)
{
	s->keyed = false;
	memcpy(s->backend->key, key_of(s), DIGEST_SIZE);
}

static void
lend(struct backend *b, struct session *s)
{
	b->session = s;
	s->backend = b;
	s->upstream = b->upstream;
	s->back = (struct frames){ 0 };
	s->unnamed_here = false;
}

static void
unlink_backend(struct backend *b)
{
	struct backend **at = &b->worker->backends->backends;
	while (*at && *at != b)
		at = &(*at)->next;
	if (*at)
		*at = b->next;
	b->worker->backends->count--;
}

static void
bury(void *argument)
{
	talloc_free(argument);
}

/* Not freed at once: this may be inside one of its own calls. */
static void
close_backend(struct backend *b)
{
	struct timer *t;
	if (b->dead)
		return;
	b->dead = true;
	ours_remove(b->worker->postgres->ours, TAKE(b->ours));
	upstream_close(b->upstream);
	unlink_backend(b);
	if (timer_new(b, b->worker->loop, bury, b, &t) == NULL)
		timer_set(t, 0);
}

static struct slice
copy(const void *owner, struct slice s)
{
	return s.size ? memory_copy(owner, s) : s;
}

static void
copy_database(struct backend *b, const struct database *d)
{
	b->database = *d;
	b->database.host = copy(b, d->host);
	b->database.address = copy(b, d->address);
	b->database.name = copy(b, d->name);
	b->database.root_ca = copy(b, d->root_ca);
	b->database.certificate = copy(b, d->certificate);
	b->database.key = copy(b, d->key);
	b->database.password = copy(b, d->password);
	b->database.role = copy(b, d->role);
}

static void
ready(void *argument)
{
	struct backend *b = argument;
	b->ready = true;
	b->ours = ours_add(b->worker->postgres->ours, b->place, upstream_pid(b->upstream));
	b->since = clock_monotonic();
	if (!b->session)
		return;
	b->session->crowded_since = 0;
	enter_attached(b->session);
}

static void
received(void *argument, struct slice input)
{
	struct backend *b = argument;
	if (b->session)
		back_received(b->session, input);
	else
		close_backend(b);       /* nobody has asked it anything: it is going */
}

static void
drained(void *argument)
{
	struct backend *b = argument;
	if (b->session)
		session_resume(b->session);
}

static void serve_waiting(struct postgres_worker *);

static void wait_in_line(struct session *);

/* The role has as many sessions at the server as it may (its CONNECTION LIMIT): some of them are idle here, or at another
 * worker, under other settings. */
static bool
waits_for_room(struct backend *b, struct session *s, struct slice said)
{
	char sqlstate[6] = "";
	int64_t now = clock_monotonic();
	if (said.size)
		error_sqlstate(said, sqlstate);
	if (b->ready || strcmp(sqlstate, "53300") != 0 || s->learning)
		return false;
	if (!s->crowded_since)
		s->crowded_since = now;
	atomic_store(&b->worker->postgres->crowded_until, now + SECONDS(CROWDED_SECONDS));
	if (now - s->crowded_since > SECONDS(WAIT_SECONDS))
		return false;
	wait_in_line(s);
	return true;
}

static void
ended(void *argument, err_t e, struct slice said)
{
	struct backend *b = argument;
	struct session *s = TAKE(b->session);
	struct postgres_worker *w = b->worker;
	if (s) {
		s->backend = NULL;
		s->upstream = NULL;
		if (!waits_for_room(b, s, said))
			enter_lost(s, e, said);
	}
	close_backend(b);
	serve_waiting(w);
}

static fallible
open_backend(struct session *s)
{
	struct postgres_worker *w = s->worker;
	struct backend *b = NEW(w, struct backend);
	b->worker = w;
	copy_database(b, &s->database);
	memcpy(b->key, key_of(s), DIGEST_SIZE);
	b->place = memory_copy(b, s->database_name);
	if (b->database.minted && (!w->options.identify || w->options.identify(w->options.argument, b, b->place, &b->database))) {
		talloc_free(b);
		return E_KEEPER;
	}
	const struct upstream_options o = {
		.database = &b->database, .settings = s->settings, .setting_count = s->setting_count, .ready = ready, .received = received,
		.drained = drained, .ended = ended, .argument = b,
	};
	err_t e = upstream_open(b, w->pool, w->loop, &o, &b->upstream);
	if (e) {
		talloc_free(b);
		return e;
	}
	b->next = w->backends->backends;
	w->backends->backends = b;
	w->backends->count++;
	lend(b, s);
	return NULL;
}

static struct backend *
find_idle(struct postgres_worker *w, const uint8_t *key)
{
	for (struct backend *b = w->backends->backends; b; b = b->next)
		if (!b->session && b->ready && (!key || memcmp(b->key, key, DIGEST_SIZE) == 0))
			return b;
	return NULL;
}

/* Room for one more: the one that has been idle longest goes. */
static bool
make_room(struct postgres_worker *w)
{
	struct backend *oldest = NULL;
	if (w->backends->count < w->backends->most)
		return true;
	for (struct backend *b = w->backends->backends; b; b = b->next)
		if (!b->session && b->ready)
			oldest = b;
	if (oldest)
		close_backend(oldest);
	return oldest != NULL;
}

static void
wait_in_line(struct session *s)
{
	struct backend_pool *p = s->worker->backends;
	s->next_waiting = NULL;
	*p->waiting_end = s;
	p->waiting_end = &s->next_waiting;
	s->waits_since = clock_monotonic();
}

bool
backend_acquire(struct session *s)
{
	if (s->backend)
		return s->backend->ready;
	if (s->waits_since)
		return false;
	struct backend *b = find_idle(s->worker, key_of(s));
	if (b) {
		lend(b, s);
		return true;
	}
	if (!make_room(s->worker)) {
		wait_in_line(s);
		return false;
	}
	err_t e = open_backend(s);
	if (e)
		session_fail(s, e, "the database's server cannot be reached");
	return false;
}

static void
leave_line(struct session *s)
{
	struct backend_pool *p = s->worker->backends;
	struct session **at = &p->waiting;
	if (!s->waits_since)
		return;
	s->waits_since = 0;
	while (*at && *at != s)
		at = &(*at)->next_waiting;
	if (*at)
		*at = s->next_waiting;
	p->waiting_end = &p->waiting;
	while (*p->waiting_end)
		p->waiting_end = &(*p->waiting_end)->next_waiting;
}

static void
serve_waiting(struct postgres_worker *w)
{
	struct session *s = w->backends->waiting;
	if (!s || (s->crowded_since && clock_monotonic() - s->waits_since < 1000 * CROWDED_MILLISECONDS))
		return;
	leave_line(s);
	if (backend_acquire(s))
		enter_attached(s);
}

static bool
is_clean(const struct session *s)
{
	return !s->dirty && !s->first && !s->pending && s->status == 'I' && !s->cancelling && !s->skipping && !s->back.inside && !s->back.have &&
	       s->state != SESSION_LEARNING && upstream_queued(s->upstream) == 0 && s->backend->name_count < STATEMENTS_KEPT;
}

static void
give_back(struct session *s)
{
	struct backend *b = TAKE(s->backend);
	struct backend_pool *p = s->worker->backends;
	s->upstream = NULL;
	b->session = NULL;
	b->since = clock_monotonic();
	upstream_pause(b->upstream, false);
	unlink_backend(b);
	p->count++;
	b->next = p->backends;
	p->backends = b;
	serve_waiting(s->worker);
}

void
backend_release(struct session *s)
{
	if (s->state == SESSION_OPEN && s->backend && s->database.pooled && !s->front.inside && !s->front.have && is_clean(s))
		give_back(s);
}

void
backend_drop(struct session *s)
{
	struct postgres_worker *w = s->worker;
	leave_line(s);
	if (!s->backend)
		return;
	if (s->backend->ready && s->database.pooled && is_clean(s)) {
		give_back(s);
		return;
	}
	if (s->answering)
		cancel_abandoned(s);
	struct backend *b = TAKE(s->backend);
	s->upstream = NULL;
	b->session = NULL;
	close_backend(b);
	serve_waiting(w);
}

static void
end_waiting(struct postgres_worker *w, int64_t now)
{
	for (struct session *s = w->backends->waiting, *next; s; s = next) {
		next = s->next_waiting;
		if (now - (s->crowded_since ? s->crowded_since : s->waits_since) > SECONDS(WAIT_SECONDS))
			session_fail(s, E_BUSY, "no back end became free within ten seconds");
	}
}

void
backend_sweep(struct postgres_worker *w, int64_t now)
{
	const bool crowded = now < atomic_load(&w->postgres->crowded_until);
	for (struct backend *b = w->backends->backends, *next; b; b = next) {
		next = b->next;
		if (!b->session && b->ready && now - b->since > (crowded ? 1000 * CROWDED_MILLISECONDS : SECONDS(IDLE_SECONDS)))
			close_backend(b);
	}
	serve_waiting(w);
	end_waiting(w, now);
}
