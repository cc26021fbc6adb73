#include "base/err.h"

#include <stddef.h>
#include <string.h>

#define ERROR(name, http, sqlstate, exit, english, japanese) \
	const struct err name[1] = { { #name, http, sqlstate, exit, { english, japanese } } };
#include "base/errors.def"
#undef ERROR

static const err_t every[] = {
#define ERROR(name, http, sqlstate, exit, english, japanese) name,
#include "base/errors.def"
#undef ERROR
};

void
err_each(void (*each)(void *context, err_t), void *context)
{
	for (size_t i = 0; i < sizeof every / sizeof *every; i++)
		each(context, every[i]);
}

err_t
err_find(const char *name)
{
	for (size_t i = 0; i < sizeof every / sizeof *every; i++)
		if (strcmp(every[i]->name, name) == 0)
			return every[i];
	return NULL;
}
