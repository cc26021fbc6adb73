/* Checks over keys, sealed bodies, rights and the book (E2, E5, P3, P5, P7, W). */
#include "assure/inside.h"

#include "assure/assure_sql.h"
#include "identity/identity.h"
#include "ledger/public.h"
#include "vault/vault.h"

enum { SAMPLE = 64, LAG_SECONDS = 5, AUDIT_DAYS = 7 };

fallible
count_of(struct look *l, const struct query *q, int64_t *out)
{
	SCOPED struct rows *r = NULL;
	TRY(store_rows(NULL, l->view, q, BIND(as_number(l->now)), &r));
	int64_t n = rows_next(r) ? row_number(r, 0) : -1;
	TRY(rows_end(r));
	if (n < 0)
		return E_STORE;
	*out = n;
	return NULL;
}

fallible
none_of(struct look *l, struct check_result *f, const struct query *q, const char *what)
{
	int64_t n;
	TRY(count_of(l, q, &n));
	f->state = n == 0 ? CHECK_KEPT : CHECK_BROKEN;
	snprintf(f->value, sizeof f->value, "%lld %s", (long long)n, what);
	return NULL;
}

err_t
check_revoked(struct look *l, struct check_result *f)
{
	return none_of(l, f, QUERY_CREDENTIALS_OF_GONE, "good credentials of people who are gone or suspended");
}

err_t
check_credentials(struct look *l, struct check_result *f)
{
	return none_of(l, f, QUERY_CREDENTIALS_TOO_LONG, "credentials of people for more than 7 days");
}

err_t
check_endless(struct look *l, struct check_result *f)
{
	return none_of(l, f, QUERY_GRANTS_OF_PEOPLE_TOO_LONG, "grants of people for more than 30 days");
}

err_t
check_own_approval(struct look *l, struct check_result *f)
{
	return none_of(l, f, QUERY_REQUESTS_SELF_APPROVED, "requests approved by who made them");
}

/* ---- E2, P7: keys and sealed bodies ---- */

/* The newest objects: each is sealed and opens under its own subscriber's key, and under no other name. */
err_t
check_sealed(struct look *l, struct check_result *f)
{
	SCOPED struct rows *r = NULL;
	SCOPED void *scope = talloc_new(NULL);
	int opened = 0, looked = 0;
	TRY(store_rows(NULL, l->view, QUERY_NEWEST_VERSIONS, BIND(as_number(SAMPLE)), &r));
	while (rows_next(r)) {
		struct object o, other;
		struct slice body;
		TRY(object_get_version(scope, l->view, row_text(r, 0), row_text(r, 1), row_text(r, 2), row_number(r, 3), &o));
		err_t e = object_open_body(scope, l->keys, &o, &body);
		if (e == E_SHREDDED)
			continue;
		other = o;
		other.version++;
		looked++;
		opened += !e && object_open_body(scope, l->keys, &other, &body) == E_SEAL;
	}
	TRY(rows_end(r));
	f->state = opened == looked ? CHECK_KEPT : CHECK_BROKEN;
	snprintf(f->value, sizeof f->value, "%d of %d newest objects are sealed under their own key and name", opened, looked);
	return NULL;
}

struct key_digests {
	struct look *look;
	size_t count;
	uint8_t digests[SAMPLE][DIGEST_SIZE];
	size_t missing;
	bool twice;
};

static err_t
add_key_digest(void *argument, const struct subscriber *s)
{
	struct key_digests *k = argument;
	uint8_t key[KEY_SIZE], digest[DIGEST_SIZE];
	if (s->shredded || k->count == SAMPLE)
		return NULL;
	err_t e = keys_get(k->look->keys, s->id, USE_DATA, KEY_CURRENT, key, NULL);
	k->missing += e == E_NOT_FOUND;
	if (e)
		return e == E_NOT_FOUND ? NULL : e;
	sha256(slice_of(key, sizeof key), digest);
	memory_wipe(key, sizeof key);
	for (size_t i = 0; i < k->count; i++)
		k->twice |= memcmp(k->digests[i], digest, sizeof digest) == 0;
	memcpy(k->digests[k->count++], digest, sizeof digest);
	return NULL;
}

err_t
check_own_keys(struct look *l, struct check_result *f)
{
	struct key_digests *k = NEW(l->owner, struct key_digests);
	k->look = l;
	TRY(subscriber_each(l->view, l->now, add_key_digest, k));
	f->state = k->twice || k->missing ? CHECK_BROKEN : CHECK_KEPT;
	snprintf(f->value, sizeof f->value, "%zu subscribers, each with a key of its own: %s; %zu without one", k->count, k->twice ? "no" : "yes",
	         k->missing);
	return NULL;
}

