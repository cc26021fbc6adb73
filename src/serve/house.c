#include "serve/inside.h"

#include "record/alert.h"
#include "serve/serve_sql.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

#include <stdio.h>
#include <sys/stat.h>

static fallible cite(struct house *);
static fallible raise_altered(struct house *);

/* One that lost its tail is ended, and another begun. */
static fallible
open_ledger(struct house *h, const char *dir)
{
	TRY(ledger_succession(h, dir, h->store, h->keys, &h->succession));
	TRY(ledger_open(h->store, dir, h->store, h->keys, &h->ledger));
	if (!ledger_is_lost(h->ledger))
		return NULL;
	log_event(LOG_ERROR, "ledger.tail.lost", "then", "its log ends, and another begins that cites it", NULL);
	TRY(ledger_end(h->ledger, h->store));
	talloc_free(TAKE(h->ledger));
	TRY(ledger_succession(h, dir, h->store, h->keys, &h->succession));
	return ledger_open(h->store, dir, h->store, h->keys, &h->ledger);
}

/* The record becomes the parent of what its threads use: its destructor, which ends them, runs before theirs. */
fallible
house_open(const void *owner, const char *dir, int keeper, void (*failed)(void *, err_t), struct house **out, const char **why)
{
	SCOPED struct house *h = NEW(owner, struct house);
	SCOPED char *path = memory_format(NULL, "%s/store/store.db", dir);
	h->dir = memory_format(h, "%s", dir);
	TRY(keys_open(h, keeper, &h->keys));
	*why = "D/store/store.db cannot be opened";
	TRY(store_open(h, path, STORE_WRITE, &h->store));
	*why = "D/store/store.db cannot be brought to this version";
	TRY(store_migrate(h->store, clock_now()));
	struct keys_log log;
	*why = "D/keeper/log.state is missing or altered, so that what was signed is not known: put the one back that belongs to this keyring";
	TRY(keys_log(h, h->keys, &log));
	*why = "the ledger cannot be read: sekisho ledger fsck --dir D names the first fault";
	TRY(open_ledger(h, dir));
	clock_start(ledger_last_time(h->ledger));
	const struct record_options options = { .dir = h->dir, .store = h->store, .ledger = h->ledger, .failed = failed };
	*why = "the recorder's threads cannot be started";
	TRY(record_open(h, &options, &h->record));
	talloc_steal(h->record, h->keys);
	talloc_steal(h->record, h->store);
	talloc_steal(h->record, h->ledger);
	*why = "the old ledger cannot be cited";
	if (h->succession.log.size)
		TRY(cite(h));
	if (ledger_is_altered(h->ledger))
		TRY(raise_altered(h));
	*out = TAKE(h);
	return NULL;
}

static err_t
apply_system(struct submission *s, struct store *tx, int64_t time)
{
	const struct system_change *c = s->context;
	return c->apply(c->context, tx, time);
}

fallible
house_apply(struct house *h, err_t (*apply)(void *, struct store *, int64_t), void *context)
{
	const struct system_change c = { .apply = apply, .context = context };
	struct submission s = { .apply = apply_system, .context = (void *)(uintptr_t)&c, .operators = true };
	return record_wait(h->record, &s);
}

fallible
system_record(struct house *h, const struct system_change *c)
{
	SCOPED void *scope = talloc_new(NULL);
	struct draft d = { .log = c->log.size ? c->log : LITERAL(LOG_VENDOR), .kind = PROOF_SYSTEM, .actor = LITERAL("sys_sekisho"),
	                   .operation = slice_text(c->operation), .decision = DECISION_NONE };
	struct encoded entry;
	random_bytes(d.passage, sizeof d.passage);
	d.outcome = c->outcome;
	d.detail = c->detail;
	if (c->subject.size)
		pairs_text(&d.outcome, "subject", c->subject);
	if (strcmp(c->operation, "system.start") == 0)
		pairs_number(&d.outcome, "migration", store_version());
	TRY(draft_encode(scope, h->keys, &d, &entry));
	struct submission s = { .apply = c->apply ? apply_system : NULL, .context = (void *)(uintptr_t)c, .changes_epoch = c->apply && !c->keeps_epoch, .operators = true,
	                        .entry_count = 1, .entries = &entry };
	TRY(record_wait(h->record, &s));
	if (c->seq)
		*c->seq = s.seq;
	return NULL;
}

