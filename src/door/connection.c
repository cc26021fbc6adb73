/* connection.c - a connection's states, its deadlines, and what protocols call. What happens on it: converse.c. */
#include "base/clock.h"
#include "door/inside.h"

#include <assert.h>
#include <unistd.h>

#define BIT(state) (1u << (state))

static const unsigned allowed[CONNECTION_STATES] = {
	[CONNECTION_PLAIN] = BIT(CONNECTION_HANDSHAKE) | BIT(CONNECTION_ENDING) | BIT(CONNECTION_CLOSED),
	[CONNECTION_HANDSHAKE] = BIT(CONNECTION_OPEN) | BIT(CONNECTION_LINGERING) | BIT(CONNECTION_CLOSED),
	[CONNECTION_OPEN] = BIT(CONNECTION_ENDING) | BIT(CONNECTION_CLOSED),
	[CONNECTION_ENDING] = BIT(CONNECTION_LINGERING) | BIT(CONNECTION_CLOSED),
	[CONNECTION_LINGERING] = BIT(CONNECTION_CLOSED),
};

/* The only place where a state changes. */
void
connection_become(struct connection *c, enum connection_state state)
{
	assert(allowed[c->state] & BIT(state));
	c->state = state;
	c->since = clock_monotonic();
}

void
connection_free_tls(struct connection *c)
{
	SSL_free(c->ssl);
	c->ssl = NULL;
}

void
connection_shut(struct connection *c)
{
	struct door *d = c->worker->door;
	if (c->state == CONNECTION_CLOSED)
		return;
	connection_become(c, CONNECTION_CLOSED);
	TALLOC_FREE(c->watch);
	TALLOC_FREE(c->timer);
	connection_free_tls(c);
	close(c->fd);
	address_table_drop(&d->addresses, c->key);
	atomic_fetch_sub(&d->counters.open, 1);
	worker_bury(c);
}

void
connection_closed(struct connection *c)
{
	connection_shut(c);
	void *session = TAKE(c->session);
	if (session && c->protocol->closed)
		c->protocol->closed(session);
}

/* Deadlines. The timer is set only when a deadline comes before the time it will ring anyway: in a run of requests
 * deadlines mostly move away, and moving them costs two comparisons. */

static int64_t
sooner(int64_t a, int64_t b)
{
	return a && (!b || a < b) ? a : b;
}

static int64_t
next_deadline(const struct connection *c)
{
	const struct door_limits *limits = &c->worker->door->limits;
	switch (c->state) {
	case CONNECTION_PLAIN:
	case CONNECTION_HANDSHAKE:
		return c->since + limits->handshake;
	case CONNECTION_OPEN:
		return sooner(c->expires, c->deadline ? c->deadline : c->active + limits->idle);
	case CONNECTION_ENDING:
		return c->since + limits->ending;
	case CONNECTION_LINGERING:
		return c->since + LINGER_TIME;
	case CONNECTION_CLOSED:
	case CONNECTION_STATES:
		break;
	}
	return 0;
}

static void
arm(struct connection *c)
{
	int64_t at = next_deadline(c);
	if (at == 0 || (c->armed && c->armed <= at))
		return;
	int64_t now = clock_monotonic();
	timer_set(c->timer, at > now ? at - now : 0);
	c->armed = at;
}

bool
connection_readable(const struct connection *c)
{
	return connection_alive(c) && !c->paused && c->input.size < c->protocol->input_max;
}

void
connection_want(struct connection *c)
{
	unsigned what = 0;
	if (c->state == CONNECTION_CLOSED)
		return;
	if (c->state == CONNECTION_LINGERING)
		what = WANT_READ;
	else if (c->state == CONNECTION_HANDSHAKE)
		what = c->read_wants_write || c->stuck ? WANT_WRITE : WANT_READ;
	else if (connection_readable(c))
		what = WANT_READ | (c->read_wants_write ? WANT_WRITE : 0u);
	if (c->stuck && c->state != CONNECTION_LINGERING)
		what |= WANT_WRITE;
	watch_want(c->watch, what);
	arm(c);
}

