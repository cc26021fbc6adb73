#include "base/clock.h"

#include <pthread.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t known;                   /* the last time given out … */
static int64_t known_at;                /* … at this monotonic time */

static int64_t
read_clock(clockid_t which)
{
	struct timespec t;
	clock_gettime(which, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t
clock_monotonic(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

void
clock_start(int64_t last)
{
	pthread_mutex_lock(&lock);
	int64_t wall = read_clock(CLOCK_REALTIME);
	known = wall > last ? wall : last;
	known_at = clock_monotonic();
	pthread_mutex_unlock(&lock);
}

struct moment
clock_read(void)
{
	pthread_mutex_lock(&lock);
	int64_t wall = read_clock(CLOCK_REALTIME), mono = clock_monotonic();
	if (known == 0)
		known = wall;
	else if (mono > known_at)
		known += mono - known_at;
	known_at = mono;
	struct moment m = { .wall = wall };
	m.behind = wall < known - SECONDS(1);
	m.stepped = wall > known + SECONDS(CLOCK_STEP_SECONDS);
	if (wall > known && !m.stepped)
		known = wall;
	m.time = known;
	pthread_mutex_unlock(&lock);
	return m;
}

int64_t
clock_now(void)
{
	return clock_read().time;
}

void
clock_believe_step(void)
{
	pthread_mutex_lock(&lock);
	int64_t wall = read_clock(CLOCK_REALTIME);
	if (wall > known)
		known = wall;
	known_at = clock_monotonic();
	pthread_mutex_unlock(&lock);
}
