/* The vectors of LEDGER.md against every part of src/proof. */
#include "cli/bundle_inside.h"
#include "proof/base64.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <string.h>

#include <cmocka.h>

static json_t *vectors;
static struct bundle_native native;
static const struct proof_functions *f = &native.functions;
static char folder[4000];

static json_t *
get(json_t *from, const char *key)
{
	json_t *found = json_object_get(from, key);
	assert_non_null(found);
	return found;
}

static const char *
text(json_t *from, const char *key)
{
	const char *found = json_string_value(get(from, key));
	assert_non_null(found);
	return found;
}

/* Lives until the program's end. */
static struct proof_bytes
hex(const char *s)
{
	static uint8_t room[1 << 20];
	static size_t used;
	size_t size = strlen(s) / 2;
	uint8_t *data = room + used;
	used += size;
	assert_true(used <= sizeof room);
	for (size_t i = 0; i < size; i++) {
		unsigned byte;
		assert_int_equal(sscanf(s + 2 * i, "%2x", &byte), 1);
		data[i] = (uint8_t)byte;
	}
	return (struct proof_bytes){ data, size };
}

static struct proof_bytes
bytes(const char *s)
{
	return (struct proof_bytes){ (const uint8_t *)s, strlen(s) };
}

static struct proof_hash
hash64(const char *s)
{
	struct proof_hash out;
	assert_true(proof_base64_exact(bytes(s), out.bytes, PROOF_HASH));
	return out;
}

static void
assert_same(struct proof_hash a, struct proof_hash b)
{
	assert_memory_equal(a.bytes, b.bytes, PROOF_HASH);
}

static void
test_entries(void **state)
{
	(void)state;
	size_t i;
	json_t *v;
	json_array_foreach(get(vectors, "entries"), i, v) {
		struct proof_bytes cbor = hex(text(v, "cbor"));
		struct proof_hash hash;
		const char *why = NULL;
		assert_true(proof_entry_parse(cbor, NULL, &why));
		f->sha256(f->context, &cbor, 1, hash.bytes);
		assert_memory_equal(hash.bytes, hex(text(v, "hash")).data, PROOF_HASH);
		for (size_t cut = 0; cut < cbor.size; cut++)
			assert_false(proof_entry_parse((struct proof_bytes){ cbor.data, cut }, NULL, &why));
	}
	json_array_foreach(get(vectors, "entry_checks"), i, v) {
		const char *why = NULL;
		if (proof_entry_parse(hex(text(v, "cbor")), NULL, &why) != json_is_true(get(v, "good")))
			fail_msg("%s: %s", text(v, "what"), why ? why : "taken");
	}
}

static void
test_opening(void **state)
{
	(void)state;
	json_t *d = get(vectors, "detail");
	struct proof_entry e;
	struct proof_bytes plain, key = hex(text(d, "detail_key"));
	const char *why;
	uint8_t room[PROOF_ENTRY_MAX], derived[PROOF_HASH];
	assert_true(proof_entry_parse(hex(text(json_array_get(get(vectors, "entries"), 0), "cbor")), &e, &why));
	f->hmac(NULL, hex(text(d, "ledger_key")).data, e.blind, derived);
	assert_memory_equal(derived, key.data, 32);
	assert_true(proof_opening_check(f, &e, key, room, &plain, &why));
	assert_int_equal(plain.size, strlen(text(d, "plaintext")) / 2);
	assert_memory_equal(plain.data, hex(text(d, "plaintext")).data, plain.size);
	derived[3] ^= 1;
	assert_false(proof_opening_check(f, &e, (struct proof_bytes){ derived, 32 }, room, &plain, &why));
	assert_false(proof_opening_check(f, &e, (struct proof_bytes){ key.data, 31 }, room, &plain, &why));
}

static struct proof_hash
node(const char *name, size_t size)
{
	char copy[32];
	snprintf(copy, sizeof copy, "%.*s", (int)size, name);
	return hash64(text(get(get(vectors, "trees"), "nodes"), copy));
}

