/* json.c - strict JSON. */
#include "cedar/json.h"

struct reader {
	struct cedar_arena *arena;
	struct cedar_text source;
	size_t at;
	unsigned depth;
	struct cedar_fault *fault;
};

static bool read_value(struct reader *, struct cedar_json *);

static bool
fail(struct reader *reader, const char *message)
{
	return cedar_fault_set(reader->fault, reader->source, reader->at, "JSON: %s", message);
}

static char
skip_blank(struct reader *reader)
{
	while (reader->at < reader->source.size && memchr(" \t\r\n", reader->source.data[reader->at], 4) != NULL)
		reader->at++;
	return reader->at < reader->source.size ? reader->source.data[reader->at] : '\0';
}

static bool
read_word(struct reader *reader, const char *word)
{
	size_t size = strlen(word);

	if (reader->source.size - reader->at < size || memcmp(reader->source.data + reader->at, word, size) != 0)
		return fail(reader, "expected a value");
	reader->at += size;
	return true;
}

static bool
read_four(struct reader *reader, uint32_t *out)
{
	size_t i;

	*out = 0;
	if (reader->source.size - reader->at < 4)
		return fail(reader, "\\u takes four hexadecimal digits");
	for (i = 0; i < 4; i++) {
		char c = reader->source.data[reader->at++];
		int digit = c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;

		if (digit < 0)
			return fail(reader, "\\u takes four hexadecimal digits");
		*out = *out << 4 | (uint32_t)digit;
	}
	return true;
}

static bool
read_unicode(struct reader *reader, uint32_t *point)
{
	uint32_t low;

	if (!read_four(reader, point))
		return false;
	if (*point >= 0xDC00 && *point <= 0xDFFF)
		return fail(reader, "half a surrogate pair");
	if (*point < 0xD800 || *point > 0xDBFF)
		return true;
	if (reader->source.size - reader->at < 2 || memcmp(reader->source.data + reader->at, "\\u", 2) != 0)
		return fail(reader, "half a surrogate pair");
	reader->at += 2;
	if (!read_four(reader, &low))
		return false;
	if (low < 0xDC00 || low > 0xDFFF)
		return fail(reader, "half a surrogate pair");
	*point = 0x10000 + ((*point - 0xD800) << 10) + (low - 0xDC00);
	return true;
}

static bool
read_escape(struct reader *reader, uint32_t *point)
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	const char *found;
	char c;

	if (reader->at >= reader->source.size)
		return fail(reader, "a string is never closed");
	c = reader->source.data[reader->at++];
	if (c == 'u')
		return read_unicode(reader, point);
	found = memchr(names, c, sizeof names - 1);
	if (found == NULL)
		return fail(reader, "there is no such escape");
	*point = (uint32_t)values[found - names];
	return true;
}

/* How far the string reaches, quotes not counted; escapes only make it shorter. */
static size_t
string_span(const struct reader *reader)
{
	size_t at = reader->at;

	while (at < reader->source.size && reader->source.data[at] != '"')
		at += reader->source.data[at] == '\\' ? 2 : 1;
	return at - reader->at;
}

static bool
read_string(struct reader *reader, struct cedar_text *out)
{
	char *data;
	size_t size = 0;

	reader->at++;
	data = cedar_arena_take(reader->arena, string_span(reader) + 1);
	if (data == NULL)
		return fail(reader, "out of memory");
	for (;;) {
		char c;
		uint32_t point;

		if (reader->at >= reader->source.size)
			return fail(reader, "a string is never closed");
		c = reader->source.data[reader->at];
		if ((unsigned char)c < 0x20)
			return fail(reader, "a control character in a string");
		reader->at++;
		if (c == '"')
			break;
		if (c != '\\') {
			data[size++] = c;
			continue;
		}
		if (!read_escape(reader, &point))
			return false;
		size += cedar_utf8_put(point, data + size);
	}
	data[size] = '\0';
	*out = (struct cedar_text){ data, size };
	return true;
}

