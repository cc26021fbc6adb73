/* Deriving: hashes, logs and search terms of each leaf, in order; then the seals. */
#include "ledger/append.h"

#include "base/log.h"
#include "base/memory.h"
#include "ledger/derived_sql.h"
#include "ledger/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BATCH = 65536 };                 /* leaves in a transaction, where there are that many */

int64_t
term_key(enum term term, struct slice value)
{
	uint8_t digest[DIGEST_SIZE], kind = (uint8_t)term;
	ledger_functions->sha256(NULL, (struct proof_bytes[]){ { &kind, 1 }, { value.data, value.size } }, 2, digest);
	int64_t key;
	memcpy(&key, digest, sizeof key);
	return key;
}

/* A batch's terms go in together and in order: neighbours share pages, which a term at a time does not. */
static void
add_term(struct follower *f, enum term term, struct proof_bytes value, uint64_t seq)
{
	if (!value.size)
		return;
	if (f->term_count == f->term_room) {
		f->term_room = f->term_room ? 2 * f->term_room : 4096;
		f->terms = memory_grow(f, f->terms, sizeof *f->terms, f->term_room);
	}
	f->terms[f->term_count++] = (struct term_at){ term_key(term, slice_of(value.data, value.size)), (int64_t)seq };
}

static void
add_terms(struct follower *f, const struct proof_entry *e, uint64_t seq)
{
	add_term(f, TERM_ACTOR, e->actor, seq);
	add_term(f, TERM_ACTOR, e->on_behalf, seq);
	add_term(f, TERM_LOG, e->log, seq);
	add_term(f, TERM_RESOURCE, e->resource, seq);
	add_term(f, TERM_CREDENTIAL, e->credential, seq);
	add_term(f, TERM_PURPOSE, e->purpose, seq);
}

