/* converse.c - what happens on a connection when its socket is ready: handshake, in, out, the end. */
#include "base/clock.h"
#include "door/inside.h"

#include <assert.h>

static void
deliver(struct connection *c, struct slice fresh)
{
	struct slice all = fresh;
	if (c->input.size) {
		buffer_append(c, &c->input, fresh);
		all = buffer_slice(&c->input);
	}
	bool kept = c->input.size != 0;
	size_t used = all.size ? c->protocol->received(c->session, all) : 0;
	assert(used <= all.size);
	if (c->state == CONNECTION_HANDSHAKE && used < all.size)
		connection_shut(c);
	if (!connection_alive(c))
		buffer_clear(&c->input);
	else if (kept)
		buffer_consume(&c->input, used);
	else
		buffer_append(c, &c->input, slice_from(fresh, used));
}

static void
read_some(struct connection *c)
{
	uint8_t *scratch = c->worker->scratch;
	enum connection_state before = c->state;
	while (c->state == before && connection_readable(c)) {
		size_t room = c->protocol->input_max - c->input.size, size = 0;
		if (c->budget == 0)
			return;
		c->budget -= !c->ssl;
		enum transfer t = transport_read(c, scratch, room < SCRATCH ? room : SCRATCH, &size);
		if (t == TRANSFER_WAIT)
			return;
		if (t == TRANSFER_FAILED)
			connection_shut(c);
		if (t == TRANSFER_ENDED)        /* answers already queued still go out */
			connection_become(c, CONNECTION_ENDING);
		if (t != TRANSFER_DONE)
			return;
		deliver(c, slice_of(scratch, size));
		/* Readiness is by level: what is only in the socket will be announced again. */
		if (!c->more && size < room)
			return;
	}
}

/* Out. */

void
connection_send(struct connection *c)
{
	c->stuck = false;
	while (c->output.size && c->state < CONNECTION_LINGERING) {
		size_t sent = 0;
		enum transfer t = transport_write(c, buffer_slice(&c->output), &sent);
		if (t == TRANSFER_WAIT) {
			c->stuck = true;
			return;
		}
		if (t != TRANSFER_DONE) {
			connection_shut(c);
			return;
		}
		buffer_consume(&c->output, sent);
		c->active = clock_monotonic();
	}
}

static void
say_goodbye(struct connection *c)
{
	enum transfer t = transport_goodbye(c);
	if (t == TRANSFER_WAIT) {
		c->stuck = true;
		return;
	}
	if (t != TRANSFER_DONE) {
		connection_shut(c);
		return;
	}
	connection_free_tls(c);
	connection_become(c, CONNECTION_LINGERING);
}

static void
finish(struct connection *c)
{
	connection_send(c);
	if (c->state == CONNECTION_ENDING && !c->stuck)
		say_goodbye(c);
	if (c->state == CONNECTION_LINGERING && transport_discard(c) != TRANSFER_WAIT)
		connection_shut(c);
}

/* The handshake. */

static void
open_session(struct connection *c)
{
	c->session = c->protocol->opened(c, c->worker->context);
	if (!c->session)
		connection_shut(c);
}

/* A connection does not outlive the certificate that opened it. */
static bool
meet_peer(struct connection *c)
{
	if (!tls_peer(c->ssl, c->peer))
		return false;
	if (c->peer->certified)
		c->expires = clock_monotonic() + c->peer->not_after - clock_now();
	return true;
}

/* Lingers, for the alert to arrive: it says what is wrong with the client's certificate. */
static void
fail_handshake(struct connection *c, enum transfer t)
{
	atomic_fetch_add(&c->worker->door->counters.handshake_failures, 1);
	if (t == TRANSFER_ENDED || transport_goodbye(c) != TRANSFER_DONE) {
		connection_shut(c);
		return;
	}
	connection_free_tls(c);
	connection_become(c, CONNECTION_LINGERING);
}

static void
shake_hands(struct connection *c)
{
	connection_send(c);             /* with plain_first: what was said before, in plain */
	if (c->stuck || c->state != CONNECTION_HANDSHAKE)
		return;
	if (!c->ssl && !(c->ssl = transport_secure(c))) {
		connection_shut(c);
		return;
	}
	enum transfer t = transport_handshake(c);
	if (t == TRANSFER_WAIT)
		return;
	if (t != TRANSFER_DONE || !meet_peer(c)) {
		fail_handshake(c, t);
		return;
	}
	connection_become(c, CONNECTION_OPEN);
	if (!c->session)
		open_session(c);
	else if (c->protocol->secured)
		c->protocol->secured(c->session);
}

/* Runs. */

static void
send_and_tell(struct connection *c)
{
	if (c->output.size == 0)
		return;
	connection_send(c);
	if (c->output.size == 0 && connection_alive(c) && c->protocol->drained)
		c->protocol->drained(c->session);
}

static void
converse(struct connection *c)
{
	if (c->stuck)
		send_and_tell(c);
	if (c->deliver && connection_alive(c)) {
		c->deliver = false;
		deliver(c, slice_of(NULL, 0));
	}
	if (connection_alive(c))
		read_some(c);
	if (!c->stuck)
		send_and_tell(c);
}

/* The first byte says whether the client begins with TLS; it is left in the socket for the handshake. */
static void
listen_first(struct connection *c)
{
	bool hello = false;
	if (!c->worker->door->direct_too || c->heard)
		return;
	enum transfer t = transport_peek(c, &hello);
	if (t == TRANSFER_WAIT)
		return;
	c->heard = true;
	c->direct = t == TRANSFER_DONE && hello;
	if (c->direct)
		connection_become(c, CONNECTION_HANDSHAKE);
}

static void
run_state(struct connection *c)
{
	/* In the order of a connection's life, so that one run can go all the way. */
	if (c->state == CONNECTION_PLAIN && !c->session)
		open_session(c);
	if (c->state == CONNECTION_PLAIN)
		listen_first(c);
	if (c->state == CONNECTION_PLAIN)
		converse(c);
	if (c->state == CONNECTION_HANDSHAKE)
		shake_hands(c);
	if (c->state == CONNECTION_OPEN)
		converse(c);
	if (c->state == CONNECTION_ENDING || c->state == CONNECTION_LINGERING)
		finish(c);
}

void
connection_run(struct connection *c)
{
	c->budget = READS_A_TURN;
	c->entered = true;
	run_state(c);
	c->entered = false;
	if (c->more && connection_readable(c))
		worker_wait(c);
	connection_want(c);
}

static void
ready(void *argument, unsigned what)
{
	struct connection *c = argument;
	(void)what;
	c->active = clock_monotonic();
	connection_run(c);
}

fallible
connection_open(struct door_worker *w, int fd, const struct sockaddr_storage *from)
{
	SCOPED struct connection *c = NEW(w, struct connection);
	c->worker = w;
	c->fd = fd;
	c->protocol = w->door->protocol;
	c->peer = NEW(c, struct peer);
	c->key = address_of(from, c->peer);
	c->since = c->active = clock_monotonic();
	c->state = w->door->plain_first ? CONNECTION_PLAIN : CONNECTION_HANDSHAKE;
	TRY(watch_new(c, w->loop, fd, ready, c, &c->watch));
	TRY(timer_new(c, w->loop, connection_ring, c, &c->timer));
	if (!address_table_add(&w->door->addresses, c->key, w->door->limits.connections_per_address))
		return E_BUSY;
	c->next = w->connections;
	c->link = &w->connections;
	if (c->next)
		c->next->link = &c->next;
	w->connections = c;
	connection_run(TAKE(c));
	return NULL;
}

