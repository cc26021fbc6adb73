#include "record/reserve.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { RESERVE = 4 << 20 };

struct reserve {
	char *path, *folder;
	bool given;
	int64_t tried;
};

static bool
allocate(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	bool good = posix_fallocate(fd, 0, RESERVE) == 0 && fsync(fd) == 0;
	close(fd);
	return good;
}

static bool
release(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	bool good = fd >= 0 && ftruncate(fd, 0) == 0;
	if (fd >= 0)
		close(fd);
	return good;
}

struct reserve *
reserve_open(const void *owner, const char *dir)
{
	struct reserve *r = NEW(owner, struct reserve);
	r->folder = memory_format(r, "%s/store", dir);
	r->path = memory_format(r, "%s/reserve", r->folder);
	r->given = !allocate(r->path);
	if (r->given)
		(void)release(r->path);
	return r;
}

bool
reserve_is_given(const struct reserve *r)
{
	return r->given;
}

void
reserve_give(struct reserve *r)
{
	if (r->given)
		return;
	r->given = release(r->path);
	log_event(LOG_ERROR, "disk.full", "then", "only operators' operations are recorded, until there is room again", NULL);
}

void
reserve_try(struct reserve *r)
{
	struct statvfs v;
	int64_t now = clock_monotonic();
	if (!r->given || now - r->tried < SECONDS(1))
		return;
	r->tried = now;
	if (statvfs(r->folder, &v) != 0 || v.f_bavail * v.f_frsize < 2 * (uint64_t)RESERVE || !allocate(r->path))
		return;
	r->given = false;
	log_event(LOG_WARNING, "disk.room", "then", "everything is recorded again", NULL);
}
