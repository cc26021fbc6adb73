/* gate.h - the passage: identified, decided, recorded, and only then let through. There is no second way in.
 *
 * Everything that anyone can do is a `struct operation`, a constant row next to the lines it runs. Routes, OpenAPI,
 * CLI, permissions and tests are derived from the rows; a handler is reached through gate_enter() alone.
 *
 * A passage and its worker belong to one thread; in between the recorder holds its submission.
 */
#pragma once
#include "base/err.h"
#include "base/loop.h"
#include "identity/identity.h"
#include "keys/keys.h"
#include "ledger/ledger.h"
#include "outward/outward.h"
#include "record/record.h"
#include "store/store.h"

#include <jansson.h>

enum method { GET, PUT, POST, DELETE, METHODS };
enum effect { EFFECT_READ, EFFECT_CHANGE };
/* What policies see: Vendor::"vendor", Subscriber::"acme", Collection::"acme/tickets", Object::"acme/tickets/4711". */
enum resource_type { RESOURCE_VENDOR, RESOURCE_SUBSCRIBER, RESOURCE_COLLECTION, RESOURCE_OBJECT };

enum field_place { PLACE_PATH, PLACE_QUERY, PLACE_BODY };
enum field_type {
	FIELD_NAME,                     /* struct slice: [a-z0-9-]{1,63} */
	FIELD_OBJECT_ID,                /* struct slice: see object_id_check */
	FIELD_TEXT,                     /* struct slice: UTF-8, at most `most` bytes (default 256) */
	FIELD_SECRET,                   /* the same, never shown in an error or kept in a request */
	FIELD_NUMBER,                   /* int64_t, from 0 to `most` */
	FIELD_FLAG,                     /* bool */
	FIELD_TIME,                     /* int64_t */
	FIELD_DURATION,                 /* int64_t, microseconds */
	FIELD_JSON,                     /* json_t *, borrowed */
};

/* One argument; `offset` is where it goes in the operation's struct of arguments. */
struct field {
	const char *name;
	enum field_place place;
	enum field_type type;
	bool required;
	size_t offset;
	int64_t most;
	const char *says;
};

struct passage;
struct gate;
struct gate_worker;

struct operation {
	const char *name;               /* `object.get`: operationId, and the operation in the book */
	const char *says[LANGUAGES];
	struct {
		enum method method;
		const char *path;       /* with {fields} */
	} route;
	const char *cli;                /* `grant revoke {id}`: words, then what stands in a place; the other fields are
	                                 * options. NULL: no command of its own */
	const char *action;             /* in Cedar */
	enum resource_type resource;
	enum effect effect;
	const struct field *fields;     /* ends with a NULL name */
	size_t args_size;
	size_t body_max;                /* of a body that is bytes; 0: a JSON object of the fields */
	bool anonymous;                 /* anyone may try: it brings its own proof (login) */
	bool secret;                    /* its answer is for one pair of eyes: never kept */
	bool slow;                      /* hashes passwords: prepared on a thread of its own */
	bool second_person;             /* waits until another person has approved it */
	bool changes_epoch;             /* who may what is another after it */
	bool operators;                 /* what operators need when the disk is full: recorded also then */
	const char *output;             /* JSON Schema of what it answers; NULL: none, "" bytes */

	/* On a worker, before each decision: what the door knows now, in facts and `observed`; may be NULL. */
	void (*ask)(struct passage *);
	/* On a worker, whatever the decision: outcome and detail of what the door knows of the passage; may be NULL. */
	void (*describe)(struct passage *);
	/* On a worker: reads p->view, sets outcome, answer and change. What it returns is the answer, recorded too. */
	err_t (*prepare)(struct passage *);
	/* On the recorder, of a change: bounded SQL on prepared values; see struct submission. */
	err_t (*apply)(struct passage *, struct store *tx, int64_t time);
	/* On the worker, when it is durable; may be NULL. */
	void (*answer)(struct passage *);
};

struct answer_header {
	const char *name;
	char *value;
};

/* One of several decisions of a passage, each with an entry of its own in its own log. */
struct part {
	enum decision decision;
	size_t policy_count;
	struct slice policies[ENTRY_POLICIES];
	struct slice subscriber, resource, purpose, on_behalf, action;
	int64_t version, bytes;         /* of an object; version 0: of none */
	int64_t rows;                   /* that were shown of it; 0: not counted */
};

