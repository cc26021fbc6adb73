/* Statements that want to run: what may go to the back end at once, what must be in the book first, what is refused.
 *
 * What only reads is forwarded while its record syncs, and its result held. Everything else waits here for its opening
 * entry; so does what would be denied, for the entry that says so. */
#include "postgres/lane.h"
#include "postgres/pending.h"

static const struct statement unknown_statement = {
	.kind = STATEMENT_UNKNOWN, .action = "database.admin", .leaves = true, .reaches = true, .why = "The gateway cannot read this statement",
};

/* A portal that was not made by Bind (DECLARE CURSOR); whatever it does was decided when it was declared. */
static const struct statement fetch_statement = { .kind = STATEMENT_READ, .action = "read", .normal = { (const uint8_t *)"FETCH", 5 } };

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
	effect_take(t, &s->judged);
	turn_add(s, t);
	s->worker->counts.statements++;
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
	pending_enter(s, p);
}

/* ---- the application lane's hook ---- */

static void
execute_naming(struct session *s, struct analysis *a, const struct statement *n, struct slice value, bool simple, struct slice body)
{
	struct complaint c = { .severity = "ERROR", .message = "the subscriber of this transaction cannot be named so",
	                       .detail = "first in a transaction, once, and one that is mapped", .hint = "BEGIN; select set_config('sekisho.subscriber', …, true)" };
	if (lane_name(s, n, value, &c.sqlstate)) {
		execute_refused(s, &c, simple);
		return;
	}
	struct pending *p = pending_new(s, simple, body);
	p->naming = true;
	p->value = memory_copy(p, value);
	pending_add(p, a, n);
	pending_enter(s, p);
}

/* By the lane; or because the session only reads, which its server sees to unless it is told otherwise. */
static bool
refused_by_session(struct session *s, const struct analysis *a, bool simple)
{
	struct complaint c = { .severity = "ERROR", .sqlstate = "42501", .message = "not in an application's session", .detail = lane_refusal(s, a) };
	for (size_t i = 0; s->read_only && !c.detail && i < a->count; i++)
		if (a->statements[i].unlocks || a->statements[i].kind >= STATEMENT_DDL) {
			c.message = E_DENIED->text[ENGLISH];
			c.detail = "policy lets this session read alone";
		}
	if (c.detail)
		execute_refused(s, &c, simple);
	return c.detail != NULL;
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
	if (a->count == 1 && lane_names(s, a->statements)) {
		execute_naming(s, a, a->statements, a->statements[0].name, true, body);
		return;
	}
	if (refused_by_session(s, a, true))
		return;
	if (all_read(s, a) && visit_judge(s, lane_action(s, a->count ? a->statements : NULL), a->count ? a->statements : NULL)) {
		lane_bind(s, true);
		for (size_t i = 0; i < a->count; i++)
			add_held(s, a, &a->statements[i]);
		if (a->count == 0)
			turn_add(s, turn_new(s, TURN_STATEMENT, NULL, NULL));
		turn_add(s, turn_new(s, TURN_READY, NULL, NULL));
		pending_forward(s, 'Q', body);
		return;
	}
	struct pending *p = pending_new(s, true, body);
	for (size_t i = 0; i < a->count; i++)
		pending_add_executed(p, a, &a->statements[i]);
	pending_enter(s, p);
}

static bool
refused_by_name(struct session *s, struct slice name)
{
	struct complaint c = { .severity = "ERROR" };
	if (s->name_count >= NAMES_MAX) {
		c.sqlstate = "53400";
		c.message = "too many prepared statements and portals";
	} else if (rename_is_taken(s, name)) {
		c.sqlstate = "42P05";
		c.message = memory_format(s, "prepared statement \"%.*s\" already exists", SLICE_ARGUMENTS(name));
	}
	if (c.message)
		execute_refused(s, &c, false);
	return c.message != NULL;
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
	if (refused_by_name(s, name) || !analyse_text(s, text, &a))
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
	if (lane_names(s, statement)) {
		struct turn *t = turn_new(s, TURN_PARSE, a, statement);
		rename_parse(s, t, lane_parse(t, statement, body));
		return;
	}
	if (refused_by_session(s, a, false))
		return;
	if (statement && (statement->refusal || !visit_judge(s, lane_action(s, statement), statement))) {
		struct pending *p = pending_new(s, false, body);
		p->sets_up = true;
		pending_add(p, a, statement);
		p->turns->name = memory_copy(p->turns, name);
		pending_enter(s, p);
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
		pending_forward(s, 'E', body);
	} else if (lane_names(s, statement)) {
		execute_naming(s, a, statement, statement->parameter ? s->named : statement->name, false, body);
	} else if (learnt_read(s, statement) && visit_judge(s, lane_action(s, statement), statement)) {
		add_held(s, a, statement);
		pending_forward(s, 'E', body);
	} else {
		struct pending *p = pending_new(s, false, body);
		pending_add_executed(p, a, statement);
		pending_enter(s, p);
	}
}
