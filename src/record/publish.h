/* publish.h - private: what following asks of the recorder: map leaves, checkpoints to keep, the tail to be trimmed. */
#pragma once
#include "record/record.h"

/* ledger_follow(), on its thread. */
err_t publish_follow(struct record *, struct ledger *);
