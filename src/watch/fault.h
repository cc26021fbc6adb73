/* fault.h - private: where a rule's text is wrong, and what was expected there. */
#pragma once
#include "watch/watch.h"

/* Writes the fault, if none is written yet, and returns E_ARGUMENT. */
err_t fault_at(struct watch_fault *, unsigned line, struct slice field, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
