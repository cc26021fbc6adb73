/* session.h - private to https/: what session.c (reads) and exchange.c (answers) share. */
#pragma once
#include "base/memory.h"
#include "https/https.h"
#include "https/target.h"

enum session_state {
	SESSION_IDLE,                   /* between requests */
	SESSION_HEAD,                   /* some of a head has come */
	SESSION_BODY,
	SESSION_PENDING,                /* the handler has it */
	SESSION_SENDING,                /* answered, but the client has not taken it: no next request until then */
	SESSION_LAST,                   /* nothing more is read */
	SESSION_STATES,
};

enum { HTTPS_DATE = 96, HTTPS_HEAD_ROOM = 32768 };

struct https {
	struct door_worker *door_worker;
	const struct https_handler *handler;
	void *context;
	struct https_limits limits;
	size_t pending;
	int64_t dated;                  /* monotonic time when `date` was made */
	char date[HTTPS_DATE];
	uint8_t head[HTTPS_HEAD_ROOM];  /* of the answer being written */
};

struct session {
	struct https *https;
	struct connection *connection;
	enum session_state state;
	enum session_state timed;       /* the state that the deadline was set for */
	size_t checked;                 /* bytes of the head already looked at */
	struct exchange *exchange;
	bool draining;
	bool reading;                   /* inside session_received: it goes on by itself */
	struct slice credential, person;
};

struct exchange {
	struct https *https;
	struct session *session;        /* NULL: gone */
	const struct peer *peer;
	struct http_request request;
	struct http_chunks chunks;
	uint8_t *body;
	size_t body_size, body_room, body_max;
	bool whole;                     /* all of the request has been read */
	bool handed;                    /* to the handler */
};

/* session.c */
void session_become(struct session *, enum session_state);
/* After an answer has been queued: what is next on this connection. */
void session_answered(struct session *, bool close);

/* exchange.c */
void exchange_refuse(struct exchange *, err_t, const struct http_fault *);
