/* The catalogue, read through a session's own back end before its client is greeted. */
#include "postgres/session.h"

#include "base/clock.h"

enum { ROW_MAX = 8192 };

void
learn(struct session *s, void (*done)(struct session *))
{
	if (!s->place)
		s->place = catalogue_place(s->worker->catalogues, &s->database);
	if (catalogue_at(s->place, clock_monotonic())) {
		done(s);
		return;
	}
	s->learnt = done;
	s->learning = catalogue_new(s->place);
	s->state = SESSION_LEARNING;
	struct bytes *out = upstream_output(s->upstream);
	size_t at = message_begin(s->upstream, out, 'Q');
	message_text(s->upstream, out, slice_text(catalogue_query));
	message_end(out, at);
	upstream_flush(s->upstream);
}

static void
learnt_again(struct session *s)
{
	s->state = SESSION_OPEN;
	session_resume(s);
}

/* Between two transactions only: nothing of the client's is under way, and nothing of it would be disturbed. */
bool
learn_again(struct session *s)
{
	int64_t now = clock_monotonic();
	if (s->first || s->status != 'I' || catalogue_at(s->place, now) || now - s->learnt_at < SECONDS(CATALOGUE_SECONDS))
		return false;
	s->learnt_at = now;             /* where it fails, not again at once */
	learn(s, learnt_again);
	return s->state == SESSION_LEARNING;
}

/* DataRow: Int16 of columns, then each with its length. */
static void
take_row(struct session *s)
{
	struct reader r = reader_of(bytes_slice(&s->message));
	uint16_t columns = read_be16(&r);
	struct slice what = read_field(&r), name = read_field(&r);
	if (!r.failed && columns == 2 && what.size == 1)
		catalogue_add(s->learning, (char)what.data[0], name);
}

static void
finish(struct session *s, bool good)
{
	struct catalogue *c = TAKE(s->learning);
	if (good)
		catalogue_keep(s->place, c, clock_monotonic());
	else
		talloc_free(c);         /* then only statements without tables are reads */
	s->learnt(s);
}

void
learn_received(struct session *s, struct slice input)
{
	struct piece p;
	while (s->state == SESSION_LEARNING && frames_next(&s->back, &input, &p)) {
		if (p.begins && p.type == 'E')
			TALLOC_FREE(s->learning);
		if (p.begins)
			bytes_consume(&s->message, s->message.size);
		if (p.size <= ROW_MAX)
			bytes_append(s, &s->message, p.body);
		if (p.ends && p.type == 'D' && p.size <= ROW_MAX && s->learning)
			take_row(s);
		if (p.ends && p.type == 'Z') {
			bytes_consume(&s->message, s->message.size);
			finish(s, s->learning != NULL);
		}
	}
	if (s->back.failed)
		session_fail(s, E_UNREACHABLE, "the database's server does not speak its protocol");
}

bool
learnt_read(struct session *s, const struct statement *statement)
{
	return statement->pure && catalogue_is_read(catalogue_at(s->place, clock_monotonic()), statement);
}
