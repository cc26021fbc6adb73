/* Statements that want to run: what may go to the back end at once, what must be in the book first, what is refused.
 *
 * What only reads is forwarded while its record syncs, and its result held. Everything else waits here for its opening
 * entry; so does what would be denied, for the entry that says so. */
#include "postgres/session.h"

/* A client's message that waits, with the turns it will have. */
struct pending {
	struct session *session;
	bool simple;
	bool sets_up;                   /* a Parse: nothing runs yet */
	struct slice body;
	struct complaint complaint;     /* what is wrong with a text that cannot be read */
	bool opaque;                    /* … and what it would answer cannot be told either */
	struct turn *turns, **end;
	size_t waiting;
	bool entering, refused;
	struct bytes refusal;
};

static const struct statement unknown_statement = {
	.kind = STATEMENT_UNKNOWN, .action = "database.admin", .leaves = true, .why = "The gateway cannot read this statement",
};

/* A portal that was not made by Bind (DECLARE CURSOR); whatever it does was decided when it was declared. */
static const struct statement fetch_statement = { .kind = STATEMENT_READ, .action = "read", .normal = { (const uint8_t *)"FETCH", 5 } };

bool
execute_waits(const struct session *s)
{
	return s->pending != NULL;
}

static void
forward(struct session *s, uint8_t type, struct slice body)
{
	uint8_t head[WIRE_HEAD];
	wire_head(head, type, (uint32_t)body.size);
	upstream_write(s->upstream, slice_of(head, sizeof head));
	upstream_write(s->upstream, body);
}

/* ---- refused: the back end is given something that it refuses too ---- */

#define POISON "sekisho refuses this statement"

static void
send_poison(struct session *s, bool simple)
{
	struct bytes *out = upstream_output(s->upstream);
	size_t at = message_begin(s->upstream, out, simple ? 'Q' : 'P');
	if (!simple)
		message_text(s->upstream, out, LITERAL("sekisho_refused"));
	message_text(s->upstream, out, LITERAL(POISON));
	if (!simple)
		message_be16(s->upstream, out, 0);
	message_end(out, at);
}

void
execute_refused(struct session *s, const struct complaint *c, bool simple)
{
	struct turn *t = turn_new(s, simple ? TURN_STATEMENT : TURN_PARSE, NULL, NULL);
	s->worker->counts.refused++;
	turn_refuse(s, t, c);
	turn_add(s, t);
	if (simple)
		turn_add(s, turn_new(s, TURN_READY, NULL, NULL));
	send_poison(s, simple);
}

/* ---- what only reads ---- */

static bool
all_read(struct session *s, const struct analysis *a)
{
	for (size_t i = 0; i < a->count; i++)
		if (!learnt_read(s, &a->statements[i]))
			return false;
	return true;
}

static void
add_held(struct session *s, struct analysis *a, const struct statement *statement)
{
	struct turn *t = turn_new(s, TURN_STATEMENT, a, statement);
	t->flows = false;
	turn_add(s, t);
	s->worker->counts.statements++;
}

/* ---- what must be in the book first ---- */

static struct pending *
pending_new(struct session *s, bool simple, struct slice body)
{
	struct pending *p = NEW(s, struct pending);
	p->session = s;
	p->simple = simple;
	p->body = body;
	p->end = &p->turns;
	return p;
}

static void
pending_add(struct pending *p, struct analysis *a, const struct statement *statement)
{
	struct turn *t = turn_new(p->session, p->sets_up ? TURN_PARSE : TURN_STATEMENT, a, statement);
	*p->end = t;
	p->end = &t->next;
}

static void
nothing(struct visit *v)
{
	(void)v;
}

/* EXECUTE runs what PREPARE has named. */
static void
pending_add_executed(struct pending *p, struct analysis *a, const struct statement *statement)
{
	const struct name *n = statement->naming == NAMING_EXECUTE ? name_find(p->session, false, statement->name) : NULL;
	if (n && n->statement)
		pending_add(p, n->analysis, n->statement);
	else
		pending_add(p, a, statement);
}

