/* The board over all duties, its history, and the paths to service data (assure/assure.h). */
#include "operations/help.h"
#include "operations/operations.h"

#include "assure/assure.h"
#include "assure/register.h"
#include "assure/report.h"

struct measure_arguments {
	struct slice id, why, lang;
	int64_t from, to;
};

/* What checks may look at, as this passage sees it. */
static fallible
look_of(struct passage *p, struct look *out)
{
	const struct gate_options *o = gate_options(gate_of(p->worker));
	uint8_t digest[DIGEST_SIZE];
	struct look l = { .owner = p, .dir = o->dir, .view = p->view, .keys = p->keys, .ledger = o->ledger, .reader = gate_reader(p->worker),
	                  .record = o->record, .now = p->now };
	err_t e = policy_text(p, p->view, p->now, &l.policies, digest);
	if (e && e != E_NOT_FOUND)
		return e;
	*out = l;
	return NULL;
}

static err_t
measure_list_prepare(struct passage *p)
{
	struct look l;
	TRY(look_of(p, &l));
	return passage_answer(p, json_list(assure_board(&l, NULL, p->language), NULL));
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
	struct look l;
	TRY(look_of(p, &l));
	json_t *board = assure_board(&l, (const char *)a->id.data, p->language);
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

/* ---- history ---- */

static err_t
add_past(void *argument, const struct check_past *c)
{
	json_t *evidence = json_loadb((const char *)c->evidence.data, c->evidence.size, 0, NULL);
	json_array_append_new(argument, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "id", json_slice(c->id), "state", json_slice(c->state), "value",
	                                          json_slice(c->value), "since", json_time(c->since), "until", json_time(c->until), "evidence",
	                                          evidence ? evidence : json_array()));
	return NULL;
}

static err_t
measure_history_prepare(struct passage *p)
{
	const struct measure_arguments *a = p->args;
	json_t *items = json_array();
	err_t e = check_is_known(a->id) ? check_each_past(p->view, a->id, a->from, a->to ? a->to : INT64_MAX, add_past, items)
	                                : passage_fail(p, E_NOT_FOUND, "no check is called %.*s: sekisho measure show GROUP lists them", SLICE_ARGUMENTS(a->id));
	passage_answer(p, json_list(items, NULL));
	return e;
}

static const struct field measure_history_fields[] = {
	{ "id", PLACE_PATH, FIELD_TEXT, true, ARGUMENT(measure_arguments, id), 64, "a check, as in E1.5.trained" },
	{ "from", PLACE_QUERY, FIELD_TIME, false, ARGUMENT(measure_arguments, from), 0, "states that held after it" },
	{ "to", PLACE_QUERY, FIELD_TIME, false, ARGUMENT(measure_arguments, to), 0, "and began before it" },
	{ NULL },
};

const struct operation measure_history_operation = {
	.name = "measure.history",
	.says = { "Shows what a check found over time, with the entries that say so", "検査項目の履歴を示す" },
	.route = { GET, "/v1/checks/{id}/history" },
	.cli = "measure history {id}",
	.action = "measure.read",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.fields = measure_history_fields,
	.args_size = sizeof(struct measure_arguments),
	.output = SCHEMA_LIST,
	.prepare = measure_history_prepare,
};

/* ---- reports ---- */

static fallible
check_span(struct passage *p, const struct measure_arguments *a)
{
	return a->from < a->to ? NULL : passage_fail(p, E_ARGUMENT, "from, to: expected a time and a later one");
}

static err_t
measure_report_prepare(struct passage *p)
{
	const struct measure_arguments *a = p->args;
	struct look l;
	char *text;
	TRY(check_span(p, a));
	if (a->lang.size && !slice_is(a->lang, "en") && !slice_is(a->lang, "ja"))
		return passage_fail(p, E_ARGUMENT, "lang: expected en or ja");
	TRY(look_of(p, &l));
	TRY(assure_report_html(&l, a->from, a->to, a->lang.size ? slice_is(a->lang, "ja") ? JAPANESE : ENGLISH : p->language, &text));
	p->bytes = slice_text(text);
	p->bytes_media = LITERAL("text/html; charset=utf-8");
	return NULL;
}

static const struct field measure_report_fields[] = {
	{ "from", PLACE_QUERY, FIELD_TIME, true, ARGUMENT(measure_arguments, from), 0, "the plot begins" },
	{ "to", PLACE_QUERY, FIELD_TIME, true, ARGUMENT(measure_arguments, to), 0, "and ends" },
	{ "lang", PLACE_QUERY, FIELD_NAME, false, ARGUMENT(measure_arguments, lang), 0, "en or ja" },
	{ NULL },
};

const struct operation measure_report_operation = {
	.name = "measure.report",
	.says = { "Gives one HTML page of the board, with a plot of each check over time", "対策の報告を HTML で出力する（検査項目の推移図付き）" },
	.route = { GET, "/v1/measures/report" },
	.action = "measure.read",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.fields = measure_report_fields,
	.args_size = sizeof(struct measure_arguments),
	.prepare = measure_report_prepare,
};

static err_t
measure_results_prepare(struct passage *p)
{
	const struct measure_arguments *a = p->args;
	struct look l;
	TRY(check_span(p, a));
	TRY(look_of(p, &l));
	return passage_answer(p, assure_report_oscal(&l, a->from, a->to));
}

