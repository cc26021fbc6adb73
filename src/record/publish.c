#include "record/publish.h"

#include "record/publish_sql.h"

struct asked {
	struct record *record;
	struct ledger *ledger;
	uint64_t covers, size, seq;
	const struct proof_hash *root;
	struct slice note;
	int64_t time;
};

static err_t
apply_map(struct submission *s, struct store *tx, int64_t time)
{
	struct asked *a = s->context;
	(void)time;
	return ledger_append_map(a->ledger, tx, a->covers, a->root, &a->seq);
}

static err_t
apply_keep(struct submission *s, struct store *tx, int64_t time)
{
	const struct asked *a = s->context;
	(void)time;
	return store_run(tx, QUERY_CHECKPOINT_KEEP,
	                 BIND(as_number((int64_t)a->size), as_number((int64_t)a->covers), as_bytes(a->note), as_number(a->time)));
}

static err_t
apply_trim(struct submission *s, struct store *tx, int64_t time)
{
	const struct asked *a = s->context;
	(void)time;
	return ledger_trim(a->ledger, tx, a->size);
}

static fallible
ask(struct asked *a, err_t (*apply)(struct submission *, struct store *, int64_t))
{
	struct submission s = { .apply = apply, .context = a, .operators = true };
	return record_wait(a->record, &s);
}

static err_t
append_map(void *argument, uint64_t covers, const struct proof_hash *root, uint64_t *seq)
{
	struct asked a = *(const struct asked *)argument;
	a.covers = covers;
	a.root = root;
	TRY(ask(&a, apply_map));
	*seq = a.seq;
	return NULL;
}

static err_t
keep(void *argument, uint64_t size, uint64_t covers, struct slice note, int64_t time)
{
	struct asked a = *(const struct asked *)argument;
	a.size = size;
	a.covers = covers;
	a.note = note;
	a.time = time;
	return ask(&a, apply_keep);
}

static err_t
trim(void *argument, uint64_t whole)
{
	struct asked a = *(const struct asked *)argument;
	a.size = whole;
	return ask(&a, apply_trim);
}

err_t
publish_follow(struct record *record, struct ledger *ledger)
{
	struct asked a = { .record = record, .ledger = ledger };
	const struct ledger_publisher publisher = { .argument = &a, .append_map = append_map, .keep = keep, .trim = trim };
	return ledger_follow(ledger, &publisher);
}
