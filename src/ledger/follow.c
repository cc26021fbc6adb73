/* The following thread: derives what is committed, seals it, and once a second has a checkpoint signed. */
#include "ledger/append.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "ledger/public.h"
#include "ledger/ledger_sql.h"

#include <time.h>

enum { GATHER_MS = 100, CADENCE_MS = 1000, AWAIT_MS = 5000, DERIVED_WAL = 8 << 20 };

static int
close_ledger(struct ledger *l)
{
	pthread_mutex_destroy(&l->lock);
	pthread_mutex_destroy(&l->publishing);
	pthread_cond_destroy(&l->grown);
	pthread_cond_destroy(&l->published);
	return 0;
}

static void
take_head(void *context, const char *name, uint64_t size, int64_t time)
{
	struct ledger *l = context;
	struct head *h = ledger_head(l, slice_text(name));
	h->size = h->committed = size;
	if (time > l->last_time)
		l->last_time = time;
}

/* The checkpoint signed last, if the map still is what it was then: else the next one is awaited. */
/* The note with the lines of its witnesses. */
static fallible
note_of(const void *owner, struct store *source, uint64_t size, struct slice note, char **out)
{
	SCOPED struct rows *rows = NULL;
	char *text = memory_text(owner, note);
	TRY(store_rows(NULL, source, QUERY_COSIGNATURES_OF, BIND(as_number((int64_t)size)), &rows));
	while (rows_next(rows))
		text = talloc_asprintf_append(text, "%.*s\n", SLICE_ARGUMENTS(row_text(rows, 0)));
	*out = text;
	return rows_end(rows);
}

/* Has a witness seen more than there is? Then the tail is lost, whatever the keyring says. */
static fallible
was_witnessed(struct store *source, uint64_t *size)
{
	SCOPED struct rows *rows = NULL;
	TRY(store_rows(NULL, source, QUERY_WITNESSED, BIND_NONE, &rows));
	*size = rows_next(rows) && !row_is_null(rows, 0) ? (uint64_t)row_number(rows, 0) : 0;
	return rows_end(rows);
}

static fallible
load_published(struct ledger *l, struct store *source, const struct keys_log *log)
{
	SCOPED struct rows *rows = NULL;
	struct published *p = &l->published_now;
	TRY(store_rows(NULL, source, QUERY_CHECKPOINT_LAST, BIND_NONE, &rows));
	if (!rows_next(rows))
		return rows_end(rows);
	if ((uint64_t)row_number(rows, 0) != log->size || log->size != l->follower->position)
		return NULL;
	*p = (struct published){ .size = log->size, .covers = (uint64_t)row_number(rows, 1), .root = log->root, .time = row_number(rows, 3) };
	TRY(note_of(l, source, p->size, row_bytes(rows, 2), &p->note));
	logs_map(l->follower->logs, l->follower->map);
	p->map_root = map_root(l->follower->map);
	return NULL;
}

/* What was signed binds: a tree that does not lead to it was derived wrongly, or its leaves were altered. */
static fallible
compare_signed(struct ledger *l, struct store *source, const struct keys_log *log)
{
	uint64_t witnessed;
	struct tree tree = hashes_tree(l->follower->hashes);
	struct proof_hash root;
	TRY(was_witnessed(source, &witnessed));
	for (bool rebuilt = false;; rebuilt = true) {
		l->lost = l->follower->lost || log->size > l->follower->position || witnessed > l->follower->position;
		if (l->lost)
			return NULL;
		TRY(tree_root(&tree, log->size, &root));
		if (log->size == 0 || proof_hash_same(&root, &log->root))
			return NULL;
		if (rebuilt)
			break;
		TRY(follower_rebuild(l->follower, l->map_key));
	}
	l->altered = true;
	atomic_store(&l->halted, true);
	log_event(LOG_ERROR, "ledger.altered", "then", "sekisho ledger verify names the first fault", NULL);
	return NULL;
}

fallible
ledger_open(const void *owner, const char *dir, struct store *source, struct keys *keys, struct ledger **out)
{
	SCOPED struct ledger *l = NEW(owner, struct ledger);
	struct keys_log log;
	uint64_t first, end;
	l->dir = memory_text(l, slice_text(dir));
	l->keys = keys;
	pthread_mutex_init(&l->lock, NULL);
	pthread_mutex_init(&l->publishing, NULL);
	pthread_condattr_t monotonic;   /* whoever waits does not feel the clock step */
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&l->grown, &monotonic);
	pthread_cond_init(&l->published, &monotonic);
	talloc_set_destructor(l, close_ledger);
	TRY(keys_make(keys, MAP_SCOPE, USE_MAP, l->map_key, NULL));
	TRY(keys_log(l, keys, &log));
	TRY(follower_open(l, dir, l->map_key, &l->follower));
	TRY(compare_signed(l, source, &log));
	l->follower->moved = l->follower->position != log.size;
	TRY(load_published(l, source, &log));
	logs_each(l->follower->logs, take_head, l);
	TRY(leaves_tail(l->follower->leaves, &first, &end));
	l->trimmed = first;
	l->next = l->committed = l->follower->position;
	atomic_store(&l->size, l->next);
	*out = TAKE(l);
	return NULL;
}

