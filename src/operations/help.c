#include "operations/help.h"

struct slice
name_of_actor(struct passage *p, struct slice actor)
{
	struct principal *found;
	return principal_find(p, p->view, actor, p->now, &found) ? actor : found->id;
}

bool
keeps_order(const struct passage *p)
{
	return principal_has_role(p->principal, "security") || principal_has_role(p->principal, "administration") ||
	       principal_has_role(p->principal, "audit");
}
