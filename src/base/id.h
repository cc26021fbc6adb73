/* id.h - public: typed random identifiers, never reused: `psn_` and 26 characters, 128 random bits. */
#pragma once
#include "base/slice.h"

enum { ID_SIZE = 32 };                  /* the text and its NUL; a prefix has at most four characters */

struct id {
	char text[ID_SIZE];
};

/* `prefix` with its underscore: "psn_". */
struct id id_new(const char *prefix);

/* The id as text, or one that is empty where the slice is longer than an id. */
struct id id_of(struct slice);

static inline struct slice
id_slice(const struct id *id)
{
	return slice_text(id->text);
}

/* From the kernel; cannot fail after start. */
void random_bytes(void *out, size_t size);
