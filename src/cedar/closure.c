/* closure.c - the transitive closure of a hierarchy, as rows of bits. */
#include "cedar/type.h"

static bool
row_set(struct cedar_arena *arena, uint64_t **row, uint32_t index, uint32_t count)
{
	if (*row == NULL)
		*row = cedar_arena_zero(arena, ((size_t)count + 63) / 64 * sizeof **row);
	if (*row == NULL)
		return false;
	(*row)[index / 64] |= (uint64_t)1 << (index % 64);
	return true;
}

/* Everything above `start` gets `start` as its descendant. */
static bool
climb(struct cedar_arena *arena, const struct cedar_edges *edges, uint32_t start, uint32_t count, uint64_t **rows,
      uint32_t *stack)
{
	uint32_t waiting = 0, at = start, i;

	for (;;) {
		for (i = 0; i < edges[at].count; i++) {
			uint32_t above = edges[at].to[i];

			if (cedar_bit(rows[above], start))
				continue;
			if (!row_set(arena, &rows[above], start, count))
				return false;
			stack[waiting++] = above; /* each comes here once, so the stack suffices */
		}
		if (waiting == 0)
			return true;
		at = stack[--waiting];
	}
}

uint64_t **
cedar_close(struct cedar_arena *arena, const struct cedar_edges *edges, uint32_t count)
{
	uint64_t **rows = cedar_arena_zero(arena, count * sizeof *rows);
	uint32_t *stack = cedar_arena_take(arena, ((size_t)count + 1) * sizeof *stack);
	uint32_t i;

	if (rows == NULL || stack == NULL)
		return NULL;
	for (i = 0; i < count; i++)
		if (!climb(arena, edges, i, count, rows, stack))
			return NULL;
	return rows;
}