static int
compare_terms(const void *a, const void *b)
{
	const struct term_at *x = a, *y = b;
	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static fallible
save_terms(struct follower *f)
{
	if (f->term_count)
		qsort(f->terms, f->term_count, sizeof *f->terms, compare_terms);
	for (size_t i = 0; i < f->term_count; i++)
		TRY(store_run(f->derived, QUERY_TERM_ADD, BIND(as_number(f->terms[i].key), as_number(f->terms[i].seq))));
	f->term_count = 0;
	return NULL;
}

/* ---- one leaf ---- */

static fallible
derive_entry(struct follower *f, uint64_t seq, struct proof_bytes bytes, struct proof_hash *leaf)
{
	uint8_t data[1 + PROOF_HASH] = { 0 };
	struct proof_entry e;
	struct proof_hash hash;
	const char *fault;
	if (!proof_entry_parse(bytes, &e, &fault))
		return E_ENTRY_FORM;
	ledger_functions->sha256(NULL, &bytes, 1, hash.bytes);
	memcpy(data + 1, hash.bytes, PROOF_HASH);
	*leaf = proof_leaf_hash(ledger_functions, (struct proof_bytes){ data, sizeof data });
	TRY(logs_add(f->logs, f->derived, &e, seq, &hash));
	f->moved = true;
	add_terms(f, &e, seq);
	return NULL;
}

static fallible
derive_map(struct slice leaf, struct proof_hash *hash)
{
	if (leaf.size != 9 + PROOF_HASH)
		return E_ENTRY_FORM;
	*hash = proof_leaf_hash(ledger_functions, (struct proof_bytes){ leaf.data, leaf.size });
	return NULL;
}

static err_t
derive_leaf(void *context, uint64_t seq, struct slice leaf)
{
	struct follower *f = context;
	struct proof_hash hash;
	if (seq != f->position || leaf.size < 2 || leaf.data[0] > 1)
		return E_ENTRY_FORM;
	TRY(leaf.data[0] == 0 ? derive_entry(f, seq, (struct proof_bytes){ leaf.data + 1, leaf.size - 1 }, &hash)
	                      : derive_map(leaf, &hash));
	TRY(hashes_put(f->hashes, seq, &hash));
	proof_range_append(ledger_functions, &f->range, &hash);
	f->position++;
	return NULL;
}

/* ---- batches ---- */

/* What binds position, range and heads to each other: neither is believed without the others. */
void
derived_seal(uint64_t position, struct slice range, struct slice heads, uint8_t seal[DIGEST_SIZE])
{
	ledger_functions->sha256(NULL, (struct proof_bytes[]){ { (const uint8_t *)&position, sizeof position }, { range.data, range.size },
	                                                       { heads.data, heads.size } }, 3, seal);
}

static void
seal_position(const struct follower *f, const uint8_t heads[LOGS_SUM], uint8_t seal[DIGEST_SIZE])
{
	derived_seal(f->position, slice_of(&f->range, sizeof f->range), slice_of(heads, LOGS_SUM), seal);
}

static fallible
save_position(struct follower *f)
{
	uint8_t heads[LOGS_SUM], seal[DIGEST_SIZE];
	logs_sum(f->logs, heads);
	seal_position(f, heads, seal);
	return store_run(f->derived, QUERY_POSITION_PUT,
	                 BIND(as_number((int64_t)f->position), as_bytes(slice_of(&f->range, sizeof f->range)), as_bytes(slice_of(heads, sizeof heads)),
	                      as_bytes(slice_of(seal, sizeof seal))));
}

static fallible
derive_run(struct follower *f, bool *end)
{
	const uint64_t stop = f->position + BATCH;
	*end = false;
	while (!*end && f->position < stop) {
		uint64_t was = f->position, next;
		TRY(leaves_run(f->leaves, was, stop, derive_leaf, f, &next));
		*end = next == was;
	}
	TRY(save_terms(f));
	TRY(logs_save(f->logs, f->derived));
	return save_position(f);
}

/* One batch in one transaction. After a failure what is in memory is not what is in the file: the follower ends. */
static fallible
derive_batch(struct follower *f, bool *end)
{
	TRY(store_begin(f->derived));
	err_t e = derive_run(f, end);
	if (!e)
		e = store_commit(f->derived);
	if (e)
		store_rollback(f->derived);
	return e;
}

/* ---- seals ---- */

struct gathered {
	void *scope;
	size_t count;
	struct slice leaves[SEALED_BUNDLE];
};

static err_t
gather(void *context, uint64_t seq, struct slice leaf)
{
	struct gathered *g = context;
	(void)seq;
	g->leaves[g->count++] = memory_copy(g->scope, leaf);
	return NULL;
}

static fallible
seal_one(struct follower *f)
{
	SCOPED struct gathered *g = NEW(NULL, struct gathered);
	uint64_t end = f->sealed + SEALED_BUNDLE;
	g->scope = g;
	for (uint64_t from = f->sealed; from < end; ) {
		uint64_t next;
		TRY(leaves_run(f->leaves, from, end, gather, g, &next));
		if (next == from)
			return E_ENTRY_FORM;
		from = next;
	}
	TRY(sealer_add(f->sealer, g->leaves));
	f->sealed = end;
	return NULL;
}

fallible
follower_catch_up(struct follower *f)
{
	for (bool end = false; !end; ) {
		TRY(derive_batch(f, &end));
		while (f->sealed + SEALED_BUNDLE <= f->position)
			TRY(seal_one(f));
	}
	return NULL;
}

/* ---- opening ---- */

/* Fails with E_SEALED where what is there does not belong together. */
static fallible
load_position(struct follower *f)
{
	uint8_t seal[DIGEST_SIZE], heads[LOGS_SUM];
	SCOPED struct rows *rows = NULL;
	TRY(store_rows(NULL, f->derived, QUERY_POSITION_GET, BIND_NONE, &rows));
	if (!rows_next(rows))
		return rows_end(rows);
	if (row_bytes(rows, 1).size != sizeof f->range || row_bytes(rows, 2).size != LOGS_SUM || row_bytes(rows, 3).size != DIGEST_SIZE)
		return E_SEALED;
	f->position = (uint64_t)row_number(rows, 0);
	memcpy(&f->range, row_bytes(rows, 1).data, sizeof f->range);
	seal_position(f, row_bytes(rows, 2).data, seal);
	if (memcmp(seal, row_bytes(rows, 3).data, sizeof seal) != 0)
		return E_SEALED;
	TRY(logs_load(f->logs, f->derived));
	logs_sum(f->logs, heads);
	return memcmp(heads, row_bytes(rows, 2).data, sizeof heads) == 0 ? NULL : E_SEALED;
}

static fallible
clear(struct follower *f)
{
	f->position = 0;
	f->term_count = 0;
	f->range = (struct proof_range){ 0 };
	TRY(store_begin(f->derived));
	err_t e = store_run(f->derived, QUERY_TERMS_CLEAR, BIND_NONE);
	if (!e)
		e = store_run(f->derived, QUERY_LOG_TILES_CLEAR, BIND_NONE);
	if (!e)
		e = store_run(f->derived, QUERY_HEADS_CLEAR, BIND_NONE);
	if (!e)
		e = save_position(f);
	if (!e)
		return store_commit(f->derived);
	store_rollback(f->derived);
	return e;
}

static void
forget_logs(struct follower *f, const uint8_t map_key[32])
{
	talloc_free(f->logs);
	talloc_free(f->map);
	f->logs = logs_new(f, map_key);
	f->map = map_new(f);
}

fallible
follower_rebuild(struct follower *f, const uint8_t map_key[32])
{
	forget_logs(f, map_key);
	TRY(clear(f));
	return follower_catch_up(f);
}

static fallible
open_derived(struct follower *f)
{
	static const struct query *const tables[] = { QUERY_DERIVED_TERM, QUERY_DERIVED_HEAD, QUERY_DERIVED_LOG_TILE, QUERY_DERIVED_POSITION };
	SCOPED char *path = memory_format(NULL, "%s/ledger/derived.db", f->dir);
	TRY(store_open(f, path, STORE_DERIVED, &f->derived));
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
		TRY(store_run(f->derived, tables[i], BIND_NONE));
	return load_position(f);
}

static void
remove_derived(const struct follower *f)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		SCOPED char *path = memory_format(NULL, "%s/ledger/derived.db%s", f->dir, ends[i]);
		(void)unlink(path);
	}
}

