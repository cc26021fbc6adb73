/* clock.h - public: the one clock. Microseconds since 1970 UTC.
 *
 * The time is the later of the wall clock and the last known time plus what the monotonic clock has counted
 * (DESIGN §3): it never decreases. A forward step of more than five minutes while running is not believed until
 * clock_believe_step(), or the next start. Any thread.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define SECONDS(n) ((int64_t)(n)*1000000)
#define MINUTES(n) SECONDS(60 * (int64_t)(n))
#define HOURS(n) MINUTES(60 * (int64_t)(n))
#define DAYS(n) HOURS(24 * (int64_t)(n))

enum { CLOCK_STEP_SECONDS = 300 };

struct moment {
	int64_t time;                   /* what counts */
	int64_t wall;                   /* what the wall clock said */
	bool behind;                    /* the wall clock stands behind: an entry bears it in outcome `wall` */
	bool stepped;                   /* it is more than five minutes ahead and not believed */
};

/* `last` is the last time known from before, 0 if none. */
void clock_start(int64_t last);
struct moment clock_read(void);
int64_t clock_now(void);
void clock_believe_step(void);

/* For intervals only. */
int64_t clock_monotonic(void);
