/* proof_entry_parse and proof_cbor_*: what is taken points into the bytes, and no prefix of an entry is one. */
#include "fuzz.h"

#include "proof/proof.h"

static void
check_inside(struct proof_bytes b, const uint8_t *data, size_t size)
{
	assert(!b.data || (b.data >= data && b.size <= size && b.data + b.size <= data + size));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proof_bytes bytes = { data, size };
	struct proof_entry e;
	const char *why = NULL;
	struct proof_cbor c = { bytes, NULL };
	struct proof_bytes whole = proof_cbor_whole(&c, 0);
	assert(c.fault || (whole.data == data && whole.size + c.rest.size == size));
	if (!proof_entry_parse(bytes, &e, &why)) {
		assert(why);
		return 0;
	}
	assert(!c.fault && c.rest.size == 0 && size <= PROOF_ENTRY_MAX && e.blind.size == 16 && e.log.data);
	const struct proof_bytes fields[] = { e.blind,      e.passage,  e.log,     e.actor,     e.credential,
		                              e.operation,  e.resource, e.purpose, e.from,      e.on_behalf,
		                              e.policy_set, e.outcome,  e.detail,  e.commitment };
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		check_inside(fields[i], data, size);
	assert(!proof_entry_parse((struct proof_bytes){ data, size - 1 }, NULL, &why));
	return 0;
}
