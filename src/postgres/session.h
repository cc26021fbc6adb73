/* session.h - private: one client's session: its connection, its back end, and what is on its way between them.
 *
 * What the client says is read in order (front.c). Each message that the back end will answer has a turn; turns are
 * answered (back.c) and released to the client (turn.c) in order, so that replies keep their order whatever waits for
 * the book. A refused statement is put to the back end as one that it will refuse too (poison): so the transaction, the
 * rest of a pipeline and ReadyForQuery are as after any error, and the error that comes is exchanged for ours.
 *
 * Everything here belongs to the thread of the worker's loop.
 */
#pragma once
#include "base/memory.h"
#include "postgres/backend.h"
#include "postgres/catalogue.h"
#include "postgres/postgres.h"
#include "postgres/statement.h"
#include "postgres/upstream.h"
#include "postgres/wire.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
	WHOLE_MAX = 64 << 10,           /* a larger message of the back end's goes to the client in pieces */
	HOLD_MAX = 64 << 10,            /* a result that ends within this has one entry, with its counts */
	HELD_MAX = 512 << 10,           /* of all turns; then the back end waits */
	CLIENT_QUEUE = 256 << 10, FLUSH_AT = 16 << 10, SERVER_QUEUE = 1 << 20,
	TURNS_MAX = 4096, NAMES_MAX = 4096, NAME_MAX_SIZE = 256, CANCEL_KEY_SIZE = 32,
	PURPOSE_MAX = 256,
};

enum session_state {
	SESSION_PLAIN,                  /* the first packets, before TLS */
	SESSION_SECURE,                 /* inside TLS: start-up packet or CancelRequest */
	SESSION_PASSWORD,
	SESSION_ENTERING,               /* the passage postgres.connect */
	SESSION_CONNECTING,             /* the back end */
	SESSION_LEARNING,               /* reads the catalogue for the worker, through its own back end */
	SESSION_OPEN,
	SESSION_ENDED,
};

enum turn_kind { TURN_PARSE, TURN_BIND, TURN_DESCRIBE, TURN_CLOSE, TURN_STATEMENT, TURN_READY, TURN_OPAQUE };

struct visit;

/* Something the back end will answer. A talloc child of the session. */
struct turn {
	struct turn *next;
	enum turn_kind kind;
	bool answered;                  /* the back end has said all of it */
	bool flows;                     /* what is there may go to the client */
	bool dropped;                   /* … nothing of it does */
	bool poison;                    /* the back end's error is exchanged for `refusal` */
	bool seen;                      /* it has been running for a while: see worker.c */
	bool opened;                    /* an opening entry is in the book: a closing one must follow */
	struct bytes held;
	struct bytes refusal;           /* an ErrorResponse */
	struct visit *visit;            /* a passage that it waits for */
	struct analysis *analysis;      /* referenced by the turn; NULL: none is known */
	const struct statement *statement;
	struct slice name;              /* what PARSE, BIND, CLOSE name */
	char server_name[STATEMENT_NAME];       /* … at the server; empty: unnamed, or of SQL's PREPARE */
	struct slice parse;             /* of PARSE: text and types, to say it again */
	bool hidden;                    /* put in by us: the client hears of it only if it fails */
	bool of_portal;
	struct visit *opening;          /* … with this passage */
	uint64_t rows, bytes;
	char sqlstate[6];               /* empty: no error */
	struct effects effects;         /* what the permit asks besides */
	int64_t began;                  /* monotonic, as noticed */
	bool exports;                   /* so many rows that they are an export, which is allowed */
	const char *ended;              /* overruled, and so; NULL */
	struct bytes overrule;          /* an ErrorResponse in the place of whatever its back end says */
};

struct name {
	struct name *next;
	bool portal;
	struct slice name;
	char server_name[STATEMENT_NAME];
	struct slice parse;
	struct analysis *analysis;      /* referenced by the name */
	const struct statement *statement;      /* NULL: an empty text */
};

enum { NAME_BUCKETS = 64 };

