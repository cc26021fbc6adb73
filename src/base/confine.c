#include "base/confine.h"

#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { K = 1 << ROLE_KEEPER, S = 1 << ROLE_SERVE, C = 1 << ROLE_COURIER, ALL = K | S | C };

const char *
role_name(enum role role)
{
	static const char *const names[ROLE_COUNT] = { "keeper", "serve", "courier" };
	return names[role];
}

/* ---- system calls: what is not listed fails with EPERM; nobody executes, traces or signals others ---- */

static const struct { int call; unsigned roles; } calls[] = {
#define CALL(name, roles) { SCMP_SYS(name), roles }
	/* memory, threads, time, signals of one's own */
	CALL(brk, ALL), CALL(mmap, ALL), CALL(munmap, ALL), CALL(mprotect, ALL), CALL(mremap, ALL), CALL(madvise, ALL),
	CALL(mlock, ALL), CALL(mlock2, ALL), CALL(munlock, ALL), CALL(futex, ALL), CALL(set_robust_list, ALL),
	CALL(rseq, ALL), CALL(membarrier, ALL), CALL(sched_yield, ALL), CALL(sched_getaffinity, ALL),
	CALL(clock_gettime, ALL), CALL(clock_nanosleep, ALL), CALL(nanosleep, ALL), CALL(gettimeofday, ALL), CALL(time, ALL),
	CALL(getpid, ALL), CALL(gettid, ALL), CALL(getppid, ALL), CALL(getuid, ALL), CALL(geteuid, ALL), CALL(getgid, ALL),
	CALL(getegid, ALL), CALL(getrandom, ALL), CALL(uname, ALL), CALL(sysinfo, ALL), CALL(getcpu, ALL),
	CALL(getrusage, ALL), CALL(rt_sigaction, ALL), CALL(rt_sigprocmask, ALL), CALL(rt_sigreturn, ALL),
	CALL(sigaltstack, ALL), CALL(restart_syscall, ALL), CALL(exit, ALL), CALL(exit_group, ALL), CALL(wait4, S),
	/* descriptors and files: Landlock says which */
	CALL(read, ALL), CALL(write, ALL), CALL(readv, ALL), CALL(writev, ALL), CALL(pread64, ALL), CALL(pwrite64, ALL),
	CALL(preadv, S), CALL(pwritev, S), CALL(lseek, ALL), CALL(close, ALL), CALL(dup, ALL), CALL(dup2, ALL), CALL(dup3, ALL),
	CALL(fcntl, ALL), CALL(open, ALL), CALL(openat, ALL), CALL(stat, ALL), CALL(lstat, ALL), CALL(fstat, ALL),
	CALL(newfstatat, ALL), CALL(statx, ALL), CALL(access, ALL), CALL(faccessat, ALL), CALL(faccessat2, ALL),
	CALL(readlink, ALL), CALL(readlinkat, ALL), CALL(getcwd, ALL), CALL(getdents64, ALL), CALL(statfs, S), CALL(fstatfs, S),
	CALL(flock, K | S), CALL(fsync, K | S), CALL(fdatasync, K | S), CALL(sync_file_range, S), CALL(ftruncate, K | S),
	CALL(fallocate, K | S), CALL(rename, K | S), CALL(renameat, K | S), CALL(renameat2, K | S), CALL(unlink, K | S),
	CALL(unlinkat, K | S), CALL(mkdir, S), CALL(mkdirat, S), CALL(rmdir, S), CALL(fchmod, S), CALL(fchown, S),
	/* waiting, and sockets that are there already */
	CALL(poll, ALL), CALL(ppoll, ALL), CALL(epoll_create1, S | C), CALL(epoll_ctl, S | C), CALL(epoll_wait, S | C),
	CALL(epoll_pwait, S | C), CALL(epoll_pwait2, S | C), CALL(eventfd2, S | C), CALL(pipe2, S | C),
	CALL(timerfd_create, S | C), CALL(timerfd_settime, S | C),
	CALL(sendto, ALL), CALL(recvfrom, ALL), CALL(sendmsg, ALL), CALL(recvmsg, ALL), CALL(shutdown, ALL),
	CALL(accept, S), CALL(accept4, S), CALL(getsockname, S | C), CALL(getpeername, S | C), CALL(getsockopt, S | C),
	CALL(setsockopt, S | C),
	/* outward, by name: the courier alone */
	CALL(socket, C), CALL(connect, C), CALL(socketpair, C), CALL(bind, C), CALL(sendmmsg, C), CALL(ioctl, C),
#undef CALL
};

