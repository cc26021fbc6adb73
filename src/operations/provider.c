/* Providers (P0 to P2): the register, reviews that open and close, findings, deployments. */
#include "operations/registers.h"
#include "operations/operations_sql.h"

#include "record/alert.h"
#include "record/deadline.h"

enum { ID, KIND, NAME, DOES, WHERE, DATA, CONTRACT, TIER, DECISION, EVIDENCE, NOTE };
enum { UNTIL };
enum { ANSWERS };
enum { PEOPLE_MOST = 100000 };

static const struct field provider_id_fields[] = {
	{ "id", PLACE_PATH, FIELD_NAME, true, TEXT_AT(ID), 0, "which provider" }, { NULL },
};

/* ---- register ---- */

static fallible
provider_kind(struct passage *p, struct slice id, struct slice *kind)
{
	SCOPED struct rows *rows = NULL;
	TRY(store_rows(NULL, p->view, QUERY_PROVIDER_KIND, BIND(as_text(id)), &rows));
	*kind = rows_next(rows) ? memory_copy(p, row_text(rows, 0)) : (struct slice){ NULL, 0 };
	return rows_end(rows);
}

static err_t
provider_put_prepare(struct passage *p)
{
	const struct register_arguments *a = p->args;
	struct slice there;
	TRY(register_word(p, "kind", a->text[KIND], "inbound receiver host"));
	TRY(register_word(p, "tier", a->text[TIER], "low medium high"));
	TRY(provider_kind(p, a->text[ID], &there));
	if (there.size && !slice_equal(there, a->text[KIND]))
		return passage_fail(p, E_ARGUMENT, "kind: %.*s is registered as %.*s, which does not change", SLICE_ARGUMENTS(a->text[ID]), SLICE_ARGUMENTS(there));
	return register_prepare(p, &(struct register_put){ .kind = "provider", .id = a->text[ID], .body = register_body(p, "id"), .more = there.size ? p : NULL });
}

static err_t
provider_put_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct register_arguments *a = p->args;
	if (!register_more(p))
		TRY(provider_add_apply(tx, a->text[ID], a->text[KIND], a->text[NAME], time));
	return register_apply(p, tx, time);
}

static const struct field provider_fields[] = {
	{ "id", PLACE_PATH, FIELD_NAME, true, TEXT_AT(ID), 0, "its name; never reused" },
	{ "kind", PLACE_BODY, FIELD_NAME, true, TEXT_AT(KIND), 0, "inbound (its people come in), receiver (we send to it), host (it runs machines)" },
	{ "name", PLACE_BODY, FIELD_TEXT, true, TEXT_AT(NAME), 128, "of the organisation" },
	{ "does", PLACE_BODY, FIELD_TEXT, true, TEXT_AT(DOES), 256, "what it does for us" },
	{ "where", PLACE_BODY, FIELD_TEXT, true, TEXT_AT(WHERE), 128, "country or region" },
	{ "data", PLACE_BODY, FIELD_TEXT, true, TEXT_AT(DATA), 256, "which data it can touch" },
	{ "contract", PLACE_BODY, FIELD_TEXT, false, TEXT_AT(CONTRACT), 256, "the contract that passes these duties on: its reference or digest" },
	{ "tier", PLACE_BODY, FIELD_NAME, true, TEXT_AT(TIER), 0, "risk: low, medium or high" },
	{ NULL },
};

const struct operation provider_put_operation = {
	.name = "provider.put",
	.says = { "Registers a provider, or changes what is registered", "提供者を登録または変更する" },
	.route = { PUT, "/v1/providers/{id}" },
	.cli = "provider add {id}",
	.action = "provider.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = provider_fields,
	.args_size = sizeof(struct register_arguments),
	.output = SCHEMA_ID,
	.prepare = provider_put_prepare,
	.apply = provider_put_apply,
};

static fallible
add_review(struct passage *p, struct slice id, json_t *j)
{
	struct slice until;
	int64_t time = 0;
	TRY(fact_get(p, p->view, id, "review", p->now, &until));
	if (until.size)
		TRY(text_time_parse(until, &time));
	json_object_set_new(j, "reviewed_until", json_time(time));
	json_object_set_new(j, "review", json_string(!until.size ? "none" : time > p->now ? "valid" : "lapsed"));
	return NULL;
}

