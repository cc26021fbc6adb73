#include "base/clock.h"
#include "door/inside.h"

#include <openssl/err.h>
#include <unistd.h>

#define DEFAULT_CONNECTIONS 4096
#define DEFAULT_PER_ADDRESS 256
#define DEFAULT_HANDSHAKE SECONDS(10)
#define DEFAULT_IDLE SECONDS(60)
#define DEFAULT_ENDING SECONDS(5)
#define DEFAULT_OUTPUT (8u << 20)

static struct door_limits
fill_in(struct door_limits l)
{
	return (struct door_limits){
		.connections = l.connections ? l.connections : DEFAULT_CONNECTIONS,
		.connections_per_address = l.connections_per_address ? l.connections_per_address : DEFAULT_PER_ADDRESS,
		.handshake = l.handshake ? l.handshake : DEFAULT_HANDSHAKE,
		.idle = l.idle ? l.idle : DEFAULT_IDLE,
		.ending = l.ending ? l.ending : DEFAULT_ENDING,
		.output = l.output ? l.output : DEFAULT_OUTPUT,
	};
}

static int
close_door(struct door *d)
{
	if (d->fd >= 0)
		close(d->fd);
	SSL_CTX_free(d->tls);
	pthread_mutex_destroy(&d->lock);
	pthread_mutex_destroy(&d->addresses.lock);
	return 0;
}

fallible
door_listen(const void *owner, const struct door_options *o, struct door **out)
{
	SCOPED struct door *d = NEW(owner, struct door);
	d->fd = -1;
	d->protocol = o->protocol;
	d->limits = fill_in(o->limits);
	d->client_required = o->client_required;
	d->allow_tls12 = o->allow_tls12;
	d->plain_first = o->plain_first;
	d->direct_too = o->direct_too;
	pthread_mutex_init(&d->lock, NULL);
	address_table_open(d, &d->addresses, d->limits.connections);
	talloc_set_destructor(d, close_door);
	TRY(tls_open(d, o->certificate, o->key, o->client_ca, &d->tls));
	TRY(address_listen(o->address, &d->fd, d->address, sizeof d->address));
	*out = TAKE(d);
	return NULL;
}

const char *
door_address(const struct door *d)
{
	return d->address;
}

fallible
door_reload(struct door *d, struct slice certificate, struct slice key, struct slice client_ca)
{
	SSL_CTX *fresh, *old;
	TRY(tls_open(d, certificate, key, client_ca, &fresh));
	pthread_mutex_lock(&d->lock);
	old = d->tls;
	d->tls = fresh;
	pthread_mutex_unlock(&d->lock);
	SSL_CTX_free(old);              /* open connections hold references of their own */
	return NULL;
}

struct door_counts
door_count(const struct door *d)
{
	const struct door_counters *c = &d->counters;
	return (struct door_counts){
		.accepted = atomic_load(&c->accepted),
		.open = atomic_load(&c->open),
		.handshake_failures = atomic_load(&c->handshake_failures),
		.refused = atomic_load(&c->refused),
		.killed = atomic_load(&c->killed),
		.bytes_in = atomic_load(&c->bytes_in),
		.bytes_out = atomic_load(&c->bytes_out),
	};
}
