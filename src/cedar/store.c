/* store.c - entity stores: a trie of entities whose ancestors are complete. */
#include "cedar/store.h"

struct cedar_entities {
	struct cedar_memory memory;
	struct cedar_trie *trie;
	struct cedar_trie *above; /* uids that some entity has named as its parent */
	size_t count;
};

struct change {
	struct cedar_memory memory;
	struct cedar_arena arena;       /* of the work */
	struct cedar_trie *trie;        /* as it becomes */
	struct cedar_trie *above;
	size_t entities;
	struct cedar_leaf **leaves;     /* those whose ancestors are to be completed */
	size_t count, capacity;
	const struct cedar_builder *builder;
	struct cedar_fault *fault;
	bool failed;
};

const struct cedar_entity *
cedar_entities_find(const struct cedar_entities *entities, const struct cedar_uid *uid)
{
	struct cedar_leaf *leaf = cedar_trie_find(entities->trie, uid);

	return leaf ? &leaf->entity : NULL;
}

void
cedar_entities_prefetch(const struct cedar_entities *entities, const struct cedar_uid *uid)
{
	cedar_trie_prefetch(entities->trie, uid);
}

size_t
cedar_entities_count(const struct cedar_entities *entities)
{
	return entities->count;
}

void
cedar_entities_free(struct cedar_entities *entities)
{
	struct cedar_memory memory;

	if (entities == NULL)
		return;
	memory = entities->memory;
	cedar_trie_drop(&memory, entities->trie);
	cedar_trie_drop(&memory, entities->above);
	cedar_memory_give(&memory, entities);
}

static bool
change_fail(struct change *change, const char *message)
{
	change->failed = true;
	return cedar_fault_set(change->fault, (struct cedar_text){ 0 }, 0, "%s", message);
}

static bool
change_put(struct change *change, struct cedar_leaf *leaf)
{
	struct cedar_trie *trie;

	if (leaf == NULL || !cedar_arena_grow(&change->arena, (void **)&change->leaves, change->count, &change->capacity,
				    sizeof *change->leaves)) {
		cedar_leaf_drop(leaf);
		return change_fail(change, "out of memory");
	}
	if (cedar_trie_find(change->trie, &leaf->entity.uid) == NULL)
		change->entities++;
	trie = cedar_trie_put(&change->memory, change->trie, leaf);
	if (trie == NULL)
		return change_fail(change, "out of memory");
	cedar_trie_drop(&change->memory, change->trie);
	change->trie = trie;
	change->leaves[change->count++] = cedar_leaf_keep(leaf);
	return true;
}

static struct cedar_leaf *
leaf_copy(struct change *change, const struct cedar_entity *entity)
{
	struct cedar_leaf *leaf = cedar_leaf_new(&change->memory);
	struct cedar_entity *to;
	struct cedar_uid *uid;
	size_t i;

	if (leaf == NULL)
		return NULL;
	to = &leaf->entity;
	uid = cedar_uid_copy(&leaf->arena, &entity->uid);
	to->parents = cedar_arena_take(&leaf->arena, entity->parent_count * sizeof *to->parents);
	if (uid == NULL || to->parents == NULL || !cedar_value_copy(&leaf->arena, &entity->attributes, &to->attributes) ||
		!cedar_value_copy(&leaf->arena, &entity->tags, &to->tags))
		goto failed;
	to->uid = *uid;
	for (i = 0; i < entity->parent_count; i++) {
		uid = cedar_uid_copy(&leaf->arena, entity->parents[i].uid);
		if (uid == NULL)
			goto failed;
		to->parents[to->parent_count++] = (struct cedar_link){ uid->hash, uid };
	}
	return leaf;
failed:
	cedar_leaf_drop(leaf);
	return NULL;
}

