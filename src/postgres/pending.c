#include "postgres/pending.h"

#include "postgres/lane.h"
#include "postgres/marking.h"

bool
execute_waits(const struct session *s)
{
	return s->pending != NULL;
}

void
pending_forward(struct session *s, uint8_t type, struct slice body)
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

/* ---- what must be in the book first ---- */

struct pending *
pending_new(struct session *s, bool simple, struct slice body)
{
	struct pending *p = NEW(s, struct pending);
	p->session = s;
	p->simple = simple;
	p->body = body;
	p->end = &p->turns;
	return p;
}

void
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
void
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
add_executed(struct session *s, struct turn *t)
{
	turn_add(s, t);
	s->worker->counts.statements++;
	s->dirty |= t->statement && t->statement->leaves && !(s->application && t->statement->naming == NAMING_KEEPS);
}

static void
run_pending(struct session *s, struct pending *p)
{
	if (p->sets_up) {
		rename_parse(s, p->turns, p->body);
		return;
	}
	if (p->naming && p->simple) {
		lane_send_query(s, p->turns, p->value);
		return;
	}
	if (p->naming) {
		lane_send_execute(s, p->turns, p->body);
		return;
	}
	lane_bind(s, p->simple);
	if (!p->simple) {
		marking_execute(s, p);
		add_executed(s, p->turns);
		pending_forward(s, 'E', p->body);
		return;
	}
	const struct statement *only = p->turns && !p->turns->next ? p->turns->statement : NULL;
	struct slice body = only ? rename_deallocated(p, s, p->body, only) : p->body;
	body = marking_query(s, p, body, add_executed);
	if (p->opaque)
		s->last->kind = TURN_OPAQUE;
	else
		turn_add(s, turn_new(s, TURN_READY, NULL, NULL));
	pending_forward(s, 'Q', body);
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
	v->turn = NULL;
	if (!visit_error(v)) {
		if (v->step == VISIT_OPENING) {
			effect_take(t, &v->passage->effects);
			visit_opened(v, t);
		}
	} else if (!p->refused) {
		const struct complaint c = p->complaint.sqlstate && v->passage->error->http == 403 ? p->complaint : visit_complaint(v);
		p->refused = true;
		message_error(p, &p->refusal, &c);
	}
	if (--p->waiting == 0 && !p->entering)
		finish(p);
}

/* All openings in one go: they share a group of the recorder. */
void
pending_enter(struct session *s, struct pending *p)
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
