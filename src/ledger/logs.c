/* Deriving them; reading is log_view.c's. */
#include "ledger/logs.h"

#include "base/memory.h"
#include "ledger/append.h"
#include "ledger/derived_sql.h"

enum { LOG_BUCKETS = 65536, TILE_HEIGHT = 8, SUM_WORDS = LOGS_SUM / sizeof(uint64_t) };

struct log {
	struct log *next;               /* in its bucket */
	struct log *touched, *unmapped; /* in these lists; the list's end points to itself */
	struct proof_hash label;
	int64_t key, time;
	uint64_t size;
	struct proof_hash *range;
	size_t count, room;
	uint64_t hash[SUM_WORDS];       /* of what is saved; zeros: nothing is */
	char name[];
};

struct logs {
	uint8_t map_key[32];
	bool has_map_key;
	struct log *buckets[LOG_BUCKETS];
	struct log *touched, *unmapped;
	uint64_t sum[SUM_WORDS];
};

struct logs *
logs_new(const void *owner, const uint8_t *map_key)
{
	struct logs *l = NEW(owner, struct logs);
	l->has_map_key = map_key != NULL;
	if (map_key)
		memcpy(l->map_key, map_key, sizeof l->map_key);
	return l;
}

struct proof_hash
log_label(const uint8_t map_key[32], struct slice name)
{
	struct proof_hash label;
	if (slice_is(name, LOG_VENDOR) || slice_is(name, LOG_EVERYONE))
		sha256(name, label.bytes);
	else
		hmac_sha256(map_key, name, label.bytes);
	return label;
}

struct proof_hash
log_leaf(uint64_t main_index, const struct proof_hash *entry)
{
	uint8_t data[9 + PROOF_HASH] = { 2 };
	for (unsigned i = 0; i < 8; i++)
		data[1 + i] = (uint8_t)(main_index >> 8 * (7 - i));
	memcpy(data + 9, entry->bytes, PROOF_HASH);
	return proof_leaf_hash(ledger_functions, (struct proof_bytes){ data, sizeof data });
}

static size_t
bucket_of(struct slice name)
{
	size_t at = 5381;
	for (size_t i = 0; i < name.size; i++)
		at = at * 33 ^ name.data[i];
	return at % LOG_BUCKETS;
}

static struct log *
look(const struct logs *l, struct slice name)
{
	struct log *log = l->buckets[bucket_of(name)];
	while (log && !slice_is(name, log->name))
		log = log->next;
	return log;
}

static struct log *
find(struct logs *l, struct slice name)
{
	struct log *found = look(l, name), **bucket = &l->buckets[bucket_of(name)];
	if (found)
		return found;
	struct log *log = memory_zeroed(l, sizeof *log + name.size + 1, 1, "struct log");
	memcpy(log->name, name.data, name.size);
	log->key = term_key(TERM_LOG, name);
	if (l->has_map_key)
		log->label = log_label(l->map_key, name);
	log->next = *bucket;
	return *bucket = log;
}

static void
touch(struct logs *l, struct log *log)
{
	if (!log->touched) {
		log->touched = l->touched ? l->touched : log;
		l->touched = log;
	}
	if (!log->unmapped) {
		log->unmapped = l->unmapped ? l->unmapped : log;
		l->unmapped = log;
	}
}

/* As proof_range_append; *tile gets the subtree of 256 that the leaf completes. */
static void
append(struct log *log, struct proof_hash node, struct proof_hash *tile)
{
	unsigned height = 0;
	for (uint64_t rest = log->size; rest & 1; rest >>= 1) {
		node = proof_node_hash(ledger_functions, &log->range[--log->count], &node);
		if (++height == TILE_HEIGHT)
			*tile = node;
	}
	if (log->count == log->room) {
		log->room += 4;
		log->range = memory_grow(log, log->range, sizeof *log->range, log->room);
	}
	log->range[log->count++] = node;
	log->size++;
}

bool
logs_append(struct logs *l, struct slice name, const struct proof_hash *leaf, struct proof_hash *tile, int64_t *key, uint64_t *size)
{
	struct log *log = find(l, name);
	append(log, *leaf, tile);
	touch(l, log);
	*key = log->key;
	*size = log->size;
	return log->size % (1 << TILE_HEIGHT) == 0;
}

bool
logs_same(const struct logs *l, const struct logs *other, struct slice name)
{
	const struct log *a = look(l, name), *b = look(other, name);
	return a && b && a->size == b->size && memcmp(a->range, b->range, a->count * sizeof *a->range) == 0;
}

