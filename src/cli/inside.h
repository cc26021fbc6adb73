/* inside.h - private: what the files of the command share. */
#pragma once
#include "base/err.h"
#include "base/memory.h"
#include "gate/gate.h"

#include <jansson.h>

enum output { OUTPUT_TABLE, OUTPUT_JSON, OUTPUT_NDJSON };

enum { EXIT_DONE, EXIT_FAILED, EXIT_USAGE, EXIT_DENIED, EXIT_PENDING, EXIT_NOT_FOUND, EXIT_LOGIN, EXIT_PROOF, EXIT_CLOSED };

/* The words of a command line: what stands in a place, and options. */
struct words {
	size_t count;
	const char *places[32];
	size_t option_count;
	struct option {
		const char *name;       /* without its dashes */
		const char *value;      /* NULL for a flag */
	} options[64];
};

struct command {
	const char *name;               /* `object get`, or one word */
	const char *usage;              /* what follows it */
	const char *says[LANGUAGES];
	int (*run)(struct words *);
	const char *options;            /* that it takes, beside -o, --help and --purpose; joined by spaces */
	size_t places;                  /* words that stand in a place, at most */
};

extern enum language cli_language;
extern enum output cli_output;

/* ---- words.c ---- */

/* `flags` are the options that take no value, ended by NULL. False if an option is not known or lacks its value. */
bool words_parse(int argc, char **argv, const char *const *flags, struct words *);
const char *words_option(const struct words *, const char *name);
bool words_flag(const struct words *, const char *name);
int usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
int failure(err_t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The file's bytes, `-` is stdin; NULL data and a line on stderr where it cannot be read. */
struct slice file_read(void *owner, const char *path, size_t most);
/* The same without the white space at its end, for passwords and secrets. */
struct slice secret_read(void *owner, const char *path);

/* ---- context.c: where the server is, and as whom ---- */

struct context {
	const char *name, *url, *ca, *token, *purpose, *subscriber;
};
struct context *context_load(void *owner);
/* Replaces keys of the current context; NULL values are removed. False if the file cannot be written. */
bool context_save(const char *name, const char *const *pairs);
json_t *context_file(void);
bool context_use(const char *name);

/* ---- client.c: one request ---- */

struct request {
	const char *method;
	char *path;                     /* with its query */
	struct slice body;
	const char *type;
	const char *purpose;            /* NULL: the context's */
	const char *if_match, *idempotency_key;
};

struct response {
	int status;
	struct slice body;
	json_t *json;                   /* of JSON and problem details; the owner's */
	char etag[64], next[24];        /* ETag; Sekisho-Next */
};

/* False where no server answered: told on stderr. */
bool client_send(void *owner, const struct request *, struct response *);
/* The exit code of a response that is not 2xx: says why, and the next command. */
int client_failure(const struct response *);
char *url_escape(void *owner, const char *text);

/* ---- output.c ---- */

void print_items(json_t *items);
void print_item(json_t *item);

/* ---- the commands ---- */

extern const struct command cli_commands[];
int run_operation(int argc, char **argv, bool *known);
void help_all(void);
int help_one(const char *words);

int run_login(struct words *);
int run_logout(struct words *);
int run_whoami(struct words *);
int run_status(struct words *);
int run_context(struct words *);
int run_use(struct words *);
int run_doctor(struct words *);
int run_explain(struct words *);
int run_version(struct words *);
int run_object(struct words *);
int run_get(struct words *);
int run_put(struct words *);
int run_ledger(struct words *);
int run_policy(struct words *);
int run_bundle(struct words *);
int run_completion(struct words *);
int run_man(struct words *);
int run_db(struct words *);
int run_app(struct words *);
int run_backup(struct words *);
int run_disclosure(struct words *);
int run_measure(struct words *);
int ledger_key_print(void);
int ledger_publish(const char *dir);
int ledger_export(const char *path, const char *format, const char *cursor);
int run_init(struct words *);
int run_serve(struct words *);
int run_demo(struct words *);

/* Imports lines of JSON into a collection; returns the exit code. For init --sample, too. */
int import_lines(const char *subscriber, const char *collection, const char *file, struct slice lines, bool progress);
