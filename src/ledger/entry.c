/* A draft's bytes: deterministic CBOR (RFC 8949 §4.2.1), keys as LEDGER.md numbers them. */
#include "ledger/ledger.h"

#include "base/cursor.h"
#include "base/id.h"
#include "base/memory.h"
#include "ledger/cbor.h"

void
pairs_number(struct pairs *p, const char *key, int64_t number)
{
	if (p->count < PAIRS)
		p->pairs[p->count++] = (struct pair){ .key = key, .number = number };
}

void
pairs_text(struct pairs *p, const char *key, struct slice text)
{
	if (p->count < PAIRS)
		p->pairs[p->count++] = (struct pair){ .key = key, .is_text = true, .text = text };
}

static void
put_string(struct writer *w, unsigned major, struct slice s)
{
	put_head(w, major, s.size);
	write_bytes(w, s);
}

static void
put_text_at(struct writer *w, unsigned key, struct slice s)
{
	if (s.size == 0)
		return;
	put_head(w, MAJOR_UINT, key);
	put_string(w, MAJOR_TEXT, s);
}

static void
put_bytes_at(struct writer *w, unsigned key, struct slice s)
{
	put_head(w, MAJOR_UINT, key);
	put_string(w, MAJOR_BYTES, s);
}

static void
put_number_at(struct writer *w, unsigned key, uint64_t n)
{
	put_head(w, MAJOR_UINT, key);
	put_head(w, MAJOR_UINT, n);
}

/* Shorter keys first, then bytewise: the order of their encodings. */
static int
compare_pairs(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	size_t n = strlen(x->key), m = strlen(y->key);
	return n != m ? (n > m) - (n < m) : strcmp(x->key, y->key);
}

static void
put_pairs(struct writer *w, const struct pairs *p)
{
	struct pairs sorted = *p;
	qsort(sorted.pairs, sorted.count, sizeof *sorted.pairs, compare_pairs);
	put_head(w, MAJOR_MAP, sorted.count);
	for (size_t i = 0; i < sorted.count; i++) {
		const struct pair *pair = &sorted.pairs[i];
		put_string(w, MAJOR_TEXT, slice_text(pair->key));
		if (pair->is_text)
			put_string(w, MAJOR_TEXT, pair->text);
		else if (pair->number >= 0)
			put_head(w, MAJOR_UINT, (uint64_t)pair->number);
		else
			put_head(w, MAJOR_NEGATIVE, (uint64_t)(-1 - pair->number));
	}
}

/* Keys 20 to 22: LEDGER.md, "Detail key". */
static fallible
put_detail(struct writer *w, const uint8_t ledger_key[KEY_SIZE], uint32_t generation, const struct draft *d, struct slice blind)
{
	uint8_t plain[PROOF_ENTRY_MAX], sealed[PROOF_ENTRY_MAX + SEAL_TAG], detail_key[DIGEST_SIZE], commitment[DIGEST_SIZE];
	struct writer p = writer_of(plain, sizeof plain);
	put_pairs(&p, &d->detail);
	if (p.failed)
		return E_ENTRY_SIZE;
	hmac_sha256(ledger_key, blind, detail_key);
	hmac_sha256(detail_key, writer_slice(&p), commitment);
	err_t e = aead_seal(detail_key, (struct slice){ NULL, 0 }, writer_slice(&p), sealed);
	memory_wipe(detail_key, sizeof detail_key);
	TRY(e);
	put_bytes_at(w, 20, slice_of(sealed, p.size + SEAL_TAG));
	put_bytes_at(w, 21, slice_of(commitment, sizeof commitment));
	put_number_at(w, 22, generation);
	return NULL;
}

static uint64_t
count_keys(const struct draft *d)
{
	const struct slice texts[] = { d->actor, d->credential, d->operation, d->resource, d->purpose, d->on_behalf };
	uint64_t n = 7;                 /* 0 to 6 */
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		n += texts[i].size > 0;
	n += (uint64_t)((d->decision != DECISION_NONE) + (d->policy_count > 0) + (d->policy_set != NULL) + (d->outcome.count > 0));
	return n + (d->detail.count > 0 ? 3 : 0);
}

static void
put_policies(struct writer *w, const struct draft *d)
{
	if (d->policy_count) {
		put_head(w, MAJOR_UINT, 11);
		put_head(w, MAJOR_ARRAY, d->policy_count);
		for (size_t i = 0; i < d->policy_count; i++)
			put_string(w, MAJOR_TEXT, d->policies[i]);
	}
	if (d->policy_set)
		put_bytes_at(w, 12, slice_of(d->policy_set, DIGEST_SIZE));
}

static void
put_after(struct writer *w, const struct draft *d, const struct pairs *outcome)
{
	put_bytes_at(w, 5, slice_of(d->passage, PASSAGE_SIZE));
	put_number_at(w, 6, (uint64_t)d->kind);
	put_text_at(w, 7, d->actor);
	put_text_at(w, 8, d->credential);
	put_text_at(w, 9, d->operation);
	if (d->decision != DECISION_NONE)
		put_number_at(w, 10, (uint64_t)d->decision);
	put_policies(w, d);
	put_text_at(w, 13, d->resource);
	put_text_at(w, 14, d->purpose);
	if (outcome->count) {
		put_head(w, MAJOR_UINT, 15);
		put_pairs(w, outcome);
	}
	put_text_at(w, 17, d->on_behalf);
}

/* After a shred there is no key to put a detail under, and there never will be: the entry goes without one. */
static fallible
ledger_key_of(struct keys *keys, struct draft *d, uint8_t key[KEY_SIZE], uint32_t *generation)
{
	err_t e = d->detail.count ? keys_make(keys, d->log, USE_LEDGER, key, generation) : NULL;
	if (e == E_SHREDDED)
		d->detail.count = 0;
	return e == E_SHREDDED ? NULL : e;
}

static void
put_before_and_middle(struct writer *w, const struct draft *d, struct slice blind, size_t *first, size_t *second)
{
	put_head(w, MAJOR_MAP, count_keys(d));
	put_number_at(w, 0, 1);
	put_bytes_at(w, 1, blind);
	*first = w->size;
	put_text_at(w, 3, d->log);
	*second = w->size;
}

fallible
draft_encode(const void *owner, struct keys *keys, const struct draft *original, struct encoded *out)
{
	struct draft d = *original;
	uint8_t ledger_key[KEY_SIZE];
	uint32_t generation = 0;
	size_t first, second;
	uint8_t *room = talloc_size(owner, PROOF_ENTRY_MAX), blind[PASSAGE_SIZE];
	struct writer w = writer_of(room, PROOF_ENTRY_MAX - 32);        /* sequence and time take 20 bytes at most */
	struct encoded e = { .log = d.log };
	struct moment now = clock_read();
	if (now.behind)
		pairs_number(&d.outcome, "wall", now.wall);
	TRY(ledger_key_of(keys, &d, ledger_key, &generation));
	random_bytes(blind, sizeof blind);
	put_before_and_middle(&w, &d, slice_of(blind, sizeof blind), &first, &second);
	put_after(&w, &d, &d.outcome);
	err_t failed = d.detail.count ? put_detail(&w, ledger_key, generation, &d, slice_of(blind, sizeof blind)) : NULL;
	memory_wipe(ledger_key, sizeof ledger_key);
	TRY(failed);
	if (w.failed)
		return E_ENTRY_SIZE;
	e.before = slice_of(room, first);
	e.middle = slice_of(room + first, second - first);
	e.after = slice_of(room + second, w.size - second);
	*out = e;
	return NULL;
}
