/* table.h - private. Names (one text or two) to things, in an arena. */
#pragma once
#include "cedar/text.h"

struct cedar_slot {
	uint64_t hash;
	struct cedar_text name, id; /* id is empty where a name alone is the key */
	void *value;                /* NULL: the slot is free */
};

struct cedar_table {
	struct cedar_arena *arena;
	struct cedar_slot *slots;
	size_t count, capacity;
};

void *cedar_table_find(const struct cedar_table *, struct cedar_text name, struct cedar_text id);
/* Keeps the texts, not copies. A name that is there already gets the new value. False when memory is out. */
CEDAR_CHECKED bool cedar_table_put(struct cedar_table *, struct cedar_text name, struct cedar_text id, void *value);
