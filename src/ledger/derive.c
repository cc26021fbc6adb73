/* What is derived from the main order: the file of leaf hashes, the tree's range, and the search terms.
 *
 * D/ledger/derived.db holds the terms, the sizes of the logs and how far all of it has come; D/ledger/hashes holds
 * 32 bytes a leaf. Both can be thrown away: a start without them, or with fewer hashes than the position says, begins
 * anew at the first entry.
 */
#include "ledger/append.h"

#include "base/log.h"
#include "base/memory.h"
#include "ledger/derived_sql.h"
#include "ledger/ledger_sql.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 512, GATHER_MS = 100 };

int64_t
term_key(enum term term, struct slice value)
{
	uint8_t digest[DIGEST_SIZE], kind = (uint8_t)term;
	ledger_functions->sha256(NULL, (struct proof_bytes[]){ { &kind, 1 }, { value.data, value.size } }, 2, digest);
	int64_t key;
	memcpy(&key, digest, sizeof key);
	return key;
}

static fallible
add_term(struct store *derived, enum term term, struct proof_bytes value, uint64_t seq)
{
	if (!value.size)
		return NULL;
	return store_run(derived, QUERY_TERM_ADD,
	                 BIND(as_number(term_key(term, slice_of(value.data, value.size))), as_number((int64_t)seq)));
}

static fallible
add_terms(struct store *derived, const struct proof_entry *e, uint64_t seq)
{
	TRY(add_term(derived, TERM_ACTOR, e->actor, seq));
	TRY(add_term(derived, TERM_ACTOR, e->on_behalf, seq));
	TRY(add_term(derived, TERM_LOG, e->log, seq));
	TRY(add_term(derived, TERM_RESOURCE, e->resource, seq));
	TRY(add_term(derived, TERM_CREDENTIAL, e->credential, seq));
	return add_term(derived, TERM_PURPOSE, e->purpose, seq);
}

static fallible
derive_leaf(struct store *derived, int hashes, struct proof_range *range, uint64_t seq, struct slice leaf)
{
	uint8_t data[1 + PROOF_HASH] = { 0 };
	struct proof_bytes entry = { leaf.data + 1, leaf.size - 1 };
	struct proof_entry e;
	const char *fault;
	if (leaf.size < 2 || leaf.data[0] != 0 || !proof_entry_parse(entry, &e, &fault))
		return E_ENTRY_FORM;
	ledger_functions->sha256(NULL, &entry, 1, data + 1);
	struct proof_hash hash = proof_leaf_hash(ledger_functions, (struct proof_bytes){ data, sizeof data });
	if (pwrite(hashes, hash.bytes, sizeof hash.bytes, (off_t)(seq * PROOF_HASH)) != PROOF_HASH)
		return E_IO;
	proof_range_append(ledger_functions, range, &hash);
	TRY(store_run(derived, QUERY_HEAD_PUT, BIND(as_text(slice_of(e.log.data, e.log.size)), as_number((int64_t)e.log_seq + 1),
	                                           as_number((int64_t)e.time))));
	return add_terms(derived, &e, seq);
}

/* One batch in one transaction; *more is false where the end was reached. */
static fallible
derive_batch(struct store *source, struct store *derived, int hashes, struct proof_range *range, uint64_t *position, bool *more)
{
	struct proof_range r = *range;
	uint64_t at = *position;
	SCOPED struct rows *rows = NULL;
	TRY(store_rows(NULL, source, QUERY_TAIL_FROM, BIND(as_number((int64_t)at), as_number(BATCH)), &rows));
	TRY(store_begin(derived));
	err_t e = NULL;
	while (!e && rows_next(rows)) {
		e = (uint64_t)row_number(rows, 0) == at ? derive_leaf(derived, hashes, &r, at, row_bytes(rows, 1)) : E_ENTRY_FORM;
		at++;
	}
	if (!e)
		e = rows_end(rows);
	if (!e)
		e = store_run(derived, QUERY_POSITION_PUT, BIND(as_number((int64_t)at), as_bytes(slice_of(&r, sizeof r))));
	if (!e)
		e = store_commit(derived);
	if (e) {
		store_rollback(derived);
		return e;
	}
	*more = at == *position + BATCH;
	*range = r;
	*position = at;
	return NULL;
}

fallible
ledger_catch_up(struct store *source, struct store *derived, int hashes, struct proof_range *range,
                uint64_t *position)
{
	for (bool more = true; more; )
		TRY(derive_batch(source, derived, hashes, range, position, &more));
	return NULL;
}

