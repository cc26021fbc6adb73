/* People: joining, moving, leaving. */
#include "operations/help.h"
#include "operations/operations.h"

enum { PAGE = 200, CODE_HOURS = 24 };

static const char *const roles[] = { "support", "security", "engineering", "administration", "audit", "provider", "user", "auditor" };

struct people_arguments {
	struct slice id, name, role, kind, organisation, why, after;
};

/* ---- list, show ---- */

struct list {
	json_t *items;
	size_t limit;
	struct slice last;
	void *owner;
};

static err_t
add_person(void *argument, const struct principal_row *r)
{
	struct list *l = argument;
	l->last = memory_copy(l->owner, r->id);
	json_array_append_new(l->items, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "id", json_slice(r->id), "actor",
	                                          json_slice(r->actor), "kind", json_slice(r->kind), "organisation",
	                                          json_slice(r->organisation), "state", json_slice(r->state), "role",
	                                          json_slice(r->roles)));
	return NULL;
}

static err_t
people_list_prepare(struct passage *p)
{
	const struct people_arguments *a = p->args;
	struct list l = { .items = json_array(), .owner = p };
	err_t e = principal_each(p->view, a->after, PAGE, p->now, add_person, &l);
	bool more = json_array_size(l.items) == PAGE;
	passage_answer(p, json_list(l.items, more ? json_slice(l.last) : NULL));
	return e;
}

static const struct field people_list_fields[] = {
	{ "after", PLACE_QUERY, FIELD_NAME, false, ARGUMENT(people_arguments, after), 0, "the id that the last page ended with" },
	{ NULL },
};

const struct operation people_list_operation = {
	.name = "people.list",
	.says = { "Lists people and applications", "人とアプリケーションを一覧する" },
	.route = { GET, "/v1/people" },
	.cli = "people ls",
	.action = "people.list",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.operators = true,
	.fields = people_list_fields,
	.args_size = sizeof(struct people_arguments),
	.output = SCHEMA_LIST,
	.prepare = people_list_prepare,
};

/* The one-time code is shown for as long as it is good, to the two who added the person: for that long neither approves
 * for the person, nor the person for them. */
static fallible
add_code(struct passage *p, const struct principal *who, json_t *j)
{
	struct secret s;
	struct slice code;
	bool added;
	TRY(is_promoted_by(p, who->actor, p->principal->actor, &added));
	if (!added)
		return NULL;
	if (secret_get(p, p->view, who->actor, &s) || s.code_until <= p->now)
		return NULL;
	TRY(keys_unseal_whole(p, p->keys, LITERAL(LOG_VENDOR), USE_NAMES, slice_text("code"), s.totp, &code));
	json_object_set_new(j, "code", json_slice(code));
	memory_wipe((void *)(uintptr_t)code.data, code.size);
	return NULL;
}

static err_t
people_show_prepare(struct passage *p)
{
	const struct people_arguments *a = p->args;
	struct principal *who;
	struct slice name;
	TRY(principal_find(p, p->view, a->id, p->now, &who));
	err_t e = principal_name(p, p->view, p->keys, who->actor, &name);
	json_t *list = json_array();
	for (size_t i = 0; i < who->role_count; i++)
		json_array_append_new(list, json_slice(who->roles[i]));
	json_t *j = json_pack("{s:o, s:o, s:o, s:s, s:o, s:s, s:o, s:o}", "id", json_slice(who->id), "actor",
	                      json_slice(who->actor), "name", e ? json_null() : json_slice(name), "kind",
	                      principal_kind_name(who->kind), "organisation", json_slice(who->organisation), "state",
	                      who->active ? "active" : "inactive", "roles", list, "trained_until", json_time(who->trained_until));
	passage_answer(p, j);
	pairs_text(&p->outcome, "subject", who->actor);
	return principal_has_role(p->principal, "administration") ? add_code(p, who, j) : NULL;
}

static const struct field people_id_fields[] = {
	{ "id", PLACE_PATH, FIELD_TEXT, true, ARGUMENT(people_arguments, id), 63, "sup1, or psn_…" }, { NULL },
};

const struct operation people_show_operation = {
	.name = "people.show",
	.says = { "Shows a person", "人の情報を表示する" },
	.route = { GET, "/v1/people/{id}" },
	.cli = "people show {id}",
	.action = "people.show",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.fields = people_id_fields,
	.args_size = sizeof(struct people_arguments),
	.secret = true,
	.output = SCHEMA_ID,
	.prepare = people_show_prepare,
};

/* ---- add ---- */

struct joining {
	struct new_principal principal;
	struct id actor;
	struct secret secret;
	struct slice requester;
};

