#include "test.h"

#include "base/clock.h"
#include "base/loop.h"

#include <pthread.h>
#include <unistd.h>

struct seen {
	struct loop *loop;
	struct waker *waker;
	int wakes, dues;
	char byte;
	int pipe[2];
	struct watch *watch;
};

static void
woken(void *argument)
{
	struct seen *s = argument;
	s->wakes++;
	ssize_t n = write(s->pipe[1], "x", 1);
	assert_int_equal(n, 1);
}

static void
readable(void *argument, unsigned what)
{
	struct seen *s = argument;
	assert_int_equal(what, WANT_READ);
	assert_int_equal(read(s->pipe[0], &s->byte, 1), 1);
	talloc_free(TAKE(s->watch));
}

static void
due(void *argument)
{
	struct seen *s = argument;
	s->dues++;
	loop_stop(s->loop);
}

static void *
wake_from_elsewhere(void *argument)
{
	waker_wake(argument);
	return NULL;
}

static void
wakes_watches_and_timers_run(void **state)
{
	(void)state;
	struct seen s = { 0 };
	struct timer *timer;
	pthread_t thread;
	assert_ok(loop_open(NULL, &s.loop));
	assert_int_equal(pipe(s.pipe), 0);
	assert_ok(waker_new(s.loop, s.loop, woken, &s, &s.waker));
	assert_ok(watch_new(s.loop, s.loop, s.pipe[0], readable, &s, &s.watch));
	watch_want(s.watch, WANT_READ);
	assert_ok(timer_new(s.loop, s.loop, due, &s, &timer));
	int64_t begun = clock_monotonic();
	timer_set(timer, 50000);
	pthread_create(&thread, NULL, wake_from_elsewhere, s.waker);
	loop_run(s.loop);
	pthread_join(thread, NULL);
	assert_true(clock_monotonic() - begun >= 45000);        /* libevent's clock is a coarse one, 4 ms */
	assert_int_equal(s.wakes, 1);
	assert_int_equal(s.dues, 1);
	assert_int_equal(s.byte, 'x');
	assert_null(s.watch);
	talloc_free(s.loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(wakes_watches_and_timers_run) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
