/* door-harness.h - a door served by a thread of its own, certificates made in memory, and a client that says exactly
 * what it is told. Assertions stay on the test's thread. */
#pragma once
#include "test.h"

#include "base/clock.h"
#include "base/loop.h"
#include "door/door.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Certificates. */

struct identity {
	EVP_PKEY *key;
	X509 *certificate;
	char certificate_pem[4096], key_pem[1024];
};

static void
to_pem(struct identity *i)
{
	BIO *bio = BIO_new(BIO_s_mem());
	PEM_write_bio_X509(bio, i->certificate);
	int size = BIO_read(bio, i->certificate_pem, sizeof i->certificate_pem - 1);
	i->certificate_pem[size > 0 ? size : 0] = '\0';
	PEM_write_bio_PrivateKey(bio, i->key, NULL, NULL, 0, NULL, NULL);
	size = BIO_read(bio, i->key_pem, sizeof i->key_pem - 1);
	i->key_pem[size > 0 ? size : 0] = '\0';
	BIO_free(bio);
}

static void
add_extension(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	assert_non_null(e);
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
}

/* Signed by `issuer`, by itself if that is NULL; valid from a day ago for `seconds` from now; `names` a SAN or NULL. */
static struct identity *
identity_new(const char *name, const struct identity *issuer, const char *names, long seconds)
{
	static long serial = 0x1000;
	struct identity *i = calloc(1, sizeof *i);
	X509 *x = i->certificate = X509_new();
	i->key = EVP_EC_gen("P-256");
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(x), -86400);
	X509_gmtime_adj(X509_getm_notAfter(x), seconds);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(issuer ? issuer->certificate : x));
	X509_set_pubkey(x, i->key);
	add_extension(x, NID_basic_constraints, issuer ? "critical,CA:FALSE" : "critical,CA:TRUE");
	if (names)
		add_extension(x, NID_subject_alt_name, names);
	assert_true(X509_sign(x, issuer ? issuer->key : i->key, EVP_sha256()) > 0);
	to_pem(i);
	return i;
}

static void
identity_free(struct identity *i)
{
	X509_free(i->certificate);
	EVP_PKEY_free(i->key);
	free(i);
}

/* The server. */

struct server {
	struct door *door;
	struct loop *loop;
	pthread_t thread;
	struct waker *waker;
	void (*call)(struct server *);  /* to be run on its thread */
	sem_t called, started;
	/* Attaches to the door, on its thread; `worker` is freed there too. */
	err_t (*attach)(struct server *);
	void *worker;
	err_t failed;
};

static void
server_woken(void *argument)
{
	struct server *s = argument;
	s->call(s);
	sem_post(&s->called);
}

/* The client's writes to closed connections are no news; on the server's thread SIGPIPE would kill the test. */
static void
mask_sigpipe(int how)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	pthread_sigmask(how, &set, NULL);
}

static void *
server_main(void *argument)
{
	struct server *s = argument;
	mask_sigpipe(SIG_UNBLOCK);
	if ((s->failed = loop_open(NULL, &s->loop)) == NULL &&
	    (s->failed = waker_new(s->loop, s->loop, server_woken, s, &s->waker)) == NULL)
		s->failed = s->attach(s);
	sem_post(&s->started);
	if (!s->failed)
		loop_run(s->loop);
	talloc_free(s->worker);
	talloc_free(s->loop);
	return NULL;
}

static void
server_start(struct server *s)
{
	mask_sigpipe(SIG_BLOCK);
	sem_init(&s->called, 0, 0);
	sem_init(&s->started, 0, 0);
	assert_int_equal(pthread_create(&s->thread, NULL, server_main, s), 0);
	sem_wait(&s->started);
	assert_ok(s->failed);
}

/* Runs `call` on the server's thread and waits until it has returned. */
static void
server_call(struct server *s, void (*call)(struct server *))
{
	s->call = call;
	waker_wake(s->waker);
	sem_wait(&s->called);
}

static void
server_join(struct server *s)
{
	loop_stop(s->loop);
	pthread_join(s->thread, NULL);
}

static void
server_stop(struct server *s)
{
	server_join(s);
	talloc_free(s->door);
}

/* Waits up to five seconds for a counter of the door's. */
#define wait_for(condition) \
	do { \
		int64_t until_ = clock_monotonic() + SECONDS(5); \
		while (!(condition) && clock_monotonic() < until_) \
			usleep(1000); \
		assert_true(condition); \
	} while (0)

