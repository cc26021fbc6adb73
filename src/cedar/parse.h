/* parse.h - private. Policies and expressions out of Cedar text. */
#pragma once
#include "cedar/lex.h"

struct cedar_parser {
	struct cedar_lexer lexer;
	struct cedar_maker maker;
	struct cedar_arena *arena; /* of what is kept */
	struct cedar_arena *work;  /* for one policy: what grows, before it is kept */
	unsigned depth;
};

CEDAR_CHECKED bool cedar_parser_start(struct cedar_parser *, struct cedar_interner *, struct cedar_arena *work,
                                      struct cedar_text source, struct cedar_fault *);
/* NULL on failure; the fault is set. */
const struct cedar_expr *cedar_parse_expr(struct cedar_parser *);
/* A copy in the kept arena, once for each different text. */
CEDAR_CHECKED bool cedar_parse_keep(struct cedar_parser *, struct cedar_text, struct cedar_text *out);
/* The token, which must be a string, without its escapes. */
CEDAR_CHECKED bool cedar_parse_string(struct cedar_parser *, const struct cedar_token *, struct cedar_text *out);
/* NULL on failure; the fault is set. */
const struct cedar_uid *cedar_parse_type(struct cedar_parser *);
/* A name, with the `::` and the string behind it if it is an entity; else id->kind is CEDAR_TOKEN_BAD. */
CEDAR_CHECKED bool cedar_parse_path(struct cedar_parser *, struct cedar_text *name, struct cedar_token *id);
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
const struct cedar_expr *
cedar_parse_list_made(struct cedar_parser *, const struct cedar_parse_list *, enum cedar_node, size_t offset);
/* Items up to the closing byte, which is consumed; a comma may follow the last. */
bool cedar_parse_items(struct cedar_parser *, struct cedar_parse_list *, char close);
bool cedar_parse_key(struct cedar_parser *, struct cedar_text *out);
const struct cedar_expr *cedar_parse_set(struct cedar_parser *);
const struct cedar_expr *cedar_parse_record(struct cedar_parser *);
const struct cedar_expr *cedar_parse_number(struct cedar_parser *, bool negative);
const struct cedar_expr *cedar_parse_member(struct cedar_parser *);
