/* lines.c - offsets to lines and columns, without the text. */
#include "cedar/text.h"

/* Bytes of one length; writes them where `out` is given. */
static size_t
length_put(size_t length, uint8_t *out)
{
	size_t size = 0;

	do {
		if (out != NULL)
			out[size] = (uint8_t)((length & 0x7F) | (length > 0x7F ? 0x80 : 0));
		size++;
		length >>= 7;
	} while (length > 0);
	return size;
}

static size_t
lengths_put(struct cedar_text text, uint8_t *out)
{
	size_t start = 0, size = 0;

	while (start < text.size) {
		const char *end = memchr(text.data + start, '\n', text.size - start);
		size_t next = end != NULL ? (size_t)(end - text.data) + 1 : text.size;

		size += length_put(next - start, out != NULL ? out + size : NULL);
		start = next;
	}
	return size;
}

bool
cedar_lines_take(struct cedar_arena *arena, struct cedar_text text, struct cedar_lines *out)
{
	size_t size = lengths_put(text, NULL);
	uint8_t *lengths = cedar_arena_take(arena, size);

	if (lengths == NULL)
		return false;
	lengths_put(text, lengths);
	*out = (struct cedar_lines){ lengths, size };
	return true;
}

static size_t
length_at(const struct cedar_lines *lines, size_t *at)
{
	size_t length = 0;
	unsigned shift;

	for (shift = 0;; shift += 7) {
		length |= (size_t)(lines->lengths[*at] & 0x7F) << shift;
		if ((lines->lengths[(*at)++] & 0x80) == 0)
			return length;
	}
}

void
cedar_lines_place(const struct cedar_lines *lines, struct cedar_spot *spot, size_t offset, unsigned *line,
                  unsigned *column)
{
	if (offset < spot->offset)
		*spot = (struct cedar_spot){ 0 };
	while (spot->at < lines->size) {
		size_t next = spot->at, length = length_at(lines, &next);

		if (offset - spot->offset < length || next == lines->size)
			break;
		*spot = (struct cedar_spot){ next, spot->offset + length, spot->line + 1 };
	}
	*line = spot->line + 1;
	*column = (unsigned)(offset - spot->offset) + 1;
}
