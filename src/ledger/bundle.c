/* What a bundle proves, out of the newest checkpoint, its map, and the logs (LEDGER.md, "Completeness" and "Bundle"). */
#include "ledger/append.h"
#include "ledger/public.h"

#include "base/cursor.h"
#include "base/memory.h"
#include "base/text.h"
#include "ledger/cbor.h"
#include "ledger/derived_sql.h"
#include "ledger/reader.h"
#include "proof/note.h"

/* A log's place in a map. */
struct place {
	struct slice name;
	struct proof_hash label, root;
	uint64_t size;
	bool present, has_neighbour;
	struct map_leaf neighbour;
	size_t count;
	struct proof_step path[PROOF_PATH_MAX];
};

struct bundle {
	const struct ledger_bundle *asked;
	struct ledger *ledger;
	struct ledger_reader *reader;
	struct published now;
	size_t log_count;
	struct place logs[2];
	struct log_view *views[2];
	size_t members;
};

struct proof_hash
ledger_label(const struct ledger *l, struct slice log)
{
	return log_label(l->map_key, log);
}

/* ---- JSON ---- */

static json_t *
json_base64(const void *data, size_t size)
{
	char text[64];
	text_base64(slice_of(data, size), text);
	return json_string(text);
}

static json_t *
json_hash(const struct proof_hash *hash)
{
	return json_base64(hash->bytes, PROOF_HASH);
}

static json_t *
json_hashes(const struct proof_hash *hashes, size_t count)
{
	json_t *array = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, json_hash(&hashes[i]));
	return array;
}

static json_t *
json_path(const struct place *p)
{
	json_t *array = json_array();
	for (size_t i = 0; i < p->count; i++)
		json_array_append_new(array, json_pack("{s:I, s:o}", "depth", (json_int_t)p->path[i].depth, "sibling", json_hash(&p->path[i].sibling)));
	return array;
}

/* Name, label, size, root and path: what shows that the log is that long, or not there. */
static json_t *
json_place(const struct place *p)
{
	json_t *j = json_pack("{s:o, s:o, s:I, s:o, s:o}", "name", json_stringn((const char *)p->name.data, p->name.size), "label",
	                      json_hash(&p->label), "size", (json_int_t)p->size, "root", json_hash(&p->root), "path", json_path(p));
	if (p->present)
		return j;
	struct proof_hash head = proof_head_hash(ledger_functions, p->neighbour.size, &p->neighbour.root);
	json_object_set_new(j, "absent",
	                    p->has_neighbour ? json_pack("{s:o, s:o}", "label", json_hash(&p->neighbour.label), "head", json_hash(&head)) : json_null());
	return j;
}

/* ---- places ---- */

static void
find_place(const struct map *map, struct place *p)
{
	const struct proof_range none = { 0 };
	const struct map_leaf *leaf = map_find(map, &p->label, p->path, &p->count);
	p->present = leaf && proof_hash_same(&leaf->label, &p->label);
	p->size = p->present ? leaf->size : 0;
	p->root = p->present ? leaf->root : proof_range_root(ledger_functions, &none);
	p->has_neighbour = leaf && !p->present;
	if (p->has_neighbour)
		p->neighbour = *leaf;
}

static void
name_logs(const struct bundle *b, struct place logs[2])
{
	logs[0].name = b->asked->log;
	logs[b->log_count - 1].name = LITERAL(LOG_EVERYONE);
	for (size_t i = 0; i < b->log_count; i++)
		logs[i].label = ledger_label(b->ledger, logs[i].name);
}

/* Checkpoint and map as they belong together. */
static fallible
take_now(struct bundle *b)
{
	struct ledger *l = b->ledger;
	name_logs(b, b->logs);
	pthread_mutex_lock(&l->publishing);
	b->now = l->published_now;
	if (b->now.size) {
		b->now.note = memory_format(b, "%s", l->published_now.note);
		for (size_t i = 0; i < b->log_count; i++)
			find_place(l->follower->map, &b->logs[i]);
	}
	pthread_mutex_unlock(&l->publishing);
	return b->now.size ? NULL : E_NOT_FOUND;
}

static fallible parse_checkpoint(struct bundle *, struct slice note, struct proof_checkpoint *);
static fallible read_map_leaf(struct bundle *, uint64_t index, uint64_t *covers, struct proof_hash *root);
static fallible rebuild_map(struct bundle *, uint64_t covers, struct map *);

