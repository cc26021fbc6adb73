/* session.c - HTTP/1.1 on one connection: reads requests, hands them over, times them. */
#include "https/session.h"

#include "base/clock.h"

#include <assert.h>

enum { BODY_LEAST = 4096, BODY_FIRST = 65536, QUEUE_HIGH = 1 << 18 };

#define BIT(state) (1u << (state))

static const unsigned allowed[SESSION_STATES] = {
	[SESSION_IDLE] = BIT(SESSION_HEAD) | BIT(SESSION_LAST),
	[SESSION_HEAD] = BIT(SESSION_BODY) | BIT(SESSION_PENDING) | BIT(SESSION_LAST),
	[SESSION_BODY] = BIT(SESSION_PENDING) | BIT(SESSION_LAST),
	[SESSION_PENDING] = BIT(SESSION_IDLE) | BIT(SESSION_SENDING) | BIT(SESSION_LAST),
	[SESSION_SENDING] = BIT(SESSION_IDLE) | BIT(SESSION_LAST),
};

void
session_become(struct session *s, enum session_state state)
{
	assert(allowed[s->state] & BIT(state));
	s->state = state;
}

/* Set once per state, and only when reading stops: requests answered at once cost no deadline at all. */
static void
set_deadline(struct session *s)
{
	const struct https_limits *limits = &s->https->limits;
	const int64_t times[SESSION_STATES] = {
		[SESSION_HEAD] = limits->head,
		[SESSION_BODY] = limits->body,
		[SESSION_PENDING] = limits->answer,
		[SESSION_SENDING] = limits->delivery,
	};
	if (s->timed == s->state)
		return;
	s->timed = s->state;
	if (s->state != SESSION_LAST)
		connection_deadline(s->connection, times[s->state]);
}

static void
end(struct session *s)
{
	session_become(s, SESSION_LAST);
	connection_end(s->connection);
}

void
session_answered(struct session *s, bool close)
{
	s->exchange = NULL;
	if (close) {
		end(s);
		return;
	}
	connection_flush(s->connection);
	/* Inside session_received nothing is flushed yet: answers to pipelined requests go out together. */
	size_t most = s->reading ? QUEUE_HIGH : 0;
	session_become(s, connection_queued(s->connection) > most ? SESSION_SENDING : SESSION_IDLE);
	if (s->reading)
		return;
	set_deadline(s);
	if (s->state == SESSION_IDLE)
		connection_resume(s->connection);
}

static void
hand_over(struct session *s)
{
	struct exchange *x = s->exchange;
	session_become(s, SESSION_PENDING);
	x->whole = x->handed = true;
	s->https->pending++;
	s->https->handler->handle(s->https->context, x);
}

static void
refuse(struct session *s, err_t e, const struct http_fault *fault)
{
	exchange_refuse(s->exchange, e, fault);
}

/* The body. */

static bool
append_body(struct exchange *x, struct slice data)
{
	if (data.size > x->body_max - x->body_size)
		return false;
	if (x->body_size + data.size > x->body_room) {
		size_t room = x->body_room ? x->body_room : BODY_LEAST;
		while (room < x->body_size + data.size)
			room *= 2;
		x->body = memory_grow(x, x->body, 1, room);
		x->body_room = room;
	}
	if (data.size)
		memcpy(x->body + x->body_size, data.data, data.size);
	x->body_size += data.size;
	return true;
}

static err_t
read_chunked(struct exchange *x, struct slice input, size_t *used, bool *done, struct http_fault *fault)
{
	struct slice data;
	*used = 0;
	do {
		size_t step;
		TRY(http_chunks_parse(&x->chunks, slice_from(input, *used), &step, &data, done, fault));
		*used += step;
		if (!append_body(x, data)) {
			*fault = (struct http_fault){ 413, "the body is larger than this route takes" };
			return E_TOO_LARGE;
		}
	} while (!*done && *used < input.size);
	return NULL;
}

static void
read_length(struct exchange *x, struct slice input, size_t *used, bool *done)
{
	uint64_t left = x->request.length - x->body_size;
	*used = input.size < left ? input.size : (size_t)left;
	/* Cannot fail: the length was compared with what the route takes. */
	*done = append_body(x, slice_of(input.data, *used)) && x->body_size == x->request.length;
}

static size_t
read_body(struct session *s, struct slice input)
{
	struct exchange *x = s->exchange;
	struct http_fault fault;
	size_t used;
	bool done;
	err_t e = NULL;
	if (x->request.framing == HTTP_CHUNKED)
		e = read_chunked(x, input, &used, &done, &fault);
	else
		read_length(x, input, &used, &done);
	if (e) {
		refuse(s, e, &fault);
		return input.size;
	}
	if (done)
		hand_over(s);
	return used;
}

/* The head. */

static bool
has_body(const struct http_request *r)
{
	return r->framing == HTTP_CHUNKED || (r->framing == HTTP_LENGTH && r->length > 0);
}

/* False if the answer was given without waiting for the body. */
static bool
ask_body_max(struct session *s)
{
	const struct https_handler *h = s->https->handler;
	struct exchange *x = s->exchange;
	x->body_max = HTTPS_BODY_MAX;
	if (h->body_max) {
		size_t most = h->body_max(s->https->context, x);
		if (s->exchange != x)
			return false;
		x->body_max = most;
	}
	return true;
}

