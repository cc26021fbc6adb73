/* What the verifier is lent: OpenSSL and zstd. */
#define OPENSSL_SUPPRESS_DEPRECATED /* SHA256_Update: EVP costs as much again for messages as short as ours */
#include "cli/bundle_inside.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/ts.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum { WINDOW_LOG = 23, KEY_SIZE = 32 }; /* 8 MiB */

static void
native_sha256(void *context, const struct proof_bytes *parts, size_t count, uint8_t out[PROOF_HASH])
{
	SHA256_CTX c;
	(void)context;
	SHA256_Init(&c);
	for (size_t i = 0; i < count; i++)
		SHA256_Update(&c, parts[i].data, parts[i].size);
	SHA256_Final(out, &c);
}

static void
native_hmac(void *context, const uint8_t key[32], struct proof_bytes data, uint8_t out[PROOF_HASH])
{
	(void)context;
	if (!HMAC(EVP_sha256(), key, KEY_SIZE, data.data, data.size, out, NULL))
		memset(out, 0, PROOF_HASH);
}

static bool
native_unseal(void *context, const uint8_t key[32], struct proof_bytes sealed, uint8_t *out)
{
	static const uint8_t nonce[12] = { 0 };
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint8_t tag[PROOF_TAG];
	int size = 0;
	(void)context;
	memcpy(tag, sealed.data + sealed.size - PROOF_TAG, PROOF_TAG);
	bool ok = c && EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, nonce) == 1 &&
	          EVP_DecryptUpdate(c, out, &size, sealed.data, (int)(sealed.size - PROOF_TAG)) == 1 &&
	          EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, PROOF_TAG, tag) == 1 &&
	          EVP_DecryptFinal_ex(c, out + size, &size) == 1;
	EVP_CIPHER_CTX_free(c);
	return ok;
}

static uint8_t *
join(const struct proof_bytes *parts, size_t count, size_t *size)
{
	*size = 0;
	for (size_t i = 0; i < count; i++)
		*size += parts[i].size;
	uint8_t *all = malloc(*size + 1);
	for (size_t i = 0, at = 0; all && i < count; at += parts[i++].size)
		memcpy(all + at, parts[i].data, parts[i].size);
	return all;
}

static bool
native_ed25519(void *context, const uint8_t key[32], const struct proof_bytes *parts, size_t count,
               const uint8_t signature[64])
{
	size_t size;
	uint8_t *message = join(parts, count, &size);
	EVP_PKEY *k = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, KEY_SIZE);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	(void)context;
	bool ok = message && k && c && EVP_DigestVerifyInit(c, NULL, NULL, NULL, k) == 1 &&
	          EVP_DigestVerify(c, signature, 64, message, size) == 1;
	EVP_MD_CTX_free(c);
	EVP_PKEY_free(k);
	free(message);
	return ok;
}

static enum proof_flow
native_inflate(void *context, struct proof_bytes *in, uint8_t *out, size_t *size)
{
	struct bundle_native *n = context;
	ZSTD_inBuffer from = { in->data, in->size, 0 };
	ZSTD_outBuffer to = { out, *size, 0 };
	size_t left = ZSTD_decompressStream(n->zstd, &to, &from);
	in->data += from.pos;
	in->size -= from.pos;
	*size = to.pos;
	if (ZSTD_isError(left))
		return PROOF_BROKEN;
	return left == 0 ? PROOF_END : PROOF_MORE;
}

static bool
time_of(PKCS7 *token, uint64_t *seconds)
{
	TS_TST_INFO *info = PKCS7_to_TS_TST_INFO(token);
	struct tm tm;
	bool ok = info && ASN1_TIME_to_tm((const ASN1_TIME *)TS_TST_INFO_get_time(info), &tm) == 1;
	if (ok)
		*seconds = (uint64_t)timegm(&tm);
	TS_TST_INFO_free(info);
	return ok;
}

/* The context takes over what it is given. */
static bool
check_token(X509_STORE *authorities, PKCS7 *token, const uint8_t digest[PROOF_HASH])
{
	TS_VERIFY_CTX *c = TS_VERIFY_CTX_new();
	uint8_t *imprint = OPENSSL_memdup(digest, PROOF_HASH);
	if (!c || !imprint || X509_STORE_up_ref(authorities) != 1) {
		OPENSSL_free(imprint);
		TS_VERIFY_CTX_free(c);
		return false;
	}
	TS_VERIFY_CTX_set_flags(c, TS_VFY_VERSION | TS_VFY_IMPRINT | TS_VFY_SIGNATURE);
	TS_VERIFY_CTX_set_imprint(c, imprint, PROOF_HASH);
	TS_VERIFY_CTX_set_store(c, authorities);
	bool ok = TS_RESP_verify_token(c, token) == 1;
	TS_VERIFY_CTX_free(c);
	return ok;
}

static bool
native_timestamp(void *context, struct proof_bytes token, const uint8_t digest[PROOF_HASH], uint64_t *time)
{
	struct bundle_native *n = context;
	const uint8_t *at = token.data;
	PKCS7 *p = token.size <= INT32_MAX ? d2i_PKCS7(NULL, &at, (long)token.size) : NULL;
	bool ok = p && at == token.data + token.size && n->authorities && check_token(n->authorities, p, digest) &&
	          time_of(p, time);
	PKCS7_free(p);
	return ok;
}

bool
bundle_native_open(struct bundle_native *n)
{
	ZSTD_DCtx *zstd = ZSTD_createDCtx();
	if (!zstd || ZSTD_isError(ZSTD_DCtx_setParameter(zstd, ZSTD_d_windowLogMax, WINDOW_LOG)))
		return false;
	*n = (struct bundle_native){
		.functions = { n, native_sha256, native_hmac, native_unseal, native_ed25519, native_inflate,
		               native_timestamp },
		.zstd = zstd,
	};
	return true;
}

void
bundle_native_close(struct bundle_native *n)
{
	ZSTD_freeDCtx(n->zstd);
	X509_STORE_free(n->authorities);
}

bool
bundle_native_trust(struct bundle_native *n, const char *path)
{
	n->authorities = X509_STORE_new();
	if (!n->authorities || X509_STORE_load_file(n->authorities, path) != 1)
		return false;
	return X509_STORE_set_purpose(n->authorities, X509_PURPOSE_TIMESTAMP_SIGN) == 1;
}
