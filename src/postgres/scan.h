/* scan.h - private: PostgreSQL's tokens, in one pass over the text: before it is parsed, and for the book.
 *
 * libpg_query's parser and writer call themselves for each level of an expression: a text that nests too deeply is
 * refused here (1,000 levels were tried with every construct that nests, on a thread's stack of 8 MiB).
 * As standard_conforming_strings = on and UTF-8 read them, which the gateway pins.
 */
#pragma once
#include "base/slice.h"

enum { SCAN_DEPTH_MAX = 600 };

enum token_kind { TOKEN_END, TOKEN_SPACE, TOKEN_WORD, TOKEN_QUOTED_WORD, TOKEN_LITERAL, TOKEN_PARAMETER, TOKEN_OPERATOR, TOKEN_SELF };

struct token {
	enum token_kind kind;
	struct slice text;
};

struct token scan_next(struct slice *rest);

/* An upper bound of how deeply the parse tree nests. */
unsigned scan_depth(struct slice text);

/* The text with `?` in the place of each literal, without comments, in single spaces; what does not fit is cut off with
 * an ellipsis. Returns the bytes written to `out`. */
size_t scan_normal(struct slice text, char *out, size_t room);
