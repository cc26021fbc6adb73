/* lex.h - private. The tokens of policies and of schemas. */
#pragma once
#include "cedar/expr.h"

enum cedar_token_kind {
	CEDAR_TOKEN_END,
	CEDAR_TOKEN_BAD, /* the fault is set */
	CEDAR_TOKEN_WORD,
	CEDAR_TOKEN_NUMBER,
	CEDAR_TOKEN_STRING, /* text is between the quotes, still escaped */
	CEDAR_TOKEN_SLOT,
	CEDAR_TOKEN_PATH, /* :: */
	CEDAR_TOKEN_EQUAL,
	CEDAR_TOKEN_NOT_EQUAL,
	CEDAR_TOKEN_LESS_EQUAL,
	CEDAR_TOKEN_GREATER_EQUAL,
	CEDAR_TOKEN_OR,
	CEDAR_TOKEN_AND,
	CEDAR_TOKEN_BYTE = 256 /* + the byte: one of @ . , ; : ( ) { } [ ] < > + - * / % ! = ? */
};

#define CEDAR_TOKEN(byte) (CEDAR_TOKEN_BYTE + (byte))

struct cedar_token {
	int kind;
	uint32_t offset;
	struct cedar_text text;
};

struct cedar_lexer {
	struct cedar_text source;
	size_t at;
	size_t before; /* end of the token before */
	struct cedar_token token;
	struct cedar_fault *fault;
	bool failed;
};

/* Refuses texts that are too long or not UTF-8; reads the first token. */
CEDAR_CHECKED bool cedar_lex_start(struct cedar_lexer *, struct cedar_text source, struct cedar_fault *);
void cedar_lex_next(struct cedar_lexer *);
/* The first non-blank byte behind the current token, 0 at the end; and whether it is twice there. */
char cedar_lex_peek(const struct cedar_lexer *, bool *twice);
bool cedar_lex_is_word(const struct cedar_lexer *, const char *word);
/* Sets the fault at the current token, unless there is one already; always false. */
bool cedar_lex_fail(struct cedar_lexer *, size_t offset, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* "`;`" or "the end", for messages. */
const char *cedar_token_show(const struct cedar_token *, char buffer[64]);
/* Consumes the byte if it is there. */
bool cedar_lex_accept(struct cedar_lexer *, int kind);
CEDAR_CHECKED bool cedar_lex_expect(struct cedar_lexer *, int kind, const char *what);

/* Escapes undone; on failure sets the fault. */
CEDAR_CHECKED bool
cedar_unescape(struct cedar_lexer *, struct cedar_arena *, const struct cedar_token *, struct cedar_text *out);
CEDAR_CHECKED bool cedar_unescape_pattern(struct cedar_lexer *, struct cedar_arena *, const struct cedar_token *,
                                          struct cedar_pattern *out);
