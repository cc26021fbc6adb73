#include "postgres/bytes.h"

#include "base/memory.h"

enum { ROOM_FIRST = 512, ROOM_KEPT = 64 << 10 };

static void
make_room(const void *owner, struct bytes *b, size_t more)
{
	if (b->begin && b->begin + b->size + more > b->room) {
		memmove(b->data, b->data + b->begin, b->size);
		b->begin = 0;
	}
	size_t room = b->room ? b->room : ROOM_FIRST;
	while (room < b->size + more)
		room *= 2;
	if (room != b->room) {
		b->data = memory_grow(owner, b->data, 1, room);
		b->room = room;
	}
}

void
bytes_append(const void *owner, struct bytes *b, struct slice s)
{
	if (s.size == 0)
		return;
	if (b->begin + b->size + s.size > b->room)
		make_room(owner, b, s.size);
	memcpy(b->data + b->begin + b->size, s.data, s.size);
	b->size += s.size;
}

void
bytes_consume(struct bytes *b, size_t size)
{
	b->begin += size;
	b->size -= size;
	if (b->size == 0 && b->room > ROOM_KEPT)
		bytes_clear(b);
	else if (b->size == 0)
		b->begin = 0;
}

void
bytes_clear(struct bytes *b)
{
	talloc_free(b->data);
	*b = (struct bytes){ 0 };
}
