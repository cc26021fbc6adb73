/* timestamp.h - private: asks the time-stamping authority, if policy names one. */
#pragma once
#include "gate/gate.h"

/* A token (DER) over SHA-256 of the text; empty where no authority is named. Waits: for slow operations. */
fallible timestamp_ask(struct passage *, struct slice text, struct slice *token);
