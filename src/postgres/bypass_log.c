/* What the server's log tells: changes in transactions without a mark of ours, and whose rows they are. */
#include "postgres/bypass_inside.h"

#include "base/memory.h"
#include "base/text.h"
#include "postgres/decoding.h"
#include "postgres/mark.h"

#include <stdio.h>
#include <stdlib.h>

enum { CHANGES_MAX = 1000, LINE_MAX_SIZE = 8000, PEEK = 20000 };

/* ---- the log ---- */

/* 16/B374D848 */
static uint64_t
lsn_of(struct slice text)
{
	SCOPED char *copy = memory_text(NULL, text);
	char *slash = strchr(copy, '/');
	return slash ? strtoull(copy, NULL, 16) << 32 | strtoull(slash + 1, NULL, 16) : 0;
}

/* One that stood elsewhere before is a copy, made by who can read the log. */
static bool
take_mark(struct bypass *b, struct slice mark, struct slice place)
{
	uint8_t head[8];
	size_t size;
	uint64_t id = 0, lsn = lsn_of(place);
	if (!mark_check(slice_of(b->key, sizeof b->key), mark) ||
	    text_hex_parse(slice_of(mark.data, 2 * sizeof head), head, sizeof head, &size))
		return false;
	memcpy(&id, head, sizeof id);
	struct taken *t = &b->taken[id % BYPASS_TAKEN];
	if (t->id == id && t->lsn != lsn)
		return false;
	*t = (struct taken){ id, lsn };
	return true;
}

static void
begin(struct bypass *b)
{
	talloc_free(TAKE(b->scope));
	b->scope = talloc_new(b);
	b->marked = false;
	b->first = NULL;
	b->end = &b->first;
	b->change_count = b->dropped = 0;
}

static void
commit(struct bypass *b)
{
	if (b->marked || !b->first)
		return;
	b->more |= b->dropped > 0;
	*b->unmarked_end = b->first;
	b->unmarked_end = b->end;
	talloc_steal(b->found, TAKE(b->scope));
	begin(b);
}

static void
keep_change(struct bypass *b, struct slice line)
{
	if (b->change_count++ >= CHANGES_MAX) {
		b->dropped++;
		return;
	}
	struct change *c = NEW(b->scope, struct change);
	c->line = memory_copy(c, line);
	*b->end = c;
	b->end = &c->next;
}

/* lsn, data. */
static err_t
take_line(void *argument, const struct slice *v, size_t count)
{
	struct bypass *b = argument;
	if (count != 2)
		return NULL;
	struct decoded d = decoded_line(v[1]);
	switch (d.kind) {
	case DECODED_BEGIN:
		begin(b);
		break;
	case DECODED_MARK:
		b->marked |= take_mark(b, d.content, v[0]);
		break;
	case DECODED_CHANGE:
		if (!slice_is(d.schema, "sekisho"))
			keep_change(b, v[1]);
		break;
	case DECODED_COMMIT:
		commit(b);
		snprintf(b->upto, sizeof b->upto, "%.*s", SLICE_ARGUMENTS(v[0]));
		break;
	case DECODED_OTHER:
		break;
	}
	return NULL;
}

/* Empty transactions too: where they are left out, a message stands before the BEGIN of its own. */
fallible
bypass_read_log(struct bypass *b, const char **why)
{
	SCOPED char *text = memory_format(
	    NULL,
	    "select lsn, left(data, %d) from pg_logical_slot_peek_changes('%.*s', null, %d, 'include-xids', '0', "
	    "'skip-empty-xacts', '0')",
	    LINE_MAX_SIZE, SLICE_ARGUMENTS(b->slot), PEEK);
	b->upto[0] = '\0';
	begin(b);
	return client_query(b->client, slice_text(text), take_line, b, why);
}

/* ---- what an unmarked change says ---- */

struct keys_of {
	size_t count;
	struct slice names[16];
};

static err_t
take_key(void *argument, const struct slice *v, size_t count)
{
	struct keys_of *k = argument;
	if (count == 1 && k->count < 16)
		k->names[k->count++] = memory_copy(k, v[0]);
	return NULL;
}

/* The table's name as the log writes it can be said to the server again; as a literal, whatever is in it. */
static fallible
primary_key(struct bypass *b, const struct decoded *d, struct keys_of *k, const char **why)
{
	SCOPED void *scope = talloc_new(NULL);
	struct slice name =
	    slice_text(memory_format(scope, "%.*s.%.*s", SLICE_ARGUMENTS(d->schema), SLICE_ARGUMENTS(d->table)));
	struct slice literal = client_literal(scope, name);
	const char *text = memory_format(scope,
	                                 "select a.attname from pg_index i join pg_attribute a on a.attrelid = "
	                                 "i.indrelid and a.attnum = any (i.indkey::int2[]) "
	                                 "where i.indisprimary and i.indrelid = to_regclass(%.*s)",
	                                 SLICE_ARGUMENTS(literal));
	return client_query(b->client, slice_text(text), take_key, k, why);
}

