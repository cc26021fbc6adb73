/* Deterministic CBOR (RFC 8949 §4.2.1): shortest forms, definite lengths, keys in bytewise order, no tags, no floats. */
#include "proof/cbor.h"
#include "proof/utf8.h"

#include <string.h>

static struct proof_item
fail(struct proof_cbor *c, const char *fault)
{
	if (!c->fault)
		c->fault = fault;
	c->rest = (struct proof_bytes){ NULL, 0 };
	return (struct proof_item){ .type = PROOF_SIMPLE, .number = 22 };
}

static struct proof_bytes
take(struct proof_cbor *c, uint64_t size)
{
	if (size > c->rest.size) {
		fail(c, "the bytes end too early");
		return (struct proof_bytes){ NULL, 0 };
	}
	struct proof_bytes out = { c->rest.data, (size_t)size };
	c->rest.data += size;
	c->rest.size -= (size_t)size;
	return out;
}

static uint64_t
take_number(struct proof_cbor *c, uint8_t info)
{
	static const uint64_t least[] = { 24, 0x100, 0x10000, UINT64_C(0x100000000) };
	if (info < 24)
		return info;
	if (info > 27) {
		fail(c, "an indefinite or reserved length");
		return 0;
	}
	struct proof_bytes bytes = take(c, UINT64_C(1) << (info - 24));
	uint64_t value = 0;
	for (size_t i = 0; i < bytes.size; i++)
		value = value << 8 | bytes.data[i];
	if (value < least[info - 24])
		fail(c, "a number is not in its shortest form");
	return value;
}

/* Into single values: an item that is copied whole right after its parts were written stalls the processor, which
 * was half the time of a bundle. */
static inline bool
read_head(struct proof_cbor *c, enum proof_type *type, uint64_t *number)
{
	struct proof_bytes head = take(c, 1);
	if (c->fault)
		return false;
	uint8_t major = head.data[0] >> 5, info = head.data[0] & 31;
	*type = (enum proof_type)major;
	*number = info;
	if (major < 6)
		*number = take_number(c, info);
	else if (major == 6)
		fail(c, "a tag");
	else if (info < 20 || info > 22)
		fail(c, "a float or an unknown simple value");
	return !c->fault;
}

struct proof_item
proof_cbor_head(struct proof_cbor *c)
{
	enum proof_type type;
	uint64_t number;
	if (!read_head(c, &type, &number))
		return fail(c, c->fault);
	return (struct proof_item){ .type = type, .number = number };
}

struct proof_item
proof_cbor_next(struct proof_cbor *c)
{
	enum proof_type type;
	uint64_t number;
	struct proof_bytes bytes = { NULL, 0 };
	if (!read_head(c, &type, &number))
		return fail(c, c->fault);
	if (type == PROOF_BYTES || type == PROOF_TEXT)
		bytes = take(c, number);
	if (type == PROOF_TEXT && !c->fault && !proof_utf8_check(bytes))
		fail(c, "text that is not UTF-8");
	if (c->fault)
		return fail(c, c->fault);
	return (struct proof_item){ .type = type, .number = number, .bytes = bytes };
}

static int
compare(struct proof_bytes a, struct proof_bytes b)
{
	int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);
	return order ? order : (a.size > b.size) - (a.size < b.size);
}

/* What is still to read of the arrays and maps around the place where we are. */
struct level {
	uint64_t items;
	bool map;
	struct proof_bytes key;         /* the last one */
};

/* In a map the items at even places from its end are keys. */
static bool
check_key(struct proof_cbor *c, struct level *l, enum proof_type type, struct proof_bytes key)
{
	if (type != PROOF_UINT && type != PROOF_NEGATIVE && type != PROOF_TEXT)
		fail(c, "a key that is neither integer nor text");
	else if (l->key.data && compare(l->key, key) >= 0)
		fail(c, "keys out of order, or twice");
	l->key = key;
	return !c->fault;
}

struct proof_bytes
proof_cbor_whole(struct proof_cbor *c, unsigned depth)
{
	struct level levels[PROOF_DEPTH_MAX + 1] = { { .items = 1 } };
	const uint8_t *begin = c->rest.data;
	size_t at = 0;
	for (;;) {
		while (levels[at].items == 0) {
			if (at-- == 0)
				return (struct proof_bytes){ begin, (size_t)(c->rest.data - begin) };
		}
		struct level *l = &levels[at];
		const uint8_t *here = c->rest.data;
		bool is_key = l->map && l->items % 2 == 0;
		struct proof_item item = proof_cbor_next(c);
		if (c->fault)
			break;
		l->items--;
		if (is_key && !check_key(c, l, item.type, (struct proof_bytes){ here, (size_t)(c->rest.data - here) }))
			break;
		if (item.type != PROOF_ARRAY && item.type != PROOF_MAP)
			continue;
		if (at + depth >= PROOF_DEPTH_MAX || item.number > c->rest.size) {
			fail(c, item.number > c->rest.size ? "the bytes end too early" : "more than 8 levels");
			break;
		}
		bool map = item.type == PROOF_MAP;
		levels[++at] = (struct level){ .items = map ? 2 * item.number : item.number, .map = map };
	}
	return (struct proof_bytes){ NULL, 0 };
}
