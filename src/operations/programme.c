/* The security programme (E1): policies, risks, the team, reviews of the infrastructure, declared numbers. Courses: course.c. */
#include "operations/registers.h"

enum { ID, TITLE, OWNER, TEXT, TREATMENT, MEASURES, NOTE };
enum { LIKELIHOOD, IMPACT, REVIEW, VALUE };
enum { FULL_TIME };

enum { RATING_MOST = 5, POLICY_MOST = 128 << 10 };

/* ---- policies: text, approved by another, acknowledged by those they concern ---- */

static err_t
policy_add_prepare(struct passage *p)
{
	const struct register_arguments *a = p->args;
	struct principal *owner;
	TRY(register_person(p, "owner", a->text[OWNER], &owner));
	json_t *body = register_body(p, "id review");
	struct slice approver = name_of_actor(p, p->approver);
	json_object_set_new(body, "approver", json_slice(approver));
	return register_prepare(p, &(struct register_put){ .kind = "policy", .id = a->text[ID], .due = p->now + a->number[REVIEW], .body = body });
}

static const struct field policy_add_fields[] = {
	{ "id", PLACE_PATH, FIELD_NAME, true, TEXT_AT(ID), 0, "its name: access-control, cryptography, …" },
	{ "text", PLACE_BODY, FIELD_TEXT, true, TEXT_AT(TEXT), POLICY_MOST, "Markdown" },
	{ "title", PLACE_BODY, FIELD_TEXT, true, TEXT_AT(TITLE), 128, "for people" },
	{ "owner", PLACE_BODY, FIELD_NAME, true, TEXT_AT(OWNER), 0, "who answers for it" },
	{ "review", PLACE_BODY, FIELD_DURATION, true, NUMBER_AT(REVIEW), 0, "until its next review, as in 365d" },
	{ NULL },
};

const struct operation programme_policy_operation = {
	.name = "programme.policy.put",
	.says = { "Puts a version of a security policy in force, once another has approved it", "セキュリティポリシーの版を、承認のうえで発効させる" },
	.route = { PUT, "/v1/programme/policies/{id}" },
	.cli = "programme policy add {id} {@text}",
	.action = "programme.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = policy_add_fields,
	.args_size = sizeof(struct register_arguments),
	.second_person = true,
	.output = SCHEMA_ID,
	.prepare = policy_add_prepare,
	.apply = register_apply,
};

static err_t
policy_list_prepare(struct passage *p)
{
	return register_list(p, "policy", (struct slice){ NULL, 0 }, "text");
}

const struct operation programme_policy_list_operation = {
	.name = "programme.policy.list",
	.says = { "Lists the security policies", "セキュリティポリシーを一覧する" },
	.route = { GET, "/v1/programme/policies" },
	.cli = "programme policy ls",
	.action = "programme.read",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.output = SCHEMA_LIST,
	.prepare = policy_list_prepare,
};

static const struct field id_fields[] = {
	{ "id", PLACE_PATH, FIELD_NAME, true, TEXT_AT(ID), 0, "which" }, { NULL },
};

static err_t
policy_show_prepare(struct passage *p)
{
	const struct register_arguments *a = p->args;
	struct registered r;
	TRY(register_get(p, p->view, "policy", a->text[ID], &r));
	json_t *j = json_deep_copy(r.body);
	json_object_set_new(j, "id", json_slice(r.id));
	json_object_set_new(j, "version", json_integer(r.version));
	json_object_set_new(j, "since", json_time(r.since));
	json_object_set_new(j, "due", json_time(r.due));
	return passage_answer(p, j);
}

const struct operation programme_policy_show_operation = {
	.name = "programme.policy.show",
	.says = { "Shows a security policy", "セキュリティポリシーを表示する" },
	.route = { GET, "/v1/programme/policies/{id}" },
	.cli = "programme policy show {id}",
	.action = "programme.read",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.fields = id_fields,
	.args_size = sizeof(struct register_arguments),
	.output = SCHEMA_ID,
	.prepare = policy_show_prepare,
};

