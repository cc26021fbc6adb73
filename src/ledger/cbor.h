/* cbor.h - private: the head of an item in its shortest form (RFC 8949 §4.2.1). */
#pragma once
#include "base/cursor.h"

enum { MAJOR_UINT = 0, MAJOR_NEGATIVE = 1, MAJOR_BYTES = 2, MAJOR_TEXT = 3, MAJOR_ARRAY = 4, MAJOR_MAP = 5 };

static inline void
put_head(struct writer *w, unsigned major, uint64_t n)
{
	uint8_t type = (uint8_t)(major << 5);
	if (n < 24)
		write_u8(w, (uint8_t)(type | n));
	else if (n <= UINT8_MAX) {
		write_u8(w, type | 24);
		write_u8(w, (uint8_t)n);
	} else if (n <= UINT16_MAX) {
		write_u8(w, type | 25);
		write_be16(w, (uint16_t)n);
	} else if (n <= UINT32_MAX) {
		write_u8(w, type | 26);
		write_be32(w, (uint32_t)n);
	} else {
		write_u8(w, type | 27);
		write_be64(w, n);
	}
}
