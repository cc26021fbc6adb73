/* scan.h - private: a text read from its start; what was not found leaves it as it is. */
#pragma once
#include "base/slice.h"

static inline bool
scan_literal(struct slice *rest, const char *text)
{
	if (!slice_starts(*rest, slice_text(text)))
		return false;
	*rest = slice_from(*rest, strlen(text));
	return true;
}

/* What stands before `end`, which is passed over. */
static inline bool
scan_until(struct slice *rest, char end, struct slice *out)
{
	const uint8_t *at = rest->size ? memchr(rest->data, end, rest->size) : NULL;
	if (!at)
		return false;
	*out = slice_of(rest->data, (size_t)(at - rest->data));
	*rest = slice_from(*rest, out->size + 1);
	return true;
}

/* As scan_until, and the whole rest where there is no `end`. */
static inline struct slice
scan_word(struct slice *rest, char end)
{
	struct slice out = *rest;
	if (!scan_until(rest, end, &out))
		*rest = (struct slice){ NULL, 0 };
	return out;
}

static inline bool
scan_digits(struct slice *rest, size_t most, struct slice *out)
{
	size_t size = 0;
	while (size < rest->size && size < most && rest->data[size] >= '0' && rest->data[size] <= '9')
		size++;
	*out = slice_of(rest->data, size);
	*rest = slice_from(*rest, size);
	return size > 0;
}
