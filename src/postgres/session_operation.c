/* Sessions through the gateway: listed, ended. */
#include "base/memory.h"
#include "base/text.h"
#include "operations/help.h"
#include "operations/operations.h"
#include "postgres/postgres.h"

struct session_arguments {
	struct slice id;
};

/* ---- list: of others for those who keep order ---- */

struct list {
	struct slice only; /* actor; empty: all */
	json_t *items;
};

static err_t
add_session(void *argument, const struct open_session *s)
{
	struct list *l = argument;
	if (l->only.size && !slice_equal(s->actor, l->only))
		return NULL;
	json_array_append_new(l->items,
	                      json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "id", json_slice(s->id), "person",
	                                json_slice(s->person), "database", json_slice(s->database), "subscriber",
	                                s->subscriber.size ? json_slice(s->subscriber) : json_null(), "from",
	                                json_slice(s->from), "since", json_time(s->since)));
	return NULL;
}

static err_t
session_list_prepare(struct passage *p)
{
	struct postgres *gateway = gate_options(gate_of(p->worker))->gateway;
	struct list l = { .only = keeps_order(p) ? slice_of(NULL, 0) : p->principal->actor, .items = json_array() };
	err_t e = gateway ? postgres_sessions(gateway, add_session, &l) : NULL;
	passage_answer(p, json_list(l.items, NULL));
	return e;
}

const struct operation session_list_operation = {
	.name = "session.list",
	.says = { "Lists the sessions through the PostgreSQL gateway",
	          "PostgreSQL ゲートウェイのセッションを一覧する" },
	.route = { GET, "/v1/sessions" },
	.cli = "session ls",
	.action = "credential.self",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.operators = true,
	.output = SCHEMA_LIST,
	.prepare = session_list_prepare,
};

/* ---- end: one's own, or with the right to revoke credentials ---- */

struct found {
	struct passage *passage;
	struct slice id, actor, database, subscriber;
};

static err_t
find_session(void *argument, const struct open_session *s)
{
	struct found *f = argument;
	if (!slice_equal(s->id, f->id))
		return NULL;
	f->actor = memory_copy(f->passage, s->actor);
	f->database = memory_copy(f->passage, s->database);
	f->subscriber = memory_copy(f->passage, s->subscriber);
	return NULL;
}

static err_t
session_end_prepare(struct passage *p)
{
	const struct session_arguments *a = p->args;
	struct postgres *gateway = gate_options(gate_of(p->worker))->gateway;
	struct found f = { .passage = p, .id = a->id };
	if (gateway)
		TRY(postgres_sessions(gateway, find_session, &f));
	if (f.actor.size && !slice_equal(f.actor, p->principal->actor))
		TRY(passage_decide(p, "credential.revoke", RESOURCE_VENDOR));
	if (!f.actor.size)
		return E_NOT_FOUND;
	p->change = p;
	pairs_text(&p->outcome, "session", a->id);
	pairs_text(&p->outcome, "subject", f.actor);
	pairs_text(&p->outcome, "database", f.database);
	p->subscriber = f.subscriber; /* whose log gets the entry, if there is such a one */
	return passage_answer(p, json_pack("{s:o, s:s}", "id", json_slice(a->id), "state", "ended"));
}

/* Nothing of the store's: the entry alone. */
static err_t
session_end_apply(struct passage *p, struct store *tx, int64_t time)
{
	(void)p;
	(void)tx;
	(void)time;
	return NULL;
}

static void
session_end_answer(struct passage *p)
{
	const struct session_arguments *a = p->args;
	if (postgres_session_end(gate_options(gate_of(p->worker))->gateway, a->id))
		return;
	p->error = E_NOT_FOUND; /* it has gone by itself meanwhile */
	p->status = p->error->http;
}

static const struct field session_end_fields[] = {
	{ "session", PLACE_PATH, FIELD_TEXT, true, ARGUMENT(session_arguments, id), 40, "ses_…" },
	{ NULL },
};

const struct operation session_end_operation = {
	.name = "session.end",
	.says = { "Ends a session through the PostgreSQL gateway at once",
	          "PostgreSQL ゲートウェイのセッションを直ちに終了する" },
	.route = { POST, "/v1/sessions/{session}/end" },
	.cli = "session end {session}",
	.action = "credential.self",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.operators = true,
	.fields = session_end_fields,
	.args_size = sizeof(struct session_arguments),
	.output = SCHEMA_ID,
	.prepare = session_end_prepare,
	.apply = session_end_apply,
	.answer = session_end_answer,
};
