/* memory.c - arenas over the caller's allocator. */
#include "cedar/memory.h"

#include <stdlib.h>
#include <string.h>

struct cedar_block {
	struct cedar_block *next;
	size_t size;
	_Alignas(16) unsigned char bytes[];
};

static void *
default_alloc(void *context, size_t size)
{
	(void)context;
	return malloc(size);
}

static void
default_free(void *context, void *block)
{
	(void)context;
	free(block);
}

struct cedar_memory
cedar_memory_or_default(const struct cedar_memory *memory)
{
	if (memory != NULL)
		return *memory;
	return (struct cedar_memory){ .alloc = default_alloc, .free = default_free };
}

void *
cedar_memory_take(const struct cedar_memory *memory, size_t size)
{
	return memory->alloc(memory->context, size);
}

void
cedar_memory_give(const struct cedar_memory *memory, void *block)
{
	if (block != NULL)
		memory->free(memory->context, block);
}

void
cedar_arena_init(struct cedar_arena *arena, const struct cedar_memory *memory, size_t block_size)
{
	*arena = (struct cedar_arena){ .memory = cedar_memory_or_default(memory),
		                       .key = cedar_key_of_process(),
		                       .block_size = block_size };
}

void
cedar_arena_reset(struct cedar_arena *arena)
{
	arena->current = arena->first;
	arena->used = 0;
	arena->rest_left = 0;
	arena->failed = false;
}

void
cedar_arena_dispose(struct cedar_arena *arena)
{
	struct cedar_block *block = arena->first;

	while (block != NULL) {
		struct cedar_block *next = block->next;

		cedar_memory_give(&arena->memory, block);
		block = next;
	}
	arena->first = arena->current = NULL;
	arena->used = arena->held = 0;
}

/* So that little of what is held is never used. */
static size_t
steady_size(size_t held)
{
	size_t size = held / 16;

	return size < 384 ? 384 : size > 16384 ? 16384 : size;
}

void
cedar_arena_exact(struct cedar_arena *arena)
{
	arena->steady = false;
	arena->block_size = 0;
}

static struct cedar_block *
block_add(struct cedar_arena *arena, size_t size)
{
	size_t wanted = size > arena->block_size ? size : arena->block_size;
	struct cedar_block *block = cedar_memory_take(&arena->memory, sizeof *block + wanted);

	if (block == NULL)
		return NULL;
	block->size = wanted;
	block->next = arena->current ? arena->current->next : arena->first;
	if (arena->current != NULL)
		arena->current->next = block;
	else
		arena->first = block;
	arena->held += sizeof *block + wanted;
	if (arena->steady)
		arena->block_size = steady_size(arena->held);
	else if (arena->block_size < (1u << 20))
		arena->block_size *= 2;
	return block;
}

/* What is small fits where something larger did not. */
static void *
take_from_rest(struct cedar_arena *arena, size_t size)
{
	void *place = arena->rest;

	if (arena->rest_left < size)
		return NULL;
	arena->rest += size;
	arena->rest_left -= size;
	return place;
}

static void
rest_keep(struct cedar_arena *arena)
{
	size_t left = arena->current ? arena->current->size - arena->used : 0;

	if (left <= arena->rest_left || !(arena->steady || arena->block_size == 0))
		return;
	arena->rest = arena->current->bytes + arena->used;
	arena->rest_left = left;
}

static void *
take_from_next(struct cedar_arena *arena, size_t size)
{
	struct cedar_block *next = arena->current ? arena->current->next : arena->first;
	void *place = take_from_rest(arena, size);

	if (place != NULL)
		return place;
	rest_keep(arena);
	while (next != NULL && next->size < size) { /* a kept block that is too small for this is passed over */
		arena->current = next;
		next = next->next;
	}
	if (next == NULL)
		next = block_add(arena, size);
	if (next == NULL) {
		arena->failed = true;
		return NULL;
	}
	arena->current = next;
	arena->used = size;
	return next->bytes;
}

void *
cedar_arena_take(struct cedar_arena *arena, size_t size)
{
	void *place;

	if (size > CEDAR_SOURCE_MAX * (size_t)64) {
		arena->failed = true;
		return NULL;
	}
	size = size == 0 ? 8 : (size + 7) & ~(size_t)7;
	if (arena->current == NULL || arena->current->size - arena->used < size)
		return take_from_next(arena, size);
	place = arena->current->bytes + arena->used;
	arena->used += size;
	return place;
}

void *
cedar_arena_zero(struct cedar_arena *arena, size_t size)
{
	void *place = cedar_arena_take(arena, size);

	if (place != NULL)
		memset(place, 0, size);
	return place;
}

bool
cedar_arena_grow(struct cedar_arena *arena, void **items, size_t count, size_t *capacity, size_t item_size)
{
	size_t wanted;
	void *place;

	if (count < *capacity)
		return true;
	wanted = *capacity ? *capacity * 2 : 4;
	place = cedar_arena_take(arena, wanted * item_size);
	if (place == NULL)
		return false;
	if (count > 0)
		memcpy(place, *items, count * item_size);
	*items = place;
	*capacity = wanted;
	return true;
}
