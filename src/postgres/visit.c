/* A session's passages: what the book will say of a statement, and what the gate says. */
#include "postgres/lane.h"
#include "postgres/rules.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdio.h>

enum { JUDGED_FOR = 1 };                /* seconds: until a grant that ends by the clock is noticed before forwarding; the entry decides */

/* ---- what goes into the book ---- */

static void
describe_counts(struct passage *p, const struct visit *v)
{
	pairs_number(&p->outcome, "rows", (int64_t)v->rows);
	pairs_number(&p->outcome, "bytes", (int64_t)v->bytes);
	if (v->exports)
		pairs_number(&p->outcome, "export", 1);
	if (v->sqlstate[0])
		pairs_text(&p->outcome, "sqlstate", slice_text(v->sqlstate));
	if (v->ended)
		pairs_text(&p->outcome, "ended", slice_text(v->ended));
}

static void
describe(struct passage *p)
{
	const struct visit *v = p->door;
	const struct statement *s = v->statement;
	if (v->step != VISIT_OPENING)
		describe_counts(p, v);
	if (!s)
		return;
	pairs_text(&p->outcome, "kind", slice_text(statement_kind_name(s->kind)));
	if (v->application)
		pairs_text(&p->outcome, "lane", LITERAL("application-trusted"));
	if (s->fingerprint[0])
		pairs_text(&p->outcome, "fingerprint", slice_text(s->fingerprint));
	if (v->step != VISIT_CLOSING && s->normal.size)
		pairs_text(&p->detail, "statement", s->normal);
	if (v->step != VISIT_CLOSING && s->table_names.size)
		pairs_text(&p->detail, "tables", s->table_names);
}

static err_t
prepare_statement(struct passage *p)
{
	const struct visit *v = p->door;
	if (v->step == VISIT_OPENING)
		p->kind = PROOF_OPENING;        /* here, for one that is denied opens nothing */
	p->status = 200;
	if (v->session && lane_names(v->session, v->statement))
		return NULL;
	if (v->mode == MODE_ENFORCE && v->step != VISIT_CLOSING && v->statement && v->statement->refusal)
		return passage_fail(p, E_DENIED, "%s", v->statement->refusal);
	return NULL;
}

/* The name in the start-up packet must be the credential's owner's, by id or by actor. */
static err_t
prepare_connect(struct passage *p)
{
	const struct visit *v = p->door;
	const struct session *s = v->session;
	p->status = 200;
	if (!s)
		return NULL;
	if (!slice_equal(p->principal->id, s->user) && !slice_equal(p->principal->actor, s->user))
		return passage_fail(p, E_BAD_CREDENTIAL, "the credential is not of the user who was named");
	return s->found ? NULL : passage_fail(p, E_NOT_FOUND, "there is no such database for this subscriber");
}

/* ---- what policies may ask ---- */

static void
add_fact(struct visit *v, struct fact f)
{
	v->facts[v->passage->fact_count++] = f;
}

static void
add_labels(struct visit *v, const char *name, const struct database_rules *r, bool written)
{
	struct slice labels[FACT_TEXTS];
	size_t count = rules_labels(v->asked, r, v->statement, written, labels);
	struct slice *kept = NEW_ARRAY(v->asked, struct slice, count + 1);
	memcpy(kept, labels, count * sizeof *labels);
	add_fact(v, (struct fact){ .name = name, .kind = FACT_SET, .count = count, .texts = kept });
}

/* As of each decision: a label or mode may be new since the last. Of a session that has ended, as it was. */
static void
ask(struct passage *p)
{
	static const struct slice lanes[] = { { (const uint8_t *)"role", 4 }, { (const uint8_t *)"application", 11 } };
	struct visit *v = p->door;
	struct session *s = v->session;
	if (!s)
		return;
	const struct database_rules *r = rules_now(s);
	talloc_free(TAKE(v->asked));
	v->asked = talloc_new(v);
	v->mode = v->step == VISIT_CONNECT ? rules_mode_of_entry(r) : rules_mode(r, v->statement);
	p->observed = v->mode != MODE_ENFORCE;
	p->facts = v->facts;
	p->fact_count = 0;
	add_fact(v, (struct fact){ .name = "lane", .kind = FACT_TEXT, .count = 1, .texts = &lanes[s->application] });
	add_fact(v, (struct fact){ .name = "shared", .kind = FACT_FLAG, .number = lane_is_shared(s, v->statement) });
	add_labels(v, "labelsRead", r, false);
	add_labels(v, "labelsWritten", r, true);
}

const struct operation postgres_statement_operation = {
	.name = "postgres.statement",
	.says = { "A statement through the PostgreSQL gateway", "PostgreSQLゲートウェイ経由の文" },
	.action = "read",
	.resource = RESOURCE_OBJECT,
	.effect = EFFECT_READ,
	.ask = ask,
	.describe = describe,
	.prepare = prepare_statement,
};

const struct operation postgres_connect_operation = {
	.name = "postgres.connect",
	.says = { "A session through the PostgreSQL gateway", "PostgreSQLゲートウェイへの接続" },
	.action = "read",
	.resource = RESOURCE_OBJECT,
	.effect = EFFECT_READ,
	.ask = ask,
	.prepare = prepare_connect,
};

/* ---- entering ---- */

