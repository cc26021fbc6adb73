/* The primitives, from OpenSSL; algorithms are fetched once, contexts are a thread's own. */
#include "keys/keys.h"

#include "base/memory.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <pthread.h>

static struct {
	EVP_CIPHER *gcm, *wrap;
} algorithm;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t contexts;

static void
free_context(void *context)
{
	EVP_CIPHER_CTX_free(context);
}

static void
fetch(void)
{
	pthread_key_create(&contexts, free_context);
	algorithm.gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	algorithm.wrap = EVP_CIPHER_fetch(NULL, "AES-256-WRAP", NULL);
}

static EVP_CIPHER_CTX *
begin(void)
{
	pthread_once(&once, fetch);
	EVP_CIPHER_CTX *context = pthread_getspecific(contexts);
	if (!context) {
		context = EVP_CIPHER_CTX_new();
		pthread_setspecific(contexts, context);
	} else
		EVP_CIPHER_CTX_reset(context);
	EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	return context;
}

static const uint8_t zero_nonce[12];

fallible
aead_seal(const uint8_t *key, struct slice name, struct slice body, uint8_t *out)
{
	EVP_CIPHER_CTX *c = begin();
	int n;
	bool good = EVP_EncryptInit_ex(c, algorithm.gcm, NULL, key, zero_nonce) == 1 &&
	            EVP_EncryptUpdate(c, NULL, &n, name.data, (int)name.size) == 1 &&
	            EVP_EncryptUpdate(c, out, &n, body.data, (int)body.size) == 1 &&
	            EVP_EncryptFinal_ex(c, out + n, &n) == 1 &&
	            EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, SEAL_TAG, out + body.size) == 1;
	EVP_CIPHER_CTX_reset(c);
	return good ? NULL : E_CRYPTO;
}

fallible
aead_open(const uint8_t *key, struct slice name, struct slice sealed, uint8_t *out)
{
	if (sealed.size < SEAL_TAG)
		return E_SEAL;
	EVP_CIPHER_CTX *c = begin();
	size_t size = sealed.size - SEAL_TAG;
	int n;
	bool good = EVP_DecryptInit_ex(c, algorithm.gcm, NULL, key, zero_nonce) == 1 &&
	            EVP_DecryptUpdate(c, NULL, &n, name.data, (int)name.size) == 1 &&
	            EVP_DecryptUpdate(c, out, &n, sealed.data, (int)size) == 1 &&
	            EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, SEAL_TAG, (void *)(uintptr_t)(sealed.data + size)) == 1 &&
	            EVP_DecryptFinal_ex(c, out + n, &n) == 1;
	EVP_CIPHER_CTX_reset(c);
	if (!good)
		memory_wipe(out, size);
	return good ? NULL : E_SEAL;
}

fallible
key_wrap(const uint8_t *with, const uint8_t *key, uint8_t out[WRAPPED_SIZE])
{
	EVP_CIPHER_CTX *c = begin();
	int n;
	bool good = EVP_EncryptInit_ex(c, algorithm.wrap, NULL, with, NULL) == 1 &&
	            EVP_EncryptUpdate(c, out, &n, key, KEY_SIZE) == 1 && n == WRAPPED_SIZE;
	EVP_CIPHER_CTX_reset(c);
	return good ? NULL : E_CRYPTO;
}

fallible
key_unwrap(const uint8_t *with, const uint8_t wrapped[WRAPPED_SIZE], uint8_t *key)
{
	EVP_CIPHER_CTX *c = begin();
	int n;
	bool good = EVP_DecryptInit_ex(c, algorithm.wrap, NULL, with, NULL) == 1 &&
	            EVP_DecryptUpdate(c, key, &n, wrapped, WRAPPED_SIZE) == 1 && n == KEY_SIZE;
	EVP_CIPHER_CTX_reset(c);
	return good ? NULL : E_SEAL;
}

void
sha256(struct slice s, uint8_t out[DIGEST_SIZE])
{
	SHA256(s.data, s.size, out);
}

/* RFC 2104 over the low-level hash: OpenSSL 3.0's HMAC() looks its algorithm up at each call, which costs 2 µs. */
void
hmac_sha256(const uint8_t *key, struct slice s, uint8_t out[DIGEST_SIZE])
{
	enum { BLOCK = 64 };
	uint8_t inner[BLOCK], outer[BLOCK];
	SHA256_CTX c;
	memset(inner, 0x36, sizeof inner);
	memset(outer, 0x5c, sizeof outer);
	for (size_t i = 0; i < KEY_SIZE; i++) {
		inner[i] ^= key[i];
		outer[i] ^= key[i];
	}
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
	SHA256_Init(&c);
	SHA256_Update(&c, inner, sizeof inner);
	SHA256_Update(&c, s.data, s.size);
	SHA256_Final(out, &c);
	SHA256_Init(&c);
	SHA256_Update(&c, outer, sizeof outer);
	SHA256_Update(&c, out, DIGEST_SIZE);
	SHA256_Final(out, &c);
#pragma GCC diagnostic pop
	memory_wipe(inner, sizeof inner);
	memory_wipe(outer, sizeof outer);
	memory_wipe(&c, sizeof c);
}
