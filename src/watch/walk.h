/* walk.h - private: all files under a folder, by name. */
#pragma once
#include "base/err.h"

/* Stops at the first error. Fails with E_NOT_FOUND, E_IO, E_TOO_LARGE, and what `visit` fails with. */
fallible walk_files(const char *path, err_t (*visit)(void *context, const char *file, const char *name), void *context);
