/* cedar.h - the Cedar policy language (as the reference at 4.10 defines it), as a library.
 *
 * Text or JSON becomes a compiled policy set once; a decision then reads it and allocates nothing.
 * Needs libc alone. There are no globals: what is compiled (policies, entity stores, schemas) never
 * changes and may be read by any number of threads; a builder and a scratch belong to one thread each.
 *
 * Fallible calls answer true on success. On failure they answer false, leave `out` untouched and, where
 * a `struct cedar_fault *` is taken (NULL is fine), say where and why. Texts need no final NUL and may
 * hold NULs; they must be UTF-8.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CEDAR_CHECKED __attribute__((warn_unused_result))

/* Where memory comes from; NULL where one is taken means malloc and free. Must outlive what it made. */
struct cedar_memory {
	void *(*alloc)(void *context, size_t size);
	void (*free)(void *context, void *block);
	void *context;
};

struct cedar_text {
	const char *data;
	size_t size;
};

/* A fault in input: where (offset in bytes; line and column from 1, columns in bytes) and why. */
struct cedar_fault {
	size_t offset;
	unsigned line, column;
	char message[256];
	char suggestion[128]; /* empty if there is none */
};

enum {
	CEDAR_SOURCE_MAX = 64 << 20, /* bytes of one text */
	CEDAR_DEPTH_MAX = 256,       /* nesting of expressions, values and JSON */
	CEDAR_NAME_MAX = 4096,       /* bytes of a name with its namespaces */
	CEDAR_POLICIES_MAX = (1 << 24) - 1
};

struct cedar_policies; /* compiled, immutable */
struct cedar_entities; /* a store of entities, immutable; a changed copy shares what did not change */
struct cedar_schema;   /* see schema.h */
struct cedar_builder;  /* makes values and entities for one request */
struct cedar_scratch;  /* working memory of decisions */
struct cedar_value;
struct cedar_record;
struct cedar_entity;

/* Policies. The ids in a text are policy0, policy1, …; in JSON sets they are the keys. `policies` owns copies. */
CEDAR_CHECKED bool cedar_policies_parse(const struct cedar_memory *, struct cedar_text source,
                                        struct cedar_policies **out, struct cedar_fault *);
/* A policy set in JSON ({"staticPolicies","templates","templateLinks"}, the static ones by their ids, in a list or as one
 * text, each in JSON or as text) or a single policy in JSON. */
CEDAR_CHECKED bool cedar_policies_parse_json(const struct cedar_memory *, struct cedar_text source,
                                             struct cedar_policies **out, struct cedar_fault *);
void cedar_policies_free(struct cedar_policies *);
/* How many policies there are to decide with: static ones and links, not templates. */
size_t cedar_policies_count(const struct cedar_policies *);
struct cedar_text cedar_policy_id(const struct cedar_policies *, size_t index);
struct cedar_text
cedar_policy_annotation(const struct cedar_policies *, size_t index, const char *key); /* data NULL if none */
/* Its span of the text that the set was parsed from, which is not copied: only while the caller keeps it. Empty from JSON. */
struct cedar_text cedar_policy_source(const struct cedar_policies *, size_t index);
bool cedar_policy_forbids(const struct cedar_policies *, size_t index);
/* Bytes held by the set, for measuring; with those of the set that it was linked from, which lives as long. */
size_t cedar_policies_memory(const struct cedar_policies *);

/* Templates: text with ?principal or ?resource. A link is a new set with one more policy; it holds on to the set that was
 * parsed, not to those in between. */
struct cedar_uid_text {
	struct cedar_text type, id;
};
size_t cedar_templates_count(const struct cedar_policies *);
struct cedar_text cedar_template_id(const struct cedar_policies *, size_t index);
CEDAR_CHECKED bool cedar_policies_link(const struct cedar_policies *, struct cedar_text template_id,
                                       struct cedar_text new_id, const struct cedar_uid_text *principal,
                                       const struct cedar_uid_text *resource, struct cedar_policies **out,
                                       struct cedar_fault *);

/* Builder: values and entities made in C; all of it lives until the next reset. Making calls answer NULL
 * when memory is out (or the input is invalid, where text is parsed); NULL may be passed on: it spreads,
 * and cedar_authorize refuses a context that is NULL, and a builder that failed. Memory is kept across resets, so a warm builder allocates nothing. */
