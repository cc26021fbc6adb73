/* Searching, on connections of the reader's own. */
#include "ledger/append.h"

#include "base/memory.h"
#include "ledger/derived_sql.h"
#include "ledger/reader.h"

#include <unistd.h>

enum { PAGE = 256 };

fallible
ledger_reader_open(const void *owner, const char *dir, struct ledger_reader **out)
{
	SCOPED struct ledger_reader *r = NEW(owner, struct ledger_reader);
	SCOPED char *derived = memory_format(NULL, "%s/ledger/derived.db", dir);
	r->dir = memory_text(r, slice_text(dir));
	TRY(leaves_open(r, dir, &r->leaves));
	if (access(derived, F_OK) == 0 && store_open(r, derived, STORE_READ, &r->derived)) {
		r->derived = NULL;
		r->damaged = true;
	}
	err_t e = hashes_open(r, dir, false, &r->hashes);
	if (e && e != E_NOT_FOUND)
		return e;
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
	       same(f->purpose, e->purpose) && same(f->passage, e->passage) && (int64_t)e->time >= f->from && (!f->to || (int64_t)e->time < f->to);
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

struct page {
	size_t count;
	uint64_t seqs[PAGE];
	struct slice leaves[PAGE];
};

static err_t
keep_leaf(void *argument, uint64_t seq, struct slice leaf)
{
	struct page *page = argument;
	page->seqs[page->count] = seq;
	page->leaves[page->count++] = memory_copy(page, leaf);
	return NULL;
}

/* Leaf by leaf from `before` down to `least`, a page of them at a time. */
static fallible
scan(struct search *s, uint64_t before, uint64_t least)
{
	while (before > least && !is_done(s)) {
		SCOPED struct page *page = NEW(NULL, struct page);
		uint64_t begin = before - least > PAGE ? before - PAGE : least, next = begin, was;
		do {
			was = next;
			TRY(leaves_run(s->reader->leaves, was, before, keep_leaf, page, &next));
		} while (next != was && next < before);
		for (size_t i = page->count; i > 0 && !is_done(s); i--)
			TRY(try_leaf(s, page->seqs[i - 1], page->leaves[i - 1]));
		before = begin;
	}
	return NULL;
}

static fallible
try_seq(struct search *s, uint64_t seq)
{
	struct slice leaf;
	err_t e = leaves_get(s->reader->leaves, seq, &leaf);
	return e == E_NOT_FOUND ? NULL : e ? e : try_leaf(s, seq, leaf);
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

fallible
ledger_reader_derived(struct ledger_reader *r, uint64_t *position)
{
	SCOPED struct rows *rows = NULL;
	*position = 0;
	if (!r->derived)
		return NULL;
	TRY(store_rows(NULL, r->derived, QUERY_POSITION_GET, BIND_NONE, &rows));
	*position = rows_next(rows) ? (uint64_t)row_number(rows, 0) : 0;
	return rows_end(rows);
}

/* One past the last leaf: of the tail, or where that was trimmed to nothing, of what is derived. */
fallible
ledger_reader_end(struct ledger_reader *r, uint64_t *end)
{
	uint64_t first, position;
	TRY(ledger_reader_derived(r, &position));
	TRY(leaves_tail(r->leaves, &first, end));
	*end = position > *end ? position : *end;
	return NULL;
}

fallible
ledger_search(struct ledger_reader *r, const struct ledger_filter *f,
              err_t (*each)(void *, uint64_t, struct slice, const struct proof_entry *), void *argument)
{
	struct search s = { .reader = r, .filter = f, .each = each, .argument = argument };
	uint64_t before, position;
	int64_t key = choose_term(f);
	TRY(ledger_reader_end(r, &before));
	before = f->before && f->before < before ? f->before : before;
	if (!key)
		return scan(&s, before, 0);
	TRY(ledger_reader_derived(r, &position));
	TRY(scan(&s, before, position));        /* what is not yet derived */
	return is_done(&s) ? NULL : follow_term(&s, key, before < position ? before : position);
}

/* ---- in order ---- */

struct walk {
	err_t (*each)(void *, uint64_t, struct slice, const struct proof_entry *);
	void *argument;
	size_t left;
	uint64_t next;
};

static err_t
walk_leaf(void *context, uint64_t seq, struct slice leaf)
{
	struct walk *w = context;
	struct slice bytes = slice_from(leaf, 1);
	struct proof_entry e;
	const char *fault;
	if (w->left == 0)
		return NULL;
	w->next = seq + 1;
	if (leaf.size == 0 || leaf.data[0] != 0)
		return NULL;
	if (!proof_entry_parse((struct proof_bytes){ bytes.data, bytes.size }, &e, &fault))
		return E_ENTRY_FORM;
	w->left--;
	return w->each(w->argument, seq, bytes, &e);
}

fallible
ledger_each(struct ledger_reader *r, uint64_t from, size_t limit, err_t (*each)(void *, uint64_t, struct slice, const struct proof_entry *),
            void *argument, uint64_t *next)
{
	struct walk w = { .each = each, .argument = argument, .left = limit, .next = from };
	for (uint64_t before = from, ignored; w.left; before = w.next) {
		TRY(leaves_run(r->leaves, before, UINT64_MAX >> 1, walk_leaf, &w, &ignored));
		if (w.next == before)
			break;
	}
	*next = w.next;
	return NULL;
}
