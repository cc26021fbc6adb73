/* The way through: identify, decide, prepare, record, release. */
#include "gate/inside.h"

#include "base/memory.h"
#include "base/text.h"

enum { DECISIONS = 12, CONFLICTS = 3, VIEW_IDLE = 200 * 1000 };

struct gate {
	struct gate_options options;
	struct attempts *attempts;
	struct slow *slow;
	struct rate *rate;
};

fallible
gate_open(const void *owner, const struct gate_options *options, struct gate **out)
{
	struct gate *g = NEW(owner, struct gate);
	g->options = *options;
	g->attempts = attempts_new(g);
	g->rate = rate_new(g, options->rate_people, options->rate_applications);
	*out = g;
	return NULL;
}

const struct gate_options *
gate_options(const struct gate *g)
{
	return &g->options;
}

struct attempts *
gate_attempts(struct gate *g)
{
	return g->attempts;
}

const struct operation *
gate_find(const struct gate *g, struct slice name)
{
	for (const struct operation *const *o = g->options.operations; *o; o++)
		if (slice_is(name, (*o)->name))
			return *o;
	return NULL;
}

static void
epoch_changed(void *argument)
{
	struct gate_worker *w = argument;
	if (w->changed)
		w->changed(w->changed_argument);
}

static void
close_view(void *argument)
{
	struct gate_worker *w = argument;
	if (w->view_open)
		store_rollback(w->view);
	w->view_open = false;
}

/* One state of the store for the whole preparation: the one that is open, if nothing but the book has changed since,
 * for a fifth of a second at most (longer ones keep the write-ahead log from beginning anew). */
static fallible
open_view(struct gate_worker *w)
{
	uint64_t changes = record_changes(w->gate->options.record);
	int64_t now = clock_monotonic();
	if (w->view_open && w->view_changes == changes && now - w->view_since < VIEW_IDLE)
		return NULL;
	close_view(w);
	TRY(store_begin(w->view));
	timer_set(w->view_timer, VIEW_IDLE);
	w->view_open = true;
	w->view_changes = changes;
	w->view_since = now;
	return NULL;
}

fallible
gate_worker_new(const void *owner, struct gate *g, struct loop *loop, struct gate_worker **out)
{
	struct gate_worker *w = NEW(owner, struct gate_worker);
	SCOPED char *path = memory_format(NULL, "%s/store/store.db", g->options.dir);
	w->gate = g;
	TRY(store_open(w, path, STORE_READ, &w->view));
	TRY(timer_new(w, loop, close_view, w, &w->view_timer));
	TRY(decider_new(w, &w->decider));
	TRY(cache_new(w, &w->cache));
	TRY(ledger_reader_open(w, g->options.dir, &w->reader));
	TRY(returned_open(w, loop));
	TRY(record_worker_new(w, g->options.record, loop, epoch_changed, w, &w->record));
	*out = w;
	return NULL;
}

struct gate *
gate_of(struct gate_worker *w)
{
	return w->gate;
}

struct store *
gate_view(struct gate_worker *w)
{
	return open_view(w) ? NULL : w->view;
}

struct ledger_reader *
gate_reader(struct gate_worker *w)
{
	return w->reader;
}

void
gate_on_change(struct gate_worker *w, void (*changed)(void *), void *argument)
{
	w->changed = changed;
	w->changed_argument = argument;
}

bool
gate_credential_check(struct gate_worker *w, const uint8_t digest[DIGEST_SIZE])
{
	struct principal *p;
	uint64_t epoch = record_epoch(w->gate->options.record); /* before the view: what is found may be newer, never older */
	return open_view(w) == NULL && cache_identify(w->cache, w->view, digest, epoch, clock_now(), &p) == NULL;
}

/* ---- the book ---- */

/* Its own log, if there is such a subscriber: else anyone could open logs, and keys for them, under names of his choice. */
static struct slice
log_of(struct passage *p, struct slice subscriber)
{
	return subscriber.size && !subscriber_check(p->view, subscriber) ? subscriber : LITERAL(LOG_VENDOR);
}

static struct draft
draft_of(struct passage *p)
{
	struct draft d = {
		.log = p->log.size ? p->log : log_of(p, p->subscriber),
		.kind = p->kind ? p->kind : p->operation->effect == EFFECT_CHANGE && !p->error ? PROOF_CHANGE : PROOF_WHOLE,
		.operation = slice_text(p->operation->name), .resource = passage_resource(p), .purpose = p->purpose,
		.on_behalf = p->on_behalf, .decision = p->decision, .policy_count = p->policy_count, .policy_set = p->policy_set,
		.outcome = p->outcome, .detail = p->detail,
	};
	memcpy(d.passage, p->id, sizeof d.passage);
	memcpy(d.policies, p->policies, sizeof d.policies);
	if (p->principal) {
		d.actor = p->principal->actor;
		d.credential = p->principal->credential;
	} else
		d.actor = LITERAL("sys_anonymous");
	pairs_number(&d.outcome, "status", p->error ? p->error->http : p->status);
	if (p->request.size)
		pairs_text(&d.outcome, "request", p->request);
	pairs_text(&d.detail, "from", p->from);
	return d;
}