/* Openings of statements that do not come to run after all. */
static void
close_unused(struct session *s, struct turn *t)
{
	for (struct turn *next; t; t = next) {
		next = t->next;
		if (t->opened) {
			struct visit *v = visit_closing(s, t, "refused");
			v->turn = NULL;
			v->done = nothing;
			visit_enter(v);
		}
		talloc_free(t);
	}
}

void
execute_abandon(struct session *s)
{
	struct pending *p = TAKE(s->pending);
	if (p)
		close_unused(s, p->turns);
	talloc_free(p);
}

static void
run_pending(struct session *s, struct pending *p)
{
	if (p->sets_up) {
		rename_parse(s, p->turns, p->body);
		return;
	}
	const struct statement *only = p->turns && !p->turns->next ? p->turns->statement : NULL;
	for (struct turn *t = p->turns, *next; t; t = next) {
		next = t->next;
		t->next = NULL;
		turn_add(s, t);
		s->worker->counts.statements++;
		s->dirty |= t->statement && t->statement->leaves;
	}
	if (p->simple && p->opaque)
		s->last->kind = TURN_OPAQUE;
	else if (p->simple)
		turn_add(s, turn_new(s, TURN_READY, NULL, NULL));
	forward(s, p->simple ? 'Q' : 'E', p->simple && only ? rename_deallocated(p, s, p->body, only) : p->body);
}

static void
refuse_pending(struct session *s, struct pending *p)
{
	const bool simple = p->simple;
	struct turn *t = turn_new(s, simple ? TURN_STATEMENT : TURN_PARSE, NULL, NULL);
	s->worker->counts.refused++;
	t->poison = true;
	bytes_append(t, &t->refusal, bytes_slice(&p->refusal));
	close_unused(s, p->turns);
	turn_add(s, t);
	if (simple)
		turn_add(s, turn_new(s, TURN_READY, NULL, NULL));
	send_poison(s, simple);
}

static void
finish(struct pending *p)
{
	struct session *s = p->session;
	s->pending = NULL;
	if (s->skipping)                /* meanwhile something before it has failed */
		close_unused(s, p->turns);
	else if (p->refused)
		refuse_pending(s, p);
	else
		run_pending(s, p);
	talloc_free(p);
	bytes_consume(&s->message, s->message.size);
	if (s->state == SESSION_OPEN)
		upstream_flush(s->upstream);
	session_resume(s);
}

static void
entered(struct visit *v)
{
	struct session *s = v->session;
	struct pending *p = s->pending;
	struct turn *t = v->turn;
	if (!p || !t || s->state != SESSION_OPEN)
		return;
	t->visit = NULL;
	if (!visit_error(v)) {
		if (v->step == VISIT_OPENING)
			visit_opened(v, t);
	} else if (!p->refused) {
		const struct complaint c = p->complaint.sqlstate && v->passage->error->http == 403 ? p->complaint : visit_complaint(v);
		p->refused = true;
		message_error(p, &p->refusal, &c);
	}
	if (--p->waiting == 0 && !p->entering)
		finish(p);
}

/* All openings in one go: they share a group of the recorder. */
static void
enter_pending(struct session *s, struct pending *p)
{
	s->pending = p;
	p->entering = true;
	for (struct turn *t = p->turns; t; t = t->next)
		p->waiting++;
	for (struct turn *t = p->turns; t; t = t->next) {
		t->visit = visit_new(s, p->sets_up ? VISIT_WHOLE : VISIT_OPENING, t, t->analysis, t->statement);
		t->visit->done = entered;
		visit_enter(t->visit);
	}
	p->entering = false;
	if (p->waiting == 0)
		finish(p);
}

/* What the parser cannot read: refused with what it says, unless a right says otherwise. */
static void
enter_unreadable(struct session *s, struct analysis *a, bool simple, struct slice name, struct slice body)
{
	struct pending *p = pending_new(s, simple, body);
	p->sets_up = !simple;
	p->opaque = true;
	p->complaint = (struct complaint){ .severity = "ERROR", .sqlstate = a->sqlstate, .message = a->message, .position = a->position };
	pending_add(p, a, &unknown_statement);
	p->turns->name = memory_copy(p->turns, name);
	enter_pending(s, p);
}

/* ---- the three messages ---- */

static bool
analyse_text(struct session *s, struct slice text, struct analysis **a)
{
	if (!analysis_cached(s->worker->analyses, text, a))
		return true;
	session_fail(s, E_STATE, "the parser's tree could not be read");
	return false;
}

