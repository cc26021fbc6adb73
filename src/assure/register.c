#include "assure/register.h"

#include "assure/register_sql.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdio.h>

static struct registered
registered_of_row(struct rows *r)
{
	struct slice text = row_text(r, 5);
	return (struct registered){ .kind = row_text(r, 0), .id = row_text(r, 1), .version = row_number(r, 2), .parent = row_text(r, 3),
	                            .due = row_is_null(r, 4) ? 0 : row_number(r, 4), .since = row_number(r, 6), .changed_by = row_text(r, 7),
	                            .body = json_loadb((const char *)text.data, text.size, JSON_DECODE_ANY, NULL) };
}

static int
free_body(json_t **body)
{
	json_decref(*body);
	return 0;
}

fallible
register_get(const void *owner, struct store *s, const char *kind, struct slice id, struct registered *out)
{
	SCOPED struct rows *rows = NULL;
	TRY(store_rows(NULL, s, QUERY_REGISTER_CURRENT, BIND(as_text(slice_text(kind)), as_text(id)), &rows));
	if (!rows_next(rows)) {
		TRY(rows_end(rows));
		return E_NOT_FOUND;
	}
	struct registered r = registered_of_row(rows);
	json_t **kept = NEW(owner, json_t *);
	*kept = r.body;
	talloc_set_destructor(kept, free_body);
	r.kind = memory_copy(owner, r.kind);
	r.id = memory_copy(owner, r.id);
	r.parent = memory_copy(owner, r.parent);
	r.changed_by = memory_copy(owner, r.changed_by);
	*out = r;
	return NULL;
}

static fallible
each_row(struct rows *rows, err_t (*each)(void *, const struct registered *), void *argument)
{
	while (rows_next(rows)) {
		struct registered r = registered_of_row(rows);
		err_t e = each(argument, &r);
		json_decref(r.body);
		TRY(e);
	}
	return rows_end(rows);
}

fallible
register_each(struct store *s, const char *kind, struct slice parent, err_t (*each)(void *, const struct registered *), void *argument)
{
	SCOPED struct rows *rows = NULL;
	if (parent.size)
		TRY(store_rows(NULL, s, QUERY_REGISTER_OF_PARENT, BIND(as_text(slice_text(kind)), as_text(parent)), &rows));
	else
		TRY(store_rows(NULL, s, QUERY_REGISTER_OF_KIND, BIND(as_text(slice_text(kind))), &rows));
	return each_row(rows, each, argument);
}

fallible
register_each_version(struct store *s, const char *kind, struct slice id, err_t (*each)(void *, const struct registered *), void *argument)
{
	SCOPED struct rows *rows = NULL;
	TRY(store_rows(NULL, s, QUERY_REGISTER_VERSIONS, BIND(as_text(slice_text(kind)), as_text(id)), &rows));
	return each_row(rows, each, argument);
}

fallible
register_each_due(struct store *s, err_t (*each)(void *, const struct registered *), void *argument)
{
	SCOPED struct rows *rows = NULL;
	TRY(store_rows(NULL, s, QUERY_REGISTER_DUE, BIND_NONE, &rows));
	return each_row(rows, each, argument);
}

fallible
register_count(struct store *s, const char *kind, int64_t now, struct register_count *out)
{
	struct register_count c = { 0 };
	SCOPED struct rows *rows = NULL, *first = NULL;
	TRY(store_rows(NULL, s, QUERY_REGISTER_COUNTS, BIND(as_text(slice_text(kind)), as_number(now)), &rows));
	if (rows_next(rows)) {
		c.all = row_number(rows, 0);
		c.overdue = row_number(rows, 1);
		c.next = row_is_null(rows, 2) ? 0 : row_number(rows, 2);
	}
	TRY(rows_end(rows));
	if (c.overdue) {
		TRY(store_rows(NULL, s, QUERY_REGISTER_FIRST_DUE, BIND(as_text(slice_text(kind)), as_number(now)), &first));
		if (rows_next(first))
			snprintf(c.first, sizeof c.first, "%.*s", SLICE_ARGUMENTS(row_text(first, 0)));
		TRY(rows_end(first));
	}
	*out = c;
	return NULL;
}

