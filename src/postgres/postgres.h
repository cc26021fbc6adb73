/* postgres.h - public: the PostgreSQL gateway: clients as they are, every statement decided, recorded, confined.
 *
 * A client speaks protocol 3.0 or 3.2 inside TLS and says user=PERSON, dbname=DB@SUBSCRIBER, password=TOKEN (or shows a
 * client certificate), its purpose in options='-c sekisho.purpose=…' (CONTRACT.md). Its session gets a back end of its own,
 * logged in as the subscriber's role (ROWS.md §3); each statement is a passage `postgres.statement` on SUBSCRIBER/db/DB,
 * recorded before the first byte of its result is let through.
 *
 * `struct postgres` is shared by all workers and is made once, before the process is confined; a postgres_worker and all
 * sessions on it belong to the thread of its loop. What is needed besides what the door needs: socket() and connect().
 */
#pragma once
#include "door/door.h"
#include "gate/gate.h"
#include "outward/outward.h"

struct postgres;
struct postgres_worker;

enum database_mode {
	MODE_ENFORCE,
	MODE_SHADOW,                    /* as observe; entries say what would have been refused */
	MODE_OBSERVE,                   /* all is recorded, nothing refused */
};

/* What is said of a database beside policies: how each table is guarded, and what columns hold. A statement is guarded as the
 * strictest of its tables. Names without a schema in a statement are those of any. */
struct table_mode {
	struct slice schema, name;
	enum database_mode mode;
};

struct column_label {
	struct slice schema, name, column, label;
};

struct database_rules {
	enum database_mode mode;        /* of tables that are not among these, and of statements without any */
	size_t mode_count, label_count;
	struct table_mode *modes;
	struct column_label *labels;
	struct slice mark_key;          /* empty: what changes rows needs no mark (mark.h) */
};

enum database_tls { DATABASE_TLS_FULL, DATABASE_TLS_CA, DATABASE_TLS_NONE };     /* sslmode verify-full, verify-ca, disable */

/* A database behind the gateway, as find() knows it. Empty: not there. */
struct database {
	struct slice host;              /* its certificate's name */
	struct slice address;           /* where it is, in figures; empty: host is in figures */
	uint16_t port;
	struct slice name;              /* as the server calls it */
	enum database_tls tls;
	struct slice root_ca;           /* PEM */
	struct slice certificate, key;  /* PEM: what we show the server … */
	bool minted;                    /* … or what identify() gives for the role, at each login */
	struct slice password;          /* of the role, where the server asks for one (SCRAM-SHA-256 or in clear inside TLS) */
	struct slice role;              /* to log in as: see postgres_role() */
	enum database_mode mode;
	bool pooled;                    /* back ends are lent for a transaction; else each session keeps one */
	/* The application lane: 32 bytes that bind (ROWS.md §4), and which value of the tenant column is whose (a=acme,b=globex). Not
	 * empty: `role` is that of the application, whose name find() is given in `user`, with an empty subscriber. */
	struct slice binding_key, map, user;
	struct slice setting;           /* with which it names its subscriber; empty: sekisho.subscriber */
	struct slice shared;            /* SCHEMA.TABLE,…: read by all */
	struct outward *outward;        /* who dials; NULL: this process itself, an address in figures */
};

struct postgres_options {
	struct door_options door;       /* protocol and plain_first are set here; limits.idle 0: sessions may idle for a day */
};

/* Fails as door_listen() does; with E_STATE if the parser does not read known statements as it always did. */
fallible postgres_listen(const void *owner, const struct postgres_options *, struct postgres **out);
struct door *postgres_door(const struct postgres *);

struct postgres_worker_options {
	struct gate_worker *gate;       /* its gate_on_change() is used here: not to be shared with another room */
	/* The database that a subscriber's sessions go to; slices live as long as `owner`. Called on the worker's thread, does
	 * not wait. Fails with E_NOT_FOUND. */
	err_t (*find)(void *argument, const void *owner, struct slice database, struct slice subscriber, struct database *out);
	/* The same for rules; NULL: the mode that find() gave. Asked again after each change of who may what. */
	err_t (*rules)(void *argument, const void *owner, struct slice database, struct database_rules *out);
	/* Puts certificate and key of the database's role, owned by `owner`; NULL: no database is `minted`. */
	err_t (*identify)(void *argument, const void *owner, struct slice database, struct database *);
	void *argument;
	unsigned sessions;              /* on this worker; 0: 1000; more get 53300 */
	unsigned backends;              /* on this worker; 0: 100; sessions wait for one, ten seconds at most */
};

/* Sessions whose credential ends, or whose grant ends while a result streams, are ended within 100 ms. The worker must be
 * freed after its sessions' passages have come back: drain first (door_drain() on postgres_door_worker()). */
fallible postgres_attach(const void *owner, struct postgres *, struct loop *, const struct postgres_worker_options *,
                         struct postgres_worker **out);
struct door_worker *postgres_door_worker(const struct postgres_worker *);

struct postgres_counts {
	uint64_t sessions, statements, refused, cancelled, ended;
};
struct postgres_counts postgres_counts(const struct postgres_worker *);

/* A session that is open, as others may see it. */
struct open_session {
	struct slice id, actor, person, database, subscriber, from;     /* subscriber: empty in the application lane */
	int64_t since;
};
/* Any thread; `each` must not wait. */
fallible postgres_sessions(struct postgres *, err_t (*each)(void *, const struct open_session *), void *argument);
/* Any thread. False: there is none of this id (any more). It ends at once: 57P01, what runs for it is cancelled. */
bool postgres_session_end(struct postgres *, struct slice id);

/* The subscriber's login role, as onboarding names it: PREFIX_ and 12 digits of SHA-256 over salt and subscriber. */
enum { ROLE_TEXT = 64 };
void postgres_role(struct slice prefix, struct slice salt, struct slice subscriber, char out[ROLE_TEXT]);

/* Rows of the operation table, to be listed with the others (operations.h). */
extern const struct operation postgres_statement_operation;
extern const struct operation postgres_connect_operation;
