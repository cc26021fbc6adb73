/* The SQLite driver. */
#include "store/store.h"

#include "store/migrations.h"

#include "base/memory.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { STATEMENTS = 256, BUSY_MS = 5000, PAGE_SIZE = 4096, RESTART_WAITS = 20, RESTART_WAIT_NS = 100 * 1000 };

struct prepared {
	const struct query *query;
	sqlite3_stmt *statement;
	bool used;
	int parameter[32];              /* SQLite's number of $1, $2, … */
};

struct store {
	sqlite3 *db;
	enum store_use use;
	char *wal;
	int64_t wal_size;
	struct prepared prepared[STATEMENTS];   /* open addressing by the query's address */
};

struct rows {
	struct store *store;
	struct prepared *prepared;
	int result;
	bool own;                       /* the prepared statement was in use: this one is for these rows alone */
};

static err_t
fault_of(int result)
{
	switch (result & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE:
	case SQLITE_ROW:
		return NULL;
	case SQLITE_FULL:
		return E_STORE_FULL;
	case SQLITE_IOERR:
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return E_IO;
	default:
		return E_STORE;
	}
}

const char *
store_fault(const struct store *s)
{
	return sqlite3_errmsg(s->db);
}

static int
close_store(struct store *s)
{
	for (size_t i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(s->prepared[i].statement);
	sqlite3_close_v2(s->db);
	return 0;
}

static fallible
execute(struct store *s, const char *sql)
{
	return fault_of(sqlite3_exec(s->db, sql, NULL, NULL, NULL));
}

static int
committed(void *argument, sqlite3 *db, const char *name, int frames)
{
	struct store *s = argument;
	(void)db;
	(void)name;
	s->wal_size = (int64_t)frames * PAGE_SIZE;
	return SQLITE_OK;
}

fallible
store_open(const void *owner, const char *path, enum store_use use, struct store **out)
{
	SCOPED struct store *s = NEW(owner, struct store);
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE | (use == STORE_READ ? 0 : SQLITE_OPEN_CREATE);
	s->use = use;
	s->wal = memory_format(s, "%s-wal", path);
	int result = sqlite3_open_v2(path, &s->db, flags, NULL);
	talloc_set_destructor(s, close_store);
	if (result != SQLITE_OK)
		return fault_of(result);
	sqlite3_busy_timeout(s->db, BUSY_MS);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	TRY(execute(s, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;"
	               "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -2048; PRAGMA trusted_schema = OFF"));
	sqlite3_wal_hook(s->db, committed, s);
	if (use == STORE_READ)
		TRY(execute(s, "PRAGMA query_only = ON"));
	if (use == STORE_DERIVED)
		TRY(execute(s, "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -49152"));     /* a batch's pages, before they are written */
	*out = TAKE(s);
	return NULL;
}

fallible
store_begin(struct store *s)
{
	return execute(s, s->use == STORE_READ ? "BEGIN" : "BEGIN IMMEDIATE");
}

fallible
store_commit(struct store *s)
{
	return execute(s, "COMMIT");
}

void
store_rollback(struct store *s)
{
	if (!sqlite3_get_autocommit(s->db) && execute(s, "ROLLBACK"))
		return;                 /* SQLite has rolled back by itself, or the next BEGIN fails */
}

static fallible
prepare(struct store *s, const struct query *q, unsigned flags, struct prepared *p)
{
	int result = sqlite3_prepare_v3(s->db, q->sql, -1, flags, &p->statement, NULL);
	if (result != SQLITE_OK)
		return fault_of(result);
	p->query = q;
	for (int i = 0; i < q->parameters && i < (int)(sizeof p->parameter / sizeof *p->parameter); i++) {
		char name[8];
		snprintf(name, sizeof name, "$%d", i + 1);
		p->parameter[i] = sqlite3_bind_parameter_index(p->statement, name);
	}
	return NULL;
}

static fallible
find_prepared(struct store *s, const struct query *q, struct prepared **out)
{
	size_t at = ((uintptr_t)q >> 4) % STATEMENTS;
	for (size_t i = 0; i < STATEMENTS; i++, at = (at + 1) % STATEMENTS) {
		struct prepared *p = &s->prepared[at];
		if (!p->query)
			TRY(prepare(s, q, SQLITE_PREPARE_PERSISTENT, p));
		if (p->query == q) {
			*out = p;
			return NULL;
		}
	}
	return E_STORE;
}

static int
bind_one(sqlite3_stmt *statement, int at, const struct value *v)
{
	static const char nothing[1];
	const void *data = v->bytes.data ? (const void *)v->bytes.data : nothing;
	switch (v->type) {
	case VALUE_NUMBER:
		return sqlite3_bind_int64(statement, at, v->number);
	case VALUE_TEXT:
		return sqlite3_bind_text64(statement, at, data, v->bytes.size, SQLITE_STATIC, SQLITE_UTF8);
	case VALUE_BYTES:
		return sqlite3_bind_blob64(statement, at, data, v->bytes.size, SQLITE_STATIC);
	case VALUE_NULL:
		break;
	}
	return sqlite3_bind_null(statement, at);
}

static fallible
bind(struct prepared *p, size_t count, const struct value *values)
{
	if (count != (size_t)p->query->parameters)
		return E_STORE;
	for (size_t i = 0; i < count; i++) {
		int result = bind_one(p->statement, p->parameter[i], &values[i]);
		if (result != SQLITE_OK)
			return fault_of(result);
	}
	return NULL;
}

fallible
store_run(struct store *s, const struct query *q, size_t count, const struct value *values)
{
	struct prepared *p;
	TRY(find_prepared(s, q, &p));
	TRY(bind(p, count, values));
	int result;
	do
		result = sqlite3_step(p->statement);
	while (result == SQLITE_ROW);
	int last = sqlite3_reset(p->statement);
	return fault_of(result == SQLITE_DONE ? last : result);
}

fallible
store_run_once(struct store *s, const struct query *q)
{
	return execute(s, q->sql);
}

int64_t
store_changes(const struct store *s)
{
	return sqlite3_changes64(s->db);
}

int64_t
store_changes_all(const struct store *s)
{
	return sqlite3_total_changes64(s->db);
}

static int
close_rows(struct rows *r)
{
	if (r->own)
		sqlite3_finalize(r->prepared->statement);
	else {
		sqlite3_reset(r->prepared->statement);
		sqlite3_clear_bindings(r->prepared->statement);
		r->prepared->used = false;
	}
	return 0;
}

fallible
store_rows(const void *owner, struct store *s, const struct query *q, size_t count, const struct value *values,
           struct rows **out)
{
	SCOPED struct rows *r = NEW(owner, struct rows);
	r->store = s;
	TRY(find_prepared(s, q, &r->prepared));
	if (r->prepared->used) {
		r->prepared = NEW(r, struct prepared);
		TRY(prepare(s, q, 0, r->prepared));
		r->own = true;
	}
	r->prepared->used = true;
	talloc_set_destructor(r, close_rows);
	/* What is bound must live as long as the rows do. */
	struct value *kept = NEW_ARRAY(r, struct value, count + 1);
	for (size_t i = 0; i < count; i++) {
		kept[i] = values[i];
		if (values[i].type == VALUE_TEXT || values[i].type == VALUE_BYTES)
			kept[i].bytes = memory_copy(r, values[i].bytes);
	}
	TRY(bind(r->prepared, count, kept));
	*out = TAKE(r);
	return NULL;
}

bool
rows_next(struct rows *r)
{
	r->result = sqlite3_step(r->prepared->statement);
	return r->result == SQLITE_ROW;
}

fallible
rows_end(struct rows *r)
{
	return fault_of(r->result);
}

int64_t
row_number(struct rows *r, int column)
{
	return sqlite3_column_int64(r->prepared->statement, column);
}

struct slice
row_bytes(struct rows *r, int column)
{
	const void *data = sqlite3_column_blob(r->prepared->statement, column);
	return slice_of(data, (size_t)sqlite3_column_bytes(r->prepared->statement, column));
}

struct slice
row_text(struct rows *r, int column)
{
	const unsigned char *text = sqlite3_column_text(r->prepared->statement, column);
	return slice_of(text, (size_t)sqlite3_column_bytes(r->prepared->statement, column));
}

bool
row_is_null(struct rows *r, int column)
{
	return sqlite3_column_type(r->prepared->statement, column) == SQLITE_NULL;
}

static int
wait_a_little(void *argument, int times)
{
	const struct timespec little = { 0, RESTART_WAIT_NS };
	(void)argument;
	return times < RESTART_WAITS && nanosleep(&little, NULL) == 0;
}

bool
store_wal_restart(struct store *s)
{
	sqlite3_busy_handler(s->db, wait_a_little, NULL);
	int result = sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_RESTART, NULL, NULL);
	sqlite3_busy_timeout(s->db, BUSY_MS);
	return result == SQLITE_OK;
}

/* Of zeros, which SQLite takes for no log (walIndexRecover: no magic number), and really written: blocks that are only
 * promised would have to be recorded at the first write of each. */
fallible
store_wal_reserve(struct store *s, int64_t size)
{
	static const uint8_t zeros[65536];
	struct stat st;
	int fd = open(s->wal, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return E_IO;
	bool good = fstat(fd, &st) == 0;
	for (int64_t at = st.st_size; good && at < size; at += (int64_t)sizeof zeros)
		good = pwrite(fd, zeros, sizeof zeros, at) == (ssize_t)sizeof zeros;
	good = good && fsync(fd) == 0;
	return close(fd) == 0 && good ? NULL : E_IO;
}

fallible
store_checkpoint(struct store *s)
{
	int result = sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	return result == SQLITE_BUSY ? NULL : fault_of(result);
}

int64_t
store_wal_size(const struct store *s)
{
	return s->wal_size;
}
