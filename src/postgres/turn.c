/* Turns: what the back end answers, released to the client in order, and not before the book has it. */
#include "postgres/session.h"

static int
free_turn(struct turn *t)
{
	if (t->visit)
		t->visit->turn = NULL;
	talloc_free(t->opening);
	return 0;
}

struct turn *
turn_new(struct session *s, enum turn_kind kind, struct analysis *a, const struct statement *statement)
{
	struct turn *t = NEW(s, struct turn);
	t->kind = kind;
	t->analysis = a ? talloc_reference(t, a) : NULL;
	t->statement = statement;
	t->flows = true;
	talloc_set_destructor(t, free_turn);
	return t;
}

void
turn_add(struct session *s, struct turn *t)
{
	if (s->last)
		s->last->next = t;
	else
		s->first = t;
	s->last = t;
	if (!s->answering)
		s->answering = t;
	s->turn_count++;
}

static void
update_pause(struct session *s)
{
	const struct turn *t = s->answering;
	if (!s->upstream)
		return;
	upstream_pause(s->upstream, (t && t->visit && !t->flows) || s->held > HELD_MAX ||
	                                connection_queued(s->connection) > CLIENT_QUEUE);
}

static void
flush_held(struct session *s, struct turn *t)
{
	session_write(s, bytes_slice(&t->held));
	s->held -= t->held.size;
	bytes_clear(&t->held);
}

static void
pop(struct session *s)
{
	struct turn *t = s->first;
	s->first = t->next;
	if (!s->first)
		s->last = NULL;
	s->turn_count--;
	talloc_free(t);
}

void
turn_release(struct session *s)
{
	while (s->first && s->first->flows && s->state == SESSION_OPEN) {
		struct turn *t = s->first;
		if (t->held.size)
			flush_held(s, t);
		if (!t->answered)
			break;
		pop(s);
	}
	if (s->state != SESSION_OPEN)
		return;
	update_pause(s);
	if (!s->first)
		backend_release(s);
	if (s->turn_count < TURNS_MAX)
		session_resume(s);
}

struct turn *
turn_running(const struct session *s)
{
	struct turn *t = s->answering;
	while (t && (t->hidden || (t->kind != TURN_STATEMENT && t->kind != TURN_READY)))
		t = t->next;
	return t && t->kind == TURN_STATEMENT && t->statement ? t : NULL;
}

/* ---- passages of a statement's turn ---- */

static void
fail_turn(struct session *s, struct turn *t, const struct complaint *c)
{
	s->held -= t->held.size;
	bytes_clear(&t->held);
	message_error(t, &t->held, c);
	s->held += t->held.size;
	t->flows = true;
	for (struct turn *n = t->next; n && n->kind != TURN_READY; n = n->next) {
		n->dropped = n->flows = true;
		s->held -= n->held.size;
		bytes_clear(&n->held);
	}
}

static void
whole_recorded(struct visit *v)
{
	struct session *s = v->session;
	struct turn *t = v->turn;
	if (!t || s->state != SESSION_OPEN)
		return;
	err_t e = visit_error(v);
	t->visit = NULL;
	v->turn = NULL;
	struct complaint c;
	if (e && !t->dropped) {
		c = visit_complaint(v);
		fail_turn(s, t, &c);
	} else if (!t->dropped && v->step == VISIT_WHOLE && effect_refuses(s, t, &v->passage->effects, &c))
		fail_turn(s, t, &c);
	t->flows = true;
	turn_release(s);
	session_flush(s);
}

static void
close_turn(struct session *s, struct turn *t)
{
	t->opened = false;
	t->flows = false;
	t->visit = visit_closing(s, t, t->ended);
	t->visit->done = whole_recorded;
	visit_enter(t->visit);
}