/* An entity that did not change itself, but stands below one that did. */
static bool
recount_below(void *context, struct cedar_leaf *leaf)
{
	struct change *change = context;
	const struct cedar_entity *entity;
	struct cedar_leaf *copy;

	for (entity = change->builder->first; entity != NULL; entity = entity->next)
		if (cedar_uid_equal(&entity->uid, &leaf->entity.uid))
			return true;
	for (entity = change->builder->first; entity != NULL; entity = entity->next)
		if (cedar_entity_inside(&leaf->entity, &entity->uid))
			break;
	if (entity == NULL)
		return true;
	copy = cedar_leaf_new(&change->memory);
	if (copy == NULL)
		return change_fail(change, "out of memory");
	copy->entity = leaf->entity;
	copy->source = cedar_leaf_keep(leaf->source ? leaf->source : leaf);
	return change_put(change, copy);
}

struct set {
	struct cedar_link *table;
	size_t size, count;
};

/* True when it was not there yet. */
static bool
set_add(struct change *change, struct set *set, const struct cedar_uid *uid)
{
	struct cedar_link *old = set->table;
	size_t size = set->size, i, at;

	if (set->count * 2 >= set->size) {
		set->size = size ? size * 2 : 16;
		set->table = cedar_arena_zero(&change->arena, set->size * sizeof *set->table);
		if (set->table == NULL) {
			set->size = 0;
			return change_fail(change, "out of memory");
		}
		for (i = 0; i < size; i++) {
			if (old[i].uid == NULL)
				continue;
			for (at = old[i].hash & (set->size - 1); set->table[at].uid != NULL; at = (at + 1) & (set->size - 1))
				;
			set->table[at] = old[i];
		}
	}
	for (at = uid->hash & (set->size - 1); set->table[at].uid != NULL; at = (at + 1) & (set->size - 1))
		if (cedar_uid_equal(set->table[at].uid, uid))
			return false;
	set->table[at] = (struct cedar_link){ uid->hash, uid };
	set->count++;
	return true;
}

