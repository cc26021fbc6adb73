/* evaluate_entities.c - what is asked of entities: where they stand, their types, tags and paths of attributes. */
#include "cedar/evaluate_parts.h"

static bool
in_one(const struct cedar_uid *uid, const struct cedar_entity *entity, const struct cedar_uid *other)
{
	return cedar_uid_equal(uid, other) || (entity != NULL && cedar_entity_inside(entity, other));
}

static bool
decide_in(struct cedar_evaluation *run, const struct cedar_value *left, const struct cedar_value *right,
          struct cedar_value *out)
{
	const struct cedar_entity *entity = cedar_party_find(run, left->entity);
	const struct cedar_uid *uid = left->entity;
	bool found = false;
	uint32_t i;

	if (right->kind == CEDAR_ENTITY) {
		cedar_put_truth(out, in_one(uid, entity, right->entity));
		return true;
	}
	if (right->kind != CEDAR_SET)
		return cedar_fail_type(run, "entity or set of entities", right);
	for (i = 0; i < right->count; i++)
		if (right->items[i].kind != CEDAR_ENTITY)
			return cedar_fail_type(run, "entity", &right->items[i]);
	for (i = 0; i < right->count && !found; i++)
		found = in_one(uid, entity, right->items[i].entity);
	cedar_put_truth(out, found);
	return true;
}

bool
cedar_evaluate_in(struct cedar_evaluation *run, const struct cedar_expr *expr, struct cedar_value *out)
{
	struct cedar_value left, right;

	if (!cedar_evaluate_kind(run, expr->left, CEDAR_ENTITY, "entity", &left) ||
	    !cedar_evaluate(run, expr->right, &right))
		return false;
	return decide_in(run, &left, &right, out);
}

bool
cedar_evaluate_is(struct cedar_evaluation *run, const struct cedar_expr *expr, struct cedar_value *out)
{
	struct cedar_value left, right;

	if (!cedar_evaluate_kind(run, expr->tested, CEDAR_ENTITY, "entity", &left))
		return false;
	if (!cedar_text_equal(left.entity->type, expr->type->type)) {
		cedar_put_truth(out, false);
		return true;
	}
	cedar_put_truth(out, true);
	if (expr->inside == NULL)
		return true;
	return cedar_evaluate(run, expr->inside, &right) && decide_in(run, &left, &right, out);
}

bool
cedar_evaluate_tag(struct cedar_evaluation *run, const struct cedar_expr *expr, struct cedar_value *out)
{
	const struct cedar_entity *entity;
	const struct cedar_value *found;
	struct cedar_value left, right;

	if (!cedar_evaluate_kind(run, expr->left, CEDAR_ENTITY, "entity", &left) ||
	    !cedar_evaluate_kind(run, expr->right, CEDAR_STRING, "string", &right))
		return false;
	entity = cedar_party_find(run, left.entity);
	found = entity ? cedar_record_find(&entity->tags, right.text) : NULL;
	if (expr->kind == CEDAR_NODE_HAS_TAG) {
		cedar_put_truth(out, found != NULL);
		return true;
	}
	if (entity == NULL)
		return cedar_evaluate_fail(run, "the entity %.*s::\"%.*s\" does not exist",
		                           cedar_shown(left.entity->type), left.entity->type.data,
		                           cedar_shown(left.entity->id), left.entity->id.data);
	if (found == NULL)
		return cedar_evaluate_fail(run, "%.*s::\"%.*s\" has no tag `%.*s`", cedar_shown(left.entity->type),
		                           left.entity->type.data, cedar_shown(left.entity->id), left.entity->id.data,
		                           cedar_shown(right.text), right.text.data);
	*out = *found;
	return true;
}

/* The attribute of an entity or record; *found NULL if it has none. */
static bool
find_attribute(struct cedar_evaluation *run, const struct cedar_value *object, struct cedar_text name,
               const struct cedar_value **found)
{
	const struct cedar_entity *entity;

	*found = NULL;
	if (object->kind == CEDAR_RECORD) {
		*found = cedar_record_find(object, name);
	} else if (object->kind == CEDAR_ENTITY) {
		entity = cedar_party_find(run, object->entity);
		*found = entity ? cedar_record_find(&entity->attributes, name) : NULL;
	} else {
		return cedar_fail_type(run, "entity or record", object);
	}
	return true;
}

/* object has a.b.c: the same as object has a && object.a has b && …, without evaluating the object again and again. */
bool
cedar_evaluate_path(struct cedar_evaluation *run, const struct cedar_expr *expr, struct cedar_value *out)
{
	const struct cedar_value *found = NULL;
	size_t i;

	if (!cedar_evaluate(run, cedar_expr_object(expr->items[0]), out))
		return false;
	for (i = 0; i < expr->count; i++) {
		if (!find_attribute(run, out, *expr->items[i]->name, &found))
			return false;
		if (found == NULL)
			break;
		*out = *found;
	}
	cedar_put_truth(out, found != NULL);
	return true;
}
