/* upstream.h - private: a connection to a PostgreSQL server: reached, proven, logged in; then bytes both ways.
 *
 * On the loop of one worker; never waits. Call-backs come from the loop only. Freeing it closes the socket.
 */
#pragma once
#include "base/loop.h"
#include "postgres/bytes.h"
#include "postgres/postgres.h"
#include "postgres/scram.h"

struct upstream;

/* What one worker keeps for all its connections: TLS contexts and SCRAM keys. */
struct upstream_pool;
struct upstream_pool *upstream_pool_new(const void *owner);

struct setting {
	struct slice name, value;
};

struct upstream_options {
	const struct database *database;        /* lives as long as the upstream */
	const struct setting *settings; /* of the start-up packet, besides user, database and what is pinned; copied */
	size_t setting_count;
	struct slice cancel_key;        /* not empty: it only carries a CancelRequest, and ends when the server has taken it */
	uint32_t cancel_pid;
	/* Logged in, and ready for a query. */
	void (*ready)(void *);
	/* What the server says after that. */
	void (*received)(void *, struct slice);
	void (*drained)(void *);        /* all that was written is out */
	/* Once; `said` is the body of the ErrorResponse that came during the start, or empty. The socket is closed. */
	void (*ended)(void *, err_t, struct slice said);
	void *argument;
};

fallible upstream_open(const void *owner, struct upstream_pool *, struct loop *, const struct upstream_options *,
                       struct upstream **out);
void upstream_write(struct upstream *, struct slice);
/* Where a message is put together with message_begin() and so on; `owner` of the bytes is the upstream. */
struct bytes *upstream_output(struct upstream *);
void upstream_flush(struct upstream *);
size_t upstream_queued(const struct upstream *);
/* Reads no more until told: back-pressure. */
void upstream_pause(struct upstream *, bool paused);
/* Of the start: ParameterStatus messages as they came, in one run; the key for cancelling. */
struct slice upstream_parameters(const struct upstream *);
uint32_t upstream_pid(const struct upstream *);
struct slice upstream_key(const struct upstream *);
void upstream_close(struct upstream *);
