#include "door/buffer.h"

#include "base/memory.h"

#include <assert.h>

enum { BUFFER_LEAST = 1024 };

static void
make_room(const void *owner, struct buffer *b, size_t more)
{
	size_t needed = b->size + more, room = b->room ? b->room : BUFFER_LEAST;
	if (b->start && needed <= b->room) {
		memmove(b->data, b->data + b->start, b->size);
		b->start = 0;
		return;
	}
	while (room < b->start + needed)
		room *= 2;
	b->data = memory_grow(owner, b->data, 1, room);
	b->room = room;
}

void
buffer_append(const void *owner, struct buffer *b, struct slice s)
{
	if (s.size == 0)
		return;
	if (b->start + b->size + s.size > b->room)
		make_room(owner, b, s.size);
	memcpy(b->data + b->start + b->size, s.data, s.size);
	b->size += s.size;
}

void
buffer_consume(struct buffer *b, size_t size)
{
	assert(size <= b->size);
	b->start += size;
	b->size -= size;
	if (b->size == 0)
		buffer_clear(b);
}

void
buffer_clear(struct buffer *b)
{
	talloc_free(b->data);
	*b = (struct buffer){ 0 };
}
