/* Databases: added, shown, onboarded, let go: postgres/onboard.h. */
#include "postgres/databases.h"
#include "postgres/database_sql.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "operations/help.h"
#include "operations/operations.h"

struct database_arguments {
	struct slice name, host, database, user, password, sslmode, root_ca, certificate, key, tenant, map, shared, exempt, what;
	int64_t port;
};

/* ---- add ---- */

static err_t
database_add_prepare(struct passage *p)
{
	const struct database_arguments *a = p->args;
	struct slice *sealed = NEW(p, struct slice);
	uint8_t salt[32];
	char hex[2 * sizeof salt + 1];
	if (a->sslmode.size && !slice_is(a->sslmode, "disable") && !slice_is(a->sslmode, "verify-ca") && !slice_is(a->sslmode, "verify-full"))
		return passage_fail(p, E_ARGUMENT, "sslmode: expected verify-full, verify-ca or disable: a connection is verified, or is plain and said to be so");
	random_bytes(salt, sizeof salt);
	text_hex(slice_of(salt, sizeof salt), hex);
	json_t *j = json_pack("{s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s}", "host", json_slice(a->host), "port",
	                      (json_int_t)(a->port ? a->port : 5432), "database", json_slice(a->database), "user", json_slice(a->user), "password",
	                      json_slice(a->password), "sslmode", json_slice(a->sslmode), "root_ca", json_slice(a->root_ca), "certificate",
	                      json_slice(a->certificate), "key", json_slice(a->key), "salt", hex);
	char *text = json_dumps(j, JSON_COMPACT);
	json_decref(j);
	SCOPED char *name = memory_format(NULL, "db/%.*s", SLICE_ARGUMENTS(a->name));
	err_t e = keys_seal_whole(p, p->keys, LITERAL(LOG_VENDOR), USE_NAMES, slice_text(name), slice_text(text), sealed);
	memory_wipe(text, strlen(text));
	free(text);
	TRY(e);
	p->change = sealed;
	p->log = LITERAL(LOG_EVERYONE);
	pairs_text(&p->outcome, "database", a->name);
	return passage_answer(p, json_pack("{s:o}", "id", json_slice(a->name)));
}

static err_t
database_add_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct database_arguments *a = p->args;
	TRY(store_run(tx, QUERY_DATABASE_ADD, BIND(as_text(a->name), as_bytes(*(struct slice *)p->change), as_number(time))));
	return store_changes(tx) ? NULL : E_EXISTS;
}

static const struct field database_add_fields[] = {
	{ "name", PLACE_BODY, FIELD_NAME, true, ARGUMENT(database_arguments, name), 0, "in dbname=NAME@SUBSCRIBER" },
	{ "host", PLACE_BODY, FIELD_TEXT, true, ARGUMENT(database_arguments, host), 255, "where its server is" },
	{ "port", PLACE_BODY, FIELD_NUMBER, false, ARGUMENT(database_arguments, port), 65535, "5432 unless said" },
	{ "database", PLACE_BODY, FIELD_TEXT, true, ARGUMENT(database_arguments, database), 63, "as the server calls it" },
	{ "user", PLACE_BODY, FIELD_TEXT, true, ARGUMENT(database_arguments, user), 63, "who onboards it: a superuser" },
	{ "password", PLACE_BODY, FIELD_SECRET, false, ARGUMENT(database_arguments, password), 1024, "of that user" },
	{ "sslmode", PLACE_BODY, FIELD_TEXT, false, ARGUMENT(database_arguments, sslmode), 16, "verify-full, verify-ca or disable" },
	{ "root_ca", PLACE_BODY, FIELD_TEXT, false, ARGUMENT(database_arguments, root_ca), 65536, "PEM" },
	{ "certificate", PLACE_BODY, FIELD_TEXT, false, ARGUMENT(database_arguments, certificate), 65536, "PEM" },
	{ "key", PLACE_BODY, FIELD_SECRET, false, ARGUMENT(database_arguments, key), 16384, "PEM" },
	{ NULL },
};

const struct operation database_add_operation = {
	.name = "database.add",
	.says = { "Puts a PostgreSQL database behind the gateway", "PostgreSQL データベースをゲートウェイの背後に置く" },
	.route = { POST, "/v1/databases" },
	.action = "database.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = database_add_fields,
	.args_size = sizeof(struct database_arguments),
	.secret = true,
	.output = SCHEMA_ID,
	.prepare = database_add_prepare,
	.apply = database_add_apply,
};

/* ---- list, show: never how it is reached ---- */

static json_t *
database_json(const struct kept_database *d)
{
	return json_pack("{s:o, s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id", json_slice(d->name), "host", json_slice(d->administrator.host),
	                 "port", d->administrator.port, "database", json_slice(d->administrator.name), "mode", json_slice(d->mode), "state",
	                 json_slice(d->state), "tenant", json_slice(d->tenant), "map", json_slice(d->map), "shared", json_slice(d->shared), "since",
	                 json_time(d->created));
}

