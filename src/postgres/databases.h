/* databases.h - public: databases as the store has them. Any thread, with a store of its own. */
#pragma once
#include "postgres/onboard.h"

struct kept_database {
	struct slice name, mode, state, tenant, map, shared, exempt;
	int64_t created, changed;
	struct database administrator;  /* where it is, and who onboards it */
	struct slice salt;
	char prefix[40];
};

enum database_mode database_mode_of(const struct kept_database *);
/* Owned by `owner`. Fails with E_NOT_FOUND, E_SEAL, E_KEEPER. */
fallible database_get(const void *owner, struct store *, struct keys *, struct slice name, struct kept_database *out);
/* What is said of it beside policies; owned by `owner`. Fails with E_NOT_FOUND. */
fallible database_rules_get(const void *owner, struct store *, struct keys *, struct slice name, struct database_rules *out);
/* Its slot, where it is watched (bypass.h); empty: it is not. */
fallible database_watch_get(const void *owner, struct store *, struct slice name, struct slice *slot);
/* Those that are watched, in order of their names. */
fallible database_watches_each(struct store *, err_t (*each)(void *, struct slice name, struct slice slot), void *argument);
/* Do its lanes' roles log in with certificates of the keeper's? */
fallible database_is_certified(struct store *, struct slice name, bool *out);
/* Where that application's sessions go: its binding key and setting, too. Fails with E_NOT_FOUND. */
fallible database_of_application(const void *owner, struct store *, struct keys *, struct slice name, struct slice application, struct database *out);
/* Where that subscriber's sessions go, and as which role. Fails with E_NOT_FOUND. */
fallible database_of_subscriber(const void *owner, struct store *, struct keys *, struct slice name, struct slice subscriber, struct database *out);
