/* modifier.h - private: what stands behind a field's name. */
#pragma once
#include "watch/rule.h"

enum { MODIFIERS_MAX = 16 };

enum modifier {
	MODIFIER_CONTAINS, MODIFIER_STARTSWITH, MODIFIER_ENDSWITH, MODIFIER_WINDASH, MODIFIER_BASE64, MODIFIER_BASE64OFFSET,
	MODIFIER_UTF16LE, MODIFIER_UTF16BE, MODIFIER_UTF16,
};

enum value_type { TYPE_TEXT, TYPE_EXPRESSION, TYPE_CIDR, TYPE_EXISTS, TYPE_COMPARISON, TYPE_REFERENCE };

struct modifiers {
	enum modifier list[MODIFIERS_MAX];      /* those that change a text, in their order */
	size_t count;
	enum value_type type;
	enum comparison comparison;
	enum time_part time_part;
	enum place place;
	uint32_t options;               /* of a regular expression */
	bool all, cased, negated, expand;
	bool placed;                    /* says where in the value the text stands */
};

fallible modifiers_parse(void *owner, struct slice text, struct slice path, unsigned line, struct modifiers *,
                         struct watch_fault *);
