/* Notes, checkpoints and verifier keys: what is taken has the form that note.h promises. */
#include "fuzz.h"

#include "cli/bundle_inside.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bundle_native native;
	struct proof_note note;
	struct proof_checkpoint point;
	struct proof_vkey key = { .name = { (const uint8_t *)"ledger.example.com/sekisho", 26 },
		                  .type = PROOF_ED25519 };
	const char *why = NULL;
	if (!bundle_native_open(&native))
		return 0;
	(void)proof_vkey_parse(&native.functions, (struct proof_bytes){ data, size }, &key);
	if (proof_note_parse((struct proof_bytes){ data, size }, &note, &why)) {
		assert(note.text.data == data && note.text.size + 1 + note.signatures.size == size);
		assert(note.text.size && data[note.text.size - 1] == '\n' && data[note.text.size] == '\n' &&
		       data[size - 1] == '\n');
		if (proof_checkpoint_parse(note.text, &point, &why))
			assert(point.origin.data == data && point.origin.size < note.text.size);
		(void)proof_note_check(&native.functions, &note, &key, NULL);
		key.type = PROOF_COSIGNATURE;
		(void)proof_note_check(&native.functions, &note, &key, NULL);
	} else {
		assert(why);
	}
	bundle_native_close(&native);
	return 0;
}
