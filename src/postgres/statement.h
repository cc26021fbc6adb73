/* statement.h - private: what a text would do, as far as it can be told from the text alone.
 *
 * Everything here is constant once made and belongs to the worker whose cache it is in.
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"

enum { QUERY_MAX = 1 << 20, STATEMENTS_MAX = 1000, NORMAL_MAX = 3072, FINGERPRINT_TEXT = 17, TABLES_MAX = 64, COLUMNS_MAX = 256 };

enum statement_kind {
	STATEMENT_READ, STATEMENT_WRITE, STATEMENT_EXPORT, STATEMENT_COPY_IN, STATEMENT_SESSION, STATEMENT_TRANSACTION,
	STATEMENT_DDL, STATEMENT_DANGEROUS, STATEMENT_UNKNOWN, STATEMENT_KINDS,
};
const char *statement_kind_name(enum statement_kind);

/* What a statement does to the names of the session. */
enum naming { NAMING_NONE, NAMING_PREPARE, NAMING_EXECUTE, NAMING_DEALLOCATE, NAMING_COMMIT, NAMING_SETTING, NAMING_KEEPS };

struct table {
	struct slice schema, name;
	bool written;
	bool maybe_cte;                 /* a name that WITH defines in the same statement */
};

struct names {
	size_t count;                   /* at most COLUMNS_MAX */
	struct slice *names;
};

struct statement {
	enum statement_kind kind;
	const char *action;             /* in Cedar: read, write, export, database.admin */
	bool pure;                      /* a read whose functions, operators and casts only read: it may run while its record syncs */
	bool leaves;                    /* something in the session that the next one must not find */
	const char *refusal;            /* why no right allows it in a subscriber's session; NULL */
	const char *why;                /* why it is dangerous; NULL */
	const char *hint;
	enum naming naming;
	struct slice name;              /* of the prepared statement; the value of a setting, where it is a literal */
	unsigned parameter;             /* … or in which parameter it is; 0: none */
	struct slice setting;           /* which is set: for this transaction by nothing else in the statement, or (KEEPS) until the session ends */
	char number[12];                /* the value, where it is one */
	size_t at;                      /* where it begins in its text */
	bool calls;                     /* a procedure, which may commit */
	bool recalls;                   /* what the session did before: currval, lastval, setseed */
	bool unlocks;                   /* a session that only reads: SET TRANSACTION READ WRITE and its like */
	bool chains;                    /* COMMIT or ROLLBACK AND CHAIN */
	struct slice normal;            /* for the book */
	char fingerprint[FINGERPRINT_TEXT];
	size_t table_count;             /* at most TABLES_MAX; more: `pure` is false */
	struct table *tables;
	struct names columns;           /* names as they are used; more than COLUMNS_MAX: `pure` is false */
	struct names targets;           /* columns that it sets */
	bool reads_whole, writes_whole; /* … or all of its tables' */
	bool reaches;                   /* tables that it does not name: by functions that are not PostgreSQL's own, DO, DDL */
	struct names aliases, alone;    /* while it is being analysed: of tables; names that stand alone */
	struct slice table_names;       /* for the book */
};

/* A talloc object. */
struct analysis {
	const char *sqlstate;           /* the text is none that we can read: this is the error; NULL */
	const char *message;
	unsigned position;
	size_t count;
	struct statement *statements;
};

/* Fails only for bugs (E_STATE); what is wrong with the text is in the analysis. `text` has no NUL; is copied. */
fallible analyse(const void *owner, struct slice text, struct analysis **out);
/* Known statements must come out as they always did, for the parser's tree is no stable interface. Fails with E_STATE, and
 * *which names the statement. */
fallible analysis_check(const char **which);

/* May the statement read a column of that name, in one of its tables; set one in a table that it writes? */
bool statement_reads(const struct statement *, struct slice column);
bool statement_writes(const struct statement *, struct slice column);

/* By the whole text, of one worker. */
struct analysis_cache;
struct analysis_cache *analysis_cache_new(const void *owner);
/* The analysis is good until the next call, unless referenced with talloc_reference(). */
fallible analysis_cached(struct analysis_cache *, struct slice text, struct analysis **out);

/* ---- for the files of the analysis ---- */

enum function_class { FUNCTION_UNKNOWN, FUNCTION_READS, FUNCTION_VOLATILE, FUNCTION_DANGEROUS };
enum function_class function_class(struct slice name);
bool operator_is_builtin(struct slice name);
bool type_is_builtin(struct slice name);
/* transaction_read_only and its default. */
bool setting_is_read_only(struct slice name);
bool setting_is_free(struct slice name);
/* Why this setting must not be set so (value empty: not a literal, or RESET); NULL: it may. */
const char *setting_refusal(struct slice name, struct slice value);

struct node;
/* Everything that is told by the kind of the statement alone. */
void classify(struct statement *, struct node);
/* select set_config('NAME', …, true), the form of the application lane's hook: sets naming, setting, name and parameter. */
void find_setting(struct statement *, struct node);
/* columns.c */
void columns_new(const void *owner, struct statement *);
void columns_visit(struct statement *, struct node);
void columns_finish(struct statement *);
void columns_keep(const void *owner, struct statement *);
/* What pg_dump says at its start. */
bool is_of_pg_dump(struct slice text);
