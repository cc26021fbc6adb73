#include "base/memory.h"
#include "base/text.h"
#include "watch/rule.h"

/* The character at the start of `text`; bytes that are no UTF-8 count as Latin-1. */
static uint32_t
decode_character(struct slice text, size_t size)
{
	uint32_t c = text.data[0];
	if (size == 1)
		return c;
	c &= size == 2 ? 0x1Fu : size == 3 ? 0x0Fu : 0x07u;
	for (size_t i = 1; i < size; i++)
		c = c << 6 | (text.data[i] & 0x3Fu);
	return c;
}

static size_t
write_unit(uint32_t unit, bool big_endian, uint8_t *out)
{
	out[big_endian ? 0 : 1] = (uint8_t)(unit >> 8);
	out[big_endian ? 1 : 0] = (uint8_t)unit;
	return 2;
}

static struct slice
widen(void *owner, struct slice text, bool big_endian, bool mark)
{
	uint8_t *wide = memory_zeroed(owner, 2, text.size + 2, "wide");
	size_t size = mark ? write_unit(0xFEFF, big_endian, wide) : 0, step;
	for (size_t at = 0; at < text.size; at += step) {
		step = character_size(slice_from(text, at));
		uint32_t c = decode_character(slice_from(text, at), step);
		if (c < 0x10000) {
			size += write_unit(c, big_endian, wide + size);
			continue;
		}
		size += write_unit(0xD800 + ((c - 0x10000) >> 10), big_endian, wide + size);
		size += write_unit(0xDC00 + ((c - 0x10000) & 0x3FF), big_endian, wide + size);
	}
	return slice_of(wide, size);
}

bool
encode_wide(void *owner, struct pattern *p, bool big_endian, bool mark)
{
	for (size_t i = 0; i < p->count; i++) {
		if (p->parts[i].kind == PART_TEXT)
			p->parts[i].text = widen(owner, p->parts[i].text, big_endian, mark && i == 0);
		else if (p->parts[i].kind != PART_RUN)
			return false;
	}
	return true;
}

static struct slice
encode(void *owner, struct slice text, size_t shift)
{
	uint8_t *shifted = memory_zeroed(owner, 1, text.size + shift + 1, "base64");
	char *out = memory_zeroed(owner, 1, 4 * ((text.size + shift + 2) / 3) + 1, "base64");
	if (text.size)
		memcpy(shifted + shift, text.data, text.size);
	text_base64(slice_of(shifted, text.size + shift), out);
	return slice_text(out);
}

bool
encode_base64(void *owner, struct pattern *p)
{
	if (!pattern_is_plain(p) || p->count == 0)
		return false;
	p->parts[0].text = encode(owner, p->parts[0].text, 0);
	return true;
}

/* Of each of the three positions only the characters that all bytes around leave as they are. */
bool
encode_base64_offsets(void *owner, const struct pattern *p, struct pattern out[static 3])
{
	static const size_t start[] = { 0, 2, 3 }, end[] = { 0, 3, 2 };
	if (!pattern_is_plain(p) || p->count == 0)
		return false;
	struct slice text = p->parts[0].text;
	for (size_t shift = 0; shift < 3; shift++) {
		struct slice whole = encode(owner, text, shift);
		size_t cut = start[shift] + end[(text.size + shift) % 3];
		if (cut >= whole.size)
			return false;
		out[shift] = pattern_of_text(owner, slice_of(whole.data + start[shift], whole.size - cut));
	}
	return true;
}
