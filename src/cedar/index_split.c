/* index_split.c - where in the index a policy lies.
 *
 * Each policy goes under the rarest name that it asks for. Where many come together under one name, those are told apart
 * anew, by what is rarest among them, and so on: a tree of at most one level for each part of a scope. A request comes to a
 * node only if it has all names on the way, so however common each of them is alone, few policies are looked at in vain.
 */
#include "cedar/index_inside.h"

enum { FEW = 6 }; /* so many are looked at as fast as they are told apart */

/* A policy on its way down. */
struct item {
	uint32_t policy;
	uint32_t told; /* bits of the places that led here */
	uint32_t name; /* to go under */
};

/* What is to be put under a node. */
struct task {
	struct task *next;
	struct item *items;
	size_t count;
	uint32_t node; /* 0: the root; its own number for others */
};

struct split {
	struct places *places;
	const struct asking *asking;
	struct cedar_arena *passing;
	struct task *tasks;
	uint32_t *counts; /* by number of a name; all 0 between tasks */
};

static const uint32_t *
names_of(const struct split *split, const struct item *item, unsigned place, uint32_t *count)
{
	const struct asked *asked = &split->asking->asked[item->policy];
	uint32_t start = asked->start;
	unsigned i;

	*count = item->told >> place & 1 ? 0 : asked->counts[place];
	for (i = 0; i < place; i++)
		start += asked->counts[i];
	return split->asking->numbers + start;
}

/* Adds to, or takes back from, the count of each name that the items still ask for. */
static void
names_count(struct split *split, const struct task *task, uint32_t by)
{
	uint32_t count, j;
	unsigned place;
	size_t i;

	for (i = 0; i < task->count; i++)
		for (place = 0; place < PLACES; place++) {
			const uint32_t *names = names_of(split, &task->items[i], place, &count);

			for (j = 0; j < count; j++)
				split->counts[names[j]] += by;
		}
}

/* How many would come together under the most common of the names; a list costs a little for each of its members. */
static uint64_t
place_cost(const struct split *split, const uint32_t *names, uint32_t count)
{
	uint64_t most = 0;
	uint32_t i;

	for (i = 0; i < count; i++)
		if (split->counts[names[i]] > most)
			most = split->counts[names[i]];
	return most * 4 + count;
}

/* PLACES if the item asks for nothing more. */
static unsigned
rarest_place(const struct split *split, const struct item *item)
{
	uint64_t least = UINT64_MAX, cost;
	unsigned best = PLACES, place;
	uint32_t count;

	for (place = 0; place < PLACES; place++) {
		const uint32_t *names = names_of(split, item, place, &count);

		cost = place_cost(split, names, count);
		if (count > 0 && cost < least) {
			least = cost;
			best = place;
		}
	}
	return best;
}

static bool
entry_add(struct split *split, uint32_t policy)
{
	if (!cedar_arena_grow(split->passing, (void **)&split->places->entries, split->places->entry_count,
	                      &split->places->entry_capacity, sizeof *split->places->entries))
		return false;
	split->places->entries[split->places->entry_count++] = policy;
	return true;
}

static struct bucket *
bucket_of(struct split *split, uint32_t node)
{
	if (node <= split->asking->name_count)
		return &split->places->buckets[node];
	return &split->places->nodes[node - split->asking->name_count - 1].bucket;
}

/* The number of the node for a name below another one. */
static uint32_t
node_make(struct split *split, uint32_t above, uint32_t name)
{
	if (above == 0)
		return name;
	if (!cedar_arena_grow(split->passing, (void **)&split->places->nodes, split->places->node_count,
	                      &split->places->node_capacity, sizeof *split->places->nodes))
		return 0;
	split->places->nodes[split->places->node_count++] = (struct node){ above, name, { 0 } };
	struct bucket *bucket = bucket_of(split, above);
	bucket->aspects = (uint8_t)(bucket->aspects | 1u << split->asking->aspect_of[name]);
	return (uint32_t)(split->asking->name_count + split->places->node_count);
}

static bool
task_add(struct split *split, uint32_t node, struct item *items, size_t count)
{
	struct task *task = cedar_arena_take(split->passing, sizeof *task);

	if (task == NULL)
		return false;
	*task = (struct task){ split->tasks, items, count, node };
	split->tasks = task;
	return true;
}

