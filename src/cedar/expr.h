/* expr.h - private. Expressions and policies as parsed; both text and JSON end here. */
#pragma once
#include "cedar/extension.h"
#include "cedar/intern.h"

/* Keeps what recursion does not need out of its frames, so that deep input fits into small stacks. */
#define CEDAR_APART __attribute__((noinline))

enum cedar_node {
	CEDAR_NODE_LITERAL,
	CEDAR_NODE_VARIABLE,
	CEDAR_NODE_IF,
	CEDAR_NODE_AND, /* of two or more */
	CEDAR_NODE_OR,
	CEDAR_NODE_NOT,
	CEDAR_NODE_NEGATE,
	CEDAR_NODE_EQUAL,
	CEDAR_NODE_NOT_EQUAL,
	CEDAR_NODE_LESS,
	CEDAR_NODE_LESS_EQUAL,
	CEDAR_NODE_GREATER,
	CEDAR_NODE_GREATER_EQUAL,
	CEDAR_NODE_IN,
	CEDAR_NODE_ADD,
	CEDAR_NODE_SUBTRACT,
	CEDAR_NODE_MULTIPLY,
	CEDAR_NODE_CONTAINS,
	CEDAR_NODE_CONTAINS_ALL,
	CEDAR_NODE_CONTAINS_ANY,
	CEDAR_NODE_GET_TAG,
	CEDAR_NODE_HAS_TAG,
	CEDAR_NODE_IS_EMPTY,
	CEDAR_NODE_ATTRIBUTE,
	CEDAR_NODE_HAS,
	CEDAR_NODE_LIKE,
	CEDAR_NODE_IS, /* with `right`: is … in … */
	CEDAR_NODE_SET,
	CEDAR_NODE_RECORD,
	CEDAR_NODE_CALL,
	CEDAR_NODE_STRANGE /* a call of a function that does not exist; only JSON has them */
};

/* How the operands of a node lie. */
enum cedar_form {
	CEDAR_FORM_VALUE,
	CEDAR_FORM_LEAF,
	CEDAR_FORM_ONE,   /* left */
	CEDAR_FORM_TWO,   /* left, right */
	CEDAR_FORM_THREE, /* left, right, third */
	CEDAR_FORM_LIST,  /* items */
	CEDAR_FORM_NAMED, /* object, and a name */
	CEDAR_FORM_LIKE,  /* subject, and a pattern */
	CEDAR_FORM_IS     /* tested, inside (may be NULL), and a type */
};

/* How tightly an expression holds together; what holds looser than its place asks for gets parentheses. */
enum cedar_level {
	CEDAR_LEVEL_IF,
	CEDAR_LEVEL_OR,
	CEDAR_LEVEL_AND,
	CEDAR_LEVEL_RELATION,
	CEDAR_LEVEL_ADD,
	CEDAR_LEVEL_MULTIPLY,
	CEDAR_LEVEL_UNARY,
	CEDAR_LEVEL_MEMBER
};

/* In operators.c: a row for each enum cedar_node. */
struct cedar_operator {
	const char *name; /* in JSON; of infix operators and methods also in texts */
	uint8_t form;     /* enum cedar_form */
	uint8_t level;    /* enum cedar_level */
};

extern const struct cedar_operator cedar_operators[];

enum cedar_variable { CEDAR_PRINCIPAL, CEDAR_ACTION, CEDAR_RESOURCE, CEDAR_CONTEXT };

/* Detail of an && that `has a.b.c` was turned into: its operands share their object, which is then evaluated once. */
enum { CEDAR_HAS_PATH = 1 };

/* The pieces between the stars; a single piece means no star. */
struct cedar_pattern {
	size_t count;
	const struct cedar_text *pieces;
};

/* Of a set: all its items are literals without parts. They then lie one behind the other, sorted, as the value they give. */
enum { CEDAR_CONSTANT = 1 };

/* A node is only as large as its form needs: never copied as a whole. A literal is its value: the head of a node lies in what
 * values of its kinds do not use, so that an array of literals is an array of values. */
struct cedar_expr {
	union {
		struct cedar_value value;
		struct {
			/* enum cedar_variable, enum cedar_function, CEDAR_HAS_PATH, CEDAR_CONSTANT; of literals the kind of
			 * value; where an attribute is taken of a variable, 1 + enum cedar_variable */
			uint8_t detail;
			uint8_t kind;         /* enum cedar_node */
			uint16_t depth : 15;  /* 1 + the deepest operand; 0: a literal, which counts as 1 */
			uint16_t visited : 1; /* by fold.c: operands may be shared */
			uint32_t offset;      /* in the source */
			union {
				struct {
					const struct cedar_expr *left, *right, *third;
				};
				struct { /* no object where it is a variable: see cedar_expr_object */
					const struct cedar_text *name;
					const struct cedar_expr *object;
				};
				struct { /* subject: same place as left */
					const struct cedar_expr *subject;
					const struct cedar_pattern *pattern;
				};
				struct { /* same places as left, right; the id of the type is empty */
					const struct cedar_expr *tested, *inside;
					const struct cedar_uid *type;
				};
				struct {
					uint32_t count;        /* operands */
					uint32_t member_count; /* different members of a constant set */
					union {
						/* not of constant sets: see cedar_expr_operand */
						const struct cedar_expr *const *items;
						const struct cedar_value *members; /* of constant sets */
					};
					union { /* not behind && and || */
						/* of records; of strange calls, their own */
						const struct cedar_text *names;
						/* of other sets and calls: what it always gives, or NULL */
						const struct cedar_value *folded;
						/* of constant sets: which member each operand is; NULL: in order */
						const uint32_t *order;
					};
				};
			};
		};
	};
};

