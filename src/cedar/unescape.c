/* unescape.c - string literals and like patterns. */
#include "cedar/lex.h"

struct reader {
	struct cedar_text text;
	size_t at;
};

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* \xNN, at most 7F */
static const char *
read_hex(struct reader *reader, uint32_t *point)
{
	int high, low;

	if (reader->text.size - reader->at < 2)
		return "\\x takes two hexadecimal digits";
	high = hex_digit(reader->text.data[reader->at]);
	low = hex_digit(reader->text.data[reader->at + 1]);
	if (high < 0 || low < 0)
		return "\\x takes two hexadecimal digits";
	reader->at += 2;
	*point = (uint32_t)(high * 16 + low);
	return *point > 0x7F ? "\\x reaches up to \\x7F; write \\u{…} beyond" : NULL;
}

/* \u{…}, one to six digits, underscores between them */
static const char *
read_unicode(struct reader *reader, uint32_t *point)
{
	size_t digits = 0;

	*point = 0;
	if (reader->at >= reader->text.size || reader->text.data[reader->at] != '{')
		return "\\u is written \\u{…}";
	for (reader->at++; reader->at < reader->text.size; reader->at++) {
		char c = reader->text.data[reader->at];

		if (c == '}')
			break;
		if (c == '_' && digits > 0)
			continue;
		if (hex_digit(c) < 0)
			return "\\u{…} takes hexadecimal digits";
		if (++digits > 6)
			return "\\u{…} takes at most six digits";
		*point = *point << 4 | (uint32_t)hex_digit(c);
	}
	if (reader->at >= reader->text.size || digits == 0)
		return "\\u{…} takes one to six digits and a closing brace";
	reader->at++;
	if (*point > 0x10FFFF || (*point >= 0xD800 && *point <= 0xDFFF))
		return "this is no Unicode character";
	return NULL;
}

static const char *
read_escape(struct reader *reader, uint32_t *point)
{
	static const char names[] = "nrt\\0'\"", values[] = "\n\r\t\\\0'\"";
	char c = reader->text.data[reader->at++];
	const char *found = memchr(names, c, sizeof names - 1);

	if (c == 'x')
		return read_hex(reader, point);
	if (c == 'u')
		return read_unicode(reader, point);
	if (found == NULL)
		return "there is no such escape; they are \\n \\r \\t \\\\ \\0 \\' \\\" \\xNN \\u{N}";
	*point = (uint32_t)values[found - names];
	return NULL;
}

/* One character, escapes undone. *star: an escaped star of a pattern, which stands for itself. */
static const char *
read_character(struct reader *reader, bool pattern, uint32_t *point, bool *star)
{
	*star = false;
	if (reader->text.data[reader->at] == '\r')
		return "a carriage return in a string is written \\r";
	if (reader->text.data[reader->at] != '\\') {
		*point = cedar_utf8_next(reader->text, &reader->at);
		return NULL;
	}
	reader->at++;
	if (pattern && reader->at < reader->text.size && reader->text.data[reader->at] == '*') {
		reader->at++;
		*point = '*';
		*star = true;
		return NULL;
	}
	return read_escape(reader, point);
}

static bool
is_plain(struct cedar_text text)
{
	return text.size == 0 ||
	       (memchr(text.data, '\\', text.size) == NULL && memchr(text.data, '\r', text.size) == NULL);
}

bool
cedar_unescape(struct cedar_lexer *lexer, struct cedar_arena *arena, const struct cedar_token *token,
               struct cedar_text *out)
{
	struct reader reader = { token->text, 0 };
	char *data;
	size_t size = 0;

	if (is_plain(token->text)) {
		*out = token->text;
		return true;
	}
	data = cedar_arena_take(arena, token->text.size + 1);
	if (data == NULL)
		return cedar_lex_fail(lexer, token->offset, "out of memory");
	while (reader.at < reader.text.size) {
		size_t start = reader.at;
		uint32_t point;
		bool star;
		const char *wrong = read_character(&reader, false, &point, &star);

		if (wrong != NULL)
			return cedar_lex_fail(lexer, token->offset + 1 + start, "%s", wrong);
		size += cedar_utf8_put(point, data + size);
	}
	data[size] = '\0';
	*out = (struct cedar_text){ data, size };
	return true;
}

static size_t
piece_count(struct cedar_lexer *lexer, const struct cedar_token *token)
{
	struct reader reader = { token->text, 0 };
	size_t count = 1;

	while (reader.at < reader.text.size) {
		size_t start = reader.at;
		uint32_t point;
		bool star;
		const char *wrong = read_character(&reader, true, &point, &star);

		if (wrong != NULL) {
			cedar_lex_fail(lexer, token->offset + 1 + start, "%s", wrong);
			return 0;
		}
		count += point == '*' && !star;
	}
	return count;
}

bool
cedar_unescape_pattern(struct cedar_lexer *lexer, struct cedar_arena *arena, const struct cedar_token *token,
                       struct cedar_pattern *out)
{
	struct reader reader = { token->text, 0 };
	size_t count = piece_count(lexer, token), size = 0, start = 0, piece = 0;
	struct cedar_text *pieces;
	char *data;

	if (count == 0)
		return false;
	data = cedar_arena_take(arena, token->text.size + 1);
	pieces = cedar_arena_take(arena, count * sizeof *pieces);
	if (data == NULL || pieces == NULL)
		return cedar_lex_fail(lexer, token->offset, "out of memory");
	while (reader.at < reader.text.size) {
		uint32_t point = 0;
		bool star;

		(void)read_character(&reader, true, &point, &star);
		if (point == '*' && !star) {
			pieces[piece++] = (struct cedar_text){ data + start, size - start };
			start = size;
		} else {
			size += cedar_utf8_put(point, data + size);
		}
	}
	pieces[piece++] = (struct cedar_text){ data + start, size - start };
	*out = (struct cedar_pattern){ piece, pieces };
	return true;
}
