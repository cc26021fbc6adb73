#include "postgres/wire.h"

#include "base/memory.h"

#include <stdio.h>

static bool
take_head(struct frames *f, struct slice *input, struct piece *p)
{
	size_t n = WIRE_HEAD - f->have;
	if (n > input->size)
		n = input->size;
	if (n)
		memcpy(f->head + f->have, input->data, n);
	f->have += n;
	*input = slice_from(*input, n);
	if (f->have < WIRE_HEAD)
		return false;
	struct reader r = reader_of(slice_of(f->head, WIRE_HEAD));
	f->type = read_u8(&r);
	uint32_t length = read_be32(&r);
	if (length < 4 || length > INT32_MAX) {
		f->failed = true;
		return false;
	}
	f->size = f->rest = length - 4;
	f->inside = f->rest != 0;
	f->have = 0;
	*p = (struct piece){ .begins = true, .ends = !f->inside, .type = f->type, .size = f->size };
	return true;
}

bool
frames_next(struct frames *f, struct slice *input, struct piece *p)
{
	if (f->failed)
		return false;
	if (!f->inside)
		return take_head(f, input, p);
	if (input->size == 0)
		return false;
	size_t n = input->size < f->rest ? input->size : f->rest;
	*p = (struct piece){ .type = f->type, .size = f->size, .body = slice_of(input->data, n) };
	*input = slice_from(*input, n);
	f->rest -= (uint32_t)n;
	f->inside = f->rest != 0;
	p->ends = !f->inside;
	return true;
}

void
wire_head(uint8_t out[static WIRE_HEAD], uint8_t type, uint32_t size)
{
	struct writer w = writer_of(out, WIRE_HEAD);
	write_u8(&w, type);
	write_be32(&w, size + 4);
}

struct slice
read_text(struct reader *r)
{
	const uint8_t *end = r->rest.size ? memchr(r->rest.data, 0, r->rest.size) : NULL;
	if (!end) {
		r->failed = true;
		return slice_of(NULL, 0);
	}
	struct slice text = read_bytes(r, (size_t)(end - r->rest.data));
	read_u8(r);
	return text;
}

/* ---- messages made ---- */

size_t
message_begin(const void *owner, struct bytes *b, uint8_t type)
{
	uint8_t head[WIRE_HEAD];
	wire_head(head, type, 0);
	bytes_append(owner, b, slice_of(head, sizeof head));
	return b->size - WIRE_HEAD;
}

void
message_text(const void *owner, struct bytes *b, struct slice text)
{
	const uint8_t *nul = text.size ? memchr(text.data, 0, text.size) : NULL;
	bytes_append(owner, b, nul ? slice_of(text.data, (size_t)(nul - text.data)) : text);
	message_u8(owner, b, 0);
}

void
message_u8(const void *owner, struct bytes *b, uint8_t n)
{
	bytes_append(owner, b, slice_of(&n, 1));
}

void
message_be16(const void *owner, struct bytes *b, uint16_t n)
{
	uint8_t data[2];
	struct writer w = writer_of(data, sizeof data);
	write_be16(&w, n);
	bytes_append(owner, b, writer_slice(&w));
}

void
message_be32(const void *owner, struct bytes *b, uint32_t n)
{
	uint8_t data[4];
	struct writer w = writer_of(data, sizeof data);
	write_be32(&w, n);
	bytes_append(owner, b, writer_slice(&w));
}

void
message_end(struct bytes *b, size_t begun)
{
	struct writer w = writer_of(b->data + b->begin + begun + 1, 4);
	write_be32(&w, (uint32_t)(b->size - begun - 1));
}

void
message_empty(const void *owner, struct bytes *b, uint8_t type)
{
	message_begin(owner, b, type);
}

static void
put_field(const void *owner, struct bytes *b, char field, const char *text)
{
	if (!text || !text[0])
		return;
	message_u8(owner, b, (uint8_t)field);
	message_text(owner, b, slice_text(text));
}

void
message_error(const void *owner, struct bytes *b, const struct complaint *c)
{
	char position[16] = "";
	size_t at = message_begin(owner, b, 'E');
	if (c->position)
		snprintf(position, sizeof position, "%u", c->position);
	put_field(owner, b, 'S', c->severity);
	put_field(owner, b, 'V', c->severity);
	put_field(owner, b, 'C', c->sqlstate);
	put_field(owner, b, 'M', c->message);
	put_field(owner, b, 'D', c->detail);
	put_field(owner, b, 'H', c->hint);
	put_field(owner, b, 'P', position);
	message_u8(owner, b, 0);
	message_end(b, at);
}

void
error_sqlstate(struct slice body, char out[static 6])
{
	struct reader r = reader_of(body);
	memcpy(out, "XX000", 6);
	while (!r.failed) {
		uint8_t field = read_u8(&r);
		if (field == 0)
			return;
		struct slice text = read_text(&r);
		if (!r.failed && field == 'C' && text.size == 5) {
			memcpy(out, text.data, 5);
			return;
		}
	}
}

bool
tag_rows(struct slice tag, uint64_t *rows)
{
	size_t at = tag.size;
	*rows = 0;
	while (at > 0 && tag.data[at - 1] >= '0' && tag.data[at - 1] <= '9')
		at--;
	if (at == tag.size || at == 0 || tag.data[at - 1] != ' ' || tag.size - at > 19)
		return false;
	for (; at < tag.size; at++)
		*rows = *rows * 10 + (tag.data[at] - '0');
	return true;
}
