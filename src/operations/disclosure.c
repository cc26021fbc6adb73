/* The disclosure desk (E3): certificates and reports, on request, under confidentiality, to whoever is no competitor. */
#include "operations/registers.h"

#include "base/clock.h"
#include "record/alert.h"

enum { ID, CLASS, NAME, DOMAINS, OWNERS, NOTE, TEXT };
enum { FROM, UNTIL, SIGNED };
enum { COMPETITOR };
enum { FILE_MOST = 16 << 20, LINK_DAYS = 7 };

#define CLASSES "iso27001 soc2 soc3 other"

/* ---- organisations: who is a competitor, or belongs to one ---- */

static err_t
organisation_put_prepare(struct passage *p)
{
	const struct register_arguments *a = p->args;
	json_t *body = register_body(p, "id competitor");
	json_object_set_new(body, "competitor", json_boolean(a->flag[COMPETITOR]));
	return register_prepare(p, &(struct register_put){ .kind = "organisation", .id = a->text[ID], .body = body });
}

static const struct field organisation_fields[] = {
	{ "id", PLACE_PATH, FIELD_NAME, true, TEXT_AT(ID), 0, "its name; a subscriber's id where it is one" },
	{ "name", PLACE_BODY, FIELD_TEXT, true, TEXT_AT(NAME), 128, "for people" },
	{ "domains", PLACE_BODY, FIELD_TEXT, false, TEXT_AT(DOMAINS), 512, "joined by commas" },
	{ "owners", PLACE_BODY, FIELD_TEXT, false, TEXT_AT(OWNERS), 512, "ids of organisations that own it, joined by commas" },
	{ "competitor", PLACE_BODY, FIELD_FLAG, false, FLAG_AT(COMPETITOR), 0, "of the vendor" },
	{ NULL },
};

const struct operation organisation_put_operation = {
	.name = "organisation.put",
	.says = { "Registers an organisation: its domains, its owners, whether it competes with us", "組織を登録する（ドメイン、所有者、競合か否か）" },
	.route = { PUT, "/v1/organisations/{id}" },
	.cli = "organisation add {id}",
	.action = "disclosure.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = organisation_fields,
	.args_size = sizeof(struct register_arguments),
	.output = SCHEMA_ID,
	.prepare = organisation_put_prepare,
	.apply = register_apply,
};

static err_t
organisation_list_prepare(struct passage *p)
{
	return register_list(p, "organisation", (struct slice){ NULL, 0 }, "");
}

const struct operation organisation_list_operation = {
	.name = "organisation.list",
	.says = { "Lists the organisations", "組織を一覧する" },
	.route = { GET, "/v1/organisations" },
	.cli = "organisation ls",
	.action = "disclosure.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.output = SCHEMA_LIST,
	.prepare = organisation_list_prepare,
};

/* It competes, or one of its owners does, up to some depth: who owns whom may go round in a circle. */
static fallible
is_competitor(struct passage *p, struct slice id, int depth, bool *out)
{
	struct registered r;
	err_t e = register_get(p, p->view, "organisation", id, &r);
	if (e)
		return e == E_NOT_FOUND ? NULL : e;
	*out |= json_is_true(json_object_get(r.body, "competitor"));
	SCOPED char *owners = memory_text(NULL, body_text(r.body, "owners"));
	char *rest = owners, *owner;
	while (!*out && depth > 0 && (owner = strsep(&rest, ",")))
		if (owner[0])
			TRY(is_competitor(p, slice_text(owner), depth - 1, out));
	return NULL;
}

/* ---- confidentiality ---- */

static err_t
confidentiality_put_prepare(struct passage *p)
{
	const struct register_arguments *a = p->args;
	TRY(subscriber_check(p->view, a->text[ID]));
	if (a->number[SIGNED] > p->now)
		return passage_fail(p, E_ARGUMENT, "signed: expected a time that has been");
	return register_prepare(p, &(struct register_put){ .kind = "confidentiality", .id = a->text[ID], .due = a->number[UNTIL], .body = register_body(p, "id") });
}

