/* clock.c - a wall clock that a test owns: CLOCK_FILE names a file of one int64, seconds to add, mapped at start. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *offset;

__attribute__((constructor)) static void
map_offset(void)
{
	const char *file = getenv("CLOCK_FILE");
	int fd = file ? open(file, O_RDONLY | O_CLOEXEC) : -1;
	void *page = fd >= 0 ? mmap(NULL, 8, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
	if (fd >= 0)
		close(fd);
	if (page != MAP_FAILED)
		offset = page;
}

int
clock_gettime(clockid_t which, struct timespec *t)
{
	long result = syscall(SYS_clock_gettime, which, t);
	if (which == CLOCK_REALTIME && offset)
		t->tv_sec += *offset;
	return (int)result;
}
