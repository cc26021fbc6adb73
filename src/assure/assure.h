/* assure.h - the measures (MEASURES.md's sixteen groups), and how checks make their state.
 *
 * A check is a row that somebody registered next to the code it looks at; it runs and says kept, broken or unknown. A
 * duty whose room is not built is a row in state absent that names its issue. A group is broken if any of its checks is,
 * else absent if all are, else unknown if any is unknown or absent, or a path it touches is dark, else kept.
 */
#pragma once
#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum check_state { CHECK_KEPT, CHECK_BROKEN, CHECK_UNKNOWN, CHECK_ABSENT };
enum check_kind { KIND_ENFORCED, KIND_WATCHED, KIND_RECORDED };
enum path_state { PATH_ENFORCED, PATH_WATCHED, PATH_DARK, PATH_EXCLUDED };

struct finding {
	enum check_state state;
	char value[96];                 /* what was found; `threshold` is what would be kept */
};

struct check {
	const char *id;                 /* E5.3.revoked: its duty is E5.3, its group E5 */
	enum check_kind kind;
	bool attested;                  /* a person typed what it looks at */
	int64_t cadence;                /* seconds; 0: whenever somebody looks */
	const char *threshold;
	int issue;                      /* that builds it, where run is NULL */
	err_t (*run)(void *context, struct finding *);
};

/* A way to service data, and the groups that it touches, joined by spaces. */
struct path {
	const char *id, *kind;
	enum path_state state;
	const char *measures;
};

/* Runs the checks (ended by a NULL id) and returns the board as CONTRACT.md shows it; one group if `only` is not NULL. */
json_t *assure_board(const struct check *, const struct path *, void *context, const char *only, enum language);
json_t *assure_coverage(const struct path *);
