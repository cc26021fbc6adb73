/* Analyses by their whole text. Slots are chosen by a keyed hash, so that nobody can aim at one; a flood of texts only
 * pushes others out. */
#include "postgres/statement.h"

#include "base/id.h"
#include "base/memory.h"

#include <sodium.h>

enum { SLOTS = 2048, TEXT_MAX = 16 << 10 };

struct slot {
	struct slice text;
	struct analysis *analysis;
};

struct analysis_cache {
	uint8_t key[crypto_shorthash_KEYBYTES];
	struct analysis *last;          /* one that is not kept */
	struct slot slots[SLOTS];
};

struct analysis_cache *
analysis_cache_new(const void *owner)
{
	struct analysis_cache *c = NEW(owner, struct analysis_cache);
	random_bytes(c->key, sizeof c->key);
	return c;
}

static struct slot *
slot_of(struct analysis_cache *c, struct slice text)
{
	uint8_t hash[crypto_shorthash_BYTES];
	crypto_shorthash(hash, text.data, text.size, c->key);
	return &c->slots[(hash[0] | hash[1] << 8) % SLOTS];
}

fallible
analysis_cached(struct analysis_cache *c, struct slice text, struct analysis **out)
{
	struct slot *at = slot_of(c, text);
	struct analysis *a;
	if (at->analysis && slice_equal(at->text, text)) {
		*out = at->analysis;
		return NULL;
	}
	TRY(analyse(c, text, &a));
	if (c->last)
		talloc_unlink(c, TAKE(c->last));
	if (text.size > TEXT_MAX || a->sqlstate)
		c->last = a;
	else {
		if (at->analysis)
			talloc_unlink(c, at->analysis);
		talloc_free((void *)(uintptr_t)at->text.data);
		at->analysis = a;
		at->text = memory_copy(c, text);
	}
	*out = a;
	return NULL;
}
