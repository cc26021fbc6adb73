/* An entry: LEDGER.md, "Entry". */
#include "proof/proof.h"

#include <string.h>

enum { KEY_OUTCOME = 15, KEY_POLICIES = 11, KEYS = 23 };

struct field {
	uint8_t wanted;                 /* 1 + its type, 0 for a key we do not know */
	size_t offset;                  /* in struct proof_entry */
	size_t size;                    /* of bytes, where it is fixed */
};

#define FIELD(type, name, size) { 1 + (type), offsetof(struct proof_entry, name), size }

static const struct field fields[KEYS] = {
	[1] = FIELD(PROOF_BYTES, blind, 16),
	[2] = FIELD(PROOF_UINT, log_seq, 0),
	[3] = FIELD(PROOF_TEXT, log, 0),
	[4] = FIELD(PROOF_UINT, time, 0),
	[5] = FIELD(PROOF_BYTES, passage, 16),
	[6] = FIELD(PROOF_UINT, kind, 0),
	[7] = FIELD(PROOF_TEXT, actor, 0),
	[8] = FIELD(PROOF_TEXT, credential, 0),
	[9] = FIELD(PROOF_TEXT, operation, 0),
	[10] = FIELD(PROOF_UINT, decision, 0),
	[12] = FIELD(PROOF_BYTES, policy_set, 32),
	[13] = FIELD(PROOF_TEXT, resource, 0),
	[14] = FIELD(PROOF_TEXT, purpose, 0),
	[16] = FIELD(PROOF_TEXT, from, 0),
	[17] = FIELD(PROOF_TEXT, on_behalf, 0),
	[20] = FIELD(PROOF_BYTES, detail, 0),
	[21] = FIELD(PROOF_BYTES, commitment, 32),
	[22] = FIELD(PROOF_UINT, generation, 0),
};

static const char *
read_policies(struct proof_cbor *c, struct proof_entry *out)
{
	struct proof_item list = proof_cbor_next(c);
	if (list.type != PROOF_ARRAY)
		return "policies are not an array";
	for (uint64_t i = 0; i < list.number && !c->fault; i++) {
		struct proof_item item = proof_cbor_next(c);
		if (item.type != PROOF_TEXT)
			return "a policy's id is not text";
		if (out->policy_count < PROOF_POLICIES_MAX)
			out->policies[out->policy_count] = item.bytes;
		out->policy_count++;
	}
	return NULL;
}

/* Keys are in order, and integers come before texts: if the first is a text, all are. */
static const char *
read_outcome(struct proof_cbor *c, struct proof_entry *out)
{
	out->outcome = proof_cbor_whole(c, 1);
	struct proof_cbor inside = { out->outcome, NULL };
	if (c->fault || proof_cbor_next(&inside).type != PROOF_MAP)
		return "the outcome is not a map";
	if (inside.rest.size && proof_cbor_next(&inside).type != PROOF_TEXT)
		return "a key of the outcome is not text";
	return NULL;
}

static const char *
read_field(struct proof_cbor *c, const struct field *f, struct proof_entry *out)
{
	struct proof_item item = proof_cbor_next(c);
	if (item.type != (enum proof_type)(f->wanted - 1))
		return "a known key has another type";
	if (f->size && item.bytes.size != f->size)
		return "a known key has another length";
	void *to = (uint8_t *)out + f->offset;
	if (item.type == PROOF_UINT)
		*(uint64_t *)to = item.number;
	else
		*(struct proof_bytes *)to = item.bytes;
	return NULL;
}

static const char *
read_pair(struct proof_cbor *c, uint64_t key, struct proof_entry *out)
{
	if (key == 0) {
		struct proof_item version = proof_cbor_next(c);
		return version.type == PROOF_UINT && version.number == 1 ? NULL : "the format version is not 1";
	}
	if (key == KEY_POLICIES)
		return read_policies(c, out);
	if (key == KEY_OUTCOME)
		return read_outcome(c, out);
	if (key < KEYS && fields[key].wanted)
		return read_field(c, &fields[key], out);
	proof_cbor_whole(c, 1);
	return NULL;
}

static const char *
check_keys(uint64_t seen)
{
	const uint64_t always = 0x5f, detail = UINT64_C(7) << 20;
	if ((seen & always) != always)
		return "one of the keys 0 to 4 and 6 is missing";
	if ((seen & detail) && (seen & detail) != detail)
		return "the keys 20 to 22 are not together";
	return NULL;
}

/* Keys are unsigned integers in their shortest forms: they are in bytewise order if they rise. */
static const char *
read_pairs(struct proof_cbor *c, struct proof_entry *out)
{
	struct proof_item map = proof_cbor_next(c);
	uint64_t seen = 0, last = 0;
	if (map.type != PROOF_MAP)
		return "not a map";
	for (uint64_t i = 0; i < map.number; i++) {
		struct proof_item key = proof_cbor_next(c);
		if (key.type != PROOF_UINT)
			return "a key that is not an unsigned integer";
		if (i && key.number <= last)
			return "keys out of order, or twice";
		last = key.number;
		if (key.number < KEYS)
			seen |= UINT64_C(1) << key.number;
		const char *why = read_pair(c, key.number, out);
		if (why || c->fault)
			return why;
	}
	out->has_decision = seen >> 10 & 1;
	return check_keys(seen);
}

bool
proof_entry_parse(struct proof_bytes bytes, struct proof_entry *out, const char **fault)
{
	struct proof_entry local;
	struct proof_cbor c = { bytes, NULL };
	const char *why = "more than 8,192 bytes";
	memset(&local, 0, offsetof(struct proof_entry, policies));
	if (bytes.size <= PROOF_ENTRY_MAX)
		why = read_pairs(&c, &local);
	if (c.fault)
		why = c.fault;
	else if (!why && c.rest.size)
		why = "bytes behind its end";
	if (why) {
		*fault = why;
		return false;
	}
	size_t kept = local.policy_count < PROOF_POLICIES_MAX ? local.policy_count : PROOF_POLICIES_MAX;
	if (out)
		memcpy(out, &local, offsetof(struct proof_entry, policies) + kept * sizeof *local.policies);
	return true;
}