/* Who was let in by the older state may have been shut out since: everybody logs in again. */
static err_t
apply_citation(void *context, struct store *tx, int64_t time)
{
	struct house *h = context;
	struct id alert = id_new("alr_");
	SCOPED char *subject = memory_format(NULL, "%.*s", SLICE_ARGUMENTS(h->succession.log));
	TRY(ledger_succession_apply(tx, &h->succession));
	TRY(store_run(tx, QUERY_CREDENTIALS_END, BIND(as_number(time), as_text(LITERAL("the ledger lost its tail")))));
	return alert_raise_apply(tx, id_slice(&alert), LITERAL("ledger.tail-lost"), slice_text(subject), LITERAL("[0]"), time);
}

static err_t
apply_altered(void *context, struct store *tx, int64_t time)
{
	struct id alert = id_new("alr_");
	(void)context;
	return alert_raise_apply(tx, id_slice(&alert), LITERAL("ledger.altered"), LITERAL("the tree does not lead to what was signed"), LITERAL("[]"), time);
}

static fallible
raise_altered(struct house *h)
{
	const struct system_change c = { .operation = "alert.raised", .subject = LITERAL("ledger.altered"), .apply = apply_altered, .context = h, .keeps_epoch = true };
	return system_record(h, &c);
}

static fallible
cite(struct house *h)
{
	struct system_change c = { .operation = "ledger.succeed", .log = LITERAL(LOG_EVERYONE), .apply = apply_citation, .context = h };
	pairs_text(&c.outcome, "checkpoint", h->succession.note);
	pairs_number(&c.outcome, "had", (int64_t)h->succession.had);
	pairs_number(&c.outcome, "signed", (int64_t)h->succession.signed_size);
	return system_record(h, &c);
}

/* ---- what the book says and the keyring has yet to do ---- */

struct wanted {
	struct slice scope;
	int64_t use, generation;
};

static err_t
apply_done(void *context, struct store *tx, int64_t time)
{
	const struct wanted *w = context;
	(void)time;
	return store_run(tx, QUERY_GENERATION_DONE, BIND(as_text(w->scope), as_number(w->use), as_number(w->generation)));
}

static fallible
finish_one(struct house *h, const struct wanted *w)
{
	err_t e = keys_rotate(h->keys, w->scope, (enum key_use)w->use, (uint32_t)w->generation);
	if (e && e != E_SHREDDED)
		return e;
	return house_apply(h, apply_done, (void *)(uintptr_t)w);
}

fallible
rotation_finish(struct house *h, struct store *view)
{
	SCOPED void *scope = talloc_new(NULL);
	SCOPED struct rows *rows = NULL;
	size_t count = 0;
	struct wanted *all = NULL;
	TRY(store_rows(NULL, view, QUERY_GENERATIONS_WANTED, BIND_NONE, &rows));
	while (rows_next(rows)) {
		all = memory_grow(scope, all, sizeof *all, count + 1);
		all[count++] = (struct wanted){ memory_copy(scope, row_text(rows, 0)), row_number(rows, 1), row_number(rows, 2) };
	}
	TRY(rows_end(rows));
	for (size_t i = 0; i < count; i++)
		TRY(finish_one(h, &all[i]));
	return NULL;
}

/* A keyring that is older than the store would make lost generations anew, and so lose what is under them for good. */
fallible
keyring_check(struct house *h, struct store *view)
{
	SCOPED struct rows *rows = NULL;
	TRY(store_rows(NULL, view, QUERY_GENERATIONS_DONE, BIND_NONE, &rows));
	while (rows_next(rows)) {
		uint8_t key[KEY_SIZE];
		err_t e = keys_get(h->keys, row_text(rows, 0), (enum key_use)row_number(rows, 1), (uint32_t)row_number(rows, 2), key, NULL);
		memory_wipe(key, sizeof key);
		if (e && e != E_SHREDDED)
			return e;
	}
	return rows_end(rows);
}

static err_t
shred_one(void *argument, const struct subscriber *s)
{
	struct house *h = argument;
	return s->shredded ? keys_shred(h->keys, s->id) : NULL;
}

fallible
shred_finish(struct house *h, struct store *view)
{
	return subscriber_each(view, clock_now(), shred_one, h);
}
