#include "postgres/hidden.h"

struct turn *
hidden_turn(struct session *s, enum turn_kind kind, bool dropped)
{
	struct turn *t = turn_new(s, kind, NULL, NULL);
	t->hidden = true;
	t->dropped = dropped;
	turn_add(s, t);
	return t;
}

void
hidden_put(struct session *s, uint8_t type, struct slice first, struct slice second, const char *rest, size_t rest_size)
{
	struct bytes *out = upstream_output(s->upstream);
	size_t at = message_begin(s->upstream, out, type);
	if (first.data)
		message_text(s->upstream, out, first);
	if (second.data)
		message_text(s->upstream, out, second);
	bytes_append(s->upstream, out, slice_of(rest, rest_size));
	message_end(out, at);
}

void
hidden_send(struct session *s, const char *text)
{
	hidden_put(s, 'Q', slice_text(text), slice_of(NULL, 0), NULL, 0);
}

void
hidden_query(struct session *s, const char *text)
{
	hidden_turn(s, TURN_STATEMENT, true);
	hidden_turn(s, TURN_READY, true);
	hidden_send(s, text);
}

/* Each under a name of its own: where one fails between its Parse and its Close, the name stays taken at that back end. */
void
hidden_run(struct session *s, const char *text)
{
	SCOPED char *own = memory_format(NULL, "sk_hidden_%llu", (unsigned long long)s->worker->hidden++);
	SCOPED char *portal = memory_format(NULL, "P%s", own), *statement = memory_format(NULL, "S%s", own);
	struct slice name = slice_text(own);
	hidden_put(s, 'P', name, slice_text(text), "\0", 2);
	hidden_put(s, 'B', name, name, "\0\0\0\0\0", 6);
	hidden_put(s, 'E', name, slice_of(NULL, 0), "\0\0\0", 4);
	hidden_put(s, 'C', slice_text(portal), slice_of(NULL, 0), NULL, 0);
	hidden_put(s, 'C', slice_text(statement), slice_of(NULL, 0), NULL, 0);
	hidden_turn(s, TURN_PARSE, false);
	hidden_turn(s, TURN_BIND, false);
	hidden_turn(s, TURN_STATEMENT, false);
	hidden_turn(s, TURN_CLOSE, false);
	hidden_turn(s, TURN_CLOSE, false);
}
