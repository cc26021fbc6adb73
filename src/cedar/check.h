/* check.h - private. The validator's parts: capabilities, the checking of expressions, of policies, and its report. */
#pragma once
#include "cedar/policies.h"
#include "cedar/schema.h"
#include "cedar/type_bound.h"

/* What is known to be there: attributes or tags of expressions, because a `has` around says so. A set that never changes, as a
 * tree over the bits of hashes: branches, and leaves that hold what has one hash. NULL is the empty set. */
struct cedar_capability {
	uint64_t hash; /* of a branch: the bits that all below have in common */
	int bit;       /* where those of a branch part; LEAF */
	union {
		const struct cedar_capability *sides[2];
		struct {
			const struct cedar_capability *next; /* of the same hash */
			const struct cedar_expr *object;
			const struct cedar_expr *tag; /* NULL: an attribute */
			struct cedar_text name;
		};
	};
};

enum { CEDAR_CHECK_STEPS_MAX = 1000000 };

/* Variables that only the validator knows, behind those of enum cedar_variable. */
enum { CEDAR_SLOT_PRINCIPAL = 4, CEDAR_SLOT_RESOURCE = 5 };

/* One kind of request that the schema allows. */
struct cedar_environment {
	const struct cedar_action_type *action;
	const struct cedar_entity_type *principal, *resource;
	const struct cedar_entity_type *slots[2]; /* types of ?principal and ?resource, NULL where there is no slot */
};

struct cedar_answer {
	const struct cedar_type *type;        /* NULL: unknown, a fault was found inside */
	const struct cedar_capability *known; /* if the expression is true */
	bool good;
};

struct cedar_checker {
	const struct cedar_schema *schema;
	const struct cedar_policies *policies;
	const struct cedar_policy *policy;
	struct cedar_environment environment;
	struct cedar_arena nodes;   /* for one policy */
	struct cedar_arena scratch; /* for one environment */
	struct cedar_report *report;
	struct cedar_memory memory;
	size_t capacity;
	uint64_t *seen; /* hashes of what was reported for this policy; 0: free */
	size_t seen_count, seen_capacity;
	unsigned steps; /* nodes checked in one environment; operands may be shared, so a small policy can take many */
	struct cedar_bounds bounds; /* over the scratch arena, of the same steps */
	struct cedar_spot spot;     /* the line of the last fault */
	size_t suggested;           /* names that were compared to find one that is near */
	bool failed;                /* out of memory */
};

