/* numbers.c - sorting policy numbers without libc's qsort, which may allocate. */
#include "cedar/policies.h"

static void
sift(uint32_t *items, size_t root, size_t count)
{
	for (;;) {
		size_t child = root * 2 + 1;
		uint32_t kept = items[root];

		if (child >= count)
			return;
		if (child + 1 < count && items[child] < items[child + 1])
			child++;
		if (kept >= items[child])
			return;
		items[root] = items[child];
		items[child] = kept;
		root = child;
	}
}

static void
insertion_sort(uint32_t *items, size_t count)
{
	size_t i, j;

	for (i = 1; i < count; i++) {
		uint32_t item = items[i];

		for (j = i; j > 0 && items[j - 1] > item; j--)
			items[j] = items[j - 1];
		items[j] = item;
	}
}

static void
heap_sort(uint32_t *items, size_t count)
{
	size_t i;

	for (i = count / 2; i-- > 0;)
		sift(items, i, count);
	for (i = count; i-- > 1;) {
		uint32_t last = items[i];

		items[i] = items[0];
		items[0] = last;
		sift(items, 0, i);
	}
}

size_t
cedar_numbers_sort(uint32_t *items, size_t count)
{
	size_t i, kept = 0;

	for (i = 1; i < count && items[i - 1] < items[i]; i++)
		;
	if (i >= count)
		return count;
	if (count <= 24)
		insertion_sort(items, count);
	else
		heap_sort(items, count);
	for (i = 0; i < count; i++)
		if (kept == 0 || items[kept - 1] != items[i])
			items[kept++] = items[i];
	return kept;
}
