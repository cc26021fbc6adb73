/* bypass.h - public: the way around the gateway, first depth: back ends at a database that are not the gateway's, and changes
 * in its write-ahead log that bear no passage's mark.
 *
 * A `bypass` is a connection of its own to the administrator's database, which waits: for a thread of its own.
 */
#pragma once
#include "postgres/databases.h"

enum { BYPASS_ROWS = 20 };              /* keys that a finding names; more are counted */

struct bypass_finding {
	bool write;                     /* else a back end alone */
	struct slice subscriber;        /* whose rows; empty where what was written does not tell */
	struct slice table, what;       /* SCHEMA.TABLE; INSERT, UPDATE, DELETE, TRUNCATE */
	struct slice keys;              /* id=2, id=4 …: primary keys */
	struct slice backend;           /* pid, role, program, address of the back end, or of those that may have been it */
	uint64_t rows;                  /* at least, where there are more than can be kept */
	bool more;
};

/* At the server: lanes may mark (slot NULL: what is needed before anything is marked), or its slot is made; or both are undone.
 * Fails as postgres_onboard() does; E_STATE where wal_level is not logical. */
fallible bypass_prepare(const void *owner, const struct kept_database *, const char **why);
fallible bypass_start(const void *owner, const struct kept_database *, struct slice slot, const char **why);
fallible bypass_stop(const void *owner, const struct kept_database *, struct slice slot, const char **why);

struct bypass;
fallible bypass_open(const void *owner, struct postgres *, const struct kept_database *, struct slice slot, struct bypass **out, const char **why);
/* One look. `each` is to keep the finding durably; only then does the slot go on. A back end is told at the second look that
 * finds it. Fails as client_query() does: then it is to be opened anew. */
fallible bypass_look(struct bypass *, err_t (*each)(void *, const struct bypass_finding *), void *argument, const char **why);
