/* entity.c - finding entities, and who is inside whom. */
#include "cedar/entity.h"

enum { TABLE_FROM = 8 }; /* fewer entities than this are searched one by one */

const struct cedar_entity *
cedar_builder_find(const struct cedar_builder *builder, const struct cedar_uid *uid)
{
	const struct cedar_entity *entity;
	size_t at;

	if (builder->table_size == 0) {
		const struct cedar_entity *found = NULL; /* the last of a uid is the one that counts */

		for (entity = builder->first; entity != NULL; entity = entity->next)
			if (cedar_uid_equal(&entity->uid, uid))
				found = entity;
		return found;
	}
	for (at = uid->hash & (builder->table_size - 1); builder->table[at] != NULL;
	     at = (at + 1) & (builder->table_size - 1))
		if (cedar_uid_equal(&builder->table[at]->uid, uid))
			return builder->table[at];
	return NULL;
}

const struct cedar_entity *
cedar_view_find(const struct cedar_view *view, const struct cedar_uid *uid)
{
	const struct cedar_entity *found = NULL;

	if (view->overlay != NULL && view->overlay->count > 0)
		found = cedar_builder_find(view->overlay, uid);
	if (found == NULL && view->base != NULL)
		found = cedar_entities_find(view->base, uid);
	return found;
}

bool
cedar_entity_inside(const struct cedar_entity *entity, const struct cedar_uid *ancestor)
{
	return cedar_ancestry_has(&entity->above, ancestor);
}

bool
cedar_builder_table(struct cedar_builder *builder)
{
	struct cedar_entity *entity;
	size_t size = 16, at;

	builder->table_size = 0;
	if (builder->count < TABLE_FROM)
		return true;
	while (size < builder->count * 2)
		size *= 2;
	builder->table = cedar_arena_zero(&builder->arena, size * sizeof *builder->table);
	if (builder->table == NULL)
		return false;
	for (entity = builder->first; entity != NULL; entity = entity->next) {
		for (at = entity->uid.hash & (size - 1); builder->table[at] != NULL; at = (at + 1) & (size - 1))
			if (cedar_uid_equal(&builder->table[at]->uid, &entity->uid))
				break;
		builder->table[at] = entity;
	}
	builder->table_size = size;
	return true;
}

struct walk {
	struct cedar_entity *entity;
	size_t next; /* of its parents */
	struct walk *below;
};

static bool
entity_complete(struct cedar_builder *builder, const struct cedar_entities *base, struct cedar_ancestry_work *work,
                struct cedar_entity *entity)
{
	const struct cedar_view view = { base, builder };
	const struct cedar_ancestry **of =
	    cedar_arena_take(&builder->arena, entity->parent_count * sizeof(const struct cedar_ancestry *));
	size_t i;

	if (of == NULL)
		return false;
	for (i = 0; i < entity->parent_count; i++) {
		const struct cedar_entity *up = cedar_view_find(&view, entity->parents[i].uid);

		of[i] = up ? &up->above : NULL;
	}
	entity->mark = CEDAR_DONE;
	return cedar_ancestry_make(work, entity->parents, of, entity->parent_count, &entity->above);
}

static bool
walk_open(struct cedar_builder *builder, struct walk **todo, struct cedar_entity *entity)
{
	struct walk *walk = cedar_arena_take(&builder->arena, sizeof *walk);

	if (walk == NULL)
		return false;
	*walk = (struct walk){ entity, 0, *todo };
	entity->mark = CEDAR_OPEN;
	*todo = walk;
	return true;
}

/* From the entity upward, and each is completed when all above it in the builder are. */
static bool
complete_upward(struct cedar_builder *builder, const struct cedar_entities *base, struct cedar_ancestry_work *work,
                struct cedar_entity *entity)
{
	struct walk *todo = NULL;

	if (!walk_open(builder, &todo, entity))
		return false;
	while (todo != NULL) {
		struct cedar_entity *here = todo->entity, *up;

		if (todo->next == here->parent_count) {
			todo = todo->below;
			if (!entity_complete(builder, base, work, here))
				return false;
			continue;
		}
		up = (struct cedar_entity *)cedar_builder_find(builder, here->parents[todo->next++].uid);
		if (up == NULL || up->mark == CEDAR_DONE)
			continue;
		if (up->mark == CEDAR_OPEN)
			builder->trouble = cedar_hierarchy_cycle;
		if (up->mark == CEDAR_OPEN || !walk_open(builder, &todo, up))
			return false;
	}
	return true;
}

bool
cedar_builder_seal(struct cedar_builder *builder, const struct cedar_entities *base)
{
	struct cedar_ancestry_work work = { &builder->arena, &builder->arena, cedar_ancestry_budget(builder->count) };
	struct cedar_entity *entity;

	if (builder->failed)
		return false;
	if (builder->sealed && builder->sealed_over == base)
		return true;
	builder->trouble = "out of memory";
	if (!cedar_builder_table(builder))
		return false;
	for (entity = builder->first; entity != NULL; entity = entity->next)
		entity->mark = CEDAR_NEW;
	for (entity = builder->first; entity != NULL; entity = entity->next)
		if (entity->mark == CEDAR_NEW && !complete_upward(builder, base, &work, entity)) {
			if (work.budget == 0)
				builder->trouble = cedar_hierarchy_intricate;
			return false;
		}
	builder->sealed = true;
	builder->sealed_over = base;
	return true;
}