void
ledger_halt(struct ledger *l)
{
	atomic_store(&l->halted, true);
}

bool
ledger_is_altered(const struct ledger *l)
{
	return l->altered;
}

const uint8_t *
ledger_map_key(const struct ledger *l)
{
	return l->map_key;
}

/* ---- the checkpoint ---- */

char *
ledger_note_text(const void *owner, const struct keys_log *log, uint64_t size, const struct proof_hash *root,
                 const uint8_t signature[KEYS_SIGNATURE])
{
	uint8_t blob[4 + KEYS_SIGNATURE];
	char hash[64], line[128];
	ledger_key_id(log, blob);
	memcpy(blob + 4, signature, KEYS_SIGNATURE);
	text_base64(slice_of(root->bytes, PROOF_HASH), hash);
	text_base64(slice_of(blob, sizeof blob), line);
	return memory_format(owner, "%s\n%llu\n%s\n\n\u2014 %s %s\n", log->name, (unsigned long long)size, hash, log->name, line);
}

static fallible
sign(struct ledger *l, struct published *p)
{
	SCOPED void *scope = talloc_new(NULL);
	struct tree tree = hashes_tree(l->follower->hashes);
	struct proof_hash proof[TREE_PATH_MAX];
	struct keys_log log;
	uint8_t signature[KEYS_SIGNATURE];
	size_t count;
	TRY(keys_log(scope, l->keys, &log));
	TRY(tree_root(&tree, p->size, &p->root));
	TRY(tree_consistency(&tree, log.size, p->size, proof, &count));
	TRY(keys_sign(l->keys, p->size, &p->root, proof, count, signature));
	p->note = ledger_note_text(l, &log, p->size, &p->root, signature);
	return NULL;
}

/* Readers wait meanwhile: the map is of this checkpoint, and the note not yet. */
static fallible
publish(struct ledger *l, const struct ledger_publisher *publisher)
{
	struct follower *f = l->follower;
	struct published p = { .covers = f->position, .time = clock_now() };
	uint64_t index;
	logs_map(f->logs, f->map);
	p.map_root = map_root(f->map);
	TRY(publisher->append_map(publisher->argument, p.covers, &p.map_root, &index));
	f->moved = false;
	TRY(follower_catch_up(f));
	p.size = index + 1;
	TRY(sign(l, &p));
	TRY(publisher->keep(publisher->argument, p.size, p.covers, slice_text(p.note), p.time));
	talloc_free(l->published_now.note);
	l->published_now = p;
	return NULL;
}

static bool
publish_now(struct ledger *l, const struct ledger_publisher *publisher)
{
	pthread_mutex_lock(&l->publishing);
	err_t e = publish(l, publisher);
	if (e)                          /* without a checkpoint that belongs to the map there is nothing to prove with */
		l->published_now.size = 0;
	pthread_mutex_unlock(&l->publishing);
	if (e)
		log_event(LOG_ERROR, "checkpoint.unsigned", "code", e->name, NULL);
	return e == NULL;
}

int64_t
ledger_lag(struct ledger *l)
{
	int64_t since = atomic_load(&l->uncovered_since);
	return since ? clock_monotonic() - since : 0;
}

static struct timespec
in(int64_t milliseconds)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += milliseconds % 1000 * 1000000;
	t.tv_sec += milliseconds / 1000 + t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

/* Waits for more, then lets it gather: one transaction over many entries costs a fraction of one for each, and search
 * reads what is not yet derived from the main order. With a checkpoint due it waits no longer than until then. */
static bool
wait_for_more(struct ledger *l, int64_t due)
{
	struct follower *f = l->follower;
	pthread_mutex_lock(&l->lock);
	atomic_store(&l->idle, true);   /* before the size is looked at: who commits after that wakes us */
	while (!l->ending && ledger_size(l) <= f->position && !l->wanted) {
		if (!f->moved)
			pthread_cond_wait(&l->grown, &l->lock);
		else if (due <= 0)
			break;
		else {
			struct timespec until = in(due);
			if (pthread_cond_timedwait(&l->grown, &l->lock, &until) != 0)
				break;
		}
	}
	atomic_store(&l->idle, false);
	struct timespec until = in(GATHER_MS);
	while (!l->ending && !l->wanted && ledger_size(l) > f->position &&
	       pthread_cond_timedwait(&l->grown, &l->lock, &until) == 0)
		;
	bool go_on = !l->ending;
	pthread_mutex_unlock(&l->lock);
	return go_on;
}

