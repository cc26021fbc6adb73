/* watch.h - public: from an event to the rules that match it. Rules are Sigma's (specification 2.1), events are JSON
 * or what the readers of intake.h make of a log's lines.
 *
 * A rule set is compiled once and read-only from then on: any thread may match against it, each with a watcher of its
 * own. Nothing an event or a rule holds can stop the room: what cannot be read is kept as bytes, with its fault.
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"

enum {
	WATCH_EVENT_MAX = 1 << 20,      /* bytes of an event; a longer one is kept as bytes, with its fault */
	WATCH_VALUES_MAX = 4096,        /* values of an event */
	WATCH_DEPTH_MAX = 64,           /* what stands deeper is kept as one value, its text */
};

/* Where a rule's text is wrong. */
struct watch_fault {
	unsigned line;                  /* 0 where unknown */
	char field[80];                 /* of the rule: `detection.selection.Image|re` */
	char text[200];                 /* what was expected */
};

/* Which log: empty is unknown in an event, and any in a rule. */
struct watch_source {
	struct slice category, product, service;
};

/* ---- events ---- */

enum watch_kind { WATCH_TEXT, WATCH_NUMBER, WATCH_BOOLEAN, WATCH_NULL, WATCH_TREE };

struct watch_value {
	struct slice name;              /* as rules name it: `userIdentity.type`, and `Image` for Event.EventData.Image */
	struct slice text;              /* unescaped; of a tree (an object or list) its JSON */
	enum watch_kind kind;
};

/* Belongs to one thread. Slices point into it or into the line it was read from. */
struct watch_event {
	struct watch_source source;     /* set by the intake, or told from the event by watch_event_source */
	struct watch_value *values;
	size_t count;
	const char *fault;              /* NULL, or why (a part of) it could not be read */
	struct event_memory *memory;    /* private */
};

struct watch_event *watch_event_new(void *owner);
/* Reads one JSON object; `line` must outlive the event's use. Never fails: a line that is no object becomes one value,
 * `message`, with its fault. */
void watch_event_read(struct watch_event *, struct slice line);
/* Empties it, and adds values one by one: for readers of other formats. False if it is full. Text is not copied. */
void watch_event_clear(struct watch_event *);
bool watch_event_add(struct watch_event *, struct slice name, struct slice text, enum watch_kind);
/* The first value of that name, or NULL. */
const struct watch_value *watch_event_find(const struct watch_event *, struct slice name);
/* Tells the source of a Windows event by its channel and id; leaves others as they are. */
void watch_event_source(struct watch_event *);
/* Its time in microseconds, from the first field known to bear one; false if it has none. */
bool watch_event_time(const struct watch_event *, int64_t *time);

/* The next event of a text: a line, or a JSON object over several; false at the end. Elements of a list are events. */
struct watch_stream {
	struct slice rest;
	bool lines_only;                /* an object that never ends was seen */
	bool in_list;
};
bool watch_stream_next(struct watch_stream *, struct slice *event);

/* ---- rules ---- */

enum watch_level { LEVEL_NONE, LEVEL_INFORMATIONAL, LEVEL_LOW, LEVEL_MEDIUM, LEVEL_HIGH, LEVEL_CRITICAL };

struct watch_rule {
	const char *title, *id, *name, *status, *description;   /* empty where the rule has none */
	enum watch_level level;
	struct watch_source source;
	const char **tags;
	size_t tag_count;
	const char *file;
	unsigned line;
	bool correlation;               /* counts what other rules match */
};

/* Rules before they are compiled. */
struct watch_rules;
struct watch_rules *watch_rules_new(void *owner);
/* Reads the documents of one file; `parsed` and `skipped` (documents that are no rules) are added to. A document that
 * is refused ends in `refused` with its fault; the others are kept. */
void watch_rules_read(struct watch_rules *, const char *file, struct slice text, size_t *parsed, size_t *skipped,
                      void (*refused)(void *context, const char *file, const struct watch_fault *), void *context);
/* Refuses, once all files are read, correlations that name a rule that is not there, or go in a circle. */
void watch_rules_resolve(struct watch_rules *, size_t *parsed,
                         void (*refused)(void *context, const char *file, const struct watch_fault *), void *context);
size_t watch_rules_count(const struct watch_rules *);
const struct watch_rule *watch_rules_get(const struct watch_rules *, size_t index);

/* ---- matching ---- */

struct watch_set;
/* Compiles the rules, resolved before, which the set then owns. Fails with E_ARGUMENT and says why. */
fallible watch_set_new(void *owner, struct watch_rules *, struct watch_set **out, struct watch_fault *);

/* What matching needs of one thread; `set` must outlive it. */
struct watcher;
struct watcher *watcher_new(void *owner, const struct watch_set *);

typedef void watch_each(void *context, const struct watch_rule *);

/* Calls `each` for every single-event rule whose source is the event's and whose condition holds; allocates nothing
 * once the watcher has seen an event of that size. Rules without source, and events without, go with all. */
void watch_match(struct watcher *, const struct watch_event *, watch_each *each, void *context);
/* Whether one rule matches, by its condition alone or also by its source; without the search for literals. */
bool watch_rule_matches(struct watcher *, const struct watch_rule *, const struct watch_event *, bool by_source);
/* Expressions that were given up at their limit. */
uint64_t watcher_given_up(const struct watcher *);

/* ---- correlation ---- */

enum { WATCH_GROUPS_MAX = 65536, WATCH_GROUP_MEMBERS_MAX = 4096 };      /* of each correlation; older ones make room */

/* Counts over time; belongs to one thread. */
struct watch_counts;
struct watch_counts *watch_counts_new(void *owner, const struct watch_set *);
/* Tells that `rule` matched `event` at `time` (microseconds); calls `each` for correlations whose condition now holds. */
void watch_counts_add(struct watch_counts *, const struct watch_rule *, const struct watch_event *, int64_t time,
                      watch_each *each, void *context);
/* Groups and members that were dropped to stay within bounds. */
uint64_t watch_counts_dropped(const struct watch_counts *);
