/* backend.h - private: back ends, kept and lent: logged in as one role with one set of start-up settings.
 *
 * A session has one from its first message after a transaction to the end of the next; one whose session has left something
 * behind (SET, PREPARE, a cursor that holds) stays with it and is closed with it. Prepared statements are named after
 * their text at the server, so that any session of the same role finds them; where a back end has not seen one, its Parse
 * is put before.
 */
#pragma once
#include "postgres/upstream.h"

struct session;
struct postgres_worker;

enum { BACKENDS_DEFAULT = 100, STATEMENT_NAME = 36, STATEMENTS_KEPT = 1000 };

struct backend {
	struct backend *next;           /* of the worker's, the one used last first */
	struct postgres_worker *worker;
	struct upstream *upstream;
	struct session *session;        /* NULL: idle */
	struct database database;
	uint8_t key[DIGEST_SIZE];
	struct slice place;             /* the database, as the gateway calls it */
	struct ours_place *ours;
	bool ready, dead;
	int64_t since;                  /* monotonic: idle */
	size_t name_count;
	struct backend_name *names[64];
};

struct backend_pool {
	struct backend *backends;
	size_t count, most;
	struct session *waiting, **waiting_end;
};

struct backend_pool *backend_pool_new(const void *owner, size_t most);
/* True: the session has one. Else it will be told, or ended with 53300. */
bool backend_acquire(struct session *);
/* The session's settings are others now, and so are its back end's. */
void backend_rekey(struct session *);
/* Gives it back where the session is between two transactions and has left nothing behind. */
void backend_release(struct session *);
/* It is closed; what runs there is cancelled. */
void backend_drop(struct session *);
/* Closes what has been idle for long. */
void backend_sweep(struct postgres_worker *, int64_t now);

/* Does this back end know the statement? */
bool backend_has(const struct backend *, const char name[static STATEMENT_NAME]);
void backend_learn(struct backend *, const char name[static STATEMENT_NAME]);
void backend_forget(struct backend *, const char name[static STATEMENT_NAME]);
void backend_forget_all(struct backend *);
/* The name at the server of what a Parse (its text and parameter types) makes. */
void backend_statement_name(struct slice text_and_types, char out[static STATEMENT_NAME]);
