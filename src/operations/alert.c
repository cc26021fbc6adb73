/* Alerts that any room has raised: record/alert.h. */
#include "operations/help.h"
#include "operations/operations.h"

#include "record/alert.h"

struct alert_arguments {
	struct slice id, why;
};

static json_t *
alert_json(const struct alert *a)
{
	json_t *evidence = json_loadb((const char *)a->evidence.data, a->evidence.size, 0, NULL);
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "id", json_slice(a->id), "rule", json_slice(a->rule), "state",
	                 json_slice(a->state), "subject", json_slice(a->subject), "since", json_time(a->since), "evidence",
	                 evidence ? evidence : json_array());
}

static err_t
add_alert(void *argument, const struct alert *a)
{
	json_array_append_new(argument, alert_json(a));
	return NULL;
}

static err_t
alert_list_prepare(struct passage *p)
{
	json_t *items = json_array();
	err_t e = alert_each(p->view, add_alert, items);
	passage_answer(p, json_list(items, NULL));
	return e;
}

const struct operation alert_list_operation = {
	.name = "alert.list",
	.says = { "Lists alerts, newest first", "警報を新しい順に一覧する" },
	.route = { GET, "/v1/alerts" },
	.cli = "alert ls",
	.action = "alert.list",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.operators = true,
	.output = SCHEMA_LIST,
	.prepare = alert_list_prepare,
};

struct alert_change {
	struct alert alert;
	const char *state;
};

static err_t
change_prepare(struct passage *p, const char *state)
{
	const struct alert_arguments *a = p->args;
	struct alert_change *c = NEW(p, struct alert_change);
	TRY(alert_get(p, p->view, a->id, &c->alert));
	c->state = state;
	p->change = c;
	pairs_text(&p->outcome, "alert", c->alert.id);
	pairs_text(&p->outcome, "rule", c->alert.rule);
	if (a->why.size)
		pairs_text(&p->detail, "why", a->why);
	return passage_answer(p, json_pack("{s:o, s:s}", "id", json_slice(c->alert.id), "state", state));
}

static err_t
change_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct alert_change *c = p->change;
	(void)time;
	return alert_state_apply(tx, c->alert.id, c->state);
}

static err_t
alert_acknowledge_prepare(struct passage *p)
{
	return change_prepare(p, "acknowledged");
}

/* A step of the clock is believed once somebody has seen it (DESIGN §3). */
static void
alert_acknowledge_answer(struct passage *p)
{
	const struct alert_change *c = p->change;
	if (slice_is(c->alert.rule, "clock.step"))
		clock_believe_step();
}

static err_t
alert_close_prepare(struct passage *p)
{
	return change_prepare(p, "closed");
}

static const struct field alert_fields[] = {
	{ "id", PLACE_PATH, FIELD_TEXT, true, ARGUMENT(alert_arguments, id), 32, "alr_…" },
	{ "why", PLACE_BODY, FIELD_TEXT, false, ARGUMENT(alert_arguments, why), 256, "the reason" },
	{ NULL },
};

const struct operation alert_acknowledge_operation = {
	.name = "alert.acknowledge",
	.says = { "Acknowledges an alert; a step of the clock is believed by it", "警報を確認する（時計の飛びはこれで受け入れる）" },
	.route = { POST, "/v1/alerts/{id}/acknowledge" },
	.cli = "alert acknowledge {id}",
	.action = "alert.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.operators = true,
	.fields = alert_fields,
	.args_size = sizeof(struct alert_arguments),
	.output = SCHEMA_ID,
	.prepare = alert_acknowledge_prepare,
	.apply = change_apply,
	.answer = alert_acknowledge_answer,
};

const struct operation alert_close_operation = {
	.name = "alert.close",
	.says = { "Closes an alert", "警報を終了する" },
	.route = { POST, "/v1/alerts/{id}/close" },
	.cli = "alert close {id}",
	.action = "alert.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.operators = true,
	.fields = alert_fields,
	.args_size = sizeof(struct alert_arguments),
	.output = SCHEMA_ID,
	.prepare = alert_close_prepare,
	.apply = change_apply,
};