static err_t
provider_list_prepare(struct passage *p)
{
	SCOPED struct rows *rows = NULL;
	json_t *items = json_array();
	err_t e = store_rows(NULL, p->view, QUERY_PROVIDERS_LISTED, BIND_NONE, &rows);
	while (!e && rows_next(rows)) {
		json_t *j = json_pack("{s:o, s:o, s:o}", "id", json_slice(row_text(rows, 0)), "kind", json_slice(row_text(rows, 1)), "name",
		                      json_slice(row_text(rows, 2)));
		json_array_append_new(items, j);
		e = add_review(p, memory_copy(p, row_text(rows, 0)), j);
	}
	passage_answer(p, json_list(items, NULL));
	return e ? e : rows_end(rows);
}

const struct operation provider_list_operation = {
	.name = "provider.list",
	.says = { "Lists the providers, with their reviews", "提供者と審査の状態を一覧する" },
	.route = { GET, "/v1/providers" },
	.cli = "provider ls",
	.action = "provider.read",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.output = SCHEMA_LIST,
	.prepare = provider_list_prepare,
};

struct past {
	struct passage *passage;
	json_t *items;
};

static err_t
add_past(void *argument, const struct registered *r)
{
	struct past *past = argument;
	json_t *j = json_deep_copy(r->body);
	json_object_set_new(j, "since", json_time(r->since));
	json_object_set_new(j, "by", json_slice(name_of_actor(past->passage, r->changed_by)));
	json_array_append_new(past->items, j);
	return NULL;
}

static err_t
provider_show_prepare(struct passage *p)
{
	const struct register_arguments *a = p->args;
	struct registered r;
	struct slice kind;
	struct past reviews = { p, json_array() };
	TRY(provider_kind(p, a->text[ID], &kind));
	if (!kind.size)
		return E_NOT_FOUND;
	err_t e = register_get(p, p->view, "provider", a->text[ID], &r);
	json_t *j = e ? json_object() : json_deep_copy(r.body);
	passage_answer(p, j);
	json_object_set_new(j, "id", json_slice(a->text[ID]));
	json_object_set_new(j, "kind", json_slice(kind));
	json_object_set_new(j, "reviews", reviews.items);
	TRY(e == E_NOT_FOUND ? NULL : e);
	TRY(register_each_version(p->view, "provider-review", a->text[ID], add_past, &reviews));
	return add_review(p, a->text[ID], j);
}

const struct operation provider_show_operation = {
	.name = "provider.show",
	.says = { "Shows a provider and its reviews", "提供者と審査の履歴を表示する" },
	.route = { GET, "/v1/providers/{id}" },
	.cli = "provider show {id}",
	.action = "provider.read",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.fields = provider_id_fields,
	.args_size = sizeof(struct register_arguments),
	.output = SCHEMA_ID,
	.prepare = provider_show_prepare,
};

/* ---- review: questions on P1 to P7, decided by a second person; what it decides holds at once ---- */

struct reviewing {
	char until[TIME_TEXT];
	bool passed;
	size_t count;
	struct slice *actors;           /* people of the provider */
	struct passage *passage;
	struct slice provider;
};

static err_t
add_person_of(void *argument, const struct principal_row *r)
{
	struct reviewing *v = argument;
	if (!slice_equal(r->organisation, v->provider))
		return NULL;
	v->actors = memory_grow(v->passage, v->actors, sizeof *v->actors, v->count + 1);
	v->actors[v->count++] = memory_copy(v->passage, r->actor);
	return NULL;
}

static fallible
check_answers(struct passage *p, const json_t *answers)
{
	static const char *const asked[] = { "P1", "P2", "P3", "P4", "P5", "P6", "P7" };
	for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
		if (!body_text(answers, asked[i]).size)
			return passage_fail(p, E_ARGUMENT, "answers: expected {\"P1\": TEXT, … \"P7\": TEXT}; %s is missing", asked[i]);
	return NULL;
}

