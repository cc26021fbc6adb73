/* What checks found, as of; running one. */
#include "assure/inside.h"

#include "assure/assure_sql.h"
#include "identity/identity.h"

/* Entries beyond which a check that reads all of the book runs by its cadence alone. */
enum { LARGE_BOOK = 200000 };

const struct check *
check_find(const char *id)
{
	for (const struct check *c = assure_checks; c->id; c++)
		if (strcmp(c->id, id) == 0)
			return c;
	return NULL;
}

bool
check_is_known(struct slice id)
{
	SCOPED char *text = memory_text(NULL, id);
	return check_find(text) != NULL;
}

fallible
check_kept(struct look *l, const char *id, struct check_kept *out)
{
	struct check_kept k = { 0 };
	SCOPED struct rows *rows = NULL;
	TRY(store_rows(NULL, l->view, QUERY_CHECK_STATE_NOW, BIND(as_text(slice_text(id))), &rows));
	if (rows_next(rows)) {
		k.state = memory_copy(l->owner, row_text(rows, 0));
		k.value = memory_copy(l->owner, row_text(rows, 1));
		k.since = row_number(rows, 2);
		k.ran = row_number(rows, 3);
		k.evidence = memory_copy(l->owner, row_text(rows, 4));
	}
	TRY(rows_end(rows));
	*out = k;
	return NULL;
}

static bool
is_off(struct look *l, const char *id)
{
	SCOPED char *subject = memory_format(NULL, "check:%s", id);
	struct slice off = { NULL, 0 };
	return fact_get(l->owner, l->view, slice_text(subject), "off", l->now, &off) || off.size;
}

static enum check_state
state_of(struct slice name)
{
	for (enum check_state s = CHECK_KEPT; s <= CHECK_ABSENT; s++)
		if (slice_is(name, check_state_name(s)))
			return s;
	return CHECK_UNKNOWN;
}

/* True if what is kept will do. */
static bool
take_kept(struct look *l, const struct check *c, struct check_result *f)
{
	struct check_kept kept;
	if (!c->cadence || ledger_size(l->ledger) < LARGE_BOOK || check_kept(l, c->id, &kept) || !kept.state.size)
		return false;
	if (l->now - kept.ran >= SECONDS(c->cadence))
		return false;
	f->state = state_of(kept.state);
	snprintf(f->value, sizeof f->value, "%.*s", SLICE_ARGUMENTS(kept.value));
	return true;
}

struct check_result
check_run(struct look *l, const struct check *c)
{
	struct check_result f = { .state = CHECK_ABSENT };
	if (!c->run || take_kept(l, c, &f))
		return f;
	f.state = CHECK_UNKNOWN;
	if (is_off(l, c->id)) {
		snprintf(f.value, sizeof f.value, "switched off");
		return f;
	}
	err_t e = c->run(l, &f);
	if (e) {
		f.state = CHECK_UNKNOWN;
		snprintf(f.value, sizeof f.value, "%s", e->name);
	}
	return f;
}

fallible
assure_changes(struct look *l, err_t (*each)(void *, const struct check_change *), void *argument)
{
	for (const struct check *c = assure_checks; c->id; c++) {
		struct check_kept kept;
		if (!c->run)
			continue;
		struct check_change change = { .check = c, .result = check_run(l, c) };
		TRY(check_kept(l, c->id, &kept));
		change.was = kept.state;
		if (!slice_is(kept.state, check_state_name(change.result.state)))
			TRY(each(argument, &change));
	}
	return NULL;
}

fallible
check_change_apply(struct store *s, const struct check_change *c, int64_t time, uint64_t seq)
{
	SCOPED char *evidence = memory_format(NULL, "[%llu]", (unsigned long long)seq);
	struct slice id = slice_text(c->check->id);
	TRY(store_run(s, QUERY_CHECK_STATE_END, BIND(as_text(id), as_number(time))));
	return store_run(s, QUERY_CHECK_STATE_BEGIN,
	                 BIND(as_text(id), as_text(slice_text(check_state_name(c->result.state))), as_text(slice_text(c->result.value)),
	                      as_text(slice_text(c->check->threshold)), as_number(time), as_text(slice_text(evidence))));
}

fallible
check_each_past(struct store *s, struct slice id, int64_t from, int64_t to, err_t (*each)(void *, const struct check_past *), void *argument)
{
	SCOPED struct rows *rows = NULL;
	TRY(store_rows(NULL, s, QUERY_CHECK_STATE_PAST, BIND(as_text(id), as_number(from), as_number(to)), &rows));
	while (rows_next(rows)) {
		const struct check_past p = { .id = row_text(rows, 0), .state = row_text(rows, 1), .value = row_text(rows, 2), .evidence = row_text(rows, 3),
		                              .since = row_number(rows, 4), .until = row_is_null(rows, 5) ? 0 : row_number(rows, 5) };
		TRY(each(argument, &p));
	}
	return rows_end(rows);
}

fallible
check_switch_apply(struct store *s, struct slice id, bool off, struct slice why, int64_t time)
{
	SCOPED char *subject = memory_format(NULL, "check:%.*s", SLICE_ARGUMENTS(id));
	return fact_set_apply(s, slice_text(subject), "off", off ? why : (struct slice){ NULL, 0 }, time);
}
