/* Who a credential belongs to, remembered for as long as nobody's rights change. */
#include "gate/inside.h"

#include "base/memory.h"

enum { PLACES = 1024 };

struct place {
	uint8_t digest[DIGEST_SIZE];
	struct principal *principal;
};

struct cache {
	uint64_t epoch;
	struct place places[PLACES];
};

fallible
cache_new(const void *owner, struct cache **out)
{
	*out = NEW(owner, struct cache);
	return NULL;
}

static void
forget_all(struct cache *c, uint64_t epoch)
{
	for (size_t i = 0; i < PLACES; i++)
		if (c->places[i].principal)
			talloc_unlink(c, TAKE(c->places[i].principal));
	c->epoch = epoch;
}

fallible
cache_identify(struct cache *c, struct store *view, const uint8_t digest[DIGEST_SIZE], uint64_t epoch, int64_t now,
               struct principal **out)
{
	struct place *at = &c->places[(digest[0] | digest[1] << 8) % PLACES];
	if (c->epoch != epoch)
		forget_all(c, epoch);
	if (!at->principal || memcmp(at->digest, digest, DIGEST_SIZE) != 0) {
		struct principal *found;
		TRY(principal_identify(c, view, digest, now, &found));
		if (at->principal)
			talloc_unlink(c, at->principal);
		at->principal = found;
		memcpy(at->digest, digest, DIGEST_SIZE);
	}
	if (at->principal->credential_expires <= now)
		return E_EXPIRED_CREDENTIAL;
	*out = at->principal;
	return NULL;
}
