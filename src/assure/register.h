/* register.h - public: what the wide duties of the promise keep (E1, E3, E6, E7, P0 to P2): one as-of store for all of it.
 *
 * A thing has a kind (`risk`, `site`, …), an id that is unique in it, a parent (of a review: the provider), a JSON body, and
 * a time at which it is overdue. It is never overwritten: a change ends the version that holds and begins another.
 * Reading takes a store of the calling thread; functions named _apply run in the recorder's transaction.
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"
#include "store/store.h"

#include <jansson.h>
#include <stdbool.h>

enum { REGISTER_BODY_MAX = 256 << 10 }; /* bytes of a body's text */

struct registered {
	struct slice kind, id, parent, changed_by;
	int64_t version, since;
	int64_t due;                    /* 0: never */
	json_t *body;                   /* borrowed by who is called back; of register_get: the owner's */
};

/* The version that holds. Fails with E_NOT_FOUND. */
fallible register_get(const void *owner, struct store *, const char *kind, struct slice id, struct registered *out);
/* Those that hold, in order of id; `parent` empty: of all. */
fallible register_each(struct store *, const char *kind, struct slice parent, err_t (*each)(void *, const struct registered *),
                       void *argument);
/* All that ever were of one id, newest first. */
fallible register_each_version(struct store *, const char *kind, struct slice id, err_t (*each)(void *, const struct registered *),
                               void *argument);
/* All that hold and fall due, the earliest first. */
fallible register_each_due(struct store *, err_t (*each)(void *, const struct registered *), void *argument);

struct register_count {
	int64_t all, overdue;
	int64_t next;                   /* when the next falls due; 0: none does */
	char first[64];                 /* the id of what has been overdue for longest */
};
fallible register_count(struct store *, const char *kind, int64_t now, struct register_count *out);

struct register_change {
	const char *kind;
	struct slice id, parent, body;  /* body: JSON */
	int64_t due;
	struct slice changed_by, passage;
};
/* Ends the version that holds, if there is one, and begins this. */
fallible register_put_apply(struct store *, const struct register_change *, int64_t time);
/* Fails with E_NOT_FOUND where none holds. */
fallible register_end_apply(struct store *, const char *kind, struct slice id, int64_t time);

fallible register_file_put_apply(struct store *, struct slice digest, int64_t size, struct slice sealed);
/* Fails with E_NOT_FOUND. */
fallible register_file_get(const void *owner, struct store *, struct slice digest, struct slice *sealed);

/* Members of a body; empty, 0 or false where there is none of that form. */
struct slice body_text(const json_t *body, const char *key);
int64_t body_time(const json_t *body, const char *key);
int64_t body_number(const json_t *body, const char *key);
bool body_flag(const json_t *body, const char *key);

/* What was measured last of a component, by `group/name`; measured values are overwritten, not kept as of. */
struct gauge {
	bool up;
	int64_t load, time;
};
fallible gauge_put_apply(struct store *, struct slice name, const struct gauge *);
/* Fails with E_NOT_FOUND. */
fallible gauge_get(struct store *, struct slice name, struct gauge *out);