/* A long result: what was held may go, and the rest as it comes. */
static void
opening_recorded(struct visit *v)
{
	struct session *s = v->session;
	struct turn *t = v->turn;
	if (!t || s->state != SESSION_OPEN)
		return;
	t->visit = NULL;
	v->turn = NULL;
	if (visit_error(v)) {
		const struct complaint c = visit_complaint(v);
		cancel_statement(s);
		struct complaint fatal = c;
		fatal.severity = "FATAL";
		session_end(s, &fatal);
		return;
	}
	t->flows = true;
	effect_take(t, &v->passage->effects);
	visit_opened(v, t);
	effect_rows(s, t);
	if (t->answered)
		close_turn(s, t);
	turn_release(s);
	session_flush(s);
}

static void
open_turn(struct session *s, struct turn *t)
{
	t->visit = visit_new(s, VISIT_OPENING, t, t->analysis, t->statement);
	t->visit->done = opening_recorded;
	visit_enter(t->visit);
}

static void
record_turn(struct session *s, struct turn *t)
{
	t->flows = false;
	t->visit = visit_new(s, VISIT_WHOLE, t, t->analysis, t->statement);
	t->visit->rows = t->rows;
	t->visit->bytes = t->bytes;
	t->visit->ended = t->ended;
	t->visit->exports = t->exports;
	memcpy(t->visit->sqlstate, t->sqlstate, sizeof t->sqlstate);
	t->visit->done = whole_recorded;
	visit_enter(t->visit);
}

/* ---- what the back end says ---- */

void
turn_put(struct session *s, struct turn *t, struct slice bytes)
{
	if (t->dropped || t->poison || t->ended || s->state != SESSION_OPEN)
		return;
	if (t == s->first && t->flows && !t->held.size) {
		session_write(s, bytes);
		update_pause(s);
		return;
	}
	bytes_append(t, &t->held, bytes);
	s->held += bytes.size;
	if (t->kind == TURN_STATEMENT && t->statement && !t->flows && !t->opened && !t->visit && t->held.size > HOLD_MAX)
		open_turn(s, t);
	update_pause(s);
}

void
turn_ending(struct session *s, struct turn *t)
{
	(void)s;
	if (t->opened)
		t->flows = false;
}

/* Of PARSE, BIND and DESCRIBE only errors need a record: planning may run functions, and an error may show what they saw. */
static bool
needs_record(const struct turn *t)
{
	if (t->poison || t->dropped || !t->statement)
		return false;
	return t->kind == TURN_STATEMENT || t->kind == TURN_OPAQUE || (t->sqlstate[0] && t->kind != TURN_CLOSE);
}

void
turn_answered(struct session *s, struct turn *t, bool failed)
{
	t->answered = true;
	s->answering = t->next;
	if (t->ended)
		effect_answered(s, t, failed);
	if (t->poison) {
		bytes_append(t, &t->held, bytes_slice(&t->refusal));
		s->held += t->refusal.size;
	} else if (t->opened)
		close_turn(s, t);
	else if (!t->visit && needs_record(t))
		record_turn(s, t);
}

static void
skip_turn(struct session *s, struct turn *t)
{
	t->answered = t->dropped = t->flows = true;
	s->held -= t->held.size;
	bytes_clear(&t->held);
	if (t->opened) {
		t->opened = false;
		struct visit *v = visit_closing(s, t, "skipped");
		v->turn = NULL;
		v->done = whole_recorded;
		visit_enter(v);
	}
}

void
turn_skip(struct session *s)
{
	while (s->answering && s->answering->kind != TURN_READY) {
		struct turn *t = s->answering;
		s->answering = t->next;
		skip_turn(s, t);
	}
}

void
turn_refuse(struct session *s, struct turn *t, const struct complaint *c)
{
	(void)s;
	t->poison = true;
	t->analysis = NULL;
	t->statement = NULL;
	message_error(t, &t->refusal, c);
}

void
turn_abandon(struct session *s)
{
	for (struct turn *t = s->first; t; t = t->next) {
		if (!t->opened)
			continue;
		t->opened = false;
		struct visit *v = visit_closing(s, t, t->answered ? NULL : "lost");
		v->turn = NULL;
		v->done = whole_recorded;
		visit_enter(v);
	}
}
