/* source.h - private: which rules go with which log. */
#pragma once
#include "watch/watch.h"

/* False only where both say which log they mean, and it is another one. */
bool source_goes_with(const struct watch_source *rule, const struct watch_source *event);