static bool
allow_some(scmp_filter_ctx filter, enum role role)
{
	bool good = true;
	/* a thread, never a process; clone3 hides its flags, so libc is told that it is not there */
	if (role != ROLE_KEEPER) {
		const uint64_t thread = CLONE_THREAD | CLONE_VM | CLONE_SIGHAND;
		good &= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
		                         SCMP_A0(SCMP_CMP_MASKED_EQ, thread, thread)) == 0;
		good &= seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0;
	}
	good &= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
	                         SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid())) == 0;
	good &= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME)) == 0;
	good &= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, SCMP_A2(SCMP_CMP_EQ, 0)) == 0;
	return good;
}

static bool
filter_calls(enum role role)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!filter)
		return false;
	bool good = allow_some(filter, role);
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		if (calls[i].roles & 1u << role)
			good &= seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i].call, 0) == 0;
	good = good && seccomp_load(filter) == 0;
	seccomp_release(filter);
	return good;
}

/* ---- files and TCP: Landlock (linux/landlock.h of Debian 12 is older than its backported kernels) ---- */

enum {
	LANDLOCK_CREATE = 444, LANDLOCK_ADD = 445, LANDLOCK_RESTRICT = 446, LANDLOCK_VERSION = 1, LANDLOCK_BENEATH = 1,
	FS_EXECUTE = 1 << 0, FS_WRITE_FILE = 1 << 1, FS_READ_FILE = 1 << 2, FS_READ_DIR = 1 << 3, FS_REFER = 1 << 13,
	FS_TRUNCATE = 1 << 14, FS_FIRST = (1 << 13) - 1,
	FS_READ = FS_READ_FILE | FS_READ_DIR,
	NET_BIND = 1 << 0, NET_CONNECT = 1 << 1,
};

struct landlock_rules {
	uint64_t fs, net, scoped;
};

struct __attribute__((packed)) landlock_beneath {
	uint64_t allowed;
	int32_t parent;
};

static const struct { const char *path; unsigned roles; bool write; } folders[] = {
	/* beneath D */
	{ "keeper", K, true },
	{ "store", S, true },
	{ "ledger", S, true },
	/* what libraries read late: resolver and trust for the courier, locale and modules for all */
	{ "/etc/ssl", ALL, false }, { "/etc/localtime", ALL, false }, { "/usr/share/zoneinfo", ALL, false },
	{ "/usr/lib", ALL, false }, { "/lib", ALL, false }, { "/dev/urandom", ALL, false }, { "/dev/null", ALL, false },
	{ "/proc/self", ALL, false }, { "/sys/devices/system/cpu", ALL, false },
	{ "/etc/resolv.conf", C, false }, { "/etc/hosts", C, false }, { "/etc/nsswitch.conf", C, false },
	{ "/etc/gai.conf", C, false }, { "/etc/ca-certificates", C, false }, { "/usr/share/ca-certificates", C, false },
};

static bool
add_path(int rules, const char *path, uint64_t allowed)
{
	struct landlock_beneath beneath = { .allowed = allowed, .parent = open(path, O_PATH | O_CLOEXEC) };
	if (beneath.parent < 0)
		return errno == ENOENT;
	long result = syscall(LANDLOCK_ADD, rules, LANDLOCK_BENEATH, &beneath, 0);
	if (result != 0 && errno == EINVAL) {           /* a file takes no right of a folder */
		beneath.allowed &= ~(uint64_t)(FS_READ_DIR | (FS_FIRST & ~(FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE)));
		beneath.allowed &= ~(uint64_t)FS_REFER;
		result = syscall(LANDLOCK_ADD, rules, LANDLOCK_BENEATH, &beneath, 0);
	}
	close(beneath.parent);
	return result == 0;
}

/* Where D/keeper cannot be hidden, everything else in D is listed by name. */
static bool
add_all_but_keeper(int rules, const char *dir)
{
	DIR *d = opendir(dir);
	bool good = d != NULL;
	for (struct dirent *e; good && (e = readdir(d)); ) {
		if (e->d_name[0] == '.' || strcmp(e->d_name, "keeper") == 0)
			continue;
		SCOPED char *path = memory_format(NULL, "%s/%s", dir, e->d_name);
		good = add_path(rules, path, FS_READ);
	}
	if (d)
		closedir(d);
	return good;
}

