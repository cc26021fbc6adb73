#include "vault/vault.h"

#include "base/memory.h"
#include "base/clock.h"
#include "base/text.h"
#include "record/deadline.h"
#include "vault/vault_sql.h"

#include <ctype.h>

bool
object_id_check(struct slice id)
{
	if (id.size == 0 || id.size > 128)
		return false;
	for (size_t i = 0; i < id.size; i++)
		if (!isalnum(id.data[i]) && !strchr("._-", id.data[i]))
			return false;
	return !slice_is(id, ".") && !slice_is(id, "..");
}

/* What the seal binds: nobody can put one object's body in another's place. */
static struct slice
name_of(const void *owner, const struct object *o)
{
	return slice_text(memory_format(owner, "%.*s/%.*s/%.*s/%lld", SLICE_ARGUMENTS(o->subscriber),
	                                SLICE_ARGUMENTS(o->collection), SLICE_ARGUMENTS(o->id), (long long)o->version));
}

/* The first eleven columns of object_version_get, object_versions and object_page. */
static struct object
object_of_row(const void *owner, struct rows *r)
{
	struct object o = {
		.subscriber = memory_copy(owner, row_text(r, 0)), .collection = memory_copy(owner, row_text(r, 1)),
		.id = memory_copy(owner, row_text(r, 2)), .version = row_number(r, 3), .media = memory_copy(owner, row_text(r, 4)),
		.attributes = memory_copy(owner, row_text(r, 5)), .size = row_number(r, 6), .changed = row_number(r, 7),
		.changed_by = memory_copy(owner, row_text(r, 8)), .purpose = memory_copy(owner, row_text(r, 9)),
		.passage = memory_copy(owner, row_bytes(r, 10)),
	};
	o.removed = o.media.size == 0;
	return o;
}

/* The one row of object_newest or object_version_get, with what is sealed. */
static fallible
take_object(const void *owner, struct rows *r, struct object *out)
{
	if (!rows_next(r)) {
		TRY(rows_end(r));
		return E_NOT_FOUND;
	}
	struct object o = object_of_row(owner, r);
	o.sealed.generation = (uint32_t)row_number(r, 11);
	if (row_bytes(r, 12).size == sizeof o.sealed.wrapped)
		memcpy(o.sealed.wrapped, row_bytes(r, 12).data, sizeof o.sealed.wrapped);
	o.sealed.body = memory_copy(owner, row_bytes(r, 13));
	*out = o;
	return NULL;
}

fallible
object_get_version(const void *owner, struct store *s, struct slice subscriber, struct slice collection, struct slice id,
                   int64_t version, struct object *out)
{
	SCOPED struct rows *r = NULL;
	TRY(store_rows(NULL, s, QUERY_OBJECT_VERSION_GET,
	               BIND(as_text(subscriber), as_text(collection), as_text(id), as_number(version)), &r));
	return take_object(owner, r, out);
}

fallible
object_find(const void *owner, struct store *s, struct slice subscriber, struct slice collection, struct slice id,
            struct object *out)
{
	SCOPED struct rows *r = NULL;
	TRY(store_rows(NULL, s, QUERY_OBJECT_NEWEST, BIND(as_text(subscriber), as_text(collection), as_text(id)), &r));
	return take_object(owner, r, out);
}

fallible
object_open_body(const void *owner, struct keys *keys, const struct object *o, struct slice *body)
{
	SCOPED void *scope = talloc_new(NULL);
	return keys_unseal(owner, keys, o->subscriber, USE_DATA, name_of(scope, o), &o->sealed, body);
}

fallible
object_seal_body(const void *owner, struct keys *keys, struct object *o, struct slice body)
{
	SCOPED void *scope = talloc_new(NULL);
	o->size = (int64_t)body.size;
	return keys_seal(owner, keys, o->subscriber, USE_DATA, name_of(scope, o), body, &o->sealed);
}

static fallible
each_row(struct rows *r, err_t (*each)(void *, const struct object *), void *argument)
{
	while (rows_next(r)) {
		SCOPED void *scope = talloc_new(NULL);
		struct object o = object_of_row(scope, r);
		TRY(each(argument, &o));
	}
	return rows_end(r);
}

