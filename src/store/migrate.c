/* Forward migrations, each in a transaction of its own. */
#include "store/store.h"

#include "store/migrations.h"
#include "store/store_sql.h"

#include "base/memory.h"

static size_t
migration_count(void)
{
	size_t n = 0;
	while (store_migrations[n].name)
		n++;
	return n;
}

int64_t
store_version(void)
{
	return (int64_t)migration_count();
}

static fallible
version_of(struct store *s, int64_t *version)
{
	SCOPED struct rows *rows = NULL;
	TRY(store_rows(NULL, s, QUERY_MIGRATION_LAST, BIND_NONE, &rows));
	int64_t last = rows_next(rows) ? row_number(rows, 0) : 0;
	TRY(rows_end(rows));
	*version = last;
	return NULL;
}

/* Statements of a migration end with a line that ends in ';'. */
static fallible
run_statements(struct store *s, const char *text)
{
	SCOPED char *rest = memory_text(NULL, slice_text(text));
	for (char *begin = rest, *end; (end = strstr(begin, ";\n")); begin = end + 2) {
		*end = '\0';
		const struct query q = { "migration", begin, 0 };
		TRY(store_run_once(s, &q));
	}
	return NULL;
}

static fallible
apply(struct store *s, size_t number, int64_t now)
{
	const struct embedded *m = &store_migrations[number - 1];
	TRY(run_statements(s, m->text));
	return store_run(s, QUERY_MIGRATION_DONE,
	                 BIND(as_number((int64_t)number), as_text(slice_text(m->name)), as_number(now)));
}

fallible
store_migrate(struct store *s, int64_t now)
{
	static const struct query base[1] = { { "migration_table",
		"CREATE TABLE IF NOT EXISTS migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied INTEGER NOT NULL)", 0 } };
	int64_t version;
	TRY(store_run_once(s, base));
	TRY(version_of(s, &version));
	if (version > (int64_t)migration_count())
		return E_STORE_NEWER;
	for (size_t number = (size_t)version + 1; number <= migration_count(); number++) {
		TRY(store_begin(s));
		err_t e = apply(s, number, now);
		if (!e)
			e = store_commit(s);
		if (e) {
			store_rollback(s);
			return e;
		}
	}
	return NULL;
}
