/* Keys: rotation of a subscriber's and of the root, while running. */
#include "operations/help.h"
#include "operations/operations.h"
#include "operations/operations_sql.h"

#include "base/log.h"
#include "vault/vault.h"

enum { REWRAPS = 500 };

struct key_arguments {
	struct slice subscriber;
};

static const struct field key_fields[] = {
	{ "subscriber", PLACE_PATH, FIELD_NAME, true, ARGUMENT(key_arguments, subscriber), 0, "whose key" }, { NULL },
};

struct rotation {
	uint32_t data, ledger;          /* the generations to come */
};

static fallible
next_generation(struct passage *p, enum key_use use, uint32_t *out)
{
	uint8_t key[KEY_SIZE];
	TRY(keys_make(p->keys, p->subscriber, use, key, out));
	memory_wipe(key, sizeof key);
	++*out;
	return NULL;
}

/* What will be is recorded first, and done once that is durable: here, or at the next change or start (serve). */
static err_t
key_rotate_prepare(struct passage *p)
{
	struct rotation *r = NEW(p, struct rotation);
	TRY(subscriber_check(p->view, p->subscriber));
	TRY(next_generation(p, USE_DATA, &r->data));
	TRY(next_generation(p, USE_LEDGER, &r->ledger));
	p->change = r;
	pairs_number(&p->outcome, "generation", r->data);
	pairs_number(&p->outcome, "ledger_generation", r->ledger);
	return passage_answer(p, json_pack("{s:o, s:I, s:I}", "id", json_slice(p->subscriber), "generation", (json_int_t)r->data,
	                                   "ledger_generation", (json_int_t)r->ledger));
}

static fallible
want_generation(struct passage *p, struct store *tx, enum key_use use, uint32_t generation)
{
	TRY(store_run(tx, QUERY_GENERATION_WANT, BIND(as_text(p->subscriber), as_number(use), as_number(generation))));
	return store_changes(tx) ? NULL : E_CONFLICT;
}

static err_t
key_rotate_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct rotation *r = p->change;
	(void)time;
	TRY(want_generation(p, tx, USE_DATA, r->data));
	return want_generation(p, tx, USE_LEDGER, r->ledger);
}

static void
key_rotate_answer(struct passage *p)
{
	const struct rotation *r = p->change;
	err_t e = keys_rotate(p->keys, p->subscriber, USE_DATA, r->data);
	if (!e)
		e = keys_rotate(p->keys, p->subscriber, USE_LEDGER, r->ledger);
	if (e)
		log_event(LOG_ERROR, "key.rotation.unfinished", "code", e->name, "then", "it is tried again at the next change or start", NULL);
}

const struct operation key_rotate_operation = {
	.name = "key.rotate",
	.says = { "Opens a new generation of a subscriber's keys; key rewrap brings what is there under it", "契約者の鍵の新しい世代を開く" },
	.route = { POST, "/v1/subscribers/{subscriber}/keys/rotate" },
	.cli = "key rotate {subscriber}",
	.action = "key.rotate",
	.resource = RESOURCE_SUBSCRIBER,
	.effect = EFFECT_CHANGE,
	.fields = key_fields,
	.args_size = sizeof(struct key_arguments),
	.secret = true,
	.changes_epoch = true,
	.output = SCHEMA_ID,
	.prepare = key_rotate_prepare,
	.apply = key_rotate_apply,
	.answer = key_rotate_answer,
};

static err_t
key_rewrap_prepare(struct passage *p)
{
	struct rewrap *w = NEW(p, struct rewrap);
	TRY(vault_rewrap_prepare(p, p->view, p->keys, p->subscriber, REWRAPS, w));
	p->change = w->count ? w : NULL;
	pairs_number(&p->outcome, "rows", (int64_t)w->count);
	pairs_number(&p->outcome, "generation", w->newest);
	return passage_answer(p, json_pack("{s:o, s:I, s:I, s:b}", "id", json_slice(p->subscriber), "generation",
	                                   (json_int_t)w->newest, "rewrapped", (json_int_t)w->count, "more", w->count == REWRAPS));
}

static err_t
key_rewrap_apply(struct passage *p, struct store *tx, int64_t time)
{
	(void)time;
	return vault_rewrap_apply(tx, p->subscriber, p->change);
}

const struct operation key_rewrap_operation = {
	.name = "key.rewrap",
	.says = { "Brings up to 500 objects under the newest generation; again while there is more", "最大500件を最新世代の鍵に移す" },
	.route = { POST, "/v1/subscribers/{subscriber}/keys/rewrap" },
	.cli = "key rewrap {subscriber}",
	.action = "key.rotate",
	.resource = RESOURCE_SUBSCRIBER,
	.effect = EFFECT_CHANGE,
	.fields = key_fields,
	.args_size = sizeof(struct key_arguments),
	.secret = true,
	.output = SCHEMA_ID,
	.prepare = key_rewrap_prepare,
	.apply = key_rewrap_apply,
};

static err_t
key_rotate_root_prepare(struct passage *p)
{
	(void)p;
	return NULL;
}

/* Recorded by now. A rotation that fails leaves the old root in force. */
static void
key_rotate_root_answer(struct passage *p)
{
	err_t e = keys_rotate_root(p->keys);
	if (!e)
		return;
	p->error = passage_fail(p, e, "the root key is the old one, as before");
	p->status = e->http;
}

const struct operation key_rotate_root_operation = {
	.name = "key.rotate_root",
	.says = { "Makes a new root key and wraps every key in the keyring anew", "ルート鍵を更新し、すべての鍵を包み直す" },
	.route = { POST, "/v1/keys/rotate" },
	.cli = "key rotate-root",
	.action = "key.rotate",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.secret = true,
	.prepare = key_rotate_root_prepare,
	.answer = key_rotate_root_answer,
};