/* Of the version that holds: another version asks again. */
static err_t
policy_acknowledge_prepare(struct passage *p)
{
	const struct register_arguments *a = p->args;
	struct registered r;
	TRY(register_get(p, p->view, "policy", a->text[ID], &r));
	struct slice of = slice_text(memory_format(p, "%.*s/%lld", SLICE_ARGUMENTS(r.id), (long long)r.version));
	struct slice id = slice_text(memory_format(p, "%.*s/%.*s", SLICE_ARGUMENTS(of), SLICE_ARGUMENTS(p->principal->actor)));
	return register_prepare(p, &(struct register_put){ .kind = "acknowledgement", .id = id, .parent = of, .body = json_object() });
}

const struct operation programme_policy_acknowledge_operation = {
	.name = "programme.policy.acknowledge",
	.says = { "Acknowledges the version of a security policy that is in force", "発効中のセキュリティポリシーを確認したことを記録する" },
	.route = { POST, "/v1/programme/policies/{id}/acknowledge" },
	.cli = "programme policy acknowledge {id}",
	.action = "programme.take",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = id_fields,
	.args_size = sizeof(struct register_arguments),
	.output = SCHEMA_ID,
	.prepare = policy_acknowledge_prepare,
	.apply = register_apply,
};

/* ---- risks ---- */

static fallible
check_measures(struct passage *p, struct slice list)
{
	static const char known[] = " E1 E2 E3 E4 E5 E6 E7 P0 P1 P2 P3 P4 P5 P6 P7 W ";
	SCOPED char *text = memory_text(NULL, list);
	char *rest = text, *word;
	while ((word = strsep(&rest, ","))) {
		SCOPED char *wanted = memory_format(NULL, " %s ", word);
		if (!strstr(known, wanted))
			return passage_fail(p, E_ARGUMENT, "measures: expected ids joined by commas, as in E5,P3, not '%s'", word);
	}
	return NULL;
}

static err_t
risk_put_prepare(struct passage *p)
{
	const struct register_arguments *a = p->args;
	struct principal *owner;
	TRY(register_person(p, "owner", a->text[OWNER], &owner));
	TRY(register_word(p, "treatment", a->text[TREATMENT], "mitigate accept transfer avoid"));
	TRY(check_measures(p, a->text[MEASURES]));
	if (a->number[LIKELIHOOD] < 1 || a->number[IMPACT] < 1)
		return passage_fail(p, E_ARGUMENT, "likelihood, impact: expected 1 to %d", RATING_MOST);
	json_t *body = register_body(p, "id review likelihood impact");
	json_object_set_new(body, "likelihood", json_integer(a->number[LIKELIHOOD]));
	json_object_set_new(body, "impact", json_integer(a->number[IMPACT]));
	json_object_set_new(body, "level", json_integer(a->number[LIKELIHOOD] * a->number[IMPACT]));
	return register_prepare(p, &(struct register_put){ .kind = "risk", .id = a->text[ID], .due = p->now + a->number[REVIEW], .body = body });
}

static const struct field risk_fields[] = {
	{ "id", PLACE_PATH, FIELD_NAME, true, TEXT_AT(ID), 0, "its name" },
	{ "title", PLACE_BODY, FIELD_TEXT, true, TEXT_AT(TITLE), 256, "what may happen" },
	{ "likelihood", PLACE_BODY, FIELD_NUMBER, true, NUMBER_AT(LIKELIHOOD), RATING_MOST, "1 to 5" },
	{ "impact", PLACE_BODY, FIELD_NUMBER, true, NUMBER_AT(IMPACT), RATING_MOST, "1 to 5" },
	{ "treatment", PLACE_BODY, FIELD_NAME, true, TEXT_AT(TREATMENT), 0, "mitigate, accept, transfer or avoid" },
	{ "owner", PLACE_BODY, FIELD_NAME, true, TEXT_AT(OWNER), 0, "who answers for it" },
	{ "measures", PLACE_BODY, FIELD_TEXT, true, TEXT_AT(MEASURES), 128, "that answer it, as in E5,P3" },
	{ "review", PLACE_BODY, FIELD_DURATION, true, NUMBER_AT(REVIEW), 0, "until its next review, as in 90d" },
	{ "note", PLACE_BODY, FIELD_TEXT, false, TEXT_AT(NOTE), 1024, "what was considered" },
	{ NULL },
};

