/* ip.c - addresses and networks. */
#include "cedar/extension.h"

enum { IP_TEXT_MAX = 43 };

static bool
digits_read(struct cedar_text text, size_t *at, size_t max_digits, unsigned max, unsigned *out)
{
	size_t start = *at;
	unsigned number = 0;

	while (*at < text.size && *at - start < max_digits && text.data[*at] >= '0' && text.data[*at] <= '9')
		number = number * 10 + (unsigned)(text.data[(*at)++] - '0');
	if (*at == start || number > max || (*at - start > 1 && text.data[start] == '0'))
		return false;
	*out = number;
	return true;
}

static bool
ipv4_parse(struct cedar_text text, uint8_t address[16])
{
	size_t at = 0, i;

	for (i = 0; i < 4; i++) {
		unsigned octet;

		if (i > 0 && (at >= text.size || text.data[at++] != '.'))
			return false;
		if (!digits_read(text, &at, 3, 255, &octet))
			return false;
		address[i] = (uint8_t)octet;
	}
	return at == text.size;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool
group_read(struct cedar_text text, size_t *at, uint16_t *out)
{
	size_t start = *at;
	unsigned number = 0;

	while (*at < text.size && *at - start < 4 && hex_value(text.data[*at]) >= 0)
		number = number << 4 | (unsigned)hex_value(text.data[(*at)++]);
	*out = (uint16_t)number;
	return *at > start;
}

/* Groups joined by single colons, as many as there are, at most `max`; stops before "::". */
static size_t
groups_read(struct cedar_text text, size_t *at, uint16_t *groups, size_t max)
{
	size_t count = 0;

	while (count < max) {
		size_t here = *at;

		if (count > 0) {
			if (here >= text.size || text.data[here] != ':')
				break;
			here++;
		}
		if (!group_read(text, &here, &groups[count]))
			break;
		*at = here;
		count++;
	}
	return count;
}

static bool
ipv6_parse(struct cedar_text text, uint8_t address[16])
{
	uint16_t groups[8] = { 0 }, tail[8];
	size_t at = 0, head = groups_read(text, &at, groups, 8), count, i;

	if (head < 8) {
		if (text.size - at < 2 || text.data[at] != ':' || text.data[at + 1] != ':')
			return false;
		at += 2;
		count = groups_read(text, &at, tail, 7 - head);
		for (i = head; i < 8; i++)
			groups[i] = 0;
		for (i = 0; i < count; i++)
			groups[8 - count + i] = tail[i];
	}
	for (i = 0; i < 8; i++) {
		address[2 * i] = (uint8_t)(groups[i] >> 8);
		address[2 * i + 1] = (uint8_t)groups[i];
	}
	return at == text.size;
}

static bool
prefix_parse(struct cedar_text text, uint8_t max, uint8_t *out)
{
	size_t at = 0;
	unsigned number;

	if (text.size > (max == 32 ? 2 : 3) || !digits_read(text, &at, 3, max, &number) || at != text.size)
		return false;
	*out = (uint8_t)number;
	return true;
}

bool
cedar_ip_parse(struct cedar_text text, struct cedar_value *out, const char **reason)
{
	struct cedar_value value = { .kind = CEDAR_IP };
	const char *slash = text.size ? memchr(text.data, '/', text.size) : NULL;
	struct cedar_text address = text;

	*reason = "is not an IP address or network";
	if (text.size > IP_TEXT_MAX)
		return false;
	if (slash != NULL)
		address.size = (size_t)(slash - text.data);
	if (ipv4_parse(address, value.address))
		value.version = 4;
	else if (ipv6_parse(address, value.address))
		value.version = 6;
	else
		return false;
	value.prefix = value.version == 4 ? 32 : 128;
	*reason = "has a prefix length out of range";
	if (slash != NULL &&
	    !prefix_parse((struct cedar_text){ slash + 1, text.size - address.size - 1 }, value.prefix, &value.prefix))
		return false;
	*out = value;
	return true;
}

bool
cedar_ip_loopback(const struct cedar_value *ip)
{
	static const uint8_t one[16] = { [15] = 1 };

	if (ip->version == 4)
		return ip->address[0] == 127 && ip->prefix >= 8;
	return memcmp(ip->address, one, 16) == 0 && ip->prefix == 128;
}

bool
cedar_ip_multicast(const struct cedar_value *ip)
{
	if (ip->version == 4)
		return (ip->address[0] & 0xF0) == 0xE0 && ip->prefix >= 4;
	return ip->address[0] == 0xFF && ip->prefix >= 8;
}

/* One network lies in another when it is at least as narrow and agrees on the bits of the wider. */
bool
cedar_ip_inside(const struct cedar_value *ip, const struct cedar_value *network)
{
	size_t whole = network->prefix / 8u, rest = network->prefix % 8u;

	if (ip->version != network->version || ip->prefix < network->prefix)
		return false;
	if (memcmp(ip->address, network->address, whole) != 0)
		return false;
	return rest == 0 || ((ip->address[whole] ^ network->address[whole]) & (0xFF00u >> rest) & 0xFF) == 0;
}