static err_t
provider_review_prepare(struct passage *p)
{
	const struct register_arguments *a = p->args;
	struct reviewing *v = NEW(p, struct reviewing);
	struct slice kind;
	TRY(provider_kind(p, a->text[ID], &kind));
	if (!kind.size)
		return E_NOT_FOUND;
	TRY(register_word(p, "decision", a->text[DECISION], "pass fail"));
	TRY(check_answers(p, a->json[ANSWERS]));
	v->passed = slice_is(a->text[DECISION], "pass");
	if (v->passed && a->number[UNTIL] <= p->now)
		return passage_fail(p, E_ARGUMENT, "until: expected a time to come, when the next review is due");
	text_time(a->number[UNTIL], v->until);
	v->passage = p;
	v->provider = a->text[ID];
	TRY(principal_each(p->view, LITERAL(""), PEOPLE_MOST, p->now, add_person_of, v));
	json_t *body = register_body(p, "id");
	json_object_set_new(body, "decided_by", json_slice(name_of_actor(p, p->approver)));
	p->log = LITERAL(LOG_EVERYONE);
	pairs_text(&p->outcome, "decision", a->text[DECISION]);
	return register_prepare(p, &(struct register_put){ .kind = "provider-review", .id = a->text[ID], .due = v->passed ? a->number[UNTIL] : 0, .body = body, .more = v });
}

/* A failed one ends what its people hold; a passed one opens again, to whoever logs in anew. */
static err_t
provider_review_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct register_arguments *a = p->args;
	const struct reviewing *v = register_more(p);
	TRY(register_apply(p, tx, time));
	if (v->passed) {
		TRY(fact_set_apply(tx, a->text[ID], "review", slice_text(v->until), time));
		return deadline_set_apply(tx, "review.expiry", a->text[ID], a->number[UNTIL]);
	}
	char now[TIME_TEXT];
	text_time(time, now);
	TRY(fact_set_apply(tx, a->text[ID], "review", slice_text(now), time));
	for (size_t i = 0; i < v->count; i++)
		TRY(credentials_end_apply(tx, v->actors[i], LITERAL("the provider's review failed"), time));
	return NULL;
}

static const struct field review_fields[] = {
	{ "id", PLACE_PATH, FIELD_NAME, true, TEXT_AT(ID), 0, "which provider" },
	{ "answers", PLACE_BODY, FIELD_JSON, true, JSON_AT(ANSWERS), 0, "{\"P1\": TEXT, …, \"P7\": TEXT}, or a file of it" },
	{ "evidence", PLACE_BODY, FIELD_TEXT, false, TEXT_AT(EVIDENCE), 256, "its digest or reference" },
	{ "decision", PLACE_BODY, FIELD_NAME, true, TEXT_AT(DECISION), 0, "pass or fail" },
	{ "until", PLACE_BODY, FIELD_TIME, true, NUMBER_AT(UNTIL), 0, "the next review" },
	{ "note", PLACE_BODY, FIELD_TEXT, false, TEXT_AT(NOTE), 1024, "what follows" },
	{ NULL },
};

const struct operation provider_review_operation = {
	.name = "provider.review",
	.says = { "Reviews a provider against P1 to P7, once another has approved the decision", "提供者を P1 から P7 に照らして審査する（別の者の承認が必要）" },
	.route = { POST, "/v1/providers/{id}/reviews" },
	.cli = "provider review {id}",
	.action = "provider.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = review_fields,
	.args_size = sizeof(struct register_arguments),
	.second_person = true,
	.changes_epoch = true,
	.output = SCHEMA_ID,
	.prepare = provider_review_prepare,
	.apply = provider_review_apply,
};

/* ---- findings of reviews, each with an owner and a deadline ---- */

static err_t
finding_add_prepare(struct passage *p)
{
	const struct register_arguments *a = p->args;
	struct principal *owner;
	struct slice kind;
	TRY(provider_kind(p, a->text[ID], &kind));
	if (!kind.size)
		return E_NOT_FOUND;
	TRY(register_person(p, "owner", a->text[DOES], &owner));
	struct slice id = slice_text(memory_format(p, "%.*s/%.*s", SLICE_ARGUMENTS(a->text[ID]), SLICE_ARGUMENTS(a->text[NAME])));
	return register_prepare(p, &(struct register_put){ .kind = "provider-finding", .id = id, .parent = a->text[ID], .due = a->number[UNTIL],
	                                                   .body = register_body(p, "id finding") });
}

