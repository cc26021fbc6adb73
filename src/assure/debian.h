/* debian.h - public: Debian's order of versions (Debian Policy 5.6.12), as dpkg --compare-versions has it. */
#pragma once
#include "base/slice.h"

#include <stdbool.h>

/* [epoch:]upstream[-revision]: the characters that dpkg takes. */
bool debian_version_check(struct slice);
/* Below, at or above 0 as `a` is before, the same as or after `b`. */
int debian_version_compare(struct slice a, struct slice b);
