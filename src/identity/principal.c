/* Those who act, as they are at a time. */
#include "identity/identity.h"

#include "base/memory.h"
#include "base/text.h"
#include "identity/identity_sql.h"
#include "record/deadline.h"

static const char *const kind_names[KINDS] = { "personnel", "provider", "user", "auditor", "application" };

const char *
principal_kind_name(enum principal_kind kind)
{
	return kind_names[kind];
}

fallible
principal_kind_parse(struct slice text, enum principal_kind *out)
{
	for (size_t i = 0; i < KINDS; i++)
		if (slice_is(text, kind_names[i])) {
			*out = (enum principal_kind)i;
			return NULL;
		}
	return E_ARGUMENT;
}

static int64_t
time_value(struct slice text)
{
	int64_t time;
	return text_time_parse(text, &time) ? 0 : time;
}

static void
take_fact(struct principal *p, struct slice attribute, struct slice value)
{
	if (slice_is(attribute, "state"))
		p->active = slice_is(value, "active");
	else if (slice_is(attribute, "training"))
		p->trained_until = time_value(value);
	else if (slice_is(attribute, "role") && p->role_count < ROLES)
		p->roles[p->role_count++] = memory_copy(p, value);
}

static void
take_provider_fact(struct principal *p, struct slice attribute, struct slice value)
{
	if (slice_is(attribute, "review"))
		p->reviewed_until = time_value(value);
	else if (slice_is(attribute, "contract") && p->contract_count < CONTRACTS)
		p->contracts[p->contract_count++] = memory_copy(p, value);
}

static fallible
take_facts(struct store *s, struct principal *p, struct slice subject, int64_t now,
           void (*take)(struct principal *, struct slice, struct slice))
{
	SCOPED struct rows *rows = NULL;
	TRY(store_rows(NULL, s, QUERY_FACTS_OF, BIND(as_text(subject), as_number(now)), &rows));
	while (rows_next(rows))
		take(p, row_text(rows, 0), row_text(rows, 1));
	return rows_end(rows);
}

static struct grant
grant_of_row(const void *owner, struct rows *rows)
{
	return (struct grant){
		.id = memory_copy(owner, row_text(rows, 0)), .actor = memory_copy(owner, row_text(rows, 1)),
		.subscriber = memory_copy(owner, row_text(rows, 2)), .resource = memory_copy(owner, row_text(rows, 3)),
		.rights = memory_copy(owner, row_text(rows, 4)), .request = memory_copy(owner, row_text(rows, 5)),
		.since = row_number(rows, 6), .expires = row_number(rows, 7), .until = row_number(rows, 8),
	};
}

static fallible
take_grants(struct store *s, struct principal *p, int64_t now)
{
	SCOPED struct rows *rows = NULL;
	TRY(store_rows(NULL, s, QUERY_GRANTS_OF_ACTOR, BIND(as_text(p->actor), as_number(now)), &rows));
	while (rows_next(rows)) {
		p->grants = memory_grow(p, p->grants, sizeof *p->grants, p->grant_count + 1);
		p->grants[p->grant_count++] = grant_of_row(p, rows);
	}
	return rows_end(rows);
}

fallible
principal_find(const void *owner, struct store *s, struct slice who, int64_t now, struct principal **out)
{
	SCOPED struct principal *p = NEW(owner, struct principal);
	SCOPED struct rows *rows = NULL;
	TRY(store_rows(NULL, s, QUERY_PRINCIPAL_BY_NAME, BIND(as_text(who)), &rows));
	if (!rows_next(rows)) {
		TRY(rows_end(rows));
		return E_NOT_FOUND;
	}
	p->actor = memory_copy(p, row_text(rows, 0));
	p->id = memory_copy(p, row_text(rows, 1));
	TRY(principal_kind_parse(row_text(rows, 2), &p->kind));
	p->organisation = memory_copy(p, row_text(rows, 3));
	TRY(take_facts(s, p, p->actor, now, take_fact));
	if (p->kind == KIND_PROVIDER)
		TRY(take_facts(s, p, p->organisation, now, take_provider_fact));
	TRY(take_grants(s, p, now));
	*out = TAKE(p);
	return NULL;
}

