/* Checks over the security programme (E1): what closes access by itself, risks, policies, the team, training. */
#include "assure/inside.h"

#include "assure/assure_sql.h"
#include "base/text.h"
#include "identity/identity.h"

enum { TEAM_LEAST = 1, REVIEW_DAYS = 90 };

static bool
is_in_force(const struct look *l, const char *id)
{
	SCOPED char *line = memory_format(NULL, "@id(\"%s\")", id);
	return l->policies.size && strstr((const char *)l->policies.data, line) != NULL;
}

static err_t
closing_policy(struct look *l, struct check_result *f, const char *id)
{
	bool there = is_in_force(l, id);
	f->state = there ? CHECK_KEPT : CHECK_BROKEN;
	snprintf(f->value, sizeof f->value, "policy %s is %s", id, there ? "in force" : "missing");
	return NULL;
}

err_t
check_training_closes(struct look *l, struct check_result *f)
{
	return closing_policy(l, f, "training-overdue");
}

err_t
check_review_closes(struct look *l, struct check_result *f)
{
	return closing_policy(l, f, "provider-not-reviewed");
}

err_t
check_purpose(struct look *l, struct check_result *f)
{
	return closing_policy(l, f, "purpose-required");
}

/* Training's time is kept as text that sorts as time does. */
err_t
check_trained(struct look *l, struct check_result *f)
{
	SCOPED struct rows *overdue = NULL, *all = NULL;
	char now[TIME_TEXT];
	text_time(l->now, now);
	TRY(store_rows(NULL, l->view, QUERY_PEOPLE_OVERDUE, BIND(as_text(slice_text(now))), &overdue));
	TRY(store_rows(NULL, l->view, QUERY_PEOPLE_WORKING, BIND_NONE, &all));
	int64_t late = rows_next(overdue) ? row_number(overdue, 0) : 0, people = rows_next(all) ? row_number(all, 0) : 0;
	TRY(rows_end(overdue));
	TRY(rows_end(all));
	f->state = late == 0 ? CHECK_KEPT : CHECK_BROKEN;
	snprintf(f->value, sizeof f->value, "%lld of %lld personnel are overdue", (long long)late, (long long)people);
	return NULL;
}

/* A probe of our own lock-out: an identity that nobody has, from an address of documentation (RFC 5737). */
err_t
check_guessing(struct look *l, struct check_result *f)
{
	struct attempts *a = attempts_new(l->owner);
	const struct slice address = LITERAL("192.0.2.99"), identity = LITERAL("check");
	int taken = 0;
	while (taken < 100 && attempts_check(a, address, identity, l->now)) {
		attempts_failed(a, address, identity, l->now);
		taken++;
	}
	talloc_free(a);
	f->state = taken <= 5 ? CHECK_KEPT : CHECK_BROKEN;
	snprintf(f->value, sizeof f->value, "guessing is refused after %d failures in a minute", taken);
	return NULL;
}

int64_t
declared_number(struct look *l, const char *name, int64_t otherwise)
{
	struct registered r;
	if (register_get(l->owner, l->view, "number", slice_text(name), &r))
		return otherwise;
	int64_t number = body_number(r.body, "value");
	return number ? number : otherwise;
}

fallible
nothing_overdue(struct look *l, struct check_result *f, const char *kind, const char *what)
{
	struct register_count c;
	TRY(register_count(l->view, kind, l->now, &c));
	f->state = c.all && !c.overdue ? CHECK_KEPT : CHECK_BROKEN;
	if (c.overdue)
		snprintf(f->value, sizeof f->value, "%lld of %lld %s are overdue: %s", (long long)c.overdue, (long long)c.all, what, c.first);
	else
		snprintf(f->value, sizeof f->value, "%lld %s, none overdue", (long long)c.all, what);
	return NULL;
}

/* ---- risks: an owner, a treatment, the measures that answer them, and a review in time ---- */

struct gaps {
	size_t all, wanting;
	char first[64];
};

static void
count_gap(struct gaps *g, bool wanting, struct slice id)
{
	g->all++;
	if (wanting && g->wanting++ == 0)
		snprintf(g->first, sizeof g->first, "%.*s", SLICE_ARGUMENTS(id));
}

static err_t
look_at_risk(void *argument, const struct registered *r)
{
	bool whole = body_text(r->body, "owner").size && body_text(r->body, "treatment").size && body_text(r->body, "measures").size &&
	             body_number(r->body, "likelihood") && body_number(r->body, "impact");
	count_gap(argument, !whole, r->id);
	return NULL;
}

