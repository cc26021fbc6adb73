#include "base/text.h"

#include "base/memory.h"

#include <ctype.h>
#include <stdio.h>
#include <time.h>

static const char hex_digits[] = "0123456789abcdef";
static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64url_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char base32_digits[] = "abcdefghijklmnopqrstuvwxyz234567";

void
text_hex(struct slice s, char *out)
{
	for (size_t i = 0; i < s.size; i++) {
		*out++ = hex_digits[s.data[i] >> 4];
		*out++ = hex_digits[s.data[i] & 15];
	}
	*out = '\0';
}

/* Groups of `bits` bits, most significant first; returns the number of digits. */
static size_t
encode_bits(struct slice s, const char *digits, unsigned bits, char *out)
{
	uint32_t held = 0;
	unsigned count = 0;
	size_t n = 0;
	for (size_t i = 0; i < s.size; i++) {
		held = held << 8 | s.data[i];
		for (count += 8; count >= bits; count -= bits)
			out[n++] = digits[held >> (count - bits) & ((1u << bits) - 1)];
	}
	if (count)
		out[n++] = digits[held << (bits - count) & ((1u << bits) - 1)];
	out[n] = '\0';
	return n;
}

void
text_base64(struct slice s, char *out)
{
	size_t n = encode_bits(s, base64_digits, 6, out);
	while (n % 4)
		out[n++] = '=';
	out[n] = '\0';
}

void
text_base64url(struct slice s, char *out)
{
	encode_bits(s, base64url_digits, 6, out);
}

void
text_base32(struct slice s, char *out)
{
	encode_bits(s, base32_digits, 5, out);
}

fallible
text_base64_parse(struct slice text, uint8_t *out, size_t room, size_t *size)
{
	size_t digits = text.size, n = 0;
	if (text.size % 4)
		return E_ARGUMENT;
	while (digits > 0 && text.size - digits < 2 && text.data[digits - 1] == '=')
		digits--;
	uint32_t held = 0;
	unsigned bits = 0;
	for (size_t i = 0; i < digits; i++) {
		const char *at = text.data[i] ? strchr(base64_digits, text.data[i]) : NULL;
		if (!at)
			return E_ARGUMENT;
		held = held << 6 | (uint32_t)(at - base64_digits);
		bits += 6;
		if (bits >= 8) {
			if (n == room)
				return E_ARGUMENT;
			bits -= 8;
			out[n++] = (uint8_t)(held >> bits);
		}
	}
	if (held & ((1u << bits) - 1))
		return E_ARGUMENT;
	*size = n;
	return NULL;
}

static int
hex_value(uint8_t c)
{
	const char *at = c ? strchr(hex_digits, c) : NULL;
	return at ? (int)(at - hex_digits) : -1;
}

fallible
text_hex_parse(struct slice text, uint8_t *out, size_t room, size_t *size)
{
	if (text.size % 2 || text.size / 2 > room)
		return E_ARGUMENT;
	for (size_t i = 0; i < text.size; i += 2) {
		int high = hex_value(text.data[i]), low = hex_value(text.data[i + 1]);
		if (high < 0 || low < 0)
			return E_ARGUMENT;
		out[i / 2] = (uint8_t)(high << 4 | low);
	}
	*size = text.size / 2;
	return NULL;
}

void
text_time(int64_t time, char out[static TIME_TEXT])
{
	time_t seconds = (time_t)(time / 1000000);
	long rest = (long)(time % 1000000);
	if (rest < 0) {
		seconds--;
		rest += 1000000;
	}
	struct tm t;
	gmtime_r(&seconds, &t);
	char text[64];
	snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%06ldZ", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday,
	         t.tm_hour, t.tm_min, t.tm_sec, rest);
	memcpy(out, text, TIME_TEXT - 1);
	out[TIME_TEXT - 1] = '\0';
}

/* Exactly `digits` decimal digits at *at. */
static bool
take_digits(struct slice s, size_t *at, size_t digits, int *out)
{
	int value = 0;
	if (s.size - *at < digits)
		return false;
	for (size_t i = 0; i < digits; i++) {
		uint8_t c = s.data[*at + i];
		if (!isdigit(c))
			return false;
		value = value * 10 + (c - '0');
	}
	*at += digits;
	*out = value;
	return true;
}

static bool
take_byte(struct slice s, size_t *at, uint8_t c)
{
	if (*at >= s.size || s.data[*at] != c)
		return false;
	++*at;
	return true;
}

static bool
take_fraction(struct slice s, size_t *at, long *micros)
{
	long value = 0, scale = 100000;
	size_t begin = *at;
	while (*at < s.size && isdigit(s.data[*at])) {
		value += scale * (s.data[(*at)++] - '0');
		scale /= 10;
	}
	*micros = value;
	return *at > begin && *at - begin <= 6;
}