static size_t
skip_digits(struct reader *reader)
{
	size_t start = reader->at;

	while (reader->at < reader->source.size && reader->source.data[reader->at] >= '0' && reader->source.data[reader->at] <= '9')
		reader->at++;
	return reader->at - start;
}

static char
here(const struct reader *reader)
{
	return reader->at < reader->source.size ? reader->source.data[reader->at] : '\0';
}

static bool
read_fraction(struct reader *reader, struct cedar_json *out)
{
	if (here(reader) == '.') {
		out->kind = CEDAR_JSON_REAL;
		reader->at++;
		if (skip_digits(reader) == 0)
			return fail(reader, "expected digits");
	}
	if (here(reader) == 'e' || here(reader) == 'E') {
		out->kind = CEDAR_JSON_REAL;
		reader->at++;
		if (here(reader) == '+' || here(reader) == '-')
			reader->at++;
		if (skip_digits(reader) == 0)
			return fail(reader, "expected digits");
	}
	return true;
}

static bool
read_number(struct reader *reader, struct cedar_json *out)
{
	bool negative = here(reader) == '-';
	size_t start, digits, i;
	int64_t number = 0;

	reader->at += negative;
	start = reader->at;
	digits = skip_digits(reader);
	if (digits == 0 || (digits > 1 && reader->source.data[start] == '0'))
		return fail(reader, "expected a value");
	out->kind = CEDAR_JSON_LONG;
	for (i = 0; i < digits; i++) {
		int digit = reader->source.data[start + i] - '0';

		if (__builtin_mul_overflow(number, 10, &number) ||
			__builtin_add_overflow(number, negative ? -digit : digit, &number))
			out->kind = CEDAR_JSON_REAL;
	}
	out->number = number;
	if (negative && digits == 1 && number == 0)
		out->kind = CEDAR_JSON_REAL; /* minus zero is no integer */
	return read_fraction(reader, out);
}

static bool
read_array(struct reader *reader, struct cedar_json *out)
{
	struct cedar_json *items = NULL;
	size_t count = 0, capacity = 0;

	out->kind = CEDAR_JSON_ARRAY;
	reader->at++;
	if (skip_blank(reader) == ']') {
		reader->at++;
		return true;
	}
	for (;;) {
		if (!cedar_arena_grow(reader->arena, (void **)&items, count, &capacity, sizeof *items))
			return fail(reader, "out of memory");
		if (!read_value(reader, &items[count++]))
			return false;
		if (skip_blank(reader) != ',')
			break;
		reader->at++;
	}
	if (here(reader) != ']')
		return fail(reader, "expected `,` or `]`");
	reader->at++;
	out->items = items;
	out->count = count;
	return true;
}

static bool
names_distinct(struct reader *reader, const struct cedar_json_field *fields, size_t count)
{
	struct cedar_text *sorted;
	size_t i, j;

	if (count <= 16) {
		for (i = 1; i < count; i++)
			for (j = 0; j < i; j++)
				if (cedar_text_equal(fields[i].name, fields[j].name))
					return fail(reader, "a name comes twice in this object");
		return true;
	}
	sorted = cedar_arena_take(reader->arena, count * sizeof *sorted);
	if (sorted == NULL)
		return fail(reader, "out of memory");
	for (i = 0; i < count; i++)
		sorted[i] = fields[i].name;
	cedar_texts_sort(sorted, count);
	for (i = 1; i < count; i++)
		if (cedar_text_equal(sorted[i - 1], sorted[i]))
			return fail(reader, "a name comes twice in this object");
	return true;
}

static bool
read_field(struct reader *reader, struct cedar_json_field *field)
{
	if (skip_blank(reader) != '"')
		return fail(reader, "expected a name in quotes");
	if (!read_string(reader, &field->name))
		return false;
	if (skip_blank(reader) != ':')
		return fail(reader, "expected `:`");
	reader->at++;
	return read_value(reader, &field->value);
}

