/* What the client says, message by message; what must not be buffered whole goes on as it comes. */
#include "postgres/lane.h"

enum { SMALL_MAX = 64 << 10 };

/* Messages that are read whole before anything is done, and how long they may be; 0: not of these. */
static uint32_t
whole_max(uint8_t type)
{
	switch (type) {
	case 'Q':
	case 'P':
		return QUERY_MAX + 4096;
	case 'p':
	case 'D':
	case 'E':
	case 'C':
	case 'F':
	case 'f':
	case 'H':
	case 'S':
	case 'X':
	case 'c':
		return SMALL_MAX;
	default:
		return 0;
	}
}

static void
forward_head(struct session *s, uint8_t type, uint32_t size)
{
	uint8_t head[WIRE_HEAD];
	wire_head(head, type, size);
	upstream_write(s->upstream, slice_of(head, sizeof head));
}

static void
forward(struct session *s, uint8_t type, struct slice body)
{
	forward_head(s, type, (uint32_t)body.size);
	upstream_write(s->upstream, body);
}

static void
malformed(struct session *s)
{
	session_fail(s, E_REQUEST, "a message is not of the protocol's form");
}

/* ---- Bind: its two names, then the rest as it comes ---- */

/* The statement that Bind will find: one whose Parse is still on its way, else one that is there. */
static void
find_statement(struct session *s, struct slice name, struct analysis **a, const struct statement **statement)
{
	const struct turn *parsing = NULL;
	for (const struct turn *t = s->answering; t; t = t->next)
		if (t->kind == TURN_PARSE && !t->poison && !t->hidden && slice_equal(t->name, name) && (!parsing || !name.size))
			parsing = t;
	const struct name *n = parsing ? NULL : name_find(s, false, name);
	*a = parsing ? parsing->analysis : n ? n->analysis : NULL;
	*statement = parsing ? parsing->statement : n ? n->statement : NULL;
}

/* The value of a parameter of Bind; r stands after the names. */
static bool
take_named(struct session *s, unsigned parameter, struct reader r)
{
	for (uint16_t formats = read_be16(&r); formats; formats--)
		read_be16(&r);
	uint16_t count = read_be16(&r);
	for (uint16_t i = 1; i <= count && !r.failed; i++) {
		struct slice value = read_field(&r);
		if (i == parameter && !r.failed)
			s->named = memory_copy(s, value);
	}
	return !r.failed;
}

/* The binding must be there when what uses it is planned. */
static void
lane_bind_before(struct session *s, const struct statement *statement)
{
	if (!lane_names(s, statement))
		lane_bind(s, false);
}

static void
begin_bind(struct session *s, const struct piece *p)
{
	struct reader r = reader_of(bytes_slice(&s->message));
	struct slice portal = read_text(&r), name = read_text(&r);
	struct analysis *a;
	const struct statement *statement;
	if (r.failed && (s->message.size > 2 * NAME_MAX_SIZE || p->ends)) {
		malformed(s);
		return;
	}
	if (r.failed)
		return;
	find_statement(s, name, &a, &statement);
	if (s->application && statement && statement->parameter) {
		if (!p->ends && s->message.size < SMALL_MAX)
			return;                 /* what it names is needed first */
		if (!take_named(s, statement->parameter, r)) {
			malformed(s);
			return;
		}
	}
	lane_bind_before(s, statement);
	struct slice server_name = rename_used(s, name);
	struct turn *t = turn_new(s, TURN_BIND, a, statement);
	t->name = memory_copy(t, portal);
	turn_add(s, t);
	forward_head(s, 'B', (uint32_t)(p->size - name.size + server_name.size));
	message_text(s->upstream, upstream_output(s->upstream), portal);
	message_text(s->upstream, upstream_output(s->upstream), server_name);
	upstream_write(s->upstream, r.rest);
	bytes_clear(&s->message);
	s->streaming = true;
}

static void
stream(struct session *s, const struct piece *p)
{
	if (p->type == 'd') {
		if (p->begins)
			forward_head(s, 'd', p->size);
		upstream_write(s->upstream, p->body);
		if (p->begins && s->answering)
			s->answering->bytes += p->size;
		return;
	}
	if (p->begins) {
		s->streaming = false;
		bytes_consume(&s->message, s->message.size);
	} else if (s->streaming)
		upstream_write(s->upstream, p->body);
	else {
		bytes_append(s, &s->message, p->body);
		begin_bind(s, p);
	}
	if (p->begins && p->ends)
		malformed(s);
}

/* ---- whole messages ---- */

