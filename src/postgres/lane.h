/* lane.h - private: the application lane (ROWS.md §4): one program's sessions, of which each transaction names its subscriber.
 *
 * `select set_config('sekisho.subscriber', …, true)` (or the setting that the application has always used) is not the server's to run: it is decided here, the back end is asked
 * for its pid and the transaction's start, and a MAC over these, the tenant's value and the end user goes before the next
 * statement. What would outlive the transaction is refused.
 */
#pragma once
#include "postgres/session.h"

enum lane_state {
	LANE_UNNAMED,
	LANE_ASKED,                     /* the back end was asked for pid and start; nothing is forwarded before it has answered */
	LANE_NAMED,                     /* the binding is at hand, and goes before the next statement */
	LANE_BOUND,
};

/* What of the transaction the statement names. */
enum lane_name { LANE_NOTHING, LANE_SUBSCRIBER, LANE_ACTOR };
enum lane_name lane_names(const struct session *, const struct statement *);
/* Why the lane does not take the statements of one message; NULL: it does. */
const char *lane_refusal(const struct session *, const struct analysis *);
/* The action that the gate is asked for. */
const char *lane_action(const struct session *, const struct statement *);
/* A setting was made; what it becomes where that is undone: the back end stays with the session. */
void lane_keeps(struct session *, const struct statement *);
void lane_undone(struct session *);
/* Does it read tables alone that are shared by all? */
bool lane_is_shared(const struct session *, const struct statement *);
/* Has the statement to be named with this value? Fails with E_STATE (SQLSTATE 25001, 25P01 in *sqlstate), E_NOT_FOUND. */
fallible lane_name(struct session *, const struct statement *, struct slice value, const char **sqlstate);
/* Asks for pid and start, and has the value answered in the place of set_config. */
void lane_send_query(struct session *, struct turn *, struct slice value);
void lane_send_execute(struct session *, struct turn *, struct slice body);
/* The Parse that goes in its place; owned by `owner`. */
struct slice lane_parse(const void *owner, const struct statement *, struct slice body);
/* Before anything else that is forwarded: the binding, if it is due. */
void lane_bind(struct session *, bool simple);
/* A row of a hidden turn. */
void lane_took(struct session *, struct slice row);
bool lane_waits(const struct session *);
void lane_ended(struct session *);
