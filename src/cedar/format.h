/* format.h - private. Tokens with what stands between them, for the formatter. */
#pragma once
#include "cedar/convert.h"
#include "cedar/lex.h"

struct cedar_piece {
	struct cedar_text text;
	int kind;                            /* of the token */
	uint32_t match;                      /* of brackets: the other one; else itself */
	uint32_t start;                      /* columns before this piece if all stood in one line */
	uint32_t remarks;                    /* comments up to and with those before this piece */
	uint32_t remark_first, remark_count; /* comments in lines of their own before it */
	struct cedar_text trailing;          /* comment behind it in its line; size 0: none */
	bool spaced;                         /* a blank stands before it */
	bool roomy;                          /* braces of a condition: blanks inside */
};

struct cedar_pieces {
	struct cedar_piece *items; /* the last is the end */
	struct cedar_text *comments;
	size_t count, capacity, comment_count, comment_capacity;
};

/* cedar_format_text for what is known to parse, or was printed: a strange call is printed, though no text may hold one. */
CEDAR_CHECKED bool cedar_format_parsed(const struct cedar_memory *, struct cedar_text source,
                                       const struct cedar_format *, struct cedar_text *out, struct cedar_fault *);
/* The text must parse. */
CEDAR_CHECKED bool
cedar_pieces_read(struct cedar_pieces *, struct cedar_arena *, struct cedar_text source, struct cedar_fault *);
