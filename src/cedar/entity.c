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
	for (at = uid->hash & (builder->table_size - 1); builder->table[at] != NULL; at = (at + 1) & (builder->table_size - 1))
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

static bool
links_hold(const struct cedar_link *links, size_t count, const struct cedar_uid *uid)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (links[middle].hash < uid->hash)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < count && links[low].hash == uid->hash; low++)
		if (cedar_uid_equal(links[low].uid, uid))
			return true;
	return false;
}

bool
cedar_entity_inside(const struct cedar_entity *entity, const struct cedar_uid *ancestor)
{
	return links_hold(entity->ancestors, entity->ancestor_count, ancestor);
}

static bool
table_fill(struct cedar_builder *builder)
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

static bool
ancestor_add(struct cedar_builder *builder, struct cedar_entity *entity, size_t *capacity, struct cedar_link link)
{
	size_t at = entity->ancestor_count;

	if (links_hold(entity->ancestors, entity->ancestor_count, link.uid))
		return true;
	if (!cedar_arena_grow(&builder->arena, (void **)&entity->ancestors, entity->ancestor_count, capacity,
		    sizeof *entity->ancestors))
		return false;
	for (; at > 0 && entity->ancestors[at - 1].hash > link.hash; at--)
		entity->ancestors[at] = entity->ancestors[at - 1];
	entity->ancestors[at] = link;
	entity->ancestor_count++;
	return true;
}

static bool
ancestors_add(struct cedar_builder *builder, struct cedar_entity *entity, size_t *capacity, const struct cedar_link *links,
	size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!ancestor_add(builder, entity, capacity, links[i]))
			return false;
	return true;
}

struct walk {
	struct cedar_entity *entity;
	struct walk *next;
};

/* Visits the entity and those of the builder above it once each; from the base come complete lists. */
static bool
entity_complete(struct cedar_builder *builder, const struct cedar_view *view, struct cedar_entity *entity, unsigned mark)
{
	struct walk start = { entity, NULL }, *todo = &start;
	size_t capacity = 0, i;

	entity->ancestors = NULL;
	entity->ancestor_count = 0;
	entity->mark = mark;
	while (todo != NULL) {
		struct cedar_entity *here = todo->entity;

		todo = todo->next;
		if (!ancestors_add(builder, entity, &capacity, here->parents, here->parent_count))
			return false;
		for (i = 0; i < here->parent_count; i++) {
			struct cedar_entity *up = (struct cedar_entity *)cedar_builder_find(builder, here->parents[i].uid);
			const struct cedar_entity *old;
			struct walk *step;

			if (up == NULL) {
				old = view->base ? cedar_entities_find(view->base, here->parents[i].uid) : NULL;
				if (old && !ancestors_add(builder, entity, &capacity, old->ancestors, old->ancestor_count))
					return false;
				continue;
			}
			if (up->mark == mark)
				continue;
			up->mark = mark;
			step = cedar_arena_take(&builder->arena, sizeof *step);
			if (step == NULL)
				return false;
			*step = (struct walk){ up, todo };
			todo = step;
		}
	}
	return true;
}

bool
cedar_builder_seal(struct cedar_builder *builder, const struct cedar_entities *base)
{
	struct cedar_view view = { base, NULL };
	struct cedar_entity *entity;
	unsigned mark = 0;

	if (builder->failed)
		return false;
	if (builder->sealed && builder->sealed_over == base)
		return true;
	if (!table_fill(builder))
		return false;
	for (entity = builder->first; entity != NULL; entity = entity->next)
		entity->mark = 0;
	for (entity = builder->first; entity != NULL; entity = entity->next)
		if (!entity_complete(builder, &view, entity, ++mark))
			return false;
	builder->sealed = true;
	builder->sealed_over = base;
	return true;
}
