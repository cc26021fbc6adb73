#include "proof/base64.h"

#include <string.h>

static int
value_of(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* How many of the last four are padding; -1 where the text cannot be base64. */
static int
count_padding(struct proof_bytes text)
{
	if (text.size % 4)
		return -1;
	if (text.size == 0 || text.data[text.size - 1] != '=')
		return 0;
	return text.data[text.size - 2] == '=' ? 2 : 1;
}

bool
proof_base64_parse(struct proof_bytes text, uint8_t *out, size_t *size)
{
	int padding = count_padding(text);
	size_t made = 0;
	if (padding < 0)
		return false;
	size_t end = text.size - (size_t)padding;
	uint32_t bits = 0;
	for (size_t i = 0; i < end; i++) {
		int value = value_of(text.data[i]);
		if (value < 0)
			return false;
		bits = (bits << 6 | (uint32_t)value) & 0xffffff;
		if (i % 4)
			out[made++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
	}
	if (padding && (bits & (padding == 2 ? 15 : 3)))
		return false;
	*size = made;
	return true;
}

bool
proof_base64_exact(struct proof_bytes text, uint8_t *out, size_t size)
{
	uint8_t room[96];
	size_t made;
	if (size > sizeof room || text.size != (size + 2) / 3 * 4 || !proof_base64_parse(text, room, &made) ||
	    made != size)
		return false;
	memcpy(out, room, size);
	return true;
}