static const struct field finding_fields[] = {
	{ "id", PLACE_PATH, FIELD_NAME, true, TEXT_AT(ID), 0, "which provider" },
	{ "finding", PLACE_PATH, FIELD_NAME, true, TEXT_AT(NAME), 0, "its name" },
	{ "title", PLACE_BODY, FIELD_TEXT, true, TEXT_AT(DATA), 256, "what was found" },
	{ "owner", PLACE_BODY, FIELD_NAME, true, TEXT_AT(DOES), 0, "who sees to it" },
	{ "due", PLACE_BODY, FIELD_TIME, true, NUMBER_AT(UNTIL), 0, "mended by then" },
	{ NULL },
};

const struct operation provider_finding_operation = {
	.name = "provider.finding.put",
	.says = { "Adds a finding of a review, with its deadline", "審査の指摘事項を期限付きで登録する" },
	.route = { PUT, "/v1/providers/{id}/findings/{finding}" },
	.cli = "provider finding add {id} {finding}",
	.action = "provider.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = finding_fields,
	.args_size = sizeof(struct register_arguments),
	.output = SCHEMA_ID,
	.prepare = finding_add_prepare,
	.apply = register_apply,
};

static err_t
finding_close_prepare(struct passage *p)
{
	const struct register_arguments *a = p->args;
	struct registered r;
	struct slice *id = NEW(p, struct slice);
	*id = slice_text(memory_format(p, "%.*s/%.*s", SLICE_ARGUMENTS(a->text[ID]), SLICE_ARGUMENTS(a->text[NAME])));
	TRY(register_get(p, p->view, "provider-finding", *id, &r));
	p->change = id;
	pairs_text(&p->outcome, "subject", *id);
	pairs_text(&p->detail, "why", a->text[NOTE]);
	return passage_answer(p, json_pack("{s:o}", "id", json_slice(*id)));
}

static err_t
finding_close_apply(struct passage *p, struct store *tx, int64_t time)
{
	return register_end_apply(tx, "provider-finding", *(struct slice *)p->change, time);
}

static const struct field finding_close_fields[] = {
	{ "id", PLACE_PATH, FIELD_NAME, true, TEXT_AT(ID), 0, "which provider" },
	{ "finding", PLACE_PATH, FIELD_NAME, true, TEXT_AT(NAME), 0, "which finding" },
	{ "why", PLACE_BODY, FIELD_TEXT, true, TEXT_AT(NOTE), 256, "what mended it" },
	{ NULL },
};

const struct operation provider_finding_close_operation = {
	.name = "provider.finding.close",
	.says = { "Closes a finding", "指摘事項を完了にする" },
	.route = { POST, "/v1/providers/{id}/findings/{finding}/close" },
	.cli = "provider finding close {id} {finding}",
	.action = "provider.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = finding_close_fields,
	.args_size = sizeof(struct register_arguments),
	.output = SCHEMA_ID,
	.prepare = finding_close_prepare,
	.apply = finding_close_apply,
};

/* ---- deployments (P2): a change record that another approved; a report that matches none is an alarm ---- */

static fallible
check_digest(struct passage *p, struct slice digest)
{
	uint8_t bytes[DIGEST_SIZE];
	size_t size;
	if (!text_hex_parse(digest, bytes, sizeof bytes, &size) && size == sizeof bytes)
		return NULL;
	return passage_fail(p, E_ARGUMENT, "digest: expected SHA-256 in hex, 64 digits");
}