/* What cannot be read, or does not belong together, is thrown away: it is made anew from the entries. */
static fallible
open_or_begin(struct follower *f, const uint8_t map_key[32])
{
	forget_logs(f, map_key);
	err_t e = open_derived(f);
	if (e != E_IO && e != E_STORE && e != E_SEALED)
		return e;
	log_event(LOG_ERROR, "ledger.derived.damaged", "code", e->name, "then", "it is made anew from the entries", NULL);
	talloc_free(TAKE(f->derived));
	remove_derived(f);
	f->position = 0;
	f->range = (struct proof_range){ 0 };
	forget_logs(f, map_key);
	return open_derived(f);
}

fallible
follower_open(const void *owner, const char *dir, const uint8_t map_key[32], struct follower **out)
{
	SCOPED struct follower *f = NEW(owner, struct follower);
	uint64_t first, end;
	f->dir = memory_text(f, slice_text(dir));
	TRY(leaves_open(f, dir, &f->leaves));
	TRY(leaves_tail(f->leaves, &first, &end));
	TRY(sealer_open(f, dir, first, &f->sealer, &f->sealed));
	TRY(hashes_open(f, dir, true, &f->hashes));
	TRY(open_or_begin(f, map_key));
	f->lost = f->position > (end > f->sealed ? end : f->sealed);
	if (!hashes_cover(f->hashes, f->position) || f->lost) {
		log_event(LOG_WARNING, "ledger.rebuilt", "why", f->lost ? "the store ends before what was derived from it" : "hashes are missing", NULL);
		TRY(follower_rebuild(f, map_key));
	} else
		TRY(follower_catch_up(f));
	*out = TAKE(f);
	return NULL;
}
