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
	int64_t told;                   /* monotonic: not at each try */
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

static void
tell(struct reserve *r, enum level level, const char *event, const char *then)
{
	int64_t now = clock_monotonic();
	if (r->told && now - r->told < SECONDS(1))
		return;
	r->told = now;
	log_event(level, event, "then", then, NULL);
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
	tell(r, LOG_ERROR, "disk.full", "only operators' operations are recorded, until there is room again");
}

void
reserve_try(struct reserve *r)
{
	struct statvfs v;
	if (!r->given)
		return;
	if (statvfs(r->folder, &v) != 0 || v.f_bavail * v.f_frsize < 2 * (uint64_t)RESERVE || !allocate(r->path))
		return;
	r->given = false;
	tell(r, LOG_WARNING, "disk.room", "everything is recorded again");
}