/* What the permits that decided ask besides, by their annotations; 0: nothing. The door keeps to it; `approval` the gate itself. */
struct effects {
	int64_t row_limit;              /* @row_limit("1000"): more rows are refused */
	int64_t export_over;            /* @export_over("1000"): more rows than these are an export */
	int64_t statement_timeout;      /* @statement_timeout("30s") */
	bool read_only;                 /* @read_only(""): of what `postgres.connect` opens */
	const char *approval;           /* @approval("WHY"): passes only under a grant, which another person has approved */
};

/* What the door knows of a passage and policies may ask about: context.NAME. */
enum { FACT_TEXTS = 64 };             /* in a set, at most: the door sees to it */
enum fact_kind { FACT_TEXT, FACT_SET, FACT_FLAG, FACT_NUMBER };
struct fact {
	const char *name;
	enum fact_kind kind;
	size_t count;                   /* of texts: 1 of FACT_TEXT */
	const struct slice *texts;
	int64_t number;                 /* of FACT_FLAG (0 or 1) and FACT_NUMBER */
};

enum { ANSWER_HEADERS = 4, ENTRIES = 8, PASSAGE_TEXT = 2 * PASSAGE_SIZE + 1 };

/* One passage: a talloc object. First what the door fills in; then what the gate does; then what prepare leaves. */
struct passage {
	const struct operation *operation;
	void *args;
	json_t *input;                  /* of a change: the fields as JSON, for a request that waits */
	struct slice body, media;
	struct slice token;             /* as given; empty where there is none */
	uint8_t certificate[DIGEST_SIZE];
	bool certified;                 /* a client certificate was shown and verified */
	struct slice purpose, on_behalf, from, idempotency_key, if_match;
	const char *action;             /* in the place of the operation's, where the door knows better (a statement's kind) */
	enum proof_kind kind;           /* PROOF_OPENING, PROOF_CLOSING: so the book says; else by the operation's effect */
	bool observed;                  /* a denial is recorded as such, with outcome `would_deny`, and not enforced */
	size_t fact_count;
	const struct fact *facts;       /* beside what the gate itself puts into the context */
	enum language language;
	void (*answered)(struct passage *);     /* on the worker; then the passage may be freed */
	void *door;                     /* whose it is: the gate does not look */

	struct gate_worker *worker;
	uint8_t id[PASSAGE_SIZE];
	char id_text[PASSAGE_TEXT];
	struct store *view;             /* one state of the store, while preparing */
	struct keys *keys;
	int64_t now;
	struct principal *principal;    /* NULL: anonymous */
	struct slice subscriber, collection, object;    /* what it touches, from the arguments of these names */
	struct slice request;           /* the request that another person approved, in whose name it runs */
	struct slice requester, approver;       /* their actors */
	enum decision decision;
	struct effects effects;
	size_t policy_count;
	struct slice policies[ENTRY_POLICIES];
	uint8_t policy_set[DIGEST_SIZE];

	struct pairs outcome, detail;   /* for the book */
	struct slice log;               /* the entry's log, where it is not the subscriber's or the vendor's */
	size_t more_count;              /* further logs that get an entry of this passage */
	struct slice more[ENTRIES - 1];
	size_t part_count;              /* in the place of the passage's one entry, if not 0 */
	struct part *parts;
	void *change;                   /* for apply; NULL: there is nothing to change */
	err_t (*waiting)(struct passage *, struct store *tx, int64_t time);     /* the gate's, in the place of apply */
	bool changes_epoch;             /* as the operation says, unless prepare knows better */

	err_t error;                    /* NULL: it went through */
	const char *detail_text;        /* what was wrong, for people */
	const char *next;               /* the command that would help */
	int status;
	json_t *json;                   /* the answer; or bytes and their media type */
	struct slice bytes, bytes_media;
	size_t header_count;
	struct answer_header headers[ANSWER_HEADERS];

	struct submission submission;   /* the gate's */
	struct encoded *entries;
	unsigned tries;
	bool applied;
	bool counted;                   /* against its identity's rate */
	bool unrecorded;                /* refused at the door, at a rate that the book must not bear (429) */
	uint64_t epoch;
	struct gate_worker *home;       /* where it came from, while the slow worker has it */
	void (*home_answered)(struct passage *);
	struct passage *next_in_line;
};

