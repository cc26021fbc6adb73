/* text.h - public: bytes as text and back (RFC 4648), times (RFC 3339), numbers, UTF-8. */
#pragma once
#include "base/err.h"
#include "base/slice.h"

enum { TIME_TEXT = 28 };                /* 2026-11-24T10:27:44.000000Z and its NUL */

/* `out` has room for 2·size + 1. */
void text_hex(struct slice, char *out);
/* Base64 with padding; `out` has room for 4·⌈size/3⌉ + 1. */
void text_base64(struct slice, char *out);
/* Base64url without padding, same room. */
void text_base64url(struct slice, char *out);
/* Lower-case base32 without padding, alphabet a-z2-7; `out` has room for ⌈8·size/5⌉ + 1. */
void text_base32(struct slice, char *out);

/* Strict: the whole text, right padding, unused bits zero. Writes at most `room` bytes. Fails with E_ARGUMENT. */
fallible text_base64_parse(struct slice text, uint8_t *out, size_t room, size_t *size);
fallible text_hex_parse(struct slice text, uint8_t *out, size_t room, size_t *size);

/* Microseconds since 1970 UTC as RFC 3339 with microseconds. */
void text_time(int64_t time, char out[static TIME_TEXT]);
/* RFC 3339 in UTC (Z) or with an offset, 0 to 6 digits of fraction; or a date alone. Fails with E_ARGUMENT. */
fallible text_time_parse(struct slice, int64_t *time);
/* 10m, 12h, 7d, 45s, and sums of those (1d12h), as microseconds, at most ten years. Fails with E_ARGUMENT. */
fallible text_duration_parse(struct slice, int64_t *duration);
/* Decimal without sign or leading zeroes. Fails with E_ARGUMENT, E_RANGE. */
fallible text_number_parse(struct slice, uint64_t *number);

/* Well-formed UTF-8 (RFC 3629), no NUL. */
bool text_is_utf8(struct slice);
/* Identifiers of people, organisations, collections and objects: [a-z0-9-]{1,63}, here and in DESIGN §1. */
bool text_is_name(struct slice);
