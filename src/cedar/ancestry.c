/* ancestry.c - ancestors out of those of the parents. */
#include "cedar/ancestry.h"

const char cedar_hierarchy_cycle[] = "the hierarchy of entities has a cycle";
const char cedar_hierarchy_intricate[] = "the hierarchy of entities is too intricate";

enum { STEPS_A_LINK = 4 }; /* what is kept costs memory too */

struct gathering {
	struct cedar_ancestry_work *work;
	const struct cedar_ancestry *base;
	struct cedar_link *links;
	size_t count, capacity;
};

static bool
list_has(const struct cedar_ancestry *list, const struct cedar_uid *uid)
{
	size_t low = 0, high = list->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (list->links[middle].hash < uid->hash)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < list->count && list->links[low].hash == uid->hash; low++)
		if (cedar_uid_equal(list->links[low].uid, uid))
			return true;
	return false;
}

bool
cedar_ancestry_has(const struct cedar_ancestry *list, const struct cedar_uid *uid)
{
	for (; list != NULL; list = list->beyond)
		if (list_has(list, uid))
			return true;
	return false;
}

static bool
spend(struct cedar_ancestry_work *work, size_t steps)
{
	bool enough = work->budget >= steps;

	work->budget = enough ? work->budget - steps : 0;
	return enough;
}

/* One that is known to be in none of the lists. */
static bool
gather_new(struct gathering *gathering, const struct cedar_link *link)
{
	if (!spend(gathering->work, STEPS_A_LINK) ||
	    !cedar_arena_grow(gathering->work->passing, (void **)&gathering->links, gathering->count,
	                      &gathering->capacity, sizeof *gathering->links))
		return false;
	gathering->links[gathering->count++] = *link;
	return true;
}

static bool
gather(struct gathering *gathering, const struct cedar_link *link)
{
	const struct cedar_ancestry *list;

	for (list = gathering->base; list != NULL; list = list->beyond) {
		if (!spend(gathering->work, 1))
			return false;
		if (list_has(list, link->uid))
			return true;
	}
	return gather_new(gathering, link);
}

static bool
is_beyond(const struct cedar_ancestry *base, const struct cedar_ancestry *list)
{
	for (; base != NULL; base = base->beyond)
		if (base == list)
			return true;
	return false;
}

/* Lists that the base goes on with hold nothing new. */
static bool
gather_all(struct gathering *gathering, const struct cedar_ancestry *list)
{
	size_t i;

	for (; list != NULL && !is_beyond(gathering->base, list); list = list->beyond)
		for (i = 0; i < list->count; i++)
			if (!gather(gathering, &list->links[i]))
				return false;
	return true;
}

static int
link_order(const struct cedar_link *a, const struct cedar_link *b)
{
	return a->hash == b->hash ? cedar_uid_order(a->uid, b->uid) : a->hash < b->hash ? -1 : 1;
}

static void
links_sift(struct cedar_link *links, size_t root, size_t count)
{
	for (;;) {
		size_t child = root * 2 + 1;
		struct cedar_link kept = links[root];

		if (child >= count)
			return;
		if (child + 1 < count && link_order(&links[child], &links[child + 1]) < 0)
			child++;
		if (link_order(&kept, &links[child]) >= 0)
			return;
		links[root] = links[child];
		links[child] = kept;
		root = child;
	}
}

/* Answers how many are left without doubles. */
static size_t
links_sort(struct cedar_link *links, size_t count)
{
	size_t i, left = 0;

	for (i = count / 2; i-- > 0;)
		links_sift(links, i, count);
	for (i = count; i-- > 1;) {
		struct cedar_link last = links[i];

		links[i] = links[0];
		links[0] = last;
		links_sift(links, 0, i);
	}
	for (i = 0; i < count; i++)
		if (left == 0 || link_order(&links[left - 1], &links[i]) != 0)
			links[left++] = links[i];
	return left;
}

static bool
ancestry_keep(struct cedar_ancestry_work *work, struct gathering *gathering, struct cedar_ancestry *out)
{
	const struct cedar_ancestry *base = gathering->base;
	bool one = base != NULL && base->count + gathering->count <= CEDAR_ANCESTRY_LIST;
	size_t count = gathering->count + (one ? base->count : 0);
	struct cedar_link *links = cedar_arena_take(work->kept, count * sizeof *links);

	if (links == NULL)
		return false;
	if (gathering->count > 0)
		memcpy(links, gathering->links, gathering->count * sizeof *links);
	if (one)
		memcpy(links + gathering->count, base->links, base->count * sizeof *links);
	out->links = links;
	out->count = links_sort(links, count);
	out->beyond = one ? base->beyond : base;
	out->total = out->count + (out->beyond ? out->beyond->total : 0);
	return true;
}

bool
cedar_ancestry_make(struct cedar_ancestry_work *work, const struct cedar_link *parents,
                    const struct cedar_ancestry *const *of, size_t count, struct cedar_ancestry *out)
{
	struct gathering gathering = { .work = work };
	size_t i;

	*out = (struct cedar_ancestry){ 0 };
	if (count == 0)
		return true;
	for (i = 0; i < count; i++)
		if (of[i] != NULL && of[i]->total > 0 &&
		    (gathering.base == NULL || of[i]->total > gathering.base->total))
			gathering.base = of[i];
	for (i = 0; i < count; i++)
		if (of[i] == gathering.base && of[i] != NULL
		        ? !gather_new(&gathering, &parents[i])
		        : !gather(&gathering, &parents[i]) || !gather_all(&gathering, of[i]))
			return false;
	return ancestry_keep(work, &gathering, out);
}
