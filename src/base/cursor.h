/* cursor.h - public: the reader and the writer of every wire format; lengths are checked here and nowhere else.
 *
 * Both remember the first fault and go on harmlessly: check `failed` (or reader_end) once, at the end.
 */
#pragma once
#include "base/slice.h"

struct reader {
	struct slice rest;
	bool failed;                    /* something was read past the end */
};

struct writer {
	uint8_t *data;
	size_t size, room;
	bool failed;                    /* something did not fit */
};

static inline struct reader
reader_of(struct slice s)
{
	return (struct reader){ s, false };
}

static inline struct writer
writer_of(void *data, size_t room)
{
	return (struct writer){ data, 0, room, false };
}

static inline struct slice
writer_slice(const struct writer *w)
{
	return slice_of(w->data, w->size);
}

struct slice read_bytes(struct reader *, size_t size);
uint8_t read_u8(struct reader *);
uint16_t read_be16(struct reader *);
uint32_t read_be32(struct reader *);
uint64_t read_be64(struct reader *);

/* A length (be32) and that many bytes. */
struct slice read_field(struct reader *);

/* True if all was read and nothing failed. */
bool reader_end(const struct reader *);

void write_bytes(struct writer *, struct slice);
void write_u8(struct writer *, uint8_t);
void write_be16(struct writer *, uint16_t);
void write_be32(struct writer *, uint32_t);
void write_be64(struct writer *, uint64_t);
void write_field(struct writer *, struct slice);
