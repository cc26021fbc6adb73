#include "record/alert.h"

#include "base/memory.h"
#include "record/alert_sql.h"

fallible
alert_raise_apply(struct store *tx, struct slice id, struct slice rule, struct slice subject, struct slice evidence, int64_t time)
{
	return store_run(tx, QUERY_ALERT_INSERT,
	                 BIND(as_text(id), as_text(rule), as_text(subject), as_number(time), as_text(evidence)));
}

fallible
alert_state_apply(struct store *tx, struct slice id, const char *state)
{
	TRY(store_run(tx, QUERY_ALERT_STATE, BIND(as_text(id), as_text(slice_text(state)))));
	return store_changes(tx) ? NULL : E_STATE;
}

static struct alert
alert_of_row(const void *owner, struct rows *r)
{
	return (struct alert){ .id = memory_copy(owner, row_text(r, 0)), .rule = memory_copy(owner, row_text(r, 1)),
	                       .state = memory_copy(owner, row_text(r, 2)), .subject = memory_copy(owner, row_text(r, 3)),
	                       .since = row_number(r, 4), .evidence = memory_copy(owner, row_text(r, 5)) };
}

fallible
alert_each(struct store *s, err_t (*each)(void *, const struct alert *), void *argument)
{
	SCOPED struct rows *r = NULL;
	TRY(store_rows(NULL, s, QUERY_ALERTS, BIND_NONE, &r));
	while (rows_next(r)) {
		SCOPED void *scope = talloc_new(NULL);
		struct alert a = alert_of_row(scope, r);
		TRY(each(argument, &a));
	}
	return rows_end(r);
}

fallible
alert_get(const void *owner, struct store *s, struct slice id, struct alert *out)
{
	SCOPED struct rows *r = NULL;
	TRY(store_rows(NULL, s, QUERY_ALERT_GET, BIND(as_text(id)), &r));
	if (rows_next(r)) {
		*out = alert_of_row(owner, r);
		return NULL;
	}
	TRY(rows_end(r));
	return E_NOT_FOUND;
}
