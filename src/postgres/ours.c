/* Which back ends at which database are the gateway's own: pids, of all workers. Any thread. */
#include "postgres/session.h"

#include <pthread.h>

struct ours_place {
	struct ours_place *next, **link;
	struct slice database;
	uint32_t pid;
};

struct ours {
	pthread_mutex_t lock;
	struct ours_place *places;
};

static int
free_ours(struct ours *o)
{
	pthread_mutex_destroy(&o->lock);
	return 0;
}

struct ours *
ours_new(const void *owner)
{
	struct ours *o = NEW(owner, struct ours);
	pthread_mutex_init(&o->lock, NULL);
	talloc_set_destructor(o, free_ours);
	return o;
}

struct ours_place *
ours_add(struct ours *o, struct slice database, uint32_t pid)
{
	struct ours_place *p = NEW(NULL, struct ours_place);
	p->database = memory_copy(p, database);
	p->pid = pid;
	pthread_mutex_lock(&o->lock);
	p->next = o->places;
	p->link = &o->places;
	if (p->next)
		p->next->link = &p->next;
	o->places = p;
	pthread_mutex_unlock(&o->lock);
	return p;
}

void
ours_remove(struct ours *o, struct ours_place *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&o->lock);
	*p->link = p->next;
	if (p->next)
		p->next->link = p->link;
	pthread_mutex_unlock(&o->lock);
	talloc_free(p);
}

bool
ours_has(struct ours *o, struct slice database, uint32_t pid)
{
	pthread_mutex_lock(&o->lock);
	const struct ours_place *p = o->places;
	while (p && !(p->pid == pid && slice_equal(p->database, database)))
		p = p->next;
	pthread_mutex_unlock(&o->lock);
	return p != NULL;
}
