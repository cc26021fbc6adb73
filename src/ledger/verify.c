/* Verifying: every leaf read, parsed and hashed again, a sealed file's worth of them at a time on all cores; then, in
 * order, what only the order shows. */
#include "ledger/append.h"

#include "base/memory.h"
#include "ledger/reader.h"
#include "ledger/recount.h"

#include <stdio.h>
#include <unistd.h>

enum { THREADS_MAX = 16, FAULTS_MAX = 64, LOG_BUCKETS = 1024, FILE_HEIGHT = 16 };

struct fault {
	const char *kind, *text;
	char file[40];
	uint64_t index;
};

/* A log's entries in one part: consecutive, from `first` on. */
struct part_log {
	struct part_log *next;          /* in its bucket */
	struct part_log *after;         /* as they came */
	uint64_t first, index, count;   /* index: the main index of the first */
	struct part_leaf {
		uint64_t index;
		struct proof_hash hash; /* as a leaf of its log */
	} *leaves;
	size_t leaf_count, leaf_room;
	char name[];
};

/* What came out of one file's worth of leaves. */
struct part {
	uint64_t begin, next;           /* leaves visited: [begin, next) */
	uint64_t entries;
	int64_t first_time, last_time;  /* -1: no entry */
	struct proof_hash *leaves;
	size_t fault_count;
	struct fault faults[FAULTS_MAX];
	struct part_log *buckets[LOG_BUCKETS], *logs, **last;
	bool sealed;                    /* what is being read comes from there */
	struct proof_hash tile[TILE];
	size_t tile_count;
	bool tile_read;
	uint64_t derived;               /* so many leaves have a hash */
	struct ledger_reader *reader;
	err_t error;
};

static void
fault_at(struct part *p, const char *kind, uint64_t index, const char *text, const char *file)
{
	if (p->fault_count == FAULTS_MAX)
		return;
	struct fault *f = &p->faults[p->fault_count++];
	*f = (struct fault){ .kind = kind, .text = text, .index = index };
	if (file)
		snprintf(f->file, sizeof f->file, "%s", file);
	else if (p->sealed)
		snprintf(f->file, sizeof f->file, "ledger/sealed/%06llu", (unsigned long long)(index / SEALED_FILE));
	else
		snprintf(f->file, sizeof f->file, "store/store.db");
}

static void
keep_leaf(struct part *p, struct part_log *l, uint64_t index, const struct proof_hash *entry)
{
	if (index >= p->derived)
		return;
	if (l->leaf_count == l->leaf_room) {
		l->leaf_room = l->leaf_room ? 2 * l->leaf_room : 4;
		l->leaves = memory_grow(p, l->leaves, sizeof *l->leaves, l->leaf_room);
	}
	l->leaves[l->leaf_count++] = (struct part_leaf){ index, log_leaf(index, entry) };
}

static void
count_in_log(struct part *p, uint64_t index, const struct proof_entry *e, const struct proof_hash *entry)
{
	size_t at = 5381;
	for (size_t i = 0; i < e->log.size; i++)
		at = at * 33 ^ e->log.data[i];
	struct part_log **bucket = &p->buckets[at % LOG_BUCKETS], *l = *bucket;
	while (l && !slice_is(slice_of(e->log.data, e->log.size), l->name))
		l = l->next;
	if (!l) {
		l = memory_zeroed(p, sizeof *l + e->log.size + 1, 1, "struct part_log");
		memcpy(l->name, e->log.data, e->log.size);
		l->first = e->log_seq;
		l->index = index;
		l->next = *bucket;
		*bucket = *p->last = l;
		p->last = &l->after;
	} else if (e->log_seq != l->first + l->count)
		fault_at(p, "order", index, "the sequence in its log is not the next", NULL);
	l->count = e->log_seq + 1 - l->first;
	keep_leaf(p, l, index, entry);
}

