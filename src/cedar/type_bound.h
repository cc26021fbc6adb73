/* type_bound.h - private. Least upper bounds of types in strict mode. */
#pragma once
#include "cedar/type.h"

/* What was found out already, in an arena; emptied (all but the steps set to zero) when that is reset. */
struct cedar_bounds {
	struct cedar_arena *arena;
	unsigned *steps, most; /* counts up; beyond `most` there are no more bounds */
	struct cedar_bound_pair *pairs;
	size_t count, capacity;
};

/* NULL if there is none, memory is out, or the steps are. */
const struct cedar_type *cedar_type_bound(struct cedar_bounds *, const struct cedar_type *, const struct cedar_type *);
