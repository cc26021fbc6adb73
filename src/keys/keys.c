/* Keys in use, and the keeper asked for those that are not here yet. */
#include "keys/keys.h"

#include "base/id.h"
#include "base/memory.h"

#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

/* Places for keys: at first, and at most; beyond that one is taken again. 100,000 active subscribers have a key of each use. */
enum { TABLE_FIRST = 1 << 13, TABLE_MOST = 1 << 18 };

struct held {
	bool taken;                     /* its key is in the locked pages, at the same place */
	char *scope;
	enum key_use use;
	uint32_t generation;
	bool current;
};

struct keys {
	pthread_mutex_t lock;           /* guards all below, the socket's turn included */
	int keeper;
	void *table;                    /* owns the two below */
	struct held *held;
	uint8_t *pages;                 /* as many keys, in locked pages */
	size_t size, taken;
};

static int
close_keys(struct keys *k)
{
	close(k->keeper);
	pthread_mutex_destroy(&k->lock);
	return 0;
}

static void
open_table(struct keys *k, size_t size)
{
	k->table = talloc_new(k);
	k->held = NEW_ARRAY(k->table, struct held, size);
	k->pages = memory_secret(k->table, size * KEY_SIZE);
	k->size = size;
	k->taken = 0;
}

fallible
keys_open(const void *owner, int keeper, struct keys **out)
{
	struct keys *k = NEW(owner, struct keys);
	pthread_mutex_init(&k->lock, NULL);
	k->keeper = keeper;
	open_table(k, TABLE_FIRST);
	talloc_set_destructor(k, close_keys);
	*out = k;
	return NULL;
}

static err_t
error_of(uint8_t answer)
{
	switch (answer) {
	case REPLY_GIVEN:
		return NULL;
	case REPLY_NONE:
		return E_NOT_FOUND;
	case REPLY_SHREDDED:
		return E_SHREDDED;
	case REPLY_REFUSED:
		return E_DENIED;
	default:
		return E_CRYPTO;
	}
}

