/* courier.h - the process that goes outward: names, HTTPS, mail, witnesses, OIDC. serve itself can do none of that.
 *
 * It is forked and confined with the others; each message (outward/wire.h) runs on a thread of its own. It ends when serve
 * does.
 */
#pragma once
#include "base/err.h"

/* Forks a confined courier for D; returns its pid and our end of the socket pair. */
fallible courier_start(const char *dir, int *pid, int *socket);