/* The client. */

struct client {
	int fd;
	SSL_CTX *tls;
	SSL *ssl;
	bool shaken;
	uint8_t verify_failed;
	size_t size;
	char text[1 << 21];
};

struct client_options {
	const struct identity *trust, *self;
	int version;                    /* TLS1_2_VERSION, …; 0: TLS 1.3 */
	const char *alpn;               /* with its length in front: "\x08http/1.1" */
};

static int
tcp_connect(const struct door *d)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	static const int on = 1;
	const char *colon = strrchr(door_address(d), ':');
	to.sin_port = htons((uint16_t)atoi(colon + 1));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	const struct timeval wait = { 5, 0 };
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
	return fd;
}

/* TLS on a connection that is there. */
static bool
client_secure(struct client *c, const struct client_options *o)
{
	c->tls = SSL_CTX_new(TLS_client_method());
	int version = o->version ? o->version : TLS1_3_VERSION;
	SSL_CTX_set_min_proto_version(c->tls, version);
	SSL_CTX_set_max_proto_version(c->tls, version);
	if (o->trust) {
		X509_STORE_add_cert(SSL_CTX_get_cert_store(c->tls), o->trust->certificate);
		SSL_CTX_set_verify(c->tls, SSL_VERIFY_PEER, NULL);
	}
	if (o->self) {
		SSL_CTX_use_certificate(c->tls, o->self->certificate);
		SSL_CTX_use_PrivateKey(c->tls, o->self->key);
	}
	c->ssl = SSL_new(c->tls);
	if (o->alpn)
		SSL_set_alpn_protos(c->ssl, (const unsigned char *)o->alpn, (unsigned)strlen(o->alpn));
	SSL_set_fd(c->ssl, c->fd);
	c->shaken = SSL_connect(c->ssl) == 1;
	ERR_clear_error();
	return c->shaken;
}

static struct client *
client_plain(const struct door *d)
{
	struct client *c = calloc(1, sizeof *c);
	c->fd = tcp_connect(d);
	return c;
}

static struct client *
client_open(const struct door *d, const struct client_options *o)
{
	static const struct client_options none = { 0 };
	struct client *c = client_plain(d);
	client_secure(c, o ? o : &none);
	return c;
}

/* False if the other side would not have all of it. */
static bool
client_say(struct client *c, struct slice s)
{
	for (size_t at = 0; at < s.size;) {
		int n = c->ssl ? SSL_write(c->ssl, s.data + at, (int)(s.size - at)) :
				 (int)send(c->fd, s.data + at, s.size - at, MSG_NOSIGNAL);
		if (n <= 0)
			return false;
		at += (size_t)n;
	}
	return true;
}

/* One read: bytes, 0 at the end of the connection, -1 if nothing came for `milliseconds`. */
static int
client_hear(struct client *c, int milliseconds)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	size_t room = sizeof c->text - 1 - c->size;
	if (!(c->ssl && SSL_pending(c->ssl)) && poll(&p, 1, milliseconds) <= 0)
		return -1;
	int n = c->ssl ? SSL_read(c->ssl, c->text + c->size, (int)room) : (int)recv(c->fd, c->text + c->size, room, 0);
	ERR_clear_error();
	if (n <= 0)
		return 0;
	c->size += (size_t)n;
	c->text[c->size] = '\0';
	return n;
}

/* Reads until the text has come; false if the connection ended or five seconds passed before. */
static bool
client_hear_text(struct client *c, const char *text)
{
	while (!memmem(c->text, c->size, text, strlen(text)))
		if (client_hear(c, 5000) <= 0)
			return false;
	return true;
}

/* True if the connection ends within the time; what still comes is kept. */
static bool
client_hear_end(struct client *c, int milliseconds)
{
	int64_t until = clock_monotonic() + (int64_t)milliseconds * 1000;
	int n;
	while ((n = client_hear(c, (int)((until - clock_monotonic()) / 1000) + 1)) > 0)
		;
	return n == 0;
}

static void
client_forget(struct client *c)
{
	c->size = 0;
	c->text[0] = '\0';
}

static void
client_close(struct client *c)
{
	SSL_free(c->ssl);
	SSL_CTX_free(c->tls);
	close(c->fd);
	free(c);
}
