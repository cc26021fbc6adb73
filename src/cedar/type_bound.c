/* type_bound.c - least upper bounds. Types share their parts: a small schema can describe a tree that nobody can walk, so each
 * pair of parts is looked at once, and what is looked at is counted. */
#include "cedar/type_bound.h"

struct cedar_bound_pair {
	const struct cedar_type *a, *b; /* NULL: free */
	const struct cedar_type *bound;
};

static bool
is_truth(const struct cedar_type *type)
{
	return type->kind <= CEDAR_TYPE_FALSE;
}

static struct cedar_bound_pair *
pair_slot(struct cedar_bound_pair *pairs, size_t capacity, const struct cedar_type *a, const struct cedar_type *b)
{
	size_t at = (((uintptr_t)a >> 3) * 0x9E3779B97F4A7C15ull ^ ((uintptr_t)b >> 3) * 0xD6E8FEB86659FD93ull) >> 20 &
	            (capacity - 1);

	while (pairs[at].a != NULL && (pairs[at].a != a || pairs[at].b != b))
		at = (at + 1) & (capacity - 1);
	return &pairs[at];
}

static bool
pairs_grow(struct cedar_bounds *bounds)
{
	size_t capacity = bounds->capacity ? bounds->capacity * 2 : 32, i;
	struct cedar_bound_pair *pairs = cedar_arena_zero(bounds->arena, capacity * sizeof *pairs);

	if (pairs == NULL)
		return false;
	for (i = 0; i < bounds->capacity; i++)
		if (bounds->pairs[i].a != NULL)
			*pair_slot(pairs, capacity, bounds->pairs[i].a, bounds->pairs[i].b) = bounds->pairs[i];
	bounds->pairs = pairs;
	bounds->capacity = capacity;
	return true;
}

static const struct cedar_type *
set_bound(struct cedar_bounds *bounds, const struct cedar_type *a, const struct cedar_type *b)
{
	const struct cedar_type *element = cedar_type_bound(bounds, a->element, b->element);
	struct cedar_type *type;

	if (element == NULL || element == a->element)
		return element ? a : NULL;
	type = cedar_arena_zero(bounds->arena, sizeof *type);
	if (type == NULL)
		return NULL;
	*type = (struct cedar_type){ .kind = CEDAR_TYPE_SET, .depth = a->depth, .element = element };
	return type;
}

/* The attributes of `a` with the bounds in place; NULL where all are those of `a`. False if there is no bound. */
static bool
attributes_bound(struct cedar_bounds *bounds, const struct cedar_type *a, const struct cedar_type *b,
                 struct cedar_attribute **out)
{
	uint32_t i;

	for (i = 0; i < a->count; i++) {
		const struct cedar_attribute *left = &a->attributes[i], *right = &b->attributes[i];
		const struct cedar_type *bound;

		if (!cedar_text_equal(left->name, right->name) || left->required != right->required)
			return false;
		bound = cedar_type_bound(bounds, left->type, right->type);
		if (bound == NULL)
			return false;
		if (bound == left->type)
			continue;
		if (*out == NULL) {
			*out = cedar_arena_take(bounds->arena, a->count * sizeof **out);
			if (*out == NULL)
				return false;
			memcpy(*out, a->attributes, a->count * sizeof **out);
		}
		(*out)[i].type = bound;
	}
	return true;
}

static const struct cedar_type *
record_bound(struct cedar_bounds *bounds, const struct cedar_type *a, const struct cedar_type *b)
{
	struct cedar_attribute *attributes = NULL;
	struct cedar_type *type;

	if (a->count != b->count || !attributes_bound(bounds, a, b, &attributes))
		return NULL;
	if (attributes == NULL)
		return a;
	type = cedar_arena_zero(bounds->arena, sizeof *type);
	if (type == NULL)
		return NULL;
	*type = (struct cedar_type){
		.kind = CEDAR_TYPE_RECORD, .depth = a->depth, .count = a->count, .attributes = attributes
	};
	return type;
}

/* Of two sets or two records. What is out of steps is not kept: it is not known. */
static const struct cedar_type *
pair_bound(struct cedar_bounds *bounds, const struct cedar_type *a, const struct cedar_type *b)
{
	const struct cedar_type *bound;
	struct cedar_bound_pair *slot;

	if (bounds->capacity > 0) {
		slot = pair_slot(bounds->pairs, bounds->capacity, a, b);
		if (slot->a != NULL)
			return slot->bound;
	}
	bound = a->kind == CEDAR_TYPE_SET ? set_bound(bounds, a, b) : record_bound(bounds, a, b);
	if (*bounds->steps > bounds->most || (bounds->count * 2 >= bounds->capacity && !pairs_grow(bounds)))
		return NULL;
	*pair_slot(bounds->pairs, bounds->capacity, a, b) = (struct cedar_bound_pair){ a, b, bound };
	bounds->count++;
	return bound;
}

const struct cedar_type *
cedar_type_bound(struct cedar_bounds *bounds, const struct cedar_type *a, const struct cedar_type *b)
{
	if (++*bounds->steps > bounds->most)
		return NULL;
	if (a == b)
		return a;
	if (is_truth(a) && is_truth(b))
		return a->kind == b->kind ? a : &cedar_type_bool;
	if (a->kind == CEDAR_TYPE_NEVER || b->kind == CEDAR_TYPE_NEVER)
		return a->kind == CEDAR_TYPE_NEVER ? b : a;
	if (a->kind != b->kind)
		return NULL;
	switch ((enum cedar_type_kind)a->kind) {
	case CEDAR_TYPE_ENTITY:
		return a->entity == b->entity ? a : NULL;
	case CEDAR_TYPE_SET:
	case CEDAR_TYPE_RECORD:
		return pair_bound(bounds, a, b);
	case CEDAR_TYPE_EXTENSION:
		return a->extension == b->extension ? a : NULL;
	case CEDAR_TYPE_BOOL:
	case CEDAR_TYPE_TRUE:
	case CEDAR_TYPE_FALSE:
	case CEDAR_TYPE_LONG:
	case CEDAR_TYPE_STRING:
	case CEDAR_TYPE_NEVER:
		break;
	}
	return a;
}
