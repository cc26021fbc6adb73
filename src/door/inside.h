/* inside.h - private to door/: the shapes its files share. */
#pragma once
#include "base/memory.h"
#include "door/buffer.h"
#include "door/door.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

enum {
	SCRATCH = 16384,                /* bytes read at once: a TLS record */
	READS_A_TURN = 4,               /* receive calls before the other connections have their turn */
	ACCEPTS_A_TURN = 16,
};

#define ACCEPT_PAUSE 100000             /* µs, when there are no descriptors left */
#define LINGER_TIME SECONDS(2)

enum connection_state {
	CONNECTION_PLAIN,               /* plain_first: before the upgrade */
	CONNECTION_HANDSHAKE,
	CONNECTION_OPEN,
	CONNECTION_ENDING,              /* flushes, then says good-bye */
	CONNECTION_LINGERING,           /* has said it; reads on so that a reset does not overtake the last answer */
	CONNECTION_CLOSED,              /* no socket any more; freed at the end of the loop's turn */
	CONNECTION_STATES,
};

struct address_key {
	uint8_t bytes[16];
};

/* How many connections each address has. Any thread; the lock is held for accept and close only. */
struct address_table {
	pthread_mutex_t lock;
	struct address_slot *slots;
	size_t mask;
	uint8_t hash_key[16];
};

struct door_counters {
	atomic_uint_fast64_t accepted, open, handshake_failures, refused, killed, bytes_in, bytes_out;
};

/* Any thread: all but `tls`, which has a lock, the table, which has its own, and the counters is constant. */
struct door {
	int fd;
	const struct protocol *protocol;
	struct door_limits limits;
	bool client_required, allow_tls12, plain_first, direct_too;
	char address[INET6_ADDRSTRLEN + 8];
	pthread_mutex_t lock;
	SSL_CTX *tls;
	struct address_table addresses;
	struct door_counters counters;
};

/* The worker's thread, as all below. */
struct door_worker {
	struct door *door;
	struct loop *loop;
	void *context;
	struct watch *acceptor;
	struct timer *accept_again;
	struct timer *turn;             /* at once: the end of this turn of the loop */
	struct connection *connections; /* all, also those that are closed and not yet freed */
	struct connection *waiting;     /* want to be run in the next turn … */
	struct connection **waiting_end;
	struct connection *dead;        /* … and freed after it */
	bool turn_set;
	struct timer *drain_end;
	void (*drained)(void *);
	void *drained_argument;
	uint8_t scratch[SCRATCH];
};

struct connection {
	struct door_worker *worker;
	struct connection *next, **link;        /* in worker->connections */
	struct connection *next_waiting, *next_dead;
	int fd;
	enum connection_state state;
	SSL *ssl;                       /* NULL: plain */
	struct watch *watch;
	struct timer *timer;
	struct buffer input, output;
	const struct protocol *protocol;
	void *session;
	struct peer *peer;
	struct address_key key;
	int64_t since;                  /* monotonic: entered this state, … */
	int64_t active;                 /* … last byte either way, … */
	int64_t deadline;               /* … the protocol's deadline or 0, … */
	int64_t expires;                /* … end of the client's certificate or 0, … */
	int64_t armed;                  /* … when the timer will ring or 0 */
	unsigned budget;                /* receive calls left in this turn */
	bool entered;                   /* inside a call-back */
	bool waiting, deliver;          /* to be run at the end of the turn; with its input */
	bool heard, direct;             /* plain_first: its first byte was looked at; it was that of a ClientHello */
	bool paused;
	bool more;                      /* OpenSSL holds input, which the socket will not announce */
	bool stuck;                     /* the socket takes no more for now */
	bool read_wants_write, ended_by_peer;
};

/* address.c */
fallible address_listen(const char *address, int *fd, char *bound, size_t room);
struct address_key address_of(const struct sockaddr_storage *, struct peer *);
void address_table_open(const void *owner, struct address_table *, unsigned connections);
/* False if the address has `limit` already. */
bool address_table_add(struct address_table *, struct address_key, unsigned limit);
void address_table_drop(struct address_table *, struct address_key);

/* tls.c */
fallible tls_open(const struct door *, struct slice certificate, struct slice key, struct slice client_ca, SSL_CTX **out);
/* What the client's certificate says; false if it has more than one URI and so no clear name. */
bool tls_peer(SSL *, struct peer *);

/* transport.c: bytes to and from the socket, through TLS or not */
enum transfer { TRANSFER_DONE, TRANSFER_WAIT, TRANSFER_ENDED, TRANSFER_FAILED };
SSL *transport_secure(struct connection *);
enum transfer transport_handshake(struct connection *);
enum transfer transport_read(struct connection *, uint8_t *, size_t room, size_t *size);
enum transfer transport_write(struct connection *, struct slice, size_t *size);
enum transfer transport_goodbye(struct connection *);
/* Is the first byte of all, which stays where it is, that of a TLS record with a handshake? TRANSFER_WAIT: not there yet. */
enum transfer transport_peek(struct connection *, bool *hello);
/* Reads and drops what still comes. */
enum transfer transport_discard(struct connection *);

/* connection.c */
void connection_become(struct connection *, enum connection_state);
void connection_free_tls(struct connection *);
/* Closes the socket and buries the connection; the protocol hears of it when it is freed. */
void connection_shut(struct connection *);
/* The protocol wants input and there is room for it. */
bool connection_readable(const struct connection *);
/* What the socket and the timer are to tell next, after any change. */
void connection_want(struct connection *);
void connection_ring(void *connection);
/* Tells the protocol that the socket is gone; its memory goes with the caller's talloc_free. */
void connection_closed(struct connection *);
void connection_tell_draining(struct connection *);

/* converse.c */
fallible connection_open(struct door_worker *, int fd, const struct sockaddr_storage *);
void connection_run(struct connection *);
void connection_send(struct connection *);

/* worker.c */
void worker_wait(struct connection *);          /* connection_run() it at the end of this turn */
void worker_bury(struct connection *);          /* closed: free it at the end of this turn */
