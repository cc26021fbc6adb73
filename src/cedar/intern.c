/* intern.c - a hash table over what is kept. */
#include "cedar/intern.h"

enum { POOL = 128, PACKED_MAX = 32 };

struct cedar_interned {
	uint64_t hash;
	size_t count; /* of uids; 0: a text */
	union {
		struct cedar_text text;
		const struct cedar_uid *uids;
	};
	const struct cedar_text *name; /* of a text: itself, kept; NULL until asked for */
	bool used;
};

void
cedar_interner_init(struct cedar_interner *interner, struct cedar_arena *kept)
{
	*interner = (struct cedar_interner){ .kept = kept };
	cedar_arena_init(&interner->passing, &kept->memory, 4096);
}

void
cedar_interner_dispose(struct cedar_interner *interner)
{
	cedar_arena_dispose(&interner->passing);
}

static bool
uids_equal(const struct cedar_uid *a, const struct cedar_uid *b, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!cedar_uid_equal(&a[i], &b[i]))
			return false;
	return true;
}

static bool
is_wanted(const struct cedar_interned *at, const struct cedar_interned *wanted)
{
	if (at->hash != wanted->hash || at->count != wanted->count)
		return false;
	return at->count == 0 ? cedar_text_equal(at->text, wanted->text)
	                      : uids_equal(at->uids, wanted->uids, at->count);
}

static struct cedar_interned *
slot_of(struct cedar_interned *slots, size_t capacity, const struct cedar_interned *wanted)
{
	size_t at = wanted->hash & (capacity - 1);

	while (slots[at].used && !is_wanted(&slots[at], wanted))
		at = (at + 1) & (capacity - 1);
	return &slots[at];
}

/* NULL when memory is out. */
static struct cedar_interned *
slot_for(struct cedar_interner *interner, const struct cedar_interned *wanted)
{
	size_t capacity = interner->capacity ? interner->capacity * 2 : 64, i;
	struct cedar_interned *slots;

	if (interner->count * 2 < interner->capacity)
		return slot_of(interner->slots, interner->capacity, wanted);
	slots = cedar_arena_zero(&interner->passing, capacity * sizeof *slots);
	if (slots == NULL)
		return NULL;
	for (i = 0; i < interner->capacity; i++)
		if (interner->slots[i].used)
			*slot_of(slots, capacity, &interner->slots[i]) = interner->slots[i];
	interner->slots = slots;
	interner->capacity = capacity;
	return slot_of(slots, capacity, wanted);
}

static struct cedar_interned *
slot_take(struct cedar_interner *interner, struct cedar_interned *slot, uint64_t hash)
{
	interner->count++;
	slot->hash = hash;
	slot->used = true;
	return slot;
}

static char *
text_room(struct cedar_interner *interner, size_t size)
{
	char *room;

	if (size > PACKED_MAX)
		return cedar_arena_take(interner->kept, size);
	if (size > interner->pool_left) {
		interner->pool = cedar_arena_take(interner->kept, POOL);
		interner->pool_left = interner->pool ? POOL : 0;
		if (interner->pool == NULL)
			return NULL;
	}
	room = interner->pool;
	interner->pool += size;
	interner->pool_left -= size;
	return room;
}

/* NULL when memory is out. */
static struct cedar_interned *
text_slot(struct cedar_interner *interner, struct cedar_text text)
{
	struct cedar_interned wanted = { .hash = cedar_text_hash(&interner->kept->key, text, 3), .text = text };
	struct cedar_interned *slot = slot_for(interner, &wanted);
	char *copy;

	if (slot == NULL || slot->used)
		return slot;
	copy = text_room(interner, text.size);
	if (copy == NULL)
		return NULL;
	memcpy(copy, text.data, text.size);
	slot = slot_take(interner, slot, wanted.hash);
	slot->text = (struct cedar_text){ copy, text.size };
	return slot;
}

struct cedar_text
cedar_intern_text(struct cedar_interner *interner, struct cedar_text text)
{
	const struct cedar_interned *slot;

	if (text.size == 0)
		return CEDAR_TEXT("");
	slot = text_slot(interner, text);
	return slot ? slot->text : (struct cedar_text){ 0 };
}

const struct cedar_text *
cedar_intern_name(struct cedar_interner *interner, struct cedar_text text)
{
	static const struct cedar_text empty = { "", 0 };
	struct cedar_interned *slot = text.size > 0 ? text_slot(interner, text) : NULL;
	struct cedar_text *name;

	if (text.size == 0)
		return &empty;
	if (slot == NULL || slot->name != NULL)
		return slot ? slot->name : NULL;
	name = cedar_arena_take(interner->kept, sizeof *name);
	if (name != NULL)
		*name = slot->text;
	return slot->name = name;
}

static struct cedar_uid *
uids_keep(struct cedar_interner *interner, const struct cedar_uid *uids, size_t count)
{
	struct cedar_uid *kept = cedar_arena_take(interner->kept, count * sizeof *kept);
	size_t i;

	for (i = 0; kept != NULL && i < count; i++) {
		kept[i] = uids[i];
		kept[i].type = cedar_intern_text(interner, uids[i].type);
		kept[i].id = cedar_intern_text(interner, uids[i].id);
		if (kept[i].type.data == NULL || kept[i].id.data == NULL)
			return NULL;
	}
	return kept;
}

const struct cedar_uid *
cedar_intern_uids(struct cedar_interner *interner, const struct cedar_uid *uids, size_t count)
{
	struct cedar_interned wanted = { .hash = count, .count = count, .uids = uids };
	struct cedar_interned *slot;
	struct cedar_uid *kept;
	size_t i;

	for (i = 0; i < count; i++)
		wanted.hash = (wanted.hash << 7 | wanted.hash >> 57) ^ uids[i].hash;
	if (count == 0)
		return uids;
	slot = slot_for(interner, &wanted);
	if (slot == NULL)
		return NULL;
	if (slot->used)
		return slot->uids;
	kept = uids_keep(interner, uids, count); /* may move the table */
	slot = kept ? slot_for(interner, &wanted) : NULL;
	if (slot == NULL)
		return NULL;
	slot_take(interner, slot, wanted.hash)->uids = kept;
	slot->count = count;
	return kept;
}
