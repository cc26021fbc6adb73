/* store.h - private. The persistent trie under entity stores. */
#pragma once
#include "cedar/entity.h"

/* An entity with the memory it lives in. Shared between stores by counting. */
struct cedar_leaf {
	unsigned references;
	struct cedar_arena arena;
	struct cedar_leaf *source; /* whose values this one borrows, if any */
	struct cedar_leaf *same;   /* another of the same hash */
	struct cedar_entity entity;
};

struct cedar_trie; /* NULL: empty */

struct cedar_leaf *cedar_leaf_new(const struct cedar_memory *);
struct cedar_leaf *cedar_leaf_keep(struct cedar_leaf *);
void cedar_leaf_drop(struct cedar_leaf *);

struct cedar_leaf *cedar_trie_find(const struct cedar_trie *, const struct cedar_uid *);
void cedar_trie_prefetch(const struct cedar_trie *, const struct cedar_uid *);
/* The trie with the leaf put in. Both references are taken over; what others have of the trie stays as it is. NULL when memory is
 * out, and then only the leaf's reference is dropped. */
struct cedar_trie *cedar_trie_put(const struct cedar_memory *, struct cedar_trie *, struct cedar_leaf *);
struct cedar_trie *cedar_trie_keep(struct cedar_trie *);
void cedar_trie_drop(const struct cedar_memory *, struct cedar_trie *);
/* Visits every leaf; stops when the visitor answers false. */
bool cedar_trie_each(const struct cedar_trie *, bool (*visit)(void *, struct cedar_leaf *), void *);