static void
on_recorded(struct submission *s)
{
	struct passage *p = s->context;
	gate_recorded(p);
}

/* The change first: its expected failures leave nothing behind, and so there must be nothing before it that stays. */
static err_t
run_apply(struct submission *s, struct store *tx, int64_t time)
{
	struct passage *p = s->context;
	TRY(p->waiting ? p->waiting(p, tx, time) : p->operation->apply(p, tx, time));
	return p->idempotency_key.size ? idempotency_apply(p, tx, time) : NULL;
}

static void
answer(struct passage *p)
{
	if (p->error && p->status == 0)
		p->status = p->error->http;
	if (!p->error && p->operation->answer)
		p->operation->answer(p);
	p->answered(p);
}

/* The entries of a passage: one; or one in each further log that it concerns; or one for each of its parts. */
static fallible
encode_entries(struct passage *p, size_t *count)
{
	const struct draft base = draft_of(p);
	*count = p->part_count ? p->part_count : 1 + p->more_count;
	p->entries = NEW_ARRAY(p, struct encoded, *count);
	for (size_t i = 0; i < *count; i++) {
		struct draft d = base;
		if (p->part_count) {
			const struct part *part = &p->parts[i];
			d.log = log_of(p, part->subscriber);
			d.decision = part->decision;
			d.policy_count = part->policy_count;
			memcpy(d.policies, part->policies, sizeof d.policies);
			d.resource = part->resource;
			d.purpose = part->purpose;
			d.on_behalf = part->on_behalf;
			pairs_text(&d.outcome, "action", part->action);
			if (part->rows)
				pairs_number(&d.outcome, "rows", part->rows);
			if (part->version) {
				pairs_number(&d.outcome, "version", part->version);
				pairs_number(&d.outcome, "bytes", part->bytes);
			}
		} else if (i > 0)
			d.log = p->more[i - 1];
		TRY(draft_encode(p, p->keys, &d, &p->entries[i]));
	}
	return NULL;
}

/* Everything from here on waits until the book has it. */
static void
submit(struct passage *p, bool change)
{
	size_t count;
	err_t e = encode_entries(p, &count);
	if (e) {
		p->error = e == E_KEEPER ? e : E_CLOSED;
		p->status = p->error->http;
		answer(p);
		return;
	}
	p->submission = (struct submission){
		.apply = change ? run_apply : NULL, .context = p, .epoch = p->epoch, .changes_epoch = change && p->changes_epoch,
		.operators = p->operation->operators, .entry_count = count, .entries = p->entries, .done = on_recorded,
	};
	p->applied = change;
	record_submit(p->worker->record, &p->submission);
}

/* ---- identify, decide, prepare ---- */

static fallible
identify(struct passage *p)
{
	uint8_t digest[DIGEST_SIZE];
	p->principal = NULL;
	if (p->operation->anonymous)
		return NULL;
	if (p->token.size) {
		if (!token_check(p->token))
			return passage_fail(p, E_BAD_CREDENTIAL, "%s",
			                    passage_says(p, "The token is not one of ours: log in again", "トークンの形式が正しくありません"));
		token_digest(p->token, digest);
	} else if (p->certified)
		memcpy(digest, p->certificate, sizeof digest);
	else
		return E_NO_CREDENTIAL;
	struct principal *found;
	TRY(cache_identify(p->worker->cache, p->view, digest, p->epoch, p->now, &found));
	p->principal = found;
	return NULL;
}

/* The cache's principal may go when the next epoch comes; the passage keeps what the book and the answer need. */
static void
keep_principal(struct passage *p)
{
	if (p->principal)
		talloc_reference(p, p->principal);
}

static void
reset(struct passage *p)
{
	p->error = NULL;
	p->status = 0;
	p->detail_text = p->next = NULL;
	p->outcome = p->detail = (struct pairs){ 0 };
	p->log = (struct slice){ NULL, 0 };
	p->more_count = p->header_count = p->part_count = 0;
	p->change = NULL;
	p->waiting = NULL;
	p->bytes = p->bytes_media = (struct slice){ NULL, 0 };
	json_decref(p->json);
	p->json = NULL;
	p->changes_epoch = p->operation->changes_epoch;
}

