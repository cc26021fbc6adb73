#include "proof/manifest.h"
#include "proof/base64.h"

#include <string.h>

enum value { NUMBER, TEXT, HASH, HASHES, PATH, OBJECT, ARRAY, BASE64S, ABSENT };

struct key {
	const char *name;
	enum value value;
	bool optional;
};

enum { KEYS_MAX = 12 };

static bool
fail(struct proof_json *j, const char *fault)
{
	if (!j->fault)
		j->fault = fault;
	return false;
}

static bool
is_base64(struct proof_json *j, uint32_t node, size_t exact)
{
	uint8_t room[3], hash[PROOF_HASH];
	if (j->nodes[node].type != PROOF_JSON_STRING)
		return false;
	struct proof_bytes text = proof_json_text(j, node);
	if (exact)
		return proof_base64_exact(text, hash, exact);
	for (size_t at = 0, made; at < text.size; at += 4) {
		struct proof_bytes four = { text.data + at, text.size - at < 4 ? text.size - at : 4 };
		if (!proof_base64_parse(four, room, &made) || (made < 3 && at + 4 < text.size))
			return false;
	}
	return true;
}

static bool read_object(struct proof_json *, uint32_t node, const struct key *, uint32_t *found);

static const struct key step_keys[] = { { "depth", NUMBER, false }, { "sibling", HASH, false }, { NULL, 0, false } };
static const struct key absent_keys[] = { { "label", HASH, false }, { "head", HASH, false }, { NULL, 0, false } };

static bool
check_items(struct proof_json *j, uint32_t node, enum value value)
{
	uint32_t found[KEYS_MAX];
	if (j->nodes[node].type != PROOF_JSON_ARRAY)
		return fail(j, "a value of another type than LEDGER.md gives it");
	for (uint32_t at = node + 1; at < j->nodes[node].next; at = j->nodes[at].next) {
		if (value == PATH && !read_object(j, at, step_keys, found))
			return false;
		if (value != PATH && !is_base64(j, at, value == HASHES ? PROOF_HASH : 0))
			return fail(j, "an array with something that is not base64 of the right length");
	}
	return true;
}

static bool
check_absent(struct proof_json *j, uint32_t node)
{
	uint32_t found[KEYS_MAX];
	if (j->nodes[node].type == PROOF_JSON_WORD && j->nodes[node].size == 4 && j->text[j->nodes[node].begin] == 'n')
		return true;
	return read_object(j, node, absent_keys, found);
}

static bool
check_type(struct proof_json *j, uint32_t node, enum proof_json_type type)
{
	return j->nodes[node].type == type || fail(j, "a value of another type than LEDGER.md gives it");
}

static bool
check_value(struct proof_json *j, uint32_t node, enum value value)
{
	switch (value) {
	case NUMBER:
		return check_type(j, node, PROOF_JSON_NUMBER);
	case TEXT:
		return check_type(j, node, PROOF_JSON_STRING);
	case HASH:
		return is_base64(j, node, PROOF_HASH) || fail(j, "a value that is not base64 of 32 bytes");
	case OBJECT:
		return check_type(j, node, PROOF_JSON_OBJECT);
	case ARRAY:
		return check_type(j, node, PROOF_JSON_ARRAY);
	case HASHES:
	case PATH:
	case BASE64S:
		return check_items(j, node, value);
	case ABSENT:
		return check_absent(j, node);
	}
	return false;
}

static size_t
find_key(const struct proof_json *j, uint32_t node, const struct key *keys)
{
	size_t i = 0;
	while (keys[i].name && !proof_json_is(j, node, keys[i].name))
		i++;
	return i;
}

/* `found` are the values' nodes in the order of the keys. (The one level of recursion is that of paths and absences.) */
static bool
read_object(struct proof_json *j, uint32_t node, const struct key *keys, uint32_t *found)
{
	memset(found, 0, KEYS_MAX * sizeof *found);
	if (!check_type(j, node, PROOF_JSON_OBJECT))
		return false;
	for (uint32_t at = node + 1; at < j->nodes[node].next; at = j->nodes[at + 1].next) {
		size_t i = find_key(j, at, keys);
		if (!keys[i].name)
			return fail(j, "a key that does not belong");
		if (found[i])
			return fail(j, "a key twice");
		if (!check_value(j, at + 1, keys[i].value))
			return false;
		found[i] = at + 1;
	}
	for (size_t i = 0; keys[i].name; i++)
		if (!keys[i].optional && !found[i])
			return fail(j, "a key is missing");
	return true;
}