struct session {
	struct postgres_worker *worker;
	struct session *next, **link;   /* of the worker's */
	struct connection *connection;
	enum session_state state;
	/* who, and where to */
	uint32_t version;
	struct slice user, database_name, subscriber, purpose, token;
	struct slice principal, person; /* actor and id, once it is known */
	uint8_t digest[DIGEST_SIZE];    /* of the credential */
	bool known;                     /* … which was good */
	struct slice from;
	struct database database;
	bool found;
	bool application;               /* the application lane: `subscriber` is that of the transaction, or empty; lane.h */
	int lane;
	bool kept;                      /* a setting, since the last ReadyForQuery … */
	unsigned ran;                   /* … which so many statements have run since */
	struct slice actor, named;      /* its end user; what the last Bind of a naming named */
	uint32_t lane_pid;
	uint8_t lane_start[8];
	struct setting settings[STARTUP_PARAMETERS];
	size_t setting_count;
	struct timer *expiry;
	uint32_t pid;
	uint8_t key[CANCEL_KEY_SIZE];
	size_t key_size;
	bool listed;                    /* in the table of keys */
	struct place *place_of;         /* in the directory of sessions */
	struct catalogue_place *place;
	struct rules_place *rules;
	int64_t learnt_at;
	struct catalogue *learning;
	void (*learnt)(struct session *);
	/* the client's side */
	struct frames front;
	struct bytes message;           /* of the message that is being read, where it must be whole */
	bool too_long;
	bool streaming;                 /* Bind: its names were read, the rest goes on as it comes */
	bool skipping;                  /* after an error, until Sync … */
	bool dropping;                  /* … and so this message too */
	bool asked;                     /* Flush: what is there is to go at once */
	bool cancelling;                /* a CancelRequest is on its way: nothing else may reach the back end */
	struct pending *pending;        /* a message that waits for its openings */
	/* the back end's side */
	struct backend *backend;        /* NULL: none is lent at the moment */
	struct upstream *upstream;      /* its */
	bool keyed;                     /* pool_key is known: which back ends are of its kind */
	uint8_t pool_key[DIGEST_SIZE];
	bool dirty;                     /* something was left behind there: it stays with this session */
	bool unnamed_here;              /* the unnamed statement of this session is at this back end */
	struct session *next_waiting;
	int64_t waits_since;            /* for a back end; 0: does not */
	int64_t crowded_since;          /* the server first said that the role has too many */
	struct frames back;
	struct bytes whole;             /* a message that is not all there yet: then an error can be told before it … */
	bool passing;                   /* … but not in one that is so large that it goes in pieces */
	uint8_t peek[128];              /* the beginning of the message's body */
	size_t peeked;
	struct turn *first, *last;
	struct turn *answering;         /* the first that is not answered */
	size_t turn_count, held;
	char status;                    /* of the transaction: I, T, E */
	struct name *names[NAME_BUCKETS];
	size_t name_count;
	struct visit *visits;
	/* the last decision on reading: it need not be made again for each statement that only reads */
	uint64_t judged_epoch;
	int64_t judged_at;
	struct effects judged_read;     /* … and what it asks besides */
	struct effects judged;          /* what the last decision on anything asks */
	bool read_only;                 /* by the permit of its entry */
};

struct postgres {
	struct door *door;
	atomic_long crowded_until;      /* monotonic: a server had too many of a role; idle ones go at once */
	struct keys_table *keys;
	struct directory *directory;
	struct ours *ours;
};

struct postgres_worker {
	struct postgres *postgres;
	struct loop *loop;
	struct postgres_worker_options options;
	struct door_worker *door;
	struct upstream_pool *pool;
	struct backend_pool *backends;
	struct analysis_cache *analyses;
	struct catalogue_book *catalogues;
	struct rules_place *rules;      /* a list */
	struct session *sessions;
	size_t session_count;
	struct timer *streams;          /* looks again whether what streams may go on */
	bool streams_set;
	struct cancel_queue *cancels;
	struct enders *enders;
	uint64_t hidden;                /* statements of our own, for their names */
	struct postgres_counts counts;
};

/* session.c */
extern const struct protocol postgres_protocol;
/* Tells the client and ends; kills where the client is in the middle of a message. */
void session_end(struct session *, const struct complaint *);
void session_fail(struct session *, err_t, const char *detail);
/* 57P01, and why. */
void session_send_away(struct session *, const char *why);
/* What the client has sent and was not taken is delivered again. */
void session_resume(struct session *);
/* The socket towards the back end is closed, what runs there cancelled. */
void session_leave(struct session *);
void session_write(struct session *, struct slice);
void session_flush(struct session *);
struct complaint complaint_of(const char *severity, err_t, const char *detail, const char *hint);

/* enter.c: from the start-up packet to the first ReadyForQuery */
void enter_startup(struct session *, struct slice packet, const struct startup *);
void enter_password(struct session *, struct slice body);
/* A back end was lent; or lost, or never came. */
void enter_attached(struct session *);
void enter_lost(struct session *, err_t, struct slice said);

/* learn.c: begins to read the catalogue where the worker's is missing or too old; then greets the client. */
void learn(struct session *, void (*done)(struct session *));
/* True: it reads it again now, and what the client says waits. */
bool learn_again(struct session *);
void learn_received(struct session *, struct slice input);
/* Is it a read, by its text and by what the catalogue says now? */
bool learnt_read(struct session *, const struct statement *);

/* front.c */
size_t front_received(struct session *, struct slice input);

/* execute.c: statements that want to run */
void execute_query(struct session *, struct slice text);
void execute_parse(struct session *, struct slice body);
void execute_portal(struct session *, struct slice body);
void execute_refused(struct session *, const struct complaint *, bool simple);
/* An opening entry of the pending message has come back. */
bool execute_waits(const struct session *);
/* The session ends: what was opened for the message that waits is closed. */
void execute_abandon(struct session *);

