/* The board: checks over what the spine enforces, and the duties whose rooms are not built. */
#include "operations/help.h"
#include "operations/operations.h"
#include "operations/operations_sql.h"

#include "assure/assure.h"
#include "ledger/public.h"
#include "vault/vault.h"

#include <stdio.h>

enum { SAMPLE = 64, LAG_SECONDS = 5, AUDIT_DAYS = 7 };

/* ---- E1, P0: what closes access by itself ---- */

static fallible
policy_in_force(struct passage *p, const char *id, bool *there)
{
	struct slice text;
	uint8_t digest[DIGEST_SIZE];
	TRY(policy_text(p, p->view, p->now, &text, digest));
	SCOPED char *line = memory_format(NULL, "@id(\"%s\")", id);
	*there = strstr((const char *)text.data, line) != NULL;
	return NULL;
}

static err_t
closing_policy(void *context, struct finding *f, const char *id)
{
	bool there;
	TRY(policy_in_force(context, id, &there));
	f->state = there ? CHECK_KEPT : CHECK_BROKEN;
	snprintf(f->value, sizeof f->value, "policy %s is %s", id, there ? "in force" : "missing");
	return NULL;
}

static err_t
check_training(void *context, struct finding *f)
{
	return closing_policy(context, f, "training-overdue");
}

static err_t
check_review(void *context, struct finding *f)
{
	return closing_policy(context, f, "provider-not-reviewed");
}

static err_t
check_purpose(void *context, struct finding *f)
{
	return closing_policy(context, f, "purpose-required");
}

/* ---- counts that must be zero ---- */

static err_t
none_of(void *context, struct finding *f, const struct query *q, const char *what)
{
	struct passage *p = context;
	SCOPED struct rows *r = NULL;
	TRY(store_rows(NULL, p->view, q, BIND(as_number(p->now)), &r));
	int64_t n = rows_next(r) ? row_number(r, 0) : -1;
	TRY(rows_end(r));
	if (n >= 0)
		f->state = n == 0 ? CHECK_KEPT : CHECK_BROKEN;
	snprintf(f->value, sizeof f->value, "%lld %s", (long long)n, what);
	return NULL;
}

static err_t
check_revoked(void *context, struct finding *f)
{
	return none_of(context, f, QUERY_CREDENTIALS_OF_GONE, "good credentials of people who are gone or suspended");
}

static err_t
check_endless(void *context, struct finding *f)
{
	return none_of(context, f, QUERY_GRANTS_OF_PEOPLE_TOO_LONG, "grants of people for more than 30 days");
}

static err_t
check_own_approval(void *context, struct finding *f)
{
	return none_of(context, f, QUERY_REQUESTS_SELF_APPROVED, "requests approved by who made them");
}

/* ---- E2, P7: keys and sealed bodies ---- */

/* The newest objects: each is sealed and opens under its own subscriber's key, and under no other name. */
static err_t
check_sealed(void *context, struct finding *f)
{
	struct passage *p = context;
	SCOPED struct rows *r = NULL;
	SCOPED void *scope = talloc_new(NULL);
	int opened = 0, looked = 0;
	TRY(store_rows(NULL, p->view, QUERY_NEWEST_VERSIONS, BIND(as_number(SAMPLE)), &r));
	while (rows_next(r)) {
		struct object o, other;
		struct slice body;
		TRY(object_get_version(scope, p->view, row_text(r, 0), row_text(r, 1), row_text(r, 2), row_number(r, 3), &o));
		err_t e = object_open_body(scope, p->keys, &o, &body);
		if (e == E_SHREDDED)
			continue;
		other = o;
		other.version++;
		looked++;
		opened += !e && object_open_body(scope, p->keys, &other, &body) == E_SEAL;
	}
	TRY(rows_end(r));
	f->state = opened == looked ? CHECK_KEPT : CHECK_BROKEN;
	snprintf(f->value, sizeof f->value, "%d of %d newest objects are sealed under their own key and name", opened, looked);
	return NULL;
}

