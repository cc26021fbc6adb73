/* A ledger whose tail was lost ends; another begins, and cites the last checkpoint (LEDGER.md, "Main log").
 *
 * In three steps, each of which the next start finishes: what the store still has of the old log moves aside with a row
 * that says so; its files move aside and the keeper makes another key; the new log's first entry cites the old one. */
#include "ledger/append.h"
#include "ledger/succeed.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "ledger/ledger_sql.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

bool
ledger_is_lost(const struct ledger *l)
{
	return l->lost;
}

static fallible
sign_last(const void *owner, struct keys *keys, const struct keys_log *log, char **note)
{
	uint8_t signature[KEYS_SIGNATURE];
	*note = memory_format(owner, "%s", "");
	if (log->size == 0)
		return NULL;
	TRY(keys_sign(keys, log->size, &log->root, NULL, 0, signature));
	*note = ledger_note_text(owner, log, log->size, &log->root, signature);
	return NULL;
}

static fallible
move_rows(struct store *store, const struct keys_log *log, const char *note, uint64_t had)
{
	struct value name = as_text(slice_text(log->name));
	TRY(store_run(store, QUERY_ENDED_LEAVES, BIND(name)));
	TRY(store_run(store, QUERY_ENDED_LEAVES_ODD, BIND(name)));
	TRY(store_run(store, QUERY_ENDED_CHECKPOINTS, BIND(name)));
	TRY(store_run(store, QUERY_TAIL_EMPTY, BIND_NONE));
	TRY(store_run(store, QUERY_TAIL_EMPTY_ODD, BIND_NONE));
	TRY(store_run(store, QUERY_CHECKPOINTS_CLEAR, BIND_NONE));
	TRY(store_run(store, QUERY_COSIGNATURES_CLEAR, BIND_NONE));
	return store_run(store, QUERY_SUCCESSION_PUT,
	                 BIND(name, as_text(slice_text(note)), as_number((int64_t)had), as_number((int64_t)log->size)));
}

fallible
ledger_end(struct ledger *l, struct store *store)
{
	SCOPED void *scope = talloc_new(NULL);
	struct keys_log log;
	char *note;
	TRY(keys_log(scope, l->keys, &log));
	TRY(sign_last(scope, l->keys, &log, &note));
	TRY(store_begin(store));
	err_t e = move_rows(store, &log, note, l->next);
	if (!e)
		e = store_commit(store);
	if (e)
		store_rollback(store);
	return e;
}

static fallible
move_file(const char *dir, const char *into, const char *name)
{
	SCOPED char *from = memory_format(NULL, "%s/ledger/%s", dir, name), *to = memory_format(NULL, "%s/%s", into, name);
	return rename(from, to) == 0 || errno == ENOENT ? NULL : E_IO;
}

static fallible
move_files(const char *dir, const char *log)
{
	static const char *const files[] = { "sealed", "derived.db", "derived.db-wal", "derived.db-shm", "hashes", "hashes.1", "hashes.2",
	                                     "hashes.3", "hashes.4", "hashes.5", "hashes.6", "hashes.7" };
	const char *slash = strrchr(log, '/');
	SCOPED char *into = memory_format(NULL, "%s/ledger/ended-%s", dir, slash ? slash + 1 : "log");
	if (mkdir(into, 0700) != 0 && errno != EEXIST)
		return E_IO;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		TRY(move_file(dir, into, files[i]));
	return NULL;
}

fallible
ledger_succession(const void *owner, const char *dir, struct store *store, struct keys *keys, struct succession *out)
{
	SCOPED struct rows *rows = NULL;
	struct keys_log now;
	*out = (struct succession){ .log = { NULL, 0 } };
	TRY(store_rows(NULL, store, QUERY_SUCCESSION_OPEN, BIND_NONE, &rows));
	if (!rows_next(rows))
		return rows_end(rows);
	struct succession s = { memory_copy(owner, row_text(rows, 0)), memory_copy(owner, row_text(rows, 1)), (uint64_t)row_number(rows, 2),
	                        (uint64_t)row_number(rows, 3) };
	TRY(keys_log(owner, keys, &now));
	if (slice_is(s.log, now.name)) {
		TRY(move_files(dir, now.name));
		TRY(keys_succeed(keys));
	}
	*out = s;
	return NULL;
}

fallible
ledger_succession_apply(struct store *tx, const struct succession *s)
{
	return store_run(tx, QUERY_SUCCESSION_CITE, BIND(as_text(s->log)));
}
