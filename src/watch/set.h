/* set.h - private: a compiled rule set, read-only; and what one thread needs to match against it.
 *
 * Rules are put in buckets, one for each log source they name. A bucket's questions ("checks") are shared by its rules.
 * Of every check that needs some text the longest piece of it is a literal; all literals of a bucket are searched at
 * once in the event's folded values. A rule is looked at only if one of its anchors was found: literals of which at
 * least one stands in every event that the rule matches. A check whose literal was not found fails unasked; others are
 * asked exactly.
 *
 * What is searched: each value framed by the number of its field, FF hi lo VALUE hi lo FF, so that "ends with \cmd.exe"
 * is a literal that only finds it at the end and in its field.
 */
#pragma once
#include "watch/rule.h"
#include "watch/source.h"

#include <hs.h>

enum { NONE = UINT32_MAX, FRAME = 3, FRAME_MARK = 0xFF, LITERAL_LEAST = 3, LITERAL_MOST = 200, SEARCHED_LEAST = 12, LISTED_LEAST = 9 };

struct check {
	const struct atom *atom;
	uint32_t field, other;          /* NONE: a keyword */
	uint32_t literal;               /* NONE: always asked */
	enum place place;
	bool simple;                    /* a pattern that is one text in a place: asked without the atom, which lies elsewhere */
	bool cased;
	struct slice text;
};

struct literal {
	struct slice text;
	uint32_t uses;                  /* how many checks: what many rules ask for is common in events, too */
	uint32_t first, count;          /* rules anchored to it, in `anchored` */
};

struct compiled {
	struct rule *rule;
	uint32_t *checks, *literals;    /* of each atom */
	bool anchored;
};

struct bucket {
	struct watch_source source;
	struct compiled *rules;
	struct check *checks;
	struct literal *literals;
	uint32_t *anchored, *always;    /* rules by literal; rules without anchor */
	uint32_t rule_count, check_count, literal_count, always_count;
	uint8_t *texts;                 /* of simple checks, side by side */
	bool keywords;                  /* values whose names no rule knows are searched, too */
	hs_database_t *database;        /* NULL without literals, and where so few are sooner asked for */
};

struct field_slot {
	struct slice name;
	uint32_t id;
};

struct watch_set {
	struct watch_rules *rules;
	struct bucket *buckets;
	uint32_t bucket_count;
	struct place_of_rule {
		uint32_t bucket, index; /* NONE: a correlation */
	} *places;
	struct field_slot *fields;      /* a hash table; room is a power of two */
	uint32_t field_count, field_room;
};

/* ---- set.c ---- */
uint32_t set_field(const struct watch_set *, struct slice name);
uint64_t hash_text(struct slice);

/* ---- literal.c: what of a check to search for; false if there is nothing ---- */
bool check_literal(void *owner, const struct check *, struct slice *out);
void frame_write(uint32_t field, bool start, uint8_t out[static FRAME]);

/* ---- anchor.c ---- */
/* Puts the questions of a rule that cost least first: which is asked first changes no answer. */
void rule_order(struct rule *);
void bucket_anchor(struct watch_set *, struct bucket *);

/* ---- watcher.c, match.c ---- */

struct seen {
	uint32_t next;                  /* of the same field */
	enum watch_kind kind;
	struct slice text, folded;
};

struct source_cache {
	struct watch_source source;
	uint8_t text[96];
	uint32_t *buckets, count;
};

enum { SOURCES_CACHED = 16 };

struct watcher {
	const struct watch_set *set;
	hs_scratch_t *scratch;
	pcre2_match_data *match_data;
	pcre2_match_context *match_context;
	uint64_t given_up;
	/* of the event */
	struct seen *seen;
	uint32_t seen_count, seen_room;
	uint8_t *folded;
	size_t folded_size, folded_room, known_size;
	uint32_t *field_first, *field_turn, event_turn;
	/* of the event in a bucket */
	const struct bucket *bucket;
	uint64_t *found;                /* a bit a literal */
	uint32_t *check_turn, *rule_turn, turn;
	uint32_t *candidates, candidate_count;
	bool *answers, searched;
	struct source_cache cache[SOURCES_CACHED];
	uint32_t cache_next;
};

void watcher_prepare(struct watcher *, const struct watch_event *);
void watcher_begin(struct watcher *, const struct bucket *, bool searched);
const struct source_cache *watcher_buckets(struct watcher *, const struct watch_source *);
bool check_holds(struct watcher *, uint32_t check, uint32_t literal);
bool rule_holds(struct watcher *, const struct compiled *);

/* ---- correlate.c ---- */
fallible correlations_check(struct watch_rules *, struct watch_fault *);
struct rule *rules_find(const struct watch_rules *, struct slice id_or_name);