static int
free_visit(struct visit *v)
{
	if (v->turn && v->turn->visit == v)
		v->turn->visit = NULL;
	if (v->link) {
		*v->link = v->next;
		if (v->next)
			v->next->link = v->link;
	}
	return 0;
}

/* What the session knows of who and where; copied, for the session may end before the passage does. */
static struct passage *
passage_of(const void *owner, const struct session *s, const struct operation *o)
{
	struct passage *p = passage_new(owner, o);
	const struct peer *peer = connection_peer(s->connection);
	p->token = memory_copy(p, s->token);
	p->certified = peer->certified;
	memcpy(p->certificate, peer->fingerprint, sizeof p->certificate);
	p->from = memory_copy(p, s->from);
	p->purpose = memory_copy(p, s->purpose);
	p->subscriber = memory_copy(p, s->subscriber);
	p->collection = LITERAL("db");
	p->object = memory_copy(p, s->database_name);
	p->on_behalf = memory_copy(p, s->actor);
	return p;
}

/* Where the session ended while its opening was on the way, nothing was sent: the closing entry says so. */
static void
finish(struct visit *v)
{
	if (v->session && v->session->state != SESSION_ENDED)
		v->done(v);
	else if (v->step == VISIT_OPENING && !visit_error(v)) {
		v->step = VISIT_CLOSING;
		v->ended = "lost";
		visit_enter(v);
	}
}

/* What is done with an opening may be its closing already, which then is on its way, or has failed at once. */
static void
answered(struct passage *p)
{
	struct visit *v = p->door;
	enum visit_step step;
	if (v->finishing) {
		v->again = true;
		return;
	}
	v->finishing = true;
	do {
		v->again = false;
		step = v->step;
		finish(v);
	} while (v->again);
	v->finishing = false;
	if (!v->kept && v->step == step)
		talloc_free(v);
}

struct visit *
visit_new(struct session *s, enum visit_step step, struct turn *t, struct analysis *a, const struct statement *statement)
{
	struct visit *v = NEW(s->worker, struct visit);
	v->session = s;
	v->worker = s->worker;
	v->turn = t;
	v->step = step;
	v->mode = MODE_ENFORCE;         /* until ask() knows better */
	v->analysis = a ? talloc_reference(v, a) : NULL;
	v->statement = statement;
	v->passage = passage_of(v, s, step == VISIT_CONNECT ? &postgres_connect_operation : &postgres_statement_operation);
	v->passage->action = step == VISIT_CONNECT ? s->application ? "passage.evaluate" : "read" : lane_action(s, statement);
	v->application = s->application;
	v->passage->door = v;
	v->passage->answered = answered;
	v->next = s->visits;
	v->link = &s->visits;
	if (v->next)
		v->next->link = &v->next;
	s->visits = v;
	talloc_set_destructor(v, free_visit);
	return v;
}

struct visit *
visit_closing(struct session *s, struct turn *t, const char *ended)
{
	struct visit *v = TAKE(t->opening);
	(void)s;
	v->step = VISIT_CLOSING;
	v->kept = false;
	v->turn = t;
	v->rows = t->rows;
	v->bytes = t->bytes;
	v->exports = t->exports;
	memcpy(v->sqlstate, t->sqlstate, sizeof v->sqlstate);
	v->ended = ended;
	return v;
}

/* The turn keeps the passage that it has opened, to close it. */
void
visit_opened(struct visit *v, struct turn *t)
{
	v->kept = true;
	v->turn = NULL;
	t->opening = v;
	t->opened = true;
}

void
visit_enter(struct visit *v)
{
	if (v->step == VISIT_CLOSING) {
		v->passage->kind = PROOF_CLOSING;
		gate_close(v->worker->options.gate, v->passage);
	} else
		gate_enter(v->worker->options.gate, v->passage);
}

err_t
visit_error(const struct visit *v)
{
	err_t e = v->passage->error;
	if (e && v->mode != MODE_ENFORCE && e->http == 403)
		return NULL;
	return e;
}

struct complaint
visit_complaint(const struct visit *v)
{
	const struct passage *p = v->passage;
	const struct statement *s = v->statement;
	const char *why = s && p->error == E_DENIED ? (s->refusal ? s->refusal : s->why) : NULL;
	return complaint_of(v->step == VISIT_CONNECT ? "FATAL" : "ERROR", p->error, why ? why : p->detail_text,
	                    s && s->hint && why ? s->hint : p->next);
}

/* ---- would it be let through? ---- */

bool
visit_judge(struct session *s, const char *action, const struct statement *statement)
{
	struct gate_worker *gate = s->worker->options.gate;
	uint64_t epoch = record_epoch(gate_options(gate_of(gate))->record);
	int64_t now = clock_monotonic();
	bool read = strcmp(action, "read") == 0 && !rules_tell_apart(rules_now(s));
	if (read && s->judged_epoch == epoch && s->judged_at && now - s->judged_at < SECONDS(JUDGED_FOR)) {
		s->judged = s->judged_read;
		return true;
	}
	struct visit *v = visit_new(s, VISIT_WHOLE, NULL, NULL, statement);
	v->passage->action = action;
	gate_judge(gate, v->passage);
	bool good = !visit_error(v);
	s->judged = v->passage->effects;
	talloc_free(v);
	if (read) {
		s->judged_epoch = epoch;
		s->judged_at = good ? now : 0;
		s->judged_read = s->judged;
	}
	return good;
}