static struct proof_hash
check_entry(struct part *p, uint64_t index, struct proof_bytes bytes)
{
	uint8_t data[1 + PROOF_HASH] = { 0 };
	struct proof_entry e;
	struct proof_hash hash;
	const char *why;
	ledger_functions->sha256(NULL, &bytes, 1, hash.bytes);
	memcpy(data + 1, hash.bytes, PROOF_HASH);
	if (!proof_entry_parse(bytes, &e, &why))
		fault_at(p, "entry", index, why, NULL);
	else {
		count_in_log(p, index, &e, &hash);
		if ((int64_t)e.time < p->last_time)
			fault_at(p, "order", index, "the recorded time falls", NULL);
		p->first_time = p->first_time < 0 ? (int64_t)e.time : p->first_time;
		p->last_time = (int64_t)e.time;
	}
	p->entries++;
	return proof_leaf_hash(ledger_functions, (struct proof_bytes){ data, sizeof data });
}

/* The hash that was derived when the leaf was new. */
static err_t
compare_hash(struct part *p, uint64_t index, const struct proof_hash *hash)
{
	if (!p->reader->hashes)
		return NULL;
	if (index % TILE == 0 || !p->tile_read) {
		p->tile_read = true;
		p->tile_count = TILE - index % TILE;
		TRY(hashes_get(p->reader->hashes, 0, index, &p->tile[index % TILE], &p->tile_count));
		p->tile_count += index % TILE;
	}
	if (index % TILE >= p->tile_count) {
		if (index < p->derived)
			fault_at(p, "tree", index, "its hash is missing", "ledger/hashes");
	} else if (!proof_hash_same(&p->tile[index % TILE], hash))     /* a sealed leaf has a checksum of its own, and it held */
		fault_at(p, p->sealed ? "tree" : "entry", index, "the entry's hash is not the one that was recorded", p->sealed ? "ledger/hashes" : NULL);
	return NULL;
}

static err_t
check_leaf(void *context, uint64_t index, struct slice leaf)
{
	struct part *p = context;
	struct proof_hash hash = { { 0 } };
	for (; p->next < index; p->next++)
		fault_at(p, "order", p->next, "the entry is missing", NULL);
	p->next = index + 1;
	if (leaf.size > 1 && leaf.data[0] == 0)
		hash = check_entry(p, index, (struct proof_bytes){ leaf.data + 1, leaf.size - 1 });
	else if (leaf.size == 9 + PROOF_HASH && leaf.data[0] == 1)
		hash = proof_leaf_hash(ledger_functions, (struct proof_bytes){ leaf.data, leaf.size });
	else
		fault_at(p, "entry", index, "neither an entry nor a map's root", NULL);
	p->leaves[index - p->begin] = hash;
	return compare_hash(p, index, &hash);
}

/* ---- one part ---- */

/* Both copies, while the tail still has what is sealed. */
static err_t
compare_copies(void *context, uint64_t index, struct slice leaf)
{
	struct part *p = context;
	struct slice sealed;
	err_t e = seals_leaf(leaves_seals(p->reader->leaves), index, &sealed);
	if (e == E_NOT_FOUND)
		return NULL;
	if (e != E_SEALED)
		TRY(e);
	if (!e && !slice_equal(leaf, sealed))
		fault_at(p, "entry", index, "the sealed leaf is not the one in the store", NULL);
	return NULL;
}

static fallible
check_sealed(struct part *p, uint64_t end)
{
	const struct slice *bundle;
	p->sealed = true;
	while (p->next < end) {
		uint64_t begin = p->next;
		err_t e = seals_bundle(leaves_seals(p->reader->leaves), begin / SEALED_BUNDLE, &bundle);
		if (e == E_NOT_FOUND)
			break;
		if (e == E_SEALED) {
			fault_at(p, "archive", begin, "the sealed bundle does not read as it was written", NULL);
			p->next = begin + SEALED_BUNDLE;
			continue;
		}
		TRY(e);
		for (size_t i = 0; i < SEALED_BUNDLE; i++)
			TRY(check_leaf(p, begin + i, bundle[i]));
	}
	p->sealed = false;
	return NULL;
}

