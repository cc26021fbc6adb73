/* lines.h - private: bodies of many lines, NDJSON or CSV with a head, of which all are taken or none. */
#pragma once
#include "gate/gate.h"

/* Calls back for each line, as an object; what that returns is the cause of a fault, NULL for none. Fails with E_ARGUMENT, and
 * the first faults by their lines, if there is any: then nothing is to be done. */
fallible lines_take(struct passage *, struct slice body, const char *(*take)(struct passage *, void *, const json_t *line), void *argument);
