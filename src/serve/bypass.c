/* The thread that looks for ways around the gateway, and tells what it finds: an entry `bypass.seen` and an alert. */
#include "serve/inside.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "postgres/bypass.h"
#include "record/alert.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <time.h>

enum { LOOK_SECONDS = 5, AGAIN_SECONDS = 600, TOLD_MAX = 4096, DARK_SECONDS = 60, SUBJECT_MAX = 200 };

/* One database, as long as it is watched. */
struct watched {
	struct watched *next;
	struct slice name, slot;
	struct bypass *bypass; /* NULL: to be opened */
	int64_t dark_since;    /* monotonic; 0: the last look went well */
	bool here, dark_told;
};

/* What has been alerted of lately: once in ten minutes for the same. */
struct told {
	struct slice subject;
	int64_t at;
};

struct bypasses {
	struct house *house;
	struct outward *outward;
	struct postgres *gateway;
	struct store *view;
	struct watched *watched;
	struct told *told; /* of TOLD_MAX */
	size_t told_count;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool ending;
};

/* ---- telling ---- */

struct alarm {
	struct id id;
	const char *rule;
	struct slice subject, evidence;
};

static err_t
apply_alarm(void *context, struct store *tx, int64_t time)
{
	const struct alarm *a = context;
	return alert_raise_apply(tx, id_slice(&a->id), slice_text(a->rule), a->subject, a->evidence, time);
}

static fallible
raise_alert(struct bypasses *b, struct system_change *seen, const char *rule, struct slice subject)
{
	SCOPED void *scope = talloc_new(NULL);
	uint64_t seq;
	struct alarm a = { .id = id_new("alr_"), .rule = rule, .subject = subject };
	struct system_change raised = *seen;
	seen->seq = &seq;
	seen->keeps_epoch = true;
	TRY(system_record(b->house, seen));
	a.evidence = slice_text(memory_format(scope, "[%llu]", (unsigned long long)seq));
	raised.operation = "alert.raised";
	raised.subject = id_slice(&a.id);
	raised.apply = apply_alarm;
	raised.context = &a;
	raised.keeps_epoch = true;
	return system_record(b->house, &raised);
}

static bool
is_told(struct bypasses *b, struct slice subject)
{
	int64_t now = clock_monotonic();
	struct told *oldest = NULL;
	for (size_t i = 0; i < b->told_count; i++) {
		struct told *t = &b->told[i];
		if (slice_equal(t->subject, subject) && now - t->at < SECONDS(AGAIN_SECONDS))
			return true;
		oldest = !oldest || t->at < oldest->at ? t : oldest;
	}
	if (b->told_count < TOLD_MAX)
		oldest = &b->told[b->told_count++];
	talloc_free((void *)(uintptr_t)oldest->subject.data);
	*oldest = (struct told){ memory_copy(b, subject), now };
	return false;
}

/* ---- findings ---- */

struct look {
	struct bypasses *all;
	struct watched *watched;
};

static struct slice
subject_of(const void *owner, const struct watched *w, const struct bypass_finding *f)
{
	char *text = f->write
	                 ? memory_format(owner, "%.*s: %.*s on %.*s%s%.*s", SLICE_ARGUMENTS(w->name),
	                                 SLICE_ARGUMENTS(f->what), SLICE_ARGUMENTS(f->table),
	                                 f->subscriber.size ? ", rows of " : "", SLICE_ARGUMENTS(f->subscriber))
	                 : memory_format(owner, "%.*s: %.*s", SLICE_ARGUMENTS(w->name), SLICE_ARGUMENTS(f->backend));
	struct slice subject = slice_text(text);
	subject.size = subject.size < SUBJECT_MAX ? subject.size : SUBJECT_MAX;
	return subject;
}

static struct slice
cut(struct slice s)
{
	s.size = s.size < 1500 ? s.size : 1500;
	return s;
}

static err_t
tell(void *argument, const struct bypass_finding *f)
{
	const struct look *l = argument;
	SCOPED void *scope = talloc_new(NULL);
	struct slice subject = subject_of(scope, l->watched, f);
	struct system_change seen = { .operation = "bypass.seen", .keeps_epoch = true };
	if (f->subscriber.size && !subscriber_check(l->all->view, f->subscriber))
		seen.log = f->subscriber;
	pairs_text(&seen.outcome, "rule", LITERAL("bypass"));
	pairs_text(&seen.outcome, "database", l->watched->name);
	if (f->write) {
		pairs_text(&seen.outcome, "what", f->what);
		pairs_number(&seen.outcome, "rows", (int64_t)f->rows);
		pairs_number(&seen.outcome, "more", f->more);
		pairs_text(&seen.detail, "table", f->table);
		pairs_text(&seen.detail, "keys", cut(f->keys));
	}
	pairs_text(&seen.detail, "backend", cut(f->backend));
	return is_told(l->all, subject) ? system_record(l->all->house, &seen)
	                                : raise_alert(l->all, &seen, "bypass", subject);
}

