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
	struct cedar_arena arena, passing; /* of the work; of one entity */
	size_t budget;                     /* see ancestry.h */
	struct cedar_trie *trie;           /* as it becomes */
	struct cedar_trie *above;
	size_t entities;
	struct cedar_leaf **leaves; /* those whose ancestors are to be completed */
	size_t count, capacity;
	struct cedar_builder *builder;
	const struct cedar_entities *base;
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

	if (leaf == NULL || !cedar_arena_grow(&change->arena, (void **)&change->leaves, change->count,
	                                      &change->capacity, sizeof *change->leaves)) {
		cedar_leaf_drop(leaf);
		return change_fail(change, "out of memory");
	}
	if (cedar_trie_find(change->trie, &leaf->entity.uid) == NULL)
		change->entities++;
	trie = cedar_trie_put(&change->memory, change->trie, leaf);
	if (trie == NULL)
		return change_fail(change, "out of memory");
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
	if (uid == NULL || to->parents == NULL ||
	    !cedar_value_copy(&leaf->arena, &entity->attributes, &to->attributes) ||
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

/* Who of the base stands below an entity that changed; found out once for each, out of what is known of its parents. */
enum verdict { UNKNOWN, APART, BELOW };

struct verdicts {
	const struct cedar_leaf **leaves; /* a hash table by address */
	uint8_t *verdicts;
	size_t size;
};

static bool
verdicts_make(struct change *change, struct verdicts *out)
{
	for (out->size = 64; out->size < change->base->count * 2; out->size *= 2)
		;
	out->leaves = cedar_arena_zero(&change->arena, out->size * sizeof(const struct cedar_leaf *));
	out->verdicts = cedar_arena_zero(&change->arena, out->size);
	return (out->leaves != NULL && out->verdicts != NULL) || change_fail(change, "out of memory");
}

static uint8_t *
verdict_of(struct verdicts *verdicts, const struct cedar_leaf *leaf)
{
	size_t at = ((uintptr_t)leaf >> 4) * 0x9E3779B97F4A7C15ull >> 20 & (verdicts->size - 1);

	while (verdicts->leaves[at] != NULL && verdicts->leaves[at] != leaf)
		at = (at + 1) & (verdicts->size - 1);
	verdicts->leaves[at] = leaf;
	return &verdicts->verdicts[at];
}

/* What the parents say of a leaf; or which of them must be asked first. */
static enum verdict
parents_verdict(const struct change *change, struct verdicts *verdicts, const struct cedar_leaf *leaf,
                struct cedar_leaf **first)
{
	size_t i;

	*first = NULL;
	for (i = 0; i < leaf->entity.parent_count; i++) {
		const struct cedar_uid *uid = leaf->entity.parents[i].uid;
		struct cedar_leaf *up;
		enum verdict verdict;

		up = cedar_trie_find(change->base->trie, uid);
		verdict = cedar_builder_find(change->builder, uid) ? BELOW
		          : up                                     ? (enum verdict) * verdict_of(verdicts, up)
		                                                   : APART;
		if (verdict == BELOW) {
			*first = NULL;
			return BELOW;
		}
		if (verdict == UNKNOWN && *first == NULL)
			*first = up;
	}
	return *first ? UNKNOWN : APART;
}

struct question {
	struct cedar_leaf *leaf;
	struct question *below;
};

/* Upward, until enough is known; the base has no circles. */
static bool
find_verdict(struct change *change, struct verdicts *verdicts, struct cedar_leaf *leaf)
{
	struct question *todo = NULL, *question;
	enum verdict verdict;

	while (leaf != NULL) {
		question = cedar_arena_take(&change->passing, sizeof *question);
		if (question == NULL)
			return change_fail(change, "out of memory");
		*question = (struct question){ leaf, todo };
		for (todo = question, leaf = NULL; todo != NULL && leaf == NULL; todo = leaf ? todo : todo->below) {
			verdict = parents_verdict(change, verdicts, todo->leaf, &leaf);
			*verdict_of(verdicts, todo->leaf) = (uint8_t)verdict;
		}
	}
	return true;
}

/* An entity that did not change itself, but stands below one that did. */
static bool
recount_below(struct change *change, struct cedar_leaf *leaf)
{
	struct cedar_leaf *copy = cedar_leaf_new(&change->memory);

	if (copy == NULL)
		return change_fail(change, "out of memory");
	copy->entity = leaf->entity;
	copy->entity.mark = CEDAR_NEW;
	copy->source = cedar_leaf_keep(leaf->source ? leaf->source : leaf);
	return change_put(change, copy);
}

struct recounting {
	struct change *change;
	struct verdicts verdicts;
};

static bool
recount_leaf(void *context, struct cedar_leaf *leaf)
{
	struct recounting *recounting = context;
	struct change *change = recounting->change;

	if (cedar_builder_find(change->builder, &leaf->entity.uid) != NULL)
		return true;
	if (*verdict_of(&recounting->verdicts, leaf) == UNKNOWN) {
		cedar_arena_reset(&change->passing);
		if (!find_verdict(change, &recounting->verdicts, leaf))
			return false;
	}
	return *verdict_of(&recounting->verdicts, leaf) != BELOW || recount_below(change, leaf);
}

static bool
recount(struct change *change)
{
	struct recounting recounting = { .change = change };

	return verdicts_make(change, &recounting.verdicts) &&
	       cedar_trie_each(change->base->trie, recount_leaf, &recounting);
}

struct step {
	struct cedar_leaf *leaf;
	size_t next; /* of its parents */
	struct step *below;
};

static bool
step_add(struct change *change, struct step **todo, struct cedar_leaf *leaf)
{
	struct step *step = cedar_arena_take(&change->arena, sizeof *step);

	if (step == NULL)
		return change_fail(change, "out of memory");
	*step = (struct step){ leaf, 0, *todo };
	leaf->entity.mark = CEDAR_OPEN;
	*todo = step;
	return true;
}

/* Out of the parents, which are complete. The uids are those of the store's own list of who is above someone: they live as
 * long as the store, and so do the lists of the parents, because whoever stands below a changed entity is made anew. */
static bool
leaf_complete(struct change *change, struct cedar_leaf *leaf)
{
	struct cedar_entity *entity = &leaf->entity;
	struct cedar_ancestry_work work = { &leaf->arena, &change->passing, change->budget };
	const struct cedar_ancestry **of;
	struct cedar_link *parents;
	size_t i;
	bool done;

	cedar_arena_reset(&change->passing);
	of = cedar_arena_take(&change->passing, entity->parent_count * sizeof(const struct cedar_ancestry *));
	parents = cedar_arena_take(&change->passing, entity->parent_count * sizeof *parents);
	if (of == NULL || parents == NULL)
		return change_fail(change, "out of memory");
	for (i = 0; i < entity->parent_count; i++) {
		struct cedar_leaf *up = cedar_trie_find(change->trie, entity->parents[i].uid);
		struct cedar_leaf *known = cedar_trie_find(change->above, entity->parents[i].uid);

		of[i] = up ? &up->entity.above : NULL;
		parents[i] = (struct cedar_link){ known->entity.uid.hash, &known->entity.uid };
	}
	entity->mark = CEDAR_DONE;
	done = cedar_ancestry_make(&work, parents, of, entity->parent_count, &entity->above);
	change->budget = work.budget;
	return done || change_fail(change, work.budget == 0 ? cedar_hierarchy_intricate : "out of memory");
}

/* From the entity upward; whoever is met again while still open is in a cycle. */
static bool
ancestors_complete(struct change *change, struct cedar_leaf *leaf)
{
	struct step *todo = NULL;

	if (leaf->entity.mark == CEDAR_DONE)
		return true;
	if (!step_add(change, &todo, leaf))
		return false;
	while (todo != NULL) {
		struct cedar_leaf *here = todo->leaf, *up;

		if (todo->next == here->entity.parent_count) {
			todo = todo->below;
			if (!leaf_complete(change, here))
				return false;
			continue;
		}
		up = cedar_trie_find(change->trie, here->entity.parents[todo->next++].uid);
		if (up == NULL || up->entity.mark == CEDAR_DONE)
			continue;
		if (up->entity.mark == CEDAR_OPEN)
			return change_fail(change, cedar_hierarchy_cycle);
		if (!step_add(change, &todo, up))
			return false;
	}
	return true;
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
may_be_above(const struct change *change)
{
	const struct cedar_entity *entity;

	for (entity = change->builder->first; change->base != NULL && entity != NULL; entity = entity->next)
		if (cedar_trie_find(change->base->above, &entity->uid) != NULL)
			return true;
	return false;
}

static bool
change_make(struct change *change)
{
	size_t i;

	if (!cedar_builder_table(change->builder))
		return change_fail(change, "out of memory");
	if (!put_all(change))
		return false;
	change->budget = cedar_ancestry_budget(change->entities);
	if (may_be_above(change) && !recount(change))
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
	cedar_arena_dispose(&change->passing);
}

bool
cedar_entities_with(const struct cedar_memory *memory, const struct cedar_entities *base, struct cedar_builder *builder,
                    struct cedar_entities **out, struct cedar_fault *fault)
{
	struct change change = {
		.memory = cedar_memory_or_default(memory), .builder = builder, .base = base, .fault = fault
	};
	struct cedar_entities *entities;

	if (builder->failed)
		return cedar_fault_set(fault, (struct cedar_text){ 0 }, 0, "the builder had failed");
	entities = cedar_memory_take(&change.memory, sizeof *entities);
	if (entities == NULL)
		return cedar_fault_set(fault, (struct cedar_text){ 0 }, 0, "out of memory");
	cedar_arena_init(&change.arena, &change.memory, 4096);
	cedar_arena_init(&change.passing, &change.memory, 4096);
	if (base != NULL) {
		change.trie = cedar_trie_keep(base->trie);
		change.above = cedar_trie_keep(base->above);
		change.entities = base->count;
	}
	if (!change_make(&change)) {
		cedar_trie_drop(&change.memory, change.trie);
		cedar_trie_drop(&change.memory, change.above);
		cedar_memory_give(&change.memory, entities);
		change_end(&change);
		return false;
	}
	*entities = (struct cedar_entities){
		.memory = change.memory, .trie = change.trie, .above = change.above, .count = change.entities
	};
	change_end(&change);
	*out = entities;
	return true;
}