err_t
check_root_key(struct look *l, struct check_result *f)
{
	char source[32];
	TRY(keys_root_source(l->keys, source, sizeof source));
	f->state = strcmp(source, "file") == 0 ? CHECK_BROKEN : CHECK_KEPT;
	snprintf(f->value, sizeof f->value, "the root key comes from: %s", source);
	return NULL;
}

/* ---- P3, P5: the book ---- */

static void
ignore_fault(void *argument, const char *kind, const char *file, uint64_t index, const char *text)
{
	(void)argument;
	(void)kind;
	(void)file;
	(void)index;
	(void)text;
}

err_t
check_book(struct look *l, struct check_result *f)
{
	struct ledger_check check = { .fault = ignore_fault, .map_key = ledger_map_key(l->ledger) };
	struct keys_log log;
	if (keys_log(l->owner, l->keys, &log)) {
		f->state = CHECK_BROKEN;
		snprintf(f->value, sizeof f->value, "the keeper does not know what was signed");
		return NULL;
	}
	check.signed_size = log.size;
	check.signed_root = log.root;
	TRY(ledger_verify(l->reader, &check));
	f->state = check.faults ? CHECK_BROKEN : CHECK_KEPT;
	snprintf(f->value, sizeof f->value, "%llu entries re-hashed, %llu faults", (unsigned long long)check.entries,
	         (unsigned long long)check.faults);
	return NULL;
}

/* Every version of an object names a passage that is in the book: as many changes as versions, at least. */
err_t
check_recorded(struct look *l, struct check_result *f)
{
	return none_of(l, f, QUERY_VERSIONS_WITHOUT_PASSAGE, "changes without the passage that made them");
}

err_t
check_open(struct look *l, struct check_result *f)
{
	err_t e = record_state(l->record);
	f->state = e ? CHECK_BROKEN : CHECK_KEPT;
	snprintf(f->value, sizeof f->value, "%s", e ? e->name : "every passage is recorded before it is released");
	return NULL;
}

/* A subscriber can take home a proof of all but the last seconds. */
err_t
check_bundles(struct look *l, struct check_result *f)
{
	int64_t lag = ledger_lag(l->ledger);
	uint64_t size = 0;
	struct slice note;
	err_t e = ledger_note(l->owner, l->ledger, &size, &note);
	f->state = lag > SECONDS(LAG_SECONDS) || (e && lag > SECONDS(LAG_SECONDS)) ? CHECK_BROKEN : CHECK_KEPT;
	snprintf(f->value, sizeof f->value, "checkpoint of size %llu; entries wait for the next for %lld ms", (unsigned long long)size,
	         (long long)(lag / 1000));
	return NULL;
}

/* Of the databases that are confined to subscribers, all refuse what policy refuses. */
err_t
check_databases(struct look *l, struct check_result *f)
{
	SCOPED struct rows *r = NULL;
	TRY(store_rows(NULL, l->view, QUERY_DATABASE_MODES, BIND_NONE, &r));
	int64_t all = rows_next(r) ? row_number(r, 0) : 0, enforced = all ? row_number(r, 1) : 0;
	TRY(rows_end(r));
	f->state = enforced == all ? CHECK_KEPT : CHECK_BROKEN;
	snprintf(f->value, sizeof f->value, "%lld of %lld databases behind the gateway are enforced", (long long)enforced, (long long)all);
	return NULL;
}

/* What the last audit of each found: tables, roles and rights that came since. */
err_t
check_confined(struct look *l, struct check_result *f)
{
	SCOPED struct rows *r = NULL;
	TRY(store_rows(NULL, l->view, QUERY_DATABASE_AUDITS, BIND(as_number(l->now - DAYS(AUDIT_DAYS))), &r));
	int64_t all = rows_next(r) ? row_number(r, 0) : 0, findings = all ? row_number(r, 1) : 0, old = all ? row_number(r, 2) : 0;
	TRY(rows_end(r));
	f->state = findings ? CHECK_BROKEN : old ? CHECK_UNKNOWN : CHECK_KEPT;
	snprintf(f->value, sizeof f->value, "%lld databases, %lld findings, %lld not audited in the last week", (long long)all, (long long)findings,
	         (long long)old);
	return NULL;
}

