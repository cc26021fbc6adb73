/* Subscribers and applications. */
#include "operations/help.h"
#include "operations/operations.h"

#include "ledger/public.h"

enum { APPLICATION_DAYS = 90 };

struct organisation_arguments {
	struct slice id, name, contact;
};

static fallible
subscriber_json(struct passage *p, const struct subscriber *s, json_t **out)
{
	struct slice sealed = { NULL, 0 };
	err_t e = keys_unseal_whole(p, p->keys, s->id, USE_NAMES, s->id, s->sealed, &sealed);
	if (e && e != E_SHREDDED)
		return e;
	size_t end = 0;
	while (end < sealed.size && sealed.data[end] != '\n')
		end++;
	*out = json_pack("{s:o, s:o, s:o, s:s, s:o}", "id", json_slice(s->id), "name",
	                 e ? json_null() : json_slice(slice_of(sealed.data, end)), "contact",
	                 e ? json_null() : json_slice(slice_from(sealed, end + 1)), "state", s->shredded ? "shredded" : "active",
	                 "since", json_time(s->created));
	return NULL;
}

struct list {
	struct passage *passage;
	json_t *items;
};

static err_t
add_subscriber(void *argument, const struct subscriber *s)
{
	struct list *l = argument;
	json_t *j;
	TRY(subscriber_json(l->passage, s, &j));
	json_array_append_new(l->items, j);
	return NULL;
}

static err_t
subscriber_list_prepare(struct passage *p)
{
	struct list l = { p, json_array() };
	err_t e = subscriber_each(p->view, p->now, add_subscriber, &l);
	passage_answer(p, json_list(l.items, NULL));
	return e;
}

const struct operation subscriber_list_operation = {
	.name = "subscriber.list",
	.says = { "Lists the subscribers", "契約者を一覧する" },
	.route = { GET, "/v1/subscribers" },
	.cli = "subscriber ls",
	.action = "subscriber.list",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.output = SCHEMA_LIST,
	.prepare = subscriber_list_prepare,
};

static bool
is_of(const struct principal *p, struct slice subscriber)
{
	return p && (p->kind == KIND_USER || p->kind == KIND_AUDITOR) && slice_equal(p->organisation, subscriber);
}

static err_t
subscriber_show_prepare(struct passage *p)
{
	struct subscriber s;
	json_t *j;
	TRY(subscriber_get(p, p->view, p->subscriber, p->now, &s));
	TRY(subscriber_json(p, &s, &j));
	if (is_of(p->principal, s.id)) {        /* told to whom it names, and to nobody else (LEDGER.md) */
		struct proof_hash label = ledger_label(gate_options(gate_of(p->worker))->ledger, s.id);
		char base64[64];
		text_base64(slice_of(label.bytes, sizeof label.bytes), base64);
		json_object_set_new(j, "label", json_string(base64));
	}
	return passage_answer(p, j);
}

static const struct field subscriber_fields[] = {
	{ "subscriber", PLACE_PATH, FIELD_NAME, true, ARGUMENT(organisation_arguments, id), 0, "which" }, { NULL },
};

const struct operation subscriber_show_operation = {
	.name = "subscriber.show",
	.says = { "Shows a subscriber", "契約者を表示する" },
	.route = { GET, "/v1/subscribers/{subscriber}" },
	.cli = "subscriber show {subscriber}",
	.action = "subscriber.show",
	.resource = RESOURCE_SUBSCRIBER,
	.effect = EFFECT_READ,
	.fields = subscriber_fields,
	.args_size = sizeof(struct organisation_arguments),
	.output = SCHEMA_ID,
	.prepare = subscriber_show_prepare,
};

static err_t
subscriber_add_prepare(struct passage *p)
{
	const struct organisation_arguments *a = p->args;
	struct slice *sealed = NEW(p, struct slice);
	if (slice_is(a->id, LOG_VENDOR) || slice_is(a->id, LOG_EVERYONE))
		return passage_fail(p, E_ARGUMENT, "id: 'vendor' and 'everyone' are logs of our own");
	if (!subscriber_check(p->view, a->id))
		return E_EXISTS;
	SCOPED char *text = memory_format(NULL, "%.*s\n%.*s", SLICE_ARGUMENTS(a->name), SLICE_ARGUMENTS(a->contact));
	if (memchr(a->name.data, '\n', a->name.size))
		return passage_fail(p, E_ARGUMENT, "name: expected one line");
	TRY(keys_seal_whole(p, p->keys, a->id, USE_NAMES, a->id, slice_text(text), sealed));
	uint8_t key[KEY_SIZE];
	TRY(keys_make(p->keys, a->id, USE_DATA, key, NULL));    /* durable in the keyring before the commit that uses it */
	memory_wipe(key, sizeof key);
	p->change = sealed;
	p->log = a->id;
	return passage_answer(p, json_pack("{s:o}", "id", json_slice(a->id)));
}

static err_t
subscriber_add_apply_one(struct passage *p, struct store *tx, int64_t time)
{
	const struct organisation_arguments *a = p->args;
	return subscriber_add_apply(tx, a->id, *(struct slice *)p->change, time);
}

