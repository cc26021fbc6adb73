/* evaluate.h - private. The evaluator. */
#pragma once
#include "cedar/entity.h"
#include "cedar/expr.h"

struct cedar_evaluation {
	struct cedar_view view;
	struct cedar_value variables[4];       /* by enum cedar_variable */
	const struct cedar_entity *parties[3]; /* of principal, action, resource; NULL if not in the view */
	uint64_t type_hashes[3];               /* of theirs */
	struct cedar_arena *arena;
	const char *message; /* of the last error */
};

/* The uids are filled in and must live as long as the evaluation. A builder must be sealed over the base. */
void cedar_evaluation_start(struct cedar_evaluation *, struct cedar_uid uids[3], const struct cedar_entities *base,
                            const struct cedar_builder *overlay, const struct cedar_request *, struct cedar_arena *);
/* False on a Cedar error (the message says which) and when memory is out. */
CEDAR_CHECKED bool cedar_evaluate(struct cedar_evaluation *, const struct cedar_expr *, struct cedar_value *out);
/* The same, and it must be a bool. */
CEDAR_CHECKED bool cedar_evaluate_truth(struct cedar_evaluation *, const struct cedar_expr *, bool *out);
bool cedar_pattern_match(const struct cedar_pattern *, struct cedar_text);
