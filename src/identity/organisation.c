/* Subscribers and providers. */
#include "identity/identity.h"

#include "base/memory.h"
#include "identity/identity_sql.h"

fallible
subscriber_add_apply(struct store *s, struct slice id, struct slice sealed, int64_t time)
{
	TRY(store_run(s, QUERY_SUBSCRIBER_INSERT, BIND(as_text(id), as_bytes(sealed), as_number(time))));
	return store_changes(s) ? fact_add_apply(s, id, "state", LITERAL("active"), time) : E_EXISTS;
}

fallible
provider_add_apply(struct store *s, struct slice id, struct slice kind, struct slice name, int64_t time)
{
	TRY(store_run(s, QUERY_PROVIDER_INSERT, BIND(as_text(id), as_text(kind), as_text(name), as_number(time))));
	return store_changes(s) ? NULL : E_EXISTS;
}

fallible
subscriber_check(struct store *s, struct slice id)
{
	SCOPED struct rows *rows = NULL;
	TRY(store_rows(NULL, s, QUERY_SUBSCRIBER_BY_ID, BIND(as_text(id)), &rows));
	if (rows_next(rows))
		return NULL;
	TRY(rows_end(rows));
	return E_NOT_FOUND;
}

static fallible
subscriber_of_row(const void *owner, struct store *s, struct rows *rows, int64_t now, struct subscriber *out)
{
	struct subscriber r = { .id = memory_copy(owner, row_text(rows, 0)), .sealed = memory_copy(owner, row_bytes(rows, 1)),
	                        .created = row_number(rows, 2) };
	struct slice state;
	TRY(fact_get(owner, s, r.id, "state", now, &state));
	r.shredded = slice_is(state, "shredded");
	*out = r;
	return NULL;
}

fallible
subscriber_get(const void *owner, struct store *s, struct slice id, int64_t now, struct subscriber *out)
{
	SCOPED struct rows *rows = NULL;
	TRY(store_rows(NULL, s, QUERY_SUBSCRIBER_BY_ID, BIND(as_text(id)), &rows));
	if (rows_next(rows))
		return subscriber_of_row(owner, s, rows, now, out);
	TRY(rows_end(rows));
	return E_NOT_FOUND;
}

fallible
subscriber_each(struct store *s, int64_t now, err_t (*each)(void *, const struct subscriber *), void *argument)
{
	SCOPED struct rows *rows = NULL;
	TRY(store_rows(NULL, s, QUERY_SUBSCRIBERS, BIND_NONE, &rows));
	while (rows_next(rows)) {
		SCOPED void *scope = talloc_new(NULL);
		struct subscriber r;
		TRY(subscriber_of_row(scope, s, rows, now, &r));
		TRY(each(argument, &r));
	}
	return rows_end(rows);
}
