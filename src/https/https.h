/* https.h - public: HTTP/1.1 over TLS: a session on each connection, an exchange for each request.
 *
 * A request is read strictly (http.h), handed to the handler whole, and answered whole, at once or later, on the same
 * worker's thread. Pipelined requests are answered in order, one at a time. All here belongs to the worker's thread.
 */
#pragma once
#include "door/door.h"
#include "https/http.h"

enum { HTTPS_BODY_MAX = 1 << 20 };

struct https;                           /* one worker's side */
struct exchange;                        /* one request and its answer: a talloc object; hang on it what it needs */

struct https_handler {
	/* The head is there and a body is to come: how large it may be; a larger one is answered with 413.
	 * NULL: HTTPS_BODY_MAX. May answer instead, and then the connection ends. */
	size_t (*body_max)(void *context, struct exchange *);
	/* All is there. Answers with exchange_answer(), now or later. */
	void (*handle)(void *context, struct exchange *);
};

/* Microseconds; 0 stands for the default. What waits for a next request has the door's idle limit. */
struct https_limits {
	int64_t head;                   /* 10 s from the first byte of a request to the end of its head: else 408 */
	int64_t body;                   /* 30 s for the body: else 408 */
	int64_t answer;                 /* 120 s for the handler: else the connection is killed */
	int64_t delivery;               /* 60 s for the client to take an answer: else the connection is killed */
};

struct answer {
	int status;
	struct slice type;              /* Content-Type, where there is a body */
	struct slice body;              /* copied; the door's limit of queued output (8 MiB) holds for it */
	/* Cache-Control is no-store unless it is here. Not Content-Length, Transfer-Encoding, Connection, Date. */
	const struct http_pair *headers;
	size_t header_count;
	bool close;                     /* the connection ends after it */
};

/* As door_listen(), which see; the protocol in the options is set here. */
fallible https_listen(const void *owner, const struct door_options *, struct door **out);

/* Exchanges are the https's: before it is freed, all must be answered that another thread still works on. */
fallible https_attach(const void *owner, struct door *, struct loop *, const struct https_handler *, void *context,
                      const struct https_limits *, struct https **out);
struct door_worker *https_door_worker(const struct https *);
/* Requests that were handed to the handler and not yet answered. */
size_t https_pending(const struct https *);

const struct http_request *exchange_request(const struct exchange *);
struct slice exchange_body(const struct exchange *);
const struct peer *exchange_peer(const struct exchange *);
/* The connection was lost: the answer reaches nobody, but must be given all the same, to free the exchange. */
bool exchange_gone(const struct exchange *);

/* Sends the answer, and frees the exchange with all that hangs on it. To HEAD no body is sent. A header that may not be
 * sent (a name that is no token, a control character in a value) makes it a 500: nothing is split or injected. */
void exchange_answer(struct exchange *, const struct answer *);
/* The same with a problem detail (RFC 9457): `code` is the error's name. */
void exchange_answer_error(struct exchange *, err_t);

/* Whose connection this is, from now on: the credential shown and the person or application behind it. */
void exchange_tag(struct exchange *, struct slice credential, struct slice person);
/* Kills every connection of this worker that bears the tag; returns how many. */
size_t https_kill(struct https *, struct slice credential_or_person);