static bool
add_paths(int rules, enum role role, const char *dir, uint64_t every, bool hidden)
{
	bool good = hidden || role == ROLE_KEEPER ? add_path(rules, dir, FS_READ) : add_all_but_keeper(rules, dir);
	for (size_t i = 0; good && i < sizeof folders / sizeof *folders; i++) {
		if (!(folders[i].roles & 1u << role))
			continue;
		SCOPED char *path = memory_format(NULL, "%s%s%s", folders[i].path[0] == '/' ? "" : dir,
		                                  folders[i].path[0] == '/' ? "" : "/", folders[i].path);
		good = add_path(rules, path, folders[i].write ? every & ~(uint64_t)FS_EXECUTE : FS_READ);
	}
	return good;
}

static bool
restrict_files(enum role role, const char *dir, bool hidden)
{
	long version = syscall(LANDLOCK_CREATE, NULL, 0, LANDLOCK_VERSION);
	if (version < 1)
		return false;
	uint64_t every = FS_FIRST | (version >= 2 ? FS_REFER : 0u) | (version >= 3 ? FS_TRUNCATE : 0u);
	struct landlock_rules handled = { .fs = every };
	if (version >= 4 && role != ROLE_COURIER)
		handled.net = NET_BIND | NET_CONNECT;
	size_t size = version >= 4 ? 16 : 8;
	int rules = (int)syscall(LANDLOCK_CREATE, &handled, size, 0);
	if (rules < 0)
		return false;
	bool good = add_paths(rules, role, dir, every, hidden) && syscall(LANDLOCK_RESTRICT, rules, 0) == 0;
	close(rules);
	return good;
}

/* ---- hiding D/keeper ---- */

static bool
write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	if (fd >= 0)
		close(fd);
	return good;
}

static bool
own_mounts(void)
{
	uid_t uid = getuid();
	gid_t gid = getgid();
	if (unshare(CLONE_NEWNS) == 0)
		return true;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
		return false;
	SCOPED char *uids = memory_format(NULL, "%u %u 1", uid, uid), *gids = memory_format(NULL, "%u %u 1", gid, gid);
	return write_text("/proc/self/setgroups", "deny") && write_text("/proc/self/uid_map", uids) &&
	       write_text("/proc/self/gid_map", gids);
}

static bool
hide_keeper(const char *dir)
{
	SCOPED char *path = memory_format(NULL, "%s/keeper", dir);
	return own_mounts() && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("none", path, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k,mode=000") == 0;
}

/* ---- the rest ---- */

static bool
drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 }, { 0 } };
	for (unsigned long c = 0; prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++)
		if (prctl(PR_CAPBSET_DROP, c, 0, 0, 0) != 0 && errno != EPERM)
			return false;
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return syscall(SYS_capset, &header, none) == 0;
}

static bool
forbid_dumps(void)
{
	const struct rlimit none = { 0, 0 };
	return setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
}

void
confine_descriptors(int keep, int also)
{
	unsigned from = 3, low = (unsigned)(keep < also ? keep : also), high = (unsigned)(keep < also ? also : keep);
	if (also >= 0 && low >= from) {
		if (low > from)
			syscall(SYS_close_range, from, low - 1, 0);
		from = low + 1;
	}
	if (high > from)
		syscall(SYS_close_range, from, high - 1, 0);
	syscall(SYS_close_range, high + 1, ~0u, 0);
}

fallible
confine(enum role role, const char *dir, const char **why)
{
	prctl(PR_SET_NAME, role_name(role), 0, 0, 0);
	bool hidden = role != ROLE_KEEPER && hide_keeper(dir);
	if (!forbid_dumps())
		*why = "core dumps cannot be forbidden";
	else if (!drop_capabilities())
		*why = "capabilities cannot be dropped";
	else if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		*why = "new privileges cannot be forbidden";
	else if (!restrict_files(role, dir, hidden))
		*why = "Landlock is missing or refused (Linux 5.13 or later, with CONFIG_SECURITY_LANDLOCK)";
	else if (!filter_calls(role))
		*why = "seccomp is missing or refused";
	else
		return NULL;
	return E_CONFINE;
}
