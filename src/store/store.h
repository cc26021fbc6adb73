/* store.h - where rows are kept: one connection to the store, its transactions, statements and rows.
 *
 * The driver is SQLite (WAL, synchronous FULL). SQL is written once for SQLite and PostgreSQL: parameters are $1,
 * $2, …; types INTEGER (64 bits), TEXT, BLOB. Statements are constants of the .sql files, never pasted together.
 *
 * A connection belongs to one thread. Bytes and text in a row live until the next row.
 * Fails with E_STORE (store_fault tells why), E_STORE_FULL (no space), E_IO (the disk failed).
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"

#include <stdint.h>

struct store;
struct rows;

struct query {
	const char *name;
	const char *sql;
	int parameters;
};

enum value_type { VALUE_NULL, VALUE_NUMBER, VALUE_TEXT, VALUE_BYTES };

struct value {
	enum value_type type;
	int64_t number;
	struct slice bytes;
};

#define BIND(...) sizeof((struct value[]){ __VA_ARGS__ }) / sizeof(struct value), (struct value[]){ __VA_ARGS__ }
#define BIND_NONE 0, NULL

static inline struct value
as_number(int64_t n)
{
	return (struct value){ .type = VALUE_NUMBER, .number = n };
}

static inline struct value
as_text(struct slice s)
{
	return (struct value){ .type = VALUE_TEXT, .bytes = s };
}

static inline struct value
as_bytes(struct slice s)
{
	return (struct value){ .type = VALUE_BYTES, .bytes = s };
}

static inline struct value
as_null(void)
{
	return (struct value){ .type = VALUE_NULL };
}

/* STORE_DERIVED: written, but not synced at each commit; for what can be rebuilt. */
enum store_use { STORE_WRITE, STORE_READ, STORE_DERIVED };

/* Opens the file, made if it is missing unless use is STORE_READ. */
fallible store_open(const void *owner, const char *path, enum store_use, struct store **out);
/* Why the last call failed: for the log, never for an answer. */
const char *store_fault(const struct store *);

/* Brings the tables to this program's version, forward only. Fails with E_STORE_NEWER. */
fallible store_migrate(struct store *, int64_t now);
/* The number of the newest migration that this program has. */
int64_t store_version(void);

/* A reading transaction sees one state until it ends; STORE_WRITE ones exclude each other. */
fallible store_begin(struct store *);
fallible store_commit(struct store *);
void store_rollback(struct store *);

fallible store_run(struct store *, const struct query *, size_t count, const struct value *);
/* Rows that the last store_run inserted, updated or deleted. */
int64_t store_changes(const struct store *);
/* The same of all store_runs since the store was opened: what it was before and is after tells whether anything changed. */
int64_t store_changes_all(const struct store *);

/* Rows of a query; freeing them ends it. */
fallible store_rows(const void *owner, struct store *, const struct query *, size_t count, const struct value *,
                    struct rows **out);
/* False at the end, and on a fault, which rows_end tells. */
bool rows_next(struct rows *);
fallible rows_end(struct rows *);
int64_t row_number(struct rows *, int column);
struct slice row_bytes(struct rows *, int column);
struct slice row_text(struct rows *, int column);
bool row_is_null(struct rows *, int column);

/* Copies pages from the write-ahead log into the file. From a thread of its own: it took 206 ms for 60 MB. */
fallible store_checkpoint(struct store *);
/* Bytes in the write-ahead log as this connection's last commit left it. */
int64_t store_wal_size(const struct store *);
/* By the one that writes, between transactions: copies what is left, and has the log begun anew, if within two milliseconds
 * nobody reads in it any more. The file keeps its size, and what is written over needs no new size to be synced. */
bool store_wal_restart(struct store *);
/* Gives the log's file that size at least, so that the first commits need not. */
fallible store_wal_reserve(struct store *, int64_t size);
