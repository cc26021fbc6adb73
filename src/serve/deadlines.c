/* What falls due: each kind with what is then done, in one transaction with the entry that says so. */
#include "serve/inside.h"

#include "assure/register.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "record/deadline.h"
#include "serve/serve_sql.h"
#include "vault/vault.h"

enum { AT_ONCE = 64, IDEMPOTENCY_HOURS = 24, SWEEP_HOURS = 1, FORGET_DAYS = 30, EXIT_DAYS = 90 };

struct due {
	struct slice kind, subject;
	int64_t due;
	const struct kind *how;
	struct slice log;
	int64_t count;
};

struct kind {
	const char *name;
	const char *operation;          /* of the entry; NULL: none */
	/* In the recorder's transaction; E_STATE: there is nothing to do any more. */
	err_t (*apply)(struct due *, struct store *tx, int64_t time);
	/* Whose log the entry goes into: looked up before. May be NULL. */
	err_t (*find_log)(const void *owner, struct store *view, struct due *);
	bool changes_epoch;
};

/* ---- kinds ---- */

static err_t
find_grant(const void *owner, struct store *view, struct due *d)
{
	struct grant g;
	TRY(grant_get(owner, view, d->subject, &g));
	d->log = g.subscriber;
	return g.until ? E_STATE : NULL;        /* it was revoked before */
}

static err_t
expire_request(struct due *d, struct store *tx, int64_t time)
{
	TRY(store_run(tx, QUERY_REQUEST_EXPIRE, BIND(as_text(d->subject), as_number(time))));
	return store_changes(tx) ? NULL : E_STATE;
}

/* SUBSCRIBER/COLLECTION/ID/VERSION, the version of the removal: earlier versions go, and their bodies with them. */
static err_t
purge_object(struct due *d, struct store *tx, int64_t time)
{
	(void)time;
	return object_purge_apply(tx, d->subject);
}

static err_t
find_object(const void *owner, struct store *view, struct due *d)
{
	size_t n = 0;
	(void)view;
	while (n < d->subject.size && d->subject.data[n] != '/')
		n++;
	d->log = memory_copy(owner, slice_of(d->subject.data, n));
	return NULL;
}

/* Lapsed, and not reviewed again since: what its people hold ends, and one that runs our machines is to be left. */
static err_t
find_review(const void *owner, struct store *view, struct due *d)
{
	struct slice until;
	int64_t time;
	TRY(fact_get(owner, view, d->subject, "review", clock_now(), &until));
	d->log = LITERAL(LOG_EVERYONE);
	return until.size && !text_time_parse(until, &time) && time > d->due ? E_STATE : NULL;
}

static err_t
close_provider(struct due *d, struct store *tx, int64_t time)
{
	const struct register_change plan = { .kind = "exit-plan", .id = d->subject, .body = LITERAL("{\"because\":\"its review lapsed\"}"),
	                                      .due = time + DAYS(EXIT_DAYS), .changed_by = LITERAL("sys_sekisho") };
	SCOPED struct rows *rows = NULL;
	TRY(store_run(tx, QUERY_CREDENTIALS_OF_ORGANISATION_END, BIND(as_number(time), as_text(LITERAL("the provider's review lapsed")), as_text(d->subject))));
	TRY(store_rows(NULL, tx, QUERY_PROVIDER_IS_HOST, BIND(as_text(d->subject)), &rows));
	bool host = rows_next(rows);
	TRY(rows_end(rows));
	return host ? register_put_apply(tx, &plan, time) : NULL;
}

/* Keys of idempotency, and deadlines that are long done. */
static err_t
sweep(struct due *d, struct store *tx, int64_t time)
{
	TRY(store_run(tx, QUERY_IDEMPOTENCY_SWEEP, BIND(as_number(time - HOURS(IDEMPOTENCY_HOURS)))));
	TRY(store_run(tx, QUERY_DEADLINES_SWEEP, BIND(as_number(time - DAYS(FORGET_DAYS)))));
	return deadline_set_apply(tx, "sweep", d->subject, time + HOURS(SWEEP_HOURS));
}

static const struct kind kinds[] = {
	{ "grant.expiry", "grant.expired", NULL, find_grant, true },
	{ "request.expiry", "request.expired", expire_request, NULL, false },
	{ "object.retention", "object.purged", purge_object, find_object, false },
	{ "review.expiry", "provider.closed", close_provider, find_review, true },
	{ "sweep", NULL, sweep, NULL, false },
};

static const struct kind *
find_kind(struct slice name)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (slice_is(name, kinds[i].name))
			return &kinds[i];
	return NULL;
}

/* ---- doing ---- */

static err_t
apply_due(void *context, struct store *tx, int64_t time)
{
	struct due *d = context;
	TRY(deadline_done_apply(tx, d->how->name, d->subject, d->due, time));
	return d->how->apply ? d->how->apply(d, tx, time) : NULL;
}

/* Marks it done where there is nothing to do any more. */
static err_t
apply_void(void *context, struct store *tx, int64_t time)
{
	const struct due *d = context;
	return deadline_done_apply(tx, d->how->name, d->subject, d->due, time);
}

static fallible
do_one(struct house *h, struct store *view, struct due *d)
{
	SCOPED void *scope = talloc_new(NULL);
	err_t e = d->how->find_log ? d->how->find_log(scope, view, d) : NULL;
	if (e == E_STATE || e == E_NOT_FOUND)
		return house_apply(h, apply_void, d);
	TRY(e);
	if (!d->how->operation)
		return house_apply(h, apply_due, d);
	const struct system_change c = { .operation = d->how->operation, .log = d->log, .subject = d->subject, .apply = apply_due, .context = d,
	                                 .keeps_epoch = !d->how->changes_epoch };
	e = system_record(h, &c);
	return e == E_STATE || e == E_STALE ? house_apply(h, apply_void, d) : e;
}

struct list {
	void *owner;
	size_t count;
	struct due items[AT_ONCE];
};

static err_t
keep_due(void *argument, const struct deadline *d)
{
	struct list *l = argument;
	const struct kind *how = find_kind(d->kind);
	if (how && l->count < AT_ONCE)
		l->items[l->count++] = (struct due){ .kind = memory_copy(l->owner, d->kind), .subject = memory_copy(l->owner, d->subject), .due = d->due,
		                                     .how = how };
	return NULL;
}

void
deadlines_do(struct house *h, struct store *view)
{
	SCOPED struct list *l = NEW(NULL, struct list);
	l->owner = l;
	err_t e = deadline_each_due(view, clock_now(), AT_ONCE, keep_due, l);
	for (size_t i = 0; i < l->count && !e; i++)
		e = do_one(h, view, &l->items[i]);
	if (e)
		log_event(LOG_ERROR, "deadline.failed", "code", e->name, "then", "it is tried again in a second", NULL);
}

static err_t
apply_first(void *context, struct store *tx, int64_t time)
{
	(void)context;
	return store_run(tx, QUERY_SWEEP_FIRST, BIND(as_number(time)));
}

fallible
deadlines_start(struct house *h)
{
	return house_apply(h, apply_first, NULL);
}