/* Records a fault once, however many environments it shows in. */
void cedar_check_fail(struct cedar_checker *, uint32_t offset, const char *help, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void cedar_check_warn(struct cedar_checker *, uint32_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The name of a declared entity type or action that is near, as a sentence in the scratch arena; NULL if none is. */
const char *cedar_check_suggest_type(struct cedar_checker *, struct cedar_text name);
const char *cedar_check_suggest_action(struct cedar_checker *, struct cedar_text id);

/* May so many names more be compared? Where a policy set and a schema have little in common, that would take hours. */
bool cedar_check_may_suggest(struct cedar_checker *, size_t names);

struct cedar_answer
cedar_check_expr(struct cedar_checker *, const struct cedar_capability *prior, const struct cedar_expr *);
/* The same, and its type must be of one of the kinds (bits of enum cedar_type_kind). `expected` is for the message. */
struct cedar_answer cedar_check_kind(struct cedar_checker *, const struct cedar_capability *prior,
                                     const struct cedar_expr *, unsigned kinds, const char *expected);
/* The least upper bound; NULL if there is none, or with a fault where it takes too long to find out (`*spent`). */
const struct cedar_type *
cedar_check_bound(struct cedar_checker *, const struct cedar_type *, const struct cedar_type *, bool *spent);
/* Operators of two sides. */
struct cedar_answer
cedar_check_binary(struct cedar_checker *, const struct cedar_capability *prior, const struct cedar_expr *);
struct cedar_answer cedar_check_in(struct cedar_checker *, const struct cedar_capability *prior,
                                   const struct cedar_expr *at, const struct cedar_expr *left,
                                   const struct cedar_expr *right);
struct cedar_answer
cedar_check_is(struct cedar_checker *, const struct cedar_capability *prior, const struct cedar_expr *);
struct cedar_answer
cedar_check_call(struct cedar_checker *, const struct cedar_capability *prior, const struct cedar_expr *);
/* In check_attribute.c. */
struct cedar_answer
cedar_check_attribute(struct cedar_checker *, const struct cedar_capability *prior, const struct cedar_expr *);
struct cedar_answer
cedar_check_has(struct cedar_checker *, const struct cedar_capability *prior, const struct cedar_expr *);
struct cedar_answer
cedar_check_get_tag(struct cedar_checker *, const struct cedar_capability *prior, const struct cedar_expr *);
struct cedar_answer
cedar_check_has_tag(struct cedar_checker *, const struct cedar_capability *prior, const struct cedar_expr *);
struct cedar_answer cedar_check_and(struct cedar_checker *, const struct cedar_capability *prior,
                                    const struct cedar_expr *const *, size_t count);

/* In check_names.c: types and actions that the policy names. */
void cedar_check_names(struct cedar_checker *);
void cedar_check_entity_name(struct cedar_checker *, struct cedar_text name, uint32_t offset);
/* In check_text.c: warns of what may not be what it looks like. */
void cedar_check_texts(struct cedar_checker *);
/* In check_scope.c: does any action apply to what the scope lets through? */
void cedar_check_application(struct cedar_checker *);
/* In check_policy.c: checks the whole condition in every environment. */
void cedar_check_policy(struct cedar_checker *);

uint64_t cedar_expr_hash(const struct cedar_key *, const struct cedar_expr *);
/* False also where comparing would take too long. */
bool cedar_expr_same(const struct cedar_expr *, const struct cedar_expr *);
/* NULL out of no capability at all, and when memory is out. */
const struct cedar_capability *
cedar_known_attribute(struct cedar_checker *, const struct cedar_expr *object, struct cedar_text name);
const struct cedar_capability *
cedar_known_tag(struct cedar_checker *, const struct cedar_expr *object, const struct cedar_expr *tag);
const struct cedar_capability *
cedar_known_union(struct cedar_checker *, const struct cedar_capability *, const struct cedar_capability *);
const struct cedar_capability *
cedar_known_both(struct cedar_checker *, const struct cedar_capability *, const struct cedar_capability *);
bool cedar_known_has(const struct cedar_capability *list, const struct cedar_capability *);

enum {
	CEDAR_BIT_TRUTH = 1u << CEDAR_TYPE_BOOL | 1u << CEDAR_TYPE_TRUE | 1u << CEDAR_TYPE_FALSE,
	CEDAR_BIT_LONG = 1u << CEDAR_TYPE_LONG,
	CEDAR_BIT_STRING = 1u << CEDAR_TYPE_STRING,
	CEDAR_BIT_ENTITY = 1u << CEDAR_TYPE_ENTITY,
	CEDAR_BIT_SET = 1u << CEDAR_TYPE_SET,
	CEDAR_BIT_RECORD = 1u << CEDAR_TYPE_RECORD
};

static inline struct cedar_answer
cedar_answer_good(const struct cedar_type *type)
{
	return (struct cedar_answer){ .type = type, .good = true };
}

static inline struct cedar_answer
cedar_answer_bad(const struct cedar_type *type)
{
	return (struct cedar_answer){ .type = type };
}

/* Good only if what it is made of was good. A bad answer knows nothing. */
static inline struct cedar_answer
cedar_answer_after(bool good, struct cedar_answer answer)
{
	return good ? answer : cedar_answer_bad(answer.type);
}

static inline const struct cedar_type *
cedar_type_of_truth(bool truth)
{
	return truth ? &cedar_type_true : &cedar_type_false;
}
