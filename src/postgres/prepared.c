#include "postgres/session.h"

static struct name **
bucket_of(struct session *s, struct slice name)
{
	uint32_t hash = 2166136261u;
	for (size_t i = 0; i < name.size; i++)
		hash = (hash ^ name.data[i]) * 16777619u;
	return &s->names[hash % NAME_BUCKETS];
}

static struct name **
find(struct session *s, bool portal, struct slice name)
{
	struct name **at = bucket_of(s, name);
	while (*at && ((*at)->portal != portal || !slice_equal((*at)->name, name)))
		at = &(*at)->next;
	return at;
}

struct name *
name_find(struct session *s, bool portal, struct slice name)
{
	return *find(s, portal, name);
}

static void
drop(struct session *s, struct name **at)
{
	struct name *n = *at;
	*at = n->next;
	s->name_count--;
	talloc_free(n);
}

void
name_drop(struct session *s, bool portal, struct slice name)
{
	struct name **at = find(s, portal, name);
	if (*at)
		drop(s, at);
}

struct name *
name_set(struct session *s, bool portal, struct slice name, struct analysis *a, const struct statement *statement)
{
	name_drop(s, portal, name);
	struct name *n = NEW(s, struct name);
	struct name **at = bucket_of(s, name);
	n->portal = portal;
	n->name = memory_copy(n, name);
	n->analysis = a ? talloc_reference(n, a) : NULL;
	n->statement = statement;
	n->next = *at;
	*at = n;
	s->name_count++;
	return n;
}

void
name_drop_all(struct session *s, bool portal)
{
	for (size_t i = 0; i < NAME_BUCKETS && s->name_count; i++)
		for (struct name **at = &s->names[i]; *at; )
			if ((*at)->portal == portal)
				drop(s, at);
			else
				at = &(*at)->next;
}
