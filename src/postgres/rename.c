/* Prepared statements of sessions whose back ends are lent: at the server they bear names made of their text, and are made
 * there again where the back end at hand has not seen them. */
#include "postgres/session.h"

static void
put_message(struct session *s, uint8_t type, uint8_t what, struct slice name, struct slice rest)
{
	struct bytes *out = upstream_output(s->upstream);
	size_t at = message_begin(s->upstream, out, type);
	if (what)
		message_u8(s->upstream, out, what);
	message_text(s->upstream, out, name);
	bytes_append(s->upstream, out, rest);
	message_end(out, at);
}

static bool
is_coming(const struct session *s, const char *server_name)
{
	for (const struct turn *t = s->answering; t; t = t->next)
		if (t->kind == TURN_PARSE && !t->poison && strcmp(t->server_name, server_name) == 0)
			return true;
	return false;
}

static struct turn *
add_hidden(struct session *s, enum turn_kind kind, const char *server_name)
{
	struct turn *t = turn_new(s, kind, NULL, NULL);
	t->hidden = true;
	memcpy(t->server_name, server_name, STATEMENT_NAME);
	turn_add(s, t);
	return t;
}

bool
rename_is_taken(struct session *s, struct slice name)
{
	if (!s->database.pooled || !name.size)
		return false;
	for (const struct turn *t = s->answering; t; t = t->next)
		if (t->kind == TURN_PARSE && !t->poison && !t->hidden && slice_equal(t->name, name))
			return true;
	return name_find(s, false, name) != NULL;
}

void
rename_parse(struct session *s, struct turn *t, struct slice body)
{
	struct reader r = reader_of(body);
	struct slice name = read_text(&r);
	t->name = memory_copy(t, name);
	if (!s->database.pooled) {
		turn_add(s, t);
		put_message(s, 'P', 0, name, r.rest);
		return;
	}
	t->parse = memory_copy(t, r.rest);
	if (name.size) {
		backend_statement_name(r.rest, t->server_name);
		if (backend_has(s->backend, t->server_name)) {
			add_hidden(s, TURN_CLOSE, t->server_name);
			put_message(s, 'C', 'S', slice_text(t->server_name), slice_of(NULL, 0));
		}
	} else
		s->unnamed_here = true;
	turn_add(s, t);
	put_message(s, 'P', 0, slice_text(t->server_name), r.rest);
}

static void
parse_again(struct session *s, const struct name *n)
{
	const bool named = n->server_name[0];
	if (!n->parse.size || (named ? backend_has(s->backend, n->server_name) || is_coming(s, n->server_name) : s->unnamed_here))
		return;
	s->unnamed_here |= !named;
	add_hidden(s, TURN_PARSE, n->server_name);
	put_message(s, 'P', 0, slice_text(n->server_name), n->parse);
}

struct slice
rename_used(struct session *s, struct slice name)
{
	if (!s->database.pooled)
		return name;
	for (const struct turn *t = s->answering; t; t = t->next)
		if (t->kind == TURN_PARSE && !t->poison && !t->hidden && slice_equal(t->name, name))
			return name.size ? slice_text(t->server_name) : name;
	const struct name *n = name_find(s, false, name);
	if (!n || n->portal)
		return name;
	parse_again(s, n);
	return n->server_name[0] ? slice_text(n->server_name) : name;
}

/* The statement stays at the server, for others; what is closed there is one that does not exist. */
struct slice
rename_closed(struct session *s, struct slice name)
{
	const struct name *n = name_find(s, false, name);
	return s->database.pooled && n && n->server_name[0] ? LITERAL("sk_none") : name;
}

void
rename_answered(struct session *s, const struct turn *t)
{
	if (!s->backend || !t->server_name[0])
		return;
	if (t->kind == TURN_PARSE)
		backend_learn(s->backend, t->server_name);
	else if (t->kind == TURN_CLOSE)
		backend_forget(s->backend, t->server_name);
}

/* DEALLOCATE of a name that came with Parse. */
struct slice
rename_deallocated(const void *owner, struct session *s, struct slice body, const struct statement *statement)
{
	const struct name *n = statement->naming == NAMING_DEALLOCATE && statement->name.size ? name_find(s, false, statement->name) : NULL;
	if (!s->database.pooled || !n || !n->server_name[0])
		return body;
	char *text = memory_format(owner, "DEALLOCATE %s", n->server_name);
	return slice_of(text, strlen(text) + 1);
}
