/* Slow preparations (password hashes) run on a worker of their own, so that no door's loop waits for them.
 *
 * The passage's tree is handed over whole: while the slow worker has it, its home does not touch it.
 */
#include "gate/inside.h"

#include "base/memory.h"

#include <pthread.h>
#include <sys/prctl.h>

struct line {
	pthread_mutex_t lock;
	struct passage *first, **last;
	struct waker *waker;
};

struct slow {
	struct line line;
	struct loop *loop;
	struct gate_worker *worker;
	pthread_t thread;
};

static void
push(struct line *l, struct passage *p)
{
	pthread_mutex_lock(&l->lock);
	p->next_in_line = NULL;
	*l->last = p;
	l->last = &p->next_in_line;
	pthread_mutex_unlock(&l->lock);
	waker_wake(l->waker);
}

static struct passage *
take_all(struct line *l)
{
	pthread_mutex_lock(&l->lock);
	struct passage *first = l->first;
	l->first = NULL;
	l->last = &l->first;
	pthread_mutex_unlock(&l->lock);
	return first;
}

static fallible
line_open(const void *owner, struct line *l, struct loop *loop, void (*woken)(void *), void *argument)
{
	pthread_mutex_init(&l->lock, NULL);
	l->last = &l->first;
	return waker_new(owner, loop, woken, argument, &l->waker);
}

/* ---- there … */

static void
send_home(struct passage *p)
{
	push(p->home->returned, p);
}

static void
slow_woken(void *argument)
{
	struct slow *s = argument;
	for (struct passage *p = take_all(&s->line), *next; p; p = next) {
		next = p->next_in_line;
		p->home_answered = p->answered;
		p->answered = send_home;
		gate_pass(s->worker, p);
	}
}

void
slow_enter(struct slow *s, struct gate_worker *home, struct passage *p)
{
	p->home = home;
	push(&s->line, p);
}

/* … and back ---- */

static void
home_woken(void *argument)
{
	struct gate_worker *w = argument;
	for (struct passage *p = take_all(w->returned), *next; p; p = next) {
		next = p->next_in_line;
		p->home_answered(p);
	}
}

fallible
returned_open(struct gate_worker *w, struct loop *loop)
{
	w->returned = NEW(w, struct line);
	return line_open(w, w->returned, loop, home_woken, w);
}

static void *
run(void *argument)
{
	struct slow *s = argument;
	prctl(PR_SET_NAME, "slow", 0, 0, 0);
	loop_run(s->loop);
	return NULL;
}

static int
close_slow(struct slow *s)
{
	loop_stop(s->loop);
	pthread_join(s->thread, NULL);
	return 0;
}

fallible
slow_open(struct gate *g, struct slow **out)
{
	struct slow *s = NEW(g, struct slow);
	TRY(loop_open(s, &s->loop));
	TRY(gate_worker_new(s, g, s->loop, &s->worker));
	TRY(line_open(s, &s->line, s->loop, slow_woken, s));
	if (pthread_create(&s->thread, NULL, run, s) != 0)
		return E_IO;
	talloc_set_destructor(s, close_slow);
	*out = s;
	return NULL;
}
