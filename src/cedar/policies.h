/* policies.h - private. What a compiled policy set holds. */
#pragma once
#include "cedar/expr.h"

struct cedar_policies {
	struct cedar_arena arena;
	struct cedar_text source; /* the caller's, not ours: for cedar_policy_source alone; empty from JSON */
	struct cedar_lines lines;
	struct cedar_policy *policies; /* to decide with: static ones and links */
	size_t count, capacity;
	struct cedar_policy *templates;
	size_t template_count, template_capacity;
	struct cedar_index *index;
	const struct cedar_policies *borrowed; /* whose expressions these are; kept */
	unsigned references;
};

/* An empty set, NULL when memory is out. */
struct cedar_policies *cedar_policies_new(const struct cedar_memory *);
/* Counted: each keep takes one more cedar_policies_free. */
const struct cedar_policies *cedar_policies_keep(const struct cedar_policies *);
/* Puts it among the policies or, with slots, the templates; false when memory is out. */
CEDAR_CHECKED bool cedar_policies_add(struct cedar_policies *, const struct cedar_policy *);
/* After the last one: makes the index. */
CEDAR_CHECKED bool cedar_policies_finish(struct cedar_policies *);
const struct cedar_policy *cedar_template_find(const struct cedar_policies *, struct cedar_text id);
/* A policy out of a template; the uids must live as long as the set. */
CEDAR_CHECKED bool cedar_template_link(const struct cedar_policy *template, struct cedar_text id,
                                       const struct cedar_uid *principal, const struct cedar_uid *resource,
                                       struct cedar_policy *out, struct cedar_fault *);

/* In fold.c: what sets and calls of literals give is found once. False when memory is out. */
CEDAR_CHECKED bool cedar_fold(struct cedar_arena *, const struct cedar_expr *);
/* Sorts, drops doubles; answers how many are left. They may end up in `spare`, which has room for as many. */
size_t cedar_numbers_sort(uint32_t **items, size_t count, uint32_t *spare);
