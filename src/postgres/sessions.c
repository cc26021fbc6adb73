/* The open sessions of all workers: seen from any thread, ended by their own. */
#include "postgres/session.h"

#include "base/clock.h"
#include "base/id.h"

enum { ENDING_MAX = 256 };

/* Filled by any thread under the directory's lock, emptied by the worker's. */
struct enders {
	struct postgres_worker *worker;
	struct directory *directory;
	struct waker *waker;
	size_t count;
	struct id ending[ENDING_MAX];
};

/* Of one session. Its own copies: read by any thread under the lock. */
struct place {
	struct place *next, **link;
	struct id id;
	struct open_session session;
	struct enders *enders;
};

struct directory {
	pthread_mutex_t lock;
	struct place *places;
};

static int
free_directory(struct directory *d)
{
	pthread_mutex_destroy(&d->lock);
	return 0;
}

struct directory *
directory_new(const void *owner)
{
	struct directory *d = NEW(owner, struct directory);
	pthread_mutex_init(&d->lock, NULL);
	talloc_set_destructor(d, free_directory);
	return d;
}

void
directory_enter(struct session *s)
{
	struct directory *d = s->worker->postgres->directory;
	struct place *p = NEW(NULL, struct place);
	p->id = id_new("ses_");
	p->enders = s->worker->enders;
	p->session = (struct open_session){
		.id = id_slice(&p->id),
		.actor = memory_copy(p, s->principal),
		.person = memory_copy(p, s->person),
		.database = memory_copy(p, s->database_name),
		.subscriber = memory_copy(p, s->subscriber),
		.from = memory_copy(p, s->from),
		.since = clock_now(),
	};
	pthread_mutex_lock(&d->lock);
	p->next = d->places;
	p->link = &d->places;
	if (p->next)
		p->next->link = &p->next;
	d->places = p;
	pthread_mutex_unlock(&d->lock);
	s->place_of = p;
}

void
directory_leave(struct session *s)
{
	struct directory *d = s->worker->postgres->directory;
	struct place *p = TAKE(s->place_of);
	if (!p)
		return;
	pthread_mutex_lock(&d->lock);
	*p->link = p->next;
	if (p->next)
		p->next->link = p->link;
	pthread_mutex_unlock(&d->lock);
	talloc_free(p);
}

fallible
postgres_sessions(struct postgres *g, err_t (*each)(void *, const struct open_session *), void *argument)
{
	struct directory *d = g->directory;
	err_t e = NULL;
	pthread_mutex_lock(&d->lock);
	for (const struct place *p = d->places; p && !e; p = p->next)
		e = each(argument, &p->session);
	pthread_mutex_unlock(&d->lock);
	return e;
}

bool
postgres_session_end(struct postgres *g, struct slice id)
{
	struct directory *d = g->directory;
	pthread_mutex_lock(&d->lock);
	struct place *p = d->places;
	while (p && !slice_equal(id_slice(&p->id), id))
		p = p->next;
	bool found = p && p->enders->count < ENDING_MAX;
	if (found) {
		p->enders->ending[p->enders->count++] = p->id;
		waker_wake(p->enders->waker);
	}
	pthread_mutex_unlock(&d->lock);
	return found;
}

/* ---- on the worker ---- */

static void
end_session(struct postgres_worker *w, struct slice id)
{
	for (struct session *s = w->sessions, *next; s; s = next) {
		next = s->next;
		if (s->place_of && slice_equal(id_slice(&s->place_of->id), id))
			session_send_away(s, "It was ended: sekisho session end");
	}
}

static void
asked(void *argument)
{
	struct enders *e = argument;
	struct id ending[ENDING_MAX];
	pthread_mutex_lock(&e->directory->lock);
	size_t count = e->count;
	memcpy(ending, e->ending, count * sizeof *ending);
	e->count = 0;
	pthread_mutex_unlock(&e->directory->lock);
	for (size_t i = 0; i < count; i++)
		end_session(e->worker, id_slice(&ending[i]));
}

struct enders *
enders_new(const void *owner, struct postgres_worker *w)
{
	struct enders *e = NEW(owner, struct enders);
	e->worker = w;
	e->directory = w->postgres->directory;
	if (waker_new(e, w->loop, asked, e, &e->waker))
		TALLOC_FREE(e);
	return e;
}
