#include "ledger/append.h"

#include "base/cursor.h"
#include "base/memory.h"
#include "ledger/cbor.h"
#include "ledger/ledger_sql.h"
#include "proof/note.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

static void
sha256_parts(void *context, const struct proof_bytes *parts, size_t count, uint8_t out[PROOF_HASH])
{
	SHA256_CTX c;
	(void)context;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"      /* an EVP context costs an allocation for each hash */
	SHA256_Init(&c);
	for (size_t i = 0; i < count; i++)
		SHA256_Update(&c, parts[i].data, parts[i].size);
	SHA256_Final(out, &c);
#pragma GCC diagnostic pop
}

static bool
ed25519_parts(void *context, const uint8_t key[32], const struct proof_bytes *parts, size_t count, const uint8_t signature[64])
{
	SCOPED void *scope = talloc_new(NULL);
	size_t size = 0;
	(void)context;
	for (size_t i = 0; i < count; i++)
		size += parts[i].size;
	uint8_t *whole = talloc_size(scope, size + 1);
	struct writer w = writer_of(whole, size + 1);
	for (size_t i = 0; i < count; i++)
		write_bytes(&w, slice_of(parts[i].data, parts[i].size));
	EVP_PKEY *public = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, 32);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool good = public && c && EVP_DigestVerifyInit(c, NULL, NULL, NULL, public) == 1 &&
	            EVP_DigestVerify(c, signature, 64, w.data, w.size) == 1;
	EVP_MD_CTX_free(c);
	EVP_PKEY_free(public);
	return good;
}

const struct proof_functions ledger_functions[1] = { { .sha256 = sha256_parts, .ed25519 = ed25519_parts } };

struct head *
ledger_head(struct ledger *l, struct slice log)
{
	size_t at = 5381;
	for (size_t i = 0; i < log.size; i++)
		at = at * 33 ^ log.data[i];
	struct head **bucket = &l->heads[at % BUCKETS];
	for (struct head *h = *bucket; h; h = h->next)
		if (slice_is(log, h->log))
			return h;
	struct head *h = NEW(l, struct head);
	h->log = memory_text(h, log);
	h->next = *bucket;
	return *bucket = h;
}

static void
put_number(struct writer *w, uint8_t key, uint64_t n)
{
	write_u8(w, key);
	put_head(w, MAJOR_UINT, n);
}

static fallible
append_leaf(struct ledger *l, struct store *tx, struct slice leaf, uint64_t *seq)
{
	TRY(store_run(tx, leaf_is_odd(l->next) ? QUERY_TAIL_APPEND_ODD : QUERY_TAIL_APPEND, BIND(as_number((int64_t)l->next), as_bytes(leaf))));
	*seq = l->next++;
	return NULL;
}

fallible
ledger_append_map(struct ledger *l, struct store *tx, uint64_t covers, const struct proof_hash *root, uint64_t *seq)
{
	uint8_t leaf[9 + PROOF_HASH];
	struct writer w = writer_of(leaf, sizeof leaf);
	write_u8(&w, 1);
	write_be64(&w, covers);
	write_bytes(&w, slice_of(root->bytes, PROOF_HASH));
	return append_leaf(l, tx, writer_slice(&w), seq);
}

/* A table is emptied at once where no leaf of a later file has come into it: that costs no look at each row. */
static fallible
trim_table(struct ledger *l, struct store *tx, uint64_t file)
{
	bool odd = file % 2 == 1;
	if (l->next <= (file + 2) * SEALED_FILE)
		return store_run(tx, odd ? QUERY_TAIL_EMPTY_ODD : QUERY_TAIL_EMPTY, BIND_NONE);
	return store_run(tx, odd ? QUERY_TAIL_TRIM_ODD : QUERY_TAIL_TRIM, BIND(as_number((int64_t)((file + 1) * SEALED_FILE))));
}

fallible
ledger_trim(struct ledger *l, struct store *tx, uint64_t whole)
{
	for (uint64_t file = l->trimmed / SEALED_FILE; file < whole / SEALED_FILE; file++)
		TRY(trim_table(l, tx, file));
	return NULL;
}

void
ledger_key_id(const struct keys_log *log, uint8_t id[4])
{
	static const uint8_t middle[2] = { '\n', PROOF_ED25519 };
	uint8_t hash[PROOF_HASH];
	ledger_functions->sha256(NULL,
	                         (struct proof_bytes[]){ { (const uint8_t *)log->name, strlen(log->name) }, { middle, 2 },
	                                                 { log->public_key, sizeof log->public_key } },
	                         3, hash);
	memcpy(id, hash, 4);
}

fallible
ledger_append(struct ledger *l, struct store *tx, const struct encoded *e, int64_t time, uint64_t *seq)
{
	uint8_t leaf[PROOF_ENTRY_MAX + 1];
	struct writer w = writer_of(leaf, sizeof leaf);
	struct head *h = ledger_head(l, e->log);
	int64_t when = time > l->last_time ? time : l->last_time;       /* never decreases along the main log */
	write_u8(&w, 0);
	write_bytes(&w, e->before);
	put_number(&w, 2, h->size);
	write_bytes(&w, e->middle);
	put_number(&w, 4, (uint64_t)when);
	write_bytes(&w, e->after);
	if (w.failed)
		return E_ENTRY_SIZE;
	TRY(append_leaf(l, tx, writer_slice(&w), seq));
	if (h->size == h->committed) {
		h->touched = l->touched;
		l->touched = h;
	}
	h->size++;
	l->last_time = when;
	return NULL;
}

void
ledger_committed(struct ledger *l)
{
	for (struct head *h = l->touched; h; h = h->touched)
		h->committed = h->size;
	l->touched = NULL;
	if (l->committed == l->next)
		return;
	l->committed = l->next;
	atomic_store(&l->size, l->next);
	if (!atomic_load(&l->idle))     /* it looks by itself, soon: no wake at each commit */
		return;
	pthread_mutex_lock(&l->lock);
	pthread_cond_signal(&l->grown);
	pthread_mutex_unlock(&l->lock);
}

void
ledger_rolled_back(struct ledger *l)
{
	for (struct head *h = l->touched; h; h = h->touched)
		h->size = h->committed;
	l->touched = NULL;
	l->next = l->committed;
}

err_t
ledger_state(const struct ledger *l)
{
	err_t e = atomic_load(&l->state);
	return e ? e : atomic_load(&l->halted) ? E_LEDGER_FAULT : NULL;
}

uint64_t
ledger_size(const struct ledger *l)
{
	return atomic_load(&l->size);
}

int64_t
ledger_last_time(const struct ledger *l)
{
	return l->last_time;
}