/* back.c */
void back_received(void *session, struct slice input);

/* turn.c */
struct turn *turn_new(struct session *, enum turn_kind, struct analysis *, const struct statement *);
void turn_add(struct session *, struct turn *);
void turn_put(struct session *, struct turn *, struct slice);
/* The statement that runs, as far as the back end has told: it keeps small answers back until Sync. NULL: none does. */
struct turn *turn_running(const struct session *);
/* The last message of it begins: held back where an entry must be durable before it. */
void turn_ending(struct session *, struct turn *);
void turn_answered(struct session *, struct turn *, bool failed);
/* After an error of the one before, everything up to Sync (or the end of the Query). */
void turn_skip(struct session *);
void turn_release(struct session *);
void turn_refuse(struct session *, struct turn *, const struct complaint *);
/* The session ends: what was opened is closed in the book. */
void turn_abandon(struct session *);

/* effect.c */
void effect_take(struct turn *, const struct effects *);
/* One more row has come. */
void effect_rows(struct session *, struct turn *);
/* Of the decision in the book: is what is held too much? */
bool effect_refuses(struct session *, struct turn *, const struct effects *, struct complaint *);
void effect_time(struct session *, int64_t now);
/* The back end has said all of a turn that was overruled. */
void effect_answered(struct session *, struct turn *, bool failed);

/* rename.c: names of statements at a back end that is lent. */
/* A Parse of this name would fail. */
bool rename_is_taken(struct session *, struct slice name);
/* Sends the Parse, with what must come before it, and adds its turn. */
void rename_parse(struct session *, struct turn *, struct slice body);
/* The name to say in Bind and Describe, after its Parse where the back end does not know it; in Close. */
struct slice rename_used(struct session *, struct slice name);
struct slice rename_closed(struct session *, struct slice name);
void rename_answered(struct session *, const struct turn *);
/* The body to send for a Query with this one statement. */
struct slice rename_deallocated(const void *owner, struct session *, struct slice body, const struct statement *);

/* names.c's cousin, prepared.c: statements and portals of the session, by name */
struct name *name_find(struct session *, bool portal, struct slice name);
struct name *name_set(struct session *, bool portal, struct slice name, struct analysis *, const struct statement *);
void name_drop(struct session *, bool portal, struct slice name);
void name_drop_all(struct session *, bool portal);

/* visit.c: passages */
enum { VISIT_FACTS = 8 };
enum visit_step { VISIT_CONNECT, VISIT_WHOLE, VISIT_OPENING, VISIT_CLOSING };

struct visit {
	struct visit *next, **link;     /* of the session's */
	struct session *session;        /* NULL: it has ended */
	struct postgres_worker *worker;
	struct turn *turn;
	enum visit_step step;
	enum database_mode mode;
	struct passage *passage;
	bool kept;                      /* by the turn whose opening it is */
	bool finishing, again;
	bool application;               /* of the application lane */
	void *asked;                    /* owns what the facts point to */
	struct fact facts[VISIT_FACTS];
	struct analysis *analysis;
	const struct statement *statement;
	uint64_t rows, bytes;
	char sqlstate[6];
	const char *ended;              /* skipped, lost: no answer came; row_limit, timeout: overruled */
	bool exports;
	void (*done)(struct visit *);   /* not called where the session has ended */
};
struct visit *visit_new(struct session *, enum visit_step, struct turn *, struct analysis *, const struct statement *);
/* A closing entry of what the turn has opened, with its counts. */
struct visit *visit_closing(struct session *, struct turn *, const char *ended);
void visit_opened(struct visit *, struct turn *);
void visit_enter(struct visit *);
/* NULL: go on. Denials do not count where the database is only observed. */
err_t visit_error(const struct visit *);
struct complaint visit_complaint(const struct visit *);
/* Would a read be let through now? Remembered for a second. */
bool visit_judge(struct session *, const char *action, const struct statement *);

/* ours.c */
struct ours;
struct ours_place;
struct ours *ours_new(const void *owner);
struct ours_place *ours_add(struct ours *, struct slice database, uint32_t pid);
void ours_remove(struct ours *, struct ours_place *);
bool ours_has(struct ours *, struct slice database, uint32_t pid);

/* sessions.c: the open ones, of all workers */
struct directory;
struct directory *directory_new(const void *owner);
void directory_enter(struct session *);
void directory_leave(struct session *);
struct enders *enders_new(const void *owner, struct postgres_worker *);

/* cancel.c */
struct keys_table *keys_table_new(const void *owner);
struct cancel_queue *cancel_queue_new(const void *owner, struct postgres_worker *);
void cancel_list(struct session *);
void cancel_unlist(struct session *);
/* From any connection, on any worker: the session with these is told. */
void cancel_ask(struct postgres *, uint32_t pid, struct slice key);
/* What runs for the session is to stop. */
void cancel_statement(struct session *);
/* … and nobody waits for it, for the session goes. */
void cancel_abandoned(struct session *);
