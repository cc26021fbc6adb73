/* inside.h - private: what the files of serve share. */
#pragma once
#include "gate/gate.h"
#include "record/record.h"
#include "serve/house.h"
#include "serve/serve.h"

/* A key and certificate for our doors, and the authority of client certificates, as PEM. */
fallible certificate_new(const void *owner, struct keys *, struct slice *certificate, struct slice *key, struct slice *client_ca);
fallible certificate_pem(const void *owner, struct slice der, struct slice *pem);
struct evp_pkey_st;
fallible certificate_key_pem(const void *owner, struct evp_pkey_st *, struct slice *pem);

/* Certificates for the roles of databases, by the keeper; of one worker. Fails with E_DENIED (no role that onboarding made), E_KEEPER. */
struct minter;
struct database;
fallible minter_new(const void *owner, struct keys *, struct minter **out);
fallible minter_identify(struct minter *, const void *owner, struct slice database, struct database *);

/* Opens the generations of keys that the book names and the keyring lacks. */
fallible rotation_finish(struct house *, struct store *view);
/* Is the keyring as new as the store? Fails with E_NOT_FOUND where it is not. */
fallible keyring_check(struct house *, struct store *view);
/* Destroys the keys of every subscriber that is recorded as shredded. */
fallible shred_finish(struct house *, struct store *view);

/* The sample: people, providers, subscribers; writes D/sample. Then objects, by the import command. */
fallible sample_lay(struct house *, const char **why);
fallible sample_import(const char *dir, const char **why);

/* One passage of the system's own: a change and its entry, durable when it returns. */
struct system_change {
	const char *operation;
	struct slice log, subject;
	struct pairs outcome, detail;
	err_t (*apply)(void *, struct store *, int64_t);
	void *context;
	bool keeps_epoch;               /* nobody may more or less after it */
	uint64_t *seq;                  /* out, where wanted: the entry's main index */
};
fallible system_record(struct house *, const struct system_change *);

/* The same without an entry: of what is derived from the book, or done in its name. */
fallible house_apply(struct house *, err_t (*apply)(void *, struct store *, int64_t), void *context);

/* Shows checkpoints to witnesses, on a thread of its own, until it is freed. */
struct witnesses;
fallible witnesses_start(const void *owner, struct house *, struct outward *, struct witnesses **out);

/* Has the checks run, and records each that comes to another state, on a thread of its own, until it is freed. */
struct board;
fallible board_start(const void *owner, struct house *, struct board **out);

/* Looks at watched databases for ways around the gateway (postgres/bypass.h), on a thread of its own, until it is freed. */
struct bypasses;
struct postgres;
fallible bypasses_start(const void *owner, struct house *, struct outward *, struct postgres *, struct bypasses **out);

/* Does what has fallen due; the first sweep is set at start. */
void deadlines_do(struct house *, struct store *view);
fallible deadlines_start(struct house *);

/* Looks whether the clock has stepped; *told is kept by the caller between looks. */
void clock_watch(struct house *, bool *told);

/* Writes D/NAME whole, synced. */
fallible write_file(const char *dir, const char *name, unsigned mode, struct slice content);
