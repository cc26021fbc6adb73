/* What is said to witnesses, and what they answer (C2SP tlog-witness, tlog-cosignature). */
#include "ledger/append.h"
#include "ledger/public.h"

#include "base/memory.h"
#include "base/text.h"
#include "ledger/reader.h"
#include "proof/note.h"

fallible
ledger_witness_request(const void *owner, struct ledger_reader *r, uint64_t old, uint64_t size, struct slice note, struct slice *out)
{
	struct tree tree = hashes_tree(r->hashes);
	struct proof_hash proof[TREE_PATH_MAX];
	size_t count;
	TRY(tree_consistency(&tree, old, size, proof, &count));
	char *text = memory_format(owner, "old %llu\n", (unsigned long long)old);
	for (size_t i = 0; i < count; i++) {
		char base64[64];
		text_base64(slice_of(proof[i].bytes, PROOF_HASH), base64);
		text = talloc_asprintf_append(text, "%s\n", base64);
	}
	text = talloc_asprintf_append(text, "\n%.*s", SLICE_ARGUMENTS(note));
	*out = slice_text(text);
	return NULL;
}

/* The note's text and the line alone, as a note. */
static bool
holds(const void *owner, const struct proof_vkey *key, struct slice note, struct slice line, int64_t *seen)
{
	struct proof_note whole, one;
	const char *fault;
	uint64_t time;
	if (!proof_note_parse((struct proof_bytes){ note.data, note.size }, &whole, &fault))
		return false;
	char *text = memory_format(owner, "%.*s\n%.*s\n", (int)whole.text.size, (const char *)whole.text.data, SLICE_ARGUMENTS(line));
	if (!proof_note_parse((struct proof_bytes){ (const uint8_t *)text, strlen(text) }, &one, &fault) ||
	    proof_note_check(ledger_functions, &one, key, &time) != PROOF_SIGNED)
		return false;
	*seen = (int64_t)time;
	return true;
}

fallible
ledger_witness_check(const void *owner, struct slice vkey, struct slice note, struct slice answer, struct slice *line, int64_t *seen)
{
	struct proof_vkey key;
	if (!proof_vkey_parse(ledger_functions, (struct proof_bytes){ vkey.data, vkey.size }, &key) || key.type != PROOF_COSIGNATURE)
		return E_ARGUMENT;
	while (answer.size) {
		const uint8_t *end = memchr(answer.data, '\n', answer.size);
		struct slice one = slice_of(answer.data, end ? (size_t)(end - answer.data) : answer.size);
		answer = slice_from(answer, one.size + 1);
		if (one.size < 512 && holds(owner, &key, note, one, seen)) {
			*line = memory_copy(owner, one);
			return NULL;
		}
	}
	return E_LEDGER_FAULT;
}

void
ledger_cosign(struct ledger *l, uint64_t size, struct slice line)
{
	pthread_mutex_lock(&l->publishing);
	struct published *p = &l->published_now;
	if (p->size == size)
		p->note = talloc_asprintf_append(p->note, "%.*s\n", SLICE_ARGUMENTS(line));
	pthread_mutex_unlock(&l->publishing);
}
