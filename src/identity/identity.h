/* identity.h - who there is: people, applications, providers, subscribers; their credentials, grants and facts.
 *
 * Everything that decides who may what is kept as of: rows have since and until and are never overwritten, so that
 * "who could have, at this microsecond" is a query (E5). Ids (`psn_…`, `app_…`, `crd_…`, `grt_…`) are never reused.
 * Names and addresses are sealed (USE_NAMES of scope `vendor`); a token is kept as its SHA-256 only.
 *
 * Reading functions take a store of the calling thread. Functions named _apply run in the recorder's transaction.
 */
#pragma once
#include "base/clock.h"
#include "base/err.h"
#include "base/id.h"
#include "base/slice.h"
#include "keys/keys.h"
#include "store/store.h"

enum { TOKEN_TEXT = 64, ROLES = 8, CONTRACTS = 16, LOGIN_FAILURES = 5 };

enum principal_kind { KIND_PERSONNEL, KIND_PROVIDER, KIND_USER, KIND_AUDITOR, KIND_APPLICATION, KINDS };
const char *principal_kind_name(enum principal_kind);
fallible principal_kind_parse(struct slice, enum principal_kind *out);

struct grant {
	struct slice id, actor, subscriber, resource, rights, request;
	int64_t since, expires, until;  /* until: 0 while it holds */
};

/* Someone who acts, with all that policies may ask about; owned by the tree given. Times are 0 where there is none. */
struct principal {
	struct slice actor, id, organisation;
	enum principal_kind kind;
	bool active;                    /* neither suspended nor gone */
	size_t role_count;
	struct slice roles[ROLES];
	int64_t trained_until;          /* its own; for policies on overdue training */
	int64_t reviewed_until;         /* of its provider */
	size_t contract_count;          /* what its provider's contract names: SUBSCRIBER/COLLECTION */
	struct slice contracts[CONTRACTS];
	size_t grant_count;
	struct grant *grants;
	struct slice credential;        /* that it came with; empty where it is only looked up */
	int64_t credential_expires;
};

/* By id (`sup1`) or actor (`psn_…`). Fails with E_NOT_FOUND. */
fallible principal_find(const void *owner, struct store *, struct slice who, int64_t now, struct principal **out);
/* By the SHA-256 of a token or of a certificate. Fails with E_BAD_CREDENTIAL, E_EXPIRED_CREDENTIAL. */
fallible principal_identify(const void *owner, struct store *, const uint8_t digest[DIGEST_SIZE], int64_t now,
                            struct principal **out);
bool principal_has_role(const struct principal *, const char *role);
/* The grant that covers all the rights (`read`, `write`, `export`) on the resource now; NULL if none does. */
const struct grant *principal_grant(const struct principal *, struct slice subscriber, struct slice resource,
                                    const char *right, int64_t now);
/* The name, unsealed. */
fallible principal_name(const void *owner, struct store *, struct keys *, struct slice actor, struct slice *out);

/* `each` gets id, actor, kind, organisation, state and roles (joined by commas), in order of id. */
struct principal_row {
	struct slice id, actor, kind, organisation, state, roles;
};
fallible principal_each(struct store *, struct slice after, size_t limit, int64_t now,
                        err_t (*each)(void *, const struct principal_row *), void *argument);

/* ---- tokens: `skt_`, 43 characters (256 bits), 6 of a checksum; recognisable by scanners ---- */

void token_new(char out[TOKEN_TEXT]);
/* True if it has the form and the checksum; else it is not worth a look. */
bool token_check(struct slice);
void token_digest(struct slice token, uint8_t out[DIGEST_SIZE]);

/* ---- secrets ---- */

struct secret {
	char password[128];             /* Argon2id, in libsodium's form; empty where none is set */
	struct slice totp;              /* sealed; empty where none is set */
	int64_t totp_step;              /* the last step taken */
	uint8_t code[DIGEST_SIZE];      /* of the enrolment code */
	int64_t code_until;
};
fallible secret_get(const void *owner, struct store *, struct slice actor, struct secret *out);
/* Slow on purpose: tens of milliseconds, 32 MiB. `out` has room for 128. Fails with E_CRYPTO. */
fallible password_hash(struct slice password, char out[128]);
bool password_check(const char *hash, struct slice password);
enum { TOTP_STEP = 30, TOTP_USED = -1 };
/* A code of RFC 6238 (SHA-1, 6 digits, 30 s), window -1 to +1: its step if that is after `last`; TOTP_USED if not; 0 for
 * a code that is none. */
