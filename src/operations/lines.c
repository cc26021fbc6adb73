#include "operations/lines.h"

#include "base/memory.h"
#include "base/text.h"

#include <string.h>

enum { FAULTS_TOLD = 10, COLUMNS = 64 };

struct lines {
	struct passage *passage;
	const char *(*take)(struct passage *, void *, const json_t *);
	void *argument;
	size_t column_count;
	struct slice columns[COLUMNS];  /* of CSV */
	size_t faults;
	char *told;
};

static void
tell(struct lines *l, size_t number, const char *cause)
{
	if (l->faults++ < FAULTS_TOLD)
		l->told = talloc_asprintf_append(l->told, "%sline %zu: %s", l->told[0] ? "; " : "", number, cause);
}

/* RFC 4180: fields apart by commas; within quotes a quote is two. NULL where a quote is not closed. */
static const uint8_t *
take_field(struct passage *p, const uint8_t *at, const uint8_t *end, struct slice *out)
{
	uint8_t *kept = memory_grow(p, NULL, 1, (size_t)(end - at) + 1);
	size_t n = 0;
	bool quoted = at < end && *at == '"';
	for (at += quoted; at < end; at++) {
		if (quoted && *at == '"') {
			if (at + 1 < end && at[1] == '"')
				at++;
			else {
				quoted = false;
				continue;
			}
		} else if (!quoted && *at == ',')
			break;
		kept[n++] = *at;
	}
	*out = slice_of(kept, n);
	return quoted ? NULL : at;
}

static size_t
take_fields(struct passage *p, struct slice line, struct slice fields[COLUMNS])
{
	const uint8_t *at = line.data, *end = line.data + line.size;
	size_t n = 0;
	while (at && n < COLUMNS) {
		at = take_field(p, at, end, &fields[n++]);
		if (!at)
			return 0;
		if (at == end)
			return n;
		at++;
	}
	return 0;
}

static json_t *
object_of_csv(struct lines *l, struct slice line, const char **why)
{
	struct slice fields[COLUMNS];
	size_t n = take_fields(l->passage, line, fields);
	if (n != l->column_count) {
		*why = "expected as many fields as the head has, quotes closed";
		return NULL;
	}
	json_t *j = json_object();
	for (size_t i = 0; i < n; i++) {
		SCOPED char *name = memory_text(NULL, l->columns[i]);
		json_object_set_new(j, name, json_stringn((const char *)fields[i].data, fields[i].size));
	}
	return j;
}

static void
take_line(struct lines *l, size_t number, struct slice line)
{
	const char *why = "expected a JSON object";
	json_t *j = !text_is_utf8(line) ? NULL
	            : l->column_count   ? object_of_csv(l, line, &why)
	                                : json_loadb((const char *)line.data, line.size, JSON_REJECT_DUPLICATES, NULL);
	why = j && json_is_object(j) ? l->take(l->passage, l->argument, j) : text_is_utf8(line) ? why : "not UTF-8";
	if (why)
		tell(l, number, why);
	json_decref(j);
}

fallible
lines_take(struct passage *p, struct slice body, const char *(*take)(struct passage *, void *, const json_t *), void *argument)
{
	struct lines *l = NEW(p, struct lines);
	size_t number = 0, taken = 0;
	l->passage = p;
	l->take = take;
	l->argument = argument;
	l->told = memory_text(p, LITERAL(""));
	for (struct slice rest = body; rest.size; ) {
		const uint8_t *end = memchr(rest.data, '\n', rest.size);
		size_t size = end ? (size_t)(end - rest.data) : rest.size;
		struct slice line = slice_of(rest.data, size && rest.data[size - 1] == '\r' ? size - 1 : size);
		rest = slice_from(rest, end ? size + 1 : size);
		number++;
		if (!line.size)
			continue;
		if (taken++ == 0 && line.data[0] != '{') {
			l->column_count = take_fields(p, line, l->columns);
			if (!l->column_count)
				return passage_fail(p, E_ARGUMENT, "line %zu: expected a JSON object, or the head of CSV", number);
			continue;
		}
		take_line(l, number, line);
	}
	if (l->faults)
		return passage_fail(p, E_ARGUMENT, "%zu bad lines, and nothing was imported: %s", l->faults, l->told);
	return taken ? NULL : passage_fail(p, E_ARGUMENT, "there is no line");
}
