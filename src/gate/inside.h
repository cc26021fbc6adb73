/* inside.h - private: what the files of the gate share. */
#pragma once
#include "gate/gate.h"

struct decider;

/* The policies in force, compiled, for one worker; loaded again when their digest changes. */
fallible decider_new(const void *owner, struct decider **out);
/* Decides p->principal, action and p's resource; fills decision, policies and policy_set; for a denial detail_text,
 * next and *code, the error to answer. */
fallible decide(struct decider *, struct passage *, const char *action, enum resource_type, err_t *code);

/* effects.c: annotations of permits. The check says what is not of its form; collecting leaves that out. */
struct cedar_policies;
fallible effects_check(const void *owner, const struct cedar_policies *, size_t policy, const char **why);
void effects_collect(const void *owner, const struct cedar_policies *, const size_t *policies, size_t count, struct effects *out);

struct gate_worker {
	struct gate *gate;
	struct record_worker *record;
	struct store *view;
	bool view_open;                 /* in a reading transaction … */
	uint64_t view_changes;          /* … begun after record_changes() was this … */
	int64_t view_since;             /* … at this monotonic time; … */
	struct timer *view_timer;       /* … and closed after a fifth of a second, used or not */
	struct decider *decider;
	struct ledger_reader *reader;
	struct cache *cache;
	struct line *returned;          /* from the slow worker */
	void (*changed)(void *);
	void *changed_argument;
};

/* slow.c */
struct slow;
fallible slow_open(struct gate *, struct slow **out);
void slow_enter(struct slow *, struct gate_worker *home, struct passage *);
fallible returned_open(struct gate_worker *, struct loop *);
/* The way through, on the worker given. */
void gate_pass(struct gate_worker *, struct passage *);

/* Principals by the digest of their credential, as of one epoch; a worker's own. */
struct cache;
fallible cache_new(const void *owner, struct cache **out);
fallible cache_identify(struct cache *, struct store *view, const uint8_t digest[DIGEST_SIZE], uint64_t epoch, int64_t now,
                        struct principal **out);

/* Whether this identity may begin one more passage now; any thread. */
struct rate;
struct rate *rate_new(const void *owner, int64_t people, int64_t applications);
bool rate_take(struct rate *, const struct principal *, int64_t monotonic);

/* The request of a second person: kept by `second.c`, approved by the operation `request.approve`. */
fallible second_prepare(struct passage *);

fallible idempotency_find(struct passage *, bool *found);
fallible idempotency_apply(struct passage *, struct store *, int64_t time);

/* The submission has come back. */
void gate_recorded(struct passage *);
