#include "serve/inside.h"

#include "base/clock.h"
#include "base/memory.h"

#include <stdio.h>
#include <sys/stat.h>

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
	*why = "the ledger cannot be read: sekisho ledger fsck --dir D names the first fault";
	TRY(ledger_open(h->store, dir, h->store, h->keys, &h->ledger));
	clock_start(ledger_last_time(h->ledger));
	const struct record_options options = { .dir = h->dir, .store = h->store, .ledger = h->ledger, .failed = failed };
	*why = "the recorder's threads cannot be started";
	TRY(record_open(h, &options, &h->record));
	talloc_steal(h->record, h->keys);
	talloc_steal(h->record, h->store);
	talloc_steal(h->record, h->ledger);
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
system_record(struct house *h, const struct system_change *c)
{
	SCOPED void *scope = talloc_new(NULL);
	struct draft d = { .log = c->log.size ? c->log : LITERAL(LOG_VENDOR), .kind = PROOF_SYSTEM, .actor = LITERAL("sys_sekisho"),
	                   .operation = slice_text(c->operation), .decision = DECISION_NONE };
	struct encoded entry;
	random_bytes(d.passage, sizeof d.passage);
	if (c->subject.size)
		pairs_text(&d.outcome, "subject", c->subject);
	if (strcmp(c->operation, "system.start") == 0)
		pairs_number(&d.outcome, "migration", store_version());
	TRY(draft_encode(scope, h->keys, &d, &entry));
	struct submission s = { .apply = c->apply ? apply_system : NULL, .context = (void *)(uintptr_t)c, .changes_epoch = c->apply != NULL,
	                        .entry_count = 1, .entries = &entry };
	TRY(record_wait(h->record, &s));
	if (c->seq)
		*c->seq = s.seq;
	return NULL;
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