struct cedar_builder *cedar_builder_new(const struct cedar_memory *);
void cedar_builder_reset(struct cedar_builder *);
void cedar_builder_free(struct cedar_builder *);

struct cedar_value *cedar_value_bool(struct cedar_builder *, bool);
struct cedar_value *cedar_value_long(struct cedar_builder *, int64_t);
struct cedar_value *cedar_value_text(struct cedar_builder *, struct cedar_text); /* copied */
struct cedar_value *cedar_value_string(struct cedar_builder *, const char *);    /* copied */
struct cedar_value *cedar_value_entity(struct cedar_builder *, const char *type, const char *id);
struct cedar_value *cedar_value_set(struct cedar_builder *, struct cedar_value *const *items, size_t count);
struct cedar_value *cedar_value_record(struct cedar_builder *);
struct cedar_value *cedar_value_datetime_ms(struct cedar_builder *, int64_t milliseconds);
struct cedar_value *cedar_value_duration_ms(struct cedar_builder *, int64_t milliseconds);
struct cedar_value *cedar_value_decimal(struct cedar_builder *, const char *text); /* "12.3456" */
struct cedar_value *cedar_value_ip(struct cedar_builder *, const char *text);      /* "10.0.0.0/8", "::1" */
/* Puts a field; a later one of the same name wins. `record` must be from cedar_value_record and not yet inside another value. */
void cedar_record_put(struct cedar_builder *, struct cedar_value *record, const char *name, struct cedar_value *);

struct cedar_entity *cedar_entity_add(struct cedar_builder *, const char *type, const char *id);
void cedar_entity_attribute(struct cedar_builder *, struct cedar_entity *, const char *name, struct cedar_value *);
void cedar_entity_tag(struct cedar_builder *, struct cedar_entity *, const char *name, struct cedar_value *);
void cedar_entity_parent(struct cedar_builder *, struct cedar_entity *, const char *type, const char *id);

/* Entity stores. `schema` may be NULL. Cycles are refused, and hierarchies that are too intricate: where completing the
 * ancestors takes more than 2^24 steps and 2,048 more for each entity. */
CEDAR_CHECKED bool cedar_entities_parse_json(const struct cedar_memory *, struct cedar_text json,
                                             const struct cedar_schema *, struct cedar_entities **out,
                                             struct cedar_fault *);
/* A new store: `base` (NULL: empty) with the builder's entities added or put in place of those of the same
 * uid. `base` stays valid; both must be freed. */
CEDAR_CHECKED bool cedar_entities_with(const struct cedar_memory *, const struct cedar_entities *base,
                                       struct cedar_builder *, struct cedar_entities **out, struct cedar_fault *);
size_t cedar_entities_count(const struct cedar_entities *);
void cedar_entities_free(struct cedar_entities *);

/* Requests. */
struct cedar_request {
	struct cedar_uid_text principal, action, resource;
	const struct cedar_value *context; /* a record; NULL is one that could not be made, and is refused */
};
/* The empty record, for requests that have no context. */
const struct cedar_value *cedar_context_empty(void);
/* A request in JSON: {"principal":…,"action":…,"resource":…,"context":{}}; made in the builder. */
CEDAR_CHECKED bool cedar_request_parse_json(struct cedar_builder *, struct cedar_text json, const struct cedar_schema *,
                                            struct cedar_request *out, struct cedar_fault *);

struct cedar_error {
	size_t policy;
	const char *message;
};

/* Valid until the next decision with the same scratch. Lists are in ascending order of index. */
struct cedar_response {
	bool allow;
	size_t reason_count;
	const size_t *reasons;
	size_t error_count;
	const struct cedar_error *errors;
};

struct cedar_scratch *cedar_scratch_new(const struct cedar_memory *);
void cedar_scratch_free(struct cedar_scratch *);

/* Decides. `base` and `overlay` may be NULL; an entity of the overlay hides the one of the same uid in the base.
 * Answers false only when memory ran out, the context is NULL, no record or too deep, the builder had failed or its entities
 * stand in a circle or are too intricate; then deny. */
CEDAR_CHECKED bool cedar_authorize(const struct cedar_policies *, const struct cedar_entities *base,
                                   struct cedar_builder *overlay, const struct cedar_request *, struct cedar_scratch *,
                                   struct cedar_response *out);
