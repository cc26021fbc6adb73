/* CancelRequest, with keys of our own: they tell which session, on whichever worker; that worker tells the back end what
 * runs for it, and until the server has taken that nothing else reaches the back end, so that no other statement is hit. */
#include "postgres/session.h"

#include "base/id.h"

#include <openssl/crypto.h>

enum { KEY_BUCKETS = 1024 };

struct listed_key {
	struct listed_key *next;
	uint32_t pid;
	uint8_t key[CANCEL_KEY_SIZE];
	size_t size;
	struct cancel_queue *queue;
};

/* Any thread, under the lock. */
struct keys_table {
	pthread_mutex_t lock;
	struct listed_key *buckets[KEY_BUCKETS];
};

enum { ASKED_MAX = 256 };

/* Filled by any thread under the table's lock, emptied by the worker's. */
struct cancel_queue {
	struct postgres_worker *worker;
	struct keys_table *table;
	struct waker *waker;
	size_t count;
	uint32_t asked[ASKED_MAX];
};

static int
free_table(struct keys_table *t)
{
	pthread_mutex_destroy(&t->lock);
	return 0;
}

struct keys_table *
keys_table_new(const void *owner)
{
	struct keys_table *t = NEW(owner, struct keys_table);
	pthread_mutex_init(&t->lock, NULL);
	talloc_set_destructor(t, free_table);
	return t;
}

static struct listed_key **
find(struct keys_table *t, uint32_t pid)
{
	struct listed_key **at = &t->buckets[pid % KEY_BUCKETS];
	while (*at && (*at)->pid != pid)
		at = &(*at)->next;
	return at;
}

void
cancel_list(struct session *s)
{
	struct keys_table *t = s->worker->postgres->keys;
	struct listed_key *k = NEW(NULL, struct listed_key);
	memcpy(k->key, s->key, s->key_size);
	k->size = s->key_size;
	k->queue = s->worker->cancels;
	pthread_mutex_lock(&t->lock);
	do {
		random_bytes(&k->pid, sizeof k->pid);
		k->pid &= INT32_MAX;
	} while (!k->pid || *find(t, k->pid));
	struct listed_key **at = &t->buckets[k->pid % KEY_BUCKETS];
	k->next = *at;
	*at = k;
	pthread_mutex_unlock(&t->lock);
	s->pid = k->pid;
	s->listed = true;
}

void
cancel_unlist(struct session *s)
{
	struct keys_table *t = s->worker->postgres->keys;
	if (!s->listed)
		return;
	s->listed = false;
	pthread_mutex_lock(&t->lock);
	struct listed_key **at = find(t, s->pid), *k = *at;
	if (k)
		*at = k->next;
	pthread_mutex_unlock(&t->lock);
	talloc_free(k);
}

void
cancel_ask(struct postgres *p, uint32_t pid, struct slice key)
{
	struct keys_table *t = p->keys;
	pthread_mutex_lock(&t->lock);
	const struct listed_key *k = *find(t, pid);
	struct cancel_queue *q = k && k->size == key.size && CRYPTO_memcmp(k->key, key.data, key.size) == 0 ? k->queue : NULL;
	if (q && q->count < ASKED_MAX) {
		q->asked[q->count++] = pid;
		waker_wake(q->waker);
	}
	pthread_mutex_unlock(&t->lock);
}

/* ---- on the worker ---- */

static void
asked(void *argument)
{
	struct cancel_queue *q = argument;
	uint32_t pids[ASKED_MAX];
	pthread_mutex_lock(&q->table->lock);
	size_t count = q->count;
	memcpy(pids, q->asked, count * sizeof *pids);
	q->count = 0;
	pthread_mutex_unlock(&q->table->lock);
	for (struct session *s = q->worker->sessions; s; s = s->next)
		for (size_t i = 0; i < count; i++)
			if (s->listed && s->pid == pids[i]) {
				q->worker->counts.cancelled++;
				cancel_statement(s);
			}
}

struct cancel_queue *
cancel_queue_new(const void *owner, struct postgres_worker *w)
{
	struct cancel_queue *q = NEW(owner, struct cancel_queue);
	q->worker = w;
	q->table = w->postgres->keys;
	if (waker_new(q, w->loop, asked, q, &q->waker))
		TALLOC_FREE(q);
	return q;
}

/* A connection that carries one CancelRequest; the worker's, for the session may go first. */
struct messenger {
	struct postgres_worker *worker;
	struct database database;
	uint32_t pid;                   /* of the session that waits, in our counting; 0: none does */
	struct upstream *upstream;
	struct timer *end;
};

static void
free_later(void *argument)
{
	talloc_free(argument);
}

static void
delivered(void *argument, err_t e, struct slice said)
{
	struct messenger *m = argument;
	(void)e;
	(void)said;
	for (struct session *s = m->worker->sessions; m->pid && s; s = s->next)
		if (s->listed && s->pid == m->pid) {
			s->cancelling = false;
			session_resume(s);
			break;
		}
	timer_set(m->end, 0);
}

static struct slice
copy(const void *owner, struct slice s)
{
	return s.size ? memory_copy(owner, s) : s;
}

static fallible
send_messenger(struct session *s, uint32_t pid)
{
	struct messenger *m = NEW(s->worker, struct messenger);
	const struct database *d = &s->database;
	m->worker = s->worker;
	m->pid = pid;
	m->database = (struct database){
		.host = copy(m, d->host), .address = copy(m, d->address), .port = d->port, .tls = d->tls, .root_ca = copy(m, d->root_ca),
		.certificate = copy(m, d->minted ? slice_of(NULL, 0) : d->certificate), .key = copy(m, d->minted ? slice_of(NULL, 0) : d->key),
		.outward = d->outward,
	};
	const struct upstream_options o = {
		.database = &m->database, .cancel_key = upstream_key(s->upstream), .cancel_pid = upstream_pid(s->upstream),
		.ended = delivered, .argument = m,
	};
	err_t e = o.cancel_key.size ? timer_new(m, s->worker->loop, free_later, m, &m->end) : E_STATE;
	if (!e)
		e = upstream_open(m, s->worker->pool, s->worker->loop, &o, &m->upstream);
	if (e)
		talloc_free(m);
	return e;
}

void
cancel_statement(struct session *s)
{
	if (s->state != SESSION_OPEN || !s->answering || s->cancelling)
		return;
	s->cancelling = send_messenger(s, s->pid) == NULL;
}

void
cancel_abandoned(struct session *s)
{
	err_t e = s->cancelling ? NULL : send_messenger(s, 0);
	(void)e;                        /* the connection is closed all the same */
}