/* "a b: x-y x-y …" */
static size_t
read_line(const char *line, uint64_t *a, uint64_t *b, struct proof_hash *out)
{
	size_t count = 0;
	char *at;
	*a = strtoull(line, &at, 10);
	*b = strtoull(at, &at, 10);
	for (at += 2; *at; count++) {
		size_t size = strcspn(at, " ");
		out[count] = node(at, size);
		at += size + (at[size] == ' ');
	}
	return count;
}

static struct proof_hash
root_of(uint64_t size)
{
	char name[32];
	snprintf(name, sizeof name, "0-%llu", (unsigned long long)size);
	return node(name, strlen(name));
}

static struct proof_hash
leaf_of(uint64_t index)
{
	return proof_leaf_hash(f, hex(json_string_value(json_array_get(get(get(vectors, "trees"), "leaves"), index))));
}

static void
test_roots(void **state)
{
	(void)state;
	struct proof_range r = { 0 };
	for (uint64_t i = 0; i <= 9; i++) {
		assert_same(proof_range_root(f, &r), root_of(i));
		struct proof_hash leaf = leaf_of(i % 9);
		proof_range_append(f, &r, &leaf);
	}
}

static void
test_inclusion(void **state)
{
	(void)state;
	struct proof_hash path[70];
	uint64_t index, size;
	size_t i;
	json_t *v;
	json_array_foreach(get(get(vectors, "trees"), "inclusion"), i, v) {
		size_t count = read_line(json_string_value(v), &index, &size, path);
		struct proof_hash leaf = leaf_of(index), root = root_of(size);
		assert_true(proof_inclusion_check(f, &leaf, index, size, path, count, &root));
		assert_false(proof_inclusion_check(f, &leaf, index, size, path, count + 1, &root));
		assert_false(proof_inclusion_check(f, &leaf, size, size, path, count, &root));
		assert_false(count && proof_inclusion_check(f, &leaf, index, size, path, count - 1, &root));
		for (uint64_t other = 0; other < size; other++)
			assert_int_equal(proof_inclusion_check(f, &leaf, other, size, path, count, &root), other == index);
	}
}

static void
test_consistency(void **state)
{
	(void)state;
	struct proof_hash path[70];
	uint64_t old, new;
	size_t i;
	json_t *v;
	json_array_foreach(get(get(vectors, "trees"), "consistency"), i, v) {
		size_t count = read_line(json_string_value(v), &old, &new, path);
		struct proof_hash before = root_of(old), now = root_of(new), other = root_of(old == 3 ? 4 : 3);
		assert_true(proof_consistency_check(f, old, &before, new, &now, path, count));
		assert_false(proof_consistency_check(f, old, &other, new, &now, path, count));
		assert_false(proof_consistency_check(f, old, &before, new, &now, path, count + 1));
		assert_false(count && proof_consistency_check(f, old, &before, new, &now, path, count - 1));
		assert_false(old != new && proof_consistency_check(f, new, &now, old, &before, path, count));
	}
}

/* Every [a, b) within 9 leaves, completed by the vectors' hashes where they have them, else by ranges of our own. */
static void
test_compact(void **state)
{
	(void)state;
	struct proof_hash hashes[70];
	uint64_t x, y;
	size_t i;
	json_t *v;
	json_array_foreach(get(get(vectors, "trees"), "compact"), i, v) {
		size_t count = read_line(json_string_value(v), &x, &y, hashes), used = 0;
		assert_int_equal(proof_range_count(x, y), count);
		struct proof_range r = { 0 };
		for (uint64_t leaf = 0; leaf < x; leaf++) {
			struct proof_hash hash = leaf_of(leaf);
			proof_range_append(f, &r, &hash);
		}
		while (r.size < y) {
			unsigned height = proof_range_height(r.size, y);
			proof_range_join(f, &r, height, &hashes[used++]);
		}
		assert_int_equal(used, count);
		assert_same(proof_range_root(f, &r), root_of(y));
	}
}

