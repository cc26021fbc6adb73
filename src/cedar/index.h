/* index.h - private. Which policies apply to a request, by scope. */
#pragma once
#include "cedar/entity.h"
#include "cedar/policies.h"

struct cedar_index;

/* What a request looks for. */
struct cedar_question {
	const struct cedar_uid *parties[3]; /* principal, action, resource */
	const uint64_t *type_hashes;
	const struct cedar_entity *entities[3]; /* NULL if unknown */
};

/* NULL when memory is out. The policies must stay where they are. */
struct cedar_index *cedar_index_new(struct cedar_arena *, const struct cedar_policy *, size_t count);
/* The policies whose scope matches, ascending, each once; false when memory is out. */
CEDAR_CHECKED bool cedar_index_find(const struct cedar_index *, const struct cedar_question *,
                                    struct cedar_arena *scratch, const uint32_t **out, size_t *count);
/* Does a scope match? The same answer as the index gives, without it. */
bool cedar_scope_matches(const struct cedar_scope *, const struct cedar_uid *, const struct cedar_entity *);
