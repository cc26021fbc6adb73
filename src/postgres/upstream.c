#include "postgres/upstream_inside.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

enum { START_SECONDS = 10, READS_A_TURN = 8 };

struct upstream_pool *
upstream_pool_new(const void *owner)
{
	return NEW(owner, struct upstream_pool);
}

static void
shut(struct upstream *u)
{
	if (u->state == UPSTREAM_CLOSED)
		return;
	u->state = UPSTREAM_CLOSED;
	TALLOC_FREE(u->watch);
	TALLOC_FREE(u->timer);
	SSL_free(u->ssl);
	u->ssl = NULL;
	if (u->fd >= 0)
		close(u->fd);
	u->fd = -1;
}

static int
free_upstream(struct upstream *u)
{
	shut(u);
	return 0;
}

static void
fail(struct upstream *u, err_t e, struct slice said)
{
	if (u->state == UPSTREAM_CLOSED)
		return;
	shut(u);
	u->options.ended(u->options.argument, e, said);
}

static void
want(struct upstream *u)
{
	unsigned what = 0;
	if (u->state == UPSTREAM_CLOSED)
		return;
	if (u->state == UPSTREAM_CONNECTING)
		what = WANT_WRITE;
	else {
		if (!u->paused || u->state != UPSTREAM_OPEN)
			what = WANT_READ;
		if (u->stuck || u->read_wants_write)
			what |= WANT_WRITE;
	}
	watch_want(u->watch, what);
}

/* ---- out ---- */

/* Bytes taken; 0: not now; -1: the connection is gone. */
static ssize_t
send_some(struct upstream *u, struct slice s)
{
	size_t n = 0;
	if (!u->ssl) {
		ssize_t sent = send(u->fd, s.data, s.size, MSG_NOSIGNAL);
		return sent >= 0 ? sent : errno == EAGAIN || errno == EINTR ? 0 : -1;
	}
	ERR_clear_error();
	int result = SSL_write_ex(u->ssl, s.data, s.size, &n);
	if (result == 1)
		return (ssize_t)n;
	int why = SSL_get_error(u->ssl, result);
	return why == SSL_ERROR_WANT_WRITE || why == SSL_ERROR_WANT_READ ? 0 : -1;
}

static bool
send_all(struct upstream *u)
{
	bool had = u->output.size != 0;
	u->stuck = false;
	while (u->output.size) {
		ssize_t n = send_some(u, bytes_slice(&u->output));
		if (n < 0)
			return false;
		if (n == 0) {
			u->stuck = true;
			return true;
		}
		bytes_consume(&u->output, (size_t)n);
	}
	if (had && u->state == UPSTREAM_OPEN && u->options.drained)
		u->options.drained(u->options.argument);
	return true;
}

void
upstream_write(struct upstream *u, struct slice s)
{
	if (u->state != UPSTREAM_CLOSED)
		bytes_append(u, &u->output, s);
}

struct bytes *
upstream_output(struct upstream *u)
{
	return &u->output;
}

/* A failure is left for the loop to find: this is called from inside others' work. */
void
upstream_flush(struct upstream *u)
{
	if (u->state == UPSTREAM_CLOSED || u->stuck || u->entered || u->state < UPSTREAM_LOGIN)
		return;
	if (!send_all(u))
		u->stuck = true;
	want(u);
}

size_t
upstream_queued(const struct upstream *u)
{
	return u->output.size;
}

void
upstream_pause(struct upstream *u, bool paused)
{
	if (u->paused == paused || u->state == UPSTREAM_CLOSED)
		return;
	u->paused = paused;
	want(u);
	if (!paused && u->ssl && !u->entered && u->state == UPSTREAM_OPEN)
		timer_set(u->timer, 0);         /* OpenSSL may hold what the socket will not announce */
}

struct slice
upstream_parameters(const struct upstream *u)
{
	return bytes_slice(&u->parameters);
}

uint32_t
upstream_pid(const struct upstream *u)
{
	return u->pid;
}

struct slice
upstream_key(const struct upstream *u)
{
	return slice_of(u->key, u->key_size);
}

void
upstream_close(struct upstream *u)
{
	shut(u);
}

/* ---- the start ---- */

static void
begin(struct upstream *u)
{
	const struct upstream_options *o = &u->options;
	u->state = o->cancel_key.size ? UPSTREAM_CANCELLING : UPSTREAM_LOGIN;
	if (!o->cancel_key.size) {
		upstream_login_begin(u);
		return;
	}
	message_be32(u, &u->output, (uint32_t)(12 + o->cancel_key.size));
	message_be32(u, &u->output, CODE_CANCEL);
	message_be32(u, &u->output, o->cancel_pid);
	bytes_append(u, &u->output, o->cancel_key);
}

