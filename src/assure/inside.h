/* inside.h - private: what the checks of this room share. */
#pragma once
#include "assure/assure.h"
#include "assure/register.h"
#include "base/clock.h"
#include "base/memory.h"

#include <stdio.h>
#include <string.h>

/* Runs one check, or takes what is kept of it where it is dear and was run not long ago; one that is switched off, or fails,
 * is unknown. */
struct check_result check_run(struct look *, const struct check *);
const struct check *check_find(const char *id);

struct check_kept {
	struct slice state, value, evidence;    /* state empty: nothing is kept */
	int64_t since, ran;
};
fallible check_kept(struct look *, const char *id, struct check_kept *out);

/* How many a query counts, which takes the time as its one argument. */
fallible count_of(struct look *, const struct query *, int64_t *out);
/* The same, kept if none. */
fallible none_of(struct look *, struct check_result *, const struct query *, const char *what);
/* A register of which nothing is overdue, and in which there is something. */
fallible nothing_overdue(struct look *, struct check_result *, const char *kind, const char *what);
/* Something of that kind came within the declared number of days. */
fallible came_lately(struct look *, struct check_result *, const char *kind, const char *number, int64_t otherwise, const char *what);
/* The operator's own number for what the promise calls regular or reasonable: of register `number`; else `otherwise`. */
int64_t declared_number(struct look *, const char *name, int64_t otherwise);

/* data.c: E2, E5, P3, P5, P7, W */
err_t check_sealed(struct look *, struct check_result *);
err_t check_own_keys(struct look *, struct check_result *);
err_t check_root_key(struct look *, struct check_result *);
err_t check_book(struct look *, struct check_result *);
err_t check_recorded(struct look *, struct check_result *);
err_t check_open(struct look *, struct check_result *);
err_t check_bundles(struct look *, struct check_result *);
err_t check_databases(struct look *, struct check_result *);
err_t check_confined(struct look *, struct check_result *);
err_t check_revoked(struct look *, struct check_result *);
err_t check_credentials(struct look *, struct check_result *);
err_t check_endless(struct look *, struct check_result *);
err_t check_own_approval(struct look *, struct check_result *);

/* programme.c: E1 */
err_t check_training_closes(struct look *, struct check_result *);
err_t check_trained(struct look *, struct check_result *);
err_t check_purpose(struct look *, struct check_result *);
err_t check_guessing(struct look *, struct check_result *);
err_t check_risks(struct look *, struct check_result *);
err_t check_policies(struct look *, struct check_result *);
err_t check_team(struct look *, struct check_result *);
err_t check_infrastructure_reviews(struct look *, struct check_result *);

/* sites.c: E7, P1 */
err_t check_guards(struct look *, struct check_result *);
err_t check_areas(struct look *, struct check_result *);
err_t check_power(struct look *, struct check_result *);
err_t check_host_sites(struct look *, struct check_result *);
err_t check_badges(struct look *, struct check_result *);

/* disclosure.c: E3 */
err_t check_requests(struct look *, struct check_result *);
err_t check_certificates(struct look *, struct check_result *);

/* network.c: E6 */
err_t check_redundancy(struct look *, struct check_result *);
err_t check_bandwidth(struct look *, struct check_result *);
err_t check_feed(struct look *, struct check_result *);
err_t check_exposures(struct look *, struct check_result *);
err_t check_scans(struct look *, struct check_result *);

err_t check_backups(struct look *, struct check_result *);

/* providers.c: P0, P2 */
err_t check_review_closes(struct look *, struct check_result *);
err_t check_reviews(struct look *, struct check_result *);
err_t check_contracts(struct look *, struct check_result *);
err_t check_findings(struct look *, struct check_result *);
err_t check_deployments(struct look *, struct check_result *);
