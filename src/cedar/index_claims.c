/* index_claims.c - what a policy asks of principal, action and resource before anything else: its scope, and what its first
 * conditions say as plainly.
 *
 * A condition is taken in only where all that is evaluated before it, and it itself, cannot be an error: a policy that errs
 * must be reported, so it may not be passed over. What depends on the context is left out, for all of that can be unknown.
 */
#include "cedar/index_inside.h"

static void
claim_entity(struct claim *claim, const struct cedar_scope *scope, enum aspect equal, enum aspect in)
{
	if (scope->count > 0)
		*claim = (struct claim){ .uids = scope->entities,
			                 .count = scope->count,
			                 .aspect = scope->kind == CEDAR_SCOPE_EQUAL ? (uint8_t)equal : (uint8_t)in };
}

static void
claim_type(struct claim *claim, const struct cedar_uid *type, enum aspect aspect)
{
	if (type != NULL)
		*claim = (struct claim){ .uids = type, .count = 1, .aspect = (uint8_t)aspect };
}

static void
claims_of_scope(const struct cedar_policy *policy, struct claim claims[PLACES])
{
	claim_entity(&claims[PLACE_PRINCIPAL], &policy->principal, ASPECT_PRINCIPAL_EQUAL, ASPECT_PRINCIPAL_IN);
	claim_entity(&claims[PLACE_ACTION], &policy->action, ASPECT_ACTION_EQUAL, ASPECT_ACTION_IN);
	claim_entity(&claims[PLACE_RESOURCE], &policy->resource, ASPECT_RESOURCE_EQUAL, ASPECT_RESOURCE_IN);
	claim_type(&claims[PLACE_PRINCIPAL_TYPE], policy->principal.type, ASPECT_PRINCIPAL_TYPE);
	claim_type(&claims[PLACE_RESOURCE_TYPE], policy->resource.type, ASPECT_RESOURCE_TYPE);
}

static bool
is_party(const struct cedar_expr *expr)
{
	return expr->kind == CEDAR_NODE_VARIABLE && expr->detail != CEDAR_CONTEXT;
}

/* An entity, or a set of nothing else; the right side of an `in` that cannot err. */
static bool
members_of(const struct cedar_expr *expr, const struct cedar_value **out, uint32_t *count)
{
	struct cedar_value value;
	uint32_t i;

	if (!cedar_expr_constant(expr, &value) || (value.kind != CEDAR_ENTITY && value.kind != CEDAR_SET))
		return false;
	*out = value.kind == CEDAR_SET ? value.items : &expr->value;
	*count = value.kind == CEDAR_SET ? value.count : 1;
	for (i = 0; i < *count; i++)
		if ((*out)[i].kind != CEDAR_ENTITY)
			return false;
	return true;
}

static bool
has_members(const struct cedar_expr *expr)
{
	const struct cedar_value *members;
	uint32_t count;

	return members_of(expr, &members, &count);
}

static bool
is_plain(const struct cedar_expr *expr)
{
	struct cedar_value value;

	return is_party(expr) || cedar_expr_constant(expr, &value);
}

/* Is it a bool whatever the request, and never an error? */
static bool
is_safe(const struct cedar_expr *expr)
{
	size_t i;

	switch ((int)expr->kind) {
	case CEDAR_NODE_LITERAL:
		return expr->value.kind == CEDAR_BOOL;
	case CEDAR_NODE_EQUAL:
	case CEDAR_NODE_NOT_EQUAL:
		return is_plain(expr->left) && is_plain(expr->right);
	case CEDAR_NODE_IN:
		return is_party(expr->left) && has_members(expr->right);
	case CEDAR_NODE_IS:
		return is_party(expr->tested) && (expr->inside == NULL || has_members(expr->inside));
	case CEDAR_NODE_HAS:
		return is_party(cedar_expr_object(expr));
	case CEDAR_NODE_NOT:
		return is_safe(expr->left);
	case CEDAR_NODE_AND:
	case CEDAR_NODE_OR:
		for (i = 0; i < expr->count && is_safe(expr->items[i]); i++)
			;
		return i == expr->count;
	default:
		return false;
	}
}