static const struct field confidentiality_fields[] = {
	{ "id", PLACE_PATH, FIELD_NAME, true, TEXT_AT(ID), 0, "which subscriber" },
	{ "text", PLACE_BODY, FIELD_TEXT, true, TEXT_AT(TEXT), 128 << 10, "the agreement" },
	{ "signed", PLACE_BODY, FIELD_TIME, true, NUMBER_AT(SIGNED), 0, "when" },
	{ "until", PLACE_BODY, FIELD_TIME, false, NUMBER_AT(UNTIL), 0, "when it ends; left out: it does not" },
	{ NULL },
};

const struct operation confidentiality_put_operation = {
	.name = "confidentiality.put",
	.says = { "Puts a subscriber's confidentiality agreement on file", "契約者の秘密保持契約を登録する" },
	.route = { PUT, "/v1/confidentiality/{id}" },
	.cli = "confidentiality add {id} {@text}",
	.action = "disclosure.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = confidentiality_fields,
	.args_size = sizeof(struct register_arguments),
	.output = SCHEMA_ID,
	.prepare = confidentiality_put_prepare,
	.apply = register_apply,
};

/* ---- documents ---- */

struct document {
	uint8_t digest[DIGEST_SIZE];
	struct slice sealed;
};

static err_t
document_add_prepare(struct passage *p)
{
	const struct register_arguments *a = p->args;
	struct document *d = NEW(p, struct document);
	char hex[2 * DIGEST_SIZE + 1];
	TRY(register_word(p, "class", a->text[CLASS], CLASSES));
	if (a->number[UNTIL] <= a->number[FROM])
		return passage_fail(p, E_ARGUMENT, "from, to: expected a period");
	if (!slice_starts(p->body, LITERAL("%PDF-")))
		return passage_fail(p, E_ARGUMENT, "expected a PDF");
	sha256(p->body, d->digest);
	text_hex(slice_of(d->digest, sizeof d->digest), hex);
	TRY(keys_seal_whole(p, p->keys, LITERAL(LOG_VENDOR), USE_NAMES, slice_text(hex), p->body, &d->sealed));
	struct id id = id_new("doc_");
	struct slice name = memory_copy(p, id_slice(&id));
	json_t *body = register_body(p, "");
	json_object_set_new(body, "digest", json_string(hex));
	p->status = 200;
	return register_prepare(p, &(struct register_put){ .kind = "document", .id = name, .parent = a->text[CLASS], .due = a->number[UNTIL], .body = body, .more = d });
}

static err_t
document_add_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct document *d = register_more(p);
	TRY(register_file_put_apply(tx, slice_of(d->digest, sizeof d->digest), (int64_t)p->body.size, d->sealed));
	return register_apply(p, tx, time);
}

static const struct field document_fields[] = {
	{ "class", PLACE_PATH, FIELD_NAME, true, TEXT_AT(CLASS), 0, "one of " CLASSES },
	{ "from", PLACE_QUERY, FIELD_TIME, true, NUMBER_AT(FROM), 0, "the period that it covers" },
	{ "to", PLACE_QUERY, FIELD_TIME, true, NUMBER_AT(UNTIL), 0, "its end, when it expires" },
	{ NULL },
};

const struct operation disclosure_add_operation = {
	.name = "disclosure.add",
	.says = { "Adds a certificate or report (PDF) with the period that it covers", "証明書または報告書（PDF）を対象期間とともに登録する" },
	.route = { POST, "/v1/disclosures/{class}" },
	.cli = "disclosure add {class} {body}",
	.action = "disclosure.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = document_fields,
	.args_size = sizeof(struct register_arguments),
	.body_max = FILE_MOST,
	.output = SCHEMA_ID,
	.prepare = document_add_prepare,
	.apply = document_add_apply,
};

/* ---- request: by a subscriber's user, or the auditor that it named ---- */

/* Screened when it is asked for, when it is approved, and at each download. */
static fallible
screen(struct passage *p, struct slice subscriber)
{
	struct registered agreement;
	bool competitor = false;
	err_t e = register_get(p, p->view, "confidentiality", subscriber, &agreement);
	if (e && e != E_NOT_FOUND)
		return e;
	if (e || (agreement.due && agreement.due <= p->now))
		return passage_fail(p, E_DENIED, "%s", passage_says(p, "there is no confidentiality agreement on file", "秘密保持契約が登録されていません"));
	TRY(is_competitor(p, subscriber, 8, &competitor));
	if (competitor)
		return passage_fail(p, E_DENIED, "%s", passage_says(p, "it is a competitor, or belongs to one", "競合またはその関係会社です"));
	return NULL;
}