static fallible
connected(struct upstream *u)
{
	int error = 0, one = 1;
	socklen_t size = sizeof error;
	if (getsockopt(u->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error)
		return E_UNREACHABLE;
	setsockopt(u->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (u->options.database->tls == DATABASE_TLS_NONE) {
		begin(u);
		return NULL;
	}
	message_be32(u, &u->output, 8);
	message_be32(u, &u->output, CODE_SSL);
	u->state = UPSTREAM_ASKING;
	return NULL;
}

static fallible
asked(struct upstream *u)
{
	char answer;
	ssize_t n = recv(u->fd, &answer, 1, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return NULL;
	if (n != 1 || answer != 'S')
		return E_CRYPTO;
	TRY(upstream_secure(u));
	u->state = UPSTREAM_HANDSHAKE;
	return NULL;
}

static fallible
shake_hands(struct upstream *u)
{
	ERR_clear_error();
	int result = SSL_do_handshake(u->ssl);
	u->stuck = false;
	if (result == 1) {
		begin(u);
		return NULL;
	}
	int why = SSL_get_error(u->ssl, result);
	u->stuck = why == SSL_ERROR_WANT_WRITE;
	return why == SSL_ERROR_WANT_WRITE || why == SSL_ERROR_WANT_READ ? NULL : E_CRYPTO;
}

/* ---- in ---- */

/* Bytes read; 0: not now; -1: gone. */
static ssize_t
receive_some(struct upstream *u, uint8_t *data, size_t room)
{
	size_t n = 0;
	u->read_wants_write = false;
	if (!u->ssl) {
		ssize_t got = recv(u->fd, data, room, 0);
		return got > 0 ? got : got < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
	}
	ERR_clear_error();
	int result = SSL_read_ex(u->ssl, data, room, &n);
	if (result == 1)
		return (ssize_t)n;
	int why = SSL_get_error(u->ssl, result);
	u->read_wants_write = why == SSL_ERROR_WANT_WRITE;
	return why == SSL_ERROR_WANT_WRITE || why == SSL_ERROR_WANT_READ ? 0 : -1;
}

static void
take(struct upstream *u, struct slice input)
{
	struct slice said = { NULL, 0 };
	if (u->state == UPSTREAM_LOGIN) {
		err_t e = upstream_login(u, &input, &said);
		if (e) {
			fail(u, e, said);
			return;
		}
		if (u->state == UPSTREAM_OPEN) {
			timer_clear(u->timer);
			u->options.ready(u->options.argument);
		}
	}
	if (u->state == UPSTREAM_OPEN && input.size)
		u->options.received(u->options.argument, input);
}

static void
read_all(struct upstream *u)
{
	for (unsigned i = 0; i < READS_A_TURN || (u->ssl && SSL_pending(u->ssl)); i++) {
		if (u->state == UPSTREAM_CLOSED || (u->state == UPSTREAM_OPEN && u->paused))
			return;
		ssize_t n = receive_some(u, u->pool->scratch, UPSTREAM_SCRATCH);
		if (n < 0) {
			fail(u, E_UNREACHABLE, slice_of(NULL, 0));
			return;
		}
		if (n == 0)
			return;
		take(u, slice_of(u->pool->scratch, (size_t)n));
		if (!u->ssl && n < UPSTREAM_SCRATCH)
			return;
	}
}

static fallible
start(struct upstream *u)
{
	if (u->state == UPSTREAM_CONNECTING)
		TRY(connected(u));
	else if (u->state == UPSTREAM_ASKING && !u->output.size)
		TRY(asked(u));
	if (u->state == UPSTREAM_HANDSHAKE)
		TRY(shake_hands(u));
	return NULL;
}

static void
run(struct upstream *u)
{
	u->entered = true;
	err_t e = start(u);
	if (!e && u->state >= UPSTREAM_LOGIN)
		read_all(u);
	u->entered = false;
	if (!e && u->state != UPSTREAM_CLOSED && u->state != UPSTREAM_HANDSHAKE && u->state != UPSTREAM_CONNECTING && !send_all(u))
		e = E_UNREACHABLE;
	if (e)
		fail(u, e, slice_of(NULL, 0));
	want(u);
}

static void
ready(void *argument, unsigned what)
{
	(void)what;
	run(argument);
}

static void
due(void *argument)
{
	struct upstream *u = argument;
	if (u->state == UPSTREAM_OPEN)
		run(u);
	else
		fail(u, E_UNREACHABLE, slice_of(NULL, 0));
}

/* ---- opening ---- */

static fallible
connect_to(struct upstream *u)
{
	const struct database *d = u->options.database;
	if (d->outward)
		return outward_dial(d->outward, d->address.size ? d->address : d->host, d->port, &u->fd);
	SCOPED char *text = memory_text(NULL, d->address.size ? d->address : d->host);
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(d->port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(d->port) };
	bool four = inet_pton(AF_INET, text, &v4.sin_addr) == 1;
	if (!four && inet_pton(AF_INET6, text, &v6.sin6_addr) != 1)
		return E_UNREACHABLE;
	u->fd = socket(four ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (u->fd < 0)
		return E_UNREACHABLE;
	int result = four ? connect(u->fd, (const struct sockaddr *)&v4, sizeof v4) : connect(u->fd, (const struct sockaddr *)&v6, sizeof v6);
	return result == 0 || errno == EINPROGRESS ? NULL : E_UNREACHABLE;
}

fallible
upstream_open(const void *owner, struct upstream_pool *pool, struct loop *loop, const struct upstream_options *options,
              struct upstream **out)
{
	SCOPED struct upstream *u = NEW(owner, struct upstream);
	u->pool = pool;
	u->loop = loop;
	u->options = *options;
	u->options.cancel_key = memory_copy(u, options->cancel_key);
	u->fd = -1;
	talloc_set_destructor(u, free_upstream);
	if (!options->cancel_key.size)
		upstream_make_startup(u);
	u->options.settings = NULL;
	u->options.setting_count = 0;
	TRY(connect_to(u));
	TRY(watch_new(u, loop, u->fd, ready, u, &u->watch));
	TRY(timer_new(u, loop, due, u, &u->timer));
	timer_set(u->timer, SECONDS(START_SECONDS));
	want(u);
	*out = TAKE(u);
	return NULL;
}
