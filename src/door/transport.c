/* The socket under OpenSSL is our own BIO: no SIGPIPE (send with MSG_NOSIGNAL), bytes are counted, and a turn has a
 * budget of receive calls, so that a peer who floods (KeyUpdate messages, say) cannot hold the worker inside SSL_read. */
#include "door/inside.h"

#include <errno.h>
#include <openssl/err.h>
#include <sys/socket.h>

static int
bio_read(BIO *bio, char *data, int size)
{
	struct connection *c = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	if (c->budget == 0) {           /* what is in the socket will be announced again */
		BIO_set_retry_read(bio);
		return -1;
	}
	c->budget--;
	ssize_t n = recv(c->fd, data, (size_t)size, 0);
	if (n > 0)
		atomic_fetch_add_explicit(&c->worker->door->counters.bytes_in, (uint64_t)n, memory_order_relaxed);
	else if (n == 0)
		c->ended_by_peer = true;
	else if (errno == EAGAIN || errno == EINTR)
		BIO_set_retry_read(bio);
	return (int)n;
}

static int
bio_write(BIO *bio, const char *data, int size)
{
	struct connection *c = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	ssize_t n = send(c->fd, data, (size_t)size, MSG_NOSIGNAL);
	if (n > 0)
		atomic_fetch_add_explicit(&c->worker->door->counters.bytes_out, (uint64_t)n, memory_order_relaxed);
	else if (errno == EAGAIN || errno == EINTR)
		BIO_set_retry_write(bio);
	return (int)n;
}

static long
bio_control(BIO *bio, int what, long number, void *pointer)
{
	const struct connection *c = BIO_get_data(bio);
	(void)number;
	(void)pointer;
	if (what == BIO_CTRL_EOF)
		return c->ended_by_peer;
	return what == BIO_CTRL_FLUSH;
}

static BIO_METHOD *method;
static pthread_once_t method_once = PTHREAD_ONCE_INIT;

static void
make_method(void)
{
	method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "door");
	if (!method)
		return;
	BIO_meth_set_read(method, bio_read);
	BIO_meth_set_write(method, bio_write);
	BIO_meth_set_ctrl(method, bio_control);
}

static SSL *
new_ssl(struct door *d)
{
	pthread_mutex_lock(&d->lock);
	SSL *ssl = SSL_new(d->tls);
	pthread_mutex_unlock(&d->lock);
	return ssl;
}

SSL *
transport_secure(struct connection *c)
{
	pthread_once(&method_once, make_method);
	BIO *bio = method ? BIO_new(method) : NULL;
	SSL *ssl = bio ? new_ssl(c->worker->door) : NULL;
	if (!ssl) {
		BIO_free(bio);
		ERR_clear_error();
		return NULL;
	}
	BIO_set_data(bio, c);
	BIO_set_init(bio, 1);
	SSL_set_bio(ssl, bio, bio);
	SSL_set_accept_state(ssl);
	return ssl;
}

/* What OpenSSL's refusal to go on means. */
static enum transfer
outcome(struct connection *c, int result, bool reading)
{
	int why = SSL_get_error(c->ssl, result);
	if (why == SSL_ERROR_WANT_READ)
		return TRANSFER_WAIT;
	if (why == SSL_ERROR_WANT_WRITE) {
		c->read_wants_write = reading;
		return TRANSFER_WAIT;
	}
	return why == SSL_ERROR_ZERO_RETURN ? TRANSFER_ENDED : TRANSFER_FAILED;
}

enum transfer
transport_handshake(struct connection *c)
{
	ERR_clear_error();
	c->more = c->read_wants_write = false;
	int result = SSL_do_handshake(c->ssl);
	return result == 1 ? TRANSFER_DONE : outcome(c, result, true);
}

static enum transfer
plain_outcome(ssize_t n)
{
	if (n == 0)
		return TRANSFER_ENDED;
	return errno == EAGAIN || errno == EINTR ? TRANSFER_WAIT : TRANSFER_FAILED;
}

static enum transfer
plain_read(struct connection *c, uint8_t *data, size_t room, size_t *size)
{
	ssize_t n = recv(c->fd, data, room, 0);
	if (n <= 0)
		return plain_outcome(n);
	atomic_fetch_add_explicit(&c->worker->door->counters.bytes_in, (uint64_t)n, memory_order_relaxed);
	*size = (size_t)n;
	return TRANSFER_DONE;
}

enum transfer
transport_read(struct connection *c, uint8_t *data, size_t room, size_t *size)
{
	c->more = false;
	if (!c->ssl)
		return plain_read(c, data, room, size);
	ERR_clear_error();
	c->read_wants_write = false;
	int result = SSL_read_ex(c->ssl, data, room, size);
	if (result != 1)
		return outcome(c, result, true);
	c->more = SSL_has_pending(c->ssl) != 0;
	return TRANSFER_DONE;
}

static enum transfer
plain_write(struct connection *c, struct slice s, size_t *size)
{
	ssize_t n = send(c->fd, s.data, s.size, MSG_NOSIGNAL);
	if (n <= 0)
		return plain_outcome(n);
	atomic_fetch_add_explicit(&c->worker->door->counters.bytes_out, (uint64_t)n, memory_order_relaxed);
	*size = (size_t)n;
	return TRANSFER_DONE;
}

enum transfer
transport_write(struct connection *c, struct slice s, size_t *size)
{
	if (!c->ssl)
		return plain_write(c, s, size);
	ERR_clear_error();
	int result = SSL_write_ex(c->ssl, s.data, s.size, size);
	return result == 1 ? TRANSFER_DONE : outcome(c, result, false);
}

enum transfer
transport_goodbye(struct connection *c)
{
	if (c->ssl && !SSL_in_init(c->ssl)) {
		ERR_clear_error();
		int result = SSL_shutdown(c->ssl);
		if (result < 0)
			return outcome(c, result, false);
	}
	shutdown(c->fd, SHUT_WR);
	return TRANSFER_DONE;
}

enum transfer
transport_peek(struct connection *c, bool *hello)
{
	uint8_t first;
	ssize_t n = recv(c->fd, &first, 1, MSG_PEEK);
	if (n <= 0)
		return plain_outcome(n);
	*hello = first == 0x16;
	return TRANSFER_DONE;
}

enum transfer
transport_discard(struct connection *c)
{
	for (unsigned i = 0; i < READS_A_TURN; i++) {
		ssize_t n = recv(c->fd, c->worker->scratch, sizeof c->worker->scratch, 0);
		if (n <= 0)
			return plain_outcome(n);
	}
	return TRANSFER_WAIT;
}