struct key_digests {
	struct passage *passage;
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
	err_t e = keys_get(k->passage->keys, s->id, USE_DATA, KEY_CURRENT, key, NULL);
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

static err_t
check_own_keys(void *context, struct finding *f)
{
	struct key_digests *k = NEW(context, struct key_digests);
	k->passage = context;
	TRY(subscriber_each(k->passage->view, k->passage->now, add_key_digest, k));
	f->state = k->twice || k->missing ? CHECK_BROKEN : CHECK_KEPT;
	snprintf(f->value, sizeof f->value, "%zu subscribers, each with a key of its own: %s; %zu without one", k->count, k->twice ? "no" : "yes",
	         k->missing);
	return NULL;
}

static err_t
check_root_key(void *context, struct finding *f)
{
	struct passage *p = context;
	char source[32];
	TRY(keys_root_source(p->keys, source, sizeof source));
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

static err_t
check_book(void *context, struct finding *f)
{
	struct passage *p = context;
	struct ledger_check check = { .fault = ignore_fault };
	struct keys_log log;
	TRY(keys_log(p, p->keys, &log));
	check.signed_size = log.size;
	check.signed_root = log.root;
	TRY(ledger_verify(gate_reader(p->worker), &check));
	f->state = check.faults ? CHECK_BROKEN : CHECK_KEPT;
	snprintf(f->value, sizeof f->value, "%llu entries re-hashed, %llu faults", (unsigned long long)check.entries,
	         (unsigned long long)check.faults);
	return NULL;
}

/* Every version of an object names a passage that is in the book: as many changes as versions, at least. */
static err_t
check_recorded(void *context, struct finding *f)
{
	return none_of(context, f, QUERY_VERSIONS_WITHOUT_PASSAGE, "changes without the passage that made them");
}

static err_t
check_open(void *context, struct finding *f)
{
	struct passage *p = context;
	err_t e = record_state(gate_options(gate_of(p->worker))->record);
	f->state = e ? CHECK_BROKEN : CHECK_KEPT;
	snprintf(f->value, sizeof f->value, "%s", e ? e->name : "every passage is recorded before it is released");
	return NULL;
}

/* A subscriber can take home a proof of all but the last seconds. */
static err_t
check_bundles(void *context, struct finding *f)
{
	struct passage *p = context;
	struct ledger *l = gate_options(gate_of(p->worker))->ledger;
	int64_t lag = ledger_lag(l);
	uint64_t size = 0;
	struct slice note;
	err_t e = ledger_note(p, l, &size, &note);
	f->state = lag > SECONDS(LAG_SECONDS) || (e && lag > SECONDS(LAG_SECONDS)) ? CHECK_BROKEN : CHECK_KEPT;
	snprintf(f->value, sizeof f->value, "checkpoint of size %llu; entries wait for the next for %lld ms", (unsigned long long)size,
	         (long long)(lag / 1000));
	return NULL;
}

/* Of the databases that are confined to subscribers, all refuse what policy refuses. */
static err_t
check_databases(void *context, struct finding *f)
{
	struct passage *p = context;
	SCOPED struct rows *r = NULL;
	TRY(store_rows(NULL, p->view, QUERY_DATABASE_MODES, BIND_NONE, &r));
	int64_t all = rows_next(r) ? row_number(r, 0) : 0, enforced = all ? row_number(r, 1) : 0;
	TRY(rows_end(r));
	f->state = enforced == all ? CHECK_KEPT : CHECK_BROKEN;
	snprintf(f->value, sizeof f->value, "%lld of %lld databases behind the gateway are enforced", (long long)enforced, (long long)all);
	return NULL;
}

/* What the last audit of each found: tables, roles and rights that came since. */
static err_t
check_confined(void *context, struct finding *f)
{
	struct passage *p = context;
	SCOPED struct rows *r = NULL;
	TRY(store_rows(NULL, p->view, QUERY_DATABASE_AUDITS, BIND(as_number(p->now - DAYS(AUDIT_DAYS))), &r));
	int64_t all = rows_next(r) ? row_number(r, 0) : 0, findings = all ? row_number(r, 1) : 0, old = all ? row_number(r, 2) : 0;
	TRY(rows_end(r));
	f->state = findings ? CHECK_BROKEN : old ? CHECK_UNKNOWN : CHECK_KEPT;
	snprintf(f->value, sizeof f->value, "%lld databases, %lld findings, %lld not audited in the last week", (long long)all, (long long)findings,
	         (long long)old);
	return NULL;
}

#define ENFORCED(name, want, function) { .id = name, .kind = KIND_ENFORCED, .threshold = want, .run = function }
#define NOT_BUILT(name, as, number) { .id = name, .kind = as, .threshold = "", .issue = number }

static const struct check checks[] = {
	NOT_BUILT("E1.1.risks", KIND_RECORDED, 11),
	ENFORCED("E1.5.training-closes", "overdue training closes access", check_training),
	ENFORCED("E2.2.sealed", "all", check_sealed),
	{ .id = "E2.2.root-key", .kind = KIND_WATCHED, .threshold = "not a plain file", .run = check_root_key },
	NOT_BUILT("E2.3.plain-by-election", KIND_ENFORCED, 11),
	NOT_BUILT("E3.1.disclosure", KIND_ENFORCED, 11),
	NOT_BUILT("E4.4.notice", KIND_ENFORCED, 13),
	ENFORCED("E5.1.no-standing-access", "0", check_endless),
	ENFORCED("E5.1.second-person", "0", check_own_approval),
	ENFORCED("E5.3.revoked", "0", check_revoked),
	ENFORCED("E5.4.purpose", "purpose-required in force", check_purpose),
	NOT_BUILT("E6.1.redundancy", KIND_WATCHED, 11),
	NOT_BUILT("E7.1.sites", KIND_RECORDED, 11),
	ENFORCED("P0.1.review-closes", "a lapsed review closes access", check_review),
	NOT_BUILT("P1.1.sites", KIND_RECORDED, 11),
	NOT_BUILT("P2.1.changes", KIND_WATCHED, 11),
	ENFORCED("P3.1.recorded-first", "open", check_open),
	ENFORCED("P3.1.postgres", "all", check_databases),
	NOT_BUILT("P4.1.recipients", KIND_ENFORCED, 11),
	ENFORCED("P5.1.changes", "0", check_recorded),
	ENFORCED("P5.1.book", "0 faults", check_book),
	NOT_BUILT("P6.1.backup", KIND_ENFORCED, 11),
	ENFORCED("P7.1.keys", "each its own", check_own_keys),
	ENFORCED("P7.1.postgres", "no findings, audited within a week", check_confined),
	ENFORCED("W.1.bundles", "under a checkpoint within 5 s", check_bundles),
	{ .id = NULL },
};

static const struct path paths[] = {
	{ "postgres-gateway", "postgres", PATH_ENFORCED, "E5 P3 P5 P7" },
	{ "https-api", "https", PATH_ENFORCED, "E2 E5 P2 P3 P5 P7 W" },
	{ "host", "shell", PATH_DARK, "E5 P2" },        /* who is root on this machine passes no gate of ours */
	{ .id = NULL },
};

struct measure_arguments {
	struct slice id;
};

static err_t
measure_list_prepare(struct passage *p)
{
	return passage_answer(p, json_list(assure_board(checks, paths, p, NULL, p->language), NULL));
}

const struct operation measure_list_operation = {
	.name = "measure.list",
	.says = { "Shows every measure: kept, broken, unknown or not built", "すべての対策の状態を示す" },
	.route = { GET, "/v1/measures" },
	.cli = "measure ls",
	.action = "measure.read",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.operators = true,
	.output = SCHEMA_LIST,
	.prepare = measure_list_prepare,
};

static err_t
measure_show_prepare(struct passage *p)
{
	const struct measure_arguments *a = p->args;
	json_t *board = assure_board(checks, paths, p, (const char *)a->id.data, p->language);
	json_t *one = json_incref(json_array_get(board, 0));
	json_decref(board);
	return one ? passage_answer(p, one) : E_NOT_FOUND;
}

static const struct field measure_show_fields[] = {
	{ "id", PLACE_PATH, FIELD_TEXT, true, ARGUMENT(measure_arguments, id), 8, "E1 to E7, P0 to P7, W" }, { NULL },
};

const struct operation measure_show_operation = {
	.name = "measure.show",
	.says = { "Shows a measure with its checks", "対策と検査項目を示す" },
	.route = { GET, "/v1/measures/{id}" },
	.cli = "measure show {id}",
	.action = "measure.read",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.operators = true,
	.fields = measure_show_fields,
	.args_size = sizeof(struct measure_arguments),
	.output = SCHEMA_ID,
	.prepare = measure_show_prepare,
};

json_t *
coverage_now(void)
{
	return assure_coverage(paths);
}

static err_t
coverage_list_prepare(struct passage *p)
{
	return passage_answer(p, json_list(coverage_now(), NULL));
}

const struct operation coverage_list_operation = {
	.name = "coverage.list",
	.says = { "Lists the paths to service data: enforced, watched or dark", "サービスデータへの経路を一覧する" },
	.route = { GET, "/v1/coverage" },
	.cli = "coverage",
	.action = "coverage.read",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.operators = true,
	.output = SCHEMA_LIST,
	.prepare = coverage_list_prepare,
};
