/* json_scalar.c - strings, numbers and words of JSON. */
#include "cedar/json_read.h"

static bool
fail(struct cedar_json_reader *reader, const char *message)
{
	return cedar_json_fail(reader, message);
}

static bool
read_word(struct cedar_json_reader *reader, const char *word)
{
	size_t size = strlen(word);

	if (reader->source.size - reader->at < size || memcmp(reader->source.data + reader->at, word, size) != 0)
		return fail(reader, "expected a value");
	reader->at += size;
	return true;
}

static bool
read_four(struct cedar_json_reader *reader, uint32_t *out)
{
	size_t i;

	*out = 0;
	if (reader->source.size - reader->at < 4)
		return fail(reader, "\\u takes four hexadecimal digits");
	for (i = 0; i < 4; i++) {
		char c = reader->source.data[reader->at++];
		int digit = c >= '0' && c <= '9'                     ? c - '0'
		            : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
		                                                     : -1;

		if (digit < 0)
			return fail(reader, "\\u takes four hexadecimal digits");
		*out = *out << 4 | (uint32_t)digit;
	}
	return true;
}

static bool
read_unicode(struct cedar_json_reader *reader, uint32_t *point)
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
read_escape(struct cedar_json_reader *reader, uint32_t *point)
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
string_span(const struct cedar_json_reader *reader)
{
	size_t at = reader->at;

	while (at < reader->source.size && reader->source.data[at] != '"')
		at += reader->source.data[at] == '\\' ? 2 : 1;
	return at - reader->at;
}

bool
cedar_json_read_string(struct cedar_json_reader *reader, struct cedar_text *out)
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
skip_digits(struct cedar_json_reader *reader)
{
	size_t start = reader->at;

	while (reader->at < reader->source.size && reader->source.data[reader->at] >= '0' &&
	       reader->source.data[reader->at] <= '9')
		reader->at++;
	return reader->at - start;
}

static char
here(const struct cedar_json_reader *reader)
{
	return reader->at < reader->source.size ? reader->source.data[reader->at] : '\0';
}

static bool
read_fraction(struct cedar_json_reader *reader, struct cedar_json *out)
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
read_number(struct cedar_json_reader *reader, struct cedar_json *out)
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

bool
cedar_json_read_scalar(struct cedar_json_reader *reader, struct cedar_json *out)
{
	char first = here(reader);

	switch (first) {
	case '"':
		out->kind = CEDAR_JSON_STRING;
		return cedar_json_read_string(reader, &out->text);
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