/* ---- for operations ---- */

struct slice passage_resource(struct passage *);        /* acme/tickets/4711, as the book names it */
void passage_header(struct passage *, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* An error with what was wrong, in the passage's language where texts are given in both. */
err_t passage_fail(struct passage *, err_t, const char *format, ...) __attribute__((format(printf, 3, 4)));
err_t passage_answer(struct passage *, json_t *json);   /* takes the reference */
/* Decides another action, with the same principal: what `request.approve` asks of the operation behind it. */
fallible passage_decide(struct passage *, const char *action, enum resource_type);
const char *passage_says(const struct passage *, const char *english, const char *japanese);

/* ---- for the program ---- */

struct postgres;

struct gate_options {
	const char *dir;
	struct record *record;
	struct ledger *ledger;
	struct keys *keys;
	struct outward *outward;        /* NULL: nothing goes outward */
	const struct operation *const *operations;      /* ends with NULL */
	const char *postgres;           /* where the gateway listens; NULL: nowhere */
	struct postgres *gateway;       /* for the operations of that room */
	int64_t rate_people, rate_applications; /* passages that one may begin in a second; 0: no limit */
};
fallible gate_open(const void *owner, const struct gate_options *, struct gate **out);
const struct gate_options *gate_options(const struct gate *);
const struct operation *gate_find(const struct gate *, struct slice name);
struct attempts *gate_attempts(struct gate *);

/* One for each worker thread, on its loop. */
fallible gate_worker_new(const void *owner, struct gate *, struct loop *, struct gate_worker **out);
struct gate *gate_of(struct gate_worker *);
struct ledger_reader *gate_reader(struct gate_worker *);
/* One state of the store, for reading beside a passage. NULL where it cannot be opened. */
struct store *gate_view(struct gate_worker *);
/* Calls `changed` on the worker's loop after each change of who may what. */
void gate_on_change(struct gate_worker *, void (*changed)(void *), void *argument);
/* Is this credential (its digest) still good? */
bool gate_credential_check(struct gate_worker *, const uint8_t digest[DIGEST_SIZE]);

/* Starts the worker for slow operations; before threads enter. */
fallible gate_start_slow(struct gate *);

struct passage *passage_new(const void *owner, const struct operation *);
/* Fills args and input from what the door found. Fails with E_ARGUMENT and says which field, and what would be right. */
struct given {
	size_t count;
	struct { struct slice name, value; enum field_place place; } values[64];
	json_t *body;                   /* a JSON object, or NULL */
};
fallible passage_arguments(struct passage *, const struct given *);
/* The same from p->input of an earlier passage. */
fallible passage_arguments_again(struct passage *, json_t *input);
void gate_enter(struct gate_worker *, struct passage *);
/* What entering would answer, in p->error, p->decision and what prepare leaves: nothing is recorded or released. For a
 * door that must know before it acts; the passage is to be entered afterwards, whatever comes of it, and is then
 * prepared again if who may what has changed since. */
void gate_judge(struct gate_worker *, struct passage *);
/* The closing entry of a passage that was opened and has been answered: p->kind is PROOF_CLOSING. Nothing is decided:
 * principal and decision stay those of the opening, also where the credential has ended since. */
void gate_close(struct gate_worker *, struct passage *);

/* The text of the policies in force; `digest` of the set that entries name. */
fallible policy_text(const void *owner, struct store *, int64_t at, struct slice *text, uint8_t digest[DIGEST_SIZE]);
/* The text of the policy with that @id. Fails with E_NOT_FOUND. */
fallible policy_one(const void *owner, struct slice set, const char *id, struct slice *text);
/* Can these be read? Fails with E_POLICY_TEXT; *why says line, column and what was expected. */
fallible policy_check(const void *owner, struct slice text, const char **why);
/* The set with the policies of `text` added, or put in the place of those with the same @id. */
fallible policy_merge(const void *owner, struct slice set, struct slice text, struct slice *out, const char **why);
fallible policy_put_apply(struct store *, struct slice text, struct slice proposed_by, struct slice approved_by, int64_t time);
