#include "operations/help.h"

struct slice
name_of_actor(struct passage *p, struct slice actor)
{
	struct principal *found;
	return principal_find(p, p->view, actor, p->now, &found) ? actor : found->id;
}
