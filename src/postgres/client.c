#include "postgres/client.h"

#include "base/embedded.h"
#include "base/memory.h"
#include "postgres/upstream.h"
#include "postgres/wire.h"

#include <pthread.h>
#include <semaphore.h>

extern const struct embedded postgres_sql[];

enum { MESSAGE_MAX = 16 << 20 };

/* The connection is of its own thread's loop; the caller waits for it, and so only one of the two is at work at a time. */
struct client {
	struct loop *loop;
	pthread_t thread;
	bool running;
	sem_t done;
	struct waker *asked;
	struct database database;
	struct upstream *upstream;
	struct frames frames;
	struct bytes message;
	err_t error;
	const char *why;
	bool gone;
	struct slice text;
	err_t (*each)(void *, const struct slice *, size_t);
	void *argument;
};

/* "SQLSTATE: message", with the detail behind it. */
static const char *
explain(const void *owner, struct slice body)
{
	struct reader r = reader_of(body);
	struct slice message = { NULL, 0 }, detail = { NULL, 0 };
	char sqlstate[6];
	error_sqlstate(body, sqlstate);
	for (uint8_t field; !r.failed && (field = read_u8(&r)) != 0; ) {
		struct slice text = read_text(&r);
		if (field == 'M')
			message = text;
		else if (field == 'D')
			detail = text;
	}
	return memory_format(owner, "%s: %.*s%s%.*s", sqlstate, SLICE_ARGUMENTS(message), detail.size ? ": " : "", SLICE_ARGUMENTS(detail));
}

static void
fail(struct client *c, err_t e, const char *why)
{
	if (c->error)
		return;
	c->error = e;
	c->why = why;
}

static void
ready(void *argument)
{
	struct client *c = argument;
	sem_post(&c->done);
}

static void
ended(void *argument, err_t e, struct slice said)
{
	struct client *c = argument;
	fail(c, e, said.size ? explain(c, said) : e->text[ENGLISH]);
	c->gone = true;
	sem_post(&c->done);
}

static void
take_row(struct client *c, struct slice body)
{
	struct slice values[CLIENT_COLUMNS];
	struct reader r = reader_of(body);
	uint16_t count = read_be16(&r);
	if (count > CLIENT_COLUMNS)
		count = CLIENT_COLUMNS;
	for (uint16_t i = 0; i < count; i++) {
		uint32_t size = read_be32(&r);
		values[i] = size == UINT32_MAX ? slice_of(NULL, 0) : read_bytes(&r, size);
	}
	if (r.failed)
		fail(c, E_REQUEST, "a row is not of the protocol's form");
	else if (c->each && !c->error)
		c->error = c->each(c->argument, values, count);
}

static void
received(void *argument, struct slice input)
{
	struct client *c = argument;
	struct piece p;
	while (frames_next(&c->frames, &input, &p)) {
		if (p.begins)
			bytes_consume(&c->message, c->message.size);
		if (p.size <= MESSAGE_MAX)
			bytes_append(c, &c->message, p.body);
		if (!p.ends)
			continue;
		if (p.type == 'D')
			take_row(c, bytes_slice(&c->message));
		else if (p.type == 'E')
			fail(c, E_STORE, explain(c, bytes_slice(&c->message)));
		else if (p.type == 'Z')
			sem_post(&c->done);
	}
}

static void
ask(void *argument)
{
	struct client *c = argument;
	struct bytes *out = upstream_output(c->upstream);
	size_t at = message_begin(c->upstream, out, 'Q');
	if (c->gone) {
		sem_post(&c->done);
		return;
	}
	message_text(c->upstream, out, c->text);
	message_end(out, at);
	upstream_flush(c->upstream);
}

static void *
work(void *argument)
{
	struct client *c = argument;
	loop_run(c->loop);
	return NULL;
}

static void
wait_for(sem_t *s)
{
	while (sem_wait(s) != 0)
		;
}

static int
close_client(struct client *c)
{
	if (c->running) {
		loop_stop(c->loop);
		pthread_join(c->thread, NULL);
	}
	sem_destroy(&c->done);
	return 0;
}

fallible
client_open(const void *owner, const struct database *d, struct client **out, const char **why)
{
	SCOPED struct client *c = NEW(owner, struct client);
	c->database = *d;
	sem_init(&c->done, 0, 0);
	talloc_set_destructor(c, close_client);
	TRY(loop_open(c, &c->loop));
	TRY(waker_new(c->loop, c->loop, ask, c, &c->asked));
	const struct upstream_options o = { .database = &c->database, .ready = ready, .received = received, .ended = ended, .argument = c };
	*why = "the database's server cannot be reached";
	TRY(upstream_open(c->loop, upstream_pool_new(c->loop), c->loop, &o, &c->upstream));
	c->running = pthread_create(&c->thread, NULL, work, c) == 0;
	if (!c->running)
		return E_IO;
	wait_for(&c->done);
	if (c->error) {
		*why = memory_format(owner, "%s", c->why);
		return c->error;
	}
	*out = TAKE(c);
	return NULL;
}

fallible
client_query(struct client *c, struct slice text, err_t (*each)(void *, const struct slice *, size_t), void *argument, const char **why)
{
	if (c->gone)
		return c->error;
	c->error = NULL;
	c->text = text;
	c->each = each;
	c->argument = argument;
	waker_wake(c->asked);
	wait_for(&c->done);
	if (c->error && c->why)
		*why = c->why;
	return c->error;
}

struct slice
client_file(const char *name)
{
	for (const struct embedded *f = postgres_sql; f->name; f++)
		if (strcmp(f->name, name) == 0)
			return slice_of(f->text, f->size);
	return slice_of(NULL, 0);
}

struct slice
client_literal(const void *owner, struct slice text)
{
	uint8_t *out = memory_zeroed(owner, 1, 2 * text.size + 3, "literal");
	size_t size = 0;
	out[size++] = '\'';
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] == '\'')
			out[size++] = '\'';
		out[size++] = text.data[i];
	}
	out[size++] = '\'';
	return slice_of(out, size);
}