/* ---- looks ---- */

static void
is_dark(struct bypasses *b, struct watched *w, err_t e, const char *why)
{
	int64_t now = clock_monotonic();
	TALLOC_FREE(w->bypass);
	if (!w->dark_since)
		w->dark_since = now;
	log_event(LOG_WARNING, "bypass.dark", "code", e->name, "why", why, NULL);
	if (w->dark_told || now - w->dark_since < SECONDS(DARK_SECONDS))
		return;
	struct system_change seen = { .operation = "bypass.dark", .keeps_epoch = true };
	pairs_text(&seen.outcome, "database", w->name);
	pairs_text(&seen.outcome, "code", slice_text(e->name));
	w->dark_told = !raise_alert(b, &seen, "bypass.dark", w->name);
}

static fallible
open_one(struct bypasses *b, struct watched *w, const char **why)
{
	struct kept_database d;
	SCOPED void *scope = talloc_new(NULL);
	if (w->bypass)
		return NULL;
	TRY(database_get(scope, b->view, b->house->keys, w->name, &d));
	d.administrator.outward = b->outward;
	return bypass_open(w, b->gateway, &d, w->slot, &w->bypass, why);
}

static void
look_at(struct bypasses *b, struct watched *w)
{
	struct look l = { b, w };
	const char *why = "";
	err_t e = open_one(b, w, &why);
	if (!e)
		e = bypass_look(w->bypass, tell, &l, &why);
	if (e) {
		is_dark(b, w, e, why);
		return;
	}
	w->dark_since = 0;
	w->dark_told = false;
}

static err_t
take_watched(void *argument, struct slice name, struct slice slot)
{
	struct bypasses *b = argument;
	struct watched *w = b->watched;
	while (w && !(slice_equal(w->name, name) && slice_equal(w->slot, slot)))
		w = w->next;
	if (!w) {
		w = NEW(b, struct watched);
		w->name = memory_copy(w, name);
		w->slot = memory_copy(w, slot);
		w->next = b->watched;
		b->watched = w;
	}
	w->here = true;
	return NULL;
}

static void
look(struct bypasses *b)
{
	for (struct watched *w = b->watched; w; w = w->next)
		w->here = false;
	err_t e = database_watches_each(b->view, take_watched, b);
	for (struct watched **at = &b->watched, *w; !e && (w = *at);) {
		if (w->here) {
			look_at(b, w);
			at = &w->next;
			continue;
		}
		*at = w->next;
		talloc_free(w);
	}
}

static bool
wait_a_while(struct bypasses *b)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += LOOK_SECONDS;
	pthread_mutex_lock(&b->lock);
	while (!b->ending && pthread_cond_timedwait(&b->wake, &b->lock, &until) == 0)
		;
	bool ending = b->ending;
	pthread_mutex_unlock(&b->lock);
	return !ending;
}

static void *
work(void *argument)
{
	prctl(PR_SET_NAME, "bypass");
	while (wait_a_while(argument))
		look(argument);
	return NULL;
}

static int
end(struct bypasses *b)
{
	pthread_mutex_lock(&b->lock);
	b->ending = true;
	pthread_cond_signal(&b->wake);
	pthread_mutex_unlock(&b->lock);
	pthread_join(b->thread, NULL);
	return 0;
}

fallible
bypasses_start(const void *owner, struct house *house, struct outward *outward, struct postgres *gateway,
               struct bypasses **out)
{
	SCOPED struct bypasses *b = NEW(owner, struct bypasses);
	SCOPED char *path = memory_format(NULL, "%s/store/store.db", house->dir);
	pthread_condattr_t monotonic;
	b->house = house;
	b->outward = outward;
	b->gateway = gateway;
	b->told = NEW_ARRAY(b, struct told, TOLD_MAX);
	TRY(store_open(b, path, STORE_READ, &b->view));
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (pthread_create(&b->thread, NULL, work, b) != 0)
		return E_IO;
	talloc_set_destructor(b, end);
	*out = TAKE(b);
	return NULL;
}
