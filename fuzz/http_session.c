/* The whole session over a door that is played here: whatever the client says and however it is cut, the handler gets
 * the same requests and the client the same statuses, one answer each; and nothing more once the end was announced. */
#include "fuzz.h"

#include "base/clock.h"
#include "https/https.h"

#include <stdlib.h>

enum { LOG_ROOM = 65536 };

struct connection {
	const struct protocol *protocol;
	void *session;
	struct peer *peer;
	bool ended, deliver;
	struct slice kept;
	size_t log_size;                /* what the handler got and what was answered */
	char log[LOG_ROOM];
};

struct door {
	const struct protocol *protocol;
};

static struct door the_door;
static void *the_context;

static void
note(struct connection *c, struct slice s)
{
	if (s.size > LOG_ROOM - c->log_size)
		s.size = LOG_ROOM - c->log_size;
	if (s.size)
		memcpy(c->log + c->log_size, s.data, s.size);
	c->log_size += s.size;
}

/* The door, as far as a session sees it. */

fallible
door_listen(const void *owner, const struct door_options *o, struct door **out)
{
	(void)owner;
	the_door.protocol = o->protocol;
	*out = &the_door;
	return NULL;
}

fallible
door_attach(const void *owner, struct door *d, struct loop *loop, void *context, struct door_worker **out)
{
	(void)owner;
	(void)d;
	(void)loop;
	the_context = context;
	*out = NULL;
	return NULL;
}

void
door_each(struct door_worker *w, void (*each)(void *argument, struct connection *), void *argument)
{
	(void)w;
	(void)each;
	(void)argument;
}

void
connection_write(struct connection *c, struct slice s)
{
	assert(!c->ended);
	if (slice_starts(s, LITERAL("HTTP/1.1 ")) && !slice_starts(s, LITERAL("HTTP/1.1 100")))
		note(c, slice_of(s.data + 9, 3));
}

void
connection_flush(struct connection *c)
{
	(void)c;
}

size_t
connection_queued(const struct connection *c)
{
	(void)c;
	return 0;
}

void
connection_resume(struct connection *c)
{
	c->deliver = true;
}

void
connection_deadline(struct connection *c, int64_t micros)
{
	(void)c;
	assert(micros >= 0);
}

void
connection_end(struct connection *c)
{
	assert(!c->ended);
	c->ended = true;
}

void
connection_kill(struct connection *c)
{
	c->ended = true;
}

bool
connection_alive(const struct connection *c)
{
	return !c->ended;
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

/* The handler: answers at once or, for /later, when the test says so. */

static struct connection *current;
static struct exchange *later;

static void
handle(void *context, struct exchange *x)
{
	const struct http_request *r = exchange_request(x);
	(void)context;
	assert(!current->ended && !later);
	note(current, r->method);
	note(current, r->target);
	note(current, exchange_body(x));
	if (slice_is(r->path, "/later"))
		later = x;
	else
		exchange_answer(x, &(struct answer){ .status = 200 });
}

static size_t
body_max(void *context, struct exchange *x)
{
	(void)context;
	if (slice_is(exchange_request(x)->path, "/no")) {
		exchange_answer_error(x, E_NO_ROUTE);
		return 0;
	}
	return 64;
}

static void
deliver(struct connection *c, struct slice input)
{
	size_t used = c->ended ? input.size : c->protocol->received(c->session, input);
	assert(used <= input.size);
	c->kept = slice_from(input, used);
	if (later) {
		exchange_answer(TAKE(later), &(struct answer){ .status = 202 });
		if (c->deliver && c->kept.size && !c->ended) {
			c->deliver = false;
			deliver(c, c->kept);
		}
	}
}

/* Kept bytes and new ones are neighbours in `input`, so that no copy is needed. */
static void
talk(struct connection *c, struct slice input, size_t piece)
{
	current = c;
	c->protocol = the_door.protocol;
	c->peer = NEW(c, struct peer);
	c->session = c->protocol->opened(c, the_context);
	for (size_t at = 0; at < input.size && !c->ended;) {
		size_t there = input.size - at < piece ? input.size - at : piece;
		const uint8_t *from = c->kept.size ? c->kept.data : input.data + at;
		deliver(c, slice_of(from, (size_t)(input.data + at + there - from)));
		at += there;
	}
	c->protocol->closed(c->session);
}

static void
listen_once(void)
{
	static const struct https_handler handler = { .body_max = body_max, .handle = handle };
	struct door *door;
	struct https *https;
	if (the_door.protocol)
		return;
	if (https_listen(NULL, &(struct door_options){ 0 }, &door) ||
	    https_attach(NULL, door, NULL, &handler, NULL, NULL, &https))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	listen_once();
	struct slice input = slice_of(data + 1, size - 1);
	struct connection *whole = NEW(NULL, struct connection), *cut = NEW(NULL, struct connection);
	talk(whole, input, SIZE_MAX);
	talk(cut, input, 1u + data[0]);
	assert(whole->ended == cut->ended && whole->log_size == cut->log_size);
	assert(memcmp(whole->log, cut->log, cut->log_size) == 0);
	talloc_free(whole);
	talloc_free(cut);
	return 0;
}
