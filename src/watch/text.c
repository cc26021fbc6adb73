#include "watch/text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static bool
address_parse(struct slice text, uint8_t address[16], bool *six)
{
	char copy[INET6_ADDRSTRLEN];
	if (text.size == 0 || text.size >= sizeof copy)
		return false;
	memcpy(copy, text.data, text.size);
	copy[text.size] = '\0';
	memset(address, 0, 16);
	*six = strchr(copy, ':') != NULL;
	return strlen(copy) == text.size && inet_pton(*six ? AF_INET6 : AF_INET, copy, address) == 1;
}

bool
network_parse(struct slice text, struct network *out)
{
	struct network n = { 0 };
	size_t size = text.size;
	const uint8_t *slash = text.size ? memchr(text.data, '/', text.size) : NULL;
	unsigned bits = 0;
	if (slash) {
		size = (size_t)(slash - text.data);
		size_t digits = text.size - size - 1;
		if (digits == 0 || digits > 3)
			return false;
		for (size_t i = size + 1; i < text.size; i++) {
			if (text.data[i] < '0' || text.data[i] > '9')
				return false;
			bits = bits * 10 + (unsigned)(text.data[i] - '0');
		}
	}
	if (!address_parse(slice_of(text.data, size), n.address, &n.six))
		return false;
	unsigned most = n.six ? 128 : 32;
	if (!slash)
		bits = most;
	if (bits > most)
		return false;
	n.bits = (uint8_t)bits;
	*out = n;
	return true;
}

/* ::ffff:192.0.2.1 is 192.0.2.1 to a network of version 4. */
static bool
take_mapped(uint8_t address[16])
{
	static const uint8_t prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF };
	if (memcmp(address, prefix, sizeof prefix) != 0)
		return false;
	memmove(address, address + sizeof prefix, 4);
	return true;
}

bool
network_holds(const struct network *n, struct slice text)
{
	uint8_t address[16];
	bool six;
	if (!address_parse(text, address, &six))
		return false;
	if (six && !n->six && take_mapped(address))
		six = false;
	if (six != n->six || memcmp(address, n->address, n->bits / 8u) != 0)
		return false;
	unsigned rest = n->bits % 8u;
	return rest == 0 || ((address[n->bits / 8u] ^ n->address[n->bits / 8u]) >> (8 - rest)) == 0;
}

static bool
is_whole_number(struct slice text)
{
	size_t i = text.size && text.data[0] == '-' ? 1 : 0;
	if (text.size == i || text.size > 19)
		return false;
	for (; i < text.size; i++)
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
	return true;
}

bool
number_parse(struct slice text, long double *out)
{
	char copy[NUMBER_TEXT], *end = NULL;
	if (text.size == 0 || text.size >= sizeof copy)
		return false;
	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = text.data[i];
		if (!strchr("0123456789+-.eE", c) || c == '\0')
			return false;
		copy[i] = (char)c;
	}
	copy[text.size] = '\0';
	*out = strtold(copy, &end);
	return *end == '\0' && end != copy;
}

size_t
number_text(struct slice text, char out[static NUMBER_TEXT])
{
	long double number;
	size_t lead = text.size && text.data[0] == '-' ? 1 : 0;
	if (is_whole_number(text) && (text.data[lead] != '0' || text.size == 1)) {
		memcpy(out, text.data, text.size);
		return text.size;
	}
	if (!number_parse(text, &number))
		return 0;
	int size = number > -1e18L && number < 1e18L && number == (long double)(int64_t)number
	               ? snprintf(out, NUMBER_TEXT, "%lld", (long long)number)
	               : snprintf(out, NUMBER_TEXT, "%.17Lg", number);
	return size > 0 && size < NUMBER_TEXT ? (size_t)size : 0;
}

/* A field of digits; leaves `text` behind them. */
static bool
take_digits(struct slice *text, size_t least, size_t most, int *out)
{
	size_t i = 0;
	int value = 0;
	for (; i < text->size && i < most && text->data[i] >= '0' && text->data[i] <= '9'; i++)
		value = value * 10 + (text->data[i] - '0');
	*text = slice_from(*text, i);
	*out = value;
	return i >= least;
}

static bool
take_one(struct slice *text, const char *any)
{
	if (text->size == 0 || text->data[0] == '\0' || !strchr(any, text->data[0]))
		return false;
	*text = slice_from(*text, 1);
	return true;
}

static void
take_fraction(struct slice *text, struct calendar *c)
{
	int digit, scale = 100000;
	for (c->microsecond = 0; take_digits(text, 1, 1, &digit); scale /= 10)
		c->microsecond += digit * scale;
}

static bool
take_offset(struct slice *text, struct calendar *c)
{
	int hours = 0, minutes = 0;
	bool west = text->size && text->data[0] == '-';
	if (take_one(text, "Zz") || text->size == 0)
		return true;
	take_one(text, " ");
	if (slice_is(*text, "UTC") || slice_is(*text, "GMT")) {
		*text = slice_from(*text, 3);
		return true;
	}
	west = text->size && text->data[0] == '-';
	if (!take_one(text, "+-") || !take_digits(text, 2, 2, &hours))
		return false;
	take_one(text, ":");
	take_digits(text, 2, 2, &minutes);
	c->offset = (west ? -1 : 1) * (hours * 60 + minutes);
	return hours < 24 && minutes < 60;
}

static bool
is_in_range(const struct calendar *c)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (c->year % 4 == 0 && c->year % 100 != 0) || c->year % 400 == 0;
	return c->month >= 1 && c->month <= 12 && c->day >= 1 && c->day <= days[c->month - 1] + (c->month == 2 && leap) &&
	       c->hour < 24 && c->minute < 60 && c->second <= 60;
}

bool
calendar_parse(struct slice text, struct calendar *out)
{
	struct calendar c = { 0 };
	if (!take_digits(&text, 4, 4, &c.year) || !take_one(&text, "-/") || !take_digits(&text, 1, 2, &c.month) ||
	    !take_one(&text, "-/") || !take_digits(&text, 1, 2, &c.day))
		return false;
	if (take_one(&text, "Tt _")) {
		if (!take_digits(&text, 1, 2, &c.hour) || !take_one(&text, ":") || !take_digits(&text, 2, 2, &c.minute))
			return false;
		if (take_one(&text, ":") && !take_digits(&text, 2, 2, &c.second))
			return false;
		if (take_one(&text, ".,"))
			take_fraction(&text, &c);
		if (!take_offset(&text, &c))
			return false;
	}
	if (text.size || !is_in_range(&c))
		return false;
	*out = c;
	return true;
}

int
calendar_week(const struct calendar *c)
{
	struct tm tm = { .tm_year = c->year - 1900, .tm_mon = c->month - 1, .tm_mday = c->day, .tm_hour = 12 };
	char text[8];
	timegm(&tm);
	return strftime(text, sizeof text, "%V", &tm) ? atoi(text) : 0;
}

int64_t
calendar_time(const struct calendar *c)
{
	struct tm tm = { .tm_year = c->year - 1900, .tm_mon = c->month - 1, .tm_mday = c->day, .tm_hour = c->hour,
		         .tm_min = c->minute, .tm_sec = c->second };
	return ((int64_t)timegm(&tm) - (int64_t)c->offset * 60) * 1000000 + c->microsecond;
}
