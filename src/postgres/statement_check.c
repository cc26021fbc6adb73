/* Statements whose analysis is known, tried at each start. */
#include "postgres/statement.h"

#include "base/memory.h"

static const struct {
	const char *text;
	enum statement_kind kind;
	const char *action;
	bool pure, refused;
	const char *tables, *normal;
} known[] = {
	{ "select id, name from crm.people p where id = 7 and name like 'a%' -- x", STATEMENT_READ, "read", true, false, "crm.people",
	  "select id, name from crm.people p where id = ? and name like ?" },
	{ "select count(*), lower(name) from t group by 2 order by 1", STATEMENT_READ, "read", true, false, "t", NULL },
	{ "with x as (select * from t) select * from x join u on true", STATEMENT_READ, "read", true, false, "t u x", NULL },
	{ "select a from t where a between 1 and 2 or a not between symmetric 3 and 4", STATEMENT_READ, "read", true, false, "t", NULL },
	{ "select random()", STATEMENT_READ, "read", false, false, "", NULL },
	{ "select mine(1)", STATEMENT_WRITE, "write", false, false, "", NULL },
	{ "select a.lower('x')", STATEMENT_WRITE, "write", false, false, "", NULL },
	{ "select * from t for update", STATEMENT_WRITE, "write", false, false, "t", NULL },
	{ "select * into x from t", STATEMENT_DDL, "database.admin", false, false, "t x", NULL },
	{ "with d as (delete from t returning *) select * from d", STATEMENT_WRITE, "write", false, false, "t! d", NULL },
	{ "insert into t values (1, E'it\\'s', $$x$$)", STATEMENT_WRITE, "write", false, false, "t!", "insert into t values (?, ?, ?)" },
	{ "update t set a = b", STATEMENT_WRITE, "write", false, false, "t!", NULL },
	{ "copy t to stdout", STATEMENT_EXPORT, "export", false, false, "t", NULL },
	{ "copy t from stdin", STATEMENT_COPY_IN, "write", false, false, "t!", NULL },
	{ "copy t to program 'id'", STATEMENT_DANGEROUS, "database.admin", false, true, "t", NULL },
	{ "begin", STATEMENT_TRANSACTION, "read", true, false, "", NULL },
	{ "commit", STATEMENT_TRANSACTION, "read", false, false, "", NULL },
	{ "prepare transaction 'x'", STATEMENT_DANGEROUS, "database.admin", false, true, "", NULL },
	{ "set role postgres", STATEMENT_DANGEROUS, "database.admin", false, true, "", NULL },
	{ "set session authorization x", STATEMENT_DANGEROUS, "database.admin", false, true, "", NULL },
	{ "reset role", STATEMENT_DANGEROUS, "database.admin", false, true, "", NULL },
	{ "set client_encoding = latin1", STATEMENT_DANGEROUS, "database.admin", false, true, "", NULL },
	{ "set names 'utf8'", STATEMENT_SESSION, "read", false, false, "", NULL },
	{ "set search_path = a, b", STATEMENT_SESSION, "read", false, false, "", NULL },
	{ "select set_config('sekisho.binding', 'x', true)", STATEMENT_DANGEROUS, "database.admin", false, true, "", NULL },
	{ "select set_config('ro' || 'le', 'x', true)", STATEMENT_DANGEROUS, "database.admin", false, true, "", NULL },
	{ "update pg_settings set setting = 'off'", STATEMENT_DANGEROUS, "database.admin", false, false, "pg_settings!", NULL },
	{ "select query_to_xml('select 1', true, true, '')", STATEMENT_DANGEROUS, "database.admin", false, false, "", NULL },
	{ "do $$begin end$$", STATEMENT_DANGEROUS, "database.admin", false, false, "", NULL },
	{ "explain select 1", STATEMENT_DANGEROUS, "database.admin", false, false, "", NULL },
	{ "explain (costs off) select 1", STATEMENT_READ, "read", false, false, "", NULL },
	{ "explain (costs off, analyze) select 1", STATEMENT_DANGEROUS, "database.admin", false, false, "", NULL },
	{ "lock table t in access exclusive mode", STATEMENT_DANGEROUS, "database.admin", false, false, "t", NULL },
	{ "notify x", STATEMENT_DANGEROUS, "database.admin", false, true, "", NULL },
	{ "create table x (a int)", STATEMENT_DDL, "database.admin", false, false, "x", NULL },
	{ "prepare p as select * from t", STATEMENT_READ, "read", false, false, "t", NULL },
	{ "prepare p as delete from t", STATEMENT_WRITE, "write", false, false, "t!", NULL },
	{ "fetch 3 from c", STATEMENT_READ, "read", false, false, "", NULL },
	{ "select 1 operator(x.+) 2", STATEMENT_READ, "read", false, false, "", NULL },
	{ "select 'a'::own", STATEMENT_READ, "read", false, false, "", NULL },
	{ "select a::text, b::int[] from t", STATEMENT_READ, "read", true, false, "t", NULL },
};

static bool
is_as_known(size_t i)
{
	SCOPED void *scope = talloc_new(NULL);
	struct analysis *a;
	if (analyse(scope, slice_text(known[i].text), &a) || a->sqlstate || a->count != 1)
		return false;
	const struct statement *s = a->statements;
	return s->kind == known[i].kind && strcmp(s->action, known[i].action) == 0 && s->pure == known[i].pure &&
	       !s->refusal == !known[i].refused && slice_is(s->table_names, known[i].tables) &&
	       (!known[i].normal || slice_is(s->normal, known[i].normal));
}

fallible
analysis_check(const char **which)
{
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (!is_as_known(i)) {
			*which = known[i].text;
			return E_STATE;
		}
	return NULL;
}
