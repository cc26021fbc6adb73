/* confine.h - public: what each process may do. The table of system calls and folders is confine.c's, in one place.
 *
 * A process is confined once, before it makes threads, by: no new privileges, no capabilities, no core dump
 * (RLIMIT_CORE 0, not dumpable), Landlock for files and TCP, seccomp for system calls; all but the keeper also lose
 * sight of D/keeper, by a mount namespace where that can be had, else because Landlock does not list it.
 * Without Landlock this fails, and the program does not start.
 */
#pragma once
#include "base/err.h"

enum role { ROLE_KEEPER, ROLE_SERVE, ROLE_COURIER, ROLE_COUNT };

/* The name that /proc/PID/comm shows. */
const char *role_name(enum role);

/* The folder must be absolute. Fails with E_CONFINE; *why names the step. */
fallible confine(enum role, const char *dir, const char **why);

/* Right after fork: closes every descriptor but 0, 1, 2, `keep` and `also` (-1: none), so that no process holds another's
 * ends open. */
void confine_descriptors(int keep, int also);
