/* datetime.c - decimal, datetime and duration out of their texts. */
#include "cedar/extension.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits at *at as a number that fits into 64 bits unsigned; false if none or too many. */
static bool
number_read(struct cedar_text text, size_t *at, uint64_t *out, bool *fits)
{
	size_t start = *at;
	uint64_t number = 0;

	*fits = true;
	for (; *at < text.size && is_digit(text.data[*at]); (*at)++)
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(text.data[*at] - '0'), &number))
			*fits = false;
	*out = number;
	return *at > start;
}

static bool
signed_product(uint64_t number, bool negative, int64_t factor, int64_t *out)
{
	__int128 product;

	if (number > (uint64_t)INT64_MAX + 1)
		return false;
	product = (__int128)number * factor;
	if (negative)
		product = -product;
	if (product > INT64_MAX || product < INT64_MIN)
		return false;
	*out = (int64_t)product;
	return true;
}

bool
cedar_decimal_parse(struct cedar_text text, struct cedar_value *out, const char **reason)
{
	static const int64_t powers[] = { 10000, 1000, 100, 10, 1 };
	bool negative = text.size > 0 && text.data[0] == '-', fits, fraction_fits;
	size_t at = negative, point;
	uint64_t whole, fraction;
	int64_t left, right, sum;

	*reason = "is not a decimal (digits, a point, one to four digits)";
	if (!number_read(text, &at, &whole, &fits) || at >= text.size || text.data[at] != '.')
		return false;
	point = at++;
	if (!number_read(text, &at, &fraction, &fraction_fits) || at != text.size)
		return false;
	*reason = "has more than four digits behind the point";
	if (at - point - 1 > 4)
		return false;
	*reason = "is out of the range of decimals";
	if (!fits || !signed_product(whole, negative, 10000, &left) ||
	    !signed_product(fraction, negative, powers[at - point - 1], &right) ||
	    __builtin_add_overflow(left, right, &sum))
		return false;
	*out = (struct cedar_value){ .kind = CEDAR_DECIMAL, .number = sum };
	return true;
}

/* Exactly `count` digits. */
static bool
field_read(struct cedar_text text, size_t *at, size_t count, int *out)
{
	size_t i;

	*out = 0;
	if (text.size - *at < count)
		return false;
	for (i = 0; i < count; i++) {
		if (!is_digit(text.data[*at + i]))
			return false;
		*out = *out * 10 + (text.data[*at + i] - '0');
	}
	*at += count;
	return true;
}

static bool
byte_read(struct cedar_text text, size_t *at, char byte)
{
	if (*at >= text.size || text.data[*at] != byte)
		return false;
	(*at)++;
	return true;
}

static int
days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap);
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar; years from 0. */
static int64_t
days_since_epoch(int year, int month, int day)
{
	int64_t y = month <= 2 ? year + 399 : year + 400; /* keeps the year of the era positive */
	int64_t era = y / 400, in_era = y % 400;
	int64_t in_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return (era - 1) * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

static bool
date_read(struct cedar_text text, size_t *at, int64_t *days, bool *exists)
{
	int year, month, day;

	if (!field_read(text, at, 4, &year) || !byte_read(text, at, '-') || !field_read(text, at, 2, &month) ||
	    !byte_read(text, at, '-') || !field_read(text, at, 2, &day))
		return false;
	*exists = month >= 1 && month <= 12 && day >= 1 && day <= days_in_month(year, month);
	*days = *exists ? days_since_epoch(year, month, day) : 0;
	return true;
}

static bool
time_read(struct cedar_text text, size_t *at, int64_t *milliseconds)
{
	int hour, minute, second, fraction = 0;

	if (!byte_read(text, at, 'T') || !field_read(text, at, 2, &hour) || !byte_read(text, at, ':') ||
	    !field_read(text, at, 2, &minute) || !byte_read(text, at, ':') || !field_read(text, at, 2, &second))
		return false;
	if (byte_read(text, at, '.') && !field_read(text, at, 3, &fraction))
		return false;
	*milliseconds = ((hour * 60 + minute) * 60 + second) * (int64_t)1000 + fraction;
	return hour < 24 && minute < 60 && second < 60;
}

static bool
zone_read(struct cedar_text text, size_t *at, int64_t *milliseconds)
{
	int hour, minute, sign;

	*milliseconds = 0;
	if (byte_read(text, at, 'Z'))
		return true;
	sign = byte_read(text, at, '+') ? 1 : byte_read(text, at, '-') ? -1 : 0;
	if (sign == 0 || !field_read(text, at, 2, &hour) || !field_read(text, at, 2, &minute))
		return false;
	*milliseconds = sign * (hour * 60 + minute) * (int64_t)60000;
	return hour < 24 && minute < 60;
}

bool
cedar_datetime_parse(struct cedar_text text, struct cedar_value *out, const char **reason)
{
	int64_t days, milliseconds = 0, zone = 0;
	size_t at = 0;
	bool exists;

	*reason = "does not begin with a date YYYY-MM-DD";
	if (!date_read(text, &at, &days, &exists))
		return false;
	*reason = "names a day that does not exist";
	if (!exists)
		return false;
	*reason = "has no time like T12:34:56.789 behind the date";
	if (at < text.size && !time_read(text, &at, &milliseconds))
		return false;
	*reason = "does not end with Z or an offset like +0900";
	if (at != 10 && (!zone_read(text, &at, &zone) || at != text.size))
		return false;
	*out = (struct cedar_value){ .kind = CEDAR_DATETIME, .number = days * 86400000 + milliseconds - zone };
	return true;
}

static const struct {
	const char *name;
	int64_t milliseconds;
} units[] = { { "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 } };

static size_t
unit_read(struct cedar_text text, size_t *at)
{
	size_t start = *at, i;

	while (*at < text.size && !is_digit(text.data[*at]))
		(*at)++;
	for (i = 0; i < 5; i++)
		if (cedar_text_is((struct cedar_text){ text.data + start, *at - start }, units[i].name))
			break;
	return i;
}

bool
cedar_duration_parse(struct cedar_text text, struct cedar_value *out, const char **reason)
{
	bool negative = text.size > 0 && text.data[0] == '-', fits = true, overflow = false;
	size_t at = negative, next = 0;
	int64_t sum = 0;

	*reason = "is not a duration like 1d2h3m4s5ms";
	if (at == text.size)
		return false;
	while (at < text.size) {
		uint64_t number;
		int64_t part;
		size_t unit;

		if (!number_read(text, &at, &number, &fits))
			return false;
		unit = unit_read(text, &at);
		if (unit < next || unit == 5)
			return false;
		next = unit + 1;
		if (!fits || !signed_product(number, negative, units[unit].milliseconds, &part) ||
		    (unit < 4 && number > INT64_MAX) || __builtin_add_overflow(sum, part, &sum))
			overflow = true;
	}
	*reason = "is out of the range of durations";
	if (overflow)
		return false;
	*out = (struct cedar_value){ .kind = CEDAR_DURATION, .number = sum };
	return true;
}
