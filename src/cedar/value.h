/* value.h - private. Values, records, sets, entity uids, as the evaluator sees them. */
#pragma once
#include "cedar/text.h"

struct cedar_uid {
	struct cedar_text type, id;
	uint64_t hash;
};

enum cedar_kind {
	CEDAR_BOOL,
	CEDAR_LONG,
	CEDAR_STRING,
	CEDAR_ENTITY,
	CEDAR_SET,
	CEDAR_RECORD,
	CEDAR_DECIMAL,  /* number: ten-thousandths */
	CEDAR_DATETIME, /* number: milliseconds since 1970 */
	CEDAR_DURATION, /* number: milliseconds */
	CEDAR_IP,
	CEDAR_UNKNOWN /* what unknown("…") gives: nothing can be computed with it */
};

/* Sets are sorted by cedar_value_order and hold nothing twice; records are sorted by cedar_text_order of names. */
struct cedar_value {
	uint8_t kind; /* enum cedar_kind */
	union {
		uint8_t prefix;        /* IP: bits of the network */
		uint8_t holds_unknown; /* records */
		uint8_t opaque;        /* unknown: no record that holds it can be looked into */
	};
	uint16_t depth; /* sets and records: 1 + the deepest inside */
	union {
		uint32_t count;   /* items or fields */
		uint32_t version; /* IP: 4 or 6 */
	};
	union {
		bool truth;
		int64_t number;
		struct cedar_text text;
		const struct cedar_uid *entity;
		const struct cedar_value *items;
		const struct cedar_field *fields;
		uint8_t address[16];
	};
};

struct cedar_field {
	struct cedar_text name;
	struct cedar_value value;
};

static inline bool
cedar_uid_equal(const struct cedar_uid *a, const struct cedar_uid *b)
{
	return a == b || (a->hash == b->hash && cedar_text_equal(a->id, b->id) && cedar_text_equal(a->type, b->type));
}

static inline bool
cedar_value_unknown(const struct cedar_value *value)
{
	return value->kind == CEDAR_UNKNOWN || (value->kind == CEDAR_RECORD && value->holds_unknown);
}

/* For a new set or record: makes it unknown, as the reference does, where something inside is. */
void cedar_value_settle(struct cedar_value *);
/* Parts are not copied. */
uint64_t cedar_type_hash(const struct cedar_arena *, struct cedar_text type);
/* With the hash of its type at hand. */
struct cedar_uid
cedar_uid_under(const struct cedar_arena *, uint64_t type_hash, struct cedar_text type, struct cedar_text id);
struct cedar_uid cedar_uid_of(const struct cedar_arena *, struct cedar_text type, struct cedar_text id);
int cedar_uid_order(const struct cedar_uid *, const struct cedar_uid *);
/* A total order over all values; 0 exactly when Cedar's == is true. */
int cedar_value_order(const struct cedar_value *, const struct cedar_value *);
bool cedar_value_equal(const struct cedar_value *, const struct cedar_value *);
/* Sorts in place, drops doubles; answers how many are left. */
size_t cedar_values_sort(struct cedar_value *items, size_t count);
bool cedar_set_contains(const struct cedar_value *set, const struct cedar_value *item);
const struct cedar_value *cedar_record_find(const struct cedar_value *record, struct cedar_text name);
/* Sorts fields by name; false if a name comes twice (then *twice is one of them). */
CEDAR_CHECKED bool cedar_fields_sort(struct cedar_field *fields, size_t count, size_t *twice);
/* Depth of a set or record made of these. */
uint16_t cedar_value_depth(const struct cedar_value *items, size_t count);
const char *cedar_kind_name(const struct cedar_value *);
/* Deep copy into the arena; false when memory is out. */
CEDAR_CHECKED bool cedar_value_copy(struct cedar_arena *, const struct cedar_value *, struct cedar_value *out);
struct cedar_uid *cedar_uid_copy(struct cedar_arena *, const struct cedar_uid *);
