/* libpq's pipeline mode: README.md */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void
tell(const char *check, const char *why)
{
	printf("%s\t%s", check, why ? why : "ok\n");
	if (why && (!*why || why[strlen(why) - 1] != '\n'))
		puts("");
	fflush(stdout);
}

/* The results of one statement: its status, and the first value. */
static ExecStatusType
take(PGconn *c, char *value, size_t size)
{
	ExecStatusType status = PGRES_FATAL_ERROR;
	for (PGresult *r; (r = PQgetResult(c)); PQclear(r)) {
		status = PQresultStatus(r);
		snprintf(value, size, "%s",
		         status == PGRES_TUPLES_OK && PQntuples(r) ? PQgetvalue(r, 0, 0)
		         : PQresultErrorField(r, PG_DIAG_SQLSTATE) ? PQresultErrorField(r, PG_DIAG_SQLSTATE)
		                                                   : "");
		if (status == PGRES_PIPELINE_SYNC) {
			PQclear(r);
			break;
		}
	}
	return status;
}

static void
send_number(PGconn *c, const char *text, int n)
{
	char number[16];
	const char *values[] = { number };
	snprintf(number, sizeof number, "%d", n);
	PQsendQueryParams(c, text, 1, NULL, values, NULL, NULL, 0);
}

static void
in_order(PGconn *c)
{
	char value[64], wanted[64];
	const char *why = NULL;
	PQenterPipelineMode(c);
	for (int i = 0; i < 500; i++)
		send_number(c, "select $1::int", i);
	PQpipelineSync(c);
	for (int i = 0; i < 500; i++) {
		snprintf(wanted, sizeof wanted, "%d", i);
		if (take(c, value, sizeof value) != PGRES_TUPLES_OK || strcmp(value, wanted) != 0)
			why = "answers are not in order";
	}
	if (take(c, value, sizeof value) != PGRES_PIPELINE_SYNC)
		why = "no sync";
	tell("500 in one pipeline", why);
}

static void
error_in_the_middle(PGconn *c)
{
	static const ExecStatusType wanted[] = { PGRES_TUPLES_OK,     PGRES_FATAL_ERROR, PGRES_PIPELINE_ABORTED,
		                                 PGRES_PIPELINE_SYNC, PGRES_TUPLES_OK,   PGRES_PIPELINE_SYNC };
	char value[64];
	const char *why = NULL;
	send_number(c, "select $1::int", 1);
	send_number(c, "select 1 / ($1::int - 2)", 2);
	send_number(c, "select $1::int", 3);
	PQpipelineSync(c);
	send_number(c, "select count(*) from people where id > $1::int", 0);
	PQpipelineSync(c);
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		if (take(c, value, sizeof value) != wanted[i])
			why = "not the statuses of an aborted pipeline";
		if (i == 1 && strcmp(value, "22012") != 0)
			why = "another SQLSTATE";
	}
	tell("error in the middle", why);
}

static void
writes(PGconn *c)
{
	char value[64];
	const char *why = NULL;
	const char *texts[] = { "begin", "insert into scratch (tenant, id, t) values ('a', $1::int, 'p')",
		                "update scratch set t = 'q' where id = $1::int returning t",
		                "delete from scratch where id = $1::int", "commit" };
	for (int i = 0; i < 5; i++)
		if (strchr(texts[i], '$'))
			send_number(c, texts[i], 77);
		else
			PQsendQueryParams(c, texts[i], 0, NULL, NULL, NULL, NULL, 0);
	PQpipelineSync(c);
	for (int i = 0; i < 6; i++) {
		ExecStatusType s = take(c, value, sizeof value);
		if (s == PGRES_FATAL_ERROR || s == PGRES_PIPELINE_ABORTED || (i == 2 && strcmp(value, "q") != 0))
			why = "a write in a pipeline failed";
	}
	tell("a transaction in one pipeline", why);
}

static void
prepared(PGconn *c)
{
	char value[64];
	const char *why = NULL;
	const char *values[] = { "4" };
	PQsendPrepare(c, "by_id", "select name from people where id = $1::int", 0, NULL);
	for (int i = 0; i < 3; i++)
		PQsendQueryPrepared(c, "by_id", 1, values, NULL, NULL, 0);
	PQsendDescribePrepared(c, "by_id");
	PQpipelineSync(c);
	take(c, value, sizeof value);
	for (int i = 0; i < 3; i++)
		if (take(c, value, sizeof value) != PGRES_TUPLES_OK || strcmp(value, "own 4") != 0)
			why = "not what was prepared";
	take(c, value, sizeof value);
	take(c, value, sizeof value);
	tell("prepared in a pipeline", why);
}

static void
row_by_row(PGconn *c)
{
	int rows = 0;
	PQsendQueryParams(c, "select id from people order by id", 0, NULL, NULL, NULL, NULL, 0);
	PQpipelineSync(c);
	PQsetSingleRowMode(c);
	for (PGresult *r; (r = PQgetResult(c)); PQclear(r))
		rows += PQresultStatus(r) == PGRES_SINGLE_TUPLE;
	PQclear(PQgetResult(c));
	tell("row by row", rows == 1000 ? NULL : "not 1,000 rows");
}

static void
copy_out(PGconn *c)
{
	int lines = 0;
	char *line;
	PQclear(PQexec(c, "copy (select * from people) to stdout"));
	while (PQgetCopyData(c, &line, 0) > 0) {
		lines++;
		PQfreemem(line);
	}
	for (PGresult *r; (r = PQgetResult(c));)
		PQclear(r);
	tell("COPY out", lines == 1000 ? NULL : "not 1,000 lines");
}

static void
cancel(PGconn *c)
{
	char why[256] = "";
	PGcancel *k = PQgetCancel(c);
	PQsendQuery(c, "select pg_sleep(20)");
	PQflush(c);
	struct timespec wait = { 0, 300 * 1000 * 1000 };
	nanosleep(&wait, NULL);
	PQcancel(k, why, sizeof why);
	PQfreeCancel(k);
	PGresult *r = PQgetResult(c);
	const char *code = PQresultErrorField(r, PG_DIAG_SQLSTATE);
	tell("cancel", code && strcmp(code, "57014") == 0 ? NULL : "not cancelled");
	PQclear(r);
	PQclear(PQgetResult(c));
}

int
main(void)
{
	PGconn *c = PQconnectdb("");
	if (PQstatus(c) != CONNECTION_OK) {
		tell("connect", PQerrorMessage(c));
		return 1;
	}
	tell("connect", NULL);
	in_order(c);
	error_in_the_middle(c);
	writes(c);
	prepared(c);
	row_by_row(c);
	PQexitPipelineMode(c);
	copy_out(c);
	cancel(c);
	PQfinish(c);
	return 0;
}