void
execute_query(struct session *s, struct slice text)
{
	struct slice body = bytes_slice(&s->message);
	struct analysis *a;
	if (!analyse_text(s, text, &a))
		return;
	if (a->sqlstate) {
		enter_unreadable(s, a, true, slice_of(NULL, 0), body);
		return;
	}
	if (all_read(s, a) && visit_judge(s, "read")) {
		for (size_t i = 0; i < a->count; i++)
			add_held(s, a, &a->statements[i]);
		if (a->count == 0)
			turn_add(s, turn_new(s, TURN_STATEMENT, NULL, NULL));
		turn_add(s, turn_new(s, TURN_READY, NULL, NULL));
		forward(s, 'Q', body);
		return;
	}
	struct pending *p = pending_new(s, true, body);
	for (size_t i = 0; i < a->count; i++)
		pending_add_executed(p, a, &a->statements[i]);
	enter_pending(s, p);
}

void
execute_parse(struct session *s, struct slice body)
{
	struct reader r = reader_of(body);
	struct slice name = read_text(&r), text = read_text(&r);
	struct analysis *a;
	if (r.failed || name.size > NAME_MAX_SIZE) {
		session_fail(s, E_REQUEST, "a Parse message is not of the protocol's form");
		return;
	}
	if (s->name_count >= NAMES_MAX) {
		const struct complaint c = { .severity = "ERROR", .sqlstate = "53400", .message = "too many prepared statements and portals" };
		execute_refused(s, &c, false);
		return;
	}
	if (rename_is_taken(s, name)) {
		struct complaint c = { .severity = "ERROR", .sqlstate = "42P05" };
		c.message = memory_format(s, "prepared statement \"%.*s\" already exists", SLICE_ARGUMENTS(name));
		execute_refused(s, &c, false);
		return;
	}
	if (!analyse_text(s, text, &a))
		return;
	if (a->sqlstate || a->count > 1) {
		const struct complaint several = { .severity = "ERROR", .sqlstate = "42601",
		                                   .message = "cannot insert multiple commands into a prepared statement" };
		if (a->sqlstate)
			enter_unreadable(s, a, false, name, body);
		else
			execute_refused(s, &several, false);
		return;
	}
	const struct statement *statement = a->count ? &a->statements[0] : NULL;
	if (statement && (statement->refusal || !visit_judge(s, statement->action))) {
		struct pending *p = pending_new(s, false, body);
		p->sets_up = true;
		pending_add(p, a, statement);
		p->turns->name = memory_copy(p->turns, name);
		enter_pending(s, p);
		return;
	}
	rename_parse(s, turn_new(s, TURN_PARSE, a, statement), body);
}

/* The portal that Execute will find: one whose Bind is still on its way, else one that is there. */
static void
find_portal(struct session *s, struct slice name, struct analysis **a, const struct statement **statement)
{
	const struct turn *binding = NULL;
	for (const struct turn *t = s->answering; t; t = t->next)
		if (t->kind == TURN_BIND && slice_equal(t->name, name) && (!binding || !name.size))
			binding = t;
	const struct name *n = binding ? NULL : name_find(s, true, name);
	*a = binding ? binding->analysis : n ? n->analysis : NULL;
	*statement = binding ? binding->statement : n ? n->statement : &fetch_statement;
}

void
execute_portal(struct session *s, struct slice body)
{
	struct reader r = reader_of(body);
	struct slice name = read_text(&r);
	struct analysis *a;
	const struct statement *statement;
	read_be32(&r);
	if (!reader_end(&r)) {
		session_fail(s, E_REQUEST, "an Execute message is not of the protocol's form");
		return;
	}
	find_portal(s, name, &a, &statement);
	if (!statement) {
		turn_add(s, turn_new(s, TURN_STATEMENT, NULL, NULL));
		forward(s, 'E', body);
	} else if (learnt_read(s, statement) && visit_judge(s, "read")) {
		add_held(s, a, statement);
		forward(s, 'E', body);
	} else {
		struct pending *p = pending_new(s, false, body);
		pending_add_executed(p, a, statement);
		enter_pending(s, p);
	}
}