fallible
principal_identify(const void *owner, struct store *s, const uint8_t digest[DIGEST_SIZE], int64_t now, struct principal **out)
{
	SCOPED struct rows *rows = NULL;
	struct principal *p;
	TRY(store_rows(NULL, s, QUERY_CREDENTIAL_BY_DIGEST, BIND(as_bytes(slice_of(digest, DIGEST_SIZE))), &rows));
	if (!rows_next(rows)) {
		TRY(rows_end(rows));
		return E_BAD_CREDENTIAL;
	}
	if (!row_is_null(rows, 3))
		return E_BAD_CREDENTIAL;
	if (row_number(rows, 2) <= now)
		return E_EXPIRED_CREDENTIAL;
	SCOPED struct principal *found = NULL;
	TRY(principal_find(owner, s, row_text(rows, 1), now, &found));
	if (!found->active)
		return E_BAD_CREDENTIAL;
	p = TAKE(found);
	p->credential = memory_copy(p, row_text(rows, 0));
	p->credential_expires = row_number(rows, 2);
	*out = p;
	return NULL;
}

bool
principal_has_role(const struct principal *p, const char *role)
{
	for (size_t i = 0; i < p->role_count; i++)
		if (slice_is(p->roles[i], role))
			return true;
	return false;
}

/* Is `word` one of the words that commas join? */
static bool
lists(struct slice words, const char *word)
{
	size_t size = strlen(word);
	for (size_t at = 0, end; at < words.size; at = end + 1) {
		for (end = at; end < words.size && words.data[end] != ','; end++)
			;
		if (end - at == size && memcmp(words.data + at, word, size) == 0)
			return true;
	}
	return false;
}

/* A grant on a collection covers every object in it. */
static bool
covers(struct slice granted, struct slice resource)
{
	if (slice_equal(granted, resource))
		return true;
	return granted.size < resource.size && resource.data[granted.size] == '/' && slice_starts(resource, granted);
}

const struct grant *
principal_grant(const struct principal *p, struct slice subscriber, struct slice resource, const char *right, int64_t now)
{
	for (size_t i = 0; i < p->grant_count; i++) {
		const struct grant *g = &p->grants[i];
		if (g->since <= now && now < g->expires && slice_equal(g->subscriber, subscriber) && covers(g->resource, resource) &&
		    lists(g->rights, right))
			return g;
	}
	return NULL;
}

fallible
principal_name(const void *owner, struct store *s, struct keys *keys, struct slice actor, struct slice *out)
{
	SCOPED struct rows *rows = NULL;
	TRY(store_rows(NULL, s, QUERY_PRINCIPAL_SEALED_NAME, BIND(as_text(actor)), &rows));
	if (!rows_next(rows)) {
		TRY(rows_end(rows));
		return E_NOT_FOUND;
	}
	return keys_unseal_whole(owner, keys, LITERAL("vendor"), USE_NAMES, actor, row_bytes(rows, 0), out);
}

static fallible
row_of(struct store *s, const void *owner, struct rows *rows, int64_t now, struct principal_row *out)
{
	SCOPED struct rows *facts = NULL;
	struct principal_row r = { .id = row_text(rows, 0), .actor = row_text(rows, 1), .kind = row_text(rows, 2),
	                           .organisation = row_text(rows, 3), .state = LITERAL("active"), .roles = LITERAL("") };
	TRY(store_rows(NULL, s, QUERY_FACTS_OF, BIND(as_text(r.actor), as_number(now)), &facts));
	while (rows_next(facts)) {
		struct slice attribute = row_text(facts, 0), value = row_text(facts, 1);
		if (slice_is(attribute, "state"))
			r.state = memory_copy(owner, value);
		else if (slice_is(attribute, "role"))
			r.roles = slice_text(memory_format(owner, "%.*s%s%.*s", SLICE_ARGUMENTS(r.roles), r.roles.size ? "," : "",
			                                   SLICE_ARGUMENTS(value)));
	}
	*out = r;
	return rows_end(facts);
}

fallible
principal_each(struct store *s, struct slice after, size_t limit, int64_t now,
               err_t (*each)(void *, const struct principal_row *), void *argument)
{
	SCOPED struct rows *rows = NULL;
	TRY(store_rows(NULL, s, QUERY_PRINCIPAL_AFTER, BIND(as_text(after), as_number((int64_t)limit)), &rows));
	while (rows_next(rows)) {
		SCOPED void *scope = talloc_new(NULL);
		struct principal_row row;
		TRY(row_of(s, scope, rows, now, &row));
		TRY(each(argument, &row));
	}
	return rows_end(rows);
}

