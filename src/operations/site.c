/* Sites where machines stand (E7, P1): what is attested of them, with evidence and an end; badges against approved access. */
#include "operations/lines.h"
#include "operations/registers.h"

#include "record/alert.h"

enum { ID, NAME, PROVIDER, WHERE, DUTY, EVIDENCE, BADGE, PERSON, WHY };
enum { FROM, UNTIL };
enum { EVENTS_MOST = 10000, IMPORT_MOST = 4 << 20 };

/* What E7 asks of each site. */
#define DUTIES "guards areas power cooling generators fire"

static const struct field site_id_fields[] = {
	{ "id", PLACE_PATH, FIELD_NAME, true, TEXT_AT(ID), 0, "which site" }, { NULL },
};

static err_t
site_put_prepare(struct passage *p)
{
	const struct register_arguments *a = p->args;
	struct registered provider;
	if (a->text[PROVIDER].size && register_get(p, p->view, "provider", a->text[PROVIDER], &provider))
		return passage_fail(p, E_ARGUMENT, "provider: %.*s is not registered: sekisho provider add", SLICE_ARGUMENTS(a->text[PROVIDER]));
	return register_prepare(p, &(struct register_put){ .kind = "site", .id = a->text[ID], .parent = a->text[PROVIDER], .body = register_body(p, "id") });
}

static const struct field site_fields[] = {
	{ "id", PLACE_PATH, FIELD_NAME, true, TEXT_AT(ID), 0, "its name" },
	{ "name", PLACE_BODY, FIELD_TEXT, true, TEXT_AT(NAME), 128, "for people" },
	{ "where", PLACE_BODY, FIELD_TEXT, true, TEXT_AT(WHERE), 128, "country or region" },
	{ "provider", PLACE_BODY, FIELD_NAME, false, TEXT_AT(PROVIDER), 0, "who runs it; left out: the vendor itself" },
	{ NULL },
};

const struct operation site_put_operation = {
	.name = "site.put",
	.says = { "Registers a site where machines stand", "機器のある拠点を登録する" },
	.route = { PUT, "/v1/sites/{id}" },
	.cli = "site add {id}",
	.action = "site.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = site_fields,
	.args_size = sizeof(struct register_arguments),
	.output = SCHEMA_ID,
	.prepare = site_put_prepare,
	.apply = register_apply,
};

static err_t
site_attest_prepare(struct passage *p)
{
	const struct register_arguments *a = p->args;
	struct registered site;
	TRY(register_get(p, p->view, "site", a->text[ID], &site));
	TRY(register_word(p, "duty", a->text[DUTY], DUTIES));
	if (a->number[UNTIL] <= a->number[FROM] || a->number[UNTIL] <= p->now)
		return passage_fail(p, E_ARGUMENT, "until: expected a time to come, after `from`");
	struct slice id = slice_text(memory_format(p, "%.*s/%.*s", SLICE_ARGUMENTS(a->text[ID]), SLICE_ARGUMENTS(a->text[DUTY])));
	return register_prepare(p, &(struct register_put){ .kind = "attestation", .id = id, .parent = a->text[ID], .due = a->number[UNTIL],
	                                                   .body = register_body(p, "id") });
}

static const struct field attest_fields[] = {
	{ "id", PLACE_PATH, FIELD_NAME, true, TEXT_AT(ID), 0, "which site" },
	{ "duty", PLACE_BODY, FIELD_NAME, true, TEXT_AT(DUTY), 0, "one of " DUTIES },
	{ "evidence", PLACE_BODY, FIELD_TEXT, true, TEXT_AT(EVIDENCE), 256, "report, certificate, log: its reference or digest" },
	{ "from", PLACE_BODY, FIELD_TIME, true, NUMBER_AT(FROM), 0, "what it covers" },
	{ "until", PLACE_BODY, FIELD_TIME, true, NUMBER_AT(UNTIL), 0, "and until when" },
	{ NULL },
};

const struct operation site_attest_operation = {
	.name = "site.attest",
	.says = { "Records what is attested of a site, with evidence and an end", "拠点についての証明を、証拠と期限とともに記録する" },
	.route = { POST, "/v1/sites/{id}/attestations" },
	.cli = "site attest {id}",
	.action = "site.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = attest_fields,
	.args_size = sizeof(struct register_arguments),
	.output = SCHEMA_ID,
	.prepare = site_attest_prepare,
	.apply = register_apply,
};

