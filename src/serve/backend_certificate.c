/* Certificates of roles, for logging in at their database: minted by the keeper for half a day, kept until an hour before they
 * end. One worker's. */
#include "serve/inside.h"

#include "base/clock.h"
#include "base/memory.h"
#include "postgres/postgres.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

enum { HOLDS = 12, EARLY = 1, KEPT = 512 }; /* hours; certificates */

struct minted {
	struct minted *next;
	struct slice name, certificate, key;
	int64_t until; /* monotonic */
};

struct minter {
	struct keys *keys;
	struct minted *first; /* the newest */
};

fallible
minter_new(const void *owner, struct keys *keys, struct minter **out)
{
	*out = NEW(owner, struct minter);
	(*out)->keys = keys;
	return NULL;
}

static fallible
mint(struct minter *m, struct slice name, struct minted **out)
{
	SCOPED struct minted *n = NEW(m, struct minted);
	EVP_PKEY *pair = EVP_EC_gen("P-256");
	uint8_t *spki = NULL;
	int size = pair ? i2d_PUBKEY(pair, &spki) : 0;
	struct slice der;
	err_t e = size > 0 ? certificate_key_pem(n, pair, &n->key) : E_CRYPTO;
	if (!e)
		e = keys_certify(n, m->keys, PROFILE_BACKEND, slice_of(spki, (size_t)size), name, HOLDS * 3600, &der);
	OPENSSL_free(spki);
	EVP_PKEY_free(pair);
	TRY(e);
	TRY(certificate_pem(n, der, &n->certificate));
	n->name = memory_copy(n, name);
	n->until = clock_monotonic() + HOURS(HOLDS - EARLY);
	*out = TAKE(n);
	return NULL;
}

/* What has ended goes, and what is too many, the oldest. */
static void
sweep(struct minter *m)
{
	int64_t now = clock_monotonic();
	size_t count = 0;
	for (struct minted **at = &m->first, *n; (n = *at);) {
		if (n->until > now && count++ < KEPT) {
			at = &n->next;
			continue;
		}
		*at = n->next;
		memory_wipe((void *)(uintptr_t)n->key.data, n->key.size);
		talloc_free(n);
	}
}

fallible
minter_identify(struct minter *m, const void *owner, struct slice database, struct database *d)
{
	SCOPED char *name = memory_format(NULL, "%.*s/%.*s", SLICE_ARGUMENTS(database), SLICE_ARGUMENTS(d->role));
	sweep(m);
	struct minted *n = m->first;
	while (n && !slice_is(n->name, name))
		n = n->next;
	if (!n) {
		TRY(mint(m, slice_text(name), &n));
		n->next = m->first;
		m->first = n;
	}
	d->certificate = memory_copy(owner, n->certificate);
	d->key = memory_copy(owner, n->key);
	return NULL;
}