/* Memory is taken as the body comes, not as it is announced. */
static void
begin_body(struct session *s, bool all_there)
{
	struct exchange *x = s->exchange;
	if (!ask_body_max(s))
		return;
	if (x->request.framing == HTTP_LENGTH && x->request.length > x->body_max) {
		static const struct http_fault too_large = { 413, "the body is larger than this route takes" };
		refuse(s, E_TOO_LARGE, &too_large);
		return;
	}
	if (x->request.framing == HTTP_LENGTH) {
		x->body_room = x->request.length < BODY_FIRST ? (size_t)x->request.length : BODY_FIRST;
		x->body = memory_grow(x, NULL, 1, x->body_room);
	}
	if (x->request.expects_continue && !all_there)
		connection_write(s->connection, LITERAL("HTTP/1.1 100 Continue\r\n\r\n"));
}

static void
begin(struct session *s, bool more_there)
{
	struct exchange *x = s->exchange;
	if (has_body(&x->request)) {
		session_become(s, SESSION_BODY);
		begin_body(s, more_there);
		return;
	}
	hand_over(s);
}

static struct exchange *
new_exchange(struct session *s)
{
	struct exchange *x = NEW(s->https, struct exchange);
	x->https = s->https;
	x->session = s;
	x->peer = connection_peer(s->connection);
	return x;
}

static size_t
read_head(struct session *s, struct slice input)
{
	struct http_fault fault;
	size_t size;
	err_t e = http_head_find(input, &s->checked, &size, &fault);
	if (!e && size == 0)
		return 0;
	s->checked = 0;
	struct exchange *x = s->exchange = new_exchange(s);
	if (!e)
		e = http_request_parse(x, memory_copy(x, slice_of(input.data, size)), &x->request, &fault);
	if (e) {
		refuse(s, e, &fault);
		return input.size;
	}
	begin(s, input.size > size);
	return size;
}

/* What the door calls. */

static size_t
read_one(struct session *s, struct slice input)
{
	switch (s->state) {
	case SESSION_IDLE:
		session_become(s, SESSION_HEAD);
		return read_head(s, input);
	case SESSION_HEAD:
		return read_head(s, input);
	case SESSION_BODY:
		return read_body(s, input);
	case SESSION_LAST:
		return input.size;
	case SESSION_PENDING:
	case SESSION_SENDING:
	case SESSION_STATES:
		break;
	}
	return 0;
}

static size_t
session_received(void *session, struct slice input)
{
	struct session *s = session;
	size_t used = 0;
	s->reading = true;
	while (used < input.size) {
		size_t step = read_one(s, slice_from(input, used));
		used += step;
		if (step == 0)
			break;
	}
	s->reading = false;
	set_deadline(s);
	return used;
}

static void *
session_opened(struct connection *c, void *context)
{
	struct session *s = NEW(c, struct session);
	s->https = context;
	s->connection = c;
	return s;
}

static void
session_drained(void *session)
{
	struct session *s = session;
	if (s->state != SESSION_SENDING)
		return;
	session_become(s, SESSION_IDLE);
	set_deadline(s);
	connection_resume(s->connection);
}

static void
session_draining(void *session)
{
	struct session *s = session;
	s->draining = true;
	if (s->state == SESSION_IDLE)
		end(s);
}

static void
session_due(void *session)
{
	static const struct http_fault slow = { 408, "the request came too slowly" };
	struct session *s = session;
	if (s->state == SESSION_HEAD)
		s->exchange = new_exchange(s);
	if (s->state == SESSION_HEAD || s->state == SESSION_BODY)
		refuse(s, E_REQUEST, &slow);
	else
		connection_kill(s->connection);
}

/* An exchange that the handler has stays until it is answered; the peer goes with it. */
static void
session_closed(void *session)
{
	struct session *s = session;
	struct exchange *x = s->exchange;
	if (!x)
		return;
	s->exchange = NULL;
	x->session = NULL;
	if (x->handed)
		talloc_steal(x, x->peer);
	else
		talloc_free(x);
}

static const struct protocol https_protocol = {
	.alpn = "http/1.1",
	.input_max = HTTP_HEAD_MAX + 1,
	.opened = session_opened,
	.received = session_received,
	.drained = session_drained,
	.draining = session_draining,
	.due = session_due,
	.closed = session_closed,
};

fallible
https_listen(const void *owner, const struct door_options *o, struct door **out)
{
	struct door_options mine = *o;
	mine.protocol = &https_protocol;
	mine.plain_first = false;
	return door_listen(owner, &mine, out);
}

fallible
https_attach(const void *owner, struct door *door, struct loop *loop, const struct https_handler *handler, void *context,
             const struct https_limits *l, struct https **out)
{
	static const struct https_limits none = { 0 };
	SCOPED struct https *h = NEW(owner, struct https);
	l = l ? l : &none;
	h->handler = handler;
	h->context = context;
	h->limits = (struct https_limits){
		.head = l->head ? l->head : SECONDS(10),
		.body = l->body ? l->body : SECONDS(30),
		.answer = l->answer ? l->answer : SECONDS(120),
		.delivery = l->delivery ? l->delivery : SECONDS(60),
	};
	TRY(door_attach(h, door, loop, h, &h->door_worker));
	*out = TAKE(h);
	return NULL;
}
