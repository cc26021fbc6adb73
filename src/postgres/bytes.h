/* bytes.h - private: a queue of bytes that grows, of one connection and its thread. */
#pragma once
#include "base/slice.h"

struct bytes {
	uint8_t *data;
	size_t begin, size, room;       /* what is kept: `size` bytes from `begin` */
};

static inline struct slice
bytes_slice(const struct bytes *b)
{
	return b->size ? slice_of(b->data + b->begin, b->size) : slice_of(NULL, 0);
}

void bytes_append(const void *owner, struct bytes *, struct slice);
void bytes_consume(struct bytes *, size_t);
/* Empties it and gives its memory back. */
void bytes_clear(struct bytes *);
