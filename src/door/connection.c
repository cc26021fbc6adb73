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

static void ring(void *argument);

static bool
is_open(const struct connection *c)
{
	return c->state == CONNECTION_OPEN || c->state == CONNECTION_PLAIN;
}

/* The only place where a state changes. */
static void
become(struct connection *c, enum connection_state state)
{
	assert(allowed[c->state] & BIT(state));
	c->state = state;
	c->since = clock_monotonic();
}

static void
free_tls(struct connection *c)
{
	SSL_free(c->ssl);
	c->ssl = NULL;
}

static void
shut(struct connection *c)
{
	struct door *d = c->worker->door;
	if (c->state == CONNECTION_CLOSED)
		return;
	become(c, CONNECTION_CLOSED);
	TALLOC_FREE(c->watch);
	TALLOC_FREE(c->timer);
	free_tls(c);
	close(c->fd);
	address_table_drop(&d->addresses, c->key);
	atomic_fetch_sub(&d->counters.open, 1);
	worker_bury(c);
}

void
connection_closed(struct connection *c)
{
	shut(c);
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

static void
want(struct connection *c)
{
	unsigned what = 0;
	if (c->state == CONNECTION_CLOSED)
		return;
	if (c->state == CONNECTION_HANDSHAKE || c->state == CONNECTION_LINGERING)
		what = c->read_wants_write ? WANT_WRITE : WANT_READ;
	else if (is_open(c) && !c->paused && c->input.size < c->protocol->input_max)
		what = WANT_READ | (c->read_wants_write ? WANT_WRITE : 0u);
	if (c->stuck)
		what |= WANT_WRITE;
	watch_want(c->watch, what);
	arm(c);
}

/* In. */

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
		shut(c);
	if (!is_open(c))
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
	while (c->state == before && !c->paused && c->input.size < c->protocol->input_max) {
		size_t room = c->protocol->input_max - c->input.size, size = 0;
		if (c->budget == 0) {
			c->more = true;
			return;
		}
		c->budget -= !c->ssl;
		enum transfer t = transport_read(c, scratch, room < SCRATCH ? room : SCRATCH, &size);
		if (t == TRANSFER_WAIT)
			return;
		if (t == TRANSFER_FAILED)
			shut(c);
		if (t == TRANSFER_ENDED)        /* answers already queued still go out */
			become(c, CONNECTION_ENDING);
		if (t != TRANSFER_DONE)
			return;
		deliver(c, slice_of(scratch, size));
		/* Readiness is by level: what is only in the socket will be announced again. */
		if (!c->more && size < room)
			return;
	}
}

/* Out. */

static void
send_some(struct connection *c)
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
			shut(c);
			return;
		}
		buffer_consume(&c->output, sent);
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
		shut(c);
		return;
	}
	free_tls(c);
	become(c, CONNECTION_LINGERING);
}

static void
finish(struct connection *c)
{
	send_some(c);
	if (c->state == CONNECTION_ENDING && !c->stuck)
		say_goodbye(c);
	if (c->state == CONNECTION_LINGERING && transport_discard(c) != TRANSFER_WAIT)
		shut(c);
}

/* The handshake. */

static void
open_session(struct connection *c)
{
	c->session = c->protocol->opened(c, c->worker->context);
	if (!c->session)
		shut(c);
}

/* A connection does not outlive the certificate that opened it. */
static bool
meet_peer(struct connection *c)
{
	if (!tls_peer(c->ssl, c->peer))
		return false;
	if (c->peer->certified) {
		int64_t left = c->peer->not_after - clock_now();
		if (left <= 0)
			return false;
		c->expires = clock_monotonic() + left;
	}
	return true;
}

/* Lingers, for the alert to arrive: it says what is wrong with the client's certificate. */
static void
fail_handshake(struct connection *c, enum transfer t)
{
	atomic_fetch_add(&c->worker->door->counters.handshake_failures, 1);
	if (t == TRANSFER_ENDED || transport_goodbye(c) != TRANSFER_DONE) {
		shut(c);
		return;
	}
	free_tls(c);
	become(c, CONNECTION_LINGERING);
}

