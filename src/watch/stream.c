/* Where one event ends and the next begins: a line, or a JSON object over several. */
#include "watch/watch.h"

static size_t
line_size(struct slice s)
{
	const uint8_t *end = s.size ? memchr(s.data, '\n', s.size) : NULL;
	return end ? (size_t)(end - s.data) : s.size;
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Bytes of the object at the start, by its brackets; 0 where it does not end, or a text holds a line's end. */
static size_t
object_size(struct slice s)
{
	size_t depth = 0, most = s.size < 2 * (size_t)WATCH_EVENT_MAX ? s.size : 2 * (size_t)WATCH_EVENT_MAX;
	for (size_t i = 0; i < most; i++) {
		uint8_t c = s.data[i];
		if (c == '"') {
			for (i++; i < most && s.data[i] != '"'; i++) {
				if (s.data[i] == '\n')
					return 0;
				i += s.data[i] == '\\';
			}
		} else if (c == '{' || c == '[') {
			depth++;
		} else if ((c == '}' || c == ']') && depth > 0 && --depth == 0) {
			return i + 1;
		}
	}
	return 0;
}

static void
skip_blanks(struct watch_stream *s)
{
	while (s->rest.size && (is_blank(s->rest.data[0]) || (s->in_list && (s->rest.data[0] == ',' || s->rest.data[0] == ']')))) {
		if (s->rest.data[0] == ']')
			s->in_list = false;
		s->rest = slice_from(s->rest, 1);
	}
}

static void
enter_list(struct watch_stream *s)
{
	if (s->rest.size == 0 || s->rest.data[0] != '[' || s->lines_only || s->in_list)
		return;
	struct watch_stream inside = { .rest = slice_from(s->rest, 1), .in_list = true };
	skip_blanks(&inside);
	if (inside.rest.size && inside.rest.data[0] == '{' && object_size(inside.rest))
		*s = inside;
}

static struct slice
trimmed(struct slice line)
{
	while (line.size && is_blank(line.data[line.size - 1]))
		line.size--;
	return line;
}

/* An object that ends in its line is that line, and what stands behind it there too: a fault of the line alone. */
bool
watch_stream_next(struct watch_stream *s, struct slice *event)
{
	skip_blanks(s);
	enter_list(s);
	if (s->rest.size == 0)
		return false;
	size_t line = line_size(s->rest), size = 0;
	if (s->rest.data[0] == '{' && !s->lines_only) {
		size = object_size(s->rest);
		s->lines_only = size == 0 && object_size(slice_of(s->rest.data, line)) == 0 && !s->in_list;
	}
	if (size <= line && !s->in_list)
		size = line;
	if (size == 0)
		size = line;
	*event = trimmed(slice_of(s->rest.data, size));
	s->rest = slice_from(s->rest, size);
	return true;
}
