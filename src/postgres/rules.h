/* rules.h - private: what is said of a session's database beside policies, as of now (postgres.h, struct database_rules). */
#pragma once
#include "postgres/session.h"

/* Good until the next call on this worker. Where it cannot be read, everything is enforced. */
const struct database_rules *rules_now(struct session *);
/* As its strictest table is guarded; NULL: the database itself. */
enum database_mode rules_mode(const struct database_rules *, const struct statement *);
/* As its laxest is: who may come in at all. */
enum database_mode rules_mode_of_entry(const struct database_rules *);
/* Labels, each once, of columns that the statement may read, or (written) set; owned by `owner`. */
size_t rules_labels(const void *owner, const struct database_rules *, const struct statement *, bool written, struct slice out[static FACT_TEXTS]);
/* Has a statement's decision to be asked for each by itself? */
bool rules_tell_apart(const struct database_rules *);
