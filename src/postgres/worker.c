/* The door's side of the gateway, its workers, and who is sent away. */
#include "postgres/lane.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdio.h>

enum { SESSIONS_DEFAULT = 1000, STREAMS_AGAIN = 40 };

void
postgres_role(struct slice prefix, struct slice salt, struct slice subscriber, char out[ROLE_TEXT])
{
	uint8_t digest[DIGEST_SIZE];
	char hex[2 * DIGEST_SIZE + 1];
	SCOPED char *text = memory_format(NULL, "%.*s%.*s", SLICE_ARGUMENTS(salt), SLICE_ARGUMENTS(subscriber));
	sha256(slice_text(text), digest);
	text_hex(slice_of(digest, sizeof digest), hex);
	snprintf(out, ROLE_TEXT, "%.*s_%.12s", prefix.size > 40 ? 40 : (int)prefix.size, (const char *)prefix.data, hex);
}

fallible
postgres_listen(const void *owner, const struct postgres_options *options, struct postgres **out)
{
	SCOPED struct postgres *p = NEW(owner, struct postgres);
	struct door_options door = options->door;
	const char *which;
	TRY(analysis_check(&which));
	door.protocol = &postgres_protocol;
	door.plain_first = door.direct_too = true;
	if (!door.limits.idle)
		door.limits.idle = DAYS(1);
	p->keys = keys_table_new(p);
	p->directory = directory_new(p);
	p->ours = ours_new(p);
	TRY(door_listen(p, &door, &p->door));
	*out = TAKE(p);
	return NULL;
}

struct door *
postgres_door(const struct postgres *p)
{
	return p->door;
}

/* ---- who is sent away ---- */

/* What has been running since the last look: may it go on? */
static bool
may_go_on(struct session *s)
{
	struct turn *t = turn_running(s);
	if (!t)
		return true;
	if (!t->seen) {
		t->seen = true;
		return true;
	}
	s->judged_at = 0;
	return visit_judge(s, lane_action(s, t->statement), t->statement);
}

/* Applications that were found again in one look, the last of them: pools hold many sessions of one. */
struct bound {
	void *scope;
	struct slice name, user;
	struct database database;
};

/* An application may have been taken from its database, or given another key. */
static bool
still_bound(const struct session *s, struct bound *b)
{
	const struct postgres_worker_options *o = &s->worker->options;
	if (!s->application || !s->found)
		return true;
	if (!slice_equal(b->name, s->database_name) || !slice_equal(b->user, s->user)) {
		b->name = memory_copy(b->scope, s->database_name);
		b->user = memory_copy(b->scope, s->user);
		b->database = (struct database){ .user = s->user };
		if (o->find(o->argument, b->scope, b->name, slice_of(NULL, 0), &b->database))
			b->database = (struct database){ 0 };
	}
	return slice_equal(b->database.binding_key, s->database.binding_key) && slice_equal(b->database.setting, s->database.setting);
}

static void
look(struct postgres_worker *w, bool credentials)
{
	SCOPED void *scope = talloc_new(NULL);
	struct bound bound = { .scope = scope };
	for (struct session *s = w->sessions, *next; s; s = next) {
		next = s->next;
		if (!s->known || s->state == SESSION_ENDED)
			continue;
		if (credentials && !gate_credential_check(w->options.gate, s->digest))
			session_send_away(s, "The credential has ended");
		else if (credentials && !still_bound(s, &bound))
			session_send_away(s, "The application's work on this database has ended, or was given another key");
		else if (s->state == SESSION_OPEN && !may_go_on(s))
			session_send_away(s, "The right to what was being shown has ended");
	}
}

static void
changed(void *argument)
{
	look(argument, true);
}

/* For grants that end by the clock. */
static void
look_again(void *argument)
{
	struct postgres_worker *w = argument;
	int64_t now = clock_monotonic();
	look(w, false);
	for (struct session *s = w->sessions; s; s = s->next)
		effect_time(s, now);
	backend_sweep(w, now);
	timer_set(w->streams, STREAMS_AGAIN * 1000);
}

/* ---- attached ---- */

fallible
postgres_attach(const void *owner, struct postgres *p, struct loop *loop, const struct postgres_worker_options *options,
                struct postgres_worker **out)
{
	SCOPED struct postgres_worker *w = NEW(owner, struct postgres_worker);
	w->postgres = p;
	w->loop = loop;
	w->options = *options;
	if (!w->options.sessions)
		w->options.sessions = SESSIONS_DEFAULT;
	w->pool = upstream_pool_new(w);
	w->backends = backend_pool_new(w, w->options.backends);
	w->analyses = analysis_cache_new(w);
	w->catalogues = catalogue_book_new(w);
	w->cancels = cancel_queue_new(w, w);
	w->enders = enders_new(w, w);
	if (!w->cancels || !w->enders)
		return E_IO;
	TRY(timer_new(w, loop, look_again, w, &w->streams));
	TRY(door_attach(w, p->door, loop, w, &w->door));
	gate_on_change(options->gate, changed, w);
	timer_set(w->streams, STREAMS_AGAIN * 1000);
	*out = TAKE(w);
	return NULL;
}

struct door_worker *
postgres_door_worker(const struct postgres_worker *w)
{
	return w->door;
}

struct postgres_counts
postgres_counts(const struct postgres_worker *w)
{
	return w->counts;
}
