/* entity.h - private. Entities, the builder, and the view of both that a decision has. */
#pragma once
#include "cedar/ancestry.h"

/* On the way through a hierarchy. */
enum cedar_mark { CEDAR_NEW, CEDAR_OPEN, CEDAR_DONE };

struct cedar_entity {
	struct cedar_uid uid;
	struct cedar_value attributes, tags; /* records */
	struct cedar_link *parents;
	struct cedar_ancestry above; /* complete */
	size_t parent_count;
	size_t parent_capacity, attribute_capacity, tag_capacity;
	struct cedar_entity *next; /* in the builder, in order of adding */
	uint8_t mark;              /* enum cedar_mark */
};

struct cedar_builder {
	struct cedar_arena arena;
	struct cedar_entity *first, *last;
	size_t count;
	struct cedar_entity **table; /* by hash; sealed builders of more than 8 */
	size_t table_size;
	bool sealed, failed;
	const char *trouble; /* why sealing failed */
	const struct cedar_entities *sealed_over;
};

struct cedar_view {
	const struct cedar_entities *base;
	const struct cedar_builder *overlay;
};

/* Makes finding fast; part of sealing. */
CEDAR_CHECKED bool cedar_builder_table(struct cedar_builder *);
/* Completes ancestors over the base; false when memory is out, or its entities stand in a circle. */
CEDAR_CHECKED bool cedar_builder_seal(struct cedar_builder *, const struct cedar_entities *base);
const struct cedar_entity *cedar_builder_find(const struct cedar_builder *, const struct cedar_uid *);
const struct cedar_entity *cedar_view_find(const struct cedar_view *, const struct cedar_uid *);
bool cedar_entity_inside(const struct cedar_entity *, const struct cedar_uid *ancestor);
struct cedar_entity *cedar_entity_add_uid(struct cedar_builder *, const struct cedar_uid *);
void cedar_entity_parent_uid(struct cedar_builder *, struct cedar_entity *, const struct cedar_uid *);
/* In store.c. */
const struct cedar_entity *cedar_entities_find(const struct cedar_entities *, const struct cedar_uid *);
void cedar_entities_prefetch(const struct cedar_entities *, const struct cedar_uid *);