static bool
is_role(struct slice role)
{
	for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
		if (slice_is(role, roles[i]))
			return true;
	return false;
}

static fallible
check_role(struct passage *p, struct slice role)
{
	if (is_role(role))
		return NULL;
	return passage_fail(p, E_ARGUMENT, "role: expected support, security, engineering, administration, audit, provider, user or auditor");
}

/* Until it is used, the sealed code stands where the TOTP secret will. */
static fallible
make_code(struct passage *p, struct secret *s)
{
	uint8_t random[15];
	char code[32];
	random_bytes(random, sizeof random);
	text_base32(slice_of(random, sizeof random), code);
	sha256(slice_text(code), s->code);
	s->code_until = p->now + HOURS(CODE_HOURS);
	err_t e = keys_seal_whole(p, p->keys, LITERAL(LOG_VENDOR), USE_NAMES, slice_text("code"), slice_text(code), &s->totp);
	memory_wipe(code, sizeof code);
	return e;
}

static fallible
check_organisation(struct passage *p, const struct people_arguments *a, enum principal_kind *kind)
{
	*kind = KIND_PERSONNEL;
	if (a->kind.size && principal_kind_parse(a->kind, kind))
		return passage_fail(p, E_ARGUMENT, "kind: expected personnel, provider, user or auditor");
	if (*kind == KIND_APPLICATION)
		return passage_fail(p, E_ARGUMENT, "kind: an application is added by app add");
	if ((*kind == KIND_PERSONNEL) != (a->organisation.size == 0))
		return passage_fail(p, E_ARGUMENT, "organisation: personnel have none, all others have one");
	return *kind == KIND_USER || *kind == KIND_AUDITOR ? subscriber_check(p->view, a->organisation) : NULL;
}

static err_t
people_add_prepare(struct passage *p)
{
	const struct people_arguments *a = p->args;
	struct joining *j = NEW(p, struct joining);
	struct principal *there;
	TRY(check_role(p, a->role));
	TRY(check_organisation(p, a, &j->principal.kind));
	err_t e = principal_find(p, p->view, a->id, p->now, &there);
	if (e != E_NOT_FOUND)
		return e ? e : passage_fail(p, E_EXISTS, "ids are never reused: %.*s", SLICE_ARGUMENTS(a->id));
	j->actor = id_new("psn_");
	j->principal.actor = id_slice(&j->actor);
	j->principal.id = a->id;
	j->principal.organisation = a->organisation;
	j->principal.role = a->role;
	TRY(keys_seal_whole(p, p->keys, LITERAL(LOG_VENDOR), USE_NAMES, j->principal.actor, a->name, &j->principal.name));
	TRY(make_code(p, &j->secret));
	j->requester = p->request.size ? p->requester : p->principal->actor;
	p->change = j;
	p->log = LITERAL(LOG_EVERYONE);
	pairs_text(&p->outcome, "subject", j->principal.actor);
	pairs_text(&p->outcome, "role", a->role);
	return passage_answer(p, json_pack("{s:o, s:o}", "id", json_slice(a->id), "actor", json_slice(j->principal.actor)));
}

static err_t
people_add_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct joining *j = p->change;
	TRY(principal_add_apply(tx, &j->principal, time));
	TRY(fact_add_apply(tx, j->principal.actor, "promoted_by", j->requester, time));
	if (p->approver.size)
		TRY(fact_add_apply(tx, j->principal.actor, "promoted_by", p->approver, time));
	return secret_put_apply(tx, j->principal.actor, &j->secret, time);
}

static const struct field people_add_fields[] = {
	{ "id", PLACE_BODY, FIELD_NAME, true, ARGUMENT(people_arguments, id), 0, "to log in as; never reused" },
	{ "name", PLACE_BODY, FIELD_TEXT, true, ARGUMENT(people_arguments, name), 128, "of the person" },
	{ "role", PLACE_BODY, FIELD_NAME, true, ARGUMENT(people_arguments, role), 0, "support, security, engineering, …" },
	{ "kind", PLACE_BODY, FIELD_NAME, false, ARGUMENT(people_arguments, kind), 0, "personnel (unless said), provider, user, auditor" },
	{ "organisation", PLACE_BODY, FIELD_NAME, false, ARGUMENT(people_arguments, organisation), 0, "of all but personnel" },
	{ NULL },
};

const struct operation people_add_operation = {
	.name = "people.add",
	.says = { "Adds a person, who then enrols with a one-time code", "人を追加する（本人がワンタイムコードで登録する）" },
	.route = { POST, "/v1/people" },
	.cli = "people add {id}",
	.action = "people.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = people_add_fields,
	.args_size = sizeof(struct people_arguments),
	.second_person = true,
	.changes_epoch = true,
	.output = SCHEMA_ID,
	.prepare = people_add_prepare,
	.apply = people_add_apply,
};