static bool
is_ending(struct ledger *l)
{
	pthread_mutex_lock(&l->lock);
	bool ending = l->ending;
	pthread_mutex_unlock(&l->lock);
	return ending;
}

static bool
take_wanted(struct ledger *l)
{
	pthread_mutex_lock(&l->lock);
	bool wanted = l->wanted;
	l->wanted = false;
	pthread_mutex_unlock(&l->lock);
	return wanted;
}

static void
tell_published(struct ledger *l)
{
	pthread_mutex_lock(&l->lock);
	l->publications++;
	pthread_cond_broadcast(&l->published);
	pthread_mutex_unlock(&l->lock);
}

/* Derives and seals; then, if one is due or wanted, a checkpoint. Somebody who waits waits for all that was committed when
 * he came: that is derived before he is told. */
static fallible
follow_once(struct ledger *l, const struct ledger_publisher *publisher, bool now)
{
	struct follower *f = l->follower;
	bool wanted = take_wanted(l);
	TRY(follower_catch_up(f));
	if (store_wal_size(f->derived) > DERIVED_WAL)
		store_wal_restart(f->derived);  /* else at the next turn: readers of it are brief */
	if (f->moved && !atomic_load(&l->uncovered_since))
		atomic_store(&l->uncovered_since, clock_monotonic());
	if (f->moved && (wanted || now) && !atomic_load(&l->halted)) {
		if (publish_now(l, publisher))
			atomic_store(&l->uncovered_since, 0);
		l->published_at = clock_monotonic();
	}
	if (wanted)
		tell_published(l);
	uint64_t whole = sealer_whole(f->sealer);
	if (whole < l->trimmed + SEALED_FILE)
		return NULL;
	TRY(publisher->trim(publisher->argument, whole));
	l->trimmed = whole;
	return NULL;
}

/* What is in memory is not what is in the files any more: all of it is opened again. */
static fallible
reopen(struct ledger *l)
{
	struct follower *fresh;
	TRY(follower_open(l, l->dir, l->map_key, &fresh));
	fresh->moved = true;
	pthread_mutex_lock(&l->publishing);
	talloc_free(l->follower);
	l->follower = fresh;
	l->published_now.size = 0;
	pthread_mutex_unlock(&l->publishing);
	return NULL;
}

/* Until it works again, or the end; meanwhile the recorder goes on, and /readyz tells. */
static void
recover(struct ledger *l, err_t e)
{
	for (; e && !is_ending(l); e = reopen(l)) {
		const struct timespec pause = { 1, 0 };
		if (atomic_exchange(&l->state, e) != e)
			log_event(LOG_ERROR, "ledger.follow.failed", "code", e->name, "then", "it is tried again each second", NULL);
		nanosleep(&pause, NULL);
	}
	if (!e) {
		log_event(LOG_INFO, "ledger.follow.recovered", NULL);
		atomic_store(&l->state, NULL);
	}
}

err_t
ledger_follow(struct ledger *l, const struct ledger_publisher *publisher)
{
	l->published_at = clock_monotonic() - (int64_t)CADENCE_MS * 1000;
	bool go_on = true;
	do {                            /* once more at the end, so that what was recorded last is under a checkpoint */
		go_on = wait_for_more(l, CADENCE_MS - (clock_monotonic() - l->published_at) / 1000);
		bool due = !go_on || clock_monotonic() - l->published_at >= (int64_t)CADENCE_MS * 1000;
		err_t e = follow_once(l, publisher, due);
		if (e)
			recover(l, e);
	} while (go_on);
	return NULL;
}

fallible
ledger_await_checkpoint(struct ledger *l)
{
	struct timespec until = in(AWAIT_MS);
	int late = 0;
	pthread_mutex_lock(&l->lock);
	uint64_t before = l->publications;
	l->wanted = true;
	pthread_cond_signal(&l->grown);
	while (!l->ending && !late && l->publications == before)
		late = pthread_cond_timedwait(&l->published, &l->lock, &until);
	pthread_mutex_unlock(&l->lock);
	return late ? E_BUSY : NULL;
}

void
ledger_unfollow(struct ledger *l)
{
	pthread_mutex_lock(&l->lock);
	l->ending = true;
	pthread_cond_signal(&l->grown);
	pthread_cond_broadcast(&l->published);
	pthread_mutex_unlock(&l->lock);
}