/* An older checkpoint, which has its witnesses: its map is made again. */
static fallible
take_older(struct bundle *b)
{
	struct proof_checkpoint c;
	struct map *map = map_new(b);
	name_logs(b, b->logs);
	TRY(parse_checkpoint(b, b->asked->checkpoint, &c));
	b->now = (struct published){ .size = c.size, .root = c.root, .note = memory_text(b, b->asked->checkpoint) };
	TRY(read_map_leaf(b, c.size - 1, &b->now.covers, &b->now.map_root));
	TRY(rebuild_map(b, b->now.covers, map));
	struct proof_hash rebuilt = map_root(map);
	if (!proof_hash_same(&rebuilt, &b->now.map_root))
		return E_LEDGER_FAULT;
	for (size_t i = 0; i < b->log_count; i++)
		find_place(map, &b->logs[i]);
	return NULL;
}

static fallible
put_map(json_t *to, struct bundle *b, uint64_t size, uint64_t covers, const struct proof_hash *root)
{
	struct tree tree = hashes_tree(b->reader->hashes);
	struct proof_hash path[TREE_PATH_MAX];
	size_t count;
	TRY(tree_inclusion(&tree, size - 1, size, path, &count));
	json_object_set_new(to, "map", json_pack("{s:I, s:o, s:o}", "covers", (json_int_t)covers, "root", json_hash(root), "inclusion",
	                                         json_hashes(path, count)));
	return NULL;
}

/* ---- spans ---- */

static fallible
time_of(struct bundle *b, struct log_view *view, uint64_t sequence, int64_t *time)
{
	uint64_t index;
	size_t one = 1;
	struct slice leaf;
	struct proof_entry e;
	const char *fault;
	TRY(log_view_indices(view, sequence, &index, &one));
	if (one != 1)
		return E_NOT_FOUND;
	TRY(leaves_get(b->reader->leaves, index, &leaf));
	if (!proof_entry_parse((struct proof_bytes){ leaf.data + 1, leaf.size - 1 }, &e, &fault))
		return E_ENTRY_FORM;
	*time = (int64_t)e.time;
	return NULL;
}

/* The first entry that was not recorded before `time`. */
static fallible
first_since(struct bundle *b, size_t log, int64_t time, uint64_t *sequence)
{
	uint64_t low = 0, high = b->logs[log].size;
	while (low < high) {
		uint64_t middle = (low + high) / 2;
		int64_t at;
		TRY(time_of(b, b->views[log], middle, &at));
		if (at < time)
			low = middle + 1;
		else
			high = middle;
	}
	*sequence = low;
	return NULL;
}

/* One entry more on each side shows that the span has no other. */
static fallible
span_of(struct bundle *b, size_t log, uint64_t *from, uint64_t *to)
{
	*from = 0;
	*to = b->logs[log].size;
	if (!b->asked->has_time)
		return NULL;
	uint64_t first, end;
	TRY(first_since(b, log, b->asked->since, &first));
	TRY(first_since(b, log, b->asked->until, &end));
	*from = first ? first - 1 : 0;
	*to = end < b->logs[log].size ? end + 1 : end;
	return NULL;
}

static json_t *
json_members(struct bundle *b, uint64_t entries)
{
	json_t *names = json_array();
	for (uint64_t i = 0; i < (entries + BUNDLE_MEMBER_ENTRIES - 1) / BUNDLE_MEMBER_ENTRIES; i++)
		json_array_append_new(names, json_sprintf("entries-%06zu.cbor", ++b->members));
	return names;
}

static fallible
add_log(struct bundle *b, size_t log, json_t *logs)
{
	struct proof_hash left[PROOF_RANGE_MAX], right[PROOF_RANGE_MAX];
	size_t left_count, right_count;
	uint64_t from, to;
	struct tree tree = log_view_tree(b->views[log]);
	TRY(span_of(b, log, &from, &to));
	TRY(tree_range(&tree, 0, from, left, &left_count));
	TRY(tree_range(&tree, to, b->logs[log].size, right, &right_count));
	json_t *j = json_place(&b->logs[log]);
	json_object_set_new(j, "from", json_integer((json_int_t)from));
	json_object_set_new(j, "to", json_integer((json_int_t)to));
	json_object_set_new(j, "left", json_hashes(left, left_count));
	json_object_set_new(j, "right", json_hashes(right, right_count));
	json_object_set_new(j, "members", json_members(b, to - from));
	json_array_append_new(logs, j);
	return NULL;
}

