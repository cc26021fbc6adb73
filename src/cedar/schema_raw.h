/* schema_raw.h - private. Declarations of a schema as they are written, before names are resolved. Both formats end here. */
#pragma once
#include "cedar/type.h"

enum cedar_raw_kind {
	CEDAR_RAW_BUILTIN, /* resolved: boolean, long, string */
	CEDAR_RAW_SET,
	CEDAR_RAW_RECORD,
	CEDAR_RAW_ENTITY,           /* a name that must be an entity type */
	CEDAR_RAW_COMMON,           /* a name that must be a common type */
	CEDAR_RAW_ENTITY_OR_COMMON, /* a name that may be either */
	CEDAR_RAW_EXTENSION
};

struct cedar_raw_type {
	enum cedar_raw_kind kind;
	uint32_t offset;
	uint16_t depth;
	const struct cedar_type *builtin;
	struct cedar_text name;
	const struct cedar_raw_type *element;
	struct cedar_raw_field *fields;
	size_t count;
};

struct cedar_raw_field {
	struct cedar_text name;
	const struct cedar_raw_type *type;
	bool required;
};

struct cedar_raw_name {
	struct cedar_text name, id; /* id: of an action's parent; name.data NULL: the default type */
	uint32_t offset;
};

struct cedar_raw_names {
	struct cedar_raw_name *items;
	size_t count, capacity;
};

struct cedar_raw_common {
	struct cedar_raw_common *next;
	struct cedar_text name, full_name;
	uint32_t offset;
	const struct cedar_raw_type *type;
	const struct cedar_raw_space *space;
	const struct cedar_type *resolved;
	bool busy; /* being resolved: meeting it again is a cycle */
};

struct cedar_raw_entity {
	struct cedar_raw_entity *next;
	struct cedar_text name;
	uint32_t offset;
	struct cedar_raw_names parents;
	const struct cedar_raw_type *shape, *tags; /* NULL: none */
	bool is_enum;
	const struct cedar_text *choices;
	size_t choice_count;
	struct cedar_entity_type *made;
};

struct cedar_raw_action {
	struct cedar_raw_action *next;
	struct cedar_text name;
	uint32_t offset;
	struct cedar_raw_names parents, principals, resources;
	const struct cedar_raw_type *context; /* NULL: the empty record */
	struct cedar_action_type *made;
};

struct cedar_raw_space {
	struct cedar_raw_space *next;
	struct cedar_text name; /* empty: what stands outside any namespace */
	uint32_t offset;
	struct cedar_raw_common *commons;
	struct cedar_raw_entity *entities;
	struct cedar_raw_action *actions;
};

struct cedar_raw_schema {
	struct cedar_arena *arena; /* of what lives as long as the schema */
	struct cedar_text source;
	struct cedar_fault *fault;
	struct cedar_raw_space *spaces, *last_space;
	struct cedar_table space_names; /* -> struct cedar_raw_space */
};

/* NULL name: the place outside namespaces. Makes it where it is not there yet. NULL when memory is out. */
struct cedar_raw_space *cedar_raw_space_get(struct cedar_raw_schema *, struct cedar_text name, bool *fresh);
CEDAR_CHECKED bool cedar_raw_names_add(struct cedar_arena *, struct cedar_raw_names *, struct cedar_raw_name);
/* Each adds to its list; refuses names that are reserved or unfit (those declared twice are found later). */
CEDAR_CHECKED bool cedar_raw_common_add(struct cedar_raw_schema *, struct cedar_raw_space *, struct cedar_raw_common);
CEDAR_CHECKED bool cedar_raw_entity_add(struct cedar_raw_schema *, struct cedar_raw_space *, struct cedar_raw_entity);
CEDAR_CHECKED bool cedar_raw_action_add(struct cedar_raw_schema *, struct cedar_raw_space *, struct cedar_raw_action);
bool cedar_raw_out_of_memory(const struct cedar_raw_schema *);
/* Words of a name in a schema: none is reserved by the grammar; __cedar is allowed where names are used. */
bool cedar_raw_name_valid(struct cedar_text name, bool declared);
/* The depth of what holds `inner`; false, with the fault set, beyond the limit. */
CEDAR_CHECKED bool
cedar_raw_deepen(const struct cedar_raw_schema *, struct cedar_raw_type *outer, const struct cedar_raw_type *inner);

CEDAR_CHECKED bool cedar_raw_parse_text(struct cedar_raw_schema *);
CEDAR_CHECKED bool cedar_raw_parse_json(struct cedar_raw_schema *);

/* In schema_resolve.c: names to what they name. */
struct cedar_resolver {
	struct cedar_raw_schema *raw;
	struct cedar_schema *schema;
	struct cedar_table commons; /* full name -> struct cedar_raw_common */
	uint32_t *lists, list;      /* by type: the last list of types that it was met in; the list that is read */
};

/* In schema_declare.c. */
CEDAR_CHECKED bool cedar_schema_declare(struct cedar_resolver *);
/* The entity type a name means in a namespace; sets the fault and answers NULL where there is none. */
struct cedar_entity_type *
cedar_resolve_entity(struct cedar_resolver *, const struct cedar_raw_space *, struct cedar_text name, uint32_t offset);
const struct cedar_type *
cedar_resolve_type(struct cedar_resolver *, const struct cedar_raw_space *, const struct cedar_raw_type *);
CEDAR_CHECKED bool cedar_resolve_commons(struct cedar_resolver *);
/* "space::name", or the name where the space has none. */
struct cedar_text
cedar_resolve_full_name(struct cedar_resolver *, const struct cedar_raw_space *, struct cedar_text name);
