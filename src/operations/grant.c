/* Grants: who may reach whose data, until when. They are made by requests. */
#include "operations/help.h"
#include "operations/operations.h"

struct grant_arguments {
	struct slice id, person, subscriber;
};

struct list {
	struct passage *passage;
	json_t *items;
	struct slice only;              /* this actor's */
};

static json_t *
grant_json(struct passage *p, const struct grant *g)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id", json_slice(g->id), "person",
	                 json_slice(name_of_actor(p, g->actor)), "subscriber", json_slice(g->subscriber), "resource",
	                 json_slice(g->resource), "rights", json_slice(g->rights), "request", json_slice(g->request), "since",
	                 json_time(g->since), "expires", json_time(g->expires));
}

static err_t
add_grant(void *argument, const struct grant *g)
{
	struct list *l = argument;
	if (!l->only.size || slice_equal(l->only, g->actor))
		json_array_append_new(l->items, grant_json(l->passage, g));
	return NULL;
}

/* Those who do not keep order see their own. */
static err_t
grant_list_prepare(struct passage *p)
{
	const struct grant_arguments *a = p->args;
	struct list l = { p, json_array(), { NULL, 0 } };
	struct principal *who = NULL;
	bool all = keeps_order(p);
	err_t e = all && a->person.size ? principal_find(p, p->view, a->person, p->now, &who) : NULL;
	if (!all)
		l.only = p->principal->actor;
	else if (who)
		l.only = who->actor;
	if (!e)
		e = grant_each(p->view, l.only.size ? l.only : LITERAL(""), a->subscriber, p->now, add_grant, &l);
	passage_answer(p, json_list(l.items, NULL));
	return e;
}

static const struct field grant_list_fields[] = {
	{ "person", PLACE_QUERY, FIELD_TEXT, false, ARGUMENT(grant_arguments, person), 63, "only this one's" },
	{ "of", PLACE_QUERY, FIELD_NAME, false, ARGUMENT(grant_arguments, subscriber), 0, "only on this subscriber's data" },
	{ NULL },
};

const struct operation grant_list_operation = {
	.name = "grant.list",
	.says = { "Lists the grants that hold now", "有効なアクセス許可を一覧する" },
	.route = { GET, "/v1/grants" },
	.cli = "grant ls",
	.action = "grant.list",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.operators = true,
	.fields = grant_list_fields,
	.args_size = sizeof(struct grant_arguments),
	.output = SCHEMA_LIST,
	.prepare = grant_list_prepare,
};

static err_t
grant_show_prepare(struct passage *p)
{
	const struct grant_arguments *a = p->args;
	struct grant g;
	TRY(grant_get(p, p->view, a->id, &g));
	if (!keeps_order(p) && !slice_equal(g.actor, p->principal->actor))
		return E_NOT_FOUND;
	json_t *j = grant_json(p, &g);
	json_object_set_new(j, "until", json_time(g.until));
	return passage_answer(p, j);
}

static const struct field grant_fields[] = {
	{ "id", PLACE_PATH, FIELD_TEXT, true, ARGUMENT(grant_arguments, id), 32, "grt_…" }, { NULL },
};

const struct operation grant_show_operation = {
	.name = "grant.show",
	.says = { "Shows a grant", "アクセス許可を表示する" },
	.route = { GET, "/v1/grants/{id}" },
	.cli = "grant show {id}",
	.action = "grant.list",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.fields = grant_fields,
	.args_size = sizeof(struct grant_arguments),
	.output = SCHEMA_ID,
	.prepare = grant_show_prepare,
};

static err_t
grant_revoke_prepare(struct passage *p)
{
	const struct grant_arguments *a = p->args;
	struct grant *g = NEW(p, struct grant);
	TRY(grant_get(p, p->view, a->id, g));
	if (g->until || g->expires <= p->now)
		return passage_fail(p, E_STATE, "it has ended already");
	p->change = g;
	p->log = g->subscriber;         /* what opens or closes a subscriber's data is in its log */
	pairs_text(&p->outcome, "grant", g->id);
	pairs_text(&p->outcome, "subject", g->actor);
	return passage_answer(p, json_pack("{s:o, s:s}", "id", json_slice(g->id), "state", "revoked"));
}

static err_t
grant_revoke_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct grant *g = p->change;
	return grant_end_apply(tx, g->id, time);
}

const struct operation grant_revoke_operation = {
	.name = "grant.revoke",
	.says = { "Ends a grant at once", "アクセス許可を直ちに終了する" },
	.route = { POST, "/v1/grants/{id}/revoke" },
	.cli = "grant revoke {id}",
	.action = "grant.revoke",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.operators = true,
	.fields = grant_fields,
	.args_size = sizeof(struct grant_arguments),
	.changes_epoch = true,
	.output = SCHEMA_ID,
	.prepare = grant_revoke_prepare,
	.apply = grant_revoke_apply,
};
