/* hidden.h - private: statements of our own between a client's, whose answers it does not see, unless they fail. */
#pragma once
#include "postgres/session.h"

/* A message to the back end: two texts, where their data is not NULL, then the rest. */
void hidden_put(struct session *, uint8_t type, struct slice first, struct slice second, const char *rest, size_t rest_size);
struct turn *hidden_turn(struct session *, enum turn_kind, bool dropped);
/* A Query without turns; with its turns, of which the client does not even hear that it failed. */
void hidden_send(struct session *, const char *text);
void hidden_query(struct session *, const char *text);
/* Parse, Bind, Execute and Close, under a name of ours. */
void hidden_run(struct session *, const char *text);