static struct proof_hash
hash_at(const struct proof_json *j, uint32_t node)
{
	struct proof_hash out = { { 0 } };
	(void)proof_base64_exact(proof_json_text(j, node), out.bytes, PROOF_HASH);
	return out;
}

static bool
read_map(struct proof_json *j, uint32_t node, struct manifest_map *out)
{
	static const struct key keys[] = {
		{ "covers", NUMBER, false },
		{ "root", HASH, false },
		{ "inclusion", HASHES, false },
		{ NULL, 0, false },
	};
	uint32_t found[KEYS_MAX];
	if (!read_object(j, node, keys, found))
		return false;
	*out = (struct manifest_map){ proof_json_number(j, found[0]), hash_at(j, found[1]), found[2] };
	return true;
}

enum { NAME, LABEL, SIZE, ROOT, STEPS, NOT_THERE, FROM, TO, LEFT, RIGHT, MEMBERS, CONSISTENCY = FROM };

static const struct key log_keys[] = {
	{ "name", TEXT, false }, { "label", HASH, false }, { "size", NUMBER, false }, { "root", HASH, false },
	{ "path", PATH, false }, { "absent", ABSENT, true }, { "from", NUMBER, false }, { "to", NUMBER, false },
	{ "left", HASHES, false }, { "right", HASHES, false }, { "members", ARRAY, false }, { NULL, 0, false },
};

static const struct key previous_log_keys[] = {
	{ "name", TEXT, false }, { "label", HASH, false }, { "size", NUMBER, false }, { "root", HASH, false },
	{ "path", PATH, false }, { "absent", ABSENT, true }, { "consistency", HASHES, false }, { NULL, 0, false },
};

/* Members are numbered from 1 through the whole bundle. */
static bool
check_members(struct proof_json *j, uint32_t members, size_t *count)
{
	for (uint32_t at = members + 1; at < j->nodes[members].next; at = j->nodes[at].next) {
		char name[] = "entries-000000.cbor";
		size_t rest = ++*count;
		for (size_t i = 13; rest && i > 7; i--, rest /= 10)
			name[i] = (char)('0' + rest % 10);
		if (!proof_json_is(j, at, name))
			return fail(j, "members that are not numbered from 1 through the bundle");
	}
	return true;
}

static bool
check_logs(struct manifest *m, uint32_t logs, const struct key *keys, bool previous)
{
	struct proof_json *j = &m->json;
	uint32_t found[KEYS_MAX];
	for (uint32_t at = logs + 1; at < j->nodes[logs].next; at = j->nodes[at].next) {
		if (!read_object(j, at, keys, found))
			return false;
		if (previous)
			continue;
		uint64_t from = proof_json_number(j, found[FROM]), to = proof_json_number(j, found[TO]);
		if (from > to || to > proof_json_number(j, found[SIZE]))
			return fail(j, "a span that is not from <= to <= size");
		if (!check_members(j, found[MEMBERS], &m->member_count))
			return false;
	}
	return true;
}

static bool
read_previous(struct manifest *m, uint32_t node)
{
	static const struct key keys[] = {
		{ "checkpoint", TEXT, false }, { "consistency", HASHES, false }, { "map", OBJECT, false },
		{ "logs", ARRAY, false }, { NULL, 0, false },
	};
	uint32_t found[KEYS_MAX];
	if (!read_object(&m->json, node, keys, found) || !read_map(&m->json, found[2], &m->previous.map))
		return false;
	m->previous.checkpoint = proof_json_text(&m->json, found[0]);
	m->previous.consistency = found[1];
	m->previous.logs = found[3];
	m->has_previous = true;
	return check_logs(m, found[3], previous_log_keys, true);
}

static bool
read_time(struct manifest *m, uint32_t node)
{
	struct proof_json *j = &m->json;
	if (proof_manifest_count(m, node) != 2 || !check_type(j, node + 1, PROOF_JSON_NUMBER) ||
	    !check_type(j, node + 2, PROOF_JSON_NUMBER))
		return fail(j, "a span of time that is not two numbers");
	m->has_time = true;
	m->since = proof_json_number(j, node + 1);
	m->until = proof_json_number(j, node + 2);
	return m->since <= m->until || fail(j, "a span of time that ends before it begins");
}

enum { FORMAT, CHECKPOINT, MAP, LOGS, TIME, PREVIOUS, TIMESTAMPS };

