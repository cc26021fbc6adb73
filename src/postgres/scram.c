#include "postgres/scram.h"

#include "base/cursor.h"
#include "base/id.h"
#include "base/memory.h"
#include "base/text.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>

/* gs2-header of RFC 5802: no TLS; TLS, and the server did not offer -PLUS; bound. */
static const char *const gs2[] = { [SCRAM_UNBOUND] = "n,,", [SCRAM_NOT_OFFERED] = "y,,", [SCRAM_BOUND] = "p=tls-server-end-point,," };

void
scram_bind(struct scram *s, struct slice binding, bool offered)
{
	s->channel = !binding.size || binding.size > sizeof s->binding ? SCRAM_UNBOUND : offered ? SCRAM_BOUND : SCRAM_NOT_OFFERED;
	s->binding_size = s->channel == SCRAM_BOUND ? binding.size : 0;
	memcpy(s->binding, binding.data ? binding.data : (const uint8_t *)"", s->binding_size);
}

/* base64(gs2-header ‖ channel binding data) */
static void
channel_text(const struct scram *s, char out[static 2 * SCRAM_BINDING_MAX])
{
	uint8_t all[SCRAM_BINDING_MAX + 32];
	size_t size = strlen(gs2[s->channel]);
	memcpy(all, gs2[s->channel], size);
	memcpy(all + size, s->binding, s->binding_size);
	text_base64(slice_of(all, size + s->binding_size), out);
}

struct slice
scram_first(struct scram *s, char *out)
{
	uint8_t random[24];
	random_bytes(random, sizeof random);
	text_base64(slice_of(random, sizeof random), s->nonce);
	int n = snprintf(s->auth, sizeof s->auth, "n=,r=%s", s->nonce);
	s->auth_size = (size_t)n;
	return slice_of(out, (size_t)snprintf(out, SCRAM_TEXT, "%s%s", gs2[s->channel], s->auth));
}

/* An attribute "x=…" up to the comma; takes it off. */
static struct slice
attribute(struct slice *rest, char name)
{
	if (rest->size < 2 || rest->data[0] != (uint8_t)name || rest->data[1] != '=')
		return slice_of(NULL, 0);
	struct slice value = slice_from(*rest, 2);
	const uint8_t *comma = value.size ? memchr(value.data, ',', value.size) : NULL;
	if (comma)
		value.size = (size_t)(comma - value.data);
	*rest = slice_from(*rest, 2 + value.size + 1);
	return value;
}

static fallible
make_keys(struct scram_keys *k, const uint8_t *salt, size_t salt_size, unsigned iterations, struct slice password)
{
	uint8_t salted[DIGEST_SIZE];
	if (k->iterations == iterations && k->salt_size == salt_size && memcmp(k->salt, salt, salt_size) == 0)
		return NULL;
	if (password.size > INT32_MAX ||
	    PKCS5_PBKDF2_HMAC((const char *)password.data, (int)password.size, salt, (int)salt_size, (int)iterations, EVP_sha256(),
	                      sizeof salted, salted) != 1)
		return E_CRYPTO;
	hmac_sha256(salted, LITERAL("Client Key"), k->client);
	hmac_sha256(salted, LITERAL("Server Key"), k->server);
	memory_wipe(salted, sizeof salted);
	memcpy(k->salt, salt, salt_size);
	k->salt_size = salt_size;
	k->iterations = iterations;
	return NULL;
}

static bool
append(struct scram *s, const char *format, struct slice text)
{
	int n = snprintf(s->auth + s->auth_size, sizeof s->auth - s->auth_size, format, SLICE_ARGUMENTS(text));
	if (n < 0 || (size_t)n >= sizeof s->auth - s->auth_size)
		return false;
	s->auth_size += (size_t)n;
	return true;
}

static void
prove(const struct scram *s, const struct scram_keys *k, char proof[64])
{
	uint8_t stored[DIGEST_SIZE], signature[DIGEST_SIZE];
	sha256(slice_of(k->client, DIGEST_SIZE), stored);
	hmac_sha256(stored, slice_of(s->auth, s->auth_size), signature);
	for (size_t i = 0; i < DIGEST_SIZE; i++)
		signature[i] ^= k->client[i];
	text_base64(slice_of(signature, sizeof signature), proof);
}

fallible
scram_final(struct scram *s, struct slice server_first, struct slice password, struct scram_keys *keys, char *out,
            struct slice *message)
{
	struct slice rest = server_first, nonce = attribute(&rest, 'r'), salt_text = attribute(&rest, 's'), count = attribute(&rest, 'i');
	uint8_t salt[SCRAM_SALT_MAX];
	char proof[64];
	size_t salt_size;
	uint64_t iterations;
	if (!slice_starts(nonce, slice_text(s->nonce)) || nonce.size <= strlen(s->nonce) || nonce.size > 256 ||
	    text_base64_parse(salt_text, salt, sizeof salt, &salt_size) || text_number_parse(count, &iterations) || iterations < 1 ||
	    iterations > SCRAM_ITERATIONS_MAX)
		return E_CRYPTO;
	TRY(make_keys(keys, salt, salt_size, (unsigned)iterations, password));
	char channel[2 * SCRAM_BINDING_MAX];
	channel_text(s, channel);
	if (!append(s, ",%.*s", server_first) || !append(s, ",c=%.*s", slice_text(channel)) || !append(s, ",r=%.*s", nonce))
		return E_CRYPTO;
	prove(s, keys, proof);
	memcpy(s->server, keys->server, sizeof s->server);
	*message = slice_of(out, (size_t)snprintf(out, SCRAM_TEXT, "c=%s,r=%.*s,p=%s", channel, SLICE_ARGUMENTS(nonce), proof));
	return NULL;
}

fallible
scram_verify(const struct scram *s, struct slice server_final)
{
	uint8_t expected[DIGEST_SIZE], given[DIGEST_SIZE];
	size_t size;
	struct slice value = attribute(&server_final, 'v');
	hmac_sha256(s->server, slice_of(s->auth, s->auth_size), expected);
	if (text_base64_parse(value, given, sizeof given, &size) || size != sizeof given || CRYPTO_memcmp(given, expected, size) != 0)
		return E_CRYPTO;
	return NULL;
}
