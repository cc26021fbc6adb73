#include "base/loop.h"

#include "base/memory.h"

#include <event2/event.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* The oldest child of the loop, and so the last to go: what hangs on the loop ends before its base. */
struct base {
	struct event_base *base;
};

struct loop {
	struct event_base *base;
	struct waker *stopper;
	atomic_bool stopping;
};

struct watch {
	struct event *event;
	struct event_base *base;
	int fd;
	unsigned wanted;
	void (*ready)(void *, unsigned);
	void *argument;
};

struct timer {
	struct event *event;
	void (*due)(void *);
	void *argument;
};

struct waker {
	int fd;
	atomic_bool pending;
	struct watch *watch;
	void (*woken)(void *);
	void *argument;
};

static int
close_base(struct base *b)
{
	event_base_free(b->base);
	return 0;
}

static void
stop_now(void *argument)
{
	struct loop *l = argument;
	event_base_loopbreak(l->base);
}

fallible
loop_open(const void *owner, struct loop **out)
{
	struct loop *l = NEW(owner, struct loop);
	struct base *base = NEW(l, struct base);
	struct event_config *config = event_config_new();
	if (config) {
		event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
		l->base = event_base_new_with_config(config);
		event_config_free(config);
	}
	if (!l->base) {
		talloc_free(l);
		return E_IO;
	}
	base->base = l->base;
	talloc_set_destructor(base, close_base);
	TRY(waker_new(l, l, stop_now, l, &l->stopper));
	*out = l;
	return NULL;
}

void
loop_run(struct loop *l)
{
	while (!atomic_load(&l->stopping))
		if (event_base_loop(l->base, EVLOOP_NO_EXIT_ON_EMPTY) < 0)
			return;
}

void
loop_stop(struct loop *l)
{
	atomic_store(&l->stopping, true);
	waker_wake(l->stopper);
}

static int
close_watch(struct watch *w)
{
	if (w->event)
		event_free(w->event);
	return 0;
}

static void
watch_ready(evutil_socket_t fd, short what, void *argument)
{
	struct watch *w = argument;
	(void)fd;
	w->ready(w->argument, (what & EV_READ ? WANT_READ : 0u) | (what & EV_WRITE ? WANT_WRITE : 0u));
}

fallible
watch_new(const void *owner, struct loop *l, int fd, void (*ready)(void *, unsigned), void *argument, struct watch **out)
{
	struct watch *w = NEW(owner, struct watch);
	w->base = l->base;
	w->fd = fd;
	w->ready = ready;
	w->argument = argument;
	w->event = event_new(l->base, fd, 0, watch_ready, w);
	if (!w->event) {
		talloc_free(w);
		return E_IO;
	}
	talloc_set_destructor(w, close_watch);
	*out = w;
	return NULL;
}

void
watch_want(struct watch *w, unsigned what)
{
	if (what == w->wanted)
		return;
	event_del(w->event);
	w->wanted = what;
	short events = (short)((what & WANT_READ ? EV_READ : 0) | (what & WANT_WRITE ? EV_WRITE : 0) | EV_PERSIST);
	event_assign(w->event, w->base, w->fd, events, watch_ready, w);
	if (what)
		event_add(w->event, NULL);
}

static int
close_timer(struct timer *t)
{
	event_free(t->event);
	return 0;
}

static void
timer_due(evutil_socket_t fd, short what, void *argument)
{
	struct timer *t = argument;
	(void)fd;
	(void)what;
	t->due(t->argument);
}

fallible
timer_new(const void *owner, struct loop *l, void (*due)(void *), void *argument, struct timer **out)
{
	struct timer *t = NEW(owner, struct timer);
	t->due = due;
	t->argument = argument;
	t->event = event_new(l->base, -1, 0, timer_due, t);
	if (!t->event) {
		talloc_free(t);
		return E_IO;
	}
	talloc_set_destructor(t, close_timer);
	*out = t;
	return NULL;
}

void
timer_set(struct timer *t, int64_t micros)
{
	struct timeval after = { micros / 1000000, micros % 1000000 };
	event_add(t->event, &after);
}

void
timer_clear(struct timer *t)
{
	event_del(t->event);
}

static int
close_waker(struct waker *w)
{
	talloc_free(w->watch);
	close(w->fd);
	return 0;
}

static void
waker_ready(void *argument, unsigned what)
{
	struct waker *w = argument;
	uint64_t count;
	(void)what;
	ssize_t ignored = read(w->fd, &count, sizeof count);
	(void)ignored;
	atomic_store(&w->pending, false);
	w->woken(w->argument);
}

fallible
waker_new(const void *owner, struct loop *l, void (*woken)(void *), void *argument, struct waker **out)
{
	struct waker *w = NEW(owner, struct waker);
	w->woken = woken;
	w->argument = argument;
	w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->fd < 0) {
		talloc_free(w);
		return E_IO;
	}
	talloc_set_destructor(w, close_waker);
	TRY(watch_new(w, l, w->fd, waker_ready, w, &w->watch));
	watch_want(w->watch, WANT_READ);
	*out = w;
	return NULL;
}

void
waker_wake(struct waker *w)
{
	const uint64_t one = 1;
	if (atomic_exchange(&w->pending, true))
		return;
	ssize_t ignored = write(w->fd, &one, sizeof one);
	(void)ignored;
}
