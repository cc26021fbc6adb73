/* counts.h - private: what a correlation remembers, in bounded memory. */
#pragma once
#include "watch/set.h"

enum { MEMBERS_TOTAL_MAX = 1 << 20 };   /* of one correlation: 16 MiB */

struct group_key {
	uint64_t words[2];
};

/* event_count: `what` events until `time`; value_count: a value's hash, last seen at `time`; temporal: at the index of
 * each rule, when it last matched; temporal_ordered: when the latest chain up to that rule began. */
struct member {
	int64_t time;
	uint64_t what;
};

struct group {
	struct group_key key;
	uint32_t chain;                 /* of the same slot of the table */
	uint32_t newer, older;          /* by last use */
	struct member *members;
	uint32_t count, room;
	int64_t newest;
	bool held;                      /* its condition holds and was told */
};

struct counter {
	const struct rule *rule;
	struct rule **counted;    /* of each of correlation->rules */
	struct group *groups;
	uint32_t *slots;
	uint32_t group_count, group_room, slot_count, newest, oldest;
	size_t members;                 /* room of all groups' members */
};

struct watch_counts {
	const struct watch_set *set;
	struct counter *counters;
	size_t counter_count;
	uint64_t dropped;
	uint8_t key[16];                /* of the hash: who writes events must not choose what collides */
	uint8_t *scratch;
	size_t scratch_room;
};

/* Makes the group if it is not there; the one unused for longest makes room. Valid until the next call. */
struct group *group_find(struct watch_counts *, struct counter *, const struct group_key *);
/* One more at the end. */
struct member *group_member(struct watch_counts *, struct counter *, struct group *);
