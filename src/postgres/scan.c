#include "postgres/scan.h"

#include <ctype.h>

static bool
begins_word(uint8_t c)
{
	return isalpha(c) || c == '_' || c >= 0x80;
}

static bool
goes_on(uint8_t c)
{
	return begins_word(c) || isdigit(c) || c == '$';
}

static uint8_t
at(struct slice s, size_t i)
{
	return i < s.size ? s.data[i] : 0;
}

/* From the opening quote at `from`; a quote that is doubled (or, if so told, behind a backslash) is inside. */
static size_t
end_of_quoted(struct slice s, size_t from, uint8_t quote, bool escapes)
{
	size_t i = from + 1;
	for (; i < s.size; i++) {
		if (escapes && s.data[i] == '\\')
			i++;
		else if (s.data[i] == quote && at(s, i + 1) == quote)
			i++;
		else if (s.data[i] == quote)
			return i + 1;
	}
	return s.size;
}

/* $tag$…$tag$; 0: it is none. */
static size_t
end_of_dollar(struct slice s)
{
	size_t tag = 1;
	if (at(s, 1) != '$' && !begins_word(at(s, 1)))
		return 0;
	while (tag < s.size && s.data[tag] != '$' && goes_on(s.data[tag]))
		tag++;
	if (at(s, tag++) != '$')
		return 0;
	const uint8_t *end = memmem(s.data + tag, s.size - tag, s.data, tag);
	return end ? (size_t)(end - s.data) + tag : s.size;
}

static size_t
end_of_comment(struct slice s)
{
	size_t depth = 0, i = 0;
	while (i < s.size) {
		if (s.data[i] == '/' && at(s, i + 1) == '*') {
			depth++;
			i += 2;
		} else if (s.data[i] == '*' && at(s, i + 1) == '/') {
			i += 2;
			if (--depth == 0)
				return i;
		} else
			i++;
	}
	return s.size;
}

static size_t
end_of_space(struct slice s)
{
	size_t i = 0;
	for (;;) {
		while (i < s.size && (isspace(s.data[i]) || s.data[i] == '\v'))
			i++;
		if (at(s, i) == '-' && at(s, i + 1) == '-')
			while (i < s.size && s.data[i] != '\n' && s.data[i] != '\r')
				i++;
		else if (at(s, i) == '/' && at(s, i + 1) == '*')
			i += end_of_comment(slice_from(s, i));
		else
			return i;
	}
}

static size_t
end_of_number(struct slice s)
{
	size_t i = 0;
	while (isalnum(at(s, i)) || at(s, i) == '.' || at(s, i) == '_' ||
	       ((at(s, i) == '+' || at(s, i) == '-') && i && (s.data[i - 1] | 32) == 'e' && isdigit(at(s, i + 1)))) {
		if (at(s, i) == '.' && at(s, i + 1) == '.')
			break;
		i++;
	}
	return i;
}

/* An operator ends before a comment. */
static size_t
end_of_operator(struct slice s)
{
	size_t i = 0;
	while (at(s, i) && strchr("+-*/<>=~!@#%^&|`?", at(s, i))) {
		if (i && ((at(s, i) == '-' && at(s, i + 1) == '-') || (at(s, i) == '/' && at(s, i + 1) == '*')))
			break;
		i++;
	}
	return i;
}

static size_t
prefixed(struct slice s, enum token_kind *kind)
{
	uint8_t first = s.data[0] | 32;
	if ((first == 'u') && at(s, 1) == '&' && (at(s, 2) == '\'' || at(s, 2) == '"')) {
		*kind = at(s, 2) == '"' ? TOKEN_QUOTED_WORD : TOKEN_LITERAL;
		return end_of_quoted(s, 2, s.data[2], false);
	}
	if (strchr("ebxn", first) && at(s, 1) == '\'') {
		*kind = TOKEN_LITERAL;
		return end_of_quoted(s, 1, '\'', first == 'e');
	}
	return 0;
}

