/* text.c - texts, UTF-8, nearest words. */
#include "cedar/text.h"

struct cedar_text
cedar_text_of(const char *string)
{
	return (struct cedar_text){ string, strlen(string) };
}

int
cedar_text_alphabetical(struct cedar_text a, struct cedar_text b)
{
	size_t common = a.size < b.size ? a.size : b.size;
	int order = common == 0 ? 0 : memcmp(a.data, b.data, common);

	if (order != 0)
		return order;
	return a.size == b.size ? 0 : a.size < b.size ? -1 : 1;
}

static void
texts_sift(struct cedar_text *texts, size_t root, size_t count)
{
	for (;;) {
		size_t child = root * 2 + 1;
		struct cedar_text kept = texts[root];

		if (child >= count)
			return;
		if (child + 1 < count && cedar_text_order(texts[child], texts[child + 1]) < 0)
			child++;
		if (cedar_text_order(kept, texts[child]) >= 0)
			return;
		texts[root] = texts[child];
		texts[child] = kept;
		root = child;
	}
}

void
cedar_texts_sort(struct cedar_text *texts, size_t count)
{
	size_t i;

	for (i = count / 2; i-- > 0;)
		texts_sift(texts, i, count);
	for (i = count; i-- > 1;) {
		struct cedar_text last = texts[i];

		texts[i] = texts[0];
		texts[0] = last;
		texts_sift(texts, 0, i);
	}
}

struct cedar_text
cedar_text_copy(struct cedar_arena *arena, struct cedar_text text)
{
	char *copy = cedar_arena_take(arena, text.size + 1);

	if (copy == NULL)
		return (struct cedar_text){ 0 };
	if (text.size > 0)
		memcpy(copy, text.data, text.size);
	copy[text.size] = '\0';
	return (struct cedar_text){ copy, text.size };
}

struct cedar_text
cedar_text_join(struct cedar_arena *arena, struct cedar_text left, const char *between, struct cedar_text right)
{
	size_t middle = strlen(between), size = left.size + middle + right.size;
	char *copy = cedar_arena_take(arena, size + 1);

	if (copy == NULL)
		return (struct cedar_text){ 0 };
	if (left.size > 0)
		memcpy(copy, left.data, left.size);
	memcpy(copy + left.size, between, middle);
	if (right.size > 0)
		memcpy(copy + left.size + middle, right.data, right.size);
	copy[size] = '\0';
	return (struct cedar_text){ copy, size };
}

/* Length of the sequence that starts here, 0 if it is none (overlong, surrogate, cut short). */
static size_t
utf8_sequence(const unsigned char *byte, size_t left)
{
	size_t length, i;
	uint32_t point;

	if (byte[0] < 0x80)
		return 1;
	if (byte[0] < 0xC2 || byte[0] > 0xF4)
		return 0;
	length = byte[0] < 0xE0 ? 2 : byte[0] < 0xF0 ? 3 : 4;
	if (left < length)
		return 0;
	point = byte[0] & (0xFFu >> (length + 1));
	for (i = 1; i < length; i++) {
		if ((byte[i] & 0xC0) != 0x80)
			return 0;
		point = point << 6 | (byte[i] & 0x3F);
	}
	if (length == 3 && (point < 0x800 || (point >= 0xD800 && point <= 0xDFFF)))
		return 0;
	if (length == 4 && (point < 0x10000 || point > 0x10FFFF))
		return 0;
	return length;
}

size_t
cedar_text_utf8_span(struct cedar_text text)
{
	size_t at = 0;

	while (at < text.size) {
		size_t length = utf8_sequence((const unsigned char *)text.data + at, text.size - at);

		if (length == 0)
			return at;
		at += length;
	}
	return at;
}

size_t
cedar_utf8_put(uint32_t point, char *out)
{
	if (point < 0x80) {
		out[0] = (char)point;
		return 1;
	}
	if (point < 0x800) {
		out[0] = (char)(0xC0 | point >> 6);
		out[1] = (char)(0x80 | (point & 0x3F));
		return 2;
	}
	if (point < 0x10000) {
		out[0] = (char)(0xE0 | point >> 12);
		out[1] = (char)(0x80 | (point >> 6 & 0x3F));
		out[2] = (char)(0x80 | (point & 0x3F));
		return 3;
	}
	out[0] = (char)(0xF0 | point >> 18);
	out[1] = (char)(0x80 | (point >> 12 & 0x3F));
	out[2] = (char)(0x80 | (point >> 6 & 0x3F));
	out[3] = (char)(0x80 | (point & 0x3F));
	return 4;
}

uint32_t
cedar_utf8_next(struct cedar_text text, size_t *at)
{
	const unsigned char *byte = (const unsigned char *)text.data + *at;
	size_t length = utf8_sequence(byte, text.size - *at), i;
	uint32_t point;

	if (length <= 1) {
		*at += 1;
		return byte[0];
	}
	point = byte[0] & (0xFFu >> (length + 1));
	for (i = 1; i < length; i++)
		point = point << 6 | (byte[i] & 0x3F);
	*at += length;
	return point;
}

static unsigned
smallest(unsigned a, unsigned b, unsigned c)
{
	unsigned least = a < b ? a : b;

	return least < c ? least : c;
}

static unsigned
edit_distance(struct cedar_text a, struct cedar_text b)
{
	unsigned row[33];
	size_t i, j;

	if (a.size > 32 || b.size > 32)
		return 99;
	for (j = 0; j <= b.size; j++)
		row[j] = (unsigned)j;
	for (i = 1; i <= a.size; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (j = 1; j <= b.size; j++) {
			unsigned above = row[j];

			row[j] = smallest(above + 1, row[j - 1] + 1, diagonal + (a.data[i - 1] != b.data[j - 1]));
			diagonal = above;
		}
	}
	return row[b.size];
}

void
cedar_near_try(struct cedar_near *near, struct cedar_text name)
{
	unsigned distance = edit_distance(near->word, name);

	if (distance > 2 + name.size / 6 || distance >= name.size ||
	    (near->best.size > 0 && distance >= near->distance))
		return;
	near->best = name;
	near->distance = distance;
}

bool
cedar_near_suggest(const struct cedar_near *near, struct cedar_fault *fault)
{
	if (near->best.size > 0)
		cedar_fault_suggest(fault, "did you mean `%.*s`?", (int)near->best.size, near->best.data);
	return false;
}

const char *
cedar_nearest(struct cedar_text word, const char *const *names, size_t count)
{
	struct cedar_near near = { .word = word };
	size_t i;

	for (i = 0; i < count; i++)
		cedar_near_try(&near, cedar_text_of(names[i]));
	return near.best.size > 0 ? near.best.data : NULL;
}
