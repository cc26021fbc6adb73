/* parse.h - private. Policies and expressions out of Cedar text. */
#pragma once
#include "cedar/lex.h"

struct cedar_parser {
	struct cedar_lexer lexer;
	struct cedar_maker maker;
	struct cedar_arena *arena;
	unsigned depth;
};

CEDAR_CHECKED bool cedar_parser_start(struct cedar_parser *, struct cedar_arena *, struct cedar_text source, struct cedar_fault *);
/* NULL on failure; the fault is set. */
const struct cedar_expr *cedar_parse_expr(struct cedar_parser *);
/* Name := word {"::" word}, as one text without blanks. */
CEDAR_CHECKED bool cedar_parse_name(struct cedar_parser *, struct cedar_text *out);
/* Name "::" string */
CEDAR_CHECKED bool cedar_parse_uid(struct cedar_parser *, struct cedar_uid *out);
/* One policy or template, without its id. */
CEDAR_CHECKED bool cedar_parse_policy(struct cedar_parser *, struct cedar_policy *out);
bool cedar_parse_out_of_memory(struct cedar_parser *);

/* The parts of cedar_parse_expr, in their files. NULL on failure; the fault is set. */
struct cedar_parse_list {
	const struct cedar_expr **items;
	struct cedar_text *names;
	size_t count, capacity, name_capacity;
};

const struct cedar_expr *cedar_parse_made(struct cedar_parser *, const struct cedar_expr *);
bool cedar_parse_list_add(struct cedar_parser *, struct cedar_parse_list *, const struct cedar_expr *);
/* Items up to the closing byte, which is consumed; a comma may follow the last. */
bool cedar_parse_items(struct cedar_parser *, struct cedar_parse_list *, char close);
bool cedar_parse_key(struct cedar_parser *, struct cedar_text *out);
const struct cedar_expr *cedar_parse_set(struct cedar_parser *);
const struct cedar_expr *cedar_parse_record(struct cedar_parser *);
const struct cedar_expr *cedar_parse_number(struct cedar_parser *, bool negative);
const struct cedar_expr *cedar_parse_member(struct cedar_parser *);