static err_t
database_list_prepare(struct passage *p)
{
	SCOPED struct rows *r = NULL;
	json_t *items = json_array();
	err_t e = store_rows(NULL, p->view, QUERY_DATABASES, BIND_NONE, &r);
	while (!e && rows_next(r)) {
		struct kept_database d;
		e = database_get(p, p->view, p->keys, row_text(r, 0), &d);
		if (!e)
			json_array_append_new(items, database_json(&d));
	}
	passage_answer(p, json_list(items, NULL));
	return e ? e : rows_end(r);
}

const struct operation database_list_operation = {
	.name = "database.list",
	.says = { "Lists the databases behind the gateway", "ゲートウェイの背後のデータベースを一覧する" },
	.route = { GET, "/v1/databases" },
	.cli = "db ls",
	.action = "database.list",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.output = SCHEMA_LIST,
	.prepare = database_list_prepare,
};

static err_t
database_show_prepare(struct passage *p)
{
	const struct database_arguments *a = p->args;
	struct kept_database d;
	TRY(database_get(p, p->view, p->keys, a->name, &d));
	return passage_answer(p, database_json(&d));
}

static const struct field database_name_fields[] = {
	{ "name", PLACE_PATH, FIELD_NAME, true, ARGUMENT(database_arguments, name), 0, "which" }, { NULL },
};

const struct operation database_show_operation = {
	.name = "database.show",
	.says = { "Shows a database behind the gateway", "データベースを表示する" },
	.route = { GET, "/v1/databases/{name}" },
	.cli = "db show {name}",
	.action = "database.list",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.fields = database_name_fields,
	.args_size = sizeof(struct database_arguments),
	.output = SCHEMA_ID,
	.prepare = database_show_prepare,
};

/* ---- onboard, audit ---- */

struct onboarder {
	struct kept_database database;
	struct onboarding onboarding;
	enum onboard what;
	json_t *steps;
};

static int
free_onboarder(struct onboarder *o)
{
	json_decref(o->steps);
	return 0;
}

static err_t
add_step(void *argument, struct slice class, struct slice text)
{
	json_array_append_new(argument, json_pack("{s:o, s:o}", "class", json_slice(class), "text", json_slice(text)));
	return NULL;
}

static fallible
onboard(struct passage *p, struct onboarder *o)
{
	const char *why = "";
	err_t e = postgres_onboard(p, &o->database.administrator, o->what, &o->onboarding, add_step, o->steps, &why);
	return e ? passage_fail(p, e == E_STORE ? E_STATE : e, "%s", why) : NULL;
}

static fallible
open_onboarder(struct passage *p, enum onboard what, struct onboarder **out)
{
	const struct database_arguments *a = p->args;
	struct onboarder *o = NEW(p, struct onboarder);
	o->steps = json_array();
	talloc_set_destructor(o, free_onboarder);
	TRY(database_get(p, p->view, p->keys, a->name, &o->database));
	o->database.administrator.outward = gate_options(gate_of(p->worker))->outward;
	bool kept = what == ONBOARD_UNDO || what == ONBOARD_AUDIT;
	o->what = what;
	o->onboarding = (struct onboarding){
		.prefix = slice_text(memory_format(p, "%s", o->database.prefix)), .salt = o->database.salt,
		.column = kept ? o->database.tenant : a->tenant, .map = kept ? o->database.map : a->map,
		.shared = kept ? o->database.shared : a->shared, .exempt = kept ? o->database.exempt : a->exempt,
	};
	*out = o;
	return NULL;
}

/* The database's own server is changed once it is recorded that it will be. */
static err_t
database_onboard_prepare(struct passage *p)
{
	const struct database_arguments *a = p->args;
	struct onboarder *o;
	enum onboard what = slice_is(a->what, "apply") ? ONBOARD_APPLY : slice_is(a->what, "undo") ? ONBOARD_UNDO : ONBOARD_PLAN;
	if (what == ONBOARD_PLAN && !slice_is(a->what, "plan"))
		return passage_fail(p, E_ARGUMENT, "what: expected plan, apply or undo");
	if (what != ONBOARD_UNDO && (!a->tenant.size || !a->map.size))
		return passage_fail(p, E_ARGUMENT, "tenant and map: expected the column that says whose a row is, and VALUE=SUBSCRIBER,…");
	TRY(open_onboarder(p, what, &o));
	struct slice slot = { NULL, 0 };
	TRY(database_watch_get(p, p->view, a->name, &slot));
	if (what == ONBOARD_UNDO && slot.size)
		return passage_fail(p, E_STATE, "it is watched: sekisho db watch %.*s --off, first", SLICE_ARGUMENTS(a->name));
	p->log = LITERAL(LOG_EVERYONE);
	pairs_text(&p->outcome, "database", a->name);
	pairs_text(&p->outcome, "step", a->what);
	if (what == ONBOARD_PLAN)
		TRY(onboard(p, o));
	p->change = what == ONBOARD_PLAN ? NULL : o;
	return passage_answer(p, json_pack("{s:o, s:O}", "id", json_slice(a->name), "steps", o->steps));
}

