#include "assure/debian.h"

#include <ctype.h>
#include <string.h>

struct version {
	unsigned long epoch;
	struct slice upstream, revision;
};

static const uint8_t *
last_of(struct slice s, int c)
{
	for (size_t i = s.size; i-- > 0; )
		if (s.data[i] == c)
			return s.data + i;
	return NULL;
}

/* The epoch ends at the first colon, the revision begins behind the last hyphen. */
static struct version
split(struct slice s)
{
	struct version v = { 0 };
	const uint8_t *colon = s.size ? memchr(s.data, ':', s.size) : NULL;
	if (colon) {
		for (const uint8_t *d = s.data; d < colon; d++)
			v.epoch = v.epoch * 10 + (unsigned long)(*d - '0');
		s = slice_from(s, (size_t)(colon - s.data) + 1);
	}
	const uint8_t *hyphen = last_of(s, '-');
	v.upstream = hyphen ? slice_of(s.data, (size_t)(hyphen - s.data)) : s;
	v.revision = hyphen ? slice_from(s, (size_t)(hyphen - s.data) + 1) : (struct slice){ NULL, 0 };
	return v;
}

/* `~` comes before the end, the end before letters, letters before all else. */
static int
order_of(struct slice s, size_t at)
{
	if (at >= s.size || isdigit(s.data[at]))
		return 0;
	if (s.data[at] == '~')
		return -1;
	return isalpha(s.data[at]) ? s.data[at] : s.data[at] + 256;
}

static bool
is_digit(struct slice s, size_t at)
{
	return at < s.size && isdigit(s.data[at]);
}

static int
compare_digits(struct slice a, size_t *i, struct slice b, size_t *k)
{
	int first = 0;
	while (*i < a.size && a.data[*i] == '0')
		++*i;
	while (*k < b.size && b.data[*k] == '0')
		++*k;
	for (; is_digit(a, *i) && is_digit(b, *k); ++*i, ++*k)
		if (!first)
			first = a.data[*i] - b.data[*k];
	return is_digit(a, *i) ? 1 : is_digit(b, *k) ? -1 : first;
}

/* Parts without digits and numbers by turns. */
static int
compare_part(struct slice a, struct slice b)
{
	size_t i = 0, k = 0;
	while (i < a.size || k < b.size) {
		while ((i < a.size && !is_digit(a, i)) || (k < b.size && !is_digit(b, k))) {
			int d = order_of(a, i) - order_of(b, k);
			if (d)
				return d;
			i += i < a.size;
			k += k < b.size;
		}
		int d = compare_digits(a, &i, b, &k);
		if (d)
			return d;
	}
	return 0;
}

bool
debian_version_check(struct slice s)
{
	const uint8_t *colon = s.size ? memchr(s.data, ':', s.size) : NULL;
	size_t from = colon ? (size_t)(colon - s.data) + 1 : 0;
	if (s.size == 0 || s.size > 128 || from > 7 || from == 1)
		return false;
	for (size_t i = 0; i + 1 < from; i++)
		if (!isdigit(s.data[i]))
			return false;
	for (size_t i = from; i < s.size; i++)
		if (!isalnum(s.data[i]) && !strchr(".+-~:", s.data[i]))
			return false;
	return from < s.size && isdigit(s.data[from]);
}

int
debian_version_compare(struct slice a, struct slice b)
{
	struct version x = split(a), y = split(b);
	if (x.epoch != y.epoch)
		return x.epoch < y.epoch ? -1 : 1;
	int d = compare_part(x.upstream, y.upstream);
	return d ? d : compare_part(x.revision, y.revision);
}