static const struct field measure_results_fields[] = {
	{ "from", PLACE_QUERY, FIELD_TIME, true, ARGUMENT(measure_arguments, from), 0, "since when" },
	{ "to", PLACE_QUERY, FIELD_TIME, true, ARGUMENT(measure_arguments, to), 0, "and until when" },
	{ NULL },
};

const struct operation measure_results_operation = {
	.name = "measure.results",
	.says = { "Gives what the checks found as OSCAL assessment results", "検査結果を OSCAL assessment results で出力する" },
	.route = { GET, "/v1/measures/results" },
	.action = "measure.read",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.fields = measure_results_fields,
	.args_size = sizeof(struct measure_arguments),
	.output = SCHEMA_OBJECT,
	.prepare = measure_results_prepare,
};

/* ---- switching a check off: it is unknown then, and stays in the history ---- */

static fallible
switch_prepare(struct passage *p)
{
	const struct measure_arguments *a = p->args;
	if (!check_is_known(a->id))
		return passage_fail(p, E_NOT_FOUND, "no check is called %.*s", SLICE_ARGUMENTS(a->id));
	p->change = p;
	pairs_text(&p->outcome, "subject", a->id);
	if (a->why.size)
		pairs_text(&p->detail, "why", a->why);
	return NULL;
}

static err_t
measure_off_prepare(struct passage *p)
{
	const struct measure_arguments *a = p->args;
	TRY(switch_prepare(p));
	return passage_answer(p, json_pack("{s:o, s:s}", "id", json_slice(a->id), "state", "off"));
}

static err_t
measure_off_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct measure_arguments *a = p->args;
	return check_switch_apply(tx, a->id, true, a->why, time);
}

static const struct field measure_off_fields[] = {
	{ "id", PLACE_PATH, FIELD_TEXT, true, ARGUMENT(measure_arguments, id), 64, "a check, as in E1.5.trained" },
	{ "why", PLACE_BODY, FIELD_TEXT, true, ARGUMENT(measure_arguments, why), 256, "the reason" },
	{ NULL },
};

const struct operation measure_off_operation = {
	.name = "measure.off",
	.says = { "Switches a check off: it is unknown until it is switched on", "検査項目を停止する（状態は不明になる）" },
	.route = { POST, "/v1/checks/{id}/off" },
	.cli = "measure off {id}",
	.action = "measure.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = measure_off_fields,
	.args_size = sizeof(struct measure_arguments),
	.second_person = true,
	.output = SCHEMA_ID,
	.prepare = measure_off_prepare,
	.apply = measure_off_apply,
};

static err_t
measure_on_prepare(struct passage *p)
{
	const struct measure_arguments *a = p->args;
	TRY(switch_prepare(p));
	return passage_answer(p, json_pack("{s:o, s:s}", "id", json_slice(a->id), "state", "on"));
}

static err_t
measure_on_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct measure_arguments *a = p->args;
	return check_switch_apply(tx, a->id, false, a->why, time);
}

static const struct field measure_on_fields[] = {
	{ "id", PLACE_PATH, FIELD_TEXT, true, ARGUMENT(measure_arguments, id), 64, "a check, as in E1.5.trained" }, { NULL },
};

const struct operation measure_on_operation = {
	.name = "measure.on",
	.says = { "Switches a check on again", "検査項目を再開する" },
	.route = { POST, "/v1/checks/{id}/on" },
	.cli = "measure on {id}",
	.action = "measure.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = measure_on_fields,
	.args_size = sizeof(struct measure_arguments),
	.output = SCHEMA_ID,
	.prepare = measure_on_prepare,
	.apply = measure_on_apply,
};

/* ---- the catalogue ---- */

static err_t
catalogue_show_prepare(struct passage *p)
{
	return passage_answer(p, assure_catalogue());
}

const struct operation catalogue_show_operation = {
	.name = "catalogue.show",
	.says = { "Gives the catalogue of measures as OSCAL 1.2.1", "対策のカタログを OSCAL 1.2.1 で出力する" },
	.route = { GET, "/v1/catalogue" },
	.cli = "measure catalogue",
	.action = "measure.read",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.output = SCHEMA_OBJECT,
	.prepare = catalogue_show_prepare,
};

/* ---- what falls due ---- */

struct due_list {
	json_t *items;
	int64_t now;
};

static err_t
add_due(void *argument, const struct registered *r)
{
	struct due_list *l = argument;
	json_array_append_new(l->items, json_pack("{s:o, s:o, s:o, s:b}", "due", json_time(r->due), "kind", json_slice(r->kind), "id", json_slice(r->id),
	                                          "overdue", r->due <= l->now));
	return NULL;
}

static err_t
due_list_prepare(struct passage *p)
{
	struct due_list l = { json_array(), p->now };
	err_t e = register_each_due(p->view, add_due, &l);
	passage_answer(p, json_list(l.items, NULL));
	return e;
}

const struct operation due_list_operation = {
	.name = "due.list",
	.says = { "Lists all that falls due: reviews, training, certificates, findings, the earliest first", "期限のあるものを早い順に一覧する" },
	.route = { GET, "/v1/due" },
	.cli = "due ls",
	.action = "measure.read",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.output = SCHEMA_LIST,
	.prepare = due_list_prepare,
};

/* ---- coverage ---- */

json_t *
coverage_now(void)
{
	return assure_coverage();
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
