/* The clock under a wall clock that a test owns: this program's clock_gettime stands before libc's. */
#include "test.h"

#include "base/clock.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int64_t wall_offset;             /* microseconds */

int
clock_gettime(clockid_t which, struct timespec *t)
{
	long result = syscall(SYS_clock_gettime, which, t);
	if (which == CLOCK_REALTIME)
		t->tv_sec += wall_offset / 1000000;
	return (int)result;
}

static void
time_never_goes_back(void **state)
{
	(void)state;
	wall_offset = 0;
	clock_start(0);
	int64_t before = clock_now();
	wall_offset = -HOURS(1);
	struct moment m = clock_read();
	assert_true(m.time >= before && m.time < before + SECONDS(1));
	assert_true(m.behind);
	assert_true(m.wall < before - MINUTES(59));
	wall_offset = 0;
	assert_false(clock_read().behind);
}

static void
a_long_step_forward_waits_to_be_believed(void **state)
{
	(void)state;
	wall_offset = 0;
	clock_start(0);
	int64_t before = clock_now();
	wall_offset = SECONDS(200);
	assert_true(clock_now() >= before + SECONDS(200));
	wall_offset = HOURS(48);
	struct moment m = clock_read();
	assert_true(m.stepped);
	assert_true(m.time < before + SECONDS(210));
	clock_believe_step();
	assert_true(clock_now() >= before + HOURS(48));
}

static void
the_start_believes_the_later_of_both(void **state)
{
	(void)state;
	wall_offset = 0;
	int64_t ahead = clock_now() + DAYS(1);
	clock_start(ahead);
	assert_true(clock_now() >= ahead);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_never_goes_back), cmocka_unit_test(a_long_step_forward_waits_to_be_believed),
		cmocka_unit_test(the_start_believes_the_later_of_both),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
