#include "ledger/leaves.h"

#include "base/memory.h"
#include "ledger/ledger_sql.h"
#include "proof/proof.h"

enum { PAGE = 512 };

struct leaves {
	struct store *store;
	struct seals *sealed;
	uint8_t kept[PROOF_ENTRY_MAX + 1];
};

fallible
leaves_open(const void *owner, const char *dir, struct leaves **out)
{
	SCOPED struct leaves *l = NEW(owner, struct leaves);
	SCOPED char *path = memory_format(NULL, "%s/store/store.db", dir);
	TRY(store_open(l, path, STORE_READ, &l->store));
	TRY(seals_open(l, dir, &l->sealed));
	*out = TAKE(l);
	return NULL;
}

struct store *
leaves_store(struct leaves *l)
{
	return l->store;
}

struct seals *
leaves_seals(struct leaves *l)
{
	return l->sealed;
}

fallible
leaves_get(struct leaves *l, uint64_t seq, struct slice *leaf)
{
	SCOPED struct rows *rows = NULL;
	TRY(store_rows(NULL, l->store, leaf_is_odd(seq) ? QUERY_TAIL_GET_ODD : QUERY_TAIL_GET, BIND(as_number((int64_t)seq)), &rows));
	if (!rows_next(rows)) {
		TRY(rows_end(rows));
		return seals_leaf(l->sealed, seq, leaf);
	}
	struct slice bytes = row_bytes(rows, 0);
	if (bytes.size > sizeof l->kept)
		return E_ENTRY_SIZE;
	memcpy(l->kept, bytes.data, bytes.size);
	*leaf = slice_of(l->kept, bytes.size);
	return NULL;
}

static fallible
run_sealed(struct leaves *l, uint64_t from, uint64_t to, err_t (*each)(void *, uint64_t, struct slice), void *argument,
           uint64_t *next)
{
	const struct slice *bundle;
	err_t e = seals_bundle(l->sealed, from / SEALED_BUNDLE, &bundle);
	if (e == E_NOT_FOUND)
		return NULL;
	TRY(e);
	for (uint64_t seq = from; seq < to && (seq == from || seq % SEALED_BUNDLE); seq++) {
		TRY(each(argument, seq, bundle[seq % SEALED_BUNDLE]));
		*next = seq + 1;
	}
	return NULL;
}

fallible
leaves_run(struct leaves *l, uint64_t from, uint64_t to, err_t (*each)(void *, uint64_t, struct slice), void *argument,
           uint64_t *next)
{
	SCOPED struct rows *rows = NULL;
	uint64_t end = (from / SEALED_FILE + 1) * SEALED_FILE;
	*next = from;
	TRY(store_rows(NULL, l->store, leaf_is_odd(from) ? QUERY_TAIL_FROM_ODD : QUERY_TAIL_FROM,
	               BIND(as_number((int64_t)from), as_number((int64_t)(to < end ? to : end)), as_number(PAGE)), &rows));
	bool found = rows_next(rows);
	if (!found || (uint64_t)row_number(rows, 0) != from)
		TRY(run_sealed(l, from, to, each, argument, next));
	if (*next != from || !found)
		return NULL;
	do {
		uint64_t seq = (uint64_t)row_number(rows, 0);
		TRY(each(argument, seq, row_bytes(rows, 1)));
		*next = seq + 1;
	} while (rows_next(rows));
	return rows_end(rows);
}

static fallible
one_number(struct store *store, const struct query *query, int64_t otherwise, int64_t *out)
{
	SCOPED struct rows *rows = NULL;
	TRY(store_rows(NULL, store, query, BIND_NONE, &rows));
	*out = rows_next(rows) ? row_number(rows, 0) : otherwise;
	return rows_end(rows);
}

fallible
leaves_tail(struct leaves *l, uint64_t *first, uint64_t *end)
{
	int64_t even, odd, last_even, last_odd;
	TRY(one_number(l->store, QUERY_TAIL_FIRST, INT64_MAX, &even));
	TRY(one_number(l->store, QUERY_TAIL_FIRST_ODD, INT64_MAX, &odd));
	TRY(one_number(l->store, QUERY_TAIL_LAST, -1, &last_even));
	TRY(one_number(l->store, QUERY_TAIL_LAST_ODD, -1, &last_odd));
	*end = (uint64_t)((last_even > last_odd ? last_even : last_odd) + 1);
	*first = *end ? (uint64_t)(even < odd ? even : odd) : 0;
	return NULL;
}
