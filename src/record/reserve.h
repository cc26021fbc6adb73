/* reserve.h - private: room on the disk that is given up when it is full, so that operators can still act.
 *
 * D/store/reserve is preallocated. The recorder's thread alone.
 */
#pragma once
#include "base/err.h"

#include <stdbool.h>

struct reserve;

/* Makes it where there is room; where there is none it counts as given up. */
struct reserve *reserve_open(const void *owner, const char *dir);
bool reserve_is_given(const struct reserve *);
/* The disk is full: gives the room up. */
void reserve_give(struct reserve *);
/* Takes it back if there is room for it and as much again. */
void reserve_try(struct reserve *);