static struct slice
subscriber_of(struct slice map, struct slice value)
{
	while (map.size) {
		const uint8_t *comma = memchr(map.data, ',', map.size);
		struct slice pair = slice_of(map.data, comma ? (size_t)(comma - map.data) : map.size);
		const uint8_t *equals = pair.size ? memchr(pair.data, '=', pair.size) : NULL;
		if (equals && slice_equal(slice_of(pair.data, (size_t)(equals - pair.data)), value))
			return slice_from(pair, (size_t)(equals - pair.data) + 1);
		map = slice_from(map, pair.size + 1);
	}
	return slice_of(NULL, 0);
}

static void
read_row(const struct bypass *b, const struct decoded *d, const struct keys_of *k, char **keys,
         struct slice *subscriber)
{
	struct slice rest = d->columns;
	struct decoded_column c;
	SCOPED char *row = memory_format(NULL, "%s", "");
	while (decoded_next(&rest, &c)) {
		if (slice_equal(c.name, b->tenant))
			*subscriber = subscriber_of(b->map, c.value);
		for (size_t i = 0; i < k->count; i++)
			if (slice_equal(c.name, k->names[i]))
				row = talloc_asprintf_append(
				    row, "%s%.*s=%.*s", row[0] ? " " : "", SLICE_ARGUMENTS(c.name),
				    c.value.size > 80 ? 80 : (int)c.value.size, (const char *)c.value.data);
	}
	if (row[0])
		*keys = talloc_asprintf_append(*keys, "%s%s", (*keys)[0] ? ", " : "", row);
}

/* Findings of one look, by table, kind of change and subscriber. */
struct group {
	struct group *next;
	struct bypass_finding finding;
	char *keys;
	struct keys_of *primary;
};

static fallible
group_of(struct bypass *b, struct group **all, const struct decoded *d, struct slice subscriber,
         struct keys_of *primary, struct group **out)
{
	SCOPED char *table = memory_format(NULL, "%.*s.%.*s", SLICE_ARGUMENTS(d->schema), SLICE_ARGUMENTS(d->table));
	struct group *g = *all;
	while (g && !(slice_is(g->finding.table, table) && slice_equal(g->finding.what, d->what) &&
	              slice_equal(g->finding.subscriber, subscriber)))
		g = g->next;
	if (!g) {
		g = NEW(b->found, struct group);
		g->finding = (struct bypass_finding){ .write = true,
			                              .table = memory_copy(g, slice_text(table)),
			                              .what = memory_copy(g, d->what),
			                              .subscriber = memory_copy(g, subscriber) };
		g->keys = memory_format(g, "%s", "");
		g->primary = primary;
		g->next = *all;
		*all = g;
	}
	*out = g;
	return NULL;
}

static fallible
add_change(struct bypass *b, struct group **all, struct slice line, const char **why)
{
	struct decoded d = decoded_line(line);
	struct keys_of *primary = NULL;
	struct group *g;
	for (g = *all; g && !primary; g = g->next) {
		SCOPED char *table =
		    memory_format(NULL, "%.*s.%.*s", SLICE_ARGUMENTS(d.schema), SLICE_ARGUMENTS(d.table));
		primary = slice_is(g->finding.table, table) ? g->primary : NULL;
	}
	if (!primary) {
		primary = NEW(b->found, struct keys_of);
		TRY(primary_key(b, &d, primary, why));
	}
	struct slice subscriber = { NULL, 0 };
	char *keys = memory_format(b->found, "%s", "");
	read_row(b, &d, primary, &keys, &subscriber);
	TRY(group_of(b, all, &d, subscriber, primary, &g));
	if (g->finding.rows++ < BYPASS_ROWS && keys[0])
		g->keys = talloc_asprintf_append(g->keys, "%s%s", g->keys[0] ? ", " : "", keys);
	return NULL;
}

fallible
bypass_tell_writes(struct bypass *b, err_t (*each)(void *, const struct bypass_finding *), void *argument,
                   const char **why)
{
	struct group *all = NULL;
	for (const struct change *c = b->unmarked; c; c = c->next)
		TRY(add_change(b, &all, c->line, why));
	for (struct group *g = all; g; g = g->next) {
		g->finding.keys = slice_text(g->keys);
		g->finding.backend = bypass_suspects(g, b);
		g->finding.more = b->more;
		TRY(each(argument, &g->finding));
	}
	return NULL;
}
