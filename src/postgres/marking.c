#include "postgres/marking.h"

#include "postgres/hidden.h"
#include "postgres/mark.h"
#include "postgres/rules.h"

/* What a procedure commits by itself would have no mark, and in one message with another statement it may not commit at all. */
static bool
changes(const struct session *s, const struct statement *n)
{
	return n && (n->kind == STATEMENT_COPY_IN || (n->kind == STATEMENT_WRITE && (!n->calls || s->status == 'T')));
}

static bool
is_marked(struct session *s, const struct turn *t)
{
	return rules_now(s)->mark_key.size && t->opening && changes(s, t->statement);
}

static char *
mark_text(const void *owner, struct session *s, const struct turn *t)
{
	char mark[MARK_TEXT];
	mark_make(rules_now(s)->mark_key, slice_of(t->opening->passage->id_text, MARK_ID), mark);
	return memory_format(owner, "select pg_catalog.pg_logical_emit_message(true, 'sekisho', '%s')", mark);
}

void
marking_execute(struct session *s, const struct pending *p)
{
	SCOPED void *scope = talloc_new(NULL);
	if (p->turns && is_marked(s, p->turns))
		hidden_run(s, mark_text(scope, s, p->turns));
}

static bool
controls(const struct pending *p)
{
	for (const struct turn *t = p->turns; t; t = t->next)
		if (t->statement && t->statement->kind == STATEMENT_TRANSACTION)
			return true;
	return false;
}

struct built {
	char *text;
	size_t taken; /* of the client's text */
};

static void
copy_until(struct built *b, struct slice body, size_t at)
{
	if (at > body.size)
		at = body.size;
	b->text =
	    talloc_asprintf_append_buffer(b->text, "%.*s", (int)(at - b->taken), (const char *)body.data + b->taken);
	b->taken = at;
}

/* Behind the last statement, so that positions in errors stay; but before each change where the message itself begins and ends
 * transactions. */
struct slice
marking_query(struct session *s, struct pending *p, struct slice body, void (*add)(struct session *, struct turn *))
{
	struct built b = { .text = memory_format(p, "%s", "") };
	struct slice text = slice_of(body.data, body.size ? body.size - 1 : 0);
	bool each = controls(p);
	char *last = NULL;
	for (struct turn *t = p->turns, *next; t; t = next) {
		next = t->next;
		bool marked = is_marked(s, t);
		char *mark = marked ? mark_text(p, s, t) : NULL;
		if (marked && each) {
			copy_until(&b, text, t->statement->at);
			b.text = talloc_asprintf_append_buffer(b.text, "%s; ", mark);
			hidden_turn(s, TURN_STATEMENT, false);
		} else if (marked)
			last = mark;
		t->next = NULL;
		add(s, t);
	}
	if (!last && !b.taken && !b.text[0])
		return body;
	copy_until(&b, text, text.size);
	if (last) {
		b.text = talloc_asprintf_append_buffer(b.text, "\n;%s", last);
		hidden_turn(s, TURN_STATEMENT, false);
	}
	return slice_of(b.text, strlen(b.text) + 1);
}
