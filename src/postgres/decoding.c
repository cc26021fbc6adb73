#include "postgres/decoding.h"

#include "base/cursor.h"

/* ---- a cursor over text ---- */

static bool
skip(struct slice *s, const char *text)
{
	size_t size = strlen(text);
	if (s->size < size || memcmp(s->data, text, size) != 0)
		return false;
	*s = slice_from(*s, size);
	return true;
}

/* Up to the first of `ends`, which is not taken; a quoted part is passed over whole. */
static struct slice
take_until(struct slice *s, const char *ends, uint8_t quote)
{
	bool inside = false;
	size_t n = 0;
	for (; n < s->size; n++) {
		inside ^= s->data[n] == quote;
		if (!inside && strchr(ends, s->data[n]) && s->data[n])
			break;
	}
	struct slice taken = slice_of(s->data, n);
	*s = slice_from(*s, n);
	return taken;
}

static struct slice
unquoted(struct slice s, uint8_t quote)
{
	bool quoted = s.size >= 2 && s.data[0] == quote && s.data[s.size - 1] == quote;
	return quoted ? slice_of(s.data + 1, s.size - 2) : s;
}

/* ---- lines ---- */

static struct decoded
message_line(struct slice s)
{
	struct decoded d = { .kind = DECODED_OTHER };
	if (!skip(&s, " transactional: 1 prefix: sekisho, sz: "))
		return d;
	take_until(&s, " ", 0);
	if (!skip(&s, " content:"))
		return d;
	d.kind = DECODED_MARK;
	d.content = s;
	return d;
}

static struct decoded
table_line(struct slice s)
{
	struct decoded d = { .kind = DECODED_CHANGE };
	d.schema = take_until(&s, ".:", '"');
	if (!skip(&s, "."))
		return (struct decoded){ .kind = DECODED_OTHER };
	d.table = take_until(&s, ":, ", '"');
	take_until(&s, ":", '"'); /* TRUNCATE names several */
	if (!skip(&s, ": "))
		return (struct decoded){ .kind = DECODED_OTHER };
	d.what = take_until(&s, ":", 0);
	d.columns = skip(&s, ": ") ? s : slice_of(NULL, 0);
	return d;
}

struct decoded
decoded_line(struct slice line)
{
	struct slice s = line;
	if (skip(&s, "BEGIN"))
		return (struct decoded){ .kind = DECODED_BEGIN };
	if (skip(&s, "COMMIT"))
		return (struct decoded){ .kind = DECODED_COMMIT };
	if (skip(&s, "message:"))
		return message_line(s);
	if (skip(&s, "table "))
		return table_line(s);
	return (struct decoded){ .kind = DECODED_OTHER };
}

/* Types bear brackets too: tags[text[]]:'{}' */
static bool
skip_type(struct slice *s)
{
	size_t n = 0;
	while (n + 1 < s->size && !(s->data[n] == ']' && s->data[n + 1] == ':'))
		n++;
	if (n + 1 >= s->size)
		return false;
	*s = slice_from(*s, n + 2);
	return true;
}

bool
decoded_next(struct slice *rest, struct decoded_column *c)
{
	struct slice s = *rest;
	while (skip(&s, " ") || skip(&s, "old-key: ") || skip(&s, "new-tuple: "))
		;
	struct slice name = take_until(&s, "[", '"');
	if (!name.size || !skip(&s, "[") || !skip_type(&s))
		return false;
	struct slice value = take_until(&s, " ", '\'');
	c->name = unquoted(name, '"');
	c->value = unquoted(value, '\'');
	*rest = s;
	return true;
}
