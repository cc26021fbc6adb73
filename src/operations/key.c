/* Keys: rotation of a subscriber's and of the root, while running. */
#include "operations/help.h"
#include "operations/operations.h"

#include "vault/vault.h"

enum { REWRAPS = 500 };

struct key_arguments {
	struct slice subscriber;
};

static const struct field key_fields[] = {
	{ "subscriber", PLACE_PATH, FIELD_NAME, true, ARGUMENT(key_arguments, subscriber), 0, "whose key" }, { NULL },
};

/* The new generation is durable in the keyring before the first commit that uses it. */
static err_t
key_rotate_prepare(struct passage *p)
{
	uint32_t data, ledger;
	TRY(subscriber_check(p->view, p->subscriber));
	TRY(keys_rotate(p->keys, p->subscriber, USE_DATA, &data));
	TRY(keys_rotate(p->keys, p->subscriber, USE_LEDGER, &ledger));
	pairs_number(&p->outcome, "generation", data);
	pairs_number(&p->outcome, "ledger_generation", ledger);
	return passage_answer(p, json_pack("{s:o, s:I, s:I}", "id", json_slice(p->subscriber), "generation", (json_int_t)data,
	                                   "ledger_generation", (json_int_t)ledger));
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
	.output = SCHEMA_ID,
	.prepare = key_rotate_prepare,
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
	return keys_rotate_root(p->keys);
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
};