int64_t totp_check(struct slice secret, struct slice code, int64_t now, int64_t last);
/* Base32 without padding of 20 random bytes; `out` has room for 33. */
void totp_new(char out[33]);

/* Failed logins a minute: 5 of a pair of address and identity, never of an identity alone, and 1,000 of an address, so
 * that nobody makes room for more guesses by failing elsewhere. Checking changes nothing. Any thread. */
struct attempts;
struct attempts *attempts_new(const void *owner);
bool attempts_check(struct attempts *, struct slice address, struct slice identity, int64_t now);
void attempts_failed(struct attempts *, struct slice address, struct slice identity, int64_t now);

/* ---- changes, in the recorder's transaction ---- */

struct new_principal {
	struct slice actor, id, organisation;
	enum principal_kind kind;
	struct slice role;              /* may be empty */
	struct slice name;              /* sealed */
};
/* Fails with E_EXISTS. */
fallible principal_add_apply(struct store *, const struct new_principal *, int64_t time);
fallible secret_put_apply(struct store *, struct slice actor, const struct secret *, int64_t time);
/* In the place of the enrolment code (its digest), which is taken once: else fails with E_LOGIN. */
fallible secret_enrol_apply(struct store *, struct slice actor, const struct secret *, const uint8_t code[DIGEST_SIZE], int64_t time);
/* A code is taken once: fails with E_LOGIN if the step is not after the last one. */
fallible totp_take_apply(struct store *, struct slice actor, int64_t step);

/* Ends what held and begins anew, with `value` empty: only ends. Fails with E_STATE where nothing would change. */
fallible fact_set_apply(struct store *, struct slice subject, const char *attribute, struct slice value, int64_t time);
/* Adds beside what holds. */
fallible fact_add_apply(struct store *, struct slice subject, const char *attribute, struct slice value, int64_t time);
/* The value of an attribute at a time; empty if none. */
fallible fact_get(const void *owner, struct store *, struct slice subject, const char *attribute, int64_t at,
                  struct slice *out);

fallible credential_add_apply(struct store *, struct slice id, struct slice actor, const char *kind,
                              const uint8_t digest[DIGEST_SIZE], struct slice parent, int64_t time, int64_t expires);
/* Ends those whose parent it is, too. Fails with E_NOT_FOUND where it is not there or ended already. */
fallible credential_end_apply(struct store *, struct slice id, struct slice why, int64_t time);
fallible credentials_end_apply(struct store *, struct slice actor, struct slice why, int64_t time);

struct credential {
	struct slice id, actor, kind;
	int64_t since, expires, until;
};
fallible credential_get(const void *owner, struct store *, struct slice id, struct credential *out);
fallible credential_each(struct store *, struct slice actor, int64_t now, err_t (*each)(void *, const struct credential *),
                         void *argument);

fallible grant_add_apply(struct store *, const struct grant *);
fallible grant_end_apply(struct store *, struct slice id, int64_t time);
fallible grants_end_apply(struct store *, struct slice actor, int64_t time);
fallible grant_get(const void *owner, struct store *, struct slice id, struct grant *out);
/* Of one actor, of one subscriber, or (both empty) all that hold now. */
fallible grant_each(struct store *, struct slice actor, struct slice subscriber, int64_t now,
                    err_t (*each)(void *, const struct grant *), void *argument);

/* ---- organisations ---- */

/* `sealed`: name and contact, a line each, under the subscriber's own key, so that they go when it is shredded. */
fallible subscriber_add_apply(struct store *, struct slice id, struct slice sealed, int64_t time);
fallible provider_add_apply(struct store *, struct slice id, struct slice kind, struct slice name, int64_t time);
/* Fails with E_NOT_FOUND. */
fallible subscriber_check(struct store *, struct slice id);
struct subscriber {
	struct slice id, sealed;
	int64_t created;
	bool shredded;
};
fallible subscriber_get(const void *owner, struct store *, struct slice id, int64_t now, struct subscriber *out);
fallible subscriber_each(struct store *, int64_t now, err_t (*each)(void *, const struct subscriber *), void *argument);