/* One question and its answer, in `room`; the caller holds the lock. */
static fallible
ask(struct keys *k, const struct writer *question, uint8_t room[WIRE_MAX], struct reader *answer)
{
	ssize_t n;
	if (question->failed)
		return E_ARGUMENT;
	do
		n = send(k->keeper, question->data, question->size, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return E_KEEPER;
	do
		n = recv(k->keeper, room, WIRE_MAX, 0);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return E_KEEPER;
	*answer = reader_of(slice_of(room, (size_t)n));
	return error_of(read_u8(answer));
}

static size_t
place_of(const struct keys *k, struct slice scope, enum key_use use, uint32_t generation)
{
	size_t h = 1469598103u ^ (size_t)use * 31 ^ generation * 2654435761u;
	for (size_t i = 0; i < scope.size; i++)
		h = (h ^ scope.data[i]) * 16777619u;
	return h % k->size;
}

enum { PROBES = 8 };

static struct held *
find_held(struct keys *k, struct slice scope, enum key_use use, uint32_t generation)
{
	size_t at = place_of(k, scope, use, generation);
	for (size_t i = 0; i < PROBES; i++) {
		struct held *h = &k->held[(at + i) % k->size];
		if (h->taken && h->use == use && slice_is(scope, h->scope) &&
		    (generation == KEY_CURRENT ? h->current : !h->current && h->generation == generation))
			return h;
	}
	return NULL;
}

static uint8_t *
key_at(const struct keys *k, const struct held *h)
{
	return k->pages + (size_t)(h - k->held) * KEY_SIZE;
}

static void
drop(struct keys *k, struct held *h)
{
	memory_wipe(key_at(k, h), KEY_SIZE);
	talloc_free(h->scope);
	*h = (struct held){ false };
	k->taken--;
}

static void
put_held(struct keys *k, struct slice scope, enum key_use use, uint32_t asked, uint32_t generation, const uint8_t *key)
{
	size_t at = place_of(k, scope, use, asked), i = 0;
	while (i < PROBES - 1 && k->held[(at + i) % k->size].taken)
		i++;
	struct held *h = &k->held[(at + i) % k->size];
	if (h->taken)
		drop(k, h);
	k->taken++;
	*h = (struct held){ .taken = true, .scope = memory_text(k, scope), .use = use, .generation = generation, .current = asked == KEY_CURRENT };
	memcpy(key_at(k, h), key, KEY_SIZE);
}

/* A table that is half full is doubled: what is not held costs an unwrap, and those are capped. */
static void
grow(struct keys *k)
{
	struct held *held = k->held;
	const uint8_t *pages = k->pages;
	void *table = k->table;
	size_t size = k->size;
	open_table(k, 2 * size);
	for (size_t i = 0; i < size; i++) {
		const struct held *h = &held[i];
		if (h->taken)
			put_held(k, slice_text(h->scope), h->use, h->current ? KEY_CURRENT : h->generation, h->generation, pages + i * KEY_SIZE);
		talloc_free(h->scope);
	}
	talloc_free(table);             /* which wipes the pages */
}

static void
hold(struct keys *k, struct slice scope, enum key_use use, uint32_t asked, uint32_t generation, const uint8_t *key)
{
	if (2 * k->taken >= k->size && k->size < TABLE_MOST)
		grow(k);
	put_held(k, scope, use, asked, generation, key);
}

static fallible
ask_key(struct keys *k, enum message type, struct slice scope, enum key_use use, uint32_t generation, uint8_t *key,
        uint32_t *actual)
{
	uint8_t room[WIRE_MAX], question[512];
	struct writer w = writer_of(question, sizeof question);
	struct reader answer;
	write_u8(&w, (uint8_t)type);
	write_field(&w, scope);
	write_u8(&w, (uint8_t)use);
	if (type == MESSAGE_KEY || type == MESSAGE_ROTATE)
		write_be32(&w, generation);
	err_t e = ask(k, &w, room, &answer);
	if (!e) {
		*actual = read_be32(&answer);
		struct slice given = read_field(&answer);
		if (!reader_end(&answer) || given.size != KEY_SIZE)
			e = E_KEEPER;
		else
			memcpy(key, given.data, KEY_SIZE);
	}
	memory_wipe(room, sizeof room);
	return e;
}

static fallible
get(struct keys *k, enum message type, struct slice scope, enum key_use use, uint32_t generation, uint8_t *key,
    uint32_t *actual)
{
	uint32_t given = 0;
	err_t e = NULL;
	pthread_mutex_lock(&k->lock);
	struct held *h = find_held(k, scope, use, generation);
	if (h) {
		memcpy(key, key_at(k, h), KEY_SIZE);
		given = h->generation;
	} else if (!(e = ask_key(k, type, scope, use, generation, key, &given)))
		hold(k, scope, use, generation, given, key);
	pthread_mutex_unlock(&k->lock);
	if (!e && actual)
		*actual = given;
	return e;
}

fallible
keys_get(struct keys *k, struct slice scope, enum key_use use, uint32_t generation, uint8_t *key, uint32_t *actual)
{
	return get(k, MESSAGE_KEY, scope, use, generation, key, actual);
}

fallible
keys_make(struct keys *k, struct slice scope, enum key_use use, uint8_t *key, uint32_t *actual)
{
	return get(k, MESSAGE_MAKE, scope, use, KEY_CURRENT, key, actual);
}

/* Forgets what is held of a scope; of one use, if use is not 0. */
static void
forget(struct keys *k, struct slice scope, enum key_use use)
{
	for (size_t i = 0; i < k->size; i++) {
		struct held *h = &k->held[i];
		if (h->taken && slice_is(scope, h->scope) && (!use || h->use == use))
			drop(k, h);
	}
}

fallible
keys_rotate(struct keys *k, struct slice scope, enum key_use use, uint32_t generation)
{
	uint8_t key[KEY_SIZE];
	uint32_t actual;
	pthread_mutex_lock(&k->lock);
	forget(k, scope, use);
	err_t e = ask_key(k, MESSAGE_ROTATE, scope, use, generation, key, &actual);
	pthread_mutex_unlock(&k->lock);
	memory_wipe(key, sizeof key);
	return e;
}

fallible
keys_shred(struct keys *k, struct slice scope)
{
	uint8_t room[WIRE_MAX], question[512];
	struct writer w = writer_of(question, sizeof question);
	struct reader answer;
	write_u8(&w, MESSAGE_SHRED);
	write_field(&w, scope);
	pthread_mutex_lock(&k->lock);
	forget(k, scope, 0);
	err_t e = ask(k, &w, room, &answer);
	pthread_mutex_unlock(&k->lock);
	return e;
}

/* A message by itself, whose answer is that it was done. */
static fallible
command(struct keys *k, uint8_t message)
{
	uint8_t room[WIRE_MAX], question[1];
	struct writer w = writer_of(question, sizeof question);
	struct reader answer;
	write_u8(&w, message);
	pthread_mutex_lock(&k->lock);
	err_t e = ask(k, &w, room, &answer);
	pthread_mutex_unlock(&k->lock);
	return e;
}

fallible
keys_rotate_root(struct keys *k)
{
	return command(k, MESSAGE_ROOT);
}

fallible
keys_root_source(struct keys *k, char *out, size_t room)
{
	uint8_t reply[WIRE_MAX], question[1];
	struct writer w = writer_of(question, sizeof question);
	struct reader answer;
	write_u8(&w, MESSAGE_SOURCE);
	pthread_mutex_lock(&k->lock);
	err_t e = ask(k, &w, reply, &answer);
	pthread_mutex_unlock(&k->lock);
	TRY(e);
	struct slice text = read_field(&answer);
	if (!reader_end(&answer) || text.size >= room)
		return E_KEEPER;
	memcpy(out, text.data, text.size);
	out[text.size] = '\0';
	return NULL;
}

static fallible
ask_certificate(const void *owner, struct keys *k, const struct writer *w, struct slice *out)
{
	uint8_t room[WIRE_MAX];
	struct reader answer;
	pthread_mutex_lock(&k->lock);
	err_t e = ask(k, w, room, &answer);
	pthread_mutex_unlock(&k->lock);
	TRY(e);
	struct slice der = read_field(&answer);
	if (!reader_end(&answer))
		return E_KEEPER;
	*out = memory_copy(owner, der);
	return NULL;
}

fallible
keys_certify(const void *owner, struct keys *k, enum profile profile, struct slice public_key, struct slice name,
             uint32_t seconds, struct slice *out)
{
	uint8_t question[2048];
	struct writer w = writer_of(question, sizeof question);
	write_u8(&w, MESSAGE_CERTIFY);
	write_u8(&w, (uint8_t)profile);
	write_field(&w, public_key);
	write_field(&w, name);
	write_be32(&w, seconds);
	return ask_certificate(owner, k, &w, out);
}

fallible
keys_issuer(const void *owner, struct keys *k, enum profile profile, struct slice name, struct slice *out)
{
	uint8_t question[128];
	struct writer w = writer_of(question, sizeof question);
	write_u8(&w, MESSAGE_ISSUER);
	write_u8(&w, (uint8_t)profile);
	write_field(&w, name);
	return ask_certificate(owner, k, &w, out);
}

/* ---- the log ---- */

static fallible
take_log(const void *owner, struct reader *answer, struct keys_log *out)
{
	struct slice name = read_field(answer), key = read_bytes(answer, sizeof out->public_key);
	struct keys_log log = { .size = read_be64(answer) };
	struct slice root = read_bytes(answer, PROOF_HASH);
	if (!reader_end(answer))
		return E_KEEPER;
	memcpy(log.public_key, key.data, key.size);
	memcpy(log.root.bytes, root.data, root.size);
	log.name = memory_text(owner, name);
	*out = log;
	return NULL;
}

fallible
keys_log(const void *owner, struct keys *k, struct keys_log *out)
{
	uint8_t room[WIRE_MAX], question[1];
	struct writer w = writer_of(question, sizeof question);
	struct reader answer;
	write_u8(&w, MESSAGE_LOG);
	pthread_mutex_lock(&k->lock);
	err_t e = ask(k, &w, room, &answer);
	pthread_mutex_unlock(&k->lock);
	return e ? e : take_log(owner, &answer, out);
}

fallible
keys_sign(struct keys *k, uint64_t size, const struct proof_hash *root, const struct proof_hash *proof, size_t count,
          uint8_t signature[KEYS_SIGNATURE])
{
	uint8_t room[WIRE_MAX], question[WIRE_MAX];
	struct writer w = writer_of(question, sizeof question);
	struct reader answer;
	write_u8(&w, MESSAGE_SIGN);
	write_be64(&w, size);
	write_bytes(&w, slice_of(root->bytes, PROOF_HASH));
	write_field(&w, slice_of(proof, count * PROOF_HASH));
	pthread_mutex_lock(&k->lock);
	err_t e = ask(k, &w, room, &answer);
	pthread_mutex_unlock(&k->lock);
	TRY(e);
	struct slice given = read_bytes(&answer, KEYS_SIGNATURE);
	if (!reader_end(&answer))
		return E_KEEPER;
	memcpy(signature, given.data, given.size);
	return NULL;
}

fallible
keys_succeed(struct keys *k)
{
	return command(k, MESSAGE_SUCCEED);
}

/* ---- sealing ---- */

fallible
keys_seal(const void *owner, struct keys *k, struct slice scope, enum key_use use, struct slice name, struct slice body,
          struct sealed *out)
{
	uint8_t with[KEY_SIZE], key[KEY_SIZE];
	struct sealed s = { 0 };
	TRY(keys_make(k, scope, use, with, &s.generation));
	random_bytes(key, sizeof key);
	err_t e = key_wrap(with, key, s.wrapped);
	uint8_t *room = talloc_size(owner, body.size + SEAL_TAG);
	if (!e)
		e = aead_seal(key, name, body, room);
	memory_wipe(with, sizeof with);
	memory_wipe(key, sizeof key);
	TRY(e);
	s.body = slice_of(room, body.size + SEAL_TAG);
	*out = s;
	return NULL;
}

fallible
keys_unseal(const void *owner, struct keys *k, struct slice scope, enum key_use use, struct slice name,
            const struct sealed *s, struct slice *out)
{
	uint8_t with[KEY_SIZE], key[KEY_SIZE];
	TRY(keys_get(k, scope, use, s->generation, with, NULL));
	err_t e = key_unwrap(with, s->wrapped, key);
	uint8_t *room = talloc_size(owner, s->body.size + 1);
	if (!e)
		e = aead_open(key, name, s->body, room);
	memory_wipe(with, sizeof with);
	memory_wipe(key, sizeof key);
	TRY(e);
	room[s->body.size - SEAL_TAG] = 0;
	*out = slice_of(room, s->body.size - SEAL_TAG);
	return NULL;
}

fallible
keys_seal_whole(const void *owner, struct keys *k, struct slice scope, enum key_use use, struct slice name,
                struct slice body, struct slice *out)
{
	struct sealed s;
	TRY(keys_seal(owner, k, scope, use, name, body, &s));
	size_t size = 4 + sizeof s.wrapped + s.body.size;
	struct writer w = writer_of(talloc_size(owner, size), size);
	write_be32(&w, s.generation);
	write_bytes(&w, slice_of(s.wrapped, sizeof s.wrapped));
	write_bytes(&w, s.body);
	*out = writer_slice(&w);
	return NULL;
}

fallible
keys_unseal_whole(const void *owner, struct keys *k, struct slice scope, enum key_use use, struct slice name,
                  struct slice whole, struct slice *out)
{
	struct reader r = reader_of(whole);
	struct sealed s = { .generation = read_be32(&r) };
	struct slice wrapped = read_bytes(&r, sizeof s.wrapped);
	if (r.failed)
		return E_SEAL;
	memcpy(s.wrapped, wrapped.data, wrapped.size);
	s.body = r.rest;
	return keys_unseal(owner, k, scope, use, name, &s, out);
}
