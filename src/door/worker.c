/* One worker's side of a door: accepts, and at the end of a turn of the loop runs who waits and frees who is closed. */
#include "base/clock.h"
#include "door/inside.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static void
set_turn(struct door_worker *w)
{
	if (!w->turn_set)
		timer_set(w->turn, 0);
	w->turn_set = true;
}

void
worker_wait(struct connection *c)
{
	struct door_worker *w = c->worker;
	if (c->waiting)
		return;
	c->waiting = true;
	c->next_waiting = NULL;
	*w->waiting_end = c;
	w->waiting_end = &c->next_waiting;
	set_turn(w);
}

void
worker_bury(struct connection *c)
{
	c->next_dead = c->worker->dead;
	c->worker->dead = c;
	set_turn(c->worker);
}

static void
run_waiting(struct door_worker *w)
{
	struct connection *c = TAKE(w->waiting), *next;
	w->waiting_end = &w->waiting;
	for (; c; c = next) {
		next = c->next_waiting;
		c->waiting = false;
		if (c->state != CONNECTION_CLOSED)
			connection_run(c);
	}
}

static void
free_dead(struct door_worker *w)
{
	struct connection *c = TAKE(w->dead), *next;
	for (; c; c = next) {
		next = c->next_dead;
		if (c->waiting) {
			worker_bury(c);
			continue;
		}
		connection_closed(c);
		*c->link = c->next;
		if (c->next)
			c->next->link = c->link;
		talloc_free(c);
	}
}

static void
end_drain(struct door_worker *w)
{
	void (*done)(void *) = TAKE(w->drained);
	timer_clear(w->drain_end);
	done(w->drained_argument);
}

static void
end_turn(void *argument)
{
	struct door_worker *w = argument;
	w->turn_set = false;
	run_waiting(w);
	free_dead(w);
	if (w->drained && !w->connections)
		end_drain(w);
}

static void
refuse(struct door *d, int fd)
{
	atomic_fetch_add(&d->counters.refused, 1);
	atomic_fetch_sub(&d->counters.open, 1);
	close(fd);
}

static void
admit(struct door_worker *w, int fd, const struct sockaddr_storage *from)
{
	struct door *d = w->door;
	atomic_fetch_add(&d->counters.accepted, 1);
	if (atomic_fetch_add(&d->counters.open, 1) >= d->limits.connections || connection_open(w, fd, from))
		refuse(d, fd);
}

/* The socket stays ready while it cannot be served: looking at once again would only spin. */
static void
pause_accepting(struct door_worker *w)
{
	watch_want(w->acceptor, 0);
	timer_set(w->accept_again, ACCEPT_PAUSE);
}

static void
accept_some(void *argument, unsigned what)
{
	struct door_worker *w = argument;
	(void)what;
	for (unsigned i = 0; i < ACCEPTS_A_TURN; i++) {
		struct sockaddr_storage from = { 0 };
		socklen_t size = sizeof from;
		int fd = accept4(w->door->fd, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			admit(w, fd, &from);
			continue;
		}
		if (errno == ECONNABORTED || errno == EINTR)
			continue;
		if (errno != EAGAIN)
			pause_accepting(w);     /* no descriptors left, or another worker has begun to drain */
		return;
	}
}

static void
accept_again(void *argument)
{
	struct door_worker *w = argument;
	if (w->acceptor)
		watch_want(w->acceptor, WANT_READ);
}

static int
close_worker(struct door_worker *w)
{
	TALLOC_FREE(w->acceptor);
	for (struct connection *c = w->connections; c; c = c->next)
		connection_closed(c);
	return 0;
}

static void
drain_over(void *argument)
{
	struct door_worker *w = argument;
	for (struct connection *c = w->connections; c; c = c->next)
		connection_kill(c);
	set_turn(w);
}

fallible
door_attach(const void *owner, struct door *d, struct loop *loop, void *context, struct door_worker **out)
{
	SCOPED struct door_worker *w = NEW(owner, struct door_worker);
	w->door = d;
	w->loop = loop;
	w->context = context;
	w->waiting_end = &w->waiting;
	TRY(timer_new(w, loop, end_turn, w, &w->turn));
	TRY(timer_new(w, loop, accept_again, w, &w->accept_again));
	TRY(timer_new(w, loop, drain_over, w, &w->drain_end));
	TRY(watch_new(w, loop, d->fd, accept_some, w, &w->acceptor));
	watch_want(w->acceptor, WANT_READ);
	talloc_set_destructor(w, close_worker);
	*out = TAKE(w);
	return NULL;
}

void
door_each(struct door_worker *w, void (*each)(void *argument, struct connection *), void *argument)
{
	for (struct connection *c = w->connections; c; c = c->next)
		if (c->session && c->state != CONNECTION_CLOSED)
			each(argument, c);
}

void
door_drain(struct door_worker *w, int64_t limit, void (*done)(void *argument), void *argument)
{
	TALLOC_FREE(w->acceptor);
	shutdown(w->door->fd, SHUT_RDWR);
	w->drained = done;
	w->drained_argument = argument;
	timer_set(w->drain_end, limit);
	for (struct connection *c = w->connections; c; c = c->next)
		connection_tell_draining(c);
	set_turn(w);
}
