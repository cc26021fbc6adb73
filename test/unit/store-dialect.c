/* Every named statement and every migration is taken by PostgreSQL 15 too, so that no SQL grows that only SQLite takes.
 *
 * Starts a PostgreSQL of its own as an unprivileged user; is skipped (77), loudly, where there is none. */
#include "test.h"

#include "store/migrations.h"
#include "store/store.h"

#include "gate/gate_sql.h"
#include "identity/identity_sql.h"
#include "ledger/ledger_sql.h"
#include "operations/operations_sql.h"
#include "record/alert_sql.h"
#include "store/store_sql.h"
#include "vault/vault_sql.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[] = "/tmp/sekisho-dialect-XXXXXX";

/* A line of shell; every @ stands for the folder. */
static int
run(const char *as, const char *command)
{
	char *line = memory_format(NULL, "%s ", as);
	for (const char *p = command; *p; p++)
		line = *p == '@' ? talloc_strdup_append(line, folder) : talloc_strndup_append(line, p, 1);
	int status = system(line);
	talloc_free(line);
	return status;
}

/* SQLite's names of types, in PostgreSQL's: the driver's own translation will do no more. */
static char *
translate(const void *owner, const char *sql)
{
	static const struct { const char *from, *to; } types[] = { { "INTEGER", "bigint" }, { "BLOB", "bytea" } };
	char *out = memory_format(owner, "%s", "");
	while (*sql) {
		size_t i = 0, n = 0;
		for (; i < 2; i++)
			if (strncmp(sql, types[i].from, n = strlen(types[i].from)) == 0)
				break;
		out = i < 2 ? talloc_strdup_append(out, types[i].to) : talloc_strndup_append(out, sql, 1);
		sql += i < 2 ? n : 1;
	}
	return out;
}

static bool
do_it(PGconn *c, const char *what, const char *sql, bool prepare)
{
	PGresult *r = prepare ? PQprepare(c, "", sql, 0, NULL) : PQexec(c, sql);
	bool good = PQresultStatus(r) == PGRES_COMMAND_OK;
	if (!good)
		print_error("%s: %s\n  %s\n", what, PQresultErrorMessage(r), sql);
	PQclear(r);
	return good;
}

static bool
prepare_all(PGconn *c, const struct query *const *queries)
{
	SCOPED void *scope = talloc_new(NULL);
	bool good = true;
	for (; *queries; queries++)
		good &= do_it(c, (*queries)->name, translate(scope, (*queries)->sql), true);
	return good;
}

static void
postgresql_takes_all_of_it(void **state)
{
	SCOPED void *scope = talloc_new(NULL);
	PGconn *c = *state;
	bool good = true;
	assert_true(do_it(c, "migration", translate(scope, "CREATE TABLE migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied INTEGER NOT NULL)"), false));
	for (const struct embedded *m = store_migrations; m->name; m++)
		good &= do_it(c, m->name, translate(scope, m->text), false);
	const struct query *const *rooms[] = { store_sql_queries, ledger_sql_queries, identity_sql_queries, vault_sql_queries,
	                                       gate_sql_queries, operations_sql_queries, alert_sql_queries };
	for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++)
		good &= prepare_all(c, rooms[i]);
	assert_true(good);
}

static int
start(void **state)
{
	if (access("/usr/lib/postgresql/15/bin/initdb", X_OK) != 0)
		return -1;
	if (!mkdtemp(folder))
		return -1;
	bool root = getuid() == 0;
	if (root && run("", "chown postgres @") != 0)
		return -1;
	const char *as = root ? "runuser -u postgres -- env LC_ALL=C" : "env LC_ALL=C";
	if (run(as, "/usr/lib/postgresql/15/bin/initdb -D @/db -A trust -U postgres -N >/dev/null 2>&1") != 0 ||
	    run(as, "/usr/lib/postgresql/15/bin/pg_ctl -D @/db -l @/log -w -o \"-c listen_addresses='' -k @ -F\" start >/dev/null 2>&1") != 0)
		return -1;
	SCOPED char *where = memory_format(NULL, "host=%s user=postgres dbname=postgres", folder);
	PGconn *c = PQconnectdb(where);
	*state = c;
	return PQstatus(c) == CONNECTION_OK ? 0 : -1;
}

static int
stop(void **state)
{
	const char *as = getuid() == 0 ? "runuser -u postgres --" : "";
	PQfinish(*state);
	run(as, "/usr/lib/postgresql/15/bin/pg_ctl -D @/db -m immediate stop >/dev/null 2>&1");
	return run("", "rm -rf @");
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(postgresql_takes_all_of_it, start, stop) };
	if (access("/usr/lib/postgresql/15/bin/initdb", X_OK) != 0) {
		fprintf(stderr, "SKIPPED: needs PostgreSQL 15 (/usr/lib/postgresql/15/bin)\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
