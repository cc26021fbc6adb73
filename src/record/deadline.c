#include "record/deadline.h"

#include "base/memory.h"
#include "record/deadline_sql.h"

fallible
deadline_set_apply(struct store *tx, const char *kind, struct slice subject, int64_t due)
{
	return store_run(tx, QUERY_DEADLINE_SET, BIND(as_text(slice_text(kind)), as_text(subject), as_number(due)));
}

fallible
deadline_done_apply(struct store *tx, const char *kind, struct slice subject, int64_t due, int64_t time)
{
	TRY(store_run(tx, QUERY_DEADLINE_DONE, BIND(as_text(slice_text(kind)), as_text(subject), as_number(due), as_number(time))));
	return store_changes(tx) ? NULL : E_STATE;
}

fallible
deadline_each_due(struct store *s, int64_t now, size_t limit, err_t (*each)(void *, const struct deadline *), void *argument)
{
	SCOPED struct rows *r = NULL;
	TRY(store_rows(NULL, s, QUERY_DEADLINES_DUE, BIND(as_number(now), as_number((int64_t)limit)), &r));
	while (rows_next(r)) {
		const struct deadline d = { row_text(r, 0), row_text(r, 1), row_number(r, 2) };
		TRY(each(argument, &d));
	}
	return rows_end(r);
}