const struct operation programme_risk_operation = {
	.name = "programme.risk.put",
	.says = { "Adds a risk, or reviews it: the version before stays", "リスクを登録または見直す（以前の版は残る）" },
	.route = { PUT, "/v1/programme/risks/{id}" },
	.cli = "programme risk add {id}",
	.action = "programme.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = risk_fields,
	.args_size = sizeof(struct register_arguments),
	.output = SCHEMA_ID,
	.prepare = risk_put_prepare,
	.apply = register_apply,
};

static err_t
risk_list_prepare(struct passage *p)
{
	return register_list(p, "risk", (struct slice){ NULL, 0 }, "");
}

const struct operation programme_risk_list_operation = {
	.name = "programme.risk.list",
	.says = { "Lists the risks", "リスクを一覧する" },
	.route = { GET, "/v1/programme/risks" },
	.cli = "programme risk ls",
	.action = "programme.read",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.output = SCHEMA_LIST,
	.prepare = risk_list_prepare,
};

/* ---- the team ---- */

static err_t
team_put_prepare(struct passage *p)
{
	const struct register_arguments *a = p->args;
	struct principal *who;
	TRY(register_person(p, "id", a->text[ID], &who));
	if (who->kind != KIND_PERSONNEL)
		return passage_fail(p, E_ARGUMENT, "id: the team is made of personnel");
	json_t *body = json_pack("{s:b}", "full_time", a->flag[FULL_TIME]);
	return register_prepare(p, &(struct register_put){ .kind = "team", .id = a->text[ID], .body = body });
}

static const struct field team_fields[] = {
	{ "id", PLACE_PATH, FIELD_NAME, true, TEXT_AT(ID), 0, "who" },
	{ "full_time", PLACE_BODY, FIELD_FLAG, false, FLAG_AT(FULL_TIME), 0, "security is all that they do" },
	{ NULL },
};

const struct operation programme_team_operation = {
	.name = "programme.team.put",
	.says = { "Names a member of the security team", "セキュリティチームの構成員を登録する" },
	.route = { PUT, "/v1/programme/team/{id}" },
	.cli = "programme team add {id}",
	.action = "programme.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = team_fields,
	.args_size = sizeof(struct register_arguments),
	.output = SCHEMA_ID,
	.prepare = team_put_prepare,
	.apply = register_apply,
};

static err_t
team_remove_prepare(struct passage *p)
{
	const struct register_arguments *a = p->args;
	struct registered r;
	TRY(register_get(p, p->view, "team", a->text[ID], &r));
	p->change = p;
	pairs_text(&p->outcome, "subject", a->text[ID]);
	return passage_answer(p, json_pack("{s:o}", "id", json_slice(a->text[ID])));
}

static err_t
team_remove_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct register_arguments *a = p->args;
	return register_end_apply(tx, "team", a->text[ID], time);
}

const struct operation programme_team_remove_operation = {
	.name = "programme.team.remove",
	.says = { "Takes a member out of the security team", "セキュリティチームから外す" },
	.route = { DELETE, "/v1/programme/team/{id}" },
	.cli = "programme team rm {id}",
	.action = "programme.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = id_fields,
	.args_size = sizeof(struct register_arguments),
	.output = SCHEMA_ID,
	.prepare = team_remove_prepare,
	.apply = team_remove_apply,
};