static fallible
load_position(struct store *derived, int hashes, uint64_t *position, struct proof_range *range)
{
	SCOPED struct rows *rows = NULL;
	struct stat st;
	*position = 0;
	*range = (struct proof_range){ 0 };
	TRY(store_rows(NULL, derived, QUERY_POSITION_GET, BIND_NONE, &rows));
	if (rows_next(rows) && row_bytes(rows, 1).size == sizeof *range) {
		*position = (uint64_t)row_number(rows, 0);
		memcpy(range, row_bytes(rows, 1).data, sizeof *range);
	}
	TRY(rows_end(rows));
	if (fstat(hashes, &st) != 0)
		return E_IO;
	if ((uint64_t)st.st_size >= *position * PROOF_HASH)
		return NULL;
	*position = 0;
	*range = (struct proof_range){ 0 };
	TRY(store_run(derived, QUERY_TERMS_CLEAR, BIND_NONE));
	return store_run(derived, QUERY_HEADS_CLEAR, BIND_NONE);
}

fallible
derived_open(const void *owner, const char *dir, struct store **out, int *hashes, uint64_t *position,
             struct proof_range *range)
{
	SCOPED char *db = memory_format(NULL, "%s/ledger/derived.db", dir), *file = memory_format(NULL, "%s/ledger/hashes", dir);
	SCOPED struct store *derived = NULL;
	TRY(store_open(owner, db, STORE_DERIVED, &derived));
	TRY(store_run(derived, QUERY_DERIVED_TERM, BIND_NONE));
	TRY(store_run(derived, QUERY_DERIVED_HEAD, BIND_NONE));
	TRY(store_run(derived, QUERY_DERIVED_POSITION, BIND_NONE));
	int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return E_IO;
	err_t e = load_position(derived, fd, position, range);
	if (e) {
		close(fd);
		return e;
	}
	*hashes = fd;
	*out = TAKE(derived);
	return NULL;
}

static fallible
load_heads(struct ledger *l, struct store *derived)
{
	SCOPED struct rows *rows = NULL;
	TRY(store_rows(NULL, derived, QUERY_HEADS, BIND_NONE, &rows));
	while (rows_next(rows)) {
		struct head *h = ledger_head(l, row_text(rows, 0));
		h->size = h->committed = (uint64_t)row_number(rows, 1);
		if (row_number(rows, 2) > l->last_time)
			l->last_time = row_number(rows, 2);
	}
	return rows_end(rows);
}

static int
close_ledger(struct ledger *l)
{
	pthread_mutex_destroy(&l->lock);
	pthread_cond_destroy(&l->grown);
	return 0;
}

fallible
ledger_open(const void *owner, const char *dir, struct store *source, struct ledger **out)
{
	SCOPED struct ledger *l = NEW(owner, struct ledger);
	SCOPED struct store *derived = NULL;
	struct proof_range range;
	uint64_t position;
	int hashes;
	l->dir = memory_text(l, slice_text(dir));
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->grown, NULL);
	talloc_set_destructor(l, close_ledger);
	TRY(derived_open(NULL, dir, &derived, &hashes, &position, &range));
	err_t e = ledger_catch_up(source, derived, hashes, &range, &position);
	close(hashes);
	TRY(e);
	TRY(load_heads(l, derived));
	l->next = l->committed = position;
	atomic_store(&l->size, position);
	*out = TAKE(l);
	return NULL;
}

/* Waits for more, then lets it gather: one transaction over many entries costs a fraction of one for each, and search
 * reads what is not yet derived from the main order. */
static bool
wait_for_more(struct ledger *l, uint64_t position)
{
	struct timespec until;
	pthread_mutex_lock(&l->lock);
	while (!l->ending && ledger_size(l) <= position)
		pthread_cond_wait(&l->grown, &l->lock);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += GATHER_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	while (!l->ending && pthread_cond_timedwait(&l->grown, &l->lock, &until) == 0)
		;
	bool go_on = !l->ending;
	pthread_mutex_unlock(&l->lock);
	return go_on;
}

err_t
ledger_follow(struct ledger *l)
{
	SCOPED char *path = memory_format(NULL, "%s/store/store.db", l->dir);
	SCOPED struct store *source = NULL, *derived = NULL;
	struct proof_range range;
	uint64_t position;
	int hashes;
	TRY(store_open(NULL, path, STORE_READ, &source));
	TRY(derived_open(NULL, l->dir, &derived, &hashes, &position, &range));
	err_t e = NULL;
	while (!e && wait_for_more(l, position)) {
		e = ledger_catch_up(source, derived, hashes, &range, &position);
		if (!e && store_wal_size(derived) > 8 << 20)
			e = store_checkpoint(derived);
	}
	close(hashes);
	return e;
}

void
ledger_unfollow(struct ledger *l)
{
	pthread_mutex_lock(&l->lock);
	l->ending = true;
	pthread_cond_signal(&l->grown);
	pthread_mutex_unlock(&l->lock);
}
