#include "keeper/log.h"

#include "base/cursor.h"
#include "base/id.h"
#include "base/memory.h"
#include "base/text.h"
#include "keys/keys.h"

#include <openssl/evp.h>
#include <stdio.h>

enum { USE_LOG_KEY = 110, USE_LOG_NAME = 111, STATE_MAX = 16 + LOG_NAME_MAX + 8 + 2 * PROOF_HASH };

#define SCOPE LITERAL("/log")
#define STATE "log.state"

static void
hash_parts(void *context, const struct proof_bytes *parts, size_t count, uint8_t out[PROOF_HASH])
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	(void)context;
	if (!c || !EVP_DigestInit_ex(c, EVP_sha256(), NULL))
		abort();
	for (size_t i = 0; i < count; i++)
		EVP_DigestUpdate(c, parts[i].data, parts[i].size);
	EVP_DigestFinal_ex(c, out, NULL);
	EVP_MD_CTX_free(c);
}

static const struct proof_functions functions = { .sha256 = hash_parts };

static fallible
write_state(const char *dir, const struct log_state *s)
{
	uint8_t data[STATE_MAX];
	struct writer w = writer_of(data, sizeof data);
	write_field(&w, slice_text(s->name));
	write_be64(&w, s->size);
	write_bytes(&w, slice_of(s->root.bytes, PROOF_HASH));
	struct slice whole = writer_slice(&w);
	struct proof_bytes part = { whole.data, whole.size };
	uint8_t sum[PROOF_HASH];
	hash_parts(NULL, &part, 1, sum);
	write_bytes(&w, slice_of(sum, sizeof sum));
	return keyring_file_put(dir, STATE, writer_slice(&w));
}

/* Another log's state says nothing of this one; but without any, or with one that was altered, nothing is known of what was
 * signed, and a second history could be: fails with E_SEAL. */
static fallible
read_state(const char *dir, struct log_state *s)
{
	SCOPED void *scope = talloc_new(NULL);
	struct slice bytes;
	err_t e = keyring_file_get(scope, dir, STATE, &bytes);
	if (e == E_NOT_FOUND)
		return E_SEAL;
	TRY(e);
	struct reader r = reader_of(bytes);
	struct slice name = read_field(&r);
	uint64_t size = read_be64(&r);
	struct slice root = read_bytes(&r, PROOF_HASH), sum = read_bytes(&r, PROOF_HASH);
	uint8_t made[PROOF_HASH];
	if (!reader_end(&r))
		return E_SEAL;
	struct proof_bytes part = { bytes.data, bytes.size - PROOF_HASH };
	hash_parts(NULL, &part, 1, made);
	if (memcmp(made, sum.data, sizeof made) != 0)
		return E_SEAL;
	if (!slice_is(name, s->name))
		return NULL;
	s->size = size;
	memcpy(s->root.bytes, root.data, PROOF_HASH);
	return NULL;
}

static fallible
public_of(const uint8_t seed[32], uint8_t public_key[32])
{
	size_t size = 32;
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32);
	bool good = key && EVP_PKEY_get_raw_public_key(key, public_key, &size) == 1 && size == 32;
	EVP_PKEY_free(key);
	return good ? NULL : E_CRYPTO;
}

fallible
log_create(struct keyring *k, const char *dir, struct slice prefix)
{
	uint8_t seed[32], random[4];
	char hex[2 * sizeof random + 1];
	uint32_t generation;
	struct log_state s = { .size = 0 };
	random_bytes(seed, sizeof seed);
	random_bytes(random, sizeof random);
	text_hex(slice_of(random, sizeof random), hex);
	int n = snprintf(s.name, sizeof s.name, "%.*s/%s", SLICE_ARGUMENTS(prefix), hex);
	if (n < 0 || (size_t)n >= sizeof s.name)
		return E_ARGUMENT;
	err_t e = keyring_add(k, SCOPE, USE_LOG_KEY, slice_of(seed, sizeof seed), &generation);
	memory_wipe(seed, sizeof seed);
	TRY(e);
	TRY(keyring_add(k, SCOPE, USE_LOG_NAME, slice_text(s.name), &generation));
	return write_state(dir, &s);
}

static fallible
get_seed(struct keyring *k, uint8_t secret[SECRET_MAX])
{
	size_t size;
	uint32_t generation;
	TRY(keyring_get(k, SCOPE, USE_LOG_KEY, 0, secret, &size, &generation));
	return size == 32 ? NULL : E_SEAL;
}

static fallible
open_newest(struct keyring *k, const char *dir, struct log_state *out)
{
	uint8_t name[SECRET_MAX], secret[SECRET_MAX];
	struct log_state s = { .size = 0 };
	size_t size;
	uint32_t generation;
	TRY(keyring_get(k, SCOPE, USE_LOG_NAME, 0, name, &size, &generation));
	if (size >= sizeof s.name)
		return E_SEAL;
	memcpy(s.name, name, size);
	err_t e = get_seed(k, secret);
	if (!e)
		e = public_of(secret, s.public_key);
	memory_wipe(secret, sizeof secret);
	TRY(e);
	TRY(read_state(dir, &s));
	*out = s;
	return NULL;
}

fallible
log_open(struct keyring *k, const char *dir, struct log_state *out)
{
	err_t e = open_newest(k, dir, out);
	if (e != E_NOT_FOUND)
		return e;
	TRY(log_create(k, dir, LITERAL(LOG_PREFIX)));
	return open_newest(k, dir, out);
}

/* The old name up to its last slash leads to the new one. */
fallible
log_succeed(struct keyring *k, const char *dir)
{
	struct log_state old;
	TRY(log_open(k, dir, &old));
	const char *slash = strrchr(old.name, '/');
	return log_create(k, dir, slice_of(old.name, slash ? (size_t)(slash - old.name) : strlen(old.name)));
}

static fallible
sign(struct keyring *k, const struct log_state *s, uint8_t signature[LOG_SIGNATURE])
{
	uint8_t secret[SECRET_MAX];
	char text[LOG_NAME_MAX + 128], root[64];
	size_t size = LOG_SIGNATURE;
	text_base64(slice_of(s->root.bytes, PROOF_HASH), root);
	int n = snprintf(text, sizeof text, "%s\n%llu\n%s\n", s->name, (unsigned long long)s->size, root);
	TRY(get_seed(k, secret));
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret, 32);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	memory_wipe(secret, sizeof secret);
	bool good = key && c && EVP_DigestSignInit(c, NULL, NULL, NULL, key) == 1 &&
	            EVP_DigestSign(c, signature, &size, (const uint8_t *)text, (size_t)n) == 1 && size == LOG_SIGNATURE;
	EVP_MD_CTX_free(c);
	EVP_PKEY_free(key);
	return good ? NULL : E_CRYPTO;
}

fallible
log_sign(struct keyring *k, const char *dir, uint64_t size, const struct proof_hash *root, const struct proof_hash *proof,
         size_t count, uint8_t signature[LOG_SIGNATURE])
{
	struct log_state s;
	struct proof_range none = { 0 };
	TRY(log_open(k, dir, &s));
	if (s.size == 0)
		s.root = proof_range_root(&functions, &none);
	if (!proof_consistency_check(&functions, s.size, &s.root, size, root, proof, count))
		return E_DENIED;
	bool fresh = size != s.size;
	s.size = size;
	s.root = *root;
	if (fresh)
		TRY(write_state(dir, &s));
	return sign(k, &s, signature);
}
