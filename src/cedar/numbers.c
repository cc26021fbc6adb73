/* numbers.c - sorting policy numbers: a merge of the runs that are there, for they come from few buckets, each sorted.
 * (libc's qsort may allocate.) */
#include "cedar/policies.h"

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

static size_t
run_end(const uint32_t *items, size_t start, size_t count)
{
	size_t end = start + 1;

	while (end < count && items[end - 1] <= items[end])
		end++;
	return end < count ? end : count;
}

static void
merge(const uint32_t *left, size_t left_count, const uint32_t *right, size_t right_count, uint32_t *out)
{
	while (left_count > 0 && right_count > 0) {
		if (*left <= *right) {
			*out++ = *left++;
			left_count--;
		} else {
			*out++ = *right++;
			right_count--;
		}
	}
	memcpy(out, left, left_count * sizeof *out);
	memcpy(out + left_count, right, right_count * sizeof *out);
}

/* One pass: runs two by two into `out`; answers whether one run is left. */
static bool
merge_pass(const uint32_t *items, size_t count, uint32_t *out)
{
	size_t start = 0, middle, end, runs = 0;

	while (start < count) {
		middle = run_end(items, start, count);
		end = middle < count ? run_end(items, middle, count) : count;
		merge(items + start, middle - start, items + middle, end - middle, out + start);
		start = end;
		runs++;
	}
	return runs <= 1;
}

size_t
cedar_numbers_sort(uint32_t **numbers, size_t count, uint32_t *spare)
{
	uint32_t *items = *numbers, *other = spare, *kept_items;
	size_t i, kept = 0;
	bool sorted = false;

	if (count <= 24)
		insertion_sort(items, count);
	else
		for (sorted = run_end(items, 0, count) == count; !sorted;) {
			sorted = merge_pass(items, count, other);
			kept_items = items;
			items = other;
			other = kept_items;
		}
	for (i = 0; i < count; i++)
		if (kept == 0 || items[kept - 1] != items[i])
			items[kept++] = items[i];
	*numbers = items;
	return kept;
}