static err_t
change_put_prepare(struct passage *p)
{
	const struct register_arguments *a = p->args;
	struct principal *author;
	TRY(check_digest(p, a->text[ID]));
	TRY(register_person(p, "author", a->text[NAME], &author));
	struct slice requester = p->request.size ? p->requester : p->principal->actor;
	if (p->request.size && slice_equal(author->actor, p->approver))
		return passage_fail(p, E_OWN_REQUEST, "the author of a change does not approve it");
	json_t *body = register_body(p, "digest");
	json_object_set_new(body, "approver", json_slice(name_of_actor(p, p->approver)));
	json_object_set_new(body, "requester", json_slice(name_of_actor(p, requester)));
	return register_prepare(p, &(struct register_put){ .kind = "change", .id = a->text[ID], .body = body });
}

static const struct field change_fields[] = {
	{ "digest", PLACE_PATH, FIELD_TEXT, true, TEXT_AT(ID), 64, "of what is to be deployed: SHA-256 in hex" },
	{ "author", PLACE_BODY, FIELD_NAME, true, TEXT_AT(NAME), 0, "who made it" },
	{ "what", PLACE_BODY, FIELD_TEXT, true, TEXT_AT(DOES), 512, "what changes, and why" },
	{ NULL },
};

const struct operation provider_change_operation = {
	.name = "provider.deployment.record",
	.says = { "Records a change by its digest, once somebody other than its author has approved it", "変更をダイジェストで登録する（作成者以外の承認が必要）" },
	.route = { PUT, "/v1/changes/{digest}" },
	.cli = "provider deployment record {digest}",
	.action = "provider.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = change_fields,
	.args_size = sizeof(struct register_arguments),
	.second_person = true,
	.output = SCHEMA_ID,
	.prepare = change_put_prepare,
	.apply = register_apply,
};

static err_t
deployment_report_prepare(struct passage *p)
{
	const struct register_arguments *a = p->args;
	struct registered change;
	TRY(check_digest(p, a->text[NAME]));
	err_t e = register_get(p, p->view, "change", a->text[NAME], &change);
	if (e && e != E_NOT_FOUND)
		return e;
	struct id *alert = e ? NEW(p, struct id) : NULL;
	if (alert)
		*alert = id_new("alr_");
	pairs_number(&p->outcome, "matched", !e);
	struct id id = id_new("dpl_");
	struct slice name = memory_copy(p, id_slice(&id));
	TRY(register_prepare(p, &(struct register_put){ .kind = "deployment", .id = name, .body = register_body(p, ""), .more = alert }));
	return passage_answer(p, json_pack("{s:o, s:b}", "id", json_slice(name), "matched", !e));
}

static err_t
deployment_report_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct register_arguments *a = p->args;
	const struct id *alert = register_more(p);
	TRY(register_apply(p, tx, time));
	if (!alert)
		return NULL;
	return alert_raise_apply(tx, id_slice(alert), LITERAL("deployment.unmatched"), a->text[NAME], LITERAL("[]"), time);
}

static const struct field deployment_fields[] = {
	{ "digest", PLACE_BODY, FIELD_TEXT, true, TEXT_AT(NAME), 64, "of what was deployed: SHA-256 in hex" },
	{ "where", PLACE_BODY, FIELD_TEXT, true, TEXT_AT(WHERE), 128, "on which system" },
	{ NULL },
};

const struct operation provider_deployment_operation = {
	.name = "provider.deployment.report",
	.says = { "Reports a deployment; one that matches no approved change is an alarm", "デプロイを報告する（承認済みの変更と一致しない場合は警報）" },
	.route = { POST, "/v1/deployments" },
	.cli = "provider deployment report {digest}",
	.action = "provider.report",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = deployment_fields,
	.args_size = sizeof(struct register_arguments),
	.output = SCHEMA_OBJECT,
	.prepare = deployment_report_prepare,
	.apply = deployment_report_apply,
};

static err_t
deployment_list_prepare(struct passage *p)
{
	return register_list(p, "deployment", (struct slice){ NULL, 0 }, "");
}

const struct operation provider_deployment_list_operation = {
	.name = "provider.deployment.list",
	.says = { "Lists the reported deployments", "報告されたデプロイを一覧する" },
	.route = { GET, "/v1/deployments" },
	.cli = "provider deployment ls",
	.action = "provider.read",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.output = SCHEMA_LIST,
	.prepare = deployment_list_prepare,
};