/* == says more than `in`, and a condition more than a scope that says nothing. */
static void
claim_add(struct claim *claim, const struct cedar_value *members, uint32_t count, enum aspect aspect, bool equal)
{
	bool has_equal = claim->aspect == ASPECT_PRINCIPAL_EQUAL || claim->aspect == ASPECT_ACTION_EQUAL ||
	                 claim->aspect == ASPECT_RESOURCE_EQUAL;

	if (count > 0 && (claim->count == 0 || (equal && !has_equal)))
		*claim = (struct claim){ .members = members, .count = count, .aspect = (uint8_t)aspect };
}

static void
claim_party(struct claim claims[PLACES], const struct cedar_expr *party, const struct cedar_expr *other, bool equal)
{
	static const struct {
		enum place place;
		enum aspect equal, in;
	} of[] = {
		[CEDAR_PRINCIPAL] = { PLACE_PRINCIPAL, ASPECT_PRINCIPAL_EQUAL, ASPECT_PRINCIPAL_IN },
		[CEDAR_ACTION] = { PLACE_ACTION, ASPECT_ACTION_EQUAL, ASPECT_ACTION_IN },
		[CEDAR_RESOURCE] = { PLACE_RESOURCE, ASPECT_RESOURCE_EQUAL, ASPECT_RESOURCE_IN },
	};
	const struct cedar_value *members;
	uint32_t count;

	if (!is_party(party) || !members_of(other, &members, &count) || (equal && other->kind != CEDAR_NODE_LITERAL))
		return;
	claim_add(&claims[of[party->detail].place], members, count,
	          equal ? of[party->detail].equal : of[party->detail].in, equal);
}

static void
claim_is(struct claim claims[PLACES], const struct cedar_expr *expr)
{
	if (expr->tested->detail == CEDAR_PRINCIPAL && claims[PLACE_PRINCIPAL_TYPE].count == 0)
		claim_type(&claims[PLACE_PRINCIPAL_TYPE], expr->type, ASPECT_PRINCIPAL_TYPE);
	if (expr->tested->detail == CEDAR_RESOURCE && claims[PLACE_RESOURCE_TYPE].count == 0)
		claim_type(&claims[PLACE_RESOURCE_TYPE], expr->type, ASPECT_RESOURCE_TYPE);
	if (expr->inside != NULL)
		claim_party(claims, expr->tested, expr->inside, false);
}

/* Takes in one operand of a chain of &&; false if it can err, and nothing behind it may be taken in. */
static bool
claims_of_conjunct(const struct cedar_expr *expr, struct claim claims[PLACES])
{
	size_t i;

	if (expr->kind == CEDAR_NODE_AND) {
		for (i = 0; i < expr->count; i++)
			if (!claims_of_conjunct(expr->items[i], claims))
				return false;
		return true;
	}
	if (!is_safe(expr))
		return false;
	if (expr->kind == CEDAR_NODE_EQUAL) {
		claim_party(claims, expr->left, expr->right, true);
		claim_party(claims, expr->right, expr->left, true);
	} else if (expr->kind == CEDAR_NODE_IN) {
		claim_party(claims, expr->left, expr->right, false);
	} else if (expr->kind == CEDAR_NODE_IS) {
		claim_is(claims, expr);
	}
	return true;
}

bool
cedar_index_claims(const struct cedar_policy *policy, struct claim scope[PLACES], struct claim all[PLACES])
{
	uint32_t i;

	memset(scope, 0, PLACES * sizeof *scope);
	claims_of_scope(policy, scope);
	memcpy(all, scope, PLACES * sizeof *all);
	for (i = 0; i < policy->condition_count; i++) {
		const struct cedar_condition *condition = &policy->conditions[i];

		if (cedar_condition_unless(condition) ? !is_safe(cedar_condition_expr(condition))
		                                      : !claims_of_conjunct(cedar_condition_expr(condition), all))
			break;
	}
	return policy->action.kind != CEDAR_SCOPE_IN || policy->action.count > 0;
}