static err_t
database_onboard_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct onboarder *o = p->change;
	const struct onboarding *b = &o->onboarding;
	bool apply = o->what == ONBOARD_APPLY;
	if (!apply)
		TRY(store_run(tx, QUERY_APPLICATIONS_END, BIND(as_text(o->database.name), as_number(time))));
	TRY(store_run(tx, QUERY_DATABASE_ONBOARD,
	              BIND(as_text(o->database.name), as_text(slice_text(apply ? "onboarded" : "added")), as_text(b->column), as_text(b->map),
	                   as_text(b->shared), as_text(b->exempt), as_number(time))));
	return store_changes(tx) ? NULL : E_NOT_FOUND;
}

static void
database_onboard_answer(struct passage *p)
{
	struct onboarder *o = p->change;
	err_t e = o ? onboard(p, o) : NULL;
	if (!e)
		return;
	p->error = e;
	p->status = e->http;
}

static const struct field database_onboard_fields[] = {
	{ "name", PLACE_PATH, FIELD_NAME, true, ARGUMENT(database_arguments, name), 0, "which" },
	{ "what", PLACE_BODY, FIELD_NAME, true, ARGUMENT(database_arguments, what), 0, "plan, apply or undo" },
	{ "tenant", PLACE_BODY, FIELD_TEXT, false, ARGUMENT(database_arguments, tenant), 63, "the column that says whose a row is" },
	{ "map", PLACE_BODY, FIELD_TEXT, false, ARGUMENT(database_arguments, map), 262144, "VALUE=SUBSCRIBER,…" },
	{ "shared", PLACE_BODY, FIELD_TEXT, false, ARGUMENT(database_arguments, shared), 65536, "SCHEMA.TABLE,…: read by all" },
	{ "exempt", PLACE_BODY, FIELD_TEXT, false, ARGUMENT(database_arguments, exempt), 4096, "roles that go on as today" },
	{ NULL },
};

const struct operation database_onboard_operation = {
	.name = "database.onboard",
	.says = { "Confines a database's rows to subscribers, or shows how, or undoes it", "データベースの行を契約者ごとに隔離する" },
	.route = { POST, "/v1/databases/{name}/onboard" },
	.action = "database.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = database_onboard_fields,
	.args_size = sizeof(struct database_arguments),
	.slow = true,
	.changes_epoch = true,
	.output = SCHEMA_ID,
	.prepare = database_onboard_prepare,
	.apply = database_onboard_apply,
	.answer = database_onboard_answer,
};

static err_t
database_audit_prepare(struct passage *p)
{
	struct onboarder *o;
	TRY(open_onboarder(p, ONBOARD_AUDIT, &o));
	if (!slice_is(o->database.state, "onboarded"))
		return passage_fail(p, E_STATE, "not onboarded");
	TRY(onboard(p, o));
	pairs_number(&p->outcome, "rows", (int64_t)json_array_size(o->steps));
	p->change = o;
	return passage_answer(p, json_list(json_incref(o->steps), NULL));
}

/* A table that is closed to the lanes is told, and is no fault. */
static int64_t
count_faults(json_t *steps)
{
	size_t i;
	json_t *step;
	int64_t n = 0;
	json_array_foreach(steps, i, step)
		n += strcmp(json_string_value(json_object_get(step, "class")), "not onboarded") != 0;
	return n;
}

static err_t
database_audit_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct onboarder *o = p->change;
	return store_run(tx, QUERY_DATABASE_AUDITED,
	                 BIND(as_text(o->database.name), as_number(time), as_number(count_faults(o->steps))));
}

const struct operation database_audit_operation = {
	.name = "database.audit",
	.says = { "Looks for what onboarding has not confined, or what has changed since", "隔離の漏れや変更を監査する" },
	.route = { POST, "/v1/databases/{name}/audit" },
	.cli = "db audit {name}",
	.action = "database.list",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = database_name_fields,
	.args_size = sizeof(struct database_arguments),
	.slow = true,
	.output = SCHEMA_LIST,
	.prepare = database_audit_prepare,
	.apply = database_audit_apply,
};

/* ---- where the gateway is ---- */

static err_t
database_gateway_prepare(struct passage *p)
{
	const char *address = gate_options(gate_of(p->worker))->postgres;
	return passage_answer(p, json_pack("{s:o}", "address", address ? json_string(address) : json_null()));
}

const struct operation database_gateway_operation = {
	.name = "database.gateway",
	.says = { "Says where the PostgreSQL gateway is", "PostgreSQL ゲートウェイの所在を示す" },
	.route = { GET, "/v1/gateway" },
	.action = "credential.self",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.output = SCHEMA_OBJECT,
	.prepare = database_gateway_prepare,
};
