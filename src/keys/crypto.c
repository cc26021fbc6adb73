/* The primitives, from OpenSSL; algorithms are fetched once, contexts are a thread's own. */
#include "keys/keys.h"

#include "base/memory.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
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

void
hmac_sha256(const uint8_t *key, struct slice s, uint8_t out[DIGEST_SIZE])
{
	unsigned size = DIGEST_SIZE;
	HMAC(EVP_sha256(), key, KEY_SIZE, s.data, s.size, out, &size);
}
