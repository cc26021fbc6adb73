/* Openings: LEDGER.md, "Detail key". GCM alone does not bind the plaintext; the commitment does. */
#include "proof/proof.h"

#include <string.h>

static const char *
check_form(struct proof_bytes plaintext)
{
	struct proof_cbor check = { plaintext, NULL }, c = { plaintext, NULL };
	proof_cbor_whole(&check, 0);
	if (check.fault)
		return check.fault;
	if (check.rest.size)
		return "bytes behind the detail's end";
	if (proof_cbor_next(&c).type != PROOF_MAP)
		return "the detail is not a map";
	if (c.rest.size && proof_cbor_next(&c).type != PROOF_TEXT) /* integers would come first */
		return "a key of the detail is not text";
	return NULL;
}

static const char *
open_detail(const struct proof_functions *f, const struct proof_entry *e, struct proof_bytes key, uint8_t *room)
{
	uint8_t commitment[PROOF_HASH];
	if (!e->detail.data)
		return "an opening of an entry without detail";
	if (key.size != 32)
		return "the detail key has not 32 bytes";
	if (e->detail.size < PROOF_TAG || e->detail.size > PROOF_ENTRY_MAX ||
	    !f->unseal(f->context, key.data, e->detail, room))
		return "the key does not open the detail";
	f->hmac(f->context, key.data, (struct proof_bytes){ room, e->detail.size - PROOF_TAG }, commitment);
	if (memcmp(commitment, e->commitment.data, PROOF_HASH) != 0)
		return "the commitment is to another key or plaintext";
	return check_form((struct proof_bytes){ room, e->detail.size - PROOF_TAG });
}

bool
proof_opening_check(const struct proof_functions *f, const struct proof_entry *e, struct proof_bytes key, uint8_t *room,
                    struct proof_bytes *plaintext, const char **fault)
{
	const char *why = open_detail(f, e, key, room);
	if (why) {
		*fault = why;
		return false;
	}
	*plaintext = (struct proof_bytes){ room, e->detail.size - PROOF_TAG };
	return true;
}
