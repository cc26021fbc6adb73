#include "ledger/logs.h"

#include "base/memory.h"
#include "ledger/append.h"
#include "ledger/derived_sql.h"

enum { TILE_HEIGHT = 8, TILE_LEAVES = 1 << TILE_HEIGHT, TILES_A_READ = 256 };

struct log_view {
	struct store *derived;
	struct leaves *leaves;
	int64_t key;
	uint64_t size;
	uint64_t block;                 /* whose leaf hashes are held; UINT64_MAX: none */
	size_t held;
	struct proof_hash hashes[TILE_LEAVES];
};

fallible
log_view_open(const void *owner, struct store *derived, struct leaves *leaves, struct slice name, struct log_view **out)
{
	SCOPED struct log_view *v = NEW(owner, struct log_view);
	SCOPED struct rows *rows = NULL;
	v->derived = derived;
	v->leaves = leaves;
	v->key = term_key(TERM_LOG, name);
	v->block = UINT64_MAX;
	TRY(store_rows(NULL, derived, QUERY_HEAD_GET, BIND(as_text(name)), &rows));
	v->size = rows_next(rows) ? (uint64_t)row_number(rows, 0) : 0;
	TRY(rows_end(rows));
	*out = TAKE(v);
	return NULL;
}

uint64_t
log_view_size(const struct log_view *v)
{
	return v->size;
}

/* The main index of the last entry of a whole tile. */
static fallible
tile_last(struct log_view *v, uint64_t tile, uint64_t *last)
{
	SCOPED struct rows *rows = NULL;
	TRY(store_rows(NULL, v->derived, QUERY_LOG_TILE_GET, BIND(as_number(v->key), as_number((int64_t)tile)), &rows));
	if (!rows_next(rows)) {
		TRY(rows_end(rows));
		return E_NOT_FOUND;
	}
	*last = (uint64_t)row_number(rows, 0);
	return NULL;
}

fallible
log_view_indices(struct log_view *v, uint64_t from, uint64_t *out, size_t *count)
{
	uint64_t tile = from / TILE_LEAVES, last = 0;
	size_t skip = from % TILE_LEAVES, wanted = *count, n = 0;
	if (tile > 0)
		TRY(tile_last(v, tile - 1, &last));
	SCOPED struct rows *rows = NULL;
	TRY(store_rows(NULL, v->derived, QUERY_TERM_FROM,
	               BIND(as_number(v->key), as_number(tile ? (int64_t)last + 1 : 0), as_number((int64_t)(skip + wanted))), &rows));
	while (rows_next(rows)) {
		if (skip)
			skip--;
		else
			out[n++] = (uint64_t)row_number(rows, 0);
	}
	*count = n;
	return rows_end(rows);
}

fallible
log_view_before(struct log_view *v, uint64_t main_index, uint64_t *count)
{
	uint64_t low = 0, high = v->size / TILE_LEAVES, indices[TILE_LEAVES];
	while (low < high) {            /* the first tile whose last is not before */
		uint64_t middle = (low + high) / 2, last;
		TRY(tile_last(v, middle, &last));
		if (last < main_index)
			low = middle + 1;
		else
			high = middle;
	}
	size_t n = TILE_LEAVES;
	TRY(log_view_indices(v, low * TILE_LEAVES, indices, &n));
	*count = low * TILE_LEAVES;
	for (size_t i = 0; i < n && indices[i] < main_index; i++)
		++*count;
	return NULL;
}

static fallible
hold_block(struct log_view *v, uint64_t block)
{
	uint64_t indices[TILE_LEAVES];
	size_t count = TILE_LEAVES;
	if (v->block == block && (v->held == TILE_LEAVES || block * TILE_LEAVES + v->held >= v->size))
		return NULL;
	v->block = UINT64_MAX;
	TRY(log_view_indices(v, block * TILE_LEAVES, indices, &count));
	for (size_t i = 0; i < count; i++) {
		struct slice leaf;
		struct proof_hash entry;
		TRY(leaves_get(v->leaves, indices[i], &leaf));
		ledger_functions->sha256(NULL, (struct proof_bytes[]){ { leaf.data + 1, leaf.size - 1 } }, 1, entry.bytes);
		v->hashes[i] = log_leaf(indices[i], &entry);
	}
	v->block = block;
	v->held = count;
	return NULL;
}

static fallible
node_of_leaves(struct log_view *v, unsigned height, uint64_t first, struct proof_hash *out)
{
	struct proof_hash part[TILE_LEAVES];
	size_t wanted = (size_t)1 << height, at = first % TILE_LEAVES;
	TRY(hold_block(v, first / TILE_LEAVES));
	if (at + wanted > v->held)
		return E_NOT_FOUND;
	memcpy(part, v->hashes + at, wanted * sizeof *part);
	*out = tree_fold(part, wanted);
	return NULL;
}

/* Over whole tiles, whatever their number: a power of two of them, joined as they come. */
static err_t
node(void *context, unsigned height, uint64_t index, struct proof_hash *out)
{
	struct log_view *v = context;
	struct proof_range range = { 0 };
	if (height < TILE_HEIGHT)
		return node_of_leaves(v, height, index << height, out);
	uint64_t tile = index << (height - TILE_HEIGHT), end = tile + (UINT64_C(1) << (height - TILE_HEIGHT));
	SCOPED struct rows *rows = NULL;
	TRY(store_rows(NULL, v->derived, QUERY_LOG_TILES, BIND(as_number(v->key), as_number((int64_t)tile), as_number((int64_t)end)), &rows));
	while (rows_next(rows)) {
		struct proof_hash hash;
		if (row_bytes(rows, 0).size != PROOF_HASH)
			return E_STORE;
		memcpy(hash.bytes, row_bytes(rows, 0).data, PROOF_HASH);
		proof_range_append(ledger_functions, &range, &hash);
	}
	TRY(rows_end(rows));
	if (range.size != end - tile)
		return E_NOT_FOUND;
	*out = proof_range_root(ledger_functions, &range);
	return NULL;
}

struct tree
log_view_tree(struct log_view *v)
{
	return (struct tree){ v, node };
}
