#include "watch/text.h"

size_t
character_size(struct slice text)
{
	if (text.size == 0)
		return 0;
	uint8_t c = text.data[0];
	size_t size = c < 0xC2 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 1;
	if (size > text.size)
		return 1;
	for (size_t i = 1; i < size; i++)
		if ((text.data[i] & 0xC0) != 0x80)
			return 1;
	return size;
}

static bool
is_between(uint32_t c, uint32_t first, uint32_t last)
{
	return c >= first && c <= last;
}

/* Blocks where capitals and small letters alternate. */
static uint32_t
fold_alternating(uint32_t c)
{
	static const struct {
		uint16_t first, last;
		bool odd;               /* the capitals are */
	} blocks[] = {
		{ 0x0100, 0x012F, false }, { 0x0132, 0x0137, false }, { 0x0139, 0x0148, true },  { 0x014A, 0x0177, false },
		{ 0x0179, 0x017E, true },  { 0x01CD, 0x01DC, true },  { 0x01DE, 0x01EF, false }, { 0x01F8, 0x021F, false },
		{ 0x0222, 0x0233, false }, { 0x0370, 0x0373, false }, { 0x03D8, 0x03EF, false }, { 0x0460, 0x0481, false },
		{ 0x048A, 0x04BF, false }, { 0x04C1, 0x04CE, true },  { 0x04D0, 0x052F, false }, { 0x1E00, 0x1E95, false },
		{ 0x1EA0, 0x1EFF, false },
	};
	for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
		if (is_between(c, blocks[i].first, blocks[i].last))
			return (c & 1) == blocks[i].odd ? c + 1 : c;
	return c;
}

/* No letter becomes longer in UTF-8 by this. */
static uint32_t
fold_character(uint32_t c)
{
	if (is_between(c, 0xC0, 0xDE) && c != 0xD7)
		return c + 32;
	if (is_between(c, 0x0391, 0x03AB) || is_between(c, 0x0410, 0x042F) || is_between(c, 0xFF21, 0xFF3A))
		return c + 32;
	if (is_between(c, 0x0400, 0x040F))
		return c + 80;
	if (is_between(c, 0x0531, 0x0556))
		return c + 48;
	switch (c) {
	case 0x0178:
		return 0xFF;
	case 0x017F:
		return 's';
	case 0x0386:
		return 0x03AC;
	case 0x0388:
	case 0x0389:
	case 0x038A:
		return c + 37;
	case 0x038C:
		return 0x03CC;
	case 0x038E:
	case 0x038F:
		return c + 63;
	case 0x03C2:
		return 0x03C3;
	case 0x212A:
		return 'k';
	case 0x212B:
		return 0xE5;
	default:
		return fold_alternating(c);
	}
}

static size_t
write_character(uint32_t c, uint8_t *out)
{
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (uint8_t)(0xC0 | c >> 6);
		out[1] = (uint8_t)(0x80 | (c & 0x3F));
		return 2;
	}
	out[0] = (uint8_t)(0xE0 | c >> 12);
	out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
	out[2] = (uint8_t)(0x80 | (c & 0x3F));
	return 3;
}

static size_t
fold_wide(struct slice text, size_t size, uint8_t *out)
{
	uint32_t c = size == 2 ? (uint32_t)(text.data[0] & 0x1F) << 6 | (text.data[1] & 0x3F)
	                       : (uint32_t)(text.data[0] & 0x0F) << 12 | (uint32_t)(text.data[1] & 0x3F) << 6 | (text.data[2] & 0x3F);
	uint32_t folded = fold_character(c);
	if (folded != c)
		return write_character(folded, out);
	memmove(out, text.data, size);
	return size;
}

/* Eight bytes at once, if all are ASCII: 0x20 is added where a byte is from A to Z. */
static bool
fold_eight(const uint8_t *in, uint8_t *out)
{
	const uint64_t ones = 0x0101010101010101u;
	uint64_t word;
	memcpy(&word, in, sizeof word);
	if (word & ones * 0x80)
		return false;
	uint64_t least = word + ones * (0x80 - 'A'), beyond = word + ones * (0x80 - 'Z' - 1);
	word += ((least & ~beyond) & ones * 0x80) >> 2;
	memcpy(out, &word, sizeof word);
	return true;
}

size_t
fold_text(struct slice text, uint8_t *out)
{
	size_t at = 0, written = 0;
	while (at < text.size) {
		if (at + 8 <= text.size && fold_eight(text.data + at, out + written)) {
			at += 8;
			written += 8;
			continue;
		}
		uint8_t c = text.data[at];
		if (c < 0x80) {
			out[written++] = (uint8_t)(c + ((uint8_t)(c - 'A') < 26) * 32);
			at++;
			continue;
		}
		size_t size = character_size(slice_from(text, at));
		if (size == 2 || size == 3)
			written += fold_wide(slice_from(text, at), size, out + written);
		else
			for (size_t i = 0; i < size; i++)
				out[written + i] = text.data[at + i];
		written += size == 2 || size == 3 ? 0 : size;
		at += size;
	}
	return written;
}