static int
link_order(const struct cedar_link *a, const struct cedar_link *b)
{
	return a->hash == b->hash ? 0 : a->hash < b->hash ? -1 : 1;
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

static void
links_sort(struct cedar_link *links, size_t count)
{
	size_t i;

	for (i = count / 2; i-- > 0;)
		links_sift(links, i, count);
	for (i = count; i-- > 1;) {
		struct cedar_link last = links[i];

		links[i] = links[0];
		links[0] = last;
		links_sift(links, 0, i);
	}
}

static bool
ancestors_take(struct change *change, struct cedar_leaf *leaf, const struct set *set)
{
	struct cedar_entity *entity = &leaf->entity;
	struct cedar_link *links = cedar_arena_take(&leaf->arena, set->count * sizeof *links);
	size_t i, count = 0;

	if (links == NULL)
		return change_fail(change, "out of memory");
	for (i = 0; i < set->size; i++) {
		if (set->table[i].uid == NULL)
			continue;
		links[count] = set->table[i];
		links[count].uid = cedar_uid_copy(&leaf->arena, set->table[i].uid);
		if (links[count++].uid == NULL)
			return change_fail(change, "out of memory");
	}
	links_sort(links, count);
	entity->ancestors = links;
	entity->ancestor_count = count;
	return true;
}

struct step {
	const struct cedar_entity *entity;
	struct step *next;
};

static bool
step_add(struct change *change, struct step **todo, const struct cedar_entity *entity)
{
	struct step *step = cedar_arena_take(&change->arena, sizeof *step);

	if (step == NULL)
		return change_fail(change, "out of memory");
	*step = (struct step){ entity, *todo };
	*todo = step;
	return true;
}

/* Walks upward from the entity; whoever meets itself is in a cycle. */
static bool
ancestors_complete(struct change *change, struct cedar_leaf *leaf)
{
	struct step *todo = NULL;
	struct set set = { 0 };
	size_t i;

	if (!step_add(change, &todo, &leaf->entity))
		return false;
	while (todo != NULL) {
		const struct cedar_entity *here = todo->entity;

		todo = todo->next;
		for (i = 0; i < here->parent_count; i++) {
			const struct cedar_uid *up = here->parents[i].uid;
			struct cedar_leaf *above;

			if (cedar_uid_equal(up, &leaf->entity.uid))
				return change_fail(change, "the hierarchy of entities has a cycle");
			if (!set_add(change, &set, up)) {
				if (change->failed)
					return false;
				continue;
			}
			above = cedar_trie_find(change->trie, up);
			if (above != NULL && !step_add(change, &todo, &above->entity))
				return false;
		}
	}
	return ancestors_take(change, leaf, &set);
}

static bool
above_add(struct change *change, const struct cedar_uid *uid)
{
	struct cedar_trie *above;
	struct cedar_leaf *leaf;
	struct cedar_uid *copy;

	if (cedar_trie_find(change->above, uid) != NULL)
		return true;
	leaf = cedar_leaf_new(&change->memory);
	copy = leaf ? cedar_uid_copy(&leaf->arena, uid) : NULL;
	if (copy == NULL) {
		cedar_leaf_drop(leaf);
		return change_fail(change, "out of memory");
	}
	leaf->entity.uid = *copy;
	above = cedar_trie_put(&change->memory, change->above, leaf);
	if (above == NULL)
		return change_fail(change, "out of memory");
	cedar_trie_drop(&change->memory, change->above);
	change->above = above;
	return true;
}

static bool
put_all(struct change *change)
{
	const struct cedar_entity *entity;
	size_t i;

	for (entity = change->builder->first; entity != NULL; entity = entity->next) {
		if (!change_put(change, leaf_copy(change, entity)))
			return false;
		for (i = 0; i < entity->parent_count; i++)
			if (!above_add(change, entity->parents[i].uid))
				return false;
	}
	return true;
}

/* Most changes are of entities that nobody stands below: then nothing else is looked at. */
static bool
may_be_above(const struct change *change, const struct cedar_entities *base)
{
	const struct cedar_entity *entity;

	for (entity = change->builder->first; base != NULL && entity != NULL; entity = entity->next)
		if (cedar_trie_find(base->above, &entity->uid) != NULL)
			return true;
	return false;
}

static bool
change_make(struct change *change, const struct cedar_entities *base)
{
	size_t i;

	if (!put_all(change))
		return false;
	if (may_be_above(change, base) && !cedar_trie_each(base->trie, recount_below, change))
		return false;
	for (i = 0; i < change->count; i++) /* found anew: a later one of the same uid has taken its place */
		if (!ancestors_complete(change, cedar_trie_find(change->trie, &change->leaves[i]->entity.uid)))
			return false;
	return true;
}

static void
change_end(struct change *change)
{
	size_t i;

	for (i = 0; i < change->count; i++)
		cedar_leaf_drop(change->leaves[i]);
	cedar_arena_dispose(&change->arena);
}

bool
cedar_entities_with(const struct cedar_memory *memory, const struct cedar_entities *base, struct cedar_builder *builder,
	struct cedar_entities **out, struct cedar_fault *fault)
{
	struct change change = { .memory = cedar_memory_or_default(memory), .builder = builder, .fault = fault };
	struct cedar_entities *entities;

	if (builder->failed)
		return cedar_fault_set(fault, (struct cedar_text){ 0 }, 0, "the builder had failed");
	entities = cedar_memory_take(&change.memory, sizeof *entities);
	if (entities == NULL)
		return cedar_fault_set(fault, (struct cedar_text){ 0 }, 0, "out of memory");
	cedar_arena_init(&change.arena, &change.memory, 4096);
	if (base != NULL) {
		change.trie = cedar_trie_keep(base->trie);
		change.above = cedar_trie_keep(base->above);
		change.entities = base->count;
	}
	if (!change_make(&change, base)) {
		cedar_trie_drop(&change.memory, change.trie);
		cedar_trie_drop(&change.memory, change.above);
		cedar_memory_give(&change.memory, entities);
		change_end(&change);
		return false;
	}
	*entities = (struct cedar_entities){ .memory = change.memory, .trie = change.trie, .above = change.above,
		.count = change.entities };
	change_end(&change);
	*out = entities;
	return true;
}