/* Each item once for each name that it goes under; what goes under none is entered here. */
static struct item *
items_place(struct split *split, const struct task *task, size_t *out)
{
	struct item *placed = NULL;
	size_t count = 0, capacity = 0, i;

	for (i = 0; i < task->count; i++) {
		struct item item = task->items[i];
		unsigned place = task->count <= FEW && task->node != 0 ? PLACES : rarest_place(split, &item);
		const uint32_t *names;
		uint32_t members, j;

		if (place == PLACES) {
			if (!entry_add(split, item.policy))
				return NULL;
			continue;
		}
		names = names_of(split, &item, place, &members);
		item.told |= 1u << place;
		for (j = 0; j < members; j++) {
			if (!cedar_arena_grow(split->passing, (void **)&placed, count, &capacity, sizeof *placed))
				return NULL;
			item.name = names[j];
			placed[count++] = item;
		}
	}
	*out = count;
	return count > 0 ? placed : task->items;
}

/* Sorted by name, each name's items in their order. `counts` serves as the place where the next of a name goes. */
static struct item *
items_sort(struct split *split, const struct item *items, size_t count)
{
	struct item *sorted = cedar_arena_take(split->passing, count * sizeof *sorted);
	uint32_t start = 0, members;
	size_t i;

	if (sorted == NULL)
		return NULL;
	for (i = 0; i < count; i++)
		split->counts[items[i].name]++;
	for (i = 0; i < count; i++) { /* the first of a name fixes where they begin; the top bit says that it did */
		uint32_t *at = &split->counts[items[i].name];

		if (*at >> 31 == 0) {
			members = *at;
			*at = start | 1u << 31;
			start += members;
		}
		sorted[(*at)++ & INT32_MAX] = items[i];
	}
	for (i = 0; i < count; i++)
		split->counts[items[i].name] = 0;
	return sorted;
}

/* The same policy twice under one name: a list with doubles. */
static size_t
doubles_drop(struct item *items, size_t count)
{
	size_t i, kept = 0;

	for (i = 0; i < count; i++)
		if (kept == 0 || items[kept - 1].policy != items[i].policy)
			items[kept++] = items[i];
	return kept;
}

static bool
tasks_below(struct split *split, uint32_t node, struct item *items, size_t count)
{
	size_t start, end;

	for (start = 0; start < count; start = end) {
		uint32_t below = node_make(split, node, items[start].name);

		for (end = start; end < count && items[end].name == items[start].name; end++)
			;
		if (below == 0 || !task_add(split, below, items + start, doubles_drop(items + start, end - start)))
			return false;
	}
	return true;
}

static bool
task_do(struct split *split, const struct task *task)
{
	size_t start = split->places->entry_count, count;
	struct item *items;

	names_count(split, task, 1);
	items = items_place(split, task, &count);
	names_count(split, task, UINT32_MAX);
	if (items == NULL)
		return false;
	if (task->node != 0) {
		bucket_of(split, task->node)->start = (uint32_t)start;
		bucket_of(split, task->node)->count = (split->places->entry_count - start) & 0xFFFFFF;
	} else {
		split->places->always_count = split->places->entry_count; /* the first entries */
	}
	items = count > 0 ? items_sort(split, items, count) : NULL;
	return count == 0 || (items != NULL && tasks_below(split, task->node, items, count));
}

static bool
start(struct split *split)
{
	const struct asking *asking = split->asking;
	struct item *items = cedar_arena_take(split->passing, asking->count * sizeof *items);
	size_t count = 0, i;

	split->counts = cedar_arena_zero(split->passing, (asking->name_count + 1) * sizeof *split->counts);
	split->places->buckets =
	    cedar_arena_zero(split->passing, (asking->name_count + 1) * sizeof *split->places->buckets);
	if (items == NULL || split->counts == NULL || split->places->buckets == NULL)
		return false;
	for (i = 0; i < asking->count; i++)
		if (!asking->asked[i].never)
			items[count++] = (struct item){ .policy = (uint32_t)i };
	return task_add(split, 0, items, count);
}

bool
cedar_index_split(struct places *places, const struct asking *asking, struct cedar_arena *passing)
{
	struct split split = { .places = places, .asking = asking, .passing = passing };
	bool good = start(&split);

	while (good && split.tasks != NULL) {
		struct task *task = split.tasks;

		split.tasks = task->next;
		good = task_do(&split, task);
	}
	return good;
}
