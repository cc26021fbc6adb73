#include "postgres/mark.h"

#include "base/text.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

void
mark_key(struct slice salt, uint8_t out[static DIGEST_SIZE])
{
	static const char purpose[] = "sekisho mark";
	unsigned size = DIGEST_SIZE;
	HMAC(EVP_sha256(), salt.data, (int)salt.size, (const uint8_t *)purpose, sizeof purpose - 1, out, &size);
}

void
mark_make(struct slice key, struct slice id, char out[static MARK_TEXT])
{
	uint8_t mac[DIGEST_SIZE];
	char hex[2 * DIGEST_SIZE + 1];
	unsigned size = sizeof mac;
	HMAC(EVP_sha256(), key.data, (int)key.size, id.data, id.size, mac, &size);
	text_hex(slice_of(mac, sizeof mac), hex);
	snprintf(out, MARK_TEXT, "%.*s%.*s", MARK_ID, (const char *)id.data, MARK_MAC, hex);
}

bool
mark_check(struct slice key, struct slice mark)
{
	char right[MARK_TEXT];
	if (mark.size != MARK_TEXT - 1)
		return false;
	mark_make(key, slice_of(mark.data, MARK_ID), right);
	return CRYPTO_memcmp(right, mark.data, MARK_TEXT - 1) == 0;
}
