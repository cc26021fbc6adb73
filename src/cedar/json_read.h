/* json_read.h - private to json.c, which reads arrays and objects, and json_scalar.c. */
#pragma once
#include "cedar/json.h"

struct cedar_json_reader {
	struct cedar_arena *arena;
	struct cedar_text source;
	size_t at;
	struct cedar_fault *fault;
};

/* Always false. */
bool cedar_json_fail(struct cedar_json_reader *, const char *message);
CEDAR_CHECKED bool cedar_json_read_string(struct cedar_json_reader *, struct cedar_text *out);
/* Anything but arrays and objects. */
CEDAR_CHECKED bool cedar_json_read_scalar(struct cedar_json_reader *, struct cedar_json *out);