static bool
take_offset(struct slice s, size_t *at, long *seconds)
{
	int hours, minutes;
	if (take_byte(s, at, 'Z')) {
		*seconds = 0;
		return true;
	}
	bool minus = take_byte(s, at, '-');
	if (!minus && !take_byte(s, at, '+'))
		return false;
	if (!take_digits(s, at, 2, &hours) || !take_byte(s, at, ':') || !take_digits(s, at, 2, &minutes))
		return false;
	if (hours > 23 || minutes > 59)
		return false;
	*seconds = (minus ? -1L : 1L) * (hours * 3600L + minutes * 60L);
	return true;
}

fallible
text_time_parse(struct slice s, int64_t *time)
{
	struct tm t = { 0 };
	int year, month, day;
	size_t at = 0;
	long micros = 0, offset = 0;
	if (!take_digits(s, &at, 4, &year) || !take_byte(s, &at, '-') || !take_digits(s, &at, 2, &month) ||
	    !take_byte(s, &at, '-') || !take_digits(s, &at, 2, &day))
		return E_ARGUMENT;
	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31)
		return E_ARGUMENT;
	if (at < s.size) {
		if (!take_byte(s, &at, 'T') || !take_digits(s, &at, 2, &t.tm_hour) || !take_byte(s, &at, ':') ||
		    !take_digits(s, &at, 2, &t.tm_min) || !take_byte(s, &at, ':') || !take_digits(s, &at, 2, &t.tm_sec))
			return E_ARGUMENT;
		if (take_byte(s, &at, '.') && !take_fraction(s, &at, &micros))
			return E_ARGUMENT;
		if (!take_offset(s, &at, &offset) || at != s.size || t.tm_hour > 23 || t.tm_min > 59 || t.tm_sec > 60)
			return E_ARGUMENT;
	}
	t.tm_year = year - 1900;
	t.tm_mon = month - 1;
	t.tm_mday = day;
	time_t seconds = timegm(&t);
	if (t.tm_mday != day)
		return E_ARGUMENT;
	*time = ((int64_t)seconds - offset) * 1000000 + micros;
	return NULL;
}

fallible
text_duration_parse(struct slice s, int64_t *duration)
{
	static const struct { char unit; int64_t seconds; } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	const int64_t most = INT64_C(3660) * 86400;
	int64_t total = 0;
	size_t at = 0;
	while (at < s.size) {
		int64_t value = 0;
		size_t begin = at;
		for (; at < s.size && isdigit(s.data[at]) && value <= most; at++)
			value = value * 10 + (s.data[at] - '0');
		if (at == begin || at == s.size)
			return E_ARGUMENT;
		int64_t seconds = 0;
		for (size_t i = 0; i < sizeof units / sizeof *units; i++)
			if (units[i].unit == s.data[at])
				seconds = units[i].seconds;
		if (seconds == 0 || value > most / seconds || (total += value * seconds) > most)
			return E_ARGUMENT;
		at++;
	}
	if (total == 0)
		return E_ARGUMENT;
	*duration = total * 1000000;
	return NULL;
}

fallible
text_number_parse(struct slice s, uint64_t *number)
{
	uint64_t value = 0;
	if (s.size == 0 || (s.size > 1 && s.data[0] == '0'))
		return E_ARGUMENT;
	for (size_t i = 0; i < s.size; i++) {
		if (!isdigit(s.data[i]))
			return E_ARGUMENT;
		if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, s.data[i] - '0', &value))
			return E_RANGE;
	}
	*number = value;
	return NULL;
}

/* Unicode 15, table 3-7: the range of the second byte depends on the first. */
static size_t
utf8_length(const uint8_t *p, size_t rest)
{
	uint8_t c = p[0], low = 0x80, high = 0xBF;
	size_t more;
	if (c < 0x80)
		return c != 0;
	if (c >= 0xC2 && c <= 0xDF)
		more = 1;
	else if (c >= 0xE0 && c <= 0xEF) {
		more = 2;
		low = c == 0xE0 ? 0xA0 : 0x80;
		high = c == 0xED ? 0x9F : 0xBF;
	} else if (c >= 0xF0 && c <= 0xF4) {
		more = 3;
		low = c == 0xF0 ? 0x90 : 0x80;
		high = c == 0xF4 ? 0x8F : 0xBF;
	} else
		return 0;
	if (rest <= more || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i <= more; i++)
		if (p[i] < 0x80 || p[i] > 0xBF)
			return 0;
	return more + 1;
}

bool
text_is_utf8(struct slice s)
{
	for (size_t at = 0, n; at < s.size; at += n)
		if ((n = utf8_length(s.data + at, s.size - at)) == 0)
			return false;
	return true;
}

bool
text_is_name(struct slice s)
{
	if (s.size == 0 || s.size > 63)
		return false;
	for (size_t i = 0; i < s.size; i++)
		if (!islower(s.data[i]) && !isdigit(s.data[i]) && s.data[i] != '-')
			return false;
	return true;
}
