/* Searching and verifying, on a connection of the reader's own. */
#include "ledger/append.h"

#include "base/memory.h"
#include "ledger/derived_sql.h"
#include "ledger/ledger_sql.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { PAGE = 256 };

struct ledger_reader {
	char *dir;
	struct store *source, *derived;
	int hashes;
};

static int
close_reader(struct ledger_reader *r)
{
	close(r->hashes);
	return 0;
}

fallible
ledger_reader_open(const void *owner, const char *dir, struct ledger_reader **out)
{
	SCOPED struct ledger_reader *r = NEW(owner, struct ledger_reader);
	SCOPED char *store = memory_format(NULL, "%s/store/store.db", dir), *derived = memory_format(NULL, "%s/ledger/derived.db", dir);
	SCOPED char *hashes = memory_format(NULL, "%s/ledger/hashes", dir);
	r->dir = memory_text(r, slice_text(dir));
	TRY(store_open(r, store, STORE_READ, &r->source));
	TRY(store_open(r, derived, STORE_READ, &r->derived));
	r->hashes = open(hashes, O_RDONLY | O_CLOEXEC);
	if (r->hashes < 0)
		return E_IO;
	talloc_set_destructor(r, close_reader);
	*out = TAKE(r);
	return NULL;
}

/* ---- searching ---- */

static bool
same(struct slice wanted, struct proof_bytes is)
{
	return wanted.size == 0 || slice_equal(wanted, slice_of(is.data, is.size));
}

static bool
ends_with(struct slice tail, struct proof_bytes whole)
{
	if (tail.size == 0)
		return true;
	return whole.size > tail.size && whole.data[whole.size - tail.size - 1] == '/' &&
	       memcmp(whole.data + whole.size - tail.size, tail.data, tail.size) == 0;
}

static bool
matches(const struct ledger_filter *f, const struct proof_entry *e)
{
	return (same(f->actor, e->actor) || same(f->actor, e->on_behalf)) && same(f->log, e->log) &&
	       same(f->resource, e->resource) && ends_with(f->resource_tail, e->resource) && same(f->credential, e->credential) &&
	       same(f->purpose, e->purpose) && (int64_t)e->time >= f->from && (!f->to || (int64_t)e->time < f->to);
}

struct search {
	struct ledger_reader *reader;
	const struct ledger_filter *filter;
	err_t (*each)(void *, uint64_t, struct slice, const struct proof_entry *);
	void *argument;
	size_t found;
	bool past;                      /* older than `from`: nothing more can match */
};

static fallible
try_leaf(struct search *s, uint64_t seq, struct slice leaf)
{
	struct slice bytes = slice_from(leaf, 1);
	struct proof_entry e;
	const char *fault;
	if (leaf.size == 0 || leaf.data[0] != 0)
		return NULL;
	if (!proof_entry_parse((struct proof_bytes){ bytes.data, bytes.size }, &e, &fault))
		return E_ENTRY_FORM;
	s->past = (int64_t)e.time < s->filter->from;
	if (!matches(s->filter, &e))
		return NULL;
	s->found++;
	return s->each(s->argument, seq, bytes, &e);
}

static bool
is_done(const struct search *s)
{
	return s->past || (s->filter->limit && s->found >= s->filter->limit);
}

/* Leaf by leaf from `before` down to `least`. */
static fallible
scan(struct search *s, uint64_t before, uint64_t least)
{
	while (before > least && !is_done(s)) {
		SCOPED struct rows *rows = NULL;
		uint64_t was = before;
		TRY(store_rows(NULL, s->reader->source, QUERY_TAIL_BEFORE,
		               BIND(as_number((int64_t)before), as_number((int64_t)least), as_number(PAGE)), &rows));
		while (!is_done(s) && rows_next(rows)) {
			before = (uint64_t)row_number(rows, 0);
			TRY(try_leaf(s, before, row_bytes(rows, 1)));
		}
		if (is_done(s))
			return NULL;
		TRY(rows_end(rows));
		if (before == was)
			return NULL;
	}
	return NULL;
}

static fallible
try_seq(struct search *s, uint64_t seq)
{
	SCOPED struct rows *rows = NULL;
	TRY(store_rows(NULL, s->reader->source, QUERY_TAIL_GET, BIND(as_number((int64_t)seq)), &rows));
	if (rows_next(rows))
		return try_leaf(s, seq, row_bytes(rows, 0));
	return rows_end(rows);
}

static fallible
follow_term(struct search *s, int64_t key, uint64_t before)
{
	for (bool more = true; more && !is_done(s); ) {
		SCOPED struct rows *rows = NULL;
		TRY(store_rows(NULL, s->reader->derived, QUERY_TERM_BEFORE,
		               BIND(as_number(key), as_number((int64_t)before), as_number(0), as_number(PAGE)), &rows));
		more = false;
		while (!is_done(s) && rows_next(rows)) {
			before = (uint64_t)row_number(rows, 0);
			TRY(try_seq(s, before));
			more = true;
		}
		if (is_done(s))
			return NULL;
		TRY(rows_end(rows));
	}
	return NULL;
}

/* The narrowest term of the filter; 0 where it has none. */
static int64_t
choose_term(const struct ledger_filter *f)
{
	if (f->credential.size)
		return term_key(TERM_CREDENTIAL, f->credential);
	if (f->purpose.size)
		return term_key(TERM_PURPOSE, f->purpose);
	if (f->resource.size)
		return term_key(TERM_RESOURCE, f->resource);
	if (f->actor.size)
		return term_key(TERM_ACTOR, f->actor);
	return f->log.size ? term_key(TERM_LOG, f->log) : 0;
}

