/* table.c - an open hash table that only grows. */
#include "cedar/table.h"

static uint64_t
key_hash(const struct cedar_table *table, struct cedar_text name, struct cedar_text id)
{
	return cedar_text_hash(&table->arena->key, id, cedar_text_hash(&table->arena->key, name, 1));
}

static struct cedar_slot *
slot_of(struct cedar_slot *slots, size_t capacity, uint64_t hash, struct cedar_text name, struct cedar_text id)
{
	size_t at = hash & (capacity - 1);

	while (slots[at].value != NULL && !(slots[at].hash == hash && cedar_text_equal(slots[at].name, name) &&
	                                    cedar_text_equal(slots[at].id, id)))
		at = (at + 1) & (capacity - 1);
	return &slots[at];
}

void *
cedar_table_find(const struct cedar_table *table, struct cedar_text name, struct cedar_text id)
{
	if (table->capacity == 0)
		return NULL;
	return slot_of(table->slots, table->capacity, key_hash(table, name, id), name, id)->value;
}

static bool
table_grow(struct cedar_table *table)
{
	size_t capacity = table->capacity ? table->capacity * 2 : 16, i;
	struct cedar_slot *slots = cedar_arena_zero(table->arena, capacity * sizeof *slots);

	if (slots == NULL)
		return false;
	for (i = 0; i < table->capacity; i++) {
		struct cedar_slot *old = &table->slots[i];

		if (old->value != NULL)
			*slot_of(slots, capacity, old->hash, old->name, old->id) = *old;
	}
	table->slots = slots;
	table->capacity = capacity;
	return true;
}

bool
cedar_table_put(struct cedar_table *table, struct cedar_text name, struct cedar_text id, void *value)
{
	uint64_t hash = key_hash(table, name, id);
	struct cedar_slot *slot;

	if (table->count * 2 >= table->capacity && !table_grow(table))
		return false;
	slot = slot_of(table->slots, table->capacity, hash, name, id);
	if (slot->value == NULL)
		table->count++;
	*slot = (struct cedar_slot){ hash, name, id, value };
	return true;
}
