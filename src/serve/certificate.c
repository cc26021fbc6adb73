/* The key of our doors is made at each start and lives in memory only; the keeper signs for it. */
#include "serve/inside.h"

#include "base/memory.h"
#include "base/text.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

enum { DOOR_DAYS = 30 };

fallible
certificate_pem(const void *owner, struct slice der, struct slice *pem)
{
	size_t digits = 4 * ((der.size + 2) / 3);
	SCOPED char *text = talloc_size(NULL, digits + 1);
	char *out = memory_format(owner, "-----BEGIN CERTIFICATE-----\n");
	text_base64(der, text);
	for (size_t at = 0; at < digits; at += 64)
		out = talloc_asprintf_append(out, "%.64s\n", text + at);
	*pem = slice_text(talloc_asprintf_append(out, "-----END CERTIFICATE-----\n"));
	return NULL;
}

fallible
certificate_key_pem(const void *owner, EVP_PKEY *key, struct slice *pem)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	char *data;
	bool good = bio && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1;
	long size = good ? BIO_get_mem_data(bio, &data) : 0;
	if (good)
		*pem = memory_copy(owner, slice_of(data, (size_t)size));
	BIO_free(bio);
	return good ? NULL : E_CRYPTO;
}

fallible
certificate_new(const void *owner, struct keys *keys, struct slice *certificate, struct slice *key, struct slice *client_ca)
{
	EVP_PKEY *pair = EVP_EC_gen("P-256");
	uint8_t *spki = NULL;
	int size = pair ? i2d_PUBKEY(pair, &spki) : 0;
	struct slice der, issuer;
	err_t e = size > 0 ? certificate_key_pem(owner, pair, key) : E_CRYPTO;
	if (!e)
		e = keys_certify(owner, keys, PROFILE_DOOR, slice_of(spki, (size_t)size), (struct slice){ NULL, 0 },
		                 DOOR_DAYS * 86400, &der);
	if (!e)
		e = keys_issuer(owner, keys, PROFILE_CLIENT, (struct slice){ NULL, 0 }, &issuer);
	OPENSSL_free(spki);
	EVP_PKEY_free(pair);
	TRY(e);
	TRY(certificate_pem(owner, der, certificate));
	return certificate_pem(owner, issuer, client_ca);
}