fallible
object_each_version(struct store *s, struct slice subscriber, struct slice collection, struct slice id,
                    err_t (*each)(void *, const struct object *), void *argument)
{
	SCOPED struct rows *r = NULL;
	TRY(store_rows(NULL, s, QUERY_OBJECT_VERSIONS, BIND(as_text(subscriber), as_text(collection), as_text(id)), &r));
	return each_row(r, each, argument);
}

fallible
object_each(struct store *s, struct slice subscriber, struct slice collection, struct slice after, size_t limit,
            err_t (*each)(void *, const struct object *), void *argument)
{
	SCOPED struct rows *r = NULL;
	TRY(store_rows(NULL, s, QUERY_OBJECT_PAGE,
	               BIND(as_text(subscriber), as_text(collection), as_text(after), as_number((int64_t)limit)), &r));
	return each_row(r, each, argument);
}

fallible
collection_each(struct store *s, struct slice subscriber, err_t (*each)(void *, struct slice, int64_t), void *argument)
{
	SCOPED struct rows *r = NULL;
	TRY(store_rows(NULL, s, QUERY_COLLECTIONS, BIND(as_text(subscriber)), &r));
	while (rows_next(r))
		TRY(each(argument, row_text(r, 0), row_number(r, 1)));
	return rows_end(r);
}

static fallible
put_newest(struct store *s, const struct object *o, int64_t time)
{
	if (o->version == 1)
		return store_run(s, QUERY_OBJECT_FIRST, BIND(as_text(o->subscriber), as_text(o->collection), as_text(o->id)));
	return store_run(s, QUERY_OBJECT_NEXT,
	                 BIND(as_text(o->subscriber), as_text(o->collection), as_text(o->id), as_number(o->version),
	                      o->removed ? as_number(time) : as_null()));
}

fallible
object_put_apply(struct store *s, const struct object *o, int64_t time)
{
	TRY(put_newest(s, o, time));
	if (store_changes(s) == 0)
		return E_CONFLICT;
	if (o->removed) {
		SCOPED char *subject = memory_format(NULL, "%.*s/%.*s/%.*s/%lld", SLICE_ARGUMENTS(o->subscriber), SLICE_ARGUMENTS(o->collection),
		                                     SLICE_ARGUMENTS(o->id), (long long)o->version);
		TRY(deadline_set_apply(s, "object.retention", slice_text(subject), time + DAYS(OBJECT_RETENTION_DAYS)));
	}
	return store_run(s, QUERY_OBJECT_VERSION_ADD,
	                 BIND(as_text(o->subscriber), as_text(o->collection), as_text(o->id), as_number(o->version),
	                      as_text(o->media), as_text(o->attributes), as_number(o->size), as_number(time),
	                      as_text(o->changed_by), as_text(o->purpose), as_bytes(o->passage),
	                      as_number(o->sealed.generation),
	                      as_bytes(slice_of(o->sealed.wrapped, o->removed ? 0 : sizeof o->sealed.wrapped)),
	                      as_bytes(o->sealed.body)));
}

static struct slice
take_part(struct slice *rest)
{
	size_t n = 0;
	while (n < rest->size && rest->data[n] != '/')
		n++;
	struct slice part = slice_of(rest->data, n);
	*rest = slice_from(*rest, n + 1);
	return part;
}

/* Only what was removed then: whoever put it again since keeps all versions. */
fallible
object_purge_apply(struct store *s, struct slice subject)
{
	struct slice rest = subject, subscriber = take_part(&rest), collection = take_part(&rest), id = take_part(&rest);
	uint64_t version;
	if (text_number_parse(rest, &version))
		return E_STATE;
	TRY(store_run(s, QUERY_OBJECT_PURGE, BIND(as_text(subscriber), as_text(collection), as_text(id), as_number((int64_t)version))));
	return store_changes(s) ? NULL : E_STATE;
}

/* ---- attributes ---- */