static const struct key top_keys[] = {
	{ "format", TEXT, false }, { "checkpoint", TEXT, false }, { "map", OBJECT, false }, { "logs", ARRAY, false },
	{ "time", ARRAY, true }, { "previous", OBJECT, true }, { "timestamps", BASE64S, true }, { NULL, 0, false },
};

bool
proof_manifest_parse(struct manifest *m)
{
	struct proof_json *j = &m->json;
	uint32_t found[KEYS_MAX];
	m->member_count = 0;
	m->has_time = m->has_previous = false;
	if (!proof_json_parse(j) || !read_object(j, 0, top_keys, found))
		return false;
	if (!proof_json_is(j, found[FORMAT], "sekisho-bundle/1"))
		return fail(j, "another format than sekisho-bundle/1");
	m->checkpoint = proof_json_text(j, found[CHECKPOINT]);
	m->logs = found[LOGS];
	m->timestamps = found[TIMESTAMPS];
	return read_map(j, found[MAP], &m->map) && check_logs(m, m->logs, log_keys, false) &&
	       (!found[TIME] || read_time(m, found[TIME])) && (!found[PREVIOUS] || read_previous(m, found[PREVIOUS]));
}

static void
read_absent(const struct proof_json *j, uint32_t node, struct manifest_log *out)
{
	out->absent = node != PROOF_JSON_NONE;
	out->no_neighbour = out->absent && j->nodes[node].type == PROOF_JSON_WORD;
	if (!out->absent || out->no_neighbour)
		return;
	for (uint32_t at = node + 1; at < j->nodes[node].next; at = j->nodes[at + 1].next)
		*(proof_json_is(j, at, "label") ? &out->other_label : &out->other_head) = hash_at(j, at + 1);
}

void
proof_manifest_log(const struct manifest *m, uint32_t node, struct manifest_log *out)
{
	const struct proof_json *j = &m->json;
	bool previous = m->has_previous && node > m->previous.logs && node < j->nodes[m->previous.logs].next;
	const struct key *keys = previous ? previous_log_keys : log_keys;
	uint32_t found[KEYS_MAX] = { 0 };
	for (uint32_t at = node + 1; at < j->nodes[node].next; at = j->nodes[at + 1].next)
		found[find_key(j, at, keys)] = at + 1;
	*out = (struct manifest_log){
		.name = proof_json_text(j, found[NAME]),
		.label = hash_at(j, found[LABEL]),
		.root = hash_at(j, found[ROOT]),
		.size = proof_json_number(j, found[SIZE]),
		.path = found[STEPS],
	};
	read_absent(j, found[NOT_THERE], out);
	if (previous) {
		out->consistency = found[CONSISTENCY];
		return;
	}
	out->from = proof_json_number(j, found[FROM]);
	out->to = proof_json_number(j, found[TO]);
	out->left = found[LEFT];
	out->right = found[RIGHT];
	out->members = found[MEMBERS];
}

size_t
proof_manifest_count(const struct manifest *m, uint32_t array)
{
	const struct proof_json_node *nodes = m->json.nodes;
	size_t count = 0;
	for (uint32_t at = array + 1; at < nodes[array].next; at = nodes[at].next)
		count++;
	return count;
}

size_t
proof_manifest_hashes(const struct manifest *m, uint32_t array, struct proof_hash *out, size_t max)
{
	const struct proof_json_node *nodes = m->json.nodes;
	size_t count = 0;
	for (uint32_t at = array + 1; at < nodes[array].next; at = nodes[at].next, count++)
		if (count < max)
			out[count] = hash_at(&m->json, at);
	return count;
}

size_t
proof_manifest_path(const struct manifest *m, uint32_t array, struct proof_step *out, size_t max)
{
	const struct proof_json *j = &m->json;
	size_t count = 0;
	for (uint32_t at = array + 1; at < j->nodes[array].next; at = j->nodes[at].next, count++) {
		for (uint32_t key = at + 1; count < max && key < j->nodes[at].next; key = j->nodes[key + 1].next)
			if (proof_json_is(j, key, "depth"))
				out[count].depth = proof_json_number(j, key + 1);
			else
				out[count].sibling = hash_at(j, key + 1);
	}
	return count;
}

struct proof_bytes
proof_manifest_token(const struct manifest *m, uint32_t node)
{
	struct proof_bytes text = proof_json_text(&m->json, node);
	uint8_t *out = m->json.text + m->json.nodes[node].begin;
	size_t size = 0;
	return proof_base64_parse(text, out, &size) ? (struct proof_bytes){ out, size }
	                                            : (struct proof_bytes){ out, 0 };
}