static fallible
check_part(struct part *p, uint64_t tail, uint64_t end)
{
	uint64_t next, at = p->begin > tail ? p->begin : tail;
	TRY(check_sealed(p, end));
	for (const uint64_t sealed_to = p->next; at < sealed_to; at = next) {
		TRY(leaves_run(p->reader->leaves, at, sealed_to, compare_copies, p, &next));
		if (next == at)
			break;
	}
	for (next = UINT64_MAX; p->next < end && next != p->next; ) {
		next = p->next;
		uint64_t after;
		TRY(leaves_run(p->reader->leaves, next, end, check_leaf, p, &after));
	}
	for (; p->next < end; p->next++)
		fault_at(p, "order", p->next, "the entry is missing", NULL);
	return NULL;
}

/* The levels above: a tile's root stands in the file of the next. */
static fallible
check_levels(struct part *p)
{
	struct proof_hash *roots = NEW_ARRAY(p, struct proof_hash, SEALED_FILE / TILE), *read = NEW_ARRAY(p, struct proof_hash, SEALED_FILE / TILE), nodes[TILE];
	size_t tiles = (size_t)(p->next - p->begin) / TILE, count = tiles;
	if (!p->reader->hashes || p->derived < p->next || tiles == 0)
		return NULL;
	for (size_t i = 0; i < tiles; i++) {
		memcpy(nodes, p->leaves + i * TILE, sizeof nodes);
		roots[i] = tree_fold(nodes, TILE);
	}
	TRY(hashes_get(p->reader->hashes, 1, p->begin / TILE, read, &count));
	for (size_t i = 0; i < tiles; i++)
		if (i >= count || !proof_hash_same(&roots[i], &read[i]))
			fault_at(p, "tree", p->begin + i * TILE, "a tile's root is not that of its hashes", "ledger/hashes.1");
	if (tiles < TILE)
		return NULL;
	struct proof_hash root = tree_fold(roots, TILE), said;
	count = 1;
	TRY(hashes_get(p->reader->hashes, 2, p->begin / SEALED_FILE, &said, &count));
	if (count == 0 || !proof_hash_same(&root, &said))
		fault_at(p, "tree", p->begin, "a tile's root is not that of its hashes", "ledger/hashes.2");
	return NULL;
}

struct work {
	const char *dir;
	uint64_t tail, end, derived;    /* where the tail begins; one past the last leaf; how many have a hash */
	size_t count;
	pthread_mutex_t lock;           /* guards all below */
	pthread_cond_t changed;
	size_t next, merged;            /* parts begun; parts taken in order */
	size_t ahead;                   /* how far the first may be before the second */
	bool failed;
	struct part **parts;
};

static struct part *
do_part(struct work *w, size_t number)
{
	struct part *p = NEW(NULL, struct part);
	uint64_t end = (uint64_t)(number + 1) * SEALED_FILE;
	p->begin = p->next = (uint64_t)number * SEALED_FILE;
	p->first_time = p->last_time = -1;
	p->last = &p->logs;
	p->derived = w->derived;
	p->leaves = NEW_ARRAY(p, struct proof_hash, SEALED_FILE);
	p->error = ledger_reader_open(p, w->dir, &p->reader);
	if (!p->error)
		p->error = check_part(p, w->tail, end < w->end ? end : w->end);
	if (!p->error)
		p->error = check_levels(p);
	talloc_free(p->reader);
	p->reader = NULL;
	return p;
}

