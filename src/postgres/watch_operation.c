/* Watching the ways around the gateway at a database: bypass.h. */
#include "postgres/bypass.h"
#include "postgres/database_sql.h"

#include "base/memory.h"
#include "operations/help.h"
#include "operations/operations.h"

struct watch_arguments {
	struct slice name;
	bool off;
};

struct watch_change {
	struct kept_database database;
	struct slice slot;
};

fallible
database_watch_get(const void *owner, struct store *s, struct slice name, struct slice *slot)
{
	SCOPED struct rows *r = NULL;
	TRY(store_rows(NULL, s, QUERY_WATCH_GET, BIND(as_text(name)), &r));
	*slot = slice_of(NULL, 0);
	if (rows_next(r))
		*slot = memory_copy(owner, row_text(r, 0));
	return rows_end(r);
}

err_t
database_watches_each(struct store *s, err_t (*each)(void *, struct slice name, struct slice slot), void *argument)
{
	SCOPED struct rows *r = NULL;
	TRY(store_rows(NULL, s, QUERY_WATCHES, BIND_NONE, &r));
	while (rows_next(r))
		TRY(each(argument, row_text(r, 0), row_text(r, 1)));
	return rows_end(r);
}

static fallible
failed_at_server(struct passage *p, err_t e, const char *why)
{
	return passage_fail(p, e == E_STORE ? E_STATE : e, "%s", why);
}

/* Lanes may mark before anything marks: else their changes would fail. */
static err_t
database_watch_prepare(struct passage *p)
{
	const struct watch_arguments *a = p->args;
	struct watch_change *c = NEW(p, struct watch_change);
	const char *why = "";
	TRY(database_get(p, p->view, p->keys, a->name, &c->database));
	if (!slice_is(c->database.state, "onboarded"))
		return passage_fail(p, E_STATE, "the database is not onboarded: sekisho db onboard %.*s …",
		                    SLICE_ARGUMENTS(a->name));
	TRY(database_watch_get(c, p->view, a->name, &c->slot));
	if (!c->slot.size && a->off)
		return passage_fail(p, E_STATE, "it is not watched");
	if (!c->slot.size)
		c->slot = slice_text(memory_format(c, "%s_watch", c->database.prefix));
	c->database.administrator.outward = gate_options(gate_of(p->worker))->outward;
	err_t e = a->off ? NULL : bypass_prepare(p, &c->database, &why);
	if (e)
		return failed_at_server(p, e, why);
	p->change = c;
	p->log = LITERAL(LOG_EVERYONE);
	pairs_text(&p->outcome, "database", a->name);
	pairs_text(&p->outcome, "watched", a->off ? LITERAL("no") : LITERAL("yes"));
	return passage_answer(p, json_pack("{s:o, s:b, s:o}", "id", json_slice(a->name), "watched", !a->off, "slot",
	                                   json_slice(c->slot)));
}

static err_t
database_watch_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct watch_arguments *a = p->args;
	const struct watch_change *c = p->change;
	if (a->off)
		return store_run(tx, QUERY_WATCH_END, BIND(as_text(a->name), as_number(time)));
	return store_run(tx, QUERY_WATCH_BEGIN, BIND(as_text(a->name), as_text(c->slot), as_number(time)));
}

static void
database_watch_answer(struct passage *p)
{
	const struct watch_arguments *a = p->args;
	struct watch_change *c = p->change;
	const char *why = "";
	err_t e = a->off ? bypass_stop(p, &c->database, c->slot, &why) : bypass_start(p, &c->database, c->slot, &why);
	if (!e)
		return;
	p->error = failed_at_server(p, e, why);
	p->status = p->error->http;
}

static const struct field database_watch_fields[] = {
	{ "name", PLACE_PATH, FIELD_NAME, true, ARGUMENT(watch_arguments, name), 0, "which" },
	{ "off", PLACE_BODY, FIELD_FLAG, false, ARGUMENT(watch_arguments, off), 0, "not any more" },
	{ NULL },
};

const struct operation database_watch_operation = {
	.name = "database.watch",
	.says = { "Watches a database for sessions and changes that did not come through the gateway",
	          "ゲートウェイを経由しない接続と変更を監視する" },
	.route = { POST, "/v1/databases/{name}/watch" },
	.cli = "db watch {name}",
	.action = "database.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = database_watch_fields,
	.args_size = sizeof(struct watch_arguments),
	.slow = true,
	.changes_epoch = true,
	.output = SCHEMA_ID,
	.prepare = database_watch_prepare,
	.apply = database_watch_apply,
	.answer = database_watch_answer,
};
