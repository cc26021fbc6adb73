/* Checks over sites (E7, P1): each duty attested, its evidence not run out; no badge that nobody approved. */
#include "assure/inside.h"

struct sites {
	struct look *look;
	const char *const *duties;
	size_t sites, wanting;
	bool only_hosts;
	char first[80];
};

static err_t
look_at_site(void *argument, const struct registered *r)
{
	struct sites *s = argument;
	if (s->only_hosts && !r->parent.size)
		return NULL;
	s->sites++;
	for (const char *const *duty = s->duties; *duty; duty++) {
		struct registered a;
		SCOPED char *id = memory_format(NULL, "%.*s/%s", SLICE_ARGUMENTS(r->id), *duty);
		err_t e = register_get(s->look->owner, s->look->view, "attestation", slice_text(id), &a);
		if (e && e != E_NOT_FOUND)
			return e;
		if (!e && a.due > s->look->now && body_time(a.body, "from") <= s->look->now)
			continue;
		if (s->wanting++ == 0)
			snprintf(s->first, sizeof s->first, "%s", id);
	}
	return NULL;
}

static err_t
attested(struct look *l, struct check_result *f, const char *const *duties, bool only_hosts)
{
	struct sites s = { .look = l, .duties = duties, .only_hosts = only_hosts };
	TRY(register_each(l->view, "site", (struct slice){ NULL, 0 }, look_at_site, &s));
	f->state = s.sites && !s.wanting ? CHECK_KEPT : CHECK_BROKEN;
	snprintf(f->value, sizeof f->value, "%zu sites; %zu duties without valid evidence%s%s", s.sites, s.wanting, s.first[0] ? ": " : "", s.first);
	return NULL;
}

err_t
check_guards(struct look *l, struct check_result *f)
{
	static const char *const duties[] = { "guards", NULL };
	return attested(l, f, duties, false);
}

err_t
check_areas(struct look *l, struct check_result *f)
{
	static const char *const duties[] = { "areas", NULL };
	return attested(l, f, duties, false);
}

err_t
check_power(struct look *l, struct check_result *f)
{
	static const char *const duties[] = { "power", "cooling", "generators", "fire", NULL };
	return attested(l, f, duties, false);
}

err_t
check_host_sites(struct look *l, struct check_result *f)
{
	static const char *const duties[] = { "guards", "areas", "power", "cooling", "generators", "fire", NULL };
	return attested(l, f, duties, true);
}

err_t
check_badges(struct look *l, struct check_result *f)
{
	struct register_count c;
	TRY(register_count(l->view, "badge-unknown", l->now, &c));
	f->state = c.all ? CHECK_BROKEN : CHECK_KEPT;
	snprintf(f->value, sizeof f->value, "%lld events of badges that nobody approved", (long long)c.all);
	return NULL;
}
