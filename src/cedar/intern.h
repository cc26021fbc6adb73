/* intern.h - private. What comes again in a policy set, names, strings, entities, is kept once. */
#pragma once
#include "cedar/value.h"

struct cedar_interner {
	struct cedar_arena *kept;   /* where texts and uids go */
	struct cedar_arena passing; /* of the tables */
	struct cedar_interned *slots;
	size_t count, capacity;
	char *pool; /* short texts are packed */
	size_t pool_left;
};

void cedar_interner_init(struct cedar_interner *, struct cedar_arena *kept);
void cedar_interner_dispose(struct cedar_interner *);
/* Data is NULL when memory is out. No NUL stands behind it. */
struct cedar_text cedar_intern_text(struct cedar_interner *, struct cedar_text);
/* The same, as a text that is kept once itself. NULL when memory is out. */
const struct cedar_text *cedar_intern_name(struct cedar_interner *, struct cedar_text);
/* A list of uids; their texts are interned as well. NULL when memory is out. */
const struct cedar_uid *cedar_intern_uids(struct cedar_interner *, const struct cedar_uid *, size_t count);
