/* chunks.c - a chunked body (RFC 9112, 7.1), read as it comes. */
#include "https/target.h"

enum {
	SIZE,                           /* digits */
	EXTENSION,                      /* up to the CR */
	SIZE_LF,
	DATA,
	DATA_CR,
	DATA_LF,
	TRAILER,                        /* at the beginning of a line */
	TRAILER_LINE,
	TRAILER_LF,                     /* after a trailer line's CR */
	LAST_LF,                        /* after the last CR */
	DONE,
};

enum { SIZE_DIGITS_MAX = 8 };           /* 4 GiB; what a route allows is less */

static int
hex(uint8_t b)
{
	if (b >= '0' && b <= '9')
		return b - '0';
	b |= 0x20;
	return b >= 'a' && b <= 'f' ? b - 'a' + 10 : -1;
}

static bool
is_text(uint8_t b)
{
	return b == '\t' || (b >= 0x20 && b < 0x7f);
}

static fallible
read_size(struct http_chunks *c, uint8_t b, struct http_fault *fault)
{
	int digit = hex(b);
	if (digit >= 0) {
		if (++c->digits > SIZE_DIGITS_MAX)
			return http_fault(fault, 413, "a chunk is larger than can be counted");
		c->left = c->left << 4 | (unsigned)digit;
		return NULL;
	}
	if (c->digits == 0 || (b != '\r' && b != ';' && b != ' ' && b != '\t'))
		return http_fault(fault, 400, "a chunk's size is not hexadecimal");
	c->state = b == '\r' ? SIZE_LF : EXTENSION;
	return NULL;
}

/* Dropped; short, so that nobody hides a body's worth of work in it. */
static fallible
read_extension(struct http_chunks *c, uint8_t b, struct http_fault *fault)
{
	if (b == '\r')
		c->state = SIZE_LF;
	else if (!is_text(b))
		return http_fault(fault, 400, "a control character in a chunk's extension");
	return NULL;
}

static void
end_size(struct http_chunks *c)
{
	c->state = c->left ? DATA : TRAILER;
	c->line = c->digits = 0;
}

static fallible
read_trailer(struct http_chunks *c, uint8_t b, struct http_fault *fault)
{
	if (++c->trailer > HTTP_TRAILER_MAX)
		return http_fault(fault, 431, "the trailer is too large");
	if (b == '\r')
		c->state = c->state == TRAILER ? LAST_LF : TRAILER_LF;
	else if (!is_text(b) || (c->state == TRAILER && (b == ' ' || b == '\t')))
		return http_fault(fault, 400, "the trailer is malformed");
	else
		c->state = TRAILER_LINE;
	return NULL;
}

static fallible
expect(struct http_chunks *c, uint8_t b, uint8_t expected, unsigned next, struct http_fault *fault)
{
	if (b != expected)
		return http_fault(fault, 400, "a chunk or its size does not end with CRLF");
	c->state = next;
	return NULL;
}

static fallible
step(struct http_chunks *c, uint8_t b, struct http_fault *fault)
{
	if ((c->state == SIZE || c->state == EXTENSION) && ++c->line > HTTP_CHUNK_LINE_MAX)
		return http_fault(fault, 400, "a chunk's extension is too long");
	switch (c->state) {
	case SIZE:
		return read_size(c, b, fault);
	case EXTENSION:
		return read_extension(c, b, fault);
	case SIZE_LF:
		TRY(expect(c, b, '\n', DATA, fault));
		end_size(c);
		return NULL;
	case DATA_CR:
		return expect(c, b, '\r', DATA_LF, fault);
	case DATA_LF:
		return expect(c, b, '\n', SIZE, fault);
	case TRAILER:
	case TRAILER_LINE:
		return read_trailer(c, b, fault);
	case TRAILER_LF:
		return expect(c, b, '\n', TRAILER, fault);
	default:
		return expect(c, b, '\n', DONE, fault);
	}
}

fallible
http_chunks_parse(struct http_chunks *c, struct slice input, size_t *used, struct slice *data, bool *done,
                  struct http_fault *fault)
{
	size_t at = 0;
	*data = (struct slice){ NULL, 0 };
	while (at < input.size && c->state != DONE && c->state != DATA)
		TRY(step(c, input.data[at++], fault));
	if (c->state == DATA && at < input.size) {
		size_t there = input.size - at;
		*data = slice_of(input.data + at, there < c->left ? there : (size_t)c->left);
		c->left -= data->size;
		at += data->size;
		if (c->left == 0)
			c->state = DATA_CR;
	}
	*used = at;
	*done = c->state == DONE;
	return NULL;
}
