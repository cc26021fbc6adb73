/* client.h - private: a connection of our own that waits, for onboarding: the upstream's TLS and login on a loop of its own. */
#pragma once
#include "postgres/postgres.h"

struct client;

/* Fails with E_UNREACHABLE, E_CRYPTO; *why says what the server said. */
fallible client_open(const void *owner, const struct database *, struct client **out, const char **why);

enum { CLIENT_COLUMNS = 8 };
/* Runs the text (simple protocol); `each` gets the rows of all its statements, values without NULs, empty for NULL. An
 * error of the server's is E_STORE, and *why says which. */
fallible client_query(struct client *, struct slice text, err_t (*each)(void *, const struct slice *, size_t), void *argument,
                      const char **why);
/* The text of one of the room's .sql files. */
struct slice client_file(const char *name);
/* The text as a literal in quotes, of a server with standard_conforming_strings on. */
struct slice client_literal(const void *owner, struct slice text);
