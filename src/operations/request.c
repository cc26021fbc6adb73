/* Asking for access, and the second person: what waits is a request, whatever the operation behind it. */
#include "operations/help.h"
#include "operations/operations.h"
#include "operations/operations_sql.h"

enum { GRANT_DAYS_MOST = 30, PROMOTED_HOURS = 24 };

/* ---- create: a grant, once another has approved it ---- */

struct create_arguments {
	struct slice subscriber, resource, person;
	int64_t lasts;
	bool write, export;
};

/* COLLECTION, COLLECTION/ID or db/NAME. */
static bool
is_resource(struct slice r)
{
	size_t slash = 0;
	while (slash < r.size && r.data[slash] != '/')
		slash++;
	if (!text_is_name(slice_of(r.data, slash)))
		return false;
	for (size_t i = slash + 1; i < r.size; i++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-", r.data[i]))
			return false;
	return slash == r.size || slash + 1 < r.size;
}

static err_t
request_create_prepare(struct passage *p)
{
	const struct create_arguments *a = p->args;
	struct grant *g = NEW(p, struct grant);
	struct id *id = NEW(p, struct id);
	TRY(subscriber_check(p->view, a->subscriber));
	if (!is_resource(a->resource))
		return passage_fail(p, E_ARGUMENT, "resource: expected COLLECTION, COLLECTION/ID or db/NAME");
	if (a->lasts > DAYS(GRANT_DAYS_MOST))
		return passage_fail(p, E_ARGUMENT, "for: expected at most %d days", GRANT_DAYS_MOST);
	*id = id_new("grt_");
	*g = (struct grant){
		.id = id_slice(id), .subscriber = a->subscriber, .resource = a->resource, .request = p->request,
		.actor = p->request.size ? p->requester : p->principal->actor, .since = p->now, .expires = p->now + a->lasts,
		.rights = slice_text(memory_format(p, "read%s%s", a->write ? ",write" : "", a->export ? ",export" : "")),
	};
	p->change = g;
	pairs_text(&p->outcome, "grant", g->id);
	pairs_text(&p->outcome, "subject", g->actor);
	return passage_answer(p, json_pack("{s:o, s:o, s:o}", "id", json_slice(g->id), "person",
	                                   json_slice(name_of_actor(p, g->actor)), "expires", json_time(g->expires)));
}

static err_t
request_create_apply(struct passage *p, struct store *tx, int64_t time)
{
	(void)time;
	return grant_add_apply(tx, p->change);
}

static const struct field request_create_fields[] = {
	{ "subscriber", PLACE_BODY, FIELD_NAME, true, ARGUMENT(create_arguments, subscriber), 0, "whose data" },
	{ "resource", PLACE_BODY, FIELD_TEXT, true, ARGUMENT(create_arguments, resource), 192, "COLLECTION[/ID] or db/NAME" },
	{ "for", PLACE_BODY, FIELD_DURATION, true, ARGUMENT(create_arguments, lasts), 0, "how long: 10m, 12h, 7d" },
	{ "write", PLACE_BODY, FIELD_FLAG, false, ARGUMENT(create_arguments, write), 0, "to change, too" },
	{ "export", PLACE_BODY, FIELD_FLAG, false, ARGUMENT(create_arguments, export), 0, "to take out in bulk, too" },
	{ NULL },
};

const struct operation request_create_operation = {
	.name = "request.create",
	.says = { "Asks for access to a subscriber's data, for a time", "契約者データへの期限付きアクセスを申請する" },
	.route = { POST, "/v1/requests" },
	.cli = "request create {subscriber} {resource}",
	.action = "request.create",
	.resource = RESOURCE_SUBSCRIBER,
	.effect = EFFECT_CHANGE,
	.fields = request_create_fields,
	.args_size = sizeof(struct create_arguments),
	.second_person = true,
	.changes_epoch = true,
	.output = SCHEMA_ID,
	.prepare = request_create_prepare,
	.apply = request_create_apply,
};

/* ---- reading them ---- */

struct waiting {
	struct slice id, operation, requester, subscriber, resource, purpose, state, decided_by, sealed;
	int64_t created, expires, decided;
};

static struct waiting
waiting_of_row(const void *owner, struct rows *r)
{
	return (struct waiting){
		.id = memory_copy(owner, row_text(r, 0)), .operation = memory_copy(owner, row_text(r, 1)),
		.requester = memory_copy(owner, row_text(r, 2)), .subscriber = memory_copy(owner, row_text(r, 3)),
		.resource = memory_copy(owner, row_text(r, 4)), .purpose = memory_copy(owner, row_text(r, 5)),
		.state = memory_copy(owner, row_text(r, 6)), .created = row_number(r, 7), .expires = row_number(r, 8),
		.decided = row_number(r, 9), .decided_by = memory_copy(owner, row_text(r, 10)),
		.sealed = memory_copy(owner, row_bytes(r, 11)),
	};
}

static fallible
waiting_get(struct passage *p, struct slice id, struct waiting *out)
{
	SCOPED struct rows *r = NULL;
	TRY(store_rows(NULL, p->view, QUERY_REQUEST_BY_ID, BIND(as_text(id)), &r));
	if (rows_next(r)) {
		*out = waiting_of_row(p, r);
		return NULL;
	}
	TRY(rows_end(r));
	return E_NOT_FOUND;
}

static fallible
arguments_of(struct passage *p, const struct waiting *w, json_t **out)
{
	struct slice text;
	TRY(keys_unseal_whole(p, p->keys, LITERAL(LOG_VENDOR), USE_NAMES, w->id, w->sealed, &text));
	*out = json_loadb((const char *)text.data, text.size, 0, NULL);
	return *out ? NULL : E_SEAL;
}

static json_t *
waiting_json(struct passage *p, const struct waiting *w)
{
	json_t *j = json_object(), *arguments = NULL;
	const char *state = slice_is(w->state, "pending") && w->expires <= p->now ? "expired" : NULL;
	json_object_set_new(j, "id", json_slice(w->id));
	json_object_set_new(j, "operation", json_slice(w->operation));
	json_object_set_new(j, "person", json_slice(name_of_actor(p, w->requester)));
	json_object_set_new(j, "subscriber", json_slice(w->subscriber));
	json_object_set_new(j, "state", state ? json_string(state) : json_slice(w->state));
	json_object_set_new(j, "purpose", json_slice(w->purpose));
	json_object_set_new(j, "created", json_time(w->created));
	json_object_set_new(j, "expires", json_time(w->expires));
	json_object_set_new(j, "decided", json_time(w->decided));
	json_object_set_new(j, "decided_by", json_slice(w->decided_by.size ? name_of_actor(p, w->decided_by) : w->decided_by));
	if (!arguments_of(p, w, &arguments))
		json_object_set_new(j, "arguments", arguments);
	return j;
}

struct request_arguments {
	struct slice id, state, why;
};

static err_t
request_list_prepare(struct passage *p)
{
	const struct request_arguments *a = p->args;
	SCOPED struct rows *r = NULL;
	json_t *items = json_array();
	bool all = keeps_order(p);
	err_t e = store_rows(NULL, p->view, QUERY_REQUESTS, BIND(as_text(a->state.size ? a->state : LITERAL("pending"))), &r);
	while (!e && rows_next(r)) {
		struct waiting w = waiting_of_row(p, r);
		if (all || slice_equal(w.requester, p->principal->actor))
			json_array_append_new(items, waiting_json(p, &w));
	}
	passage_answer(p, json_list(items, NULL));
	return e ? e : rows_end(r);
}

static const struct field request_list_fields[] = {
	{ "state", PLACE_QUERY, FIELD_NAME, false, ARGUMENT(request_arguments, state), 0, "pending (unless said), approved, denied" },
	{ NULL },
};

const struct operation request_list_operation = {
	.name = "request.list",
	.says = { "Lists what waits for a second person", "承認待ちの申請を一覧する" },
	.route = { GET, "/v1/requests" },
	.cli = "request ls",
	.action = "request.list",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.operators = true,
	.fields = request_list_fields,
	.args_size = sizeof(struct request_arguments),
	.output = SCHEMA_LIST,
	.prepare = request_list_prepare,
};

static err_t
request_show_prepare(struct passage *p)
{
	const struct request_arguments *a = p->args;
	struct waiting w;
	TRY(waiting_get(p, a->id, &w));
	if (!keeps_order(p) && !slice_equal(w.requester, p->principal->actor))
		return E_NOT_FOUND;
	return passage_answer(p, waiting_json(p, &w));
}

static const struct field request_fields[] = {
	{ "id", PLACE_PATH, FIELD_TEXT, true, ARGUMENT(request_arguments, id), 32, "req_…" }, { NULL },
};

const struct operation request_show_operation = {
	.name = "request.show",
	.says = { "Shows a request", "申請を表示する" },
	.route = { GET, "/v1/requests/{id}" },
	.cli = "request show {id}",
	.action = "request.list",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.fields = request_fields,
	.args_size = sizeof(struct request_arguments),
	.output = SCHEMA_ID,
	.prepare = request_show_prepare,
};

/* ---- approve: the operation behind it runs now, in the name of both ---- */

struct approval {
	struct waiting waiting;
	struct passage *inner;
};

fallible
is_promoted_by(struct passage *p, struct slice actor, struct slice by, bool *out)
{
	SCOPED struct rows *r = NULL;
	TRY(store_rows(NULL, p->view, QUERY_PROMOTED_BY,
	               BIND(as_text(actor), as_text(by), as_number(p->now - HOURS(PROMOTED_HOURS))), &r));
	*out = rows_next(r);
	return rows_end(r);
}

/* Nobody approves for whom they enrolled or promoted in the last 24 hours, nor for who enrolled or promoted them: whoever
 * enrols somebody may know the code. */
static fallible
check_approver(struct passage *p, const struct waiting *w)
{
	bool made, was_made;
	if (slice_equal(w->requester, p->principal->actor))
		return E_OWN_REQUEST;
	TRY(is_promoted_by(p, w->requester, p->principal->actor, &made));
	TRY(is_promoted_by(p, p->principal->actor, w->requester, &was_made));
	if (made || was_made)
		return passage_fail(p, E_DENIED, "%s",
		                    passage_says(p, "Nobody approves for a person whom they enrolled or promoted in the last 24 hours, or who did so for them",
		                                 "過去24時間以内に自分が登録または昇格させた人、または自分を登録または昇格させた人の申請は承認できません"));
	return NULL;
}

/* Nor what is done to oneself. */
static fallible
check_subject(struct passage *p, const struct passage *inner)
{
	for (size_t i = 0; i < inner->outcome.count; i++) {
		const struct pair *pair = &inner->outcome.pairs[i];
		if (pair->is_text && strcmp(pair->key, "subject") == 0 && slice_equal(pair->text, p->principal->actor))
			return E_OWN_REQUEST;
	}
	return NULL;
}

static fallible
check_pending(struct passage *p, const struct waiting *w)
{
	if (!slice_is(w->state, "pending"))
		return passage_fail(p, E_STATE, "it is %.*s already", SLICE_ARGUMENTS(w->state));
	if (w->expires <= p->now)
		return passage_fail(p, E_STATE, "it has expired");
	return NULL;
}

/* The approver needs the right to approve; the requester must still be someone who acts, and may ask for this. */
static fallible
inner_passage(struct passage *p, struct approval *a)
{
	const struct operation *o = gate_find(gate_of(p->worker), a->waiting.operation);
	struct given given = { 0 };
	struct principal *requester;
	if (!o || !o->second_person)
		return passage_fail(p, E_STATE, "there is no operation %.*s in this version", SLICE_ARGUMENTS(a->waiting.operation));
	TRY(principal_find(p, p->view, a->waiting.requester, p->now, &requester));
	if (!requester->active)
		return passage_fail(p, E_STATE, "the person who asked has left or is suspended");
	TRY(arguments_of(p, &a->waiting, &given.body));
	struct passage *inner = passage_new(p, o);
	err_t e = passage_arguments_again(inner, given.body);
	json_decref(given.body);
	TRY(e);
	inner->worker = p->worker;
	inner->view = p->view;
	inner->keys = p->keys;
	inner->now = p->now;
	inner->language = p->language;
	inner->principal = requester;
	inner->purpose = a->waiting.purpose;
	inner->request = a->waiting.id;
	inner->requester = a->waiting.requester;
	inner->approver = p->principal->actor;
	inner->changes_epoch = o->changes_epoch;
	a->inner = inner;
	err_t denied = passage_decide(inner, o->action, o->resource);
	if (denied)
		return passage_fail(p, denied->http == 403 ? E_STATE : denied, "the person who asked may no longer do this");
	return NULL;
}

static void
take_over(struct passage *p, struct passage *inner)
{
	p->outcome = inner->outcome;
	p->detail = inner->detail;
	p->subscriber = inner->subscriber;
	p->collection = inner->collection;
	p->object = inner->object;
	p->log = inner->log;
	p->more_count = inner->more_count;
	memcpy(p->more, inner->more, sizeof p->more);
	p->changes_epoch = inner->changes_epoch;
	p->detail_text = inner->detail_text;
	p->purpose = inner->purpose;
}

static err_t
request_approve_prepare(struct passage *p)
{
	const struct request_arguments *r = p->args;
	struct approval *a = NEW(p, struct approval);
	TRY(waiting_get(p, r->id, &a->waiting));
	TRY(check_pending(p, &a->waiting));
	TRY(check_approver(p, &a->waiting));
	TRY(inner_passage(p, a));
	err_t e = a->inner->operation->prepare(a->inner);
	take_over(p, a->inner);
	TRY(e);
	TRY(check_subject(p, a->inner));
	p->change = a;
	p->request = a->waiting.id;
	pairs_text(&p->outcome, "approved", a->waiting.operation);
	pairs_text(&p->outcome, "requester", a->waiting.requester);
	json_t *answer = a->inner->json ? json_incref(a->inner->json) : json_object();
	json_object_set_new(answer, "request", json_slice(a->waiting.id));
	json_object_set_new(answer, "state", json_string("approved"));
	if (!json_object_get(answer, "id"))
		json_object_set_new(answer, "id", json_slice(a->waiting.id));
	return passage_answer(p, answer);
}

static fallible
decide_apply(struct passage *p, struct store *tx, struct slice id, const char *state, int64_t time)
{
	TRY(store_run(tx, QUERY_REQUEST_DECIDE, BIND(as_text(id), as_text(slice_text(state)), as_number(time),
	                                            as_text(p->principal->actor))));
	return store_changes(tx) ? NULL : E_CONFLICT;
}

static err_t
request_approve_apply(struct passage *p, struct store *tx, int64_t time)
{
	struct approval *a = p->change;
	TRY(decide_apply(p, tx, a->waiting.id, "approved", time));
	err_t e = a->inner->operation->apply(a->inner, tx, time);
	return e && e->http < 500 ? E_STALE : e;        /* something is changed already: roll back, decide again */
}

const struct operation request_approve_operation = {
	.name = "request.approve",
	.says = { "Approves what another asked for, and puts it in force", "他の人の申請を承認し、有効にする" },
	.route = { POST, "/v1/requests/{id}/approve" },
	.cli = "request approve {id}",
	.action = "request.approve",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = request_fields,
	.args_size = sizeof(struct request_arguments),
	.secret = true,
	.output = SCHEMA_ID,
	.prepare = request_approve_prepare,
	.apply = request_approve_apply,
};

static err_t
request_deny_prepare(struct passage *p)
{
	const struct request_arguments *a = p->args;
	struct waiting *w = NEW(p, struct waiting);
	TRY(waiting_get(p, a->id, w));
	TRY(check_pending(p, w));
	p->change = w;
	if (w->subscriber.size)
		p->log = w->subscriber;
	pairs_text(&p->outcome, "request", w->id);
	pairs_text(&p->outcome, "subject", w->requester);
	if (a->why.size)
		pairs_text(&p->detail, "why", a->why);
	return passage_answer(p, json_pack("{s:o, s:s}", "id", json_slice(w->id), "state", "denied"));
}

static err_t
request_deny_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct waiting *w = p->change;
	return decide_apply(p, tx, w->id, "denied", time);
}

