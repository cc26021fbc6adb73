/* assure.h - public: the measures (MEASURES.md's sixteen groups), and how checks make their state.
 *
 * A check is a row next to the code that looks; it says kept, broken or unknown. A duty whose room is not built is a row in
 * state absent that names its issue. A group is broken if any of its checks is, else absent if all are, else unknown if any is
 * unknown or absent, or a path it touches is dark, else kept. What checks found is kept as of (check_state), with since when.
 *
 * All of it runs on the caller's thread, with the caller's connection to the store.
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"
#include "keys/keys.h"
#include "ledger/ledger.h"
#include "record/record.h"
#include "store/store.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum check_state { CHECK_KEPT, CHECK_BROKEN, CHECK_UNKNOWN, CHECK_ABSENT };
enum check_kind { KIND_ENFORCED, KIND_WATCHED, KIND_RECORDED };
enum path_state { PATH_ENFORCED, PATH_WATCHED, PATH_DARK, PATH_EXCLUDED };

enum { FINDING_VALUE = 160 };

struct check_result {
	enum check_state state;
	char value[FINDING_VALUE];      /* what was found; the check's threshold is what would be kept */
};

/* What a check may look at. `owner` is where it allocates. */
struct look {
	void *owner;
	const char *dir;
	struct store *view;             /* one state of the store */
	struct keys *keys;
	struct ledger *ledger;
	struct ledger_reader *reader;
	struct record *record;
	struct slice policies;          /* the text in force */
	int64_t now;
};

struct check {
	const char *id;                 /* E5.3.revoked: its duty is E5.3, its group E5 */
	enum check_kind kind;
	bool attested;                  /* a person typed what it looks at */
	int64_t cadence;                /* seconds: over a large book it runs that often; 0: whenever somebody looks */
	const char *threshold;
	int issue;                      /* that builds it, where run is NULL */
	err_t (*run)(struct look *, struct check_result *);
};

/* A way to service data, and the groups that it touches, joined by spaces. */
struct path {
	const char *id, *kind;
	enum path_state state;
	const char *measures;
};

/* Both end with a NULL id. */
extern const struct check assure_checks[];
extern const struct path assure_paths[];

const char *check_state_name(enum check_state);

/* Runs the checks and returns the board as CONTRACT.md shows it; one group if `only` is not NULL. A new reference. */
json_t *assure_board(struct look *, const char *only, enum language);
json_t *assure_coverage(void);

/* The catalogue of measures as OSCAL 1.2.1, in English and Japanese (catalogue/measures.json). A new reference. */
json_t *assure_catalogue(void);

/* ---- what checks found, as of ---- */

struct check_change {
	const struct check *check;
	struct check_result result;
	struct slice was;               /* the state before, empty for none */
};
/* Runs the checks; calls back for each whose state is not the one kept. Owner: look->owner. */
fallible assure_changes(struct look *, err_t (*each)(void *, const struct check_change *), void *argument);
/* In the recorder's transaction: the state from now on, proved by the entry `seq`. */
fallible check_change_apply(struct store *, const struct check_change *, int64_t time, uint64_t seq);

struct check_past {
	struct slice id, state, value, evidence;
	int64_t since, until;           /* until 0: it holds */
};
/* Oldest first; `id` empty: of all checks. */
fallible check_each_past(struct store *, struct slice id, int64_t from, int64_t to, err_t (*each)(void *, const struct check_past *), void *argument);

/* Whether somebody has switched a check off: it is unknown then, never kept. */
fallible check_switch_apply(struct store *, struct slice id, bool off, struct slice why, int64_t time);
bool check_is_known(struct slice id);
