/* buffer.h - private to door/: bytes that wait, in at the back and out at the front; has no memory while empty. */
#pragma once
#include "base/slice.h"

struct buffer {
	uint8_t *data;
	size_t start, size, room;       /* `size` bytes from `start` on */
};

static inline struct slice
buffer_slice(const struct buffer *b)
{
	return slice_of(b->data ? b->data + b->start : NULL, b->size);
}

void buffer_append(const void *owner, struct buffer *, struct slice);
void buffer_consume(struct buffer *, size_t size);
void buffer_clear(struct buffer *);