fallible
logs_add(struct logs *l, struct store *derived, const struct proof_entry *e, uint64_t main_index, const struct proof_hash *entry)
{
	struct log *log = find(l, slice_of(e->log.data, e->log.size));
	struct proof_hash tile;
	if (e->log_seq != log->size)
		return E_ENTRY_FORM;
	append(log, log_leaf(main_index, entry), &tile);
	log->time = (int64_t)e->time;
	touch(l, log);
	if (log->size % (1 << TILE_HEIGHT))
		return NULL;
	return store_run(derived, QUERY_LOG_TILE_PUT,
	                 BIND(as_number(log->key), as_number((int64_t)(log->size >> TILE_HEIGHT) - 1), as_number((int64_t)main_index),
	                      as_bytes(slice_of(tile.bytes, PROOF_HASH))));
}

static void
sum_head(struct logs *l, struct log *log)
{
	uint8_t digest[DIGEST_SIZE];
	const uint64_t numbers[2] = { log->size, (uint64_t)log->time };
	ledger_functions->sha256(NULL, (struct proof_bytes[]){ { (const uint8_t *)log->name, strlen(log->name) + 1 }, { (const uint8_t *)numbers, sizeof numbers },
	                                                       { log->range->bytes, log->count * PROOF_HASH } }, 3, digest);
	for (size_t i = 0; i < SUM_WORDS; i++)
		l->sum[i] -= log->hash[i];
	memcpy(log->hash, digest, sizeof log->hash);
	for (size_t i = 0; i < SUM_WORDS; i++)
		l->sum[i] += log->hash[i];
}

void
logs_sum(const struct logs *l, uint8_t out[LOGS_SUM])
{
	memcpy(out, l->sum, LOGS_SUM);
}

fallible
logs_save(struct logs *l, struct store *derived)
{
	while (l->touched) {
		struct log *log = l->touched;
		TRY(store_run(derived, QUERY_HEAD_PUT,
		              BIND(as_text(slice_text(log->name)), as_number((int64_t)log->size), as_number(log->time),
		                   as_bytes(slice_of(log->range, log->count * sizeof *log->range)))));
		sum_head(l, log);
		l->touched = log->touched == log ? NULL : log->touched;
		log->touched = NULL;
	}
	return NULL;
}

fallible
logs_load(struct logs *l, struct store *derived)
{
	SCOPED struct rows *rows = NULL;
	TRY(store_rows(NULL, derived, QUERY_HEADS, BIND_NONE, &rows));
	while (rows_next(rows)) {
		struct log *log = find(l, row_text(rows, 0));
		struct slice range = row_bytes(rows, 3);
		log->size = (uint64_t)row_number(rows, 1);
		log->time = row_number(rows, 2);
		log->count = log->room = range.size / PROOF_HASH;
		if (log->size == 0 || log->count != (size_t)__builtin_popcountll(log->size) || range.size % PROOF_HASH)
			return E_SEALED;
		log->range = memory_grow(log, log->range, PROOF_HASH, log->room);
		memcpy(log->range, range.data, range.size);
		sum_head(l, log);
		touch(l, log);
	}
	TRY(rows_end(rows));
	while (l->touched) {
		struct log *log = l->touched;
		l->touched = log->touched == log ? NULL : log->touched;
		log->touched = NULL;
	}
	return NULL;
}

static struct proof_hash
root_of(const struct log *log)
{
	struct proof_hash root = log->range[log->count - 1];
	for (size_t i = log->count - 1; i > 0; i--)
		root = proof_node_hash(ledger_functions, &log->range[i - 1], &root);
	return root;
}

void
logs_map(struct logs *l, struct map *map)
{
	while (l->unmapped) {
		struct log *log = l->unmapped;
		const struct map_leaf leaf = { .label = log->label, .size = log->size, .root = root_of(log) };
		map_put(map, &leaf);
		l->unmapped = log->unmapped == log ? NULL : log->unmapped;
		log->unmapped = NULL;
	}
}

void
logs_each(const struct logs *l, void (*each)(void *, const char *, uint64_t, int64_t), void *argument)
{
	for (size_t i = 0; i < LOG_BUCKETS; i++)
		for (const struct log *log = l->buckets[i]; log; log = log->next)
			each(argument, log->name, log->size, log->time);
}