struct newest {
	void *owner;
	struct slice id, digest;
	int64_t since;
};

static err_t
keep_newest(void *argument, const struct registered *r)
{
	struct newest *n = argument;
	if (r->since < n->since)
		return NULL;
	n->since = r->since;
	n->id = memory_copy(n->owner, r->id);
	n->digest = memory_copy(n->owner, body_text(r->body, "digest"));
	return NULL;
}

static fallible
find_document(struct passage *p, struct slice class, struct newest *out)
{
	struct newest n = { .owner = p };
	TRY(register_each(p->view, "document", class, keep_newest, &n));
	if (!n.id.size)
		return passage_fail(p, E_NOT_FOUND, "there is no %.*s to disclose", SLICE_ARGUMENTS(class));
	*out = n;
	return NULL;
}

static err_t
disclosure_request_prepare(struct passage *p)
{
	const struct register_arguments *a = p->args;
	struct newest document;
	TRY(register_word(p, "class", a->text[CLASS], CLASSES));
	TRY(screen(p, p->principal->organisation));
	TRY(find_document(p, a->text[CLASS], &document));
	struct id id = id_new("dis_");
	struct slice name = memory_copy(p, id_slice(&id));
	char asked[TIME_TEXT];
	text_time(p->now, asked);
	p->log = p->principal->organisation;
	json_t *body = json_pack("{s:o, s:o, s:o, s:s, s:s}", "class", json_slice(a->text[CLASS]), "subscriber", json_slice(p->principal->organisation), "person",
	                         json_slice(p->principal->id), "state", "pending", "asked", asked);
	TRY(register_prepare(p, &(struct register_put){ .kind = "disclosure", .id = name, .due = p->now + DAYS(LINK_DAYS), .body = body }));
	p->status = E_PENDING->http;
	return passage_answer(p, json_pack("{s:o, s:s}", "id", json_slice(name), "state", "pending"));
}

static const struct field request_fields[] = {
	{ "class", PLACE_BODY, FIELD_NAME, true, TEXT_AT(CLASS), 0, "one of " CLASSES }, { NULL },
};

const struct operation disclosure_request_operation = {
	.name = "disclosure.request",
	.says = { "Asks for a certificate or report", "証明書または報告書の開示を求める" },
	.route = { POST, "/v1/disclosures" },
	.cli = "disclosure request {class}",
	.action = "disclosure.request",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = request_fields,
	.args_size = sizeof(struct register_arguments),
	.output = SCHEMA_ID,
	.prepare = disclosure_request_prepare,
	.apply = register_apply,
};

static fallible
decide(struct passage *p, const char *state, int64_t due)
{
	const struct register_arguments *a = p->args;
	struct registered r;
	TRY(register_get(p, p->view, "disclosure", a->text[ID], &r));
	if (!slice_is(body_text(r.body, "state"), "pending"))
		return passage_fail(p, E_STATE, "it has been decided already");
	if (strcmp(state, "approved") == 0)
		TRY(screen(p, body_text(r.body, "subscriber")));
	json_t *body = json_deep_copy(r.body);
	json_object_set_new(body, "state", json_string(state));
	json_object_set_new(body, "decided_by", json_slice(p->principal->id));
	if (a->text[NOTE].size)
		json_object_set_new(body, "why", json_slice(a->text[NOTE]));
	p->log = memory_copy(p, body_text(r.body, "subscriber"));
	TRY(register_prepare(p, &(struct register_put){ .kind = "disclosure", .id = r.id, .due = due, .body = body }));
	return passage_answer(p, json_pack("{s:o, s:s}", "id", json_slice(r.id), "state", state));
}

static err_t
disclosure_approve_prepare(struct passage *p)
{
	return decide(p, "approved", p->now + DAYS(LINK_DAYS));
}

static const struct field approve_fields[] = {
	{ "id", PLACE_PATH, FIELD_TEXT, true, TEXT_AT(ID), 32, "dis_…" }, { NULL },
};

