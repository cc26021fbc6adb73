/* What confine() takes away, tried from inside each role: in a child, for it cannot be given back. */
#include "test.h"

#include "base/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[] = "/tmp/sekisho-confine-XXXXXX";

static void
write_file(const char *name)
{
	SCOPED char *path = memory_format(NULL, "%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "secret", 6), 6);
	close(fd);
}

static int
make_dir(void **state)
{
	static const char *const folders[] = { "keeper", "store", "ledger" };
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	for (size_t i = 0; i < 3; i++) {
		SCOPED char *path = memory_format(NULL, "%s/%s", dir, folders[i]);
		mkdir(path, 0700);
	}
	write_file("keeper/root.key");
	write_file("store/store.db");
	write_file("laid-before");
	return 0;
}

static int
remove_dir(void **state)
{
	SCOPED char *command = memory_format(NULL, "rm -rf %s", dir);
	(void)state;
	return system(command);
}

static bool
opens(const char *name, int flags)
{
	SCOPED char *path = memory_format(NULL, "%s/%s", dir, name);
	int fd = open(path, flags | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Each answers true if it may be done. */
static bool
may_execute(void)
{
	char *const words[] = { (char[]){ "/bin/true" }, NULL };
	execv("/bin/true", words);
	return false;           /* reached only if it was refused */
}

static bool
may_make_sockets(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) >= 0;
}

static bool
may_resolve(void)
{
	return socket(AF_INET, SOCK_DGRAM, 0) >= 0;
}

static bool
may_read_root_key(void)
{
	return opens("keeper/root.key", O_RDONLY);
}

static bool
may_write_keyring(void)
{
	return opens("keeper/keyring", O_WRONLY | O_CREAT);
}

static bool
may_write_store(void)
{
	return opens("store/store.db", O_RDWR);
}

static bool
may_read_what_is_laid(void)
{
	return opens("laid-before", O_RDONLY);
}

static bool
may_write_elsewhere(void)
{
	return opens("../sekisho-confine-elsewhere", O_WRONLY | O_CREAT);
}

static bool
may_read_shadow(void)
{
	int fd = open("/etc/shadow", O_RDONLY);
	return fd >= 0;
}

static bool
may_trace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
}

static bool
may_fork(void)
{
	pid_t child = fork();
	if (child == 0)
		_exit(0);
	return child > 0;
}

static bool
may_signal_others(void)
{
	return kill(getppid(), 0) == 0;
}

static bool
may_mount(void)
{
	return umount(dir) == 0 || errno != EPERM;
}

enum { KEEPER = 1 << ROLE_KEEPER, SERVE = 1 << ROLE_SERVE, COURIER = 1 << ROLE_COURIER };

static const struct {
	const char *what;
	bool (*may)(void);
	int roles;              /* that may */
} rights[] = {
	{ "execute", may_execute, 0 },
	{ "make sockets", may_make_sockets, COURIER },
	{ "resolve names", may_resolve, COURIER },
	{ "read the root key", may_read_root_key, KEEPER },
	{ "write the keyring", may_write_keyring, KEEPER },
	{ "write the store", may_write_store, SERVE },
	{ "read a file laid into D", may_read_what_is_laid, KEEPER | SERVE | COURIER },
	{ "write elsewhere", may_write_elsewhere, 0 },
	{ "read /etc/shadow", may_read_shadow, 0 },
	{ "trace", may_trace, 0 },
	{ "fork", may_fork, 0 },
	{ "signal others", may_signal_others, 0 },
	{ "mount", may_mount, 0 },
};

/* Exit 1: it may; 0: it may not; 2: it could not be confined. */
static int
try_in_child(enum role role, bool (*may)(void))
{
	int status;
	pid_t child = fork();
	if (child == 0) {
		const char *why = "";
		if (confine(role, dir, &why)) {
			fprintf(stderr, "%s: %s\n", role_name(role), why);
			_exit(2);
		}
		_exit(may());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
each_role_may_what_the_table_says(void **state)
{
	(void)state;
	for (int role = 0; role < ROLE_COUNT; role++)
		for (size_t i = 0; i < sizeof rights / sizeof *rights; i++) {
			int wanted = rights[i].roles >> role & 1;
			int is = try_in_child((enum role)role, rights[i].may);
			if (is != wanted)
				fail_msg("%s: may %s: %d, wanted %d", role_name((enum role)role), rights[i].what, is, wanted);
		}
}

static void
all_of_it_may_be_done_before(void **state)
{
	(void)state;
	assert_true(may_read_root_key());
	assert_true(may_make_sockets());
	assert_true(may_fork());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_it_may_be_done_before), cmocka_unit_test(each_role_may_what_the_table_says),
	};
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