fallible
principal_add_apply(struct store *s, const struct new_principal *n, int64_t time)
{
	TRY(store_run(s, QUERY_PRINCIPAL_INSERT, BIND(as_text(n->actor), as_text(n->id), as_text(slice_text(kind_names[n->kind])),
	                                             as_text(n->organisation), as_bytes(n->name), as_number(time))));
	if (store_changes(s) == 0)
		return E_EXISTS;
	TRY(fact_add_apply(s, n->actor, "state", LITERAL("active"), time));
	return n->role.size ? fact_add_apply(s, n->actor, "role", n->role, time) : NULL;
}

/* ---- facts ---- */

fallible
fact_set_apply(struct store *s, struct slice subject, const char *attribute, struct slice value, int64_t time)
{
	TRY(store_run(s, QUERY_FACT_END, BIND(as_text(subject), as_text(slice_text(attribute)), as_number(time))));
	if (value.size)
		return fact_add_apply(s, subject, attribute, value, time);
	return store_changes(s) ? NULL : E_STATE;
}

fallible
fact_add_apply(struct store *s, struct slice subject, const char *attribute, struct slice value, int64_t time)
{
	return store_run(s, QUERY_FACT_BEGIN,
	                 BIND(as_text(subject), as_text(slice_text(attribute)), as_text(value), as_number(time)));
}

fallible
fact_get(const void *owner, struct store *s, struct slice subject, const char *attribute, int64_t at, struct slice *out)
{
	SCOPED struct rows *rows = NULL;
	TRY(store_rows(NULL, s, QUERY_FACT_VALUE, BIND(as_text(subject), as_text(slice_text(attribute)), as_number(at)), &rows));
	*out = rows_next(rows) ? memory_copy(owner, row_text(rows, 0)) : (struct slice){ NULL, 0 };
	return rows_end(rows);
}

/* ---- grants ---- */

fallible
grant_add_apply(struct store *s, const struct grant *g)
{
	TRY(store_run(s, QUERY_GRANT_INSERT,
	              BIND(as_text(g->id), as_text(g->actor), as_text(g->subscriber), as_text(g->resource), as_text(g->rights),
	                   as_text(g->request), as_number(g->since), as_number(g->expires))));
	return deadline_set_apply(s, "grant.expiry", g->id, g->expires);
}

fallible
grant_end_apply(struct store *s, struct slice id, int64_t time)
{
	TRY(store_run(s, QUERY_GRANT_END, BIND(as_text(id), as_number(time))));
	return store_changes(s) ? NULL : E_NOT_FOUND;
}

fallible
grants_end_apply(struct store *s, struct slice actor, int64_t time)
{
	return store_run(s, QUERY_GRANT_END_ALL, BIND(as_text(actor), as_number(time)));
}

fallible
grant_get(const void *owner, struct store *s, struct slice id, struct grant *out)
{
	SCOPED struct rows *rows = NULL;
	TRY(store_rows(NULL, s, QUERY_GRANT_BY_ID, BIND(as_text(id)), &rows));
	if (rows_next(rows)) {
		*out = grant_of_row(owner, rows);
		return NULL;
	}
	TRY(rows_end(rows));
	return E_NOT_FOUND;
}

fallible
grant_each(struct store *s, struct slice actor, struct slice subscriber, int64_t now,
           err_t (*each)(void *, const struct grant *), void *argument)
{
	SCOPED struct rows *rows = NULL;
	TRY(store_rows(NULL, s, actor.size ? QUERY_GRANTS_OF_ACTOR : QUERY_GRANTS_OF_SUBSCRIBER,
	               BIND(as_text(actor.size ? actor : subscriber), as_number(now)), &rows));
	while (rows_next(rows)) {
		SCOPED void *scope = talloc_new(NULL);
		struct grant g = grant_of_row(scope, rows);
		if (!subscriber.size || slice_equal(g.subscriber, subscriber))
			TRY(each(argument, &g));
	}
	return rows_end(rows);
}
