/* value.c - equality, order, sets and records. */
#include "cedar/value.h"

uint64_t
cedar_type_hash(const struct cedar_arena *arena, struct cedar_text type)
{
	return cedar_text_hash(&arena->key, type, 1);
}

struct cedar_uid
cedar_uid_under(const struct cedar_arena *arena, uint64_t type_hash, struct cedar_text type, struct cedar_text id)
{
	return (struct cedar_uid){ type, id, cedar_text_hash(&arena->key, id, type_hash) };
}

struct cedar_uid
cedar_uid_of(const struct cedar_arena *arena, struct cedar_text type, struct cedar_text id)
{
	return cedar_uid_under(arena, cedar_type_hash(arena, type), type, id);
}

int
cedar_uid_order(const struct cedar_uid *a, const struct cedar_uid *b)
{
	int order;

	if (a == b)
		return 0;
	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	order = cedar_text_order(a->id, b->id);
	return order != 0 ? order : cedar_text_order(a->type, b->type);
}

static int
order_of_numbers(int64_t a, int64_t b)
{
	return a == b ? 0 : a < b ? -1 : 1;
}

static int
order_of_ips(const struct cedar_value *a, const struct cedar_value *b)
{
	if (a->version != b->version)
		return a->version < b->version ? -1 : 1;
	if (a->prefix != b->prefix)
		return a->prefix < b->prefix ? -1 : 1;
	return memcmp(a->address, b->address, a->version == 4 ? 4 : 16);
}

static int
order_of_sets(const struct cedar_value *a, const struct cedar_value *b)
{
	uint32_t i;

	if (a->items == b->items)
		return 0;
	for (i = 0; i < a->count; i++) {
		int order = cedar_value_order(&a->items[i], &b->items[i]);

		if (order != 0)
			return order;
	}
	return 0;
}

static int
order_of_records(const struct cedar_value *a, const struct cedar_value *b)
{
	uint32_t i;

	if (a->fields == b->fields)
		return 0;
	for (i = 0; i < a->count; i++) {
		int order = cedar_text_order(a->fields[i].name, b->fields[i].name);

		if (order == 0)
			order = cedar_value_order(&a->fields[i].value, &b->fields[i].value);
		if (order != 0)
			return order;
	}
	return 0;
}

int
cedar_value_order(const struct cedar_value *a, const struct cedar_value *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	switch ((enum cedar_kind)a->kind) {
	case CEDAR_BOOL:
		return (int)a->truth - (int)b->truth;
	case CEDAR_STRING:
		return cedar_text_order(a->text, b->text);
	case CEDAR_ENTITY:
		return cedar_uid_order(a->entity, b->entity);
	case CEDAR_SET:
	case CEDAR_RECORD:
		if (a->count != b->count)
			return a->count < b->count ? -1 : 1;
		return a->kind == CEDAR_SET ? order_of_sets(a, b) : order_of_records(a, b);
	case CEDAR_IP:
		return order_of_ips(a, b);
	case CEDAR_LONG:
	case CEDAR_DECIMAL:
	case CEDAR_DATETIME:
	case CEDAR_DURATION:
	case CEDAR_UNKNOWN:
		break;
	}
	return order_of_numbers(a->number, b->number);
}

bool
cedar_value_equal(const struct cedar_value *a, const struct cedar_value *b)
{
	return cedar_value_order(a, b) == 0;
}

static void
value_swap(struct cedar_value *a, struct cedar_value *b)
{
	struct cedar_value kept = *a;

	*a = *b;
	*b = kept;
}

static void
sift_down(struct cedar_value *items, size_t root, size_t count)
{
	for (;;) {
		size_t child = root * 2 + 1;

		if (child >= count)
			return;
		if (child + 1 < count && cedar_value_order(&items[child], &items[child + 1]) < 0)
			child++;
		if (cedar_value_order(&items[root], &items[child]) >= 0)
			return;
		value_swap(&items[root], &items[child]);
		root = child;
	}
}

static void
insertion_sort(struct cedar_value *items, size_t count)
{
	size_t i, j;

	for (i = 1; i < count; i++)
		for (j = i; j > 0 && cedar_value_order(&items[j - 1], &items[j]) > 0; j--)
			value_swap(&items[j - 1], &items[j]);
}

/* Heapsort: libc's qsort may allocate, which a decision must not. */
size_t
cedar_values_sort(struct cedar_value *items, size_t count)
{
	size_t i, kept = 0;

	if (count <= 8) {
		insertion_sort(items, count);
	} else {
		for (i = count / 2; i-- > 0;)
			sift_down(items, i, count);
		for (i = count; i-- > 1;) {
			value_swap(&items[0], &items[i]);
			sift_down(items, 0, i);
		}
	}
	for (i = 0; i < count; i++)
		if (kept == 0 || cedar_value_order(&items[kept - 1], &items[i]) != 0)
			items[kept++] = items[i];
	return kept;
}

bool
cedar_set_contains(const struct cedar_value *set, const struct cedar_value *item)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = cedar_value_order(&set->items[middle], item);

		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

