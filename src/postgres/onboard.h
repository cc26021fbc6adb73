/* onboard.h - public: a database confined, let go again, looked over (ROWS.md §1).
 *
 * Each call opens a connection of its own to `administrator` (a superuser of the database), waits, and closes it: not for
 * a worker's thread. Everything of a call is one transaction; tables are locked until it ends, or E_BUSY after five
 * seconds: then try again.
 */
#pragma once
#include "postgres/postgres.h"

struct onboarding {
	struct slice prefix;            /* [a-z0-9_]{1,30}: of all roles that are made */
	struct slice column;            /* the tenant's */
	struct slice map;               /* VALUE=SUBSCRIBER,…: which value is whose */
	struct slice shared;            /* SCHEMA.TABLE,…: readable by all; may be empty */
	struct slice exempt;            /* roles that go on as today, by commas; may be empty */
	struct slice salt;              /* role names say nothing: see postgres_role() */
};

enum onboard { ONBOARD_PLAN, ONBOARD_APPLY, ONBOARD_UNDO, ONBOARD_AUDIT };

/* `each` gets class and text of each step, in order (plan, apply, undo), or of each finding (audit).
 * Fails with E_ARGUMENT (prefix), E_UNREACHABLE, E_CRYPTO, E_BUSY, E_STATE (onboarded already, or not); E_STORE for what else
 * the server said. *why says it in its words. */
fallible postgres_onboard(const void *owner, const struct database *administrator, enum onboard, const struct onboarding *,
                          err_t (*each)(void *, struct slice class, struct slice text), void *argument, const char **why);

/* The login role of an application (PREFIX_app_APPLICATION), with the 32 bytes that bind its transactions (ROWS.md §4), of which
 * the server keeps HMAC pads; and set_config is taken from PUBLIC. Again: with another key. `key` NULL: the role goes, and
 * what it has open. Fails as above. */
fallible postgres_onboard_application(const void *owner, const struct database *administrator, struct slice prefix,
                                      struct slice application, const uint8_t *key, const char **why);