static err_t
site_list_prepare(struct passage *p)
{
	return register_list(p, "site", (struct slice){ NULL, 0 }, "");
}

const struct operation site_list_operation = {
	.name = "site.list",
	.says = { "Lists the sites", "拠点を一覧する" },
	.route = { GET, "/v1/sites" },
	.cli = "site ls",
	.action = "site.read",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.output = SCHEMA_LIST,
	.prepare = site_list_prepare,
};

static err_t
site_show_prepare(struct passage *p)
{
	const struct register_arguments *a = p->args;
	struct registered site;
	TRY(register_get(p, p->view, "site", a->text[ID], &site));
	return register_list(p, "attestation", a->text[ID], "");
}

const struct operation site_show_operation = {
	.name = "site.show",
	.says = { "Lists what is attested of a site", "拠点の証明を一覧する" },
	.route = { GET, "/v1/sites/{id}" },
	.cli = "site show {id}",
	.action = "site.read",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.fields = site_id_fields,
	.args_size = sizeof(struct register_arguments),
	.output = SCHEMA_LIST,
	.prepare = site_show_prepare,
};

/* ---- badges: approved access, and the events of a door's reader against it ---- */

static struct slice
badge_id(struct passage *p, struct slice site, struct slice badge)
{
	return slice_text(memory_format(p, "%.*s/%.*s", SLICE_ARGUMENTS(site), SLICE_ARGUMENTS(badge)));
}

static err_t
badge_approve_prepare(struct passage *p)
{
	const struct register_arguments *a = p->args;
	struct registered site;
	TRY(register_get(p, p->view, "site", a->text[ID], &site));
	return register_prepare(p, &(struct register_put){ .kind = "badge", .id = badge_id(p, a->text[ID], a->text[BADGE]), .parent = a->text[ID],
	                                                   .body = register_body(p, "id badge") });
}

static const struct field badge_fields[] = {
	{ "id", PLACE_PATH, FIELD_NAME, true, TEXT_AT(ID), 0, "which site" },
	{ "badge", PLACE_PATH, FIELD_NAME, true, TEXT_AT(BADGE), 0, "its number" },
	{ "person", PLACE_BODY, FIELD_NAME, true, TEXT_AT(PERSON), 0, "whose it is" },
	{ "until", PLACE_BODY, FIELD_TIME, true, NUMBER_AT(UNTIL), 0, "approved until" },
	{ NULL },
};

const struct operation badge_approve_operation = {
	.name = "badge.approve",
	.says = { "Approves a badge for a site, until a time", "拠点への入退室バッジを期限付きで承認する" },
	.route = { PUT, "/v1/sites/{id}/badges/{badge}" },
	.cli = "badge approve {id} {badge}",
	.action = "site.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = badge_fields,
	.args_size = sizeof(struct register_arguments),
	.second_person = true,
	.output = SCHEMA_ID,
	.prepare = badge_approve_prepare,
	.apply = register_apply,
};

struct badge_event {
	struct slice id, site, badge, body;
	struct id alert;
};

struct badge_import {
	size_t events, count;
	struct badge_event unknown[EVENTS_MOST];
};

/* NULL, or the cause. */
static const char *
take_event(struct passage *p, void *argument, const json_t *line)
{
	struct badge_import *b = argument;
	struct registered badge;
	int64_t time = body_time(line, "time");
	struct slice site = memory_copy(p, body_text(line, "site")), number = memory_copy(p, body_text(line, "badge"));
	if (!time)
		return "time: expected a time as in 2026-11-24T10:00:00Z";
	if (!text_is_name(site) || !text_is_name(number))
		return "site, badge: expected 1 to 63 of a-z, 0-9 and -";
	if (++b->events > EVENTS_MOST)
		return "more than 10000 events at once";
	err_t e = register_get(p, p->view, "badge", badge_id(p, site, number), &badge);
	if (e && e != E_NOT_FOUND)
		return e->text[ENGLISH];
	if (!e && time < body_time(badge.body, "until") && time >= badge.since)
		return NULL;
	char *text = json_dumps(line, JSON_COMPACT);
	b->unknown[b->count++] = (struct badge_event){ .id = slice_text(memory_format(p, "%.*s/%.*s/%lld", SLICE_ARGUMENTS(site), SLICE_ARGUMENTS(number),
	                                                                              (long long)time)),
	                                               .site = site, .badge = number, .body = slice_text(memory_text(p, slice_text(text))),
	                                               .alert = id_new("alr_") };
	free(text);
	return NULL;
}