static size_t
end_of_token(struct slice s, enum token_kind *kind)
{
	uint8_t c = s.data[0];
	size_t i = end_of_space(s);
	*kind = TOKEN_SPACE;
	if (i)
		return i;
	if (begins_word(c)) {
		if ((i = prefixed(s, kind)) != 0)
			return i;
		*kind = TOKEN_WORD;
		while (i < s.size && goes_on(s.data[i]))
			i++;
		return i;
	}
	*kind = TOKEN_LITERAL;
	if (c == '\'')
		return end_of_quoted(s, 0, '\'', false);
	if (isdigit(c) || (c == '.' && isdigit(at(s, 1))))
		return end_of_number(s);
	if (c == '$' && (i = end_of_dollar(s)) != 0)
		return i;
	*kind = c == '"' ? TOKEN_QUOTED_WORD : c == '$' ? TOKEN_PARAMETER : TOKEN_OPERATOR;
	if (c == '"')
		return end_of_quoted(s, 0, '"', false);
	if (c == '$') {
		i = 1;
		while (isdigit(at(s, i)))
			i++;
		return i;
	}
	if ((i = end_of_operator(s)) != 0)
		return i;
	if (c == ':' && at(s, 1) == ':')
		return 2;
	*kind = TOKEN_SELF;
	return 1;
}

struct token
scan_next(struct slice *rest)
{
	struct token t = { .kind = TOKEN_END };
	if (rest->size == 0)
		return t;
	size_t size = end_of_token(*rest, &t.kind);
	t.text = slice_of(rest->data, size);
	*rest = slice_from(*rest, size);
	return t;
}

/* ---- depth ---- */

static bool
word_is(struct slice word, const char *list)
{
	char lower[20];
	if (word.size > 16)
		return false;
	lower[0] = ' ';
	for (size_t i = 0; i < word.size; i++)
		lower[i + 1] = (char)tolower(word.data[i]);
	lower[word.size + 1] = ' ';
	lower[word.size + 2] = '\0';
	return strstr(list, lower) != NULL;
}

/* What deepens an expression until a comma, AND or OR ends it, and what deepens all around it. */
#define DEEPENS " not is isnull notnull collate at like ilike similar between in overlaps operator escape "
#define SURROUNDS " union intersect except join case select values with "

struct level {
	unsigned chain, most, around;
};

static unsigned
level_depth(const struct level *l)
{
	return l->chain + l->around;
}

static void
deepen(struct level *l, const struct token *t)
{
	if (t->kind == TOKEN_OPERATOR)
		l->chain++;
	else if (t->kind == TOKEN_WORD && word_is(t->text, DEEPENS))
		l->chain++;
	else if (t->kind == TOKEN_WORD && word_is(t->text, SURROUNDS))
		l->around++;
	else if (t->kind == TOKEN_WORD && word_is(t->text, " and or "))
		l->chain = 0;
	else if (t->kind == TOKEN_SELF && t->text.data[0] == ',')
		l->chain = 0;
	else if (t->kind == TOKEN_SELF && t->text.data[0] == ';')
		*l = (struct level){ 0 };
}

unsigned
scan_depth(struct slice text)
{
	struct level levels[SCAN_DEPTH_MAX + 1] = { 0 };
	unsigned depth = 0, outer = 0, most = 0;
	for (struct token t; (t = scan_next(&text)).kind != TOKEN_END; ) {
		uint8_t c = t.kind == TOKEN_SELF ? t.text.data[0] : 0;
		if (c == '(' || c == '[') {
			outer += level_depth(&levels[depth]) + 1;
			if (++depth > SCAN_DEPTH_MAX)
				return depth;
			levels[depth] = (struct level){ 0 };
		} else if ((c == ')' || c == ']') && depth) {
			outer -= level_depth(&levels[--depth]) + 1;
			levels[depth].chain++;
		} else
			deepen(&levels[depth], &t);
		if (outer + level_depth(&levels[depth]) > most)
			most = outer + level_depth(&levels[depth]);
	}
	return most;
}

/* ---- the text for the book ---- */

struct sink {
	char *out;
	size_t size, room;
	bool full;
};

static void
put(struct sink *s, struct slice text)
{
	if (s->size + text.size + 4 > s->room)
		s->full = true;
	if (s->full)
		return;
	memcpy(s->out + s->size, text.data, text.size);
	s->size += text.size;
}

size_t
scan_normal(struct slice text, char *out, size_t room)
{
	struct sink s = { out, 0, room, false };
	bool space = false;
	for (struct token t; !s.full && (t = scan_next(&text)).kind != TOKEN_END; ) {
		if (t.kind == TOKEN_SPACE) {
			space = true;
			continue;
		}
		if (space && s.size)
			put(&s, LITERAL(" "));
		space = false;
		put(&s, t.kind == TOKEN_LITERAL ? LITERAL("?") : t.text);
	}
	if (s.full && room >= 4) {
		while (s.size && (s.out[s.size - 1] & 0xC0) == 0x80)
			s.size--;
		if (s.size && (uint8_t)s.out[s.size - 1] >= 0x80)
			s.size--;
		memcpy(s.out + s.size, "…", 3);
		s.size += 3;
	}
	return s.size;
}