static size_t
read_path(json_t *from, struct proof_step *out)
{
	size_t i;
	json_t *v;
	json_array_foreach(from, i, v) {
		out[i].depth = (uint64_t)json_integer_value(json_array_get(v, 0));
		out[i].sibling = hash64(json_string_value(json_array_get(v, 1)));
	}
	return json_array_size(from);
}

static json_t *
log_named(const char *name)
{
	size_t i;
	json_t *v;
	json_array_foreach(get(get(vectors, "map"), "logs"), i, v) {
		if (strcmp(text(v, "name"), name) == 0)
			return v;
	}
	fail();
	return NULL;
}

static struct proof_hash
head_of(json_t *log)
{
	struct proof_hash root = hash64(text(log, "root"));
	return proof_head_hash(f, (uint64_t)json_integer_value(get(log, "size")), &root);
}

static void
test_map(void **state)
{
	(void)state;
	struct proof_step path[PROOF_PATH_MAX];
	size_t i, k;
	json_t *map, *name;
	json_array_foreach(get(get(vectors, "map"), "maps"), i, map) {
		struct proof_hash root = hash64(text(map, "root"));
		json_array_foreach(get(map, "logs"), k, name) {
			json_t *log = log_named(json_string_value(name));
			struct proof_hash label = hash64(text(log, "label")), head = head_of(log), other = label;
			size_t count = read_path(json_array_get(get(map, "paths"), k), path);
			assert_same(head, hash64(text(log, "head")));
			assert_true(proof_present_check(f, &label, &head, path, count, &root));
			assert_false(proof_absent_check(f, &label, &label, &head, path, count, &root));
			other.bytes[31] ^= 1;
			assert_false(proof_present_check(f, &other, &head, path, count, &root));
			assert_true(proof_absent_check(f, &other, &label, &head, path, count, &root));
			if (count > 1) {
				path[0].depth = path[1].depth;
				assert_false(proof_present_check(f, &label, &head, path, count, &root));
			}
		}
	}
}

static void
test_absence(void **state)
{
	(void)state;
	struct proof_step path[PROOF_PATH_MAX];
	json_t *absent = get(get(vectors, "map"), "absent"), *maps = get(get(vectors, "map"), "maps");
	struct proof_hash label = hash64(text(absent, "label")), other = hash64(text(get(absent, "leaf"), "label"));
	struct proof_hash head = hash64(text(get(absent, "leaf"), "head"));
	struct proof_hash root = hash64(text(json_array_get(maps, json_array_size(maps) - 1), "root"));
	struct proof_hash nothing = hash64(text(json_array_get(maps, 0), "root"));
	size_t count = read_path(get(absent, "path"), path);
	assert_true(proof_absent_check(f, &label, &other, &head, path, count, &root));
	assert_false(proof_present_check(f, &label, &head, path, count, &root));
	assert_false(proof_absent_check(f, &label, NULL, NULL, path, 0, &root));
	assert_true(proof_absent_check(f, &label, NULL, NULL, path, 0, &nothing));
	label.bytes[0] ^= 0x80;
	assert_false(proof_absent_check(f, &label, &other, &head, path, count, &root));
}

static void
test_notes(void **state)
{
	(void)state;
	json_t *c = get(vectors, "checkpoint");
	struct proof_vkey key, witness;
	struct proof_note note;
	struct proof_checkpoint point;
	const char *why;
	uint64_t time = 0;
	assert_true(proof_vkey_parse(f, bytes(text(c, "vkey")), &key));
	assert_true(proof_vkey_parse(f, bytes(text(c, "witness_vkey")), &witness));
	assert_true(proof_note_parse(bytes(text(c, "cosigned")), &note, &why));
	assert_true(proof_checkpoint_parse(note.text, &point, &why));
	assert_int_equal(point.size, 9);
	assert_same(point.root, root_of(9));
	assert_int_equal(proof_note_check(f, &note, &key, NULL), PROOF_SIGNED);
	assert_int_equal(proof_note_check(f, &note, &witness, &time), PROOF_SIGNED);
	assert_int_equal(time, 0x6955ba90);
	assert_true(proof_note_parse(bytes(text(c, "note")), &note, &why));
	assert_int_equal(proof_note_check(f, &note, &witness, NULL), PROOF_UNSIGNED);
	char *copy = strdup(text(c, "cosigned"));
	for (char *at = copy; *at; at++) {
		*at ^= 1;
		if (proof_note_parse(bytes(copy), &note, &why))
			assert_false(proof_note_check(f, &note, &key, NULL) == PROOF_SIGNED &&
			             proof_note_check(f, &note, &witness, NULL) == PROOF_SIGNED);
		*at ^= 1;
	}
	free(copy);
}

