/* The table of checks, and of the paths to service data. */
#include "assure/inside.h"

#define ENFORCED(name, want, function) { .id = name, .kind = KIND_ENFORCED, .threshold = want, .run = function }
#define WATCHED(name, want, function) { .id = name, .kind = KIND_WATCHED, .threshold = want, .run = function }
#define RECORDED(name, want, function) { .id = name, .kind = KIND_RECORDED, .attested = true, .threshold = want, .run = function }
#define NOT_BUILT(name, as, number) { .id = name, .kind = as, .threshold = "", .issue = number }

const struct check assure_checks[] = {
	RECORDED("E1.1.risks", "all rated, treated, owned, and reviewed in time", check_risks),
	ENFORCED("E1.2.guessing", "refused after 5 failures", check_guessing),
	RECORDED("E1.3.policies", "all approved by another, acknowledged by all, reviewed in time", check_policies),
	RECORDED("E1.4.team", "as many full-time members as declared, all active", check_team),
	RECORDED("E1.4.reviews", "within the declared days", check_infrastructure_reviews),
	ENFORCED("E1.5.training-closes", "overdue training closes access", check_training_closes),
	WATCHED("E1.5.trained", "none overdue", check_trained),
	NOT_BUILT("E2.1.safeguards", KIND_WATCHED, 11),
	ENFORCED("E2.2.sealed", "all", check_sealed),
	WATCHED("E2.2.root-key", "not a plain file", check_root_key),
	NOT_BUILT("E2.3.plain-by-election", KIND_ENFORCED, 11),
	WATCHED("E3.1.requests", "none waits for longer than declared", check_requests),
	RECORDED("E3.1.certificates", "ISO 27001 and SOC 2 that have not run out", check_certificates),
	NOT_BUILT("E4.1.process", KIND_ENFORCED, 13),
	NOT_BUILT("E4.2.contact", KIND_WATCHED, 13),
	NOT_BUILT("E4.3.on-call", KIND_WATCHED, 13),
	NOT_BUILT("E4.4.notice", KIND_ENFORCED, 13),
	NOT_BUILT("E4.5.impact", KIND_ENFORCED, 13),
	ENFORCED("E5.1.no-standing-access", "0", check_endless),
	ENFORCED("E5.1.second-person", "0", check_own_approval),
	ENFORCED("E5.2.credentials", "0", check_credentials),
	ENFORCED("E5.3.revoked", "0", check_revoked),
	ENFORCED("E5.4.purpose", "purpose-required in force", check_purpose),
	WATCHED("E6.1.redundancy", "one more up than needed, in each group", check_redundancy),
	WATCHED("E6.1.bandwidth", "the load carried without the largest", check_bandwidth),
	NOT_BUILT("E6.2.block-list", KIND_ENFORCED, 11),
	WATCHED("E6.3.feed", "imported within the declared days", check_feed),
	WATCHED("E6.3.findings", "none overdue", check_exposures),
	RECORDED("E6.4.scans", "within the declared days", check_scans),
	RECORDED("E7.1.guards", "attested for each site, evidence valid", check_guards),
	RECORDED("E7.2.areas", "attested for each site, evidence valid", check_areas),
	WATCHED("E7.2.badges", "no badge that nobody approved", check_badges),
	RECORDED("E7.3.power", "attested for each site, evidence valid", check_power),
	ENFORCED("P0.1.review-closes", "a lapsed review closes access", check_review_closes),
	RECORDED("P0.1.reviews", "no review that is relied on has lapsed", check_reviews),
	RECORDED("P0.1.contracts", "each passes these duties on", check_contracts),
	RECORDED("P0.1.findings", "none overdue", check_findings),
	RECORDED("P1.1.sites", "each site of a provider attested in all duties", check_host_sites),
	WATCHED("P2.1.deployments", "each matches a change approved by another", check_deployments),
	ENFORCED("P3.1.recorded-first", "open", check_open),
	ENFORCED("P3.1.postgres", "all", check_databases),
	NOT_BUILT("P4.1.recipients", KIND_ENFORCED, 11),
	ENFORCED("P5.1.changes", "0", check_recorded),
	{ .id = "P5.1.book", .kind = KIND_ENFORCED, .cadence = 86400, .threshold = "0 faults", .run = check_book },
	WATCHED("P6.1.backup", "one within the declared days, tried when it was made", check_backups),
	ENFORCED("P7.1.keys", "each its own", check_own_keys),
	ENFORCED("P7.1.postgres", "no findings, audited within a week", check_confined),
	ENFORCED("W.1.bundles", "under a checkpoint within 5 s", check_bundles),
	{ .id = NULL },
};

const struct path assure_paths[] = {
	{ "postgres-gateway", "postgres", PATH_ENFORCED, "E5 P3 P5 P7" },
	{ "https-api", "https", PATH_ENFORCED, "E2 E5 P2 P3 P5 P7 W" },
	{ "host", "shell", PATH_DARK, "E5 P2" },        /* who is root on this machine passes no gate of ours */
	{ .id = NULL },
};
