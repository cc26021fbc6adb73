/* Applications of a database: the application lane's operations (ROWS.md §4). */
#include "postgres/databases.h"
#include "postgres/database_sql.h"

#include "base/memory.h"
#include "base/text.h"
#include "operations/help.h"
#include "operations/operations.h"

struct application_arguments {
	struct slice name, application, setting;
};

enum { SETTING_MAX = 63 };

/* ---- as the store has them ---- */

static char *
seal_name(const void *owner, struct slice database, struct slice application)
{
	return memory_format(owner, "db/%.*s/%.*s", SLICE_ARGUMENTS(database), SLICE_ARGUMENTS(application));
}

static fallible
take_application(const void *owner, struct keys *keys, const struct kept_database *d, struct rows *r,
                 struct database *out)
{
	SCOPED char *name = seal_name(NULL, d->name, row_text(r, 0));
	struct slice key;
	TRY(keys_unseal_whole(owner, keys, LITERAL(LOG_VENDOR), USE_NAMES, slice_text(name), row_bytes(r, 1), &key));
	*out = d->administrator;
	out->role = slice_text(memory_format(owner, "%s_app_%.*s", d->prefix, SLICE_ARGUMENTS(row_text(r, 0))));
	out->password = (struct slice){ NULL, 0 }; /* the administrator's is not the role's */
	out->binding_key = key;
	out->setting = memory_copy(owner, row_text(r, 2));
	out->map = d->map;
	out->shared = d->shared;
	out->user = memory_copy(owner, row_text(r, 0));
	out->mode = database_mode_of(d);
	out->pooled = true;
	return NULL;
}

fallible
database_of_application(const void *owner, struct store *s, struct keys *keys, struct slice name,
                        struct slice application, struct database *out)
{
	SCOPED struct rows *r = NULL;
	struct kept_database d;
	TRY(store_rows(NULL, s, QUERY_APPLICATION_GET, BIND(as_text(name), as_text(application)), &r));
	if (!rows_next(r)) {
		TRY(rows_end(r));
		return E_NOT_FOUND;
	}
	TRY(database_get(owner, s, keys, name, &d));
	if (!slice_is(d.state, "onboarded"))
		return E_NOT_FOUND;
	TRY(take_application(owner, keys, &d, r, out));
	return database_is_certified(s, name, &out->minted);
}

/* ---- add, and add again: a new key ---- */

struct application_change {
	struct kept_database database;
	uint8_t *key;
	struct slice sealed, setting;
};

/* What PostgreSQL takes for a setting of somebody's own: NAME.NAME in small letters. */
static bool
setting_check(struct slice s)
{
	size_t dots = 0;
	for (size_t i = 0; i < s.size; i++) {
		bool first = i == 0 || s.data[i - 1] == '.';
		dots += s.data[i] == '.';
		if (!s.data[i] || (!strchr("abcdefghijklmnopqrstuvwxyz_.", s.data[i]) && (first || !strchr("0123456789", s.data[i]))))
			return false;
		if (first && s.data[i] == '.')
			return false;
	}
	return dots == 1 && s.size <= SETTING_MAX && s.data[s.size - 1] != '.';
}

static fallible
check_application(struct passage *p, const struct application_arguments *a, struct application_change *c)
{
	struct principal *who;
	if (!setting_check(c->setting) || slice_is(c->setting, "sekisho.actor") ||
	    slice_is(c->setting, "sekisho.binding"))
		return passage_fail(
		    p, E_ARGUMENT,
		    "setting: expected the setting that names the subscriber, as in sekisho.subscriber or app.tenant");
	if (principal_find(p, p->view, a->application, p->now, &who) || who->kind != KIND_APPLICATION ||
	    !slice_equal(who->id, a->application))
		return passage_fail(p, E_NOT_FOUND,
		                    "application: there is no application %.*s: sekisho app add %.*s makes one",
		                    SLICE_ARGUMENTS(a->application), SLICE_ARGUMENTS(a->application));
	TRY(database_get(p, p->view, p->keys, a->name, &c->database));
	if (!slice_is(c->database.state, "onboarded"))
		return passage_fail(p, E_STATE, "the database is not onboarded yet: sekisho db onboard %.*s …",
		                    SLICE_ARGUMENTS(a->name));
	return NULL;
}

static void
say(struct passage *p, const struct application_arguments *a)
{
	p->log = LITERAL(LOG_EVERYONE);
	pairs_text(&p->outcome, "database", a->name);
	pairs_text(&p->outcome, "application", a->application);
}

static err_t
application_add_prepare(struct passage *p)
{
	const struct application_arguments *a = p->args;
	struct application_change *c = NEW(p, struct application_change);
	c->setting = a->setting.size ? a->setting : LITERAL("sekisho.subscriber");
	TRY(check_application(p, a, c));
	c->key = memory_secret(c, DIGEST_SIZE);
	random_bytes(c->key, DIGEST_SIZE);
	TRY(keys_seal_whole(c, p->keys, LITERAL(LOG_VENDOR), USE_NAMES,
	                    slice_text(seal_name(c, a->name, a->application)), slice_of(c->key, DIGEST_SIZE),
	                    &c->sealed));
	p->change = c;
	say(p, a);
	return passage_answer(p, json_pack("{s:o, s:o, s:o, s:s}", "id", json_slice(a->application), "database",
	                                   json_slice(a->name), "setting", json_slice(c->setting), "trust",
	                                   "application-trusted"));
}

static err_t
application_add_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct application_arguments *a = p->args;
	const struct application_change *c = p->change;
	TRY(store_run(tx, QUERY_APPLICATION_END, BIND(as_text(a->name), as_text(a->application), as_number(time))));
	return store_run(
	    tx, QUERY_APPLICATION_BEGIN,
	    BIND(as_text(a->name), as_text(a->application), as_bytes(c->sealed), as_text(c->setting), as_number(time)));
}