static void
describe_or_close(struct session *s, uint8_t type, struct slice body)
{
	struct reader r = reader_of(body);
	uint8_t what = read_u8(&r);
	struct slice name = read_text(&r);
	if (!reader_end(&r) || (what != 'S' && what != 'P')) {
		malformed(s);
		return;
	}
	struct slice server_name = what == 'P' ? name : type == 'D' ? rename_used(s, name) : rename_closed(s, name);
	struct turn *t = turn_new(s, type == 'D' ? TURN_DESCRIBE : TURN_CLOSE, NULL, NULL);
	t->name = memory_copy(t, name);
	t->of_portal = what == 'P';
	turn_add(s, t);
	forward_head(s, type, (uint32_t)(server_name.size + 2));
	message_u8(s->upstream, upstream_output(s->upstream), what);
	message_text(s->upstream, upstream_output(s->upstream), server_name);
}

static void
say_goodbye(struct session *s)
{
	connection_end(s->connection);
}

static void
sync_all(struct session *s)
{
	s->skipping = s->asked = false;
	turn_add(s, turn_new(s, TURN_READY, NULL, NULL));
	forward(s, 'S', slice_of(NULL, 0));
}

static struct slice
query_text(struct slice body)
{
	return body.size && body.data[body.size - 1] == 0 && !memchr(body.data, 0, body.size - 1) ? slice_of(body.data, body.size - 1)
	                                                                                            : slice_of(NULL, 0);
}

static void
take_query(struct session *s, struct slice body)
{
	struct slice text = query_text(body);
	if (!text.data) {
		malformed(s);
		return;
	}
	execute_query(s, text);
}

static void
take_call(struct session *s)
{
	const struct complaint c = { .severity = "ERROR", .sqlstate = "0A000", .message = "function calls by number are not let through",
	                             .detail = "What a FunctionCall message calls cannot be decided from its text", .hint = "Use SELECT" };
	execute_refused(s, &c, true);
}

static void
take_whole(struct session *s, uint8_t type, struct slice body)
{
	switch (type) {
	case 'Q':
		take_query(s, body);
		return;
	case 'P':
		execute_parse(s, body);
		return;
	case 'E':
		execute_portal(s, body);
		return;
	case 'D':
	case 'C':
		describe_or_close(s, type, body);
		return;
	case 'S':
		sync_all(s);
		return;
	case 'H':
		s->asked = true;
		forward(s, type, body);
		return;
	case 'c':
	case 'f':
		forward(s, type, body);
		return;
	case 'X':
		say_goodbye(s);
		return;
	case 'F':
		take_call(s);
		return;
	default:
		malformed(s);
	}
}

static void
take_too_long(struct session *s, uint8_t type)
{
	const struct complaint c = { .severity = "ERROR", .sqlstate = "54000", .message = "a statement's text is longer than 1 MB",
	                             .hint = "Send large values as parameters, or with COPY" };
	if (type == 'Q' || type == 'P')
		execute_refused(s, &c, type == 'Q');
	else
		malformed(s);
}

static void
collect(struct session *s, const struct piece *p, uint32_t most)
{
	if (p->begins) {
		bytes_consume(&s->message, s->message.size);
		s->too_long = p->size > most;
	}
	if (!s->too_long)
		bytes_append(s, &s->message, p->body);
	if (!p->ends)
		return;
	if (s->too_long)
		take_too_long(s, p->type);
	else if (s->state == SESSION_PASSWORD)
		enter_password(s, bytes_slice(&s->message));
	else
		take_whole(s, p->type, bytes_slice(&s->message));
	if (!s->pending)
		bytes_consume(&s->message, s->message.size);
}

static void
take(struct session *s, const struct piece *p)
{
	bool password = s->state == SESSION_PASSWORD;
	uint32_t most = whole_max(p->type);
	if (password != (p->type == 'p') || (!most && p->type != 'B' && p->type != 'd')) {
		malformed(s);
		return;
	}
	/* after an error the back end would skip these, and so nothing is to be recorded */
	if (p->begins)
		s->dropping = s->skipping && p->type != 'S' && p->type != 'X';
	if (s->dropping)
		return;
	if (most)
		collect(s, p, most);
	else
		stream(s, p);
}

static bool
may_go_on(const struct session *s)
{
	if (s->state == SESSION_PASSWORD)
		return true;
	return s->state == SESSION_OPEN && !execute_waits(s) && !lane_waits(s) && !s->cancelling && s->turn_count < TURNS_MAX &&
	       s->upstream && upstream_queued(s->upstream) < SERVER_QUEUE;
}

size_t
front_received(struct session *s, struct slice input)
{
	const size_t size = input.size;
	struct piece p;
	if (s->state == SESSION_OPEN && !s->backend && input.size && input.data[0] == 'X') {
		connection_end(s->connection);
		return size;
	}
	if (s->state == SESSION_OPEN && input.size && !backend_acquire(s))
		return 0;
	if (s->state == SESSION_OPEN && !s->front.inside && !s->pending && s->upstream && learn_again(s))
		return 0;
	while (may_go_on(s) && frames_next(&s->front, &input, &p))
		take(s, &p);
	if (s->front.failed)
		malformed(s);
	if (s->state == SESSION_OPEN && s->upstream)
		upstream_flush(s->upstream);
	return size - input.size;
}