struct source {
	FILE *file;
	size_t piece;
};

static ptrdiff_t
read_piece(void *context, uint8_t *into, size_t size)
{
	struct source *s = context;
	return (ptrdiff_t)fread(into, 1, s->piece < size ? s->piece : size, s->file);
}

static void
check_bundle(const char *name, json_t *v, const struct proof_policy *policy, size_t piece)
{
	char path[4200], said[200] = "OK", wanted[200] = "OK";
	struct proof_fault fault = { 0 };
	struct bundle_native mine;
	assert_true(bundle_native_open(&mine));
	snprintf(path, sizeof path, "%s/%s", folder, name);
	struct source s = { fopen(path, "rb"), piece };
	assert_non_null(s.file);
	struct proof_bundle b = { .functions = &mine.functions, .policy = policy, .source = &s, .read = read_piece,
	                          .memory = malloc(PROOF_BUNDLE_MEMORY) };
	if (!proof_bundle_verify(&b, &fault)) {
		char index[32] = "-";
		if (fault.has_index)
			snprintf(index, sizeof index, "%llu", (unsigned long long)fault.index);
		snprintf(said, sizeof said, "%s %s %s", proof_fault_name(fault.kind), fault.member, index);
	}
	if (strcmp(text(v, "verdict"), "OK") != 0) {
		char *index = json_dumps(get(v, "index"), JSON_ENCODE_ANY);
		snprintf(wanted, sizeof wanted, "%s %s %s", text(v, "kind"), text(v, "member"), index[0] == '"' ? "-" : index);
		free(index);
	}
	assert_string_equal(said, wanted);
	free(b.memory);
	fclose(s.file);
	bundle_native_close(&mine);
}

static void
test_bundles(void **state)
{
	(void)state;
	struct proof_policy policy = { 0 };
	const char *name;
	json_t *v;
	assert_true(proof_vkey_parse(f, bytes(text(get(vectors, "checkpoint"), "vkey")), &policy.key));
	json_object_foreach(get(vectors, "bundles"), name, v) {
		check_bundle(name, v, &policy, SIZE_MAX);
		check_bundle(name, v, &policy, 1);
	}
}

int
main(void)
{
	const char *shared = getenv("SEKISHO_SHARED");
	char path[4200];
	snprintf(folder, sizeof folder, "%s/data/ledger-vectors", shared ? shared : "../shared");
	snprintf(path, sizeof path, "%s/vectors.json", folder);
	if (access(path, R_OK) != 0) {
		fprintf(stderr, "SKIPPED: needs %s\n", path);
		return 77;
	}
	vectors = json_load_file(path, 0, NULL);
	if (!vectors || !bundle_native_open(&native)) {
		fprintf(stderr, "%s cannot be read\n", path);
		return 1;
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries),     cmocka_unit_test(test_opening), cmocka_unit_test(test_roots),
		cmocka_unit_test(test_inclusion),   cmocka_unit_test(test_consistency), cmocka_unit_test(test_compact),
		cmocka_unit_test(test_map),         cmocka_unit_test(test_absence), cmocka_unit_test(test_notes),
		cmocka_unit_test(test_bundles),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	bundle_native_close(&native);
	json_decref(vectors);
	return failed;
}