fallible
register_put_apply(struct store *s, const struct register_change *c, int64_t time)
{
	SCOPED struct rows *rows = NULL;
	struct slice kind = slice_text(c->kind);
	TRY(store_rows(NULL, s, QUERY_REGISTER_LAST_VERSION, BIND(as_text(kind), as_text(c->id)), &rows));
	int64_t last = rows_next(rows) ? row_number(rows, 0) : 0;
	TRY(rows_end(rows));
	TRY(store_run(s, QUERY_REGISTER_END, BIND(as_text(kind), as_text(c->id), as_number(time))));
	return store_run(s, QUERY_REGISTER_INSERT,
	                 BIND(as_text(kind), as_text(c->id), as_number(last + 1), as_text(c->parent), c->due ? as_number(c->due) : as_null(),
	                      as_text(c->body), as_number(time), as_text(c->changed_by), as_bytes(c->passage)));
}

fallible
register_end_apply(struct store *s, const char *kind, struct slice id, int64_t time)
{
	TRY(store_run(s, QUERY_REGISTER_END, BIND(as_text(slice_text(kind)), as_text(id), as_number(time))));
	return store_changes(s) ? NULL : E_NOT_FOUND;
}

fallible
register_file_put_apply(struct store *s, struct slice digest, int64_t size, struct slice sealed)
{
	return store_run(s, QUERY_REGISTER_FILE_PUT, BIND(as_bytes(digest), as_number(size), as_bytes(sealed)));
}

fallible
register_file_get(const void *owner, struct store *s, struct slice digest, struct slice *sealed)
{
	SCOPED struct rows *rows = NULL;
	TRY(store_rows(NULL, s, QUERY_REGISTER_FILE_GET, BIND(as_bytes(digest)), &rows));
	if (!rows_next(rows)) {
		TRY(rows_end(rows));
		return E_NOT_FOUND;
	}
	*sealed = memory_copy(owner, row_bytes(rows, 1));
	return NULL;
}

/* ---- members of a body ---- */

struct slice
body_text(const json_t *body, const char *key)
{
	const json_t *value = json_object_get(body, key);
	return json_is_string(value) ? slice_of(json_string_value(value), json_string_length(value)) : (struct slice){ NULL, 0 };
}

int64_t
body_time(const json_t *body, const char *key)
{
	int64_t time;
	return text_time_parse(body_text(body, key), &time) ? 0 : time;
}

int64_t
body_number(const json_t *body, const char *key)
{
	const json_t *value = json_object_get(body, key);
	uint64_t number;
	if (json_is_integer(value))
		return json_integer_value(value);
	return text_number_parse(body_text(body, key), &number) || number > INT64_MAX ? 0 : (int64_t)number;
}

bool
body_flag(const json_t *body, const char *key)
{
	return json_is_true(json_object_get(body, key)) || slice_is(body_text(body, key), "true");
}

fallible
gauge_put_apply(struct store *s, struct slice name, const struct gauge *g)
{
	return store_run(s, QUERY_GAUGE_PUT, BIND(as_text(name), as_number(g->up), as_number(g->load), as_number(g->time)));
}

fallible
gauge_get(struct store *s, struct slice name, struct gauge *out)
{
	SCOPED struct rows *rows = NULL;
	TRY(store_rows(NULL, s, QUERY_GAUGE_GET, BIND(as_text(name)), &rows));
	if (!rows_next(rows)) {
		TRY(rows_end(rows));
		return E_NOT_FOUND;
	}
	*out = (struct gauge){ .up = row_number(rows, 0) != 0, .load = row_number(rows, 1), .time = row_number(rows, 2) };
	return NULL;
}
