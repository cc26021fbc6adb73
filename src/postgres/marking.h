/* marking.h - private: what changes rows bears its passage's mark in the same transaction, where the database is watched. */
#pragma once
#include "postgres/pending.h"

/* Before the Execute of the pending message. */
void marking_execute(struct session *, const struct pending *);
/* The body of the Query with its marks; adds the turns of the message, and hidden ones for the marks. */
struct slice marking_query(struct session *, struct pending *, struct slice body, void (*add)(struct session *, struct turn *));