/* ---- role ---- */

struct moving {
	struct slice actor, role, requester;
};

static err_t
people_role_prepare(struct passage *p)
{
	const struct people_arguments *a = p->args;
	struct moving *m = NEW(p, struct moving);
	struct principal *who;
	TRY(check_role(p, a->role));
	TRY(principal_find(p, p->view, a->id, p->now, &who));
	m->actor = who->actor;
	m->role = a->role;
	m->requester = p->request.size ? p->requester : p->principal->actor;
	p->change = m;
	p->log = LITERAL(LOG_EVERYONE);
	pairs_text(&p->outcome, "subject", who->actor);
	pairs_text(&p->outcome, "role", a->role);
	return passage_answer(p, json_pack("{s:o, s:o}", "id", json_slice(who->id), "role", json_slice(a->role)));
}

static err_t
people_role_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct moving *m = p->change;
	TRY(fact_set_apply(tx, m->actor, "role", m->role, time));
	if (p->approver.size)
		TRY(fact_add_apply(tx, m->actor, "promoted_by", p->approver, time));
	return fact_add_apply(tx, m->actor, "promoted_by", m->requester, time);
}

static const struct field people_role_fields[] = {
	{ "id", PLACE_PATH, FIELD_TEXT, true, ARGUMENT(people_arguments, id), 63, "sup1, or psn_…" },
	{ "role", PLACE_BODY, FIELD_NAME, true, ARGUMENT(people_arguments, role), 0, "the new one" },
	{ NULL },
};

const struct operation people_role_operation = {
	.name = "people.role",
	.says = { "Gives a person another role", "人の役割を変更する" },
	.route = { POST, "/v1/people/{id}/role" },
	.cli = "people role {id} {role}",
	.action = "people.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = people_role_fields,
	.args_size = sizeof(struct people_arguments),
	.second_person = true,
	.changes_epoch = true,
	.output = SCHEMA_ID,
	.prepare = people_role_prepare,
	.apply = people_role_apply,
};

/* ---- suspend, leave: everything of a person ends in one transaction ---- */

struct ending {
	struct slice actor, why;
	const char *state;
};

struct count {
	struct passage *passage;
	size_t administrators;
};

static err_t
count_administrator(void *argument, const struct principal_row *r)
{
	struct count *c = argument;
	c->administrators += slice_is(r->kind, "personnel") && slice_is(r->state, "active") && slice_is(r->roles, "administration");
	return NULL;
}

/* Without one nobody could be added any more. */
static fallible
check_last(struct passage *p)
{
	struct count c = { .passage = p };
	TRY(principal_each(p->view, LITERAL(""), INT32_MAX, p->now, count_administrator, &c));
	if (c.administrators > 1)
		return NULL;
	return passage_fail(p, E_STATE, "%s", passage_says(p, "this is the last administrator: add another first",
	                                                   "最後の管理者です。先に別の管理者を追加してください"));
}

static err_t
end_prepare(struct passage *p, const char *state)
{
	const struct people_arguments *a = p->args;
	struct ending *end = NEW(p, struct ending);
	struct principal *who;
	TRY(principal_find(p, p->view, a->id, p->now, &who));
	if (!who->active && strcmp(state, "suspended") == 0)
		return passage_fail(p, E_STATE, "suspended, or gone, already");
	if (principal_has_role(who, "administration") && who->active)
		TRY(check_last(p));
	end->actor = who->actor;
	end->state = state;
	end->why = a->why.size ? a->why : slice_text(state);
	p->change = end;
	p->log = LITERAL(LOG_EVERYONE);
	pairs_text(&p->outcome, "subject", who->actor);
	pairs_text(&p->outcome, "state", slice_text(state));
	if (a->why.size)
		pairs_text(&p->detail, "why", a->why);
	return passage_answer(p, json_pack("{s:o, s:s}", "id", json_slice(who->id), "state", state));
}

static err_t
end_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct ending *end = p->change;
	TRY(fact_set_apply(tx, end->actor, "state", slice_text(end->state), time));
	TRY(credentials_end_apply(tx, end->actor, end->why, time));
	return grants_end_apply(tx, end->actor, time);
}

static err_t
people_suspend_prepare(struct passage *p)
{
	return end_prepare(p, "suspended");
}

static err_t
people_leave_prepare(struct passage *p)
{
	return end_prepare(p, "left");
}

static const struct field people_end_fields[] = {
	{ "id", PLACE_PATH, FIELD_TEXT, true, ARGUMENT(people_arguments, id), 63, "sup1, or psn_…" },
	{ "why", PLACE_BODY, FIELD_TEXT, false, ARGUMENT(people_arguments, why), 256, "the reason" },
	{ NULL },
};