/* ---- previous ---- */

static fallible
parse_checkpoint(struct bundle *b, struct slice given, struct proof_checkpoint *out)
{
	struct proof_bytes text = { given.data, given.size };
	struct proof_note note;
	struct keys_log log;
	const char *fault;
	if (!proof_note_parse(text, &note, &fault) || !proof_checkpoint_parse(note.text, out, &fault))
		return E_ARGUMENT;
	TRY(keys_log(b, b->ledger->keys, &log));
	if (!slice_is(slice_of(out->origin.data, out->origin.size), log.name) || out->size == 0)
		return E_ARGUMENT;
	if (b->now.size && out->size > b->now.size)
		return E_LEDGER_FAULT;
	struct tree tree = hashes_tree(b->reader->hashes);
	struct proof_hash root;
	TRY(tree_root(&tree, out->size, &root));
	return proof_hash_same(&root, &out->root) ? NULL : E_LEDGER_FAULT;
}

static fallible
read_map_leaf(struct bundle *b, uint64_t index, uint64_t *covers, struct proof_hash *root)
{
	struct slice leaf;
	TRY(leaves_get(b->reader->leaves, index, &leaf));
	struct reader r = reader_of(leaf);
	uint8_t sort = read_u8(&r);
	*covers = read_be64(&r);
	struct slice hash = read_bytes(&r, PROOF_HASH);
	if (sort != 1 || !reader_end(&r))
		return E_ARGUMENT;
	memcpy(root->bytes, hash.data, PROOF_HASH);
	return NULL;
}

/* Every log as it was then: those that have grown since are cut back, by their main indices. */
static fallible
rebuild_map(struct bundle *b, uint64_t covers, struct map *map)
{
	SCOPED struct rows *rows = NULL;
	TRY(store_rows(NULL, b->reader->derived, QUERY_HEADS, BIND_NONE, &rows));
	while (rows_next(rows)) {
		SCOPED struct log_view *view = NULL;
		struct slice name = row_text(rows, 0);
		struct map_leaf leaf = { .label = ledger_label(b->ledger, name) };
		TRY(log_view_open(NULL, b->reader->derived, b->reader->leaves, name, &view));
		TRY(log_view_before(view, covers, &leaf.size));
		struct tree tree = log_view_tree(view);
		if (leaf.size == 0)
			continue;
		TRY(tree_root(&tree, leaf.size, &leaf.root));
		map_put(map, &leaf);
	}
	return rows_end(rows);
}

static fallible
add_previous_logs(struct bundle *b, const struct map *map, json_t *logs)
{
	struct place before[2] = { { .size = 0 } };
	name_logs(b, before);
	for (size_t i = 0; i < b->log_count; i++) {
		struct proof_hash path[TREE_PATH_MAX];
		struct tree tree = log_view_tree(b->views[i]);
		size_t count;
		find_place(map, &before[i]);
		TRY(tree_consistency(&tree, before[i].size, b->logs[i].size, path, &count));
		json_t *j = json_place(&before[i]);
		json_object_set_new(j, "consistency", json_hashes(path, count));
		json_array_append_new(logs, j);
	}
	return NULL;
}

static fallible
add_previous(struct bundle *b, json_t *to)
{
	struct proof_checkpoint then;
	struct proof_hash root, path[TREE_PATH_MAX];
	struct map *map = map_new(b);
	struct tree tree = hashes_tree(b->reader->hashes);
	uint64_t covers;
	size_t count;
	TRY(parse_checkpoint(b, b->asked->previous, &then));
	TRY(read_map_leaf(b, then.size - 1, &covers, &root));
	TRY(rebuild_map(b, covers, map));
	struct proof_hash rebuilt = map_root(map);
	if (!proof_hash_same(&rebuilt, &root))
		return E_LEDGER_FAULT;
	TRY(tree_consistency(&tree, then.size, b->now.size, path, &count));
	json_t *logs = json_array();
	json_t *j = json_pack("{s:o, s:o, s:o}", "checkpoint", json_stringn((const char *)b->asked->previous.data, b->asked->previous.size),
	                      "consistency", json_hashes(path, count), "logs", logs);
	json_object_set_new(to, "previous", j);
	TRY(put_map(j, b, then.size, covers, &root));
	return add_previous_logs(b, map, logs);
}

