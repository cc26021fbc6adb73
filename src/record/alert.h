/* alert.h - public: an alert is a row and an entry (`alert.raised`) that any room may leave in the recorder's transaction. */
#pragma once
#include "base/id.h"
#include "record/record.h"

struct alert {
	struct slice id, rule, state, subject, evidence;        /* evidence: a JSON array of main indices */
	int64_t since;
};

/* Part of somebody's apply; the entry that tells of it goes with the same submission. */
fallible alert_raise_apply(struct store *tx, struct slice id, struct slice rule, struct slice subject, struct slice evidence,
                           int64_t time);
/* To `acknowledged` or `closed`. Fails with E_STATE where it is that already, or closed. */
fallible alert_state_apply(struct store *tx, struct slice id, const char *state);
/* Newest first. */
fallible alert_each(struct store *, err_t (*each)(void *, const struct alert *), void *argument);
fallible alert_get(const void *owner, struct store *, struct slice id, struct alert *out);
