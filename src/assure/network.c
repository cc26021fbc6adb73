/* Checks over the network (E6): N+1 and the bandwidth left, computed from what was measured; advisories, findings, scans. */
#include "assure/inside.h"

#include "assure/assure_sql.h"

enum { STALE_SECONDS = 300, FEED_DAYS = 7, SCAN_DAYS = 90, BACKUP_DAYS = 1 };

struct groups {
	struct look *look;
	size_t groups, stale, short_of_one, short_of_bandwidth;
	char first[80];
	/* of the group being looked at */
	int64_t up, capacity, largest, load;
	bool is_stale;
};

static err_t
add_component(void *argument, const struct registered *r)
{
	struct groups *g = argument;
	struct gauge gauge;
	err_t e = gauge_get(g->look->view, r->id, &gauge);
	if (e && e != E_NOT_FOUND)
		return e;
	if (e || g->look->now - gauge.time > SECONDS(STALE_SECONDS)) {
		g->is_stale = true;
		return NULL;
	}
	int64_t capacity = body_number(r->body, "capacity");
	g->load += gauge.load;
	if (!gauge.up)
		return NULL;
	g->up++;
	g->capacity += capacity;
	g->largest = capacity > g->largest ? capacity : g->largest;
	return NULL;
}

static err_t
look_at_group(void *argument, const struct registered *r)
{
	struct groups *g = argument;
	g->up = g->capacity = g->largest = g->load = 0;
	g->is_stale = false;
	TRY(register_each(g->look->view, "component", r->id, add_component, g));
	bool alone = g->up < body_number(r->body, "needs") + 1, narrow = g->capacity - g->largest < g->load;
	g->groups++;
	g->stale += g->is_stale;
	g->short_of_one += !g->is_stale && alone;
	g->short_of_bandwidth += !g->is_stale && narrow;
	if ((g->is_stale || alone || narrow) && !g->first[0])
		snprintf(g->first, sizeof g->first, "%.*s", SLICE_ARGUMENTS(r->id));
	return NULL;
}

static fallible
look_at_groups(struct look *l, struct groups *g)
{
	*g = (struct groups){ .look = l };
	return register_each(l->view, "network-group", (struct slice){ NULL, 0 }, look_at_group, g);
}

/* What is not measured any more may be so or otherwise: unknown, never kept. */
static enum check_state
state_of_groups(const struct groups *g, size_t broken)
{
	if (broken || !g->groups)
		return CHECK_BROKEN;
	return g->stale ? CHECK_UNKNOWN : CHECK_KEPT;
}

err_t
check_redundancy(struct look *l, struct check_result *f)
{
	struct groups g;
	TRY(look_at_groups(l, &g));
	f->state = state_of_groups(&g, g.short_of_one);
	snprintf(f->value, sizeof f->value, "%zu groups: %zu without a spare, %zu not measured within %d s%s%s", g.groups, g.short_of_one, g.stale,
	         STALE_SECONDS, g.first[0] ? ": " : "", g.first);
	return NULL;
}

err_t
check_bandwidth(struct look *l, struct check_result *f)
{
	struct groups g;
	TRY(look_at_groups(l, &g));
	f->state = state_of_groups(&g, g.short_of_bandwidth);
	snprintf(f->value, sizeof f->value, "%zu groups: %zu could not carry their load without their largest, %zu not measured%s%s", g.groups,
	         g.short_of_bandwidth, g.stale, g.first[0] ? ": " : "", g.first);
	return NULL;
}

err_t
check_feed(struct look *l, struct check_result *f)
{
	return came_lately(l, f, "advisory-feed", "advisory-days", FEED_DAYS, "imported");
}

err_t
check_scans(struct look *l, struct check_result *f)
{
	return came_lately(l, f, "scan", "scan-days", SCAN_DAYS, "scanned");
}

/* Of each the copy was opened and read whole before it was encrypted (P6). */
err_t
check_backups(struct look *l, struct check_result *f)
{
	struct register_count c;
	int64_t installed;
	TRY(register_count(l->view, "backup", l->now, &c));
	TRY(count_of(l, QUERY_INSTALLED, &installed));
	if (c.all || l->now - installed > DAYS(declared_number(l, "backup-days", BACKUP_DAYS)))
		return came_lately(l, f, "backup", "backup-days", BACKUP_DAYS, "backed up");
	f->state = CHECK_UNKNOWN;       /* a new house has its first days to make one */
	snprintf(f->value, sizeof f->value, "not backed up yet");
	return NULL;
}

/* A finding that somebody excepted falls due when the exception ends. */
err_t
check_exposures(struct look *l, struct check_result *f)
{
	struct register_count c;
	TRY(register_count(l->view, "finding", l->now, &c));
	f->state = c.overdue ? CHECK_BROKEN : CHECK_KEPT;
	snprintf(f->value, sizeof f->value, "%lld open findings, %lld overdue%s%s", (long long)c.all, (long long)c.overdue, c.first[0] ? ": " : "", c.first);
	return NULL;
}
