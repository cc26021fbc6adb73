/* One JSON object as an event's values. Bytes are taken as they are: only structure is a fault, and what a source
 * writes in a wrong encoding still reaches the rules. */
#include "base/text.h"
#include "watch/event.h"

struct level {
	bool list;
	bool begun;                     /* something stands before */
	size_t start;
};

struct json {
	struct watch_event *event;
	struct slice text;
	size_t at;
	struct name_path path;          /* a list adds none */
	struct level levels[WATCH_DEPTH_MAX];
	size_t depth;
	const char *fault;
	bool broken;                    /* of no structure: nothing behind can be read */
};

static bool
fail(struct json *j, const char *fault)
{
	j->fault = fault;
	j->broken = true;
	return false;
}

static void
skip_blanks(struct json *j)
{
	while (j->at < j->text.size && (j->text.data[j->at] == ' ' || j->text.data[j->at] == '\t' ||
	                                j->text.data[j->at] == '\n' || j->text.data[j->at] == '\r'))
		j->at++;
}

static uint8_t
peek(struct json *j)
{
	skip_blanks(j);
	return j->at < j->text.size ? j->text.data[j->at] : 0;
}

static int
hex_digit(uint8_t c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

static bool
read_unit(struct slice s, size_t at, uint32_t *unit)
{
	*unit = 0;
	for (size_t i = 0; i < 4; i++) {
		int digit = at + i < s.size ? hex_digit(s.data[at + i]) : -1;
		if (digit < 0)
			return false;
		*unit = *unit << 4 | (uint32_t)digit;
	}
	return true;
}

static size_t
write_utf8(uint32_t c, uint8_t *out)
{
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (uint8_t)(0xC0 | c >> 6);
		out[1] = (uint8_t)(0x80 | (c & 0x3F));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (uint8_t)(0xE0 | c >> 12);
		out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
		out[2] = (uint8_t)(0x80 | (c & 0x3F));
		return 3;
	}
	out[0] = (uint8_t)(0xF0 | c >> 18);
	out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3F));
	out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
	out[3] = (uint8_t)(0x80 | (c & 0x3F));
	return 4;
}

/* One escape, from behind its backslash. A half of a pair alone is kept, encoded as if it were a character. */
static size_t
unescape_one(struct slice s, size_t *at, uint8_t *out)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	uint32_t unit, low;
	uint8_t c = s.data[(*at)++];
	const char *known = c ? strchr(from, c) : NULL;
	if (c != 'u' || !read_unit(s, *at, &unit)) {
		out[0] = known ? (uint8_t)to[known - from] : c;
		return 1;
	}
	*at += 4;
	if ((unit & 0xFC00) == 0xD800 && *at + 1 < s.size && s.data[*at] == '\\' && s.data[*at + 1] == 'u' &&
	    read_unit(s, *at + 2, &low) && (low & 0xFC00) == 0xDC00) {
		unit = 0x10000 + ((unit & 0x3FF) << 10 | (low & 0x3FF));
		*at += 6;
	}
	return write_utf8(unit, out);
}

static bool
unescape(struct json *j, struct slice raw, struct slice *out)
{
	uint8_t *room = event_room(j->event, raw.size);
	size_t size = 0, at = 0;
	if (!room)
		return fail(j, "an event of too many bytes");
	while (at < raw.size) {
		if (raw.data[at] != '\\') {
			room[size++] = raw.data[at++];
		} else {
			at++;
			size += unescape_one(raw, &at, room + size);
		}
	}
	*out = slice_of(room, size);
	return true;
}

/* From the quote. */
static bool
read_string(struct json *j, struct slice *out)
{
	size_t start = ++j->at;
	struct slice rest = slice_from(j->text, start);
	const uint8_t *quote = rest.size ? memchr(rest.data, '"', rest.size) : NULL;
	if (quote && !memchr(rest.data, '\\', (size_t)(quote - rest.data))) {
		*out = slice_of(rest.data, (size_t)(quote - rest.data));
		j->at += out->size + 1;
		return true;
	}
	while (j->at < j->text.size && j->text.data[j->at] != '"')
		j->at += j->text.data[j->at] == '\\' ? 2 : 1;
	if (j->at >= j->text.size)
		return fail(j, "a text without its closing quote");
	*out = slice_of(j->text.data + start, j->at++ - start);
	return unescape(j, *out, out);
}

static bool
add(struct json *j, struct slice text, enum watch_kind kind)
{
	struct slice name = event_name(j->event, &j->path);
	if (!watch_event_add(j->event, name, text, kind))
		return fail(j, "an event of too many values");
	return true;
}

