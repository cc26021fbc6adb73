/* slice.h - public: bytes that somebody else owns, by value. What comes from outside is never a bare char *. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const uint8_t *data;            /* may be NULL where size is 0 */
	size_t size;
};

#define LITERAL(text) ((struct slice){ (const uint8_t *)("" text), sizeof(text) - 1 })

static inline struct slice
slice_of(const void *data, size_t size)
{
	return (struct slice){ data, size };
}

static inline struct slice
slice_text(const char *text)
{
	return slice_of(text, text ? strlen(text) : 0);
}

static inline bool
slice_equal(struct slice a, struct slice b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool
slice_is(struct slice a, const char *text)
{
	return slice_equal(a, slice_text(text));
}

static inline bool
slice_starts(struct slice a, struct slice prefix)
{
	return a.size >= prefix.size && (prefix.size == 0 || memcmp(a.data, prefix.data, prefix.size) == 0);
}

static inline struct slice
slice_from(struct slice a, size_t at)
{
	return at >= a.size ? (struct slice){ NULL, 0 } : slice_of(a.data + at, a.size - at);
}

/* For printf's "%.*s". */
#define SLICE_ARGUMENTS(s) (int)(s).size, (const char *)((s).data ? (s).data : (const uint8_t *)"")
