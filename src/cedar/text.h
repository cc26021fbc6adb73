/* text.h - private. Texts, hashes, a growing writer, faults. */
#pragma once
#include <string.h>

#include "cedar/cedar.h"
#include "cedar/memory.h"

#define CEDAR_TEXT(literal) ((struct cedar_text){ (literal), sizeof(literal) - 1 })

static inline bool
cedar_text_equal(struct cedar_text a, struct cedar_text b)
{
	size_t at = 0;
	uint64_t left, right;

	if (a.size != b.size)
		return false;
	if (a.data == b.data)
		return true;
	if (a.size > 32)
		return memcmp(a.data, b.data, a.size) == 0;
	for (; a.size - at >= 8; at += 8) { /* most are short: a call would cost more than the comparison */
		memcpy(&left, a.data + at, 8);
		memcpy(&right, b.data + at, 8);
		if (left != right)
			return false;
	}
	for (; at < a.size; at++)
		if (a.data[at] != b.data[at])
			return false;
	return true;
}

static inline bool
cedar_text_is(struct cedar_text a, const char *b)
{
	return a.size == strlen(b) && memcmp(a.data, b, a.size) == 0;
}

/* Shorter first, then by bytes: an order for keeping, not for showing. */
static inline int
cedar_text_order(struct cedar_text a, struct cedar_text b)
{
	if (a.size != b.size)
		return a.size < b.size ? -1 : 1;
	return a.size == 0 ? 0 : memcmp(a.data, b.data, a.size);
}

struct cedar_text cedar_text_of(const char *);
/* By cedar_text_order, in place; libc's qsort may allocate. */
void cedar_texts_sort(struct cedar_text *, size_t count);
int cedar_text_alphabetical(struct cedar_text, struct cedar_text);
/* In hash.c: keyed, so that nobody can prepare texts that collide. */
uint64_t cedar_text_hash(const struct cedar_key *, struct cedar_text, uint64_t seed);
/* data is NULL when memory is out. The copy has a NUL behind it. */
struct cedar_text cedar_text_copy(struct cedar_arena *, struct cedar_text);
struct cedar_text cedar_text_join(struct cedar_arena *, struct cedar_text, const char *between, struct cedar_text);
/* Offset of the first byte that is not UTF-8, or the size. */
size_t cedar_text_utf8_span(struct cedar_text);
/* Bytes written to `out` (at most 4). */
size_t cedar_utf8_put(uint32_t point, char *out);
/* The code point at *at, which moves behind it. The text must be UTF-8. */
uint32_t cedar_utf8_next(struct cedar_text, size_t *at);

/* Text that grows, over the caller's allocator. */
struct cedar_writer {
	struct cedar_memory memory;
	char *data;
	size_t size, capacity;
	bool failed;
};

void cedar_writer_init(struct cedar_writer *, const struct cedar_memory *);
void cedar_writer_dispose(struct cedar_writer *);
void cedar_write_text(struct cedar_writer *, struct cedar_text);
void cedar_write(struct cedar_writer *, const char *);
void cedar_write_byte(struct cedar_writer *, char);
void cedar_write_long(struct cedar_writer *, int64_t);
void cedar_write_format(struct cedar_writer *, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct cedar_text cedar_writer_text(const struct cedar_writer *);

/* Where the lines of a text end, a byte for most: faults can be placed when the text is gone. */
struct cedar_lines {
	const uint8_t *lengths; /* with the newline; seven bits a byte, the last byte without the eighth */
	size_t size;
};

/* False when memory is out. */
CEDAR_CHECKED bool cedar_lines_take(struct cedar_arena *, struct cedar_text, struct cedar_lines *out);
/* A line that was found: its length in `lengths`, where it begins, and how many are before it. All 0: the first. */
struct cedar_spot {
	size_t at, offset;
	unsigned line;
};

/* The search goes on from the spot, if the offset is not before it, and leaves it where it ends: whoever asks for many places in
 * ascending order does not begin anew each time. */
void
cedar_lines_place(const struct cedar_lines *, struct cedar_spot *, size_t offset, unsigned *line, unsigned *column);

/* Fills the fault (NULL is fine) with the position of `offset` in `source`; always false. */
bool cedar_fault_set(struct cedar_fault *, struct cedar_text source, size_t offset, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void cedar_fault_suggest(struct cedar_fault *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Names that a word may be meant for: the nearest of those tried, by edit distance. */
struct cedar_near {
	struct cedar_text word, best; /* best: size 0 if none is near */
	unsigned distance;
};

void cedar_near_try(struct cedar_near *, struct cedar_text name);
/* Adds the suggestion, if there is one, to a fault (NULL is fine) that was set; always false. */
bool cedar_near_suggest(const struct cedar_near *, struct cedar_fault *);
/* The nearest of the names by edit distance, or NULL if none is near. */
const char *cedar_nearest(struct cedar_text word, const char *const *names, size_t count);