/* The database's own server is changed once it is recorded that it will be; where that fails, add it again. */
static void
finish_at_server(struct passage *p, const uint8_t *key)
{
	const struct application_arguments *a = p->args;
	struct application_change *c = p->change;
	const char *why = "";
	c->database.administrator.outward = gate_options(gate_of(p->worker))->outward;
	err_t e = postgres_onboard_application(p, &c->database.administrator, slice_text(c->database.prefix),
	                                       a->application, key, &why);
	if (!e)
		return;
	p->error = passage_fail(p, e == E_STORE ? E_STATE : e, "%s", why);
	p->status = p->error->http;
}

static void
application_add_answer(struct passage *p)
{
	const struct application_change *c = p->change;
	finish_at_server(p, c->key);
}

static const struct field application_add_fields[] = {
	{ "name", PLACE_PATH, FIELD_NAME, true, ARGUMENT(application_arguments, name), 0, "which database" },
	{ "application", PLACE_BODY, FIELD_NAME, true, ARGUMENT(application_arguments, application), 0, "its id" },
	{ "setting", PLACE_BODY, FIELD_TEXT, false, ARGUMENT(application_arguments, setting), SETTING_MAX,
	  "with which it names its subscriber; sekisho.subscriber unless said" },
	{ NULL },
};

const struct operation database_application_add_operation = {
	.name = "database.application.add",
	.says = { "Lets an application work on a database for the subscribers it names; again: gives it a new key",
	          "アプリケーションに、指定した契約者のためのデータベース利用を許す" },
	.route = { POST, "/v1/databases/{name}/applications" },
	.cli = "db application add {name} {application}",
	.action = "database.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = application_add_fields,
	.args_size = sizeof(struct application_arguments),
	.slow = true,
	.changes_epoch = true,
	.output = SCHEMA_ID,
	.prepare = application_add_prepare,
	.apply = application_add_apply,
	.answer = application_add_answer,
};

/* ---- list ---- */

static err_t
application_list_prepare(struct passage *p)
{
	const struct application_arguments *a = p->args;
	SCOPED struct rows *r = NULL;
	struct kept_database d;
	TRY(database_get(p, p->view, p->keys, a->name, &d));
	TRY(store_rows(NULL, p->view, QUERY_APPLICATIONS, BIND(as_text(a->name)), &r));
	json_t *items = json_array();
	while (rows_next(r))
		json_array_append_new(items, json_pack("{s:o, s:o, s:s, s:o}", "id", json_slice(row_text(r, 0)),
		                                       "setting", json_slice(row_text(r, 2)), "trust",
		                                       "application-trusted", "since", json_time(row_number(r, 3))));
	passage_answer(p, json_list(items, NULL));
	return rows_end(r);
}

static const struct field application_list_fields[] = {
	{ "name", PLACE_PATH, FIELD_NAME, true, ARGUMENT(application_arguments, name), 0, "which database" },
	{ NULL },
};

const struct operation database_application_list_operation = {
	.name = "database.application.list",
	.says = { "Lists the applications that work on a database",
	          "データベースを利用するアプリケーションを一覧する" },
	.route = { GET, "/v1/databases/{name}/applications" },
	.cli = "db application ls {name}",
	.action = "database.list",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.fields = application_list_fields,
	.args_size = sizeof(struct application_arguments),
	.output = SCHEMA_LIST,
	.prepare = application_list_prepare,
};

/* ---- remove: its sessions end with the change of who may what ---- */

static err_t
application_remove_prepare(struct passage *p)
{
	const struct application_arguments *a = p->args;
	struct application_change *c = NEW(p, struct application_change);
	SCOPED struct rows *r = NULL;
	TRY(database_get(p, p->view, p->keys, a->name, &c->database));
	TRY(store_rows(NULL, p->view, QUERY_APPLICATION_GET, BIND(as_text(a->name), as_text(a->application)), &r));
	if (!rows_next(r))
		return passage_fail(p, E_NOT_FOUND,
		                    "application: %.*s does not work on this database: sekisho db application ls %.*s",
		                    SLICE_ARGUMENTS(a->application), SLICE_ARGUMENTS(a->name));
	p->change = c;
	say(p, a);
	return passage_answer(p, json_pack("{s:o, s:s}", "id", json_slice(a->application), "state", "removed"));
}

static err_t
application_remove_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct application_arguments *a = p->args;
	TRY(store_run(tx, QUERY_APPLICATION_END, BIND(as_text(a->name), as_text(a->application), as_number(time))));
	return store_changes(tx) ? NULL : E_NOT_FOUND;
}

static void
application_remove_answer(struct passage *p)
{
	finish_at_server(p, NULL);
}

static const struct field application_remove_fields[] = {
	{ "name", PLACE_PATH, FIELD_NAME, true, ARGUMENT(application_arguments, name), 0, "which database" },
	{ "application", PLACE_PATH, FIELD_NAME, true, ARGUMENT(application_arguments, application), 0, "its id" },
	{ NULL },
};

const struct operation database_application_remove_operation = {
	.name = "database.application.remove",
	.says = { "Ends an application's work on a database, its sessions at once",
	          "アプリケーションのデータベース利用を直ちに終了する" },
	.route = { POST, "/v1/databases/{name}/applications/{application}/remove" },
	.cli = "db application remove {name} {application}",
	.action = "database.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = application_remove_fields,
	.args_size = sizeof(struct application_arguments),
	.slow = true,
	.changes_epoch = true,
	.output = SCHEMA_ID,
	.prepare = application_remove_prepare,
	.apply = application_remove_apply,
	.answer = application_remove_answer,
};
