/* log.h - public: one JSON object a line on stderr, for whoever runs the program. Room libraries never log.
 *
 * Values are redacted where they look like one of our tokens, and passwords never get here: see SECURITY.md.
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"

enum level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

/* Pairs of key and text, ended by NULL:  log_event(LOG_INFO, "listening", "https", url, NULL) */
void log_event(enum level, const char *event, ...) __attribute__((sentinel));
void log_level(enum level least);
