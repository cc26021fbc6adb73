/* explain.h - public: why a request was allowed or denied.
 *
 * For an allow: the permits that decided. For a denial: the forbids that decided, or, if none did, the permits that came
 * closest, best first, each with what failed. Slower than a decision: every policy is looked at, and memory is taken.
 */
#pragma once
#include "cedar/cedar.h"

enum cedar_outcome {
	CEDAR_APPLIES,          /* scope and conditions hold */
	CEDAR_FAILED_SCOPE,     /* see `matched` */
	CEDAR_FAILED_CONDITION, /* `clause` of condition number `condition` is not as it should be */
	CEDAR_ERRED             /* in `clause`; `message` says how */
};

struct cedar_explanation {
	size_t policy;
	enum cedar_outcome outcome;
	bool matched[3];  /* principal, action, resource of the scope */
	size_t condition; /* from 0, in the order of the policy */
	bool unless;      /* it is an `unless` */
	/* The first operand of && that is not true, or in an `unless` of || that is not false, also in parentheses;
	 * printed anew. */
	struct cedar_text clause;
	const char *message; /* empty unless it erred */
};

struct cedar_explained {
	bool allow;
	size_t count;
	const struct cedar_explanation *items;
	void *inside;
};

/* At most `most` explanations. Answers false when memory ran out. */
CEDAR_CHECKED bool cedar_explain(const struct cedar_memory *, const struct cedar_policies *,
                                 const struct cedar_entities *base, struct cedar_builder *overlay,
                                 const struct cedar_request *, size_t most, struct cedar_explained *out);
void cedar_explained_free(struct cedar_explained *);
