/* serve.h - the processes put together: keeper and courier forked, doors opened, serve confined, workers run. */
#pragma once
#include "gate/gate.h"

struct serve_options {
	const char *dir;
	const char *https;              /* ADDR:PORT; port 0 picks a free one */
	const char *postgres;           /* the same of the PostgreSQL gateway; NULL: not opened */
	const char *ready_file;         /* written when ready; may be NULL */
	/* PEOPLE[:APPLICATIONS] passages a second for each identity, 0 for no limit; NULL: 100:10000, in the sample none. */
	const char *rate;
	bool quiet;                     /* no log below warnings */
	bool allow_tls12;               /* beside 1.3: ECDHE and AEAD only */
};

/* Runs until SIGTERM or SIGINT, then drains; SIGHUP renews the certificate. *why says what failed at start. */
fallible serve_run(const struct serve_options *, const char **why);

/* Everything that anyone can do, of all rooms; ends with NULL. */
extern const struct operation *const house_operations[];

/* A new installation in D, which must not exist or be empty. With `sample`, the demonstration organisation too. */
fallible init_run(const char *dir, bool sample, const char *origin, const char **why);
