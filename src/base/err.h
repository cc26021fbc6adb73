/* err.h - public: an error is a pointer to a constant row of errors.def; NULL is success.
 *
 * It compares with ==, allocates nothing and cannot turn into an int. One table feeds HTTP (RFC 9457 `code` and
 * status), the PostgreSQL gateway (SQLSTATE), the CLI (exit code) and doc/errors.md.
 */
#pragma once

enum language { ENGLISH, JAPANESE, LANGUAGES };

struct err {
	const char *name;               /* as in errors.def, and `code` of a problem detail */
	int http;
	const char *sqlstate;
	int exit;                       /* of the command, see CONTRACT.md */
	const char *text[LANGUAGES];
};

typedef const struct err *err_t;

#define must_check __attribute__((warn_unused_result))
#define fallible must_check err_t

#define ERROR(name, http, sqlstate, exit, english, japanese) extern const struct err name[1];
#include "base/errors.def"
#undef ERROR

/* Leaves the calling function with the error, if there is one. */
#define TRY(call) \
	do { \
		err_t try_error = (call); \
		if (try_error) \
			return try_error; \
	} while (0)

/* Visits every row; `each` gets `context` back. */
void err_each(void (*each)(void *context, err_t), void *context);

/* May return NULL: no error has that name. */
err_t err_find(const char *name);
