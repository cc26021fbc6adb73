/* courier.h - the process that goes outward: names, HTTPS, mail, witnesses, OIDC. serve itself can do none of that.
 *
 * It is forked and confined with the others. Its messages come with the issues that need them; until then none is
 * permitted, and it ends when serve does.
 */
#pragma once
#include "base/err.h"

/* Forks a confined courier for D; returns its pid and our end of the socket pair. */
fallible courier_start(const char *dir, int *pid, int *socket);