static bool
read_word(struct json *j)
{
	static const struct {
		const char *text;
		enum watch_kind kind;
	} words[] = { { "true", WATCH_BOOLEAN }, { "false", WATCH_BOOLEAN }, { "null", WATCH_NULL } };
	struct slice rest = slice_from(j->text, j->at);
	for (size_t i = 0; i < 3; i++)
		if (slice_starts(rest, slice_text(words[i].text))) {
			j->at += strlen(words[i].text);
			return add(j, slice_text(words[i].text), words[i].kind);
		}
	size_t size = 0;
	while (size < rest.size && rest.data[size] && strchr("+-.0123456789eE", rest.data[size]))
		size++;
	if (size == 0)
		return fail(j, "something that is no JSON value");
	j->at += size;
	return add(j, slice_of(rest.data, size), WATCH_NUMBER);
}

/* Past an object or list, by its brackets alone: what stands deeper than the limit stays one text. */
static bool
skip_tree(struct json *j)
{
	size_t depth = 0;
	for (; j->at < j->text.size; j->at++) {
		uint8_t c = j->text.data[j->at];
		if (c == '"') {
			for (j->at++; j->at < j->text.size && j->text.data[j->at] != '"'; j->at++)
				j->at += j->text.data[j->at] == '\\';
		} else if (c == '{' || c == '[') {
			depth++;
		} else if ((c == '}' || c == ']') && --depth == 0) {
			j->at++;
			return true;
		}
	}
	return fail(j, "an object or list without its end");
}

static bool
keep_tree(struct json *j)
{
	size_t start = j->at;
	j->fault = "an object or list too deep";
	return skip_tree(j) && add(j, slice_of(j->text.data + start, j->at - start), WATCH_TREE);
}

/* The tree's text is known at its end; its place among the values is before what it holds. */
static bool
open_tree(struct json *j, bool list)
{
	if (j->depth == WATCH_DEPTH_MAX)
		return keep_tree(j);
	struct level *l = &j->levels[j->depth];
	*l = (struct level){ .list = list, .start = j->at };
	j->depth++;
	j->at++;
	if (!list)
		j->path.keys[j->path.count++] = LITERAL("");
	return true;
}

static bool
close_tree(struct json *j)
{
	struct level *l = &j->levels[--j->depth];
	j->at++;
	if (!l->list)
		j->path.count--;
	if (j->path.count == 0 || event_key_is_silent(j->path.keys[j->path.count - 1]))
		return true;
	return add(j, slice_of(j->text.data + l->start, j->at - l->start), WATCH_TREE);
}

static bool
read_value(struct json *j)
{
	struct slice text;
	uint8_t c = peek(j);
	if (c == '"')
		return read_string(j, &text) && add(j, text, WATCH_TEXT);
	return c == '{' || c == '[' ? open_tree(j, c == '[') : read_word(j);
}

static bool
read_key(struct json *j)
{
	if (peek(j) != '"')
		return fail(j, "an object without a key where one belongs");
	if (!read_string(j, &j->path.keys[j->path.count - 1]))
		return false;
	if (peek(j) != ':')
		return fail(j, "a key without its colon");
	j->at++;
	return true;
}

/* Inside of a tree: its end, or a comma where one belongs, and the next value. */
static bool
step(struct json *j)
{
	struct level *l = &j->levels[j->depth - 1];
	uint8_t c = peek(j), end = l->list ? ']' : '}';
	if (c == end)
		return close_tree(j);
	if (l->begun) {
		if (c != ',')
			return fail(j, "values without a comma between them");
		j->at++;
	}
	l->begun = true;
	return (l->list || read_key(j)) && read_value(j);
}

static void
read_object(struct json *j)
{
	if (peek(j) != '{') {
		fail(j, "no JSON object");
		return;
	}
	open_tree(j, false);
	while (j->depth > 0)
		if (!step(j))
			return;
	if (peek(j) != 0 || j->at < j->text.size)
		fail(j, "something behind the object");
}

static bool
is_ascii(struct slice s)
{
	uint8_t all = 0;
	for (size_t i = 0; i < s.size; i++)
		all |= s.data[i];
	return all < 0x80;
}

void
watch_event_read(struct watch_event *e, struct slice line)
{
	struct json j = { .event = e, .text = line };
	watch_event_clear(e);
	if (line.size > WATCH_EVENT_MAX)
		fail(&j, "an event of too many bytes");
	else
		read_object(&j);
	if (!j.fault && !is_ascii(line) && !text_is_utf8(line))
		j.fault = "bytes that are no UTF-8";
	e->fault = j.fault;
	if (!j.broken)
		return;
	if (e->count == WATCH_VALUES_MAX)
		e->count--;             /* what was read stays; the last place is for the bytes */
	watch_event_add(e, LITERAL("message"), line, WATCH_TEXT);
}
