#include "base/memory.h"
#include "watch/counts.h"

static uint32_t *
slot_of(struct counter *c, const struct group_key *key)
{
	return &c->slots[key->words[0] & (c->slot_count - 1)];
}

static void
unlink_use(struct counter *c, uint32_t at)
{
	struct group *g = &c->groups[at];
	if (g->newer != NONE)
		c->groups[g->newer].older = g->older;
	else
		c->newest = g->older;
	if (g->older != NONE)
		c->groups[g->older].newer = g->newer;
	else
		c->oldest = g->newer;
}

static void
link_newest(struct counter *c, uint32_t at)
{
	c->groups[at].older = c->newest;
	c->groups[at].newer = NONE;
	if (c->newest != NONE)
		c->groups[c->newest].newer = at;
	else
		c->oldest = at;
	c->newest = at;
}

static void
unlink_slot(struct counter *c, uint32_t at)
{
	uint32_t *link = slot_of(c, &c->groups[at].key);
	while (*link != at)
		link = &c->groups[*link].chain;
	*link = c->groups[at].chain;
}

static void
forget_members(struct counter *c, struct group *g)
{
	c->members -= g->room;
	talloc_free(g->members);
	g->members = NULL;
	g->count = g->room = 0;
	g->held = false;
}

static void
table_start(struct watch_counts *w, struct counter *c)
{
	c->slot_count = 2 * WATCH_GROUPS_MAX;
	c->slots = NEW_ARRAY(w, uint32_t, c->slot_count);
	memset(c->slots, 0xFF, c->slot_count * sizeof *c->slots);
	c->newest = c->oldest = NONE;
}

static uint32_t
group_place(struct watch_counts *w, struct counter *c)
{
	if (c->group_count < WATCH_GROUPS_MAX) {
		if (c->group_count == c->group_room) {
			c->group_room = c->group_room ? 2 * c->group_room : 16;
			c->groups = memory_grow(w, c->groups, sizeof *c->groups, c->group_room);
		}
		return c->group_count++;
	}
	uint32_t at = c->oldest;
	w->dropped += c->groups[at].count > 0;
	unlink_use(c, at);
	unlink_slot(c, at);
	forget_members(c, &c->groups[at]);
	return at;
}

struct group *
group_find(struct watch_counts *w, struct counter *c, const struct group_key *key)
{
	if (!c->slots)
		table_start(w, c);
	for (uint32_t at = *slot_of(c, key); at != NONE; at = c->groups[at].chain)
		if (memcmp(&c->groups[at].key, key, sizeof *key) == 0) {
			unlink_use(c, at);
			link_newest(c, at);
			return &c->groups[at];
		}
	uint32_t at = group_place(w, c), *slot = slot_of(c, key);
	c->groups[at] = (struct group){ .key = *key, .chain = *slot, .newest = INT64_MIN };
	*slot = at;
	link_newest(c, at);
	return &c->groups[at];
}

/* Groups unused for longest lose what they counted, until there is room for this one. */
static void
make_room(struct watch_counts *w, struct counter *c, const struct group *g, uint32_t more)
{
	for (uint32_t at = c->oldest; at != NONE && c->members + more > MEMBERS_TOTAL_MAX; at = c->groups[at].newer) {
		if (&c->groups[at] == g || c->groups[at].room == 0)
			continue;
		w->dropped++;
		forget_members(c, &c->groups[at]);
	}
}

struct member *
group_member(struct watch_counts *w, struct counter *c, struct group *g)
{
	if (g->count == g->room) {
		uint32_t more = g->room ? g->room : 4;
		make_room(w, c, g, more);
		g->members = memory_grow(w, g->members, sizeof *g->members, (size_t)g->room + more);
		g->room += more;
		c->members += more;
	}
	g->members[g->count] = (struct member){ 0 };
	return &g->members[g->count++];
}