const struct operation disclosure_approve_operation = {
	.name = "disclosure.approve",
	.says = { "Approves a disclosure: it may be fetched for seven days", "開示を承認する（7日間取得できる）" },
	.route = { POST, "/v1/disclosures/{id}/approve" },
	.cli = "disclosure approve {id}",
	.action = "disclosure.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = approve_fields,
	.args_size = sizeof(struct register_arguments),
	.output = SCHEMA_ID,
	.prepare = disclosure_approve_prepare,
	.apply = register_apply,
};

static err_t
disclosure_deny_prepare(struct passage *p)
{
	return decide(p, "denied", 0);
}

static const struct field deny_fields[] = {
	{ "id", PLACE_PATH, FIELD_TEXT, true, TEXT_AT(ID), 32, "dis_…" },
	{ "why", PLACE_BODY, FIELD_TEXT, true, TEXT_AT(NOTE), 512, "the ground: a refusal without one is a duty broken" },
	{ NULL },
};

const struct operation disclosure_deny_operation = {
	.name = "disclosure.deny",
	.says = { "Refuses a disclosure, with the ground", "開示を理由とともに拒否する" },
	.route = { POST, "/v1/disclosures/{id}/deny" },
	.cli = "disclosure deny {id}",
	.action = "disclosure.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = deny_fields,
	.args_size = sizeof(struct register_arguments),
	.output = SCHEMA_ID,
	.prepare = disclosure_deny_prepare,
	.apply = register_apply,
};

/* ---- fetch: screened again, each an entry in the subscriber's log ---- */

static err_t
disclosure_fetch_prepare(struct passage *p)
{
	const struct register_arguments *a = p->args;
	struct registered r;
	struct newest document;
	struct slice sealed;
	uint8_t digest[DIGEST_SIZE];
	size_t size = 0;
	TRY(register_get(p, p->view, "disclosure", a->text[ID], &r));
	struct slice subscriber = memory_copy(p, body_text(r.body, "subscriber")), class = memory_copy(p, body_text(r.body, "class"));
	if (!slice_equal(subscriber, p->principal->organisation))
		return E_NOT_FOUND;
	p->log = subscriber;
	if (!slice_is(body_text(r.body, "state"), "approved"))
		return passage_fail(p, E_DENIED, "%s", passage_says(p, "it has not been approved", "承認されていません"));
	if (r.due <= p->now)
		return passage_fail(p, E_DENIED, "%s", passage_says(p, "the time for fetching it has ended: ask again", "取得期限が過ぎています。再度申請してください"));
	TRY(screen(p, subscriber));
	TRY(find_document(p, class, &document));
	TRY(text_hex_parse(document.digest, digest, sizeof digest, &size));
	TRY(register_file_get(p, p->view, slice_of(digest, size), &sealed));
	TRY(keys_unseal_whole(p, p->keys, LITERAL(LOG_VENDOR), USE_NAMES, document.digest, sealed, &p->bytes));
	p->bytes_media = LITERAL("application/pdf");
	pairs_text(&p->outcome, "subject", a->text[ID]);
	pairs_text(&p->outcome, "digest", document.digest);
	pairs_number(&p->outcome, "bytes", (int64_t)p->bytes.size);
	return NULL;
}

const struct operation disclosure_fetch_operation = {
	.name = "disclosure.fetch",
	.says = { "Gives the document of an approved disclosure", "承認された開示文書を取得する" },
	.route = { GET, "/v1/disclosures/{id}" },
	.action = "disclosure.request",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.fields = approve_fields,
	.args_size = sizeof(struct register_arguments),
	.prepare = disclosure_fetch_prepare,
};

static err_t
disclosure_list_prepare(struct passage *p)
{
	return register_list(p, "disclosure", (struct slice){ NULL, 0 }, "");
}

const struct operation disclosure_list_operation = {
	.name = "disclosure.list",
	.says = { "Lists requests for disclosure", "開示の申請を一覧する" },
	.route = { GET, "/v1/disclosures" },
	.cli = "disclosure ls",
	.action = "disclosure.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.output = SCHEMA_LIST,
	.prepare = disclosure_list_prepare,
};