fallible
collection_attributes(struct store *s, struct slice subscriber, struct slice collection, json_t **out)
{
	SCOPED struct rows *r = NULL;
	TRY(store_rows(NULL, s, QUERY_COLLECTION_GET, BIND(as_text(subscriber), as_text(collection)), &r));
	json_t *names = NULL;
	if (rows_next(r)) {
		struct slice text = row_text(r, 0);
		names = json_loadb((const char *)text.data, text.size, 0, NULL);
	}
	*out = names ? names : json_array();
	return rows_end(r);
}

fallible
collection_declare_apply(struct store *s, struct slice subscriber, struct slice collection, struct slice attributes)
{
	return store_run(s, QUERY_COLLECTION_DECLARE, BIND(as_text(subscriber), as_text(collection), as_text(attributes)));
}

static bool
is_declared(json_t *declared, const char *name)
{
	size_t i;
	json_t *each;
	json_array_foreach(declared, i, each)
		if (json_is_string(each) && strcmp(json_string_value(each), name) == 0)
			return true;
	return false;
}

fallible
attributes_check(json_t *declared, json_t *given, const char **name)
{
	const char *key;
	json_t *value;
	json_object_foreach(given, key, value) {
		if (is_declared(declared, key) && json_is_string(value) && json_string_length(value) <= 256)
			continue;
		*name = key;
		return E_ATTRIBUTE;
	}
	return NULL;
}

/* ---- rotation ---- */

static fallible
rewrap_row(const void *owner, struct keys *keys, struct slice subscriber, uint32_t newest, struct rows *r, struct rewrapped *out)
{
	uint8_t old[KEY_SIZE], fresh[KEY_SIZE], key[KEY_SIZE];
	if (row_bytes(r, 4).size != WRAPPED_SIZE)
		return E_SEAL;
	*out = (struct rewrapped){ .collection = memory_copy(owner, row_text(r, 0)), .id = memory_copy(owner, row_text(r, 1)),
	                           .version = row_number(r, 2), .generation = row_number(r, 3) };
	err_t e = keys_get(keys, subscriber, USE_DATA, (uint32_t)out->generation, old, NULL);
	if (!e)
		e = keys_get(keys, subscriber, USE_DATA, newest, fresh, NULL);
	if (!e)
		e = key_unwrap(old, row_bytes(r, 4).data, key);
	if (!e)
		e = key_wrap(fresh, key, out->wrapped);
	memory_wipe(old, sizeof old);
	memory_wipe(fresh, sizeof fresh);
	memory_wipe(key, sizeof key);
	return e;
}

fallible
vault_rewrap_prepare(const void *owner, struct store *s, struct keys *keys, struct slice subscriber, size_t limit,
                     struct rewrap *out)
{
	uint8_t key[KEY_SIZE];
	SCOPED struct rows *r = NULL;
	struct rewrap w = { .items = NEW_ARRAY(owner, struct rewrapped, limit) };
	TRY(keys_get(keys, subscriber, USE_DATA, KEY_CURRENT, key, &w.newest));
	memory_wipe(key, sizeof key);
	TRY(store_rows(NULL, s, QUERY_OLD_GENERATIONS,
	               BIND(as_text(subscriber), as_number(w.newest), as_number((int64_t)limit)), &r));
	while (rows_next(r)) {
		TRY(rewrap_row(owner, keys, subscriber, w.newest, r, &w.items[w.count]));
		w.count++;
	}
	*out = w;
	return rows_end(r);
}

fallible
vault_rewrap_apply(struct store *s, struct slice subscriber, const struct rewrap *w)
{
	for (size_t i = 0; i < w->count; i++) {
		const struct rewrapped *v = &w->items[i];
		TRY(store_run(s, QUERY_VERSION_REWRAP,
		              BIND(as_text(subscriber), as_text(v->collection), as_text(v->id), as_number(v->version),
		                   as_number(w->newest), as_bytes(slice_of(v->wrapped, sizeof v->wrapped)), as_number(v->generation))));
	}
	return NULL;
}
