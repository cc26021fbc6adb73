/* unicode.c - directions, scripts, and what identifiers are made of. */
#include "cedar/unicode.h"

static bool
is_ascii(struct cedar_text text)
{
	size_t i;

	for (i = 0; i < text.size; i++)
		if ((unsigned char)text.data[i] >= 0x7F || (unsigned char)text.data[i] < 0x20)
			return false;
	return true;
}

static const struct cedar_script_range *
range_of(const struct cedar_script_range *ranges, size_t count, uint32_t point)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (ranges[middle].last < point)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && ranges[low].first <= point ? &ranges[low] : NULL;
}

/* Embeddings, overrides, isolates and their ends. */
static bool
turns(uint32_t point)
{
	return (point >= 0x202A && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069);
}

static bool
unfit(uint32_t point)
{
	if (point >= 0x20 && point < 0x7F)
		return false;
	return range_of(cedar_identifier_ranges, cedar_identifier_range_count, point) == NULL;
}

/* Takes away the scripts that do not have this character; false if none is left. */
static bool
narrow(struct cedar_scripts *scripts, uint32_t point)
{
	const struct cedar_script_range *range = range_of(cedar_script_ranges, cedar_script_range_count, point);
	uint64_t left = 0;
	size_t i;

	if (range == NULL)
		return true;
	for (i = 0; i < CEDAR_SCRIPT_WORDS; i++)
		left |= scripts->words[i] &= cedar_script_sets[range->set].words[i];
	return left != 0;
}

static bool
find(struct cedar_text text, bool (*test)(uint32_t), uint32_t *point)
{
	size_t at = 0;

	while (at < text.size) {
		*point = cedar_utf8_next(text, &at);
		if (test(*point))
			return true;
	}
	return false;
}

enum cedar_suspicion
cedar_text_suspicion(struct cedar_text text, bool identifier, uint32_t *point)
{
	struct cedar_scripts scripts;
	size_t at = 0;

	*point = 0;
	if (is_ascii(text))
		return CEDAR_PLAIN;
	if (find(text, turns, point))
		return CEDAR_TURNS;
	if (identifier && find(text, unfit, point))
		return CEDAR_UNFIT;
	memset(&scripts, 0xFF, sizeof scripts);
	while (at < text.size) {
		*point = cedar_utf8_next(text, &at);
		if (!narrow(&scripts, *point))
			return CEDAR_MIXES_SCRIPTS;
	}
	return CEDAR_PLAIN;
}
