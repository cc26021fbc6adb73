/* tree.h - private: reading libpg_query's parse tree where it lies, in Protocol Buffers' wire format, without copying.
 *
 * Which field holds what comes from pg_query.proto (tree.py). Walks use a stack of their own, never recursion.
 */
#pragma once
#include "base/slice.h"
#include "postgres/pg_tree.h"

enum { TREE_TEXT = -1, TREE_NUMBER = -2 };

struct tree_field {
	int number;
	int holds;                      /* a TREE_… type, or one of the above */
};

struct tree_type {
	const char *name;
	const struct tree_field *fields;        /* ends with number 0 */
};

extern const struct tree_type tree_types[TREE_TYPES];

/* A node; a TREE_NODE is always the thing it wraps. */
struct node {
	int type;                       /* -1: none */
	struct slice bytes;
};

/* A field of a node: its number, and value or bytes. */
struct tree_value {
	int number, holds;
	uint64_t value;
	struct slice bytes;
};

/* The next field, in the order of the wire; takes it off `rest`. False at the end, or where the bytes are not of this form. */
bool tree_next(int type, struct slice *rest, struct tree_value *);

/* The node in the field (the `nth` from 0 of a repeated one); type -1 where there is none. */
struct node tree_node(struct node, int field, size_t nth);
struct slice tree_text(struct node, int field);
uint64_t tree_number(struct node, int field);
size_t tree_count(struct node, int field);
/* The text of the nth String (or of the value of an A_Const of one) in a repeated field; empty where it is none. */
struct slice tree_string(struct node, int field, size_t nth);

/* Visits `root` and everything below it; `visit` returns false to leave out what is below a node. False: the bytes are
 * not of this form, or nest deeper than `most` nodes at once wait. */
bool tree_walk(struct node root, bool (*visit)(void *, struct node), void *argument);