static err_t
badge_import_prepare(struct passage *p)
{
	struct badge_import *b = NEW(p, struct badge_import);
	TRY(lines_take(p, p->body, take_event, b));
	p->change = b;
	p->status = 200;
	pairs_number(&p->outcome, "rows", (int64_t)b->events);
	pairs_number(&p->outcome, "unknown", (int64_t)b->count);
	return passage_answer(p, json_pack("{s:I, s:I}", "events", (json_int_t)b->events, "unknown", (json_int_t)b->count));
}

static err_t
badge_import_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct badge_import *b = p->change;
	for (size_t i = 0; i < b->count; i++) {
		const struct badge_event *u = &b->unknown[i];
		const struct register_change c = { .kind = "badge-unknown", .id = u->id, .parent = u->site, .body = u->body, .changed_by = p->principal->actor,
		                                   .passage = slice_of(p->id, sizeof p->id) };
		TRY(register_put_apply(tx, &c, time));
		TRY(alert_raise_apply(tx, id_slice(&u->alert), LITERAL("badge.unknown"), u->id, LITERAL("[]"), time));
	}
	return NULL;
}

const struct operation badge_import_operation = {
	.name = "badge.import",
	.says = { "Imports events of door readers (NDJSON or CSV); a badge that is not approved is an alert", "入退室イベントを取り込む（未承認のバッジは警報）" },
	.route = { POST, "/v1/badges/import" },
	.cli = "badge import {body}",
	.action = "site.report",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.body_max = IMPORT_MOST,
	.output = SCHEMA_OBJECT,
	.prepare = badge_import_prepare,
	.apply = badge_import_apply,
};

static err_t
badge_settle_prepare(struct passage *p)
{
	const struct register_arguments *a = p->args;
	struct registered r;
	TRY(register_get(p, p->view, "badge-unknown", a->text[ID], &r));
	p->change = p;
	pairs_text(&p->outcome, "subject", a->text[ID]);
	pairs_text(&p->detail, "why", a->text[WHY]);
	return passage_answer(p, json_pack("{s:o}", "id", json_slice(a->text[ID])));
}

static err_t
badge_settle_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct register_arguments *a = p->args;
	return register_end_apply(tx, "badge-unknown", a->text[ID], time);
}

static const struct field settle_fields[] = {
	{ "id", PLACE_BODY, FIELD_TEXT, true, TEXT_AT(ID), 160, "SITE/BADGE/TIME, as badge ls shows it" },
	{ "why", PLACE_BODY, FIELD_TEXT, true, TEXT_AT(WHY), 256, "what it was" },
	{ NULL },
};

const struct operation badge_settle_operation = {
	.name = "badge.settle",
	.says = { "Settles an event of an unknown badge, with what it was", "未承認バッジのイベントを理由とともに解決済みにする" },
	.route = { POST, "/v1/badges/settle" },
	.cli = "badge settle {id}",
	.action = "site.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = settle_fields,
	.args_size = sizeof(struct register_arguments),
	.output = SCHEMA_ID,
	.prepare = badge_settle_prepare,
	.apply = badge_settle_apply,
};

static err_t
badge_list_prepare(struct passage *p)
{
	return register_list(p, "badge-unknown", (struct slice){ NULL, 0 }, "");
}

const struct operation badge_list_operation = {
	.name = "badge.list",
	.says = { "Lists events of unknown badges that are not settled", "未解決の未承認バッジイベントを一覧する" },
	.route = { GET, "/v1/badges" },
	.cli = "badge ls",
	.action = "site.read",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.output = SCHEMA_LIST,
	.prepare = badge_list_prepare,
};
