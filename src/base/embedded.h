/* embedded.h - public: files that the build put into the program; a list ends with a NULL name. */
#pragma once
#include <stddef.h>

struct embedded {
	const char *name;
	const char *text;               /* ends with a NUL that size does not count */
	size_t size;
};