static void
protocol_due(struct connection *c)
{
	c->deadline = 0;
	c->entered = true;
	if (c->protocol->due)
		c->protocol->due(c->session);
	else
		connection_end(c);
	c->entered = false;
}

static void
due(struct connection *c)
{
	if (c->state == CONNECTION_HANDSHAKE || c->state == CONNECTION_PLAIN)
		atomic_fetch_add(&c->worker->door->counters.handshake_failures, 1);
	if (c->state != CONNECTION_OPEN)
		connection_shut(c);
	else if (c->expires && clock_monotonic() >= c->expires)
		connection_kill(c);
	else if (c->deadline)
		protocol_due(c);
	else if (c->output.size)
		connection_kill(c);     /* it does not read what we say */
	else
		connection_end(c);
	if (c->state != CONNECTION_CLOSED)
		connection_run(c);
}

void
connection_ring(void *argument)
{
	struct connection *c = argument;
	int64_t at = next_deadline(c);
	c->armed = 0;
	if (at && at <= clock_monotonic())
		due(c);
	else
		arm(c);
}

/* What protocols call (door.h). */

void
connection_write(struct connection *c, struct slice s)
{
	if (!connection_alive(c))
		return;
	if (c->output.size + s.size > c->worker->door->limits.output) {
		connection_kill(c);
		return;
	}
	buffer_append(c, &c->output, s);
}

void
connection_flush(struct connection *c)
{
	if (c->entered || c->stuck || !connection_alive(c))
		return;
	connection_send(c);
	connection_want(c);
}

size_t
connection_queued(const struct connection *c)
{
	return c->output.size;
}

void
connection_pause(struct connection *c)
{
	c->paused = true;
	if (!c->entered)
		connection_want(c);
}

void
connection_resume(struct connection *c)
{
	if (!connection_alive(c))
		return;
	c->paused = false;
	c->deliver = c->input.size != 0;
	if (c->deliver || c->more)
		worker_wait(c);
	if (!c->entered)
		connection_want(c);
}

void
connection_deadline(struct connection *c, int64_t micros)
{
	c->deadline = micros ? clock_monotonic() + micros : 0;
	if (!c->entered && c->state != CONNECTION_CLOSED)
		arm(c);
}

void
connection_end(struct connection *c)
{
	if (c->state == CONNECTION_HANDSHAKE)
		connection_kill(c);
	if (!connection_alive(c))
		return;
	connection_become(c, CONNECTION_ENDING);
	worker_wait(c);
}

void
connection_kill(struct connection *c)
{
	if (c->state < CONNECTION_LINGERING)    /* else all has been said */
		atomic_fetch_add(&c->worker->door->counters.killed, 1);
	connection_shut(c);
}

void
connection_start_tls(struct connection *c)
{
	assert(c->state == CONNECTION_PLAIN && c->entered);
	connection_become(c, CONNECTION_HANDSHAKE);
}

bool
connection_direct(const struct connection *c, bool *alpn)
{
	const unsigned char *name = NULL;
	unsigned size = 0;
	if (c->ssl)
		SSL_get0_alpn_selected(c->ssl, &name, &size);
	*alpn = size > 0;
	return c->direct;
}

bool
connection_secure(const struct connection *c)
{
	return c->state == CONNECTION_OPEN;
}

bool
connection_alive(const struct connection *c)
{
	return c->state == CONNECTION_OPEN || c->state == CONNECTION_PLAIN;
}

const struct peer *
connection_peer(const struct connection *c)
{
	return c->peer;
}

void *
connection_session(const struct connection *c)
{
	return c->session;
}

void
connection_tell_draining(struct connection *c)
{
	if (!c->session || !connection_alive(c)) {
		if (c->state == CONNECTION_HANDSHAKE)
			connection_shut(c);
		return;
	}
	if (c->protocol->draining)
		c->protocol->draining(c->session);
	else
		connection_end(c);
}
