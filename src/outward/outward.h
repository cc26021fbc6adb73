/* outward.h - what serve asks of the courier: it has no names, and makes no connection of its own.
 *
 * Any thread; each call waits for its own answer, and no longer than the courier takes: 10 s for a name, then what is
 * said. Fails with E_UNREACHABLE; *why, where asked for, is the courier's own text, owned by `owner`.
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"
#include "outward/wire.h"

struct outward;

/* Takes over the socket to the courier, and starts the thread that reads its answers. */
fallible outward_open(const void *owner, int courier, struct outward **out);

/* Whoever waits is told E_UNREACHABLE, and so is who comes later: before the threads that ask are ended. */
void outward_end(struct outward *);

/* A TCP connection that is being made: a socket that does not block, the caller's to close. `host` may be a name. */
fallible outward_dial(struct outward *, struct slice host, uint16_t port, int *fd);

struct outward_request {
	const char *method;             /* GET, POST */
	struct slice url;               /* https://…; http:// to a loopback address only */
	struct slice authorities;       /* PEM; empty: the system's */
	struct slice media, body;
	uint32_t milliseconds;
};
struct outward_response {
	int status;
	struct slice media, body;       /* at most OUTWARD_BODY_MAX */
};
fallible outward_fetch(const void *owner, struct outward *, const struct outward_request *, struct outward_response *out,
                       const char **why);