static fallible
position_of(struct store *derived, uint64_t *position)
{
	SCOPED struct rows *rows = NULL;
	TRY(store_rows(NULL, derived, QUERY_POSITION_GET, BIND_NONE, &rows));
	*position = rows_next(rows) ? (uint64_t)row_number(rows, 0) : 0;
	return rows_end(rows);
}

fallible
ledger_search(struct ledger_reader *r, const struct ledger_filter *f,
              err_t (*each)(void *, uint64_t, struct slice, const struct proof_entry *), void *argument)
{
	struct search s = { .reader = r, .filter = f, .each = each, .argument = argument };
	uint64_t before = f->before ? f->before : INT64_MAX, position;
	int64_t key = choose_term(f);
	if (!key)
		return scan(&s, before, 0);
	TRY(position_of(r->derived, &position));
	TRY(scan(&s, before, position));        /* what is not yet derived */
	return is_done(&s) ? NULL : follow_term(&s, key, before < position ? before : position);
}

/* ---- verifying ---- */

struct log_size {
	struct log_size *next;
	char *log;
	uint64_t size;
};

struct verify {
	struct ledger_reader *reader;
	struct ledger_check *check;
	struct proof_range range;
	struct log_size *logs[1024];
	uint64_t next;
	int64_t time;
};

static void
report(struct verify *v, const char *kind, const char *file, uint64_t index, const char *text)
{
	v->check->faults++;
	v->check->fault(v->check->argument, kind, file, index, text);
}

static struct log_size *
log_of(struct verify *v, struct proof_bytes log)
{
	size_t at = 0;
	for (size_t i = 0; i < log.size; i++)
		at = at * 31 + log.data[i];
	struct log_size **bucket = &v->logs[at % (sizeof v->logs / sizeof *v->logs)];
	for (struct log_size *l = *bucket; l; l = l->next)
		if (slice_is(slice_of(log.data, log.size), l->log))
			return l;
	struct log_size *l = NEW(v, struct log_size);
	l->log = memory_text(l, slice_of(log.data, log.size));
	l->next = *bucket;
	return *bucket = l;
}

static void
verify_order(struct verify *v, uint64_t seq, const struct proof_entry *e)
{
	struct log_size *log = log_of(v, e->log);
	if (e->log_seq != log->size)
		report(v, "order", "store/store.db", seq, "the sequence in its log is not the next");
	log->size = e->log_seq + 1;
	if ((int64_t)e->time < v->time)
		report(v, "order", "store/store.db", seq, "the recorded time falls");
	v->time = (int64_t)e->time;
}

static void
verify_hash(struct verify *v, uint64_t seq, const struct proof_hash *hash)
{
	struct proof_hash kept;
	ssize_t n = pread(v->reader->hashes, kept.bytes, sizeof kept.bytes, (off_t)(seq * PROOF_HASH));
	if (n == 0)
		return;                 /* not yet derived */
	if (n != PROOF_HASH)
		report(v, "tree", "ledger/hashes", seq, "the file of hashes ends inside a hash");
	else if (memcmp(kept.bytes, hash->bytes, sizeof kept.bytes) != 0)
		report(v, "entry", "store/store.db", seq, "the entry's hash is not the one that was recorded");
}

static void
verify_leaf(struct verify *v, uint64_t seq, struct slice leaf)
{
	uint8_t data[1 + PROOF_HASH] = { 0 };
	struct slice bytes = slice_from(leaf, 1);
	struct proof_bytes entry = { bytes.data, bytes.size };
	struct proof_entry e;
	const char *why = "not an entry";
	for (; v->next < seq; v->next++)
		report(v, "order", "store/store.db", v->next, "the entry is missing");
	v->next = seq + 1;
	if (leaf.size == 0 || leaf.data[0] != 0 || !proof_entry_parse(entry, &e, &why))
		report(v, "entry", "store/store.db", seq, why);
	else
		verify_order(v, seq, &e);
	ledger_functions->sha256(NULL, &entry, 1, data + 1);
	struct proof_hash hash = proof_leaf_hash(ledger_functions, (struct proof_bytes){ data, sizeof data });
	verify_hash(v, seq, &hash);
	proof_range_append(ledger_functions, &v->range, &hash);
	v->check->entries++;
	if (v->check->progress && v->check->entries % 4096 == 0)
		v->check->progress(v->check->argument, v->check->entries);
}

/* In reading transactions of a page each, resumed by key. */
static fallible
verify_leaves(struct verify *v)
{
	for (uint64_t before = UINT64_MAX; before != v->next; ) {
		SCOPED struct rows *rows = NULL;
		before = v->next;
		TRY(store_rows(NULL, v->reader->source, QUERY_TAIL_FROM, BIND(as_number((int64_t)v->next), as_number(4096)), &rows));
		while (rows_next(rows))
			verify_leaf(v, (uint64_t)row_number(rows, 0), row_bytes(rows, 1));
		TRY(rows_end(rows));
	}
	return NULL;
}

/* A lost tail: hashes were derived of entries that are no longer there. */
static fallible
verify_end(struct verify *v)
{
	uint64_t position;
	TRY(position_of(v->reader->derived, &position));
	for (uint64_t seq = v->next; seq < position; seq++)
		report(v, "order", "store/store.db", seq, "the entry is missing at the end");
	return NULL;
}

fallible
ledger_verify(struct ledger_reader *r, struct ledger_check *check)
{
	SCOPED struct verify *v = NEW(NULL, struct verify);
	v->reader = r;
	v->check = check;
	check->entries = check->faults = 0;
	TRY(verify_leaves(v));
	TRY(verify_end(v));
	check->root = proof_range_root(ledger_functions, &v->range);
	return NULL;
}
