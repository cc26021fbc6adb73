/* upstream_inside.h - private to upstream*.c. */
#pragma once
#include "base/memory.h"
#include "postgres/upstream.h"
#include "postgres/wire.h"

#include <openssl/ssl.h>

enum upstream_state {
	UPSTREAM_CONNECTING,            /* TCP */
	UPSTREAM_ASKING,                /* SSLRequest is on its way: S or N comes */
	UPSTREAM_HANDSHAKE,
	UPSTREAM_LOGIN,                 /* start-up packet, authentication, up to ReadyForQuery */
	UPSTREAM_CANCELLING,            /* until the server closes */
	UPSTREAM_OPEN,
	UPSTREAM_CLOSED,
};

/* Only in this order, and ReadyForQuery only at the end: a server that skips its proof is none. */
enum login_step { LOGIN_BEGUN, LOGIN_SCRAM_FIRST, LOGIN_SCRAM_FINAL, LOGIN_PROVEN, LOGIN_PASSWORD, LOGIN_IN };

enum { UPSTREAM_SCRATCH = 16384, KEPT_KEYS = 1024, LOGIN_MESSAGE_MAX = 65536 };

struct kept_keys {
	uint8_t whose[DIGEST_SIZE];     /* SHA-256 of host, port, role and password */
	struct scram_keys keys;
};

struct kept_context {
	struct kept_context *next;
	uint8_t whose[DIGEST_SIZE];     /* of CA, certificate and key */
	SSL_CTX *tls;
};

struct upstream_pool {
	struct kept_context *contexts;
	struct kept_keys keys[KEPT_KEYS];
	uint8_t scratch[UPSTREAM_SCRATCH];
};

struct upstream {
	struct upstream_pool *pool;
	struct loop *loop;
	struct upstream_options options;
	struct bytes startup;           /* the start-up packet, made when the options are at hand */
	enum upstream_state state;
	int fd;
	SSL *ssl;
	struct watch *watch;
	struct timer *timer;
	struct bytes output;
	bool paused, write_wants_read, read_wants_write, stuck;
	bool entered;                   /* inside our own call-back: what is queued goes out at its end */
	/* the login */
	struct frames frames;
	struct bytes message;
	struct scram scram;
	enum login_step step;
	struct bytes parameters;
	uint32_t pid;
	uint8_t key[CANCEL_KEY_MAX];
	size_t key_size;
};

/* upstream_tls.c */
fallible upstream_secure(struct upstream *);
/* What SCRAM binds to; empty where there is no TLS, or no hash for it. */
struct slice upstream_binding(const struct upstream *, uint8_t out[static SCRAM_BINDING_MAX]);

/* upstream_login.c: what the server says before it is ready; takes it off `input`. */
fallible upstream_login(struct upstream *, struct slice *input, struct slice *said);
void upstream_login_begin(struct upstream *);
void upstream_make_startup(struct upstream *);