enum cedar_scope_kind { CEDAR_SCOPE_ANY, CEDAR_SCOPE_EQUAL, CEDAR_SCOPE_IN, CEDAR_SCOPE_IS, CEDAR_SCOPE_IS_IN };

enum { CEDAR_SCOPE_COUNT = (1 << 24) - 1 }; /* more fit into no text */

struct cedar_scope {
	const struct cedar_uid *entities; /* one, or `count` of an action's list */
	const struct cedar_uid *type;     /* of is */
	uint32_t offset;
	uint32_t count : 24;
	uint32_t kind : 4; /* enum cedar_scope_kind */
	uint32_t slot : 1; /* the entity is ?principal or ?resource */
	uint32_t list : 1; /* action in […] */
};

struct cedar_annotation {
	struct cedar_text key, value; /* value: data NULL where there is none */
};

/* An expression, and in the lowest bit of its place whether it is an `unless`. */
struct cedar_condition {
	uintptr_t tagged;
};

static inline const struct cedar_expr *
cedar_condition_expr(const struct cedar_condition *condition)
{
	return (const struct cedar_expr *)(condition->tagged & ~(uintptr_t)1);
}

static inline bool
cedar_condition_unless(const struct cedar_condition *condition)
{
	return condition->tagged & 1;
}

static inline struct cedar_condition
cedar_condition_of(const struct cedar_expr *expr, bool unless)
{
	return (struct cedar_condition){ (uintptr_t)expr | unless };
}

struct cedar_policy {
	struct cedar_text id;
	uint32_t start, size; /* its span of the text that it is from */
	uint32_t offset;      /* of the effect in that text */
	bool forbids;
	uint8_t slots; /* 1: ?principal, 2: ?resource */
	uint8_t annotation_count;
	uint32_t condition_count;
	struct cedar_scope principal, action, resource;
	const struct cedar_condition *conditions; /* behind them the annotations */
	const struct cedar_policy *template;      /* of a link */
};

static inline const struct cedar_annotation *
cedar_policy_annotations(const struct cedar_policy *policy)
{
	return (const struct cedar_annotation *)(policy->conditions + policy->condition_count);
}

/* Copies both into the arena, which the policy then has; false when memory is out. */
CEDAR_CHECKED bool cedar_policy_furnish(struct cedar_arena *, const struct cedar_condition *, size_t condition_count,
                                        const struct cedar_annotation *, size_t annotation_count,
                                        struct cedar_policy *);

/* CEDAR_NODE_CALL if there is none of that name. */
enum cedar_node cedar_operator_find(struct cedar_text);
size_t cedar_expr_size(enum cedar_node);
/* What a literal, or a set or call of literals, always gives; false if it is none. */
bool cedar_expr_constant(const struct cedar_expr *, struct cedar_value *out);
/* The operands of any node, in the order of evaluation: what walks expressions walks by these. */
size_t cedar_expr_operands(const struct cedar_expr *);
const struct cedar_expr *cedar_expr_operand(const struct cedar_expr *, size_t index);
/* Visits the expression and all below it, outer ones first, until the visitor answers false or `most` were visited; false
 * then. Operands that are shared are visited each time. */
bool cedar_expr_each(const struct cedar_expr *, size_t most, bool (*visit)(void *context, const struct cedar_expr *),
                     void *context);

/* Node makers share this; `failed` once memory is out or a limit was met. */
struct cedar_maker {
	struct cedar_arena *arena;
	struct cedar_interner *interner; /* over the same arena */
	struct cedar_expr *spare[5];     /* nodes that were given up, by size in words */
	uint32_t base;                   /* where in the source the text begins that offsets are in */
	const uint32_t *places;          /* or, if not NULL, where each byte of it stands, and its end */
	bool too_deep;
};

/* By enum cedar_variable; what an attribute is taken of needs no node of its own. */
extern const struct cedar_expr cedar_variables[4];

static inline const struct cedar_expr *
cedar_expr_object(const struct cedar_expr *expr)
{
	return expr->detail ? &cedar_variables[expr->detail - 1] : expr->object;
}

/* An offset in the text that is read, as one in the source: they differ where policies stand in JSON. */
static inline uint32_t
cedar_maker_place(const struct cedar_maker *maker, size_t offset)
{
	return maker->places != NULL ? maker->places[offset] : maker->base + (uint32_t)offset;
}

struct cedar_expr *cedar_make(struct cedar_maker *, enum cedar_node, size_t offset);
const struct cedar_expr *cedar_make_value(struct cedar_maker *, size_t offset, struct cedar_value);
const struct cedar_expr *cedar_make_operation(struct cedar_maker *, enum cedar_node, size_t offset,
                                              const struct cedar_expr *, const struct cedar_expr *,
                                              const struct cedar_expr *);
/* The items and names are copied. */
const struct cedar_expr *cedar_make_list(struct cedar_maker *, enum cedar_node, size_t offset,
                                         const struct cedar_expr *const *items, const struct cedar_text *names,
                                         size_t count);
const struct cedar_expr *cedar_make_named(struct cedar_maker *, enum cedar_node, size_t offset,
                                          const struct cedar_expr *, struct cedar_text name);
/* object has a.b.c */
const struct cedar_expr *cedar_make_has_path(struct cedar_maker *, size_t offset, const struct cedar_expr *,
                                             const struct cedar_text *names, size_t count);

/* Is the word one that no name may be: true, false, if, then, else, in, is, like, has, __cedar. */
bool cedar_word_reserved(struct cedar_text);
bool cedar_word_valid(struct cedar_text);
/* Words joined by "::", none reserved. */
bool cedar_name_valid(struct cedar_text);
/* The last word of a name. */
struct cedar_text cedar_name_base(struct cedar_text);
bool cedar_is_action_type(struct cedar_text);