static err_t
team_list_prepare(struct passage *p)
{
	return register_list(p, "team", (struct slice){ NULL, 0 }, "");
}

const struct operation programme_team_list_operation = {
	.name = "programme.team.list",
	.says = { "Lists the security team", "セキュリティチームを一覧する" },
	.route = { GET, "/v1/programme/team" },
	.cli = "programme team ls",
	.action = "programme.read",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.output = SCHEMA_LIST,
	.prepare = team_list_prepare,
};

/* ---- reviews of the security infrastructure, each citing what was reviewed ---- */

static err_t
review_put_prepare(struct passage *p)
{
	const struct register_arguments *a = p->args;
	return register_prepare(p, &(struct register_put){ .kind = "infrastructure-review", .id = a->text[ID], .body = register_body(p, "id") });
}

static const struct field review_fields[] = {
	{ "id", PLACE_PATH, FIELD_NAME, true, TEXT_AT(ID), 0, "its part: firewall, detection-rules, gate-policies, log-sources" },
	{ "reviewed", PLACE_BODY, FIELD_TEXT, true, TEXT_AT(TEXT), 1024, "what was reviewed: a digest, a version, a link" },
	{ "outcome", PLACE_BODY, FIELD_TEXT, true, TEXT_AT(NOTE), 1024, "what was found, and what follows" },
	{ NULL },
};

const struct operation programme_review_operation = {
	.name = "programme.review.put",
	.says = { "Records a review of the security infrastructure", "セキュリティ基盤の見直しを記録する" },
	.route = { PUT, "/v1/programme/reviews/{id}" },
	.cli = "programme review add {id}",
	.action = "programme.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = review_fields,
	.args_size = sizeof(struct register_arguments),
	.output = SCHEMA_ID,
	.prepare = review_put_prepare,
	.apply = register_apply,
};

static err_t
review_list_prepare(struct passage *p)
{
	return register_list(p, "infrastructure-review", (struct slice){ NULL, 0 }, "");
}

const struct operation programme_review_list_operation = {
	.name = "programme.review.list",
	.says = { "Lists the newest review of each part of the security infrastructure", "セキュリティ基盤の見直しを一覧する" },
	.route = { GET, "/v1/programme/reviews" },
	.cli = "programme review ls",
	.action = "programme.read",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.output = SCHEMA_LIST,
	.prepare = review_list_prepare,
};

/* ---- the operator's own numbers, for what the promise calls regular and reasonable ---- */

static err_t
number_put_prepare(struct passage *p)
{
	const struct register_arguments *a = p->args;
	if (a->number[VALUE] < 1)
		return passage_fail(p, E_ARGUMENT, "value: expected at least 1");
	json_t *body = json_pack("{s:I}", "value", (json_int_t)a->number[VALUE]);
	return register_prepare(p, &(struct register_put){ .kind = "number", .id = a->text[ID], .body = body });
}

static const struct field number_fields[] = {
	{ "id", PLACE_PATH, FIELD_NAME, true, TEXT_AT(ID), 0, "security-team, infrastructure-review-days, …" },
	{ "value", PLACE_BODY, FIELD_NUMBER, true, NUMBER_AT(VALUE), 1000000000, "a whole number" },
	{ NULL },
};

const struct operation programme_number_operation = {
	.name = "programme.number.put",
	.says = { "Declares the number that a check measures against, once another has approved it", "検査の基準となる数値を、承認のうえで宣言する" },
	.route = { PUT, "/v1/programme/numbers/{id}" },
	.cli = "programme number {id} {value}",
	.action = "programme.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = number_fields,
	.args_size = sizeof(struct register_arguments),
	.second_person = true,
	.output = SCHEMA_ID,
	.prepare = number_put_prepare,
	.apply = register_apply,
};
