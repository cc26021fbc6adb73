/* forget.c - a disk that forgets what was not synced, for tests: LD_PRELOAD it, with FORGET_COUNT naming a file of 16 bytes.
 *
 * Each fsync and fdatasync copies the file as it is to DIR/.synced/NAME (the test makes those folders). When the number of
 * syncs reaches the one in the count file, everything stops at that moment: before the copy if the number is odd, after it if
 * it is even. The test then lays the copies in the files' place, and removes files that have none: that is the disk after
 * the power came back. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct count {
	_Atomic uint32_t syncs, stop;
	_Atomic uint32_t stopped;
};

static struct count *count;

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("FORGET_COUNT");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	if (fd >= 0)
		count = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
}

static void
keep(int fd)
{
	char link[64], path[512], to[600], whole[640], data[65536];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof path - 1);
	if (n <= 0)
		return;
	path[n] = '\0';
	char *slash = strrchr(path, '/');
	if (!slash)
		return;
	snprintf(to, sizeof to, "%.*s/.synced/%s", (int)(slash - path), path, slash + 1);
	snprintf(whole, sizeof whole, "%s.%d", to, gettid());     /* another thread may stop us all in the middle */
	int out = open(whole, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (out < 0)
		return;
	off_t at = 0;
	while ((n = pread(fd, data, sizeof data, at)) > 0) {
		(void)!pwrite(out, data, (size_t)n, at);
		at += n;
	}
	close(out);
	syscall(SYS_rename, whole, to);
}

static int
synced(int fd, int (*real)(int))
{
	if (!count)
		return real(fd);
	if (count->stopped)
		_exit(9);
	uint32_t number = atomic_fetch_add(&count->syncs, 1) + 1;
	if (count->stop && number >= count->stop) {
		if (number % 2 == 0)
			keep(fd);
		count->stopped = 1;
		_exit(9);
	}
	keep(fd);
	return real(fd);
}

int
fsync(int fd)
{
	static int (*real)(int);
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "fsync");
	return synced(fd, real);
}

int
fdatasync(int fd)
{
	static int (*real)(int);
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
	return synced(fd, real);
}

/* A file that takes another's place does so with what was synced of it. */
int
rename(const char *from, const char *to)
{
	static int (*real)(const char *, const char *);
	char a[600], b[600];
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "rename");
	if (count && count->stopped)
		_exit(9);
	const char *slash = strrchr(from, '/'), *other = strrchr(to, '/');
	if (count && slash && other) {
		snprintf(a, sizeof a, "%.*s/.synced/%s", (int)(slash - from), from, slash + 1);
		snprintf(b, sizeof b, "%.*s/.synced/%s", (int)(other - to), to, other + 1);
		real(a, b);
	}
	return real(from, to);
}
