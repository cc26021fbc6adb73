#include "base/cursor.h"

struct slice
read_bytes(struct reader *r, size_t size)
{
	if (r->failed || size > r->rest.size) {
		r->failed = true;
		return (struct slice){ NULL, 0 };
	}
	struct slice out = slice_of(r->rest.data, size);
	r->rest = slice_from(r->rest, size);
	return out;
}

static uint64_t
read_big_endian(struct reader *r, size_t size)
{
	struct slice s = read_bytes(r, size);
	uint64_t value = 0;
	for (size_t i = 0; i < s.size; i++)
		value = value << 8 | s.data[i];
	return value;
}

uint8_t
read_u8(struct reader *r)
{
	return (uint8_t)read_big_endian(r, 1);
}

uint16_t
read_be16(struct reader *r)
{
	return (uint16_t)read_big_endian(r, 2);
}

uint32_t
read_be32(struct reader *r)
{
	return (uint32_t)read_big_endian(r, 4);
}

uint64_t
read_be64(struct reader *r)
{
	return read_big_endian(r, 8);
}

struct slice
read_field(struct reader *r)
{
	return read_bytes(r, read_be32(r));
}

bool
reader_end(const struct reader *r)
{
	return !r->failed && r->rest.size == 0;
}

void
write_bytes(struct writer *w, struct slice s)
{
	if (w->failed || s.size > w->room - w->size) {
		w->failed = true;
		return;
	}
	if (s.size)
		memcpy(w->data + w->size, s.data, s.size);
	w->size += s.size;
}

static void
write_big_endian(struct writer *w, uint64_t value, size_t size)
{
	uint8_t bytes[8];
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(value >> 8 * (size - 1 - i));
	write_bytes(w, slice_of(bytes, size));
}

void
write_u8(struct writer *w, uint8_t value)
{
	write_big_endian(w, value, 1);
}

void
write_be16(struct writer *w, uint16_t value)
{
	write_big_endian(w, value, 2);
}

void
write_be32(struct writer *w, uint32_t value)
{
	write_big_endian(w, value, 4);
}

void
write_be64(struct writer *w, uint64_t value)
{
	write_big_endian(w, value, 8);
}

void
write_field(struct writer *w, struct slice s)
{
	write_be32(w, (uint32_t)s.size);
	write_bytes(w, s);
}
