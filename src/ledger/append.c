#include "ledger/append.h"

#include "base/cursor.h"
#include "base/memory.h"
#include "ledger/ledger_sql.h"

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

const struct proof_functions ledger_functions[1] = { { NULL, sha256_parts } };

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
	if (n < 24)
		write_u8(w, (uint8_t)n);
	else if (n <= UINT8_MAX) {
		write_u8(w, 0x18);
		write_u8(w, (uint8_t)n);
	} else if (n <= UINT16_MAX) {
		write_u8(w, 0x19);
		write_be16(w, (uint16_t)n);
	} else if (n <= UINT32_MAX) {
		write_u8(w, 0x1a);
		write_be32(w, (uint32_t)n);
	} else {
		write_u8(w, 0x1b);
		write_be64(w, n);
	}
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
	TRY(store_run(tx, QUERY_TAIL_APPEND, BIND(as_number((int64_t)l->next), as_bytes(writer_slice(&w)))));
	if (h->size == h->committed) {
		h->touched = l->touched;
		l->touched = h;
	}
	h->size++;
	l->last_time = when;
	*seq = l->next++;
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
