/* index_inside.h - private to index.c, which makes the index, and index_find.c, which searches it. */
#pragma once
#include "cedar/index.h"

enum part { PART_PRINCIPAL, PART_ACTION, PART_RESOURCE, PARTS };

struct range {
	uint32_t start, count;
};

/* An entity (or, with an empty id under its type's hash, a type) that scopes name, and the policies that lie under it. */
struct name {
	const struct cedar_uid *uid; /* NULL: free */
	uint32_t check;              /* upper half of the hash */
	uint32_t number : 31;        /* from 1 */
	uint32_t is_type : 1;
	struct range bucket;         /* in `entries` */
};

/* What is left of a policy's scope. */
struct row {
	struct cedar_duty duty;
	uint8_t kinds[PARTS]; /* enum cedar_scope_kind */
	bool action_list;
	uint32_t principal, resource; /* numbers */
	uint32_t types[2];            /* of principal, resource */
	struct range action;          /* of a list: in `numbers`; else the number is the start */
};

struct cedar_index {
	struct name *names;
	size_t name_size, name_count; /* slots; those in use */
	struct row *rows;
	uint32_t *entries, *numbers;
	size_t number_count;
	uint32_t *always;
	size_t always_count;
};

/* Where the search for a hash begins. */
static inline size_t
cedar_name_place(const struct cedar_index *index, uint64_t hash)
{
	return (size_t)(((hash & UINT32_MAX) * index->name_size) >> 32);
}

/* The slot where it is or would be. */
static inline struct name *
cedar_name_slot(const struct cedar_index *index, const struct cedar_uid *uid, bool is_type)
{
	uint64_t hash = is_type ? uid->type_hash : uid->hash;
	size_t at;

	for (at = cedar_name_place(index, hash);; at = at + 1 == index->name_size ? 0 : at + 1) {
		struct name *name = &index->names[at];

		if (name->uid == NULL)
			return name;
		if (name->check != hash >> 32 || name->is_type != is_type || !cedar_text_equal(name->uid->type, uid->type))
			continue;
		if (is_type || cedar_text_equal(name->uid->id, uid->id))
			return name;
	}
}