static const struct field request_deny_fields[] = {
	{ "id", PLACE_PATH, FIELD_TEXT, true, ARGUMENT(request_arguments, id), 32, "req_…" },
	{ "why", PLACE_BODY, FIELD_TEXT, false, ARGUMENT(request_arguments, why), 256, "the reason" },
	{ NULL },
};

const struct operation request_deny_operation = {
	.name = "request.deny",
	.says = { "Denies a request", "申請を却下する" },
	.route = { POST, "/v1/requests/{id}/deny" },
	.cli = "request deny {id}",
	.action = "request.deny",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.operators = true,
	.fields = request_deny_fields,
	.args_size = sizeof(struct request_arguments),
	.output = SCHEMA_ID,
	.prepare = request_deny_prepare,
	.apply = request_deny_apply,
};

/* ---- withdraw: by who asked ---- */

static err_t
request_withdraw_prepare(struct passage *p)
{
	const struct request_arguments *a = p->args;
	struct waiting *w = NEW(p, struct waiting);
	TRY(waiting_get(p, a->id, w));
	if (!slice_equal(w->requester, p->principal->actor))
		return E_NOT_FOUND;
	TRY(check_pending(p, w));
	p->change = w;
	if (w->subscriber.size)
		p->log = w->subscriber;
	pairs_text(&p->outcome, "request", w->id);
	return passage_answer(p, json_pack("{s:o, s:s}", "id", json_slice(w->id), "state", "withdrawn"));
}

static err_t
request_withdraw_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct waiting *w = p->change;
	return decide_apply(p, tx, w->id, "withdrawn", time);
}

const struct operation request_withdraw_operation = {
	.name = "request.withdraw",
	.says = { "Takes back a request of one's own", "自分の申請を取り下げる" },
	.route = { POST, "/v1/requests/{id}/withdraw" },
	.cli = "request withdraw {id}",
	.action = "request.list",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = request_fields,
	.args_size = sizeof(struct request_arguments),
	.output = SCHEMA_ID,
	.prepare = request_withdraw_prepare,
	.apply = request_withdraw_apply,
};
