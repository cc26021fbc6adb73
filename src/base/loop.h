/* loop.h - public: the thin face of the event loop (libevent's core behind it): readiness, timers, waking.
 *
 * A loop and all that hangs on it belong to the thread that runs it; only waker_wake() and loop_stop() may be
 * called from others. Freeing a watch, timer or waker ends it, from inside its own call-back too.
 */
#pragma once
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum { WANT_READ = 1, WANT_WRITE = 2 };

struct loop;
struct watch;
struct timer;
struct waker;

fallible loop_open(const void *owner, struct loop **out);
/* Returns when loop_stop() was called. */
void loop_run(struct loop *);
void loop_stop(struct loop *);

/* Calls `ready` with what is ready of WANT_READ | WANT_WRITE, again and again while it is. Wants nothing at first. */
fallible watch_new(const void *owner, struct loop *, int fd, void (*ready)(void *, unsigned what), void *argument,
                   struct watch **out);
void watch_want(struct watch *, unsigned what);

/* One shot, after `micros`, give or take the 4 ms of a coarse clock; setting it again replaces the time. */
fallible timer_new(const void *owner, struct loop *, void (*due)(void *), void *argument, struct timer **out);
void timer_set(struct timer *, int64_t micros);
void timer_clear(struct timer *);

/* `woken` runs once on the loop's thread after any number of wakes. */
fallible waker_new(const void *owner, struct loop *, void (*woken)(void *), void *argument, struct waker **out);
void waker_wake(struct waker *);