static void
shake_hands(struct connection *c)
{
	send_some(c);                   /* with plain_first: what was said before, in plain */
	if (c->stuck || c->state != CONNECTION_HANDSHAKE)
		return;
	if (!c->ssl && !(c->ssl = transport_secure(c))) {
		shut(c);
		return;
	}
	enum transfer t = transport_handshake(c);
	if (t == TRANSFER_WAIT)
		return;
	if (t != TRANSFER_DONE || !meet_peer(c)) {
		fail_handshake(c, t);
		return;
	}
	become(c, CONNECTION_OPEN);
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
	send_some(c);
	if (c->output.size == 0 && is_open(c) && c->protocol->drained)
		c->protocol->drained(c->session);
}

static void
converse(struct connection *c)
{
	if (c->stuck)
		send_and_tell(c);
	if (c->deliver && is_open(c)) {
		c->deliver = false;
		deliver(c, slice_of(NULL, 0));
	}
	if (is_open(c))
		read_some(c);
	if (!c->stuck)
		send_and_tell(c);
}

static void
run_state(struct connection *c)
{
	if (c->state == CONNECTION_PLAIN && !c->session)
		open_session(c);
	if (c->state == CONNECTION_HANDSHAKE)
		shake_hands(c);
	if (is_open(c))
		converse(c);
	if (c->state == CONNECTION_HANDSHAKE && !c->ssl)        /* connection_start_tls() was called just now */
		shake_hands(c);
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
	bool readable = is_open(c) ? !c->paused && c->input.size < c->protocol->input_max : true;
	if (c->state != CONNECTION_CLOSED && ((c->more && readable && c->budget == 0) || c->deliver))
		worker_wait(c);
	want(c);
}

static void
ready(void *argument, unsigned what)
{
	struct connection *c = argument;
	(void)what;
	c->active = clock_monotonic();
	connection_run(c);
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
		shut(c);
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

static void
ring(void *argument)
{
	struct connection *c = argument;
	int64_t at = next_deadline(c);
	c->armed = 0;
	if (at && at <= clock_monotonic())
		due(c);
	else
		arm(c);
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
	TRY(timer_new(c, w->loop, ring, c, &c->timer));
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

/* What protocols call. */

void
connection_write(struct connection *c, struct slice s)
{
	if (!is_open(c))
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
	if (c->entered || c->stuck || !is_open(c))
		return;
	send_some(c);
	want(c);
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
		want(c);
}

void
connection_resume(struct connection *c)
{
	if (!is_open(c))
		return;
	c->paused = false;
	c->deliver = c->input.size != 0;
	if (c->deliver || c->more)
		worker_wait(c);
	if (!c->entered)
		want(c);
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
	if (!is_open(c))
		return;
	become(c, CONNECTION_ENDING);
	worker_wait(c);
}

void
connection_kill(struct connection *c)
{
	if (c->state == CONNECTION_CLOSED)
		return;
	atomic_fetch_add(&c->worker->door->counters.killed, 1);
	shut(c);
}

void
connection_start_tls(struct connection *c)
{
	assert(c->state == CONNECTION_PLAIN);
	become(c, CONNECTION_HANDSHAKE);
	if (!c->entered) {
		if (c->input.size)
			shut(c);
		else
			worker_wait(c);
	}
}

bool
connection_secure(const struct connection *c)
{
	return c->state == CONNECTION_OPEN;
}

bool
connection_alive(const struct connection *c)
{
	return is_open(c);
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
	if (!c->session || !is_open(c)) {
		if (c->state == CONNECTION_HANDSHAKE)
			shut(c);
		return;
	}
	if (c->protocol->draining)
		c->protocol->draining(c->session);
	else
		connection_end(c);
}
