/* memory.h - private. Arenas over the caller's allocator. */
#pragma once
#include "cedar/cedar.h"

struct cedar_block;

/* In hash.c: of all hashes, the same in the whole process. */
struct cedar_key {
	uint64_t words[2];
};

struct cedar_key cedar_key_of_process(void);

/* Everything taken lives until the reset or disposal. Blocks are kept across resets. */
struct cedar_arena {
	struct cedar_memory memory;
	struct cedar_block *first, *current;
	size_t used;          /* of the current block */
	size_t block_size;    /* of the next block */
	size_t held;          /* bytes in all blocks */
	struct cedar_key key; /* of the hashes of what is made here */
	unsigned char *rest;  /* steady ones: what is left of an earlier block */
	size_t rest_left;
	bool steady; /* blocks grow slowly: for what is kept */
	bool failed; /* a request was refused since the last reset */
};

void cedar_arena_init(struct cedar_arena *, const struct cedar_memory *, size_t block_size);
void cedar_arena_reset(struct cedar_arena *);
void cedar_arena_dispose(struct cedar_arena *);
/* From now on blocks are as large as what is asked for. */
void cedar_arena_exact(struct cedar_arena *);
/* NULL when memory is out; aligned to 8, not cleared. */
void *cedar_arena_take(struct cedar_arena *, size_t size);
void *cedar_arena_zero(struct cedar_arena *, size_t size);
void *cedar_memory_take(const struct cedar_memory *, size_t size);
void cedar_memory_give(const struct cedar_memory *, void *);
struct cedar_memory cedar_memory_or_default(const struct cedar_memory *);

/* A growing array in an arena: the old place is left behind. Answers false when memory is out. */
CEDAR_CHECKED bool
cedar_arena_grow(struct cedar_arena *, void **items, size_t count, size_t *capacity, size_t item_size);
