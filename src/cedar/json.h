/* json.h - public: a small strict JSON reader (a tree in an arena, names unique within an object), and quoting. */
#pragma once
#include "cedar/text.h"

enum cedar_json_kind {
	CEDAR_JSON_NULL,
	CEDAR_JSON_BOOL,
	CEDAR_JSON_LONG,
	CEDAR_JSON_REAL, /* a number that is no 64-bit integer; Cedar has none such */
	CEDAR_JSON_STRING,
	CEDAR_JSON_ARRAY,
	CEDAR_JSON_OBJECT
};

struct cedar_json {
	uint8_t kind;         /* enum cedar_json_kind */
	uint32_t offset, end; /* in the text */
	union {
		bool truth;
		int64_t number;
		struct cedar_text text;
		struct {
			const struct cedar_json *items; /* arrays */
			size_t count;
		};
		struct {
			const struct cedar_json_field *fields; /* objects, in the order of the text */
			size_t field_count;
		};
	};
};

struct cedar_json_field {
	struct cedar_text name;
	struct cedar_json value;
};

/* The whole text must be one value. Bytes that are not UTF-8, nesting beyond CEDAR_DEPTH_MAX, names that come twice in
 * one object, and half surrogates are faults. */
CEDAR_CHECKED bool
cedar_json_parse(struct cedar_arena *, struct cedar_text source, struct cedar_json *out, struct cedar_fault *);
/* The same, with another bound on nesting: whoever walks the tree must not recurse over it. */
CEDAR_CHECKED bool cedar_json_parse_deep(struct cedar_arena *, struct cedar_text source, size_t most,
                                         struct cedar_json *out, struct cedar_fault *);
/* NULL if there is none or this is no object (or NULL). */
const struct cedar_json *cedar_json_get(const struct cedar_json *, const char *name);
/* The same for what may also be a list of its parts, in the order of the names. */
const struct cedar_json *cedar_json_part(const struct cedar_json *, const char *const *names, size_t index);
bool cedar_json_is(const struct cedar_json *, const char *text);
/* The text in quotes, escaped as JSON. */
void cedar_json_write(struct cedar_writer *, struct cedar_text);
