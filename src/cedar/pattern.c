/* pattern.c - like. Pieces are found leftmost first with memmem, which is linear, so a megabyte against a megabyte is no
 * attack. */
#include "cedar/evaluate.h"

bool
cedar_pattern_match(const struct cedar_pattern *pattern, struct cedar_text text)
{
	const struct cedar_text *first = &pattern->pieces[0], *last = &pattern->pieces[pattern->count - 1];
	size_t i;

	if (pattern->count == 1)
		return cedar_text_equal(*first, text);
	if (text.size < first->size + last->size || memcmp(text.data, first->data, first->size) != 0 ||
	    memcmp(text.data + text.size - last->size, last->data, last->size) != 0)
		return false;
	text.data += first->size;
	text.size -= first->size + last->size;
	for (i = 1; i + 1 < pattern->count; i++) {
		const struct cedar_text *piece = &pattern->pieces[i];
		const char *found =
		    piece->size == 0 ? text.data : memmem(text.data, text.size, piece->data, piece->size);

		if (found == NULL)
			return false;
		text.size -= (size_t)(found - text.data) + piece->size;
		text.data = found + piece->size;
	}
	return true;
}
