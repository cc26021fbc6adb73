/* door.h - public: TLS connections on one reactor: accept, handshake, who the peer is, limits, deadlines, drain, end.
 *
 * A door is one listening socket with its certificate, limits and counters. It is opened once, before the process is
 * confined; then each worker thread attaches it to its own loop and accepts for itself. A connection belongs to the
 * worker that accepted it: only that thread touches it. What is spoken on it is a `struct protocol`.
 *
 * TLS 1.3 (1.2 by explicit choice, ECDHE and AEAD only), no resumption, no renegotiation, no compression, no 0-RTT.
 * After door_listen() a door needs accept4, recvfrom, sendto, shutdown, close, getrandom and what the loop needs.
 */
#pragma once
#include "base/err.h"
#include "base/loop.h"
#include "base/slice.h"

#include <netinet/in.h>

struct door;
struct door_worker;
struct connection;

enum { DOOR_FINGERPRINT = 32 };         /* SHA-256 of the certificate's DER */

/* Who is at the other end. A talloc object of the connection's, of which closed() may steal it. */
struct peer {
	char address[INET6_ADDRSTRLEN];
	uint16_t port;
	bool certified;                 /* the rest is of a client certificate that a CA of the door's signed */
	struct slice spiffe;            /* its one URI, if that is spiffe://…; else empty */
	struct slice serial;            /* lower-case hex */
	uint8_t fingerprint[DOOR_FINGERPRINT];
	int64_t not_before, not_after;  /* microseconds since 1970; the door ends the connection at not_after */
};

/* What is spoken. All calls come on the worker's thread, from the loop, never from inside a connection_…() call. */
struct protocol {
	const char *alpn;               /* the one name accepted, if the client names any; NULL: not looked at */
	size_t input_max;               /* bytes kept for a session that does not consume them; then reading stops */
	/* The session, a talloc child of the connection; NULL ends the connection. With plain_first: before TLS. */
	void *(*opened)(struct connection *, void *context);
	/* All input not yet consumed; returns how much now is. The rest comes again, with more behind it. */
	size_t (*received)(void *session, struct slice input);
	/* These may be NULL. */
	void (*secured)(void *session);         /* the handshake after connection_start_tls() has ended well */
	void (*drained)(void *session);         /* the output queue went empty, other than by connection_flush() */
	void (*draining)(void *session);        /* the server stops: end as soon as decency allows */
	void (*due)(void *session);             /* the deadline has passed; NULL: the connection ends */
	void (*closed)(void *session);          /* once; the session is freed with the connection, right after */
};

/* 0 stands for the default. */
struct door_limits {
	unsigned connections;           /* 4096, on all workers */
	unsigned connections_per_address;       /* 256; an IPv6 /64 counts as one address */
	int64_t handshake;              /* 10 s, from accept to the end of the handshake */
	int64_t idle;                   /* 60 s without a byte either way, where no deadline is set */
	int64_t ending;                 /* 5 s to flush and close */
	size_t output;                  /* 8 MiB queued; more kills the connection */
};

struct door_options {
	const char *address;            /* "127.0.0.1:8443", "[::1]:0"; port 0 picks a free one */
	const struct protocol *protocol;
	struct slice certificate, key;  /* PEM in memory; the certificate's chain may follow it */
	struct slice client_ca;         /* PEM; empty: no client certificates are asked for */
	bool client_required;           /* no client certificate, no connection */
	bool allow_tls12;
	bool plain_first;               /* the protocol begins in plain and calls connection_start_tls() … */
	bool direct_too;                /* … or the client begins with its ClientHello: connection_direct() */
	struct door_limits limits;
};

struct door_counts {
	uint64_t accepted, open, handshake_failures, refused, killed, bytes_in, bytes_out;
};

/* Fails with E_ARGUMENT (address), E_CRYPTO (certificate, key, CA), E_IO (socket). */
fallible door_listen(const void *owner, const struct door_options *, struct door **out);
/* The bound address, as text with the port. */
const char *door_address(const struct door *);
/* New handshakes use these; connections that are open go on. Any thread. On failure (E_CRYPTO) nothing changes. */
fallible door_reload(struct door *, struct slice certificate, struct slice key, struct slice client_ca);
struct door_counts door_count(const struct door *);

/* `context` goes to opened(). Freeing the worker kills its connections (not from inside a call-back); free all
 * workers before the door. */
fallible door_attach(const void *owner, struct door *, struct loop *, void *context, struct door_worker **out);
/* Visits the live connections that have a session; `each` may end them. */
void door_each(struct door_worker *, void (*each)(void *argument, struct connection *), void *argument);
/* The server stops: the socket listens no more (for the other workers too, who are to drain as well), protocols are
 * told; what is left after `limit` is killed. Then `done` is called once, from the loop. */
void door_drain(struct door_worker *, int64_t limit, void (*done)(void *argument), void *argument);

/* Queues a copy. What is written inside a call-back of this connection goes out when it returns … */
void connection_write(struct connection *, struct slice);
/* … elsewhere this sends it. */
void connection_flush(struct connection *);
size_t connection_queued(const struct connection *);
/* Paused: nothing is read (back-pressure), and so the peer's going is not noticed either. */
void connection_pause(struct connection *);
/* Also delivers again what was received and not consumed, paused or not. */
void connection_resume(struct connection *);
/* Replaces the idle limit by a time from now, until 0 is given. */
void connection_deadline(struct connection *, int64_t micros);
/* Flushes, says good-bye, closes; nothing more is received. */
void connection_end(struct connection *);
/* Closes the socket before it returns. */
void connection_kill(struct connection *);
/* With plain_first, from received(): what was queued goes out, then the handshake. Input that this received() does not
 * consume ends the connection: what came in plain must not count as if it had come under TLS. */
void connection_start_tls(struct connection *);
bool connection_secure(const struct connection *);
/* With direct_too: the client began with TLS; with the protocol's ALPN, too? */
bool connection_direct(const struct connection *, bool *alpn);
bool connection_alive(const struct connection *);
const struct peer *connection_peer(const struct connection *);
void *connection_session(const struct connection *);
