/* bypass_inside.h - private: what the files of the watch share (bypass.h). Of the thread that looks. */
#pragma once
#include "postgres/bypass.h"

#include "postgres/client.h"

enum { BYPASS_TAKEN = 65536 };          /* marks that are remembered */

/* A back end that is not ours. */
struct stranger {
	struct stranger *next;
	struct slice key;               /* pid and start: never the same again */
	struct slice role, says;
	int64_t seen;                   /* monotonic */
	bool here, told;
	unsigned looks;
};

/* A mark, and where in the log it stands. */
struct taken {
	uint64_t id, lsn;
};

/* A change without a mark, of the transaction that is read. */
struct change {
	struct change *next;
	struct slice line;
};

struct bypass {
	struct postgres *gateway;
	struct client *client;
	struct slice name, slot, tenant, map, exempt;
	uint8_t key[DIGEST_SIZE];
	struct stranger *strangers;
	size_t stranger_count;
	/* the transaction that is read */
	bool marked;
	void *scope;                    /* owns its changes */
	struct change *first, **end;
	size_t change_count, dropped;
	/* transactions without a mark, until they are told */
	void *found;
	struct change *unmarked, **unmarked_end;
	bool more;                      /* than are kept */
	char upto[32];                  /* end of the last transaction read */
	struct taken *taken;            /* marks, at the place that their id gives: each holds for the one place where it stands */
};

/* bypass_log.c: reads what the slot has, and keeps the changes of transactions without a mark; then tells them. */
fallible bypass_read_log(struct bypass *, const char **why);
fallible bypass_tell_writes(struct bypass *, err_t (*each)(void *, const struct bypass_finding *), void *argument, const char **why);
/* bypass.c: who may have written it, owned by `owner`. */
struct slice bypass_suspects(const void *owner, const struct bypass *);