static const struct field subscriber_add_fields[] = {
	{ "id", PLACE_BODY, FIELD_NAME, true, ARGUMENT(organisation_arguments, id), 0, "in names and paths; never reused" },
	{ "name", PLACE_BODY, FIELD_TEXT, true, ARGUMENT(organisation_arguments, name), 128, "of the organisation" },
	{ "contact", PLACE_BODY, FIELD_TEXT, false, ARGUMENT(organisation_arguments, contact), 256, "where notices go" },
	{ NULL },
};

const struct operation subscriber_add_operation = {
	.name = "subscriber.add",
	.says = { "Adds a subscriber with a key of its own", "契約者を固有の鍵とともに追加する" },
	.route = { POST, "/v1/subscribers" },
	.cli = "subscriber add {id}",
	.action = "subscriber.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = subscriber_add_fields,
	.args_size = sizeof(struct organisation_arguments),
	.output = SCHEMA_ID,
	.prepare = subscriber_add_prepare,
	.apply = subscriber_add_apply_one,
};

/* ---- shred: the entry is committed, then the keys are destroyed ---- */

static err_t
subscriber_shred_prepare(struct passage *p)
{
	struct subscriber s;
	TRY(subscriber_get(p, p->view, p->subscriber, p->now, &s));
	if (s.shredded)
		return passage_fail(p, E_STATE, "its keys have been destroyed already");
	p->change = p;
	return passage_answer(p, json_pack("{s:o, s:s}", "id", json_slice(s.id), "state", "shredded"));
}

static err_t
subscriber_shred_apply(struct passage *p, struct store *tx, int64_t time)
{
	return fact_set_apply(tx, p->subscriber, "state", LITERAL("shredded"), time);
}

const struct operation subscriber_shred_operation = {
	.name = "subscriber.shred",
	.says = { "Destroys all keys of a subscriber: its data and names become unreadable for ever", "契約者のすべての鍵を破棄する（復元不能）" },
	.route = { POST, "/v1/subscribers/{subscriber}/shred" },
	.cli = "subscriber shred {subscriber}",
	.action = "subscriber.shred",
	.resource = RESOURCE_SUBSCRIBER,
	.effect = EFFECT_CHANGE,
	.fields = subscriber_fields,
	.args_size = sizeof(struct organisation_arguments),
	.second_person = true,
	.changes_epoch = true,
	.output = SCHEMA_ID,
	.prepare = subscriber_shred_prepare,
	.apply = subscriber_shred_apply,
	/* The keys themselves are destroyed by serve, which finishes every shred that is recorded (serve/shred.c). */
};

/* ---- applications ---- */

struct application {
	struct new_principal principal;
	struct id actor, credential;
	uint8_t digest[DIGEST_SIZE];
	int64_t expires;
};

static err_t
application_add_prepare(struct passage *p)
{
	const struct organisation_arguments *a = p->args;
	struct application *n = NEW(p, struct application);
	struct principal *there;
	char token[TOKEN_TEXT];
	if (!principal_find(p, p->view, a->id, p->now, &there))
		return passage_fail(p, E_EXISTS, "ids are never reused: %.*s", SLICE_ARGUMENTS(a->id));
	n->actor = id_new("app_");
	n->credential = id_new("crd_");
	n->principal = (struct new_principal){ .actor = id_slice(&n->actor), .id = a->id, .kind = KIND_APPLICATION,
	                                       .role = LITERAL("application") };
	TRY(keys_seal_whole(p, p->keys, LITERAL(LOG_VENDOR), USE_NAMES, n->principal.actor, a->id, &n->principal.name));
	token_new(token);
	token_digest(slice_text(token), n->digest);
	n->expires = p->now + DAYS(APPLICATION_DAYS);
	p->change = n;
	p->log = LITERAL(LOG_EVERYONE);
	pairs_text(&p->outcome, "subject", n->principal.actor);
	pairs_text(&p->outcome, "credential", id_slice(&n->credential));
	json_t *j = json_pack("{s:o, s:o, s:s, s:o}", "id", json_slice(a->id), "actor", json_slice(n->principal.actor), "token",
	                      token, "expires", json_time(n->expires));
	memory_wipe(token, sizeof token);
	return passage_answer(p, j);
}

static err_t
application_add_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct application *n = p->change;
	TRY(principal_add_apply(tx, &n->principal, time));
	return credential_add_apply(tx, id_slice(&n->credential), n->principal.actor, "token", n->digest, LITERAL(""), time, n->expires);
}

static const struct field application_add_fields[] = {
	{ "id", PLACE_BODY, FIELD_NAME, true, ARGUMENT(organisation_arguments, id), 0, "its name; never reused" }, { NULL },
};

const struct operation application_add_operation = {
	.name = "application.add",
	.says = { "Adds an application and gives its token, once", "アプリケーションを追加し、トークンを一度だけ表示する" },
	.route = { POST, "/v1/applications" },
	.cli = "app add {id}",
	.action = "people.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = application_add_fields,
	.args_size = sizeof(struct organisation_arguments),
	.secret = true,
	.changes_epoch = true,
	.output = SCHEMA_ID,
	.prepare = application_add_prepare,
	.apply = application_add_apply,
};