const struct cedar_value *
cedar_record_find(const struct cedar_value *record, struct cedar_text name)
{
	size_t low = 0, high = record->count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = cedar_text_order(record->fields[middle].name, name);

		if (order == 0)
			return &record->fields[middle].value;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static void
fields_insertion_sort(struct cedar_field *fields, size_t count)
{
	size_t i, j;

	for (i = 1; i < count; i++) {
		struct cedar_field field = fields[i];

		for (j = i; j > 0 && cedar_text_order(fields[j - 1].name, field.name) > 0; j--)
			fields[j] = fields[j - 1];
		fields[j] = field;
	}
}

static void
fields_sift(struct cedar_field *fields, size_t root, size_t count)
{
	for (;;) {
		size_t child = root * 2 + 1;
		struct cedar_field kept = fields[root];

		if (child >= count)
			return;
		if (child + 1 < count && cedar_text_order(fields[child].name, fields[child + 1].name) < 0)
			child++;
		if (cedar_text_order(kept.name, fields[child].name) >= 0)
			return;
		fields[root] = fields[child];
		fields[child] = kept;
		root = child;
	}
}

static void
fields_heap_sort(struct cedar_field *fields, size_t count)
{
	size_t i;

	for (i = count / 2; i-- > 0;)
		fields_sift(fields, i, count);
	for (i = count; i-- > 1;) {
		struct cedar_field last = fields[i];

		fields[i] = fields[0];
		fields[0] = last;
		fields_sift(fields, 0, i);
	}
}

bool
cedar_fields_sort(struct cedar_field *fields, size_t count, size_t *twice)
{
	size_t i;

	if (count <= 32)
		fields_insertion_sort(fields, count);
	else
		fields_heap_sort(fields, count);
	for (i = 1; i < count; i++)
		if (cedar_text_equal(fields[i - 1].name, fields[i].name)) {
			*twice = i;
			return false;
		}
	return true;
}

uint16_t
cedar_value_depth(const struct cedar_value *items, size_t count)
{
	uint16_t depth = 0;
	size_t i;

	for (i = 0; i < count; i++)
		if ((items[i].kind == CEDAR_SET || items[i].kind == CEDAR_RECORD) && items[i].depth > depth)
			depth = items[i].depth;
	return depth < UINT16_MAX ? (uint16_t)(depth + 1) : depth;
}

const char *
cedar_kind_name(const struct cedar_value *value)
{
	static const char *const names[] = { "bool",     "long",   "string",          "entity",
		                             "set",      "record", "decimal",         "datetime",
		                             "duration", "ipaddr", "an unknown value" };

	return names[value->kind];
}

/* The reference keeps a record with something unknown as an expression, and looks into that only if no function is called in
 * it; values of the extension types are such calls. */
static bool
opaque(const struct cedar_value *value)
{
	uint32_t i;

	if (value->kind == CEDAR_UNKNOWN)
		return value->opaque;
	for (i = 0; value->kind == CEDAR_SET && i < value->count; i++)
		if (opaque(&value->items[i]))
			return true;
	for (i = 0; value->kind == CEDAR_RECORD && i < value->count; i++)
		if (opaque(&value->fields[i].value))
			return true;
	return value->kind >= CEDAR_DECIMAL;
}

void
cedar_value_settle(struct cedar_value *value)
{
	bool set = value->kind == CEDAR_SET, unknown = false;
	uint32_t i;

	for (i = 0; i < value->count && !unknown; i++)
		unknown = cedar_value_unknown(set ? &value->items[i] : &value->fields[i].value);
	if (!unknown)
		return;
	unknown = opaque(value);
	if (set || unknown)
		*value = (struct cedar_value){ .kind = CEDAR_UNKNOWN, .opaque = unknown };
	else
		value->holds_unknown = 1;
}

struct cedar_uid *
cedar_uid_copy(struct cedar_arena *arena, const struct cedar_uid *uid)
{
	struct cedar_uid *copy = cedar_arena_take(arena, sizeof *copy);

	if (copy == NULL)
		return NULL;
	*copy = *uid;
	copy->type = cedar_text_copy(arena, uid->type);
	copy->id = cedar_text_copy(arena, uid->id);
	return copy->type.data != NULL && copy->id.data != NULL ? copy : NULL;
}

static bool
items_copy(struct cedar_arena *arena, const struct cedar_value *value, struct cedar_value *out)
{
	struct cedar_value *items = cedar_arena_take(arena, value->count * sizeof *items);
	uint32_t i;

	if (items == NULL)
		return false;
	for (i = 0; i < value->count; i++)
		if (!cedar_value_copy(arena, &value->items[i], &items[i]))
			return false;
	out->items = items;
	return true;
}

static bool
fields_copy(struct cedar_arena *arena, const struct cedar_value *value, struct cedar_value *out)
{
	struct cedar_field *fields = cedar_arena_take(arena, value->count * sizeof *fields);
	uint32_t i;

	if (fields == NULL)
		return false;
	for (i = 0; i < value->count; i++) {
		fields[i].name = cedar_text_copy(arena, value->fields[i].name);
		if (fields[i].name.data == NULL || !cedar_value_copy(arena, &value->fields[i].value, &fields[i].value))
			return false;
	}
	out->fields = fields;
	return true;
}

bool
cedar_value_copy(struct cedar_arena *arena, const struct cedar_value *value, struct cedar_value *out)
{
	*out = *value;
	if (value->kind == CEDAR_STRING) {
		out->text = cedar_text_copy(arena, value->text);
		return out->text.data != NULL;
	}
	if (value->kind == CEDAR_ENTITY) {
		out->entity = cedar_uid_copy(arena, value->entity);
		return out->entity != NULL;
	}
	if (value->kind == CEDAR_SET)
		return items_copy(arena, value, out);
	if (value->kind == CEDAR_RECORD)
		return fields_copy(arena, value, out);
	return true;
}
