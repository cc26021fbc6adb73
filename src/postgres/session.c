/* A session's beginning and end, and what the door tells it. */
#include "postgres/session.h"

#include "base/clock.h"

struct complaint
complaint_of(const char *severity, err_t e, const char *detail, const char *hint)
{
	return (struct complaint){ .severity = severity, .sqlstate = e->sqlstate, .message = e->text[ENGLISH], .detail = detail, .hint = hint };
}

void
session_write(struct session *s, struct slice bytes)
{
	connection_write(s->connection, bytes);
	if (!connection_alive(s->connection))
		s->state = SESSION_ENDED;
}

/* What comes before a result that still waits for the book goes out with it: one record and one wake of the client less
 * (unless it has asked with Flush). */
void
session_flush(struct session *s)
{
	if (s->state != SESSION_OPEN)
		return;
	bool waits = s->first && !s->first->flows && !s->asked && connection_queued(s->connection) < FLUSH_AT;
	if (!waits)
		connection_flush(s->connection);
}

void
session_resume(struct session *s)
{
	if (s->state == SESSION_OPEN)
		connection_resume(s->connection);
}

void
session_leave(struct session *s)
{
	backend_drop(s);
}

/* An error cannot be told in the middle of a message. */
static bool
is_inside_message(const struct session *s)
{
	return s->state == SESSION_OPEN && s->passing && (!s->answering || (s->answering == s->first && s->answering->flows));
}

void
session_end(struct session *s, const struct complaint *c)
{
	struct bytes b = { 0 };
	if (s->state == SESSION_ENDED)
		return;
	bool kill = is_inside_message(s);
	s->state = SESSION_ENDED;
	directory_leave(s);
	session_leave(s);
	turn_abandon(s);
	if (kill) {
		connection_kill(s->connection);
		return;
	}
	message_error(s, &b, c);
	connection_write(s->connection, bytes_slice(&b));
	bytes_clear(&b);
	connection_end(s->connection);
}

void
session_send_away(struct session *s, const char *why)
{
	const struct complaint c = { .severity = "FATAL", .sqlstate = "57P01", .message = "The session has ended", .detail = why };
	s->worker->counts.ended++;
	session_end(s, &c);
}

void
session_fail(struct session *s, err_t e, const char *detail)
{
	struct complaint c = complaint_of("FATAL", e, detail, NULL);
	if (e == E_EXPIRED_CREDENTIAL || e == E_BAD_CREDENTIAL)
		c.sqlstate = "57P01";
	session_end(s, &c);
}

/* ---- the door's ---- */

static int
free_session(struct session *s)
{
	*s->link = s->next;
	if (s->next)
		s->next->link = s->link;
	s->worker->session_count--;
	return 0;
}

static void *
opened(struct connection *c, void *context)
{
	struct postgres_worker *w = context;
	struct session *s = NEW(c, struct session);
	s->worker = w;
	s->connection = c;
	s->state = SESSION_PLAIN;
	s->from = slice_text(connection_peer(c)->address);
	s->next = w->sessions;
	s->link = &w->sessions;
	if (s->next)
		s->next->link = &s->next;
	w->sessions = s;
	w->session_count++;
	w->counts.sessions++;
	talloc_set_destructor(s, free_session);
	return s;
}

static void
take_first(struct session *s, struct slice packet)
{
	struct startup start;
	const struct complaint plain = { .severity = "FATAL", .sqlstate = "28000", .message = "TLS is required", .hint = "sslmode=require or verify-full" };
	if (startup_parse(packet, &start)) {
		session_fail(s, E_REQUEST, NULL);
		return;
	}
	if (start.code == CODE_CANCEL) {
		cancel_ask(s->worker->postgres, start.pid, start.key);
		s->state = SESSION_ENDED;
		connection_end(s->connection);
	} else if (start.code == CODE_SSL && s->state == SESSION_PLAIN) {
		connection_write(s->connection, LITERAL("S"));
		s->state = SESSION_SECURE;
		connection_start_tls(s->connection);
	} else if (start.code == CODE_SSL || start.code == CODE_GSSENC)
		connection_write(s->connection, LITERAL("N"));
	else if (s->state == SESSION_PLAIN)
		session_end(s, &plain);
	else if (s->worker->session_count > s->worker->options.sessions)
		session_fail(s, E_BUSY, NULL);
	else
		enter_startup(s, packet, &start);
}

static size_t
first_received(struct session *s, struct slice input)
{
	size_t taken = 0;
	while (s->state == SESSION_PLAIN || (s->state == SESSION_SECURE && connection_secure(s->connection))) {
		struct slice rest = slice_from(input, taken);
		size_t size;
		if (startup_size(rest, &size)) {
			connection_kill(s->connection);
			s->state = SESSION_ENDED;
		}
		if (s->state == SESSION_ENDED || size == 0 || rest.size < size)
			break;
		taken += size;
		take_first(s, slice_of(rest.data, size));
	}
	return taken;
}

static size_t
received(void *argument, struct slice input)
{
	struct session *s = argument;
	size_t taken = 0;
	if (s->state < SESSION_PASSWORD)
		taken = first_received(s, input);
	if (s->state == SESSION_PASSWORD || s->state == SESSION_OPEN)
		taken += front_received(s, slice_from(input, taken));
	return s->state == SESSION_ENDED ? input.size : taken;
}

static void
secured(void *argument)
{
	struct session *s = argument;
	bool alpn;
	connection_deadline(s->connection, SECONDS(30));
	if (!connection_direct(s->connection, &alpn))
		return;
	s->state = SESSION_SECURE;
	if (alpn)
		return;                 /* "direct SSL connections must use ALPN" (PostgreSQL 17): so no other protocol's bytes are taken for ours */
	s->state = SESSION_ENDED;
	connection_kill(s->connection);
}

static void
drained(void *argument)
{
	struct session *s = argument;
	if (s->state == SESSION_OPEN)
		turn_release(s);
}

static void
draining(void *argument)
{
	session_fail(argument, E_DRAINING, NULL);
}

static void
due(void *argument)
{
	struct session *s = argument;
	const struct complaint c = { .severity = "FATAL", .sqlstate = "08P01", .message = "the login took too long" };
	session_end(s, &c);
}

/* Visits that are with the recorder come back without a session; those that were opened are closed. */
static void
closed(void *argument)
{
	struct session *s = argument;
	s->state = SESSION_ENDED;
	session_leave(s);
	cancel_unlist(s);
	directory_leave(s);
	turn_abandon(s);
	execute_abandon(s);
	for (struct visit *v = s->visits, *next; v; v = next) {
		next = v->next;
		v->session = NULL;
		v->turn = NULL;
		v->link = NULL;
	}
	s->visits = NULL;
	if (s->token.size)
		memory_wipe((void *)(uintptr_t)s->token.data, s->token.size);
}

const struct protocol postgres_protocol = {
	.alpn = "postgresql",
	.input_max = 64 << 10,
	.opened = opened,
	.received = received,
	.secured = secured,
	.drained = drained,
	.draining = draining,
	.due = due,
	.closed = closed,
};
