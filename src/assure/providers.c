/* Checks over providers (P0, P2): their reviews, contracts and findings; deployments against change records. */
#include "assure/inside.h"

#include "assure/assure_sql.h"
#include "base/text.h"

struct providers {
	struct look *look;
	size_t all, lapsed, never, without_contract;
	char first[64];
};

static void
name_first(struct providers *p, struct slice id)
{
	if (!p->first[0])
		snprintf(p->first, sizeof p->first, "%.*s", SLICE_ARGUMENTS(id));
}

/* One that was never reviewed reaches nothing yet (limits.cedar), unless it runs our machines; one whose review lapsed was relied on. */
static fallible
look_at_provider(struct providers *p, struct rows *r)
{
	struct slice id = row_text(r, 0), review = row_text(r, 3);
	int64_t until = 0;
	struct registered reg;
	p->all++;
	if (review.size)
		TRY(text_time_parse(review, &until));
	bool relied_on = review.size || slice_is(row_text(r, 1), "host");
	p->never += !relied_on;
	if (relied_on && until <= p->look->now) {
		p->lapsed++;
		name_first(p, id);
	}
	err_t e = register_get(p->look->owner, p->look->view, "provider", id, &reg);
	if (e && e != E_NOT_FOUND)
		return e;
	p->without_contract += e == E_NOT_FOUND || !body_text(reg.body, "contract").size;
	return NULL;
}

static fallible
look_at_all(struct providers *p)
{
	SCOPED struct rows *rows = NULL;
	TRY(store_rows(NULL, p->look->view, QUERY_PROVIDERS_ALL, BIND_NONE, &rows));
	while (rows_next(rows))
		TRY(look_at_provider(p, rows));
	return rows_end(rows);
}

err_t
check_reviews(struct look *l, struct check_result *f)
{
	struct providers p = { .look = l };
	TRY(look_at_all(&p));
	f->state = p.lapsed ? CHECK_BROKEN : CHECK_KEPT;
	snprintf(f->value, sizeof f->value, "%zu of %zu providers rely on a review that is not valid%s%s; %zu never reviewed, and closed", p.lapsed, p.all,
	         p.first[0] ? ": " : "", p.first, p.never);
	return NULL;
}

err_t
check_contracts(struct look *l, struct check_result *f)
{
	struct providers p = { .look = l };
	TRY(look_at_all(&p));
	f->state = p.without_contract ? CHECK_BROKEN : CHECK_KEPT;
	snprintf(f->value, sizeof f->value, "%zu of %zu providers without a contract that passes these duties on", p.without_contract, p.all);
	return NULL;
}

err_t
check_findings(struct look *l, struct check_result *f)
{
	struct register_count c;
	TRY(register_count(l->view, "provider-finding", l->now, &c));
	f->state = c.overdue ? CHECK_BROKEN : CHECK_KEPT;
	snprintf(f->value, sizeof f->value, "%lld open findings of reviews, %lld overdue%s%s", (long long)c.all, (long long)c.overdue,
	         c.first[0] ? ": " : "", c.first);
	return NULL;
}

/* ---- deployments ---- */

struct deployments {
	struct look *look;
	size_t all, unmatched, own;
	char first[64];
};

/* The change record of that digest, approved by somebody who is not its author. */
static err_t
look_at_deployment(void *argument, const struct registered *r)
{
	struct deployments *d = argument;
	struct registered change;
	d->all++;
	err_t e = register_get(d->look->owner, d->look->view, "change", body_text(r->body, "digest"), &change);
	if (e && e != E_NOT_FOUND)
		return e;
	bool bad = e == E_NOT_FOUND || !body_text(change.body, "approver").size ||
	           slice_equal(body_text(change.body, "approver"), body_text(change.body, "author"));
	if (bad && d->unmatched++ == 0)
		snprintf(d->first, sizeof d->first, "%.*s", SLICE_ARGUMENTS(r->id));
	return NULL;
}

err_t
check_deployments(struct look *l, struct check_result *f)
{
	struct deployments d = { .look = l };
	TRY(register_each(l->view, "deployment", (struct slice){ NULL, 0 }, look_at_deployment, &d));
	f->state = d.unmatched ? CHECK_BROKEN : CHECK_KEPT;
	snprintf(f->value, sizeof f->value, "%zu of %zu reported deployments match no approved change%s%s", d.unmatched, d.all,
	         d.first[0] ? ": " : "", d.first);
	return NULL;
}
