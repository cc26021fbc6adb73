/* index_inside.h - private to the files index*.c: the index is made by index.c, index_claims.c and index_split.c, and searched
 * by index_find.c. */
#pragma once
#include "cedar/index.h"

/* In which way an entity or type is named; each way has names of its own. */
enum aspect {
	ASPECT_PRINCIPAL_EQUAL,
	ASPECT_PRINCIPAL_IN,
	ASPECT_PRINCIPAL_TYPE,
	ASPECT_ACTION_EQUAL,
	ASPECT_ACTION_IN,
	ASPECT_RESOURCE_EQUAL,
	ASPECT_RESOURCE_IN,
	ASPECT_RESOURCE_TYPE,
	ASPECTS
};

/* What a policy can ask of a request before anything else, one claim each. */
enum place { PLACE_RESOURCE, PLACE_PRINCIPAL, PLACE_ACTION, PLACE_PRINCIPAL_TYPE, PLACE_RESOURCE_TYPE, PLACES };

/* One of these entities, or this type. */
struct claim {
	const struct cedar_uid *uids;      /* of a scope */
	const struct cedar_value *members; /* of a condition: entities */
	uint32_t count;                    /* 0: nothing is asked */
	uint8_t aspect;
};

/* Where policies stand in `entries`, and in which aspects there are nodes below. */
struct bucket {
	uint32_t start;
	uint32_t count : 24;
	uint32_t aspects : 8; /* bits */
};

/* An entity or type, and what lies under it: a node of the first level. */
struct name {
	const struct cedar_uid *uid; /* NULL: free */
	uint32_t check;              /* lower half of the hash, which is also where its place is from */
	uint32_t number : 29;        /* from 1 */
	uint32_t aspect : 3;
	struct bucket bucket;
};

/* A node further down, which only those come to that were in the node above it and have this name as well. */
struct node {
	uint32_t above; /* number of a name, or name_count + 1 + that of a node */
	uint32_t name;
	struct bucket bucket;
};

/* What is left of a policy's scope. */
struct row {
	uint32_t names[PLACES]; /* numbers; 0: any */
	uint32_t actions;       /* how many; of several, the place's number is where they begin in `numbers` */
};

struct cedar_index {
	const struct cedar_policy *policies;
	struct name *names;
	struct node *nodes;
	struct row *rows;
	uint32_t *entries, *numbers;
	uint32_t *slots; /* a hash table of 1 + the numbers of nodes */
	struct cedar_key key;
	uint64_t types
	    [ASPECTS]; /* bits by the hashes of the types that names have: most entities are named in one way only */
	uint32_t name_size, name_count; /* slots; those in use */
	uint32_t slot_size;
	uint32_t always_count; /* the first entries: policies that ask nothing */
	uint8_t aspects;       /* in which there are names */
};

/* In index_claims.c. `scope` is what the scope says; `all` takes in what the first conditions say that cannot err. False where
 * no request can match. */
bool cedar_index_claims(const struct cedar_policy *, struct claim scope[PLACES], struct claim all[PLACES]);

static inline const struct cedar_uid *
cedar_claim_uid(const struct claim *claim, uint32_t index)
{
	return claim->uids != NULL ? &claim->uids[index] : claim->members[index].entity;
}

/* The claims of all policies, in numbers of names. */
struct asking {
	size_t count;
	struct asked *asked; /* by policy */
	uint32_t *numbers;
	uint8_t *aspect_of; /* by number */
	uint32_t name_count;
};

struct asked {
	uint32_t start, counts[PLACES]; /* in `numbers` */
	bool never;
};

/* Where the policies lie. */
struct places {
	struct bucket *buckets; /* of names, by number */
	struct node *nodes;
	size_t node_count, node_capacity;
	uint32_t *entries;
	size_t entry_count, entry_capacity;
	size_t always_count;
};

/* In index_split.c: puts each policy under the names that tell it from others; false when memory is out. */
CEDAR_CHECKED bool cedar_index_split(struct places *, const struct asking *, struct cedar_arena *passing);

static inline bool
cedar_aspect_is_type(unsigned aspect)
{
	return aspect == ASPECT_PRINCIPAL_TYPE || aspect == ASPECT_RESOURCE_TYPE;
}

/* Of an entity, or of its type. */
static inline uint64_t
cedar_index_hash(const struct cedar_index *index, const struct cedar_uid *uid, unsigned aspect)
{
	return cedar_aspect_is_type(aspect) ? cedar_text_hash(&index->key, uid->type, 1) : uid->hash;
}

static inline uint64_t
cedar_index_type_bit(uint64_t type_hash)
{
	return (uint64_t)1 << (type_hash >> 58);
}

/* So that one entity's names in different aspects lie in different places. */
static inline uint64_t
cedar_aspect_salt(unsigned aspect)
{
	return (aspect + 1) * 0x9E3779B97F4A7C15ull;
}

/* Where the search for a hash begins in a table of this size. */
static inline size_t
cedar_hash_place(uint64_t hash, size_t size)
{
	return (size_t)(((hash & UINT32_MAX) * size) >> 32);
}

static inline size_t
cedar_name_next(const struct cedar_index *index, size_t at)
{
	return at + 1 == index->name_size ? 0 : at + 1;
}

/* How far behind its own place the name in a slot lies. */
static inline size_t
cedar_name_distance(const struct cedar_index *index, size_t at)
{
	size_t home = cedar_hash_place(index->names[at].check, index->name_size);

	return at >= home ? at - home : at + index->name_size - home;
}

/* NULL if there is none. The hash is that of the entity or type. Names lie in the order of their places, nearly, so most that are not there are missed at once. */
static inline const struct name *
cedar_name_find(const struct cedar_index *index, const struct cedar_uid *uid, uint64_t hash, unsigned aspect)
{
	size_t at, distance;

	hash ^= cedar_aspect_salt(aspect);
	at = cedar_hash_place(hash, index->name_size);
	for (distance = 0;; distance++, at = cedar_name_next(index, at)) {
		const struct name *name = &index->names[at];

		if (name->uid == NULL || cedar_name_distance(index, at) < distance)
			return NULL;
		if (name->check != (uint32_t)hash || name->aspect != aspect ||
		    !cedar_text_equal(name->uid->type, uid->type))
			continue;
		if (cedar_aspect_is_type(aspect) || cedar_text_equal(name->uid->id, uid->id))
			return name;
	}
}

static inline uint64_t
cedar_node_hash(const struct cedar_index *index, uint32_t above, uint32_t name)
{
	uint64_t hash = (((uint64_t)above << 32 | name) ^ index->key.words[0]) * 0xD6E8FEB86659FD93ull;

	return (hash ^ hash >> 32) * 0x9E3779B97F4A7C15ull >> 32;
}

static inline size_t
cedar_node_slot(const struct cedar_index *index, uint32_t above, uint32_t name)
{
	size_t at = cedar_hash_place(cedar_node_hash(index, above, name), index->slot_size);

	for (;; at = at + 1 == index->slot_size ? 0 : at + 1) {
		const struct node *node = index->slots[at] ? &index->nodes[index->slots[at] - 1] : NULL;

		if (node == NULL || (node->above == above && node->name == name))
			return at;
	}
}
