/* proof_bundle_verify, with signatures that always hold, so that what is behind them is reached: the verdict is the same
 * however the bytes come, and what is proven can be shown. */
#include "fuzz.h"

#include "cli/bundle_inside.h"

#include <stdlib.h>

struct source {
	const uint8_t *data;
	size_t left, piece;
	uint64_t entries;
};

static ptrdiff_t
read_piece(void *context, uint8_t *into, size_t size)
{
	struct source *s = context;
	size_t now = s->left < size ? s->left : size;
	now = now < s->piece ? now : s->piece;
	memcpy(into, s->data, now);
	s->data += now;
	s->left -= now;
	return (ptrdiff_t)now;
}

static bool
believe(void *context, const uint8_t key[32], const struct proof_bytes *parts, size_t count,
        const uint8_t signature[64])
{
	(void)context, (void)key, (void)parts, (void)count, (void)signature;
	return true;
}

static const char *
on_entry(void *context, const struct proof_shown_entry *e)
{
	struct source *s = context;
	s->entries += e->bytes.size > 0;
	return NULL;
}

static bool
verify(const uint8_t *data, size_t size, size_t piece, const struct proof_policy *policy, struct proof_fault *fault)
{
	static void *memory;
	struct bundle_native native;
	struct source s = { data, size, piece, 0 };
	if (!bundle_native_open(&native))
		abort();
	native.functions.ed25519 = believe;
	if (!memory)
		memory = malloc(PROOF_BUNDLE_MEMORY);
	struct proof_bundle b = { .functions = &native.functions,
		                  .policy = policy,
		                  .source = &s,
		                  .read = read_piece,
		                  .visitor = { .context = &s, .entry = on_entry },
		                  .memory = memory };
	bool ok = proof_bundle_verify(&b, fault);
	assert(ok || (fault->kind && fault->kind != PROOF_FAULT_UNREADABLE && fault->text && fault->member[0]));
	bundle_native_close(&native);
	return ok;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char vkey[] = "ledger.example.com/sekisho+95da370b+AeLmSA3u6IyhYLvM/2TIXrvKbaM7C0cU1/vDHrEpptqz";
	struct bundle_native native;
	struct proof_policy policy = { 0 };
	struct proof_fault one = { 0 }, two = { 0 }, three = { 0 };
	if (!bundle_native_open(&native))
		return 0;
	assert(proof_vkey_parse(&native.functions, (struct proof_bytes){ (const uint8_t *)vkey, sizeof vkey - 1 },
	                        &policy.key));
	bundle_native_close(&native);
	bool ok = verify(data, size, SIZE_MAX, &policy, &one);
	assert(ok == verify(data, size, 511, &policy, &two));
	bool compressed = size > 4 && memcmp(data, "\x28\xb5\x2f\xfd", 4) == 0;
	assert(compressed || (one.kind == two.kind && one.index == two.index && strcmp(one.member, two.member) == 0));
	bool form = verify(data, size, SIZE_MAX, NULL, &three);
	assert(form || !ok);
	return 0;
}
