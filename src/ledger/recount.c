#include "ledger/recount.h"

#include "base/memory.h"
#include "ledger/derived_sql.h"
#include "ledger/ledger_sql.h"
#include "proof/note.h"

#include <string.h>

struct recount {
	struct ledger_reader *reader;
	recount_fault *fault;
	void *argument;
	struct logs *logs, *derived;    /* derived NULL: nothing was derived, or it cannot be read */
	uint64_t position;              /* of what is derived */
	bool has_map_key, has_signed, map_is_read, map_is_made;
	uint64_t covers, size;          /* of the newest checkpoint */
	struct proof_hash root, map_said, map_made;
};

static void
report(const struct recount *r, const char *kind, const char *file, uint64_t index, const char *text)
{
	r->fault(r->argument, kind, file, index, text);
}

static fallible
read_checkpoint(struct recount *r, struct store *store)
{
	SCOPED struct rows *rows = NULL;
	struct proof_note note;
	struct proof_checkpoint c;
	const char *why;
	TRY(store_rows(NULL, store, QUERY_CHECKPOINT_LAST, BIND_NONE, &rows));
	if (!rows_next(rows))
		return rows_end(rows);
	r->size = (uint64_t)row_number(rows, 0);
	r->covers = (uint64_t)row_number(rows, 1);
	struct slice text = row_bytes(rows, 2);
	if (!proof_note_parse((struct proof_bytes){ text.data, text.size }, &note, &why) || !proof_checkpoint_parse(note.text, &c, &why) || c.size != r->size) {
		report(r, "checkpoint", "store/store.db", r->size, "the newest checkpoint does not read as one of its size");
		return rows_end(rows);
	}
	r->root = c.root;
	r->has_signed = true;
	return rows_end(rows);
}

static fallible
read_derived(struct recount *r)
{
	SCOPED struct rows *rows = NULL;
	struct store *derived = r->reader->derived;
	if (r->reader->damaged)
		report(r, "tree", "ledger/derived.db", 0, "it cannot be read: it is made anew at the next start");
	if (!derived)
		return NULL;
	TRY(store_begin(derived));
	err_t e = store_rows(NULL, derived, QUERY_POSITION_GET, BIND_NONE, &rows);
	if (!e && rows_next(rows)) {
		uint8_t sum[LOGS_SUM], seal[DIGEST_SIZE];
		r->position = (uint64_t)row_number(rows, 0);
		r->derived = logs_new(r, NULL);
		e = logs_load(r->derived, derived);
		logs_sum(r->derived, sum);
		derived_seal(r->position, row_bytes(rows, 1), row_bytes(rows, 2), seal);
		if (!slice_equal(row_bytes(rows, 3), slice_of(seal, sizeof seal)))
			report(r, "tree", "ledger/derived.db", r->position, "the position is not the one that was saved with the heads");
		if (e == E_SEALED || (!e && (row_bytes(rows, 2).size != sizeof sum || memcmp(sum, row_bytes(rows, 2).data, sizeof sum) != 0)))
			report(r, "tree", "ledger/derived.db", r->position, "the heads of logs do not add up to what was saved");
		if (e == E_SEALED)      /* loaded in part: there is nothing whole to compare with */
			r->derived = NULL;
		e = e == E_SEALED ? NULL : e;
	}
	talloc_free(TAKE(rows));
	store_rollback(derived);
	if (e) {
		report(r, "tree", "ledger/derived.db", 0, "it cannot be read: it is made anew at the next start");
		r->derived = NULL;
		r->position = 0;
	}
	return NULL;
}

fallible
recount_new(const void *owner, struct ledger_reader *reader, const uint8_t *map_key, recount_fault *fault, void *argument, struct recount **out)
{
	SCOPED struct recount *r = NEW(owner, struct recount);
	r->reader = reader;
	r->fault = fault;
	r->argument = argument;
	r->has_map_key = map_key != NULL;
	r->logs = logs_new(r, map_key);
	TRY(read_checkpoint(r, leaves_store(reader->leaves)));
	TRY(read_derived(r));
	*out = TAKE(r);
	return NULL;
}

uint64_t
recount_end(const struct recount *r)
{
	return r->position;
}

uint64_t
recount_covers(const struct recount *r)
{
	return r->has_map_key && r->has_signed && r->covers <= r->position ? r->covers : UINT64_MAX;
}

static fallible
compare_tile(struct recount *r, int64_t key, uint64_t size, const struct proof_hash *tile, uint64_t index)
{
	SCOPED struct rows *rows = NULL;
	if (!r->derived)
		return NULL;
	TRY(store_rows(NULL, r->reader->derived, QUERY_LOG_TILE_HASH, BIND(as_number(key), as_number((int64_t)(size / TILE) - 1)), &rows));
	if (!rows_next(rows) || !slice_equal(row_bytes(rows, 0), slice_of(tile->bytes, PROOF_HASH)))
		report(r, "tree", "ledger/derived.db", index, "a tile of a subscriber's log is not that of its entries");
	return rows_end(rows);
}

fallible
recount_leaf(struct recount *r, struct slice log, const struct proof_hash *leaf, uint64_t index)
{
	struct proof_hash tile;
	int64_t key;
	uint64_t size;
	if (!logs_append(r->logs, log, leaf, &tile, &key, &size))
		return NULL;
	return compare_tile(r, key, size, &tile, index);
}

void
recount_map(struct recount *r)
{
	SCOPED struct map *map = map_new(NULL);
	logs_map(r->logs, map);
	r->map_made = map_root(map);
	r->map_is_made = true;
}

bool
recount_signed(const struct recount *r, uint64_t *size, struct proof_hash *root)
{
	*size = r->size;
	*root = r->root;
	return r->has_signed;
}

void
recount_map_leaf(struct recount *r, struct slice leaf)
{
	if (leaf.size != 9 + PROOF_HASH || leaf.data[0] != 1)
		return;
	memcpy(r->map_said.bytes, leaf.data + 9, PROOF_HASH);
	r->map_is_read = true;
}

static void
compare_head(void *context, const char *name, uint64_t size, int64_t time)
{
	struct recount *r = context;
	(void)time;
	if (!logs_same(r->derived, r->logs, slice_text(name)))
		report(r, "tree", "ledger/derived.db", size, "the head of a subscriber's log is not that of its entries");
}

void
recount_finish(struct recount *r)
{
	if (r->map_is_made && r->map_is_read && !proof_hash_same(&r->map_made, &r->map_said))
		report(r, "root", "store/store.db", r->size - 1, "the map that was signed does not have the heads of its logs");
	if (!r->derived)
		return;
	logs_each(r->logs, compare_head, r);
	logs_each(r->derived, compare_head, r);
}
