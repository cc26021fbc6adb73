/* evaluate_parts.h - private to the files evaluate*.c. */
#pragma once
#include "cedar/evaluate.h"

/* Always false. */
bool cedar_evaluate_fail(struct cedar_evaluation *, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool cedar_fail_type(struct cedar_evaluation *, const char *expected, const struct cedar_value *got);
bool cedar_fail_unknown(struct cedar_evaluation *);
/* Evaluates to a value of one kind; `name` is for the message. */
CEDAR_CHECKED bool cedar_evaluate_kind(struct cedar_evaluation *, const struct cedar_expr *, enum cedar_kind,
                                       const char *name, struct cedar_value *out);
/* NULL if it is not in the view. */
const struct cedar_entity *cedar_party_find(const struct cedar_evaluation *, const struct cedar_uid *);

CEDAR_CHECKED bool
cedar_evaluate_set_method(struct cedar_evaluation *, const struct cedar_expr *, struct cedar_value *out);
CEDAR_CHECKED bool cedar_evaluate_set(struct cedar_evaluation *, const struct cedar_expr *, struct cedar_value *out);
CEDAR_CHECKED bool cedar_evaluate_record(struct cedar_evaluation *, const struct cedar_expr *, struct cedar_value *out);
CEDAR_CHECKED bool cedar_evaluate_in(struct cedar_evaluation *, const struct cedar_expr *, struct cedar_value *out);
CEDAR_CHECKED bool cedar_evaluate_is(struct cedar_evaluation *, const struct cedar_expr *, struct cedar_value *out);
CEDAR_CHECKED bool cedar_evaluate_tag(struct cedar_evaluation *, const struct cedar_expr *, struct cedar_value *out);
CEDAR_CHECKED bool cedar_evaluate_path(struct cedar_evaluation *, const struct cedar_expr *, struct cedar_value *out);

static inline int
cedar_shown(struct cedar_text text)
{
	return text.size > 40 ? 40 : (int)text.size;
}

static inline void
cedar_put_truth(struct cedar_value *out, bool truth)
{
	out->kind = CEDAR_BOOL;
	out->truth = truth;
}
