#include "postgres/databases.h"

#include "base/memory.h"
#include "base/text.h"
#include "postgres/database_sql.h"

#include <jansson.h>

static struct slice
text_at(const void *owner, json_t *j, const char *key)
{
	json_t *value = json_object_get(j, key);
	return json_is_string(value) ? memory_copy(owner, slice_of(json_string_value(value), json_string_length(value))) : LITERAL("");
}

static enum database_tls
tls_of(struct slice mode)
{
	if (slice_is(mode, "verify-full"))
		return DATABASE_TLS_FULL;
	return slice_is(mode, "verify-ca") ? DATABASE_TLS_CA : DATABASE_TLS_NONE;
}

static fallible
unseal(const void *owner, struct keys *keys, struct slice sealed, struct kept_database *out)
{
	SCOPED void *scope = talloc_new(NULL);
	SCOPED char *name = memory_format(NULL, "db/%.*s", SLICE_ARGUMENTS(out->name));
	struct slice text;
	TRY(keys_unseal_whole(scope, keys, LITERAL("vendor"), USE_NAMES, slice_text(name), sealed, &text));
	json_t *j = json_loadb((const char *)text.data, text.size, 0, NULL);
	memory_wipe((void *)(uintptr_t)text.data, text.size);
	if (!j)
		return E_SEAL;
	out->administrator = (struct database){
		.host = text_at(owner, j, "host"), .port = (uint16_t)json_integer_value(json_object_get(j, "port")),
		.name = text_at(owner, j, "database"), .role = text_at(owner, j, "user"), .password = text_at(owner, j, "password"),
		.tls = tls_of(text_at(scope, j, "sslmode")), .root_ca = text_at(owner, j, "root_ca"), .certificate = text_at(owner, j, "certificate"),
		.key = text_at(owner, j, "key"),
	};
	out->salt = text_at(owner, j, "salt");
	json_decref(j);
	return NULL;
}

static void
make_prefix(struct kept_database *d)
{
	size_t n = (size_t)snprintf(d->prefix, sizeof d->prefix, "sk_%.*s", d->name.size > 24 ? 24 : (int)d->name.size, (const char *)d->name.data);
	for (size_t i = 0; i < n; i++)
		if (d->prefix[i] == '-')
			d->prefix[i] = '_';
}

enum database_mode
database_mode_of(const struct kept_database *d)
{
	return slice_is(d->mode, "observe") ? MODE_OBSERVE : slice_is(d->mode, "shadow") ? MODE_SHADOW : MODE_ENFORCE;
}

fallible
database_get(const void *owner, struct store *s, struct keys *keys, struct slice name, struct kept_database *out)
{
	SCOPED struct rows *r = NULL;
	TRY(store_rows(NULL, s, QUERY_DATABASE_GET, BIND(as_text(name)), &r));
	if (!rows_next(r)) {
		TRY(rows_end(r));
		return E_NOT_FOUND;
	}
	struct kept_database d = {
		.name = memory_copy(owner, row_text(r, 0)), .mode = memory_copy(owner, row_text(r, 2)), .state = memory_copy(owner, row_text(r, 3)),
		.tenant = memory_copy(owner, row_text(r, 4)), .map = memory_copy(owner, row_text(r, 5)), .shared = memory_copy(owner, row_text(r, 6)),
		.exempt = memory_copy(owner, row_text(r, 7)), .created = row_number(r, 8), .changed = row_number(r, 9),
	};
	make_prefix(&d);
	TRY(unseal(owner, keys, row_bytes(r, 1), &d));
	*out = d;
	return NULL;
}

fallible
database_is_certified(struct store *s, struct slice name, bool *out)
{
	SCOPED struct rows *r = NULL;
	TRY(store_rows(NULL, s, QUERY_CERTIFICATE_GET, BIND(as_text(name)), &r));
	*out = rows_next(r);
	return rows_end(r);
}

/* The map names the subscriber: a,b=acme,c=globex. */
static bool
is_mapped(struct slice map, struct slice subscriber)
{
	while (map.size) {
		size_t n = 0, equals = 0;
		for (; n < map.size && map.data[n] != ','; n++)
			equals = map.data[n] == '=' ? n + 1 : equals;
		if (slice_equal(slice_of(map.data + equals, n - equals), subscriber))
			return true;
		map = slice_from(map, n + 1);
	}
	return false;
}

fallible
database_of_subscriber(const void *owner, struct store *s, struct keys *keys, struct slice name, struct slice subscriber, struct database *out)
{
	struct kept_database d;
	TRY(database_get(owner, s, keys, name, &d));
	if (!slice_is(d.state, "onboarded") || !is_mapped(d.map, subscriber))
		return E_NOT_FOUND;
	char *role = talloc_zero_size(owner, ROLE_TEXT);
	postgres_role(slice_text(d.prefix), d.salt, subscriber, role);
	*out = d.administrator;
	out->role = slice_text(role);
	out->pooled = true;
	out->password = (struct slice){ NULL, 0 };      /* the administrator's is not the role's */
	out->mode = database_mode_of(&d);
	out->shared = d.shared;
	return database_is_certified(s, name, &out->minted);
}
