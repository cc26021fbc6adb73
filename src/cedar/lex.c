/* lex.c - text to tokens. */
#include "cedar/lex.h"

#include <stdarg.h>
#include <stdio.h>

static bool
is_blank(uint32_t point)
{
	return (point >= 9 && point <= 13) || point == ' ' || point == 0x85 || point == 0xA0 || point == 0x1680 ||
	       (point >= 0x2000 && point <= 0x200A) || point == 0x2028 || point == 0x2029 || point == 0x202F ||
	       point == 0x205F || point == 0x3000;
}

static size_t
skip_blank(struct cedar_text source, size_t at)
{
	while (at < source.size) {
		size_t next = at;

		if (source.data[at] == '/' && at + 1 < source.size && source.data[at + 1] == '/') {
			while (at < source.size && source.data[at] != '\n' && source.data[at] != '\r')
				at++;
			continue;
		}
		if (!is_blank(cedar_utf8_next(source, &next)))
			break;
		at = next;
	}
	return at;
}

static bool
is_word_byte(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (!first && c >= '0' && c <= '9');
}

bool
cedar_lex_fail(struct cedar_lexer *lexer, size_t offset, const char *format, ...)
{
	char message[256];
	va_list list;

	if (lexer->failed)
		return false;
	lexer->failed = true;
	va_start(list, format);
	vsnprintf(message, sizeof message, format, list);
	va_end(list);
	return cedar_fault_set(lexer->fault, lexer->source, offset, "%s", message);
}

static size_t
word_end(struct cedar_text source, size_t at)
{
	while (at < source.size && is_word_byte(source.data[at], false))
		at++;
	return at;
}

static void
token_set(struct cedar_lexer *lexer, int kind, size_t start, size_t end)
{
	lexer->token = (struct cedar_token){ kind, (uint32_t)start, { lexer->source.data + start, end - start } };
	lexer->at = end;
}

static void
lex_string(struct cedar_lexer *lexer, size_t start)
{
	struct cedar_text source = lexer->source;
	size_t at = start + 1;

	while (at < source.size && source.data[at] != '"') {
		if (source.data[at] == '\\' && (at + 1 >= source.size || source.data[++at] == '\n'))
			break;
		at++;
	}
	if (at >= source.size || source.data[at] != '"') {
		cedar_lex_fail(lexer, start, "this string is never closed");
		token_set(lexer, CEDAR_TOKEN_BAD, start, source.size);
		return;
	}
	token_set(lexer, CEDAR_TOKEN_STRING, start, at + 1);
	lexer->token.text = (struct cedar_text){ source.data + start + 1, at - start - 1 };
}

static int
two_byte_kind(char first, char second)
{
	static const struct {
		char bytes[3];
		int kind;
	} pairs[] = {
		{ "::", CEDAR_TOKEN_PATH },       { "==", CEDAR_TOKEN_EQUAL },         { "!=", CEDAR_TOKEN_NOT_EQUAL },
		{ "<=", CEDAR_TOKEN_LESS_EQUAL }, { ">=", CEDAR_TOKEN_GREATER_EQUAL }, { "||", CEDAR_TOKEN_OR },
		{ "&&", CEDAR_TOKEN_AND }
	};
	size_t i;

	for (i = 0; i < sizeof pairs / sizeof *pairs; i++)
		if (pairs[i].bytes[0] == first && pairs[i].bytes[1] == second)
			return pairs[i].kind;
	return CEDAR_TOKEN_BAD;
}

static void
lex_sign(struct cedar_lexer *lexer, size_t start)
{
	char first = lexer->source.data[start];
	char second = start + 1 < lexer->source.size ? lexer->source.data[start + 1] : '\0';
	int kind = two_byte_kind(first, second);

	if (kind != CEDAR_TOKEN_BAD) {
		token_set(lexer, kind, start, start + 2);
	} else if (first == '?' && is_word_byte(second, true)) {
		token_set(lexer, CEDAR_TOKEN_SLOT, start, word_end(lexer->source, start + 1));
	} else if (first != '\0' && strchr("@.,;:(){}[]<>+-*/%!=?", first) != NULL) {
		token_set(lexer, CEDAR_TOKEN(first), start, start + 1);
	} else {
		cedar_lex_fail(lexer, start, "this character begins nothing that Cedar knows");
		if (first == '&' || first == '|')
			cedar_fault_suggest(lexer->fault, "write %c%c", first, first);
		if (first == '\'')
			cedar_fault_suggest(lexer->fault, "strings stand in double quotes");
		token_set(lexer, CEDAR_TOKEN_BAD, start, lexer->source.size);
	}
}

void
cedar_lex_next(struct cedar_lexer *lexer)
{
	size_t start, end;

	lexer->before = lexer->at;
	start = skip_blank(lexer->source, lexer->at);
	if (start >= lexer->source.size) {
		token_set(lexer, CEDAR_TOKEN_END, lexer->source.size, lexer->source.size);
	} else if (is_word_byte(lexer->source.data[start], true)) {
		token_set(lexer, CEDAR_TOKEN_WORD, start, word_end(lexer->source, start));
	} else if (lexer->source.data[start] >= '0' && lexer->source.data[start] <= '9') {
		for (end = start;
		     end < lexer->source.size && lexer->source.data[end] >= '0' && lexer->source.data[end] <= '9';)
			end++;
		token_set(lexer, CEDAR_TOKEN_NUMBER, start, end);
	} else if (lexer->source.data[start] == '"') {
		lex_string(lexer, start);
	} else {
		lex_sign(lexer, start);
	}
}

bool
cedar_lex_start(struct cedar_lexer *lexer, struct cedar_text source, struct cedar_fault *fault)
{
	size_t valid;

	*lexer = (struct cedar_lexer){ .source = source, .fault = fault };
	if (source.size > CEDAR_SOURCE_MAX)
		return cedar_lex_fail(lexer, 0, "the text is longer than %d bytes", (int)CEDAR_SOURCE_MAX);
	valid = cedar_text_utf8_span(source);
	if (valid < source.size)
		return cedar_lex_fail(lexer, valid, "the text is not UTF-8 here");
	cedar_lex_next(lexer);
	return !lexer->failed;
}

char
cedar_lex_peek(const struct cedar_lexer *lexer, bool *twice)
{
	size_t at = skip_blank(lexer->source, lexer->at);
	char byte = at < lexer->source.size ? lexer->source.data[at] : '\0';

	*twice = byte != '\0' && at + 1 < lexer->source.size && lexer->source.data[at + 1] == byte;
	return byte;
}

bool
cedar_lex_is_word(const struct cedar_lexer *lexer, const char *word)
{
	return lexer->token.kind == CEDAR_TOKEN_WORD && cedar_text_is(lexer->token.text, word);
}

const char *
cedar_token_show(const struct cedar_token *token, char buffer[64])
{
	if (token->kind == CEDAR_TOKEN_END)
		return "the end of the text";
	snprintf(buffer, 64, "`%.*s`", token->text.size > 40 ? 40 : (int)token->text.size, token->text.data);
	return buffer;
}

bool
cedar_lex_accept(struct cedar_lexer *lexer, int kind)
{
	if (lexer->token.kind != kind)
		return false;
	cedar_lex_next(lexer);
	return true;
}

bool
cedar_lex_expect(struct cedar_lexer *lexer, int kind, const char *what)
{
	char buffer[64];

	if (cedar_lex_accept(lexer, kind))
		return true;
	return cedar_lex_fail(lexer, lexer->token.offset, "expected %s, found %s", what,
	                      cedar_token_show(&lexer->token, buffer));
}
