/* scope.c - does a policy's scope match a request. */
#include "cedar/index.h"

static bool
is_or_inside(const struct cedar_uid *uid, const struct cedar_entity *entity, const struct cedar_uid *other)
{
	return cedar_uid_equal(uid, other) || (entity != NULL && cedar_entity_inside(entity, other));
}

static bool
type_matches(const struct cedar_uid *uid, const struct cedar_uid *type)
{
	return cedar_text_equal(uid->type, type->type);
}

bool
cedar_scope_matches(const struct cedar_scope *scope, const struct cedar_uid *uid, const struct cedar_entity *entity)
{
	uint32_t i;

	switch ((enum cedar_scope_kind)scope->kind) {
	case CEDAR_SCOPE_ANY:
		return true;
	case CEDAR_SCOPE_EQUAL:
		return cedar_uid_equal(uid, scope->entities);
	case CEDAR_SCOPE_IS:
		return type_matches(uid, scope->type);
	case CEDAR_SCOPE_IS_IN:
		if (!type_matches(uid, scope->type))
			return false;
		break;
	case CEDAR_SCOPE_IN:
		break;
	}
	for (i = 0; i < scope->count; i++)
		if (is_or_inside(uid, entity, &scope->entities[i]))
			return true;
	return false;
}
