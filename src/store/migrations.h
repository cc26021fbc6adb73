/* migrations.h - private: the migrations, and running a statement that is not kept. */
#pragma once
#include "store/store.h"

#include "base/embedded.h"

extern const struct embedded store_migrations[];        /* store/migrations/NNNN-*.sql in order */

fallible store_run_once(struct store *, const struct query *);