static fallible
prepare(struct passage *p)
{
	bool found = false;
	if (p->idempotency_key.size && p->operation->effect == EFFECT_CHANGE && !p->operation->secret)
		TRY(idempotency_find(p, &found));
	if (found)
		return NULL;
	if (p->operation->second_person && !p->request.size)
		return second_prepare(p);
	return p->operation->prepare(p);
}

/* An answer's status, where prepare gave none. */
static int
status_of(const struct passage *p)
{
	return p->json || p->bytes.data || p->bytes_media.size ? 200 : 204;
}

static fallible
allow(struct passage *p)
{
	err_t code = NULL;
	const char *action = p->action ? p->action : p->operation->action;
	TRY(decide(p->worker->decider, p, action, p->operation->resource, &code));
	return p->decision == DECISION_DENY ? code : NULL;
}

/* Once for each passage, however often it is decided. Refused, it is counted in /metrics and not in the book. */
static bool
take_rate(struct passage *p)
{
	if (!p->principal || p->counted || rate_take(p->worker->gate->rate, p->principal, clock_monotonic())) {
		p->counted = true;
		return true;
	}
	p->error = passage_fail(p, E_TOO_MANY, "%s", passage_says(p, "more passages a second than one identity may begin",
	                                                         "1つの ID が1秒間に開始できる処理数を超えました"));
	p->decision = DECISION_DENY;
	p->unrecorded = true;
	return false;
}

/* False: nobody is there, and so there is no passage to record. */
static bool
judge(struct passage *p)
{
	p->epoch = record_epoch(p->worker->gate->options.record);
	p->now = clock_now();
	reset(p);
	p->error = open_view(p->worker);
	if (!p->error)
		p->error = identify(p);
	if (p->error) {
		p->decision = DECISION_DENY;
		return false;
	}
	keep_principal(p);
	if (!take_rate(p))
		return true;
	if (p->operation->ask)
		p->operation->ask(p);
	p->error = allow(p);
	if (p->operation->describe)
		p->operation->describe(p);
	if (p->observed && p->error && p->decision == DECISION_DENY) {
		pairs_number(&p->outcome, "would_deny", 1);
		p->error = NULL;
	}
	if (!p->error)
		p->error = prepare(p);
	if (!p->error && p->status == 0)
		p->status = status_of(p);
	return true;
}

static void
pass(struct passage *p)
{
	struct gate_worker *w = p->worker;      /* the passage may be gone afterwards */
	if (!judge(p) || p->unrecorded)
		answer(p);
	else
		submit(p, !p->error && p->operation->apply && p->change);
	if (record_wants_room(w->gate->options.record))
		close_view(w);
}

static void
take(struct gate_worker *w, struct passage *p)
{
	p->worker = w;
	p->view = w->view;
	p->keys = w->gate->options.keys;
}

void
gate_judge(struct gate_worker *w, struct passage *p)
{
	take(w, p);
	judge(p);
}

void
gate_close(struct gate_worker *w, struct passage *p)
{
	take(w, p);
	p->tries = 0;
	p->outcome = p->detail = (struct pairs){ 0 };
	p->error = open_view(w);
	if (p->error) {
		answer(p);
		return;
	}
	if (p->operation->describe)
		p->operation->describe(p);
	p->epoch = EPOCH_ANY;
	submit(p, false);
}

void
gate_pass(struct gate_worker *w, struct passage *p)
{
	take(w, p);
	pass(p);
}

void
gate_enter(struct gate_worker *w, struct passage *p)
{
	if (p->operation->slow && w->gate->slow)
		slow_enter(w->gate->slow, w, p);
	else
		gate_pass(w, p);
}

fallible
gate_start_slow(struct gate *g)
{
	return slow_open(g, &g->slow);
}

/* ---- recorded: release, or decide again ---- */

static bool
is_late(const struct passage *p)
{
	return p->operation->effect == EFFECT_READ && p->kind != PROOF_CLOSING && !p->error && p->epoch != record_epoch(p->worker->gate->options.record);
}

static err_t
conflict_of(const struct passage *p)
{
	return p->if_match.size ? E_PRECONDITION : E_CONFLICT;
}

void
gate_recorded(struct passage *p)
{
	err_t e = p->submission.result;
	if (e == E_STALE || e == E_CONFLICT || (!e && is_late(p))) {
		if (++p->tries < (e == E_CONFLICT ? CONFLICTS : DECISIONS)) {
			pass(p);
			return;
		}
		e = e == E_CONFLICT ? conflict_of(p) : E_BUSY;
	}
	if (e && p->applied && e->http < 500) {         /* expected: it goes into the book as what it is */
		p->error = e;
		p->status = 0;
		submit(p, false);
		return;
	}
	if (e) {
		reset(p);
		p->error = e;
	}
	answer(p);
}
