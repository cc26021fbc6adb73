/* The readers of small texts that come from outside: times, durations, numbers, base64, hex, kinds, tokens, and entries. */
#include "base/text.h"
#include "identity/identity.h"
#include "proof/proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice s = slice_of(data, size);
	uint8_t room[64];
	char back[4 * sizeof room];
	int64_t time;
	uint64_t number;
	size_t n;
	enum principal_kind kind;
	struct proof_entry entry;
	const char *fault;
	if (!text_base64_parse(s, room, sizeof room, &n)) {
		text_base64(slice_of(room, n), back);
		if (!slice_is(s, back))
			__builtin_trap();       /* two texts of the same bytes: not strict */
	}
	if (!text_hex_parse(s, room, sizeof room, &n) && n != size / 2)
		__builtin_trap();
	if (!text_time_parse(s, &time)) {
		char text[TIME_TEXT];
		int64_t again;
		text_time(time, text);
		if (time >= 0 && (text_time_parse(slice_text(text), &again) || again != time))
			__builtin_trap();
	}
	if (!text_duration_parse(s, &time) && time <= 0)
		__builtin_trap();
	if (!text_number_parse(s, &number) && size > 20)
		__builtin_trap();
	if (token_check(s) && size != 53)
		__builtin_trap();
	if (!principal_kind_parse(s, &kind) && kind >= KINDS)
		__builtin_trap();
	if (proof_entry_parse((struct proof_bytes){ data, size }, &entry, &fault) && !entry.log.data)
		__builtin_trap();
	return 0;
}
