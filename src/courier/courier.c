#include "courier/courier.h"

#include "base/confine.h"
#include "base/log.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static _Noreturn void
be_courier(const char *dir, int socket)
{
	const char *why = "";
	char byte;
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);       /* it ends when serve does */
	signal(SIGHUP, SIG_IGN);
	err_t e = confine(ROLE_COURIER, dir, &why);
	if (e)
		log_event(LOG_ERROR, "courier.failed", "code", e->name, "why", why, NULL);
	else
		while (recv(socket, &byte, sizeof byte, 0) < 0)
			;               /* a signal; no message is permitted yet, and the end of serve is ours */
	_exit(e ? 1 : 0);
}

fallible
courier_start(const char *dir, int *pid, int *socket)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return E_IO;
	pid_t child = fork();
	if (child == 0) {
		confine_descriptors(pair[1], -1);
		be_courier(dir, pair[1]);
	}
	close(pair[1]);
	if (child < 0) {
		close(pair[0]);
		return E_IO;
	}
	*pid = child;
	*socket = pair[0];
	return NULL;
}