static bool
read_object(struct reader *reader, struct cedar_json *out)
{
	struct cedar_json_field *fields = NULL;
	size_t count = 0, capacity = 0;

	out->kind = CEDAR_JSON_OBJECT;
	reader->at++;
	if (skip_blank(reader) == '}') {
		reader->at++;
		return true;
	}
	for (;;) {
		if (!cedar_arena_grow(reader->arena, (void **)&fields, count, &capacity, sizeof *fields))
			return fail(reader, "out of memory");
		if (!read_field(reader, &fields[count++]))
			return false;
		if (skip_blank(reader) != ',')
			break;
		reader->at++;
	}
	if (here(reader) != '}')
		return fail(reader, "expected `,` or `}`");
	reader->at++;
	out->fields = fields;
	out->field_count = count;
	return names_distinct(reader, fields, count);
}

static bool
read_by_first(struct reader *reader, char first, struct cedar_json *out)
{
	switch (first) {
	case '{':
		return read_object(reader, out);
	case '[':
		return read_array(reader, out);
	case '"':
		out->kind = CEDAR_JSON_STRING;
		return read_string(reader, &out->text);
	case 't':
	case 'f':
		out->kind = CEDAR_JSON_BOOL;
		out->truth = first == 't';
		return read_word(reader, first == 't' ? "true" : "false");
	case 'n':
		out->kind = CEDAR_JSON_NULL;
		return read_word(reader, "null");
	default:
		return read_number(reader, out);
	}
}

static bool
read_value(struct reader *reader, struct cedar_json *out)
{
	char first = skip_blank(reader);
	bool read;

	memset(out, 0, sizeof *out);
	out->offset = (uint32_t)reader->at;
	if (++reader->depth > CEDAR_DEPTH_MAX)
		return fail(reader, "nested too deep");
	read = read_by_first(reader, first, out);
	out->end = (uint32_t)reader->at;
	reader->depth--;
	return read;
}

bool
cedar_json_parse(struct cedar_arena *arena, struct cedar_text source, struct cedar_json *out, struct cedar_fault *fault)
{
	struct reader reader = { .arena = arena, .source = source, .fault = fault };

	if (source.size > CEDAR_SOURCE_MAX)
		return cedar_fault_set(fault, (struct cedar_text){ 0 }, 0, "JSON: the text is longer than %d bytes",
			(int)CEDAR_SOURCE_MAX);
	reader.at = cedar_text_utf8_span(source);
	if (reader.at < source.size)
		return fail(&reader, "the text is not UTF-8 here");
	reader.at = 0;
	if (!read_value(&reader, out))
		return false;
	skip_blank(&reader);
	return reader.at == source.size || fail(&reader, "something stands behind the value");
}

const struct cedar_json *
cedar_json_get(const struct cedar_json *json, const char *name)
{
	size_t i;

	if (json == NULL || json->kind != CEDAR_JSON_OBJECT)
		return NULL;
	for (i = 0; i < json->field_count; i++)
		if (cedar_text_is(json->fields[i].name, name))
			return &json->fields[i].value;
	return NULL;
}

bool
cedar_json_is(const struct cedar_json *json, const char *text)
{
	return json != NULL && json->kind == CEDAR_JSON_STRING && cedar_text_is(json->text, text);
}

void
cedar_json_write(struct cedar_writer *writer, struct cedar_text text)
{
	static const char plain[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
	size_t i;

	cedar_write_byte(writer, '"');
	for (i = 0; i < text.size; i++) {
		char c = text.data[i];
		const char *found = memchr(plain, c, sizeof plain - 1);

		if (found != NULL) {
			cedar_write_byte(writer, '\\');
			cedar_write_byte(writer, names[found - plain]);
		} else if ((unsigned char)c < 0x20) {
			cedar_write_format(writer, "\\u%04x", (unsigned)(unsigned char)c);
		} else {
			cedar_write_byte(writer, c);
		}
	}
	cedar_write_byte(writer, '"');
}