/* ---- the whole ---- */

static fallible
fill(struct bundle *b, json_t *to)
{
	json_t *logs = json_array();
	TRY(b->asked->checkpoint.size ? take_older(b) : take_now(b));
	json_object_set_new(to, "format", json_string("sekisho-bundle/1"));
	json_object_set_new(to, "checkpoint", json_string(b->now.note));
	TRY(put_map(to, b, b->now.size, b->now.covers, &b->now.map_root));
	json_object_set_new(to, "logs", logs);
	for (size_t i = 0; i < b->log_count; i++) {
		TRY(log_view_open(b, b->reader->derived, b->reader->leaves, b->logs[i].name, &b->views[i]));
		TRY(add_log(b, i, logs));
	}
	if (b->asked->has_time)
		json_object_set_new(to, "time", json_pack("[I, I]", (json_int_t)b->asked->since, (json_int_t)b->asked->until));
	return b->asked->previous.size ? add_previous(b, to) : NULL;
}

fallible
ledger_bundle_proof(const struct ledger_bundle *asked, struct ledger *l, struct ledger_reader *r, json_t **out)
{
	SCOPED struct bundle *b = NEW(NULL, struct bundle);
	json_t *to = json_object();
	b->asked = asked;
	b->ledger = l;
	b->reader = r;
	b->log_count = slice_is(asked->log, LOG_EVERYONE) ? 1 : 2;
	err_t e = fill(b, to);
	if (e) {
		json_decref(to);
		return e;
	}
	*out = to;
	return NULL;
}

/* ---- entries ---- */

enum { ITEM_MORE = 64 };

/* The detail key of an entry (LEDGER.md, "Detail key"); false where there is no detail, or its key is gone. */
static bool
detail_key(struct keys *keys, struct slice bytes, uint8_t key[DIGEST_SIZE])
{
	struct proof_entry e;
	const char *fault;
	uint8_t ledger_key[KEY_SIZE];
	if (!proof_entry_parse((struct proof_bytes){ bytes.data, bytes.size }, &e, &fault) || !e.detail.data ||
	    keys_get(keys, slice_of(e.log.data, e.log.size), USE_LEDGER, (uint32_t)e.generation, ledger_key, NULL))
		return false;
	hmac_sha256(ledger_key, slice_of(e.blind.data, e.blind.size), key);
	memory_wipe(ledger_key, sizeof ledger_key);
	return true;
}

static void
write_entry(struct writer *w, struct keys *opened, uint64_t index, struct slice bytes)
{
	uint8_t key[DIGEST_SIZE];
	bool has_key = opened && detail_key(opened, bytes, key);
	put_head(w, MAJOR_ARRAY, has_key ? 3 : 2);
	put_head(w, MAJOR_UINT, index);
	put_head(w, MAJOR_BYTES, bytes.size);
	write_bytes(w, bytes);
	if (has_key) {
		put_head(w, MAJOR_BYTES, sizeof key);
		write_bytes(w, slice_of(key, sizeof key));
		memory_wipe(key, sizeof key);
	}
}

fallible
ledger_bundle_entries(const void *owner, struct ledger_reader *r, struct keys *opened, struct slice log, uint64_t from, uint64_t to,
                      size_t room, struct slice *out, uint64_t *next)
{
	SCOPED struct log_view *view = NULL;
	uint64_t indices[256];
	const size_t size = room + PROOF_ENTRY_MAX + ITEM_MORE;
	struct writer w = writer_of(talloc_size(owner, size), size);
	TRY(log_view_open(NULL, r->derived, r->leaves, log, &view));
	for (*next = from; *next < to && w.size < room; ) {
		size_t count = to - *next < 256 ? (size_t)(to - *next) : 256;
		TRY(log_view_indices(view, *next, indices, &count));
		if (count == 0)
			return E_NOT_FOUND;
		for (size_t i = 0; i < count && w.size < room; i++, ++*next) {
			struct slice leaf;
			TRY(leaves_get(r->leaves, indices[i], &leaf));
			write_entry(&w, opened, indices[i], slice_from(leaf, 1));
		}
	}
	*out = writer_slice(&w);
	return w.failed ? E_ENTRY_SIZE : NULL;
}
