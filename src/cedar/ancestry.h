/* ancestry.h - private. Who stands above an entity: all of them, in one sorted list for most, and shared with those below
 * where hierarchies are deep. */
#pragma once
#include "cedar/value.h"

struct cedar_link {
	uint64_t hash;
	const struct cedar_uid *uid;
};

/* The links of one entity are those of its list and of all lists beyond; nobody is in two of them. */
struct cedar_ancestry {
	const struct cedar_link *links; /* sorted by hash */
	size_t count;
	size_t total; /* with those beyond */
	const struct cedar_ancestry *beyond;
};

struct cedar_ancestry_work {
	struct cedar_arena *kept, *passing;
	size_t budget; /* steps that are still allowed: hierarchies can be made that would take forever */
};

static inline size_t
cedar_ancestry_budget(size_t entities)
{
	return ((size_t)1 << 24) + 2048 * entities;
}

extern const char cedar_hierarchy_cycle[], cedar_hierarchy_intricate[];

/* Lists of up to so many are one; longer ones are continued in that of a parent. */
enum { CEDAR_ANCESTRY_LIST = 128 };

bool cedar_ancestry_has(const struct cedar_ancestry *, const struct cedar_uid *);
/* Above whom these parents are, `of[i]` being the ancestry of the i-th, NULL where it is unknown. What `of` points to and the
 * uids must live as long as `out`. False when memory or the budget is out. */
CEDAR_CHECKED bool cedar_ancestry_make(struct cedar_ancestry_work *, const struct cedar_link *parents,
                                       const struct cedar_ancestry *const *of, size_t count,
                                       struct cedar_ancestry *out);
