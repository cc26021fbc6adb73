/* est.h - private. Policies in the JSON format: what the files est_*.c share. */
#pragma once
#include "cedar/json.h"
#include "cedar/policies.h"

struct cedar_est {
	struct cedar_arena *arena; /* of the set that is made; texts are interned there */
	struct cedar_arena *work;  /* until a policy is made */
	struct cedar_maker maker;
	struct cedar_text source;
	struct cedar_fault *fault;
	unsigned depth; /* of the expression that is being read */
};

enum { CEDAR_EST_LEVELS_MAX = 1 << 20 }; /* of JSON: chains of && are nested two levels for each operand */

/* Always false. */
bool cedar_est_fail(struct cedar_est *, const struct cedar_json *at, const char *format, struct cedar_text name);
bool cedar_est_out_of_memory(struct cedar_est *);
/* A copy; false when memory is out. */
CEDAR_CHECKED bool cedar_est_keep(struct cedar_est *, struct cedar_text, struct cedar_text *out);
/* Its texts are not kept. {"type","id"} or {"__entity":{"type","id"}} */
CEDAR_CHECKED bool cedar_est_uid(struct cedar_est *, const struct cedar_json *, struct cedar_uid *out);
CEDAR_CHECKED bool cedar_est_type(struct cedar_est *, const struct cedar_json *, const struct cedar_uid **out);
/* Refuses fields that are not in the list, which ends with NULL; and what is no object. */
CEDAR_CHECKED bool cedar_est_fields(struct cedar_est *, const struct cedar_json *, const char *const *names);
/* What the reference reads as a structure may be an object, or a list of its parts in order of which the last may be missing: the
 * names end with NULL, `least` parts must be there. */
CEDAR_CHECKED bool
cedar_est_structure(struct cedar_est *, const struct cedar_json *, const char *const *names, size_t least);
/* Is it the word, or {word: null}, which is the same to the reference? */
bool cedar_est_is_word(const struct cedar_json *, const char *word);
/* NULL on failure. */
const struct cedar_expr *cedar_est_expr(struct cedar_est *, const struct cedar_json *);
CEDAR_CHECKED bool cedar_est_policy(struct cedar_est *, const struct cedar_json *, struct cedar_policy *out);

/* One level deeper, to be taken back also on failure; false when that is too deep. */
CEDAR_CHECKED bool cedar_est_enter(struct cedar_est *, const struct cedar_json *at);

/* In est_value.c. NULL on failure. */
const struct cedar_expr *cedar_est_value(struct cedar_est *, const struct cedar_json *);
/* NULL with a fault where making failed: too deep, or no memory. */
const struct cedar_expr *cedar_est_made(struct cedar_est *, const struct cedar_json *at, const struct cedar_expr *);
/* Every item of an array, or value of an object, read by `read`. */
const struct cedar_expr *const *
cedar_est_items(struct cedar_est *, const struct cedar_json *,
                const struct cedar_expr *(*read)(struct cedar_est *, const struct cedar_json *), size_t *count);
/* A set or a record. */
const struct cedar_expr *
cedar_est_list(struct cedar_est *, const struct cedar_json *, enum cedar_node,
               const struct cedar_expr *(*read)(struct cedar_est *, const struct cedar_json *));
const struct cedar_expr *cedar_est_call(struct cedar_est *, const struct cedar_json *at, enum cedar_function,
                                        const struct cedar_expr *const *items, size_t count);

static inline bool
cedar_json_has_kind(const struct cedar_json *json, enum cedar_json_kind kind)
{
	return json != NULL && json->kind == kind;
}

extern const char *const cedar_variable_names[4];

/* In est_write.c. */
void cedar_est_write_policy(struct cedar_writer *, const struct cedar_policy *);
void cedar_est_write_uid(struct cedar_writer *, const struct cedar_uid *);