err_t
check_risks(struct look *l, struct check_result *f)
{
	struct gaps g = { 0 };
	TRY(register_each(l->view, "risk", (struct slice){ NULL, 0 }, look_at_risk, &g));
	if (!g.wanting)
		return nothing_overdue(l, f, "risk", "risks");
	f->state = CHECK_BROKEN;
	snprintf(f->value, sizeof f->value, "%zu of %zu risks lack owner, treatment, measures or rating: %s", g.wanting, g.all, g.first);
	return NULL;
}

/* ---- policies: approved by another, acknowledged by those they concern ---- */

struct acknowledging {
	struct look *look;
	struct gaps gaps;
	int64_t people;
};

static err_t
count_one(void *argument, const struct registered *r)
{
	(void)r;
	++*(int64_t *)argument;
	return NULL;
}

static err_t
look_at_policy(void *argument, const struct registered *r)
{
	struct acknowledging *a = argument;
	int64_t given = 0;
	SCOPED char *of = memory_format(NULL, "%.*s/%lld", SLICE_ARGUMENTS(r->id), (long long)r->version);
	TRY(register_each(a->look->view, "acknowledgement", slice_text(of), count_one, &given));
	struct slice owner = body_text(r->body, "owner"), approver = body_text(r->body, "approver");
	count_gap(&a->gaps, !approver.size || slice_equal(owner, approver) || given < a->people, r->id);
	return NULL;
}

err_t
check_policies(struct look *l, struct check_result *f)
{
	struct acknowledging a = { .look = l };
	SCOPED struct rows *people = NULL;
	TRY(store_rows(NULL, l->view, QUERY_PEOPLE_WORKING, BIND_NONE, &people));
	a.people = rows_next(people) ? row_number(people, 0) : 0;
	TRY(rows_end(people));
	TRY(register_each(l->view, "policy", (struct slice){ NULL, 0 }, look_at_policy, &a));
	if (!a.gaps.wanting)
		return nothing_overdue(l, f, "policy", "security policies");
	f->state = CHECK_BROKEN;
	snprintf(f->value, sizeof f->value, "%zu of %zu security policies lack an approver or acknowledgements: %s", a.gaps.wanting, a.gaps.all,
	         a.gaps.first);
	return NULL;
}

/* ---- the team ---- */

struct team {
	struct look *look;
	size_t full_time, gone;
};

static err_t
look_at_member(void *argument, const struct registered *r)
{
	struct team *t = argument;
	struct principal *who;
	err_t e = principal_find(t->look->owner, t->look->view, r->id, t->look->now, &who);
	if (e && e != E_NOT_FOUND)
		return e;
	if (e || !who->active)
		t->gone++;
	else
		t->full_time += body_flag(r->body, "full_time");
	return NULL;
}

err_t
check_team(struct look *l, struct check_result *f)
{
	struct team t = { .look = l };
	int64_t least = declared_number(l, "security-team", TEAM_LEAST);
	TRY(register_each(l->view, "team", (struct slice){ NULL, 0 }, look_at_member, &t));
	f->state = (int64_t)t.full_time >= least && !t.gone ? CHECK_KEPT : CHECK_BROKEN;
	snprintf(f->value, sizeof f->value, "%zu full-time members of at least %lld, %zu who are gone", t.full_time, (long long)least, t.gone);
	return NULL;
}

struct newest {
	int64_t time;
};

static err_t
keep_newest(void *argument, const struct registered *r)
{
	struct newest *n = argument;
	n->time = r->since > n->time ? r->since : n->time;
	return NULL;
}

fallible
came_lately(struct look *l, struct check_result *f, const char *kind, const char *number, int64_t otherwise, const char *what)
{
	struct newest n = { 0 };
	int64_t days = declared_number(l, number, otherwise);
	TRY(register_each(l->view, kind, (struct slice){ NULL, 0 }, keep_newest, &n));
	f->state = n.time && l->now - n.time <= DAYS(days) ? CHECK_KEPT : CHECK_BROKEN;
	if (n.time)
		snprintf(f->value, sizeof f->value, "%s %lld days ago; every %lld", what, (long long)((l->now - n.time) / DAYS(1)), (long long)days);
	else
		snprintf(f->value, sizeof f->value, "never %s", what);
	return NULL;
}

/* The newest, of whatever part of the infrastructure. */
err_t
check_infrastructure_reviews(struct look *l, struct check_result *f)
{
	return came_lately(l, f, "infrastructure-review", "infrastructure-review-days", REVIEW_DAYS, "reviewed");
}
