#include "postgres/rules.h"

/* Of one database, at one worker; stays as long as the worker. */
struct rules_place {
	struct rules_place *next;
	struct slice name;
	bool read;
	uint64_t epoch;
	struct database_rules rules;
	void *scope; /* owns what they point to */
};

static struct rules_place *
find_place(struct postgres_worker *w, struct slice name)
{
	struct rules_place *p = w->rules;
	while (p && !slice_equal(p->name, name))
		p = p->next;
	if (p)
		return p;
	p = NEW(w, struct rules_place);
	p->name = memory_copy(p, name);
	p->next = w->rules;
	w->rules = p;
	return p;
}

static void
read_rules(struct rules_place *p, const struct session *s, uint64_t epoch)
{
	const struct postgres_worker_options *o = &s->worker->options;
	talloc_free(TAKE(p->scope));
	p->scope = talloc_new(p);
	p->rules = (struct database_rules){ .mode = o->rules ? MODE_ENFORCE : s->database.mode };
	p->epoch = epoch;
	p->read = !o->rules || !o->rules(o->argument, p->scope, p->name, &p->rules);
	if (!p->read)
		p->rules = (struct database_rules){ .mode = MODE_ENFORCE };
}

const struct database_rules *
rules_now(struct session *s)
{
	static const struct database_rules none = { .mode = MODE_ENFORCE };
	uint64_t epoch = record_epoch(gate_options(gate_of(s->worker->options.gate))->record);
	if (!s->found)
		return &none;
	if (!s->rules)
		s->rules = find_place(s->worker, s->database_name);
	if (!s->rules->read || s->rules->epoch != epoch)
		read_rules(s->rules, s, epoch);
	return &s->rules->rules;
}

static bool
is_of(const struct table *t, struct slice schema, struct slice name)
{
	return slice_equal(t->name, name) && (!t->schema.size || slice_equal(t->schema, schema));
}

/* The strictest of those that the name may mean. */
static enum database_mode
mode_of_table(const struct database_rules *r, const struct table *t)
{
	enum database_mode mode = r->mode;
	bool found = false;
	for (size_t i = 0; i < r->mode_count; i++)
		if (is_of(t, r->modes[i].schema, r->modes[i].name)) {
			mode = found && mode < r->modes[i].mode ? mode : r->modes[i].mode;
			found = true;
		}
	return mode;
}

enum database_mode
rules_mode(const struct database_rules *r, const struct statement *s)
{
	enum database_mode mode = MODE_OBSERVE;
	size_t tables = 0;
	for (size_t i = 0; s && i < s->table_count; i++) {
		enum database_mode one = mode_of_table(r, &s->tables[i]);
		if (s->tables[i].maybe_cte)
			continue;
		tables++;
		mode = one < mode ? one : mode;
	}
	if (!tables || (s->reaches && r->mode < mode))
		return r->mode;
	return mode;
}

enum database_mode
rules_mode_of_entry(const struct database_rules *r)
{
	enum database_mode mode = r->mode;
	for (size_t i = 0; i < r->mode_count; i++)
		mode = r->modes[i].mode > mode ? r->modes[i].mode : mode;
	return mode;
}

static bool
concerns(const struct statement *s, const struct column_label *l, bool written)
{
	if (s->reaches)
		return true;
	for (size_t i = 0; i < s->table_count; i++) {
		const struct table *t = &s->tables[i];
		if (is_of(t, l->schema, l->name) &&
		    (written ? t->written && statement_writes(s, l->column) : statement_reads(s, l->column)))
			return true;
	}
	return false;
}

size_t
rules_labels(const void *owner, const struct database_rules *r, const struct statement *s, bool written,
             struct slice out[static FACT_TEXTS])
{
	size_t count = 0;
	for (size_t i = 0; s && i < r->label_count && count < FACT_TEXTS; i++) {
		const struct column_label *l = &r->labels[i];
		size_t at = 0;
		while (at < count && !slice_equal(out[at], l->label))
			at++;
		if (at == count && concerns(s, l, written))
			out[count++] = memory_copy(owner, l->label);
	}
	return count;
}

bool
rules_tell_apart(const struct database_rules *r)
{
	return r->mode_count || r->label_count;
}
