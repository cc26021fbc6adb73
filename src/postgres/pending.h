/* pending.h - private: a client's message that waits for what must be in the book before it may go on. */
#pragma once
#include "postgres/session.h"

/* A client's message that waits, with the turns it will have. */
struct pending {
	struct session *session;
	bool simple;
	bool sets_up;                   /* a Parse: nothing runs yet */
	struct slice body;
	struct complaint complaint;     /* what is wrong with a text that cannot be read */
	bool opaque;                    /* … and what it would answer cannot be told either */
	struct turn *turns, **end;
	size_t waiting;
	bool entering, refused;
	bool naming;                    /* of the application lane's subscriber … */
	struct slice value;             /* … so named */
	struct bytes refusal;
};

struct pending *pending_new(struct session *, bool simple, struct slice body);
void pending_add(struct pending *, struct analysis *, const struct statement *);
/* EXECUTE stands for what PREPARE has named. */
void pending_add_executed(struct pending *, struct analysis *, const struct statement *);
/* Enters all its passages at once; then it goes to the back end, or is refused. */
void pending_enter(struct session *, struct pending *);
/* To the back end, as it came. */
void pending_forward(struct session *, uint8_t type, struct slice body);