static void *
do_parts(void *argument)
{
	struct work *w = argument;
	pthread_mutex_lock(&w->lock);
	while (!w->failed && w->next < w->count) {
		if (w->next >= w->merged + w->ahead) {
			pthread_cond_wait(&w->changed, &w->lock);
			continue;
		}
		size_t number = w->next++;
		pthread_mutex_unlock(&w->lock);
		struct part *p = do_part(w, number);
		pthread_mutex_lock(&w->lock);
		w->parts[number] = p;
		pthread_cond_broadcast(&w->changed);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* ---- in order ---- */

struct whole {
	struct ledger_check *check;
	struct recount *recount;
	struct signed_root {
		uint64_t size;          /* 0: none */
		struct proof_hash root;
		const char *text;
	} expected[2];                  /* by the keeper, and by the store */
	struct proof_range range;
	int64_t time;
	struct log_size {
		struct log_size *next;
		uint64_t size;
		char name[];
	} *logs[65536];
};

static void
report(struct whole *v, const char *kind, const char *file, uint64_t index, const char *text)
{
	v->check->faults++;
	v->check->fault(v->check->argument, kind, file, index, text);
}

static void
merge_log(struct whole *v, const struct part_log *l, bool sealed)
{
	size_t at = 5381;
	for (const char *c = l->name; *c; c++)
		at = at * 33 ^ (uint8_t)*c;
	struct log_size **bucket = &v->logs[at % (sizeof v->logs / sizeof *v->logs)], *s = *bucket;
	while (s && strcmp(s->name, l->name) != 0)
		s = s->next;
	if (!s) {
		s = memory_zeroed(v, sizeof *s + strlen(l->name) + 1, 1, "struct log_size");
		memcpy(s->name, l->name, strlen(l->name));
		s->next = *bucket;
		*bucket = s;
	}
	if (l->first != s->size)
		report(v, "order", sealed ? "ledger/sealed" : "store/store.db", l->index, "the sequence in its log is not the next");
	s->size = l->first + l->count;
}

/* The root of each size that was signed, where this part reaches it: nobody can make another tree lead there. */
static void
compare_roots(struct whole *v, const struct part *p)
{
	for (size_t i = 0; i < 2; i++) {
		const struct signed_root *e = &v->expected[i];
		if (e->size <= p->begin || e->size > p->next)
			continue;
		struct proof_range range = v->range;
		for (uint64_t k = p->begin; k < e->size; k++)
			proof_range_append(ledger_functions, &range, &p->leaves[k - p->begin]);
		struct proof_hash root = proof_range_root(ledger_functions, &range);
		if (!proof_hash_same(&root, &e->root))
			report(v, "root", "store/store.db", e->size - 1, e->text);
	}
}

/* First those that the signed map covers, in all logs. */
static err_t
merge_leaves(struct whole *v, const struct part *p)
{
	const uint64_t covers = recount_covers(v->recount), end = recount_end(v->recount);
	bool split = covers > p->begin && covers <= p->next;
	for (int round = split ? 0 : 1; round < 2; round++) {
		for (const struct part_log *l = p->logs; l; l = l->after)
			for (size_t i = 0; i < l->leaf_count; i++) {
				const struct part_leaf *leaf = &l->leaves[i];
				if (leaf->index < end && (!split || (leaf->index < covers) == (round == 0)))
					TRY(recount_leaf(v->recount, slice_text(l->name), &leaf->hash, leaf->index));
			}
		if (split && round == 0)
			recount_map(v->recount);
	}
	return NULL;
}

static void
merge_hashes(struct whole *v, struct part *p)
{
	size_t count = p->next - p->begin;
	compare_roots(v, p);
	if (count == SEALED_FILE) {
		struct proof_hash root = tree_fold(p->leaves, count);
		proof_range_join(ledger_functions, &v->range, FILE_HEIGHT, &root);
		return;
	}
	for (size_t i = 0; i < count; i++)
		proof_range_append(ledger_functions, &v->range, &p->leaves[i]);
}

static err_t
merge(struct whole *v, struct part *p)
{
	if (p->first_time >= 0 && p->first_time < v->time)
		report(v, "order", "store/store.db", p->begin, "the recorded time falls");
	v->time = p->last_time >= 0 ? p->last_time : v->time;
	for (size_t i = 0; i < p->fault_count; i++)
		report(v, p->faults[i].kind, p->faults[i].file, p->faults[i].index, p->faults[i].text);
	for (const struct part_log *l = p->logs; l; l = l->after)
		merge_log(v, l, p->next - p->begin == SEALED_FILE);
	merge_hashes(v, p);
	v->check->entries += p->entries;
	if (v->check->progress)
		v->check->progress(v->check->argument, p->next);
	return merge_leaves(v, p);
}

static err_t
merge_all(struct whole *v, struct work *w)
{
	for (size_t i = 0; i < w->count; i++) {
		pthread_mutex_lock(&w->lock);
		while (!w->parts[i])
			pthread_cond_wait(&w->changed, &w->lock);
		struct part *p = w->parts[i];
		w->merged = i + 1;
		pthread_cond_broadcast(&w->changed);
		pthread_mutex_unlock(&w->lock);
		err_t e = p->error;
		if (!e)
			e = merge(v, p);
		talloc_free(p);
		w->parts[i] = NULL;
		if (e) {
			pthread_mutex_lock(&w->lock);
			w->failed = true;
			w->merged = w->count;
			pthread_cond_broadcast(&w->changed);
			pthread_mutex_unlock(&w->lock);
			return e;
		}
	}
	return NULL;
}

static void
expect(struct whole *v, size_t i, uint64_t size, const struct proof_hash *root, const char *text, uint64_t end)
{
	v->expected[i] = (struct signed_root){ size, *root, text };
	if (size > end)
		report(v, "root", "store/store.db", end, "the ledger ends before the checkpoint that was signed last");
}

static void
recount_report(void *argument, const char *kind, const char *file, uint64_t index, const char *text)
{
	report(argument, kind, file, index, text);
}

/* What there is to compare with: the keeper's word, the newest checkpoint, what was derived. */
static fallible
begin_comparing(struct whole *v, struct ledger_reader *r, uint64_t end)
{
	struct proof_hash root;
	struct slice leaf;
	uint64_t size;
	TRY(recount_new(v, r, v->check->map_key, recount_report, v, &v->recount));
	if (v->check->signed_size)
		expect(v, 0, v->check->signed_size, &v->check->signed_root, "the tree is not the one whose checkpoint was signed", end);
	if (!recount_signed(v->recount, &size, &root))
		return NULL;
	if (size != v->check->signed_size)
		expect(v, 1, size, &root, "the tree is not that of the newest checkpoint", end);
	if (size && size <= end && !leaves_get(r->leaves, size - 1, &leaf))
		recount_map_leaf(v->recount, leaf);
	return NULL;
}

static size_t
start_threads(struct work *w, pthread_t threads[THREADS_MAX])
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	size_t wanted = cores < 1 ? 1 : cores > THREADS_MAX ? THREADS_MAX : (size_t)cores, n = 0;
	wanted = wanted > w->count ? w->count : wanted;
	w->ahead = 2 * wanted;
	while (n < wanted && pthread_create(&threads[n], NULL, do_parts, w) == 0)
		n++;
	return n;
}

fallible
ledger_verify(struct ledger_reader *r, struct ledger_check *check)
{
	SCOPED struct whole *v = NEW(NULL, struct whole);
	pthread_t threads[THREADS_MAX];
	struct work w = { .dir = r->dir };
	v->check = check;
	check->entries = check->faults = 0;
	uint64_t tail_end;
	TRY(leaves_tail(r->leaves, &w.tail, &tail_end));
	w.tail = tail_end ? w.tail : UINT64_MAX;
	TRY(ledger_reader_end(r, &w.end));
	TRY(ledger_reader_derived(r, &w.derived));
	TRY(begin_comparing(v, r, w.end));
	w.derived = w.derived > recount_end(v->recount) ? w.derived : recount_end(v->recount);
	w.count = (size_t)((w.end + SEALED_FILE - 1) / SEALED_FILE);
	w.parts = NEW_ARRAY(v, struct part *, w.count + 1);
	pthread_mutex_init(&w.lock, NULL);
	pthread_cond_init(&w.changed, NULL);
	size_t started = start_threads(&w, threads);
	err_t e = w.count && !started ? E_BUSY : merge_all(v, &w);
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; e && i < w.count; i++)
		talloc_free(w.parts[i]);
	pthread_mutex_destroy(&w.lock);
	pthread_cond_destroy(&w.changed);
	TRY(e);
	check->root = proof_range_root(ledger_functions, &v->range);
	recount_finish(v->recount);
	return NULL;
}
