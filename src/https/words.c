#include "https/words.h"

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

bool
words_start(struct slice s, const char *word)
{
	size_t i = 0;
	for (; word[i]; i++)
		if (i == s.size || lower(s.data[i]) != (uint8_t)word[i])
			return false;
	return true;
}

static struct slice
take_until(struct slice *rest, uint8_t end)
{
	size_t n = 0;
	while (n < rest->size && rest->data[n] != end)
		n++;
	struct slice part = slice_of(rest->data, n);
	*rest = slice_from(*rest, n + 1);
	while (part.size && (part.data[0] == ' ' || part.data[0] == '\t'))
		part = slice_from(part, 1);
	return part;
}

/* q=0.8 in thousandths; 1,000 where there is none. */
static unsigned
weight_of(struct slice parameter)
{
	unsigned weight = 0, unit = 1000;
	bool point = false;
	if (!words_start(parameter, "q="))
		return 1000;
	for (size_t i = 2; i < parameter.size && unit; i++) {
		uint8_t c = parameter.data[i];
		if (c == '.')
			point = true;
		else if (c < '0' || c > '9')
			break;
		else
			weight += (unsigned)(c - '0') * (point ? unit /= 10 : unit);
	}
	return weight;
}

enum language
words_language(struct slice accept)
{
	unsigned english = 0, japanese = 0;
	while (accept.size) {
		struct slice one = take_until(&accept, ','), range = take_until(&one, ';');
		unsigned weight = weight_of(take_until(&one, ';'));
		if (words_start(range, "ja") && weight > japanese)
			japanese = weight;
		if ((words_start(range, "en") || words_start(range, "*")) && weight > english)
			english = weight;
	}
	return japanese > english ? JAPANESE : ENGLISH;
}
