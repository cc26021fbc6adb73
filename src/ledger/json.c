/* An entry as CONTRACT.md shows it. */
#include "ledger/ledger.h"

#include "base/memory.h"
#include "base/text.h"

static void
put_text(json_t *to, const char *key, struct proof_bytes text)
{
	if (text.data)
		json_object_set_new(to, key, json_stringn((const char *)text.data, text.size));
}

static void
put_hex(json_t *to, const char *key, struct proof_bytes bytes)
{
	char text[2 * DIGEST_SIZE + 1];
	if (!bytes.data || bytes.size > DIGEST_SIZE)
		return;
	text_hex(slice_of(bytes.data, bytes.size), text);
	json_object_set_new(to, key, json_string(text));
}

static json_t *value_of(struct proof_cbor *);

static json_t *
items_of(struct proof_cbor *c, struct proof_item head)
{
	bool map = head.type == PROOF_MAP;
	json_t *to = map ? json_object() : json_array();
	for (uint64_t i = 0; i < head.number && !c->fault; i++) {
		struct proof_item key = map ? proof_cbor_next(c) : (struct proof_item){ 0 };
		json_t *value = value_of(c);
		if (!map)
			json_array_append_new(to, value);
		else if (key.type == PROOF_TEXT)
			json_object_setn_new(to, (const char *)key.bytes.data, key.bytes.size, value);
		else
			json_decref(value);
	}
	return to;
}

/* The depth is capped: the bytes were checked to have at most eight levels. */
static json_t *
value_of(struct proof_cbor *c)
{
	struct proof_item item = proof_cbor_next(c);
	char hex[2 * 64 + 1];
	switch (item.type) {
	case PROOF_UINT:
		return json_integer((json_int_t)item.number);
	case PROOF_NEGATIVE:
		return json_integer(-1 - (json_int_t)item.number);
	case PROOF_TEXT:
		return json_stringn((const char *)item.bytes.data, item.bytes.size);
	case PROOF_BYTES:
		text_hex(slice_of(item.bytes.data, item.bytes.size < 64 ? item.bytes.size : 64), hex);
		return json_string(hex);
	case PROOF_ARRAY:
	case PROOF_MAP:
		return items_of(c, item);
	case PROOF_SIMPLE:
		break;
	}
	return item.number == 22 ? json_null() : json_boolean(item.number == 21);
}

static json_t *
map_json(struct proof_bytes bytes)
{
	struct proof_cbor c = { bytes, NULL };
	return value_of(&c);
}

/* Opens the detail and checks its commitment; NULL where the key is gone or the bytes are not its own. */
static json_t *
detail_json(struct keys *keys, const struct proof_entry *e)
{
	uint8_t ledger_key[KEY_SIZE], detail_key[DIGEST_SIZE], commitment[DIGEST_SIZE], plain[PROOF_ENTRY_MAX];
	struct slice sealed = slice_of(e->detail.data, e->detail.size);
	if (!e->detail.data || sealed.size < SEAL_TAG ||
	    keys_get(keys, slice_of(e->log.data, e->log.size), USE_LEDGER, (uint32_t)e->generation, ledger_key, NULL))
		return NULL;
	hmac_sha256(ledger_key, slice_of(e->blind.data, e->blind.size), detail_key);
	err_t fault = aead_open(detail_key, (struct slice){ NULL, 0 }, sealed, plain);
	struct slice text = slice_of(plain, sealed.size - SEAL_TAG);
	hmac_sha256(detail_key, text, commitment);
	memory_wipe(ledger_key, sizeof ledger_key);
	memory_wipe(detail_key, sizeof detail_key);
	if (fault || memcmp(commitment, e->commitment.data, sizeof commitment) != 0)
		return NULL;
	struct proof_cbor check = { { text.data, text.size }, NULL };
	proof_cbor_whole(&check, 0);
	return check.fault || check.rest.size ? NULL : map_json((struct proof_bytes){ text.data, text.size });
}

json_t *
entry_json(struct keys *keys, uint64_t seq, const struct proof_entry *e)
{
	static const char *const kinds[] = { "whole", "opening", "closing", "change", "system" };
	char time[TIME_TEXT];
	json_t *to = json_object(), *policies = json_array();
	text_time((int64_t)e->time, time);
	json_object_set_new(to, "seq", json_integer((json_int_t)seq));
	put_text(to, "log", e->log);
	json_object_set_new(to, "log_seq", json_integer((json_int_t)e->log_seq));
	json_object_set_new(to, "time", json_string(time));
	put_hex(to, "passage", e->passage);
	json_object_set_new(to, "kind", json_string(e->kind < 5 ? kinds[e->kind] : "unknown"));
	put_text(to, "actor", e->actor);
	put_text(to, "credential", e->credential);
	put_text(to, "operation", e->operation);
	if (e->has_decision)
		json_object_set_new(to, "decision", json_string(e->decision == 1 ? "allow" : "deny"));
	for (size_t i = 0; i < e->policy_count && i < PROOF_POLICIES_MAX; i++)
		json_array_append_new(policies, json_stringn((const char *)e->policies[i].data, e->policies[i].size));
	json_object_set_new(to, "policies", policies);
	put_hex(to, "policy_set", e->policy_set);
	if (e->log.size && !slice_is(slice_of(e->log.data, e->log.size), LOG_VENDOR) &&
	    !slice_is(slice_of(e->log.data, e->log.size), LOG_EVERYONE))
		put_text(to, "subscriber", e->log);
	put_text(to, "resource", e->resource);
	put_text(to, "on_behalf", e->on_behalf);
	put_text(to, "purpose", e->purpose);
	json_object_set_new(to, "outcome", e->outcome.data ? map_json(e->outcome) : json_object());
	json_t *detail = keys ? detail_json(keys, e) : NULL;
	json_t *from = detail ? json_object_get(detail, "from") : NULL;
	if (from)
		json_object_set(to, "from", from);
	if (detail)
		json_object_set_new(to, "detail", detail);
	return to;
}
