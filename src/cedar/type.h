/* type.h - private. Types, entity types and actions of a schema, as the validator sees them. */
#pragma once
#include "cedar/table.h"
#include "cedar/value.h"

enum cedar_type_kind {
	CEDAR_TYPE_BOOL,
	CEDAR_TYPE_TRUE, /* of expressions that are always true */
	CEDAR_TYPE_FALSE,
	CEDAR_TYPE_LONG,
	CEDAR_TYPE_STRING,
	CEDAR_TYPE_ENTITY,
	CEDAR_TYPE_SET,
	CEDAR_TYPE_RECORD,
	CEDAR_TYPE_EXTENSION,
	CEDAR_TYPE_NEVER /* of unknown("…"): fits wherever another type is expected */
};

struct cedar_type {
	uint8_t kind;      /* enum cedar_type_kind */
	uint8_t extension; /* enum cedar_kind of its values */
	uint16_t depth;    /* 1 + the deepest inside */
	uint32_t count;    /* attributes */
	union {
		const struct cedar_entity_type *entity;
		const struct cedar_type *element;
		const struct cedar_attribute *attributes; /* sorted by cedar_text_order of names */
	};
};

struct cedar_attribute {
	struct cedar_text name;
	const struct cedar_type *type;
	bool required;
};

struct cedar_entity_type {
	struct cedar_text name;
	uint32_t index;
	bool is_action; /* the type of actions; has no attributes, is not among those declared */
	bool is_enum;
	uint32_t choice_count;
	const struct cedar_text *choices;
	struct cedar_table choice_names; /* the same, to find them */
	struct cedar_type reference;     /* the type of values that name such an entity */
	const struct cedar_type *shape;  /* a record */
	const struct cedar_type *tags;   /* NULL: none allowed */
	uint64_t *descendants;           /* bits by index; NULL: none */
};

struct cedar_action_type {
	struct cedar_uid uid;
	uint32_t index;
	struct cedar_entity_type *type;
	const struct cedar_type *context;
	uint32_t principal_count, resource_count;
	struct cedar_entity_type **principals, **resources;
	const uint32_t *parents; /* by index */
	uint32_t parent_count;
	uint64_t *descendants; /* bits by index; NULL: none */
};

struct cedar_schema {
	struct cedar_arena arena;
	struct cedar_table types;             /* name -> entity type, those of actions too */
	struct cedar_table actions;           /* type, id -> action */
	struct cedar_entity_type **type_list; /* by index */
	struct cedar_action_type **action_list;
	uint32_t type_count, action_count;
};

extern const struct cedar_type cedar_type_bool, cedar_type_true, cedar_type_false, cedar_type_long, cedar_type_string,
    cedar_type_never, cedar_type_no_attributes; /* a record */

/* One of the extension types by its name in schemas (ipaddr, decimal, datetime, duration); NULL if it is none. */
const struct cedar_type *cedar_type_extension(struct cedar_text name);
const struct cedar_type *cedar_type_of_kind(enum cedar_kind extension);
const struct cedar_attribute *cedar_attribute_find(const struct cedar_type *record, struct cedar_text name);
/* Sorts by name; not stable. */
void cedar_attributes_sort(struct cedar_attribute *, size_t count);

/* The name of a type for messages; cut where the buffer ends. */
const char *cedar_type_show(const struct cedar_type *, char *buffer, size_t size);

/* NULL if it is not declared (types of actions are found as well). */
const struct cedar_entity_type *cedar_schema_type(const struct cedar_schema *, struct cedar_text name);
const struct cedar_action_type *cedar_schema_action(const struct cedar_schema *, const struct cedar_uid *);

/* The parents of one node of a hierarchy, by index. */
struct cedar_edges {
	uint32_t count;
	uint32_t *to;
};

/* In closure.c: for each node the bits of all below it, NULL rows where there are none; NULL when memory is out. A node
 * below itself marks a cycle. */
uint64_t **cedar_close(struct cedar_arena *, const struct cedar_edges *, uint32_t count);

/* Of enumerated types: is it one of the ids? */
static inline bool
cedar_type_has_choice(const struct cedar_entity_type *type, struct cedar_text id)
{
	return cedar_table_find(&type->choice_names, id, CEDAR_TEXT("")) != NULL;
}

static inline bool
cedar_bit(const uint64_t *bits, uint32_t index)
{
	return bits != NULL && (bits[index / 64] >> (index % 64) & 1) != 0;
}

/* Can an entity of type `below` have one of type `above` as its ancestor? */
static inline bool
cedar_type_below(const struct cedar_entity_type *above, const struct cedar_entity_type *below)
{
	return cedar_bit(above->descendants, below->index);
}
