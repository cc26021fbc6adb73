/* deadline.h - public: the one table of deadlines (DESIGN §2). Whoever makes something that ends leaves its row in the same
 * transaction; serve does what falls due, through the record, once.
 */
#pragma once
#include "record/record.h"

/* Functions named _apply are part of somebody's apply. Setting one that is there already changes nothing. */
fallible deadline_set_apply(struct store *tx, const char *kind, struct slice subject, int64_t due);
/* Done, or no longer needed. Fails with E_STATE where it is neither there nor still open. */
fallible deadline_done_apply(struct store *tx, const char *kind, struct slice subject, int64_t due, int64_t time);
/* Open ones that are due at `now`, the oldest first. */
struct deadline {
	struct slice kind, subject;
	int64_t due;
};
fallible deadline_each_due(struct store *, int64_t now, size_t limit, err_t (*each)(void *, const struct deadline *), void *argument);
