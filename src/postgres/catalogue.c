#include "postgres/catalogue.h"

#include "base/clock.h"
#include "base/memory.h"
#include "keys/keys.h"

enum { BUCKETS = 4096 };

const char catalogue_query[] =
	"select case when bool_and(plain) then 't' else 'o' end, relname from ("
	"select c.relname, n.nspname in ('pg_catalog', 'information_schema') or c.relkind in ('r', 'p', 'm', 'S') and not exists ("
	"select from pg_catalog.pg_policy p join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass and d.objid = p.oid "
	"join pg_catalog.pg_proc f on d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass and f.oid = d.refobjid "
	"join pg_catalog.pg_namespace m on m.oid = f.pronamespace where p.polrelid = c.oid and m.nspname <> 'sekisho') as plain "
	"from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p', 'm', 'S', 'v', 'f')) x "
	"group by relname union all select 'f', p.proname from pg_catalog.pg_proc p join pg_catalog.pg_type t on t.oid = p.proargtypes[0] "
	"where p.pronargs - p.pronargdefaults <= 1 and p.pronargs > 0 and t.typtype = 'c'";

struct known {
	struct known *next;
	char what;
	struct slice name;
};

struct catalogue {
	size_t count;
	bool functions;                 /* there are some that a column's notation may call */
	struct known *buckets[BUCKETS];
};

struct catalogue_place {
	struct catalogue_place *next;
	uint8_t whose[DIGEST_SIZE];
	int64_t since;
	struct catalogue *catalogue;
};

struct catalogue_book {
	struct catalogue_place *places;
};

struct catalogue_book *
catalogue_book_new(const void *owner)
{
	return NEW(owner, struct catalogue_book);
}

struct catalogue_place *
catalogue_place(struct catalogue_book *b, const struct database *d)
{
	uint8_t whose[DIGEST_SIZE];
	SCOPED char *text = memory_format(NULL, "%.*s %.*s %u %.*s", SLICE_ARGUMENTS(d->host), SLICE_ARGUMENTS(d->address), d->port,
	                                  SLICE_ARGUMENTS(d->name));
	sha256(slice_text(text), whose);
	for (struct catalogue_place *p = b->places; p; p = p->next)
		if (memcmp(p->whose, whose, sizeof whose) == 0)
			return p;
	struct catalogue_place *p = NEW(b, struct catalogue_place);
	memcpy(p->whose, whose, sizeof whose);
	p->next = b->places;
	b->places = p;
	return p;
}

const struct catalogue *
catalogue_at(const struct catalogue_place *p, int64_t now)
{
	return p->catalogue && now - p->since <= SECONDS(CATALOGUE_SECONDS) ? p->catalogue : NULL;
}

struct catalogue *
catalogue_new(struct catalogue_place *p)
{
	return NEW(p, struct catalogue);
}

void
catalogue_keep(struct catalogue_place *p, struct catalogue *c, int64_t now)
{
	talloc_free(p->catalogue);
	p->since = now;
	p->catalogue = c;
}

static size_t
bucket_of(struct slice name)
{
	uint32_t hash = 2166136261u;
	for (size_t i = 0; i < name.size; i++)
		hash = (hash ^ name.data[i]) * 16777619u;
	return hash % BUCKETS;
}

void
catalogue_add(struct catalogue *c, char what, struct slice name)
{
	struct known **at = &c->buckets[bucket_of(name)];
	if (c->count == CATALOGUE_NAMES && what == 't')
		return;
	struct known *k = NEW(c, struct known);
	k->what = what;
	k->name = memory_copy(k, name);
	k->next = *at;
	*at = k;
	c->count++;
	c->functions |= what == 'f';
}

static bool
is(const struct catalogue *c, char what, struct slice name)
{
	for (const struct known *k = c->buckets[bucket_of(name)]; k; k = k->next)
		if (k->what == what && slice_equal(k->name, name))
			return true;
	return false;
}

bool
catalogue_is_read(const struct catalogue *c, const struct statement *s)
{
	if (!s->pure)
		return false;
	if (!c)
		return s->table_count == 0 && s->columns.count == 0;
	for (size_t i = 0; i < s->table_count; i++)
		if (s->tables[i].maybe_cte ? is(c, 'o', s->tables[i].name) : !is(c, 't', s->tables[i].name))
			return false;
	for (size_t i = 0; c->functions && i < s->columns.count; i++)
		if (is(c, 'f', s->columns.names[i]))
			return false;
	return true;
}
