/* What permits ask besides, of statements that run: no more than so many rows, no longer than so long (gate.h, struct effects).
 *
 * A statement that goes beyond is overruled: nothing more of it is let through, its back end is cancelled, and the client gets
 * an error in the place of whatever that says. The entry says `ended`. */
#include "postgres/session.h"

#include "base/clock.h"

void
effect_take(struct turn *t, const struct effects *e)
{
	t->effects = *e;
}

/* A CancelRequest that comes late must not meet what the client has sent behind another Sync. */
static bool
is_last(const struct turn *t)
{
	while (t && t->kind != TURN_READY)
		t = t->next;
	return !t || !t->next;
}

static void
overrule(struct session *s, struct turn *t, const char *ended, const struct complaint *c)
{
	bool shown = t->opened && t->flows;
	message_error(t, &t->overrule, c);
	t->ended = ended;
	t->rows = shown && t->rows ? t->rows - 1 : 0;
	t->bytes = shown ? t->bytes : 0;
	memcpy(t->sqlstate, c->sqlstate, sizeof t->sqlstate);
	s->held -= t->held.size;
	bytes_clear(&t->held);
	s->worker->counts.refused++;
	if (!t->answered && is_last(t))
		cancel_statement(s);
}

static struct complaint
too_many(const struct turn *t, int64_t most)
{
	return (struct complaint){
		.severity = "ERROR",
		.sqlstate = "42501",
		.message = "Policy does not allow so many rows",
		.detail = memory_format(t, "at most %lld rows of one statement%s", (long long)most,
		                        t->statement && t->statement->kind != STATEMENT_READ
		                            ? "; what it changes may have been changed"
		                            : ""),
		.hint = memory_format(t, "narrow it, or add LIMIT %lld", (long long)most),
	};
}

static struct complaint
is_export(const struct session *s, int64_t most)
{
	return (struct complaint){
		.severity = "ERROR",
		.sqlstate = "42501",
		.message = "Policy does not allow so many rows",
		.detail =
		    memory_format(s, "more than %lld rows of one statement are an export, which is a right of its own",
		                  (long long)most),
		.hint = memory_format(s, "sekisho request create %.*s db/%.*s --for 10m --export",
		                      SLICE_ARGUMENTS(s->subscriber), SLICE_ARGUMENTS(s->database_name)),
	};
}

/* True: the rows that there are so far are too many. */
static bool
goes_beyond(struct session *s, struct turn *t, const struct effects *e, struct complaint *c)
{
	int64_t rows = (int64_t)t->rows;
	if (e->row_limit && rows > e->row_limit) {
		*c = too_many(t, e->row_limit);
		return true;
	}
	if (!e->export_over || rows <= e->export_over || t->exports)
		return false;
	t->exports = visit_judge(s, "export", t->statement);
	if (!t->exports)
		*c = is_export(s, e->export_over);
	return !t->exports;
}

void
effect_rows(struct session *s, struct turn *t)
{
	struct complaint c;
	if (!t->ended && !t->poison && goes_beyond(s, t, &t->effects, &c))
		overrule(s, t, "row_limit", &c);
}

/* The decision that is in the book, of a result that was held; what was known before may have been less. */
bool
effect_refuses(struct session *s, struct turn *t, const struct effects *e, struct complaint *c)
{
	return !t->ended && goes_beyond(s, t, e, c);
}

void
effect_time(struct session *s, int64_t now)
{
	struct turn *t = turn_running(s);
	if (s->state != SESSION_OPEN || !t || t->ended || t->poison || !t->effects.statement_timeout)
		return;
	if (!t->began)
		t->began = now;
	if (now - t->began <= t->effects.statement_timeout)
		return;
	const struct complaint c = {
		.severity = "ERROR",
		.sqlstate = "57014",
		.message = "canceling statement due to statement timeout",
		.detail =
		    memory_format(t, "policy gives a statement %.1f s", (double)t->effects.statement_timeout / 1e6),
	};
	overrule(s, t, "timeout", &c);
}

/* It has been overruled, and yet its back end came to a good end: what follows in the message, or up to Sync, is not let through. */
void
effect_answered(struct session *s, struct turn *t, bool failed)
{
	struct turn *n = t->next;
	bytes_append(t, &t->held, bytes_slice(&t->overrule));
	s->held += t->overrule.size;
	if (failed)
		return;
	for (; n && n->kind != TURN_READY; n = n->next) {
		n->dropped = n->flows = true;
		s->held -= n->held.size;
		bytes_clear(&n->held);
	}
	if (!n)
		s->skipping = true;
}
