#include "base/id.h"
#include "base/text.h"
#include "door/inside.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024, PREFIX_OF_V6 = 8 };

struct address_slot {
	struct address_key key;
	uint32_t count;                 /* 0: free */
};

/* "host:port" or "[host]:port", numbers only: serve resolves no names. */
static fallible
split(const char *address, char host[static INET6_ADDRSTRLEN], bool *v6, uint16_t *port)
{
	*v6 = address[0] == '[';
	const char *begin = address + *v6, *end = strrchr(address, ':');
	uint64_t number;
	if (!end || end == address || (*v6 && end[-1] != ']'))
		return E_ARGUMENT;
	size_t size = (size_t)(end - begin) - (*v6 ? 1 : 0);
	if (size >= INET6_ADDRSTRLEN)
		return E_ARGUMENT;
	memcpy(host, begin, size);
	host[size] = '\0';
	TRY(text_number_parse(slice_text(end + 1), &number));
	if (number > UINT16_MAX)
		return E_ARGUMENT;
	*port = (uint16_t)number;
	return NULL;
}

static fallible
resolve(const char *address, struct sockaddr_storage *out, socklen_t *size)
{
	char host[INET6_ADDRSTRLEN];
	bool v6;
	uint16_t port;
	TRY(split(address, host, &v6, &port));
	memset(out, 0, sizeof *out);
	if (v6) {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
		*size = sizeof *in6;
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		return inet_pton(AF_INET6, host, &in6->sin6_addr) == 1 ? NULL : E_ARGUMENT;
	}
	struct sockaddr_in *in = (struct sockaddr_in *)out;
	*size = sizeof *in;
	in->sin_family = AF_INET;
	in->sin_port = htons(port);
	return inet_pton(AF_INET, host, &in->sin_addr) == 1 ? NULL : E_ARGUMENT;
}

static bool
prepare(int fd, const struct sockaddr_storage *address, socklen_t size)
{
	static const int on = 1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
		return false;
	/* "[::]" is not also 0.0.0.0: mapped addresses would all be one /64 to the limits. */
	if (address->ss_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0)
		return false;
	/* Linux hands both on to accepted sockets, so that workers need no setsockopt. */
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) < 0)
		return false;
	return bind(fd, (const struct sockaddr *)address, size) == 0 && listen(fd, BACKLOG) == 0;
}

fallible
address_listen(const char *address, int *out, char *bound, size_t room)
{
	struct sockaddr_storage at;
	socklen_t size;
	TRY(resolve(address, &at, &size));
	int fd = socket(at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return E_IO;
	if (!prepare(fd, &at, size) || getsockname(fd, (struct sockaddr *)&at, &size) < 0) {
		close(fd);
		return E_IO;
	}
	struct peer self = { 0 };
	address_of(&at, &self);
	snprintf(bound, room, at.ss_family == AF_INET6 ? "[%s]:%u" : "%s:%u", self.address, self.port);
	*out = fd;
	return NULL;
}

struct address_key
address_of(const struct sockaddr_storage *from, struct peer *peer)
{
	struct address_key key = { { 0 } };
	if (from->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)from;
		inet_ntop(AF_INET6, &in6->sin6_addr, peer->address, sizeof peer->address);
		peer->port = ntohs(in6->sin6_port);
		memcpy(key.bytes, &in6->sin6_addr, PREFIX_OF_V6);
	} else {
		const struct sockaddr_in *in = (const struct sockaddr_in *)from;
		inet_ntop(AF_INET, &in->sin_addr, peer->address, sizeof peer->address);
		peer->port = ntohs(in->sin_port);
		memcpy(key.bytes + PREFIX_OF_V6, &in->sin_addr, sizeof in->sin_addr);
	}
	return key;
}

void
address_table_open(const void *owner, struct address_table *t, unsigned connections)
{
	size_t size = 16;
	while (size < (size_t)connections * 2)
		size *= 2;
	pthread_mutex_init(&t->lock, NULL);
	t->slots = NEW_ARRAY(owner, struct address_slot, size);
	t->mask = size - 1;
	random_bytes(t->hash_key, sizeof t->hash_key);
}

static size_t
home(const struct address_table *t, const struct address_key *key)
{
	uint64_t hash;
	_Static_assert(sizeof hash == crypto_shorthash_BYTES && sizeof t->hash_key == crypto_shorthash_KEYBYTES, "SipHash");
	crypto_shorthash((unsigned char *)&hash, key->bytes, sizeof key->bytes, t->hash_key);
	return (size_t)hash & t->mask;
}

/* The key's slot, or the free one where it would go; the table is never more than half full. */
static struct address_slot *
find(const struct address_table *t, const struct address_key *key)
{
	size_t at = home(t, key);
	while (t->slots[at].count && memcmp(&t->slots[at].key, key, sizeof *key) != 0)
		at = (at + 1) & t->mask;
	return &t->slots[at];
}

bool
address_table_add(struct address_table *t, struct address_key key, unsigned limit)
{
	pthread_mutex_lock(&t->lock);
	struct address_slot *slot = find(t, &key);
	bool fits = slot->count < limit;
	if (fits) {
		slot->key = key;
		slot->count++;
	}
	pthread_mutex_unlock(&t->lock);
	return fits;
}

/* Linear probing without tombstones: what follows a freed slot moves up where its home allows. */
static void
close_gap(struct address_table *t, size_t gap)
{
	for (size_t at = (gap + 1) & t->mask; t->slots[at].count; at = (at + 1) & t->mask) {
		size_t wish = home(t, &t->slots[at].key);
		if (((at - wish) & t->mask) >= ((at - gap) & t->mask)) {
			t->slots[gap] = t->slots[at];
			gap = at;
		}
	}
	t->slots[gap].count = 0;
}

void
address_table_drop(struct address_table *t, struct address_key key)
{
	pthread_mutex_lock(&t->lock);
	struct address_slot *slot = find(t, &key);
	if (slot->count > 1)
		slot->count--;
	else if (slot->count == 1)
		close_gap(t, (size_t)(slot - t->slots));
	pthread_mutex_unlock(&t->lock);
}