const struct operation people_suspend_operation = {
	.name = "people.suspend",
	.says = { "Suspends a person on suspicion: revokes all and ends all connections", "疑いのある人を停止し、すべての資格情報と接続を終了する" },
	.route = { POST, "/v1/people/{id}/suspend" },
	.cli = "people suspend {id}",
	.action = "people.end",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.operators = true,
	.fields = people_end_fields,
	.args_size = sizeof(struct people_arguments),
	.changes_epoch = true,
	.output = SCHEMA_ID,
	.prepare = people_suspend_prepare,
	.apply = end_apply,
};

const struct operation people_leave_operation = {
	.name = "people.leave",
	.says = { "Records that a person has left: revokes all and ends all connections", "退職を記録し、すべての資格情報と接続を終了する" },
	.route = { POST, "/v1/people/{id}/leave" },
	.cli = "people leave {id}",
	.action = "people.end",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.operators = true,
	.fields = people_end_fields,
	.args_size = sizeof(struct people_arguments),
	.changes_epoch = true,
	.output = SCHEMA_ID,
	.prepare = people_leave_prepare,
	.apply = end_apply,
};

/* ---- resume: a suspension is lifted by two ---- */

static err_t
people_resume_prepare(struct passage *p)
{
	const struct people_arguments *a = p->args;
	struct moving *m = NEW(p, struct moving);
	struct principal *who;
	struct slice state;
	TRY(principal_find(p, p->view, a->id, p->now, &who));
	TRY(fact_get(p, p->view, who->actor, "state", p->now, &state));
	if (!slice_is(state, "suspended"))
		return passage_fail(p, E_STATE, "not suspended");
	m->actor = who->actor;
	p->change = m;
	p->log = LITERAL(LOG_EVERYONE);
	pairs_text(&p->outcome, "subject", who->actor);
	pairs_text(&p->outcome, "state", LITERAL("active"));
	return passage_answer(p, json_pack("{s:o, s:s}", "id", json_slice(who->id), "state", "active"));
}

static err_t
people_resume_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct moving *m = p->change;
	return fact_set_apply(tx, m->actor, "state", LITERAL("active"), time);
}

const struct operation people_resume_operation = {
	.name = "people.resume",
	.says = { "Lifts a suspension; grants and credentials do not come back", "停止を解除する（許可と資格情報は戻らない）" },
	.route = { POST, "/v1/people/{id}/resume" },
	.cli = "people resume {id}",
	.action = "people.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = people_id_fields,
	.args_size = sizeof(struct people_arguments),
	.second_person = true,
	.changes_epoch = true,
	.output = SCHEMA_ID,
	.prepare = people_resume_prepare,
	.apply = people_resume_apply,
};

/* ---- factors: a new one-time code in the place of password and TOTP secret ---- */

static err_t
people_reset_prepare(struct passage *p)
{
	const struct people_arguments *a = p->args;
	struct joining *j = NEW(p, struct joining);
	struct principal *who;
	TRY(principal_find(p, p->view, a->id, p->now, &who));
	if (!who->active || who->kind == KIND_APPLICATION)
		return passage_fail(p, E_STATE, "only an active person has factors to reset");
	j->principal.actor = who->actor;
	j->requester = p->request.size ? p->requester : p->principal->actor;
	TRY(make_code(p, &j->secret));
	p->change = j;
	p->log = LITERAL(LOG_EVERYONE);
	pairs_text(&p->outcome, "subject", who->actor);
	return passage_answer(p, json_pack("{s:o}", "id", json_slice(who->id)));
}

static err_t
people_reset_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct joining *j = p->change;
	TRY(secret_put_apply(tx, j->principal.actor, &j->secret, time));
	TRY(credentials_end_apply(tx, j->principal.actor, LITERAL("factors reset"), time));
	TRY(fact_add_apply(tx, j->principal.actor, "promoted_by", j->requester, time));
	return p->approver.size ? fact_add_apply(tx, j->principal.actor, "promoted_by", p->approver, time) : NULL;
}

const struct operation people_reset_operation = {
	.name = "people.reset",
	.says = { "Resets a person's password and TOTP secret: a new one-time code", "パスワードと TOTP をリセットし、新しいワンタイムコードを発行する" },
	.route = { POST, "/v1/people/{id}/reset" },
	.cli = "people reset {id}",
	.action = "people.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = people_id_fields,
	.args_size = sizeof(struct people_arguments),
	.second_person = true,
	.changes_epoch = true,
	.output = SCHEMA_ID,
	.prepare = people_reset_prepare,
	.apply = people_reset_apply,
};
