/* builder.c - values and entities made in C. */
#include "cedar/entity.h"
#include "cedar/extension.h"

struct cedar_builder *
cedar_builder_new(const struct cedar_memory *memory)
{
	struct cedar_memory own = cedar_memory_or_default(memory);
	struct cedar_builder *builder = cedar_memory_take(&own, sizeof *builder);

	if (builder == NULL)
		return NULL;
	*builder = (struct cedar_builder){ 0 };
	cedar_arena_init(&builder->arena, &own, 16384);
	return builder;
}

void
cedar_builder_reset(struct cedar_builder *builder)
{
	cedar_arena_reset(&builder->arena);
	builder->first = builder->last = NULL;
	builder->count = builder->table_size = 0;
	builder->sealed = builder->failed = false;
}

void
cedar_builder_free(struct cedar_builder *builder)
{
	struct cedar_memory memory;

	if (builder == NULL)
		return;
	memory = builder->arena.memory;
	cedar_arena_dispose(&builder->arena);
	cedar_memory_give(&memory, builder);
}

static struct cedar_value *
value_new(struct cedar_builder *builder, enum cedar_kind kind)
{
	struct cedar_value *value = cedar_arena_zero(&builder->arena, sizeof *value);

	if (value == NULL)
		builder->failed = true;
	else
		value->kind = (uint8_t)kind;
	return value;
}

static struct cedar_value *
number_new(struct cedar_builder *builder, enum cedar_kind kind, int64_t number)
{
	struct cedar_value *value = value_new(builder, kind);

	if (value != NULL)
		value->number = number;
	return value;
}

struct cedar_value *
cedar_value_bool(struct cedar_builder *builder, bool truth)
{
	struct cedar_value *value = value_new(builder, CEDAR_BOOL);

	if (value != NULL)
		value->truth = truth;
	return value;
}

struct cedar_value *
cedar_value_long(struct cedar_builder *builder, int64_t number)
{
	return number_new(builder, CEDAR_LONG, number);
}

struct cedar_value *
cedar_value_datetime_ms(struct cedar_builder *builder, int64_t milliseconds)
{
	return number_new(builder, CEDAR_DATETIME, milliseconds);
}

struct cedar_value *
cedar_value_duration_ms(struct cedar_builder *builder, int64_t milliseconds)
{
	return number_new(builder, CEDAR_DURATION, milliseconds);
}

struct cedar_value *
cedar_value_text(struct cedar_builder *builder, struct cedar_text text)
{
	struct cedar_value *value = value_new(builder, CEDAR_STRING);

	if (value == NULL)
		return NULL;
	value->text = cedar_text_copy(&builder->arena, text);
	if (value->text.data == NULL) {
		builder->failed = true;
		return NULL;
	}
	return value;
}

struct cedar_value *
cedar_value_string(struct cedar_builder *builder, const char *string)
{
	return cedar_value_text(builder, cedar_text_of(string));
}

struct cedar_value *
cedar_value_entity(struct cedar_builder *builder, const char *type, const char *id)
{
	struct cedar_value *value = value_new(builder, CEDAR_ENTITY);
	struct cedar_uid uid = cedar_uid_of(&builder->arena, cedar_text_of(type), cedar_text_of(id));

	if (value == NULL)
		return NULL;
	value->entity = cedar_uid_copy(&builder->arena, &uid);
	if (value->entity == NULL) {
		builder->failed = true;
		return NULL;
	}
	return value;
}

struct cedar_value *
cedar_value_set(struct cedar_builder *builder, struct cedar_value *const *items, size_t count)
{
	struct cedar_value *value = value_new(builder, CEDAR_SET);
	struct cedar_value *copies = cedar_arena_take(&builder->arena, count * sizeof *copies);
	size_t i;

	if (value == NULL || copies == NULL || count > UINT32_MAX) {
		builder->failed = true;
		return NULL;
	}
	for (i = 0; i < count; i++) {
		if (items[i] == NULL) {
			builder->failed = true;
			return NULL;
		}
		copies[i] = *items[i];
	}
	value->count = (uint32_t)cedar_values_sort(copies, count);
	value->items = copies;
	value->depth = cedar_value_depth(copies, value->count);
	if (value->depth > CEDAR_DEPTH_MAX)
		builder->failed = true;
	return builder->failed ? NULL : value;
}

struct cedar_value *
cedar_value_record(struct cedar_builder *builder)
{
	struct cedar_value *value = value_new(builder, CEDAR_RECORD);

	if (value != NULL)
		value->depth = 1;
	return value;
}

static struct cedar_field *
fields_reserve(struct cedar_builder *builder, struct cedar_value *record)
{
	struct cedar_field *fields = (struct cedar_field *)record->fields;
	bool full = record->count == 0 || (record->count >= 4 && (record->count & (record->count - 1)) == 0);
	size_t capacity = record->count < 4 ? 4 : (size_t)record->count * 2;

	if (!full)
		return fields;
	fields = cedar_arena_take(&builder->arena, capacity * sizeof *fields);
	if (fields != NULL && record->count > 0)
		memcpy(fields, record->fields, record->count * sizeof *fields);
	return fields;
}

/* A record that lacks what was to be in it is not that record: deeper than any may be, it and what holds it are refused. */
static void
record_spoil(struct cedar_builder *builder, struct cedar_value *record)
{
	builder->failed = true;
	if (record != NULL && record->kind == CEDAR_RECORD)
		record->depth = UINT16_MAX;
}

static void
record_put(struct cedar_builder *builder, struct cedar_value *record, struct cedar_text name,
           const struct cedar_value *value)
{
	struct cedar_value *found;
	struct cedar_field *fields;
	size_t at;

	if (record == NULL || value == NULL || (record->kind != CEDAR_RECORD)) {
		record_spoil(builder, record);
		return;
	}
	if ((value->kind == CEDAR_SET || value->kind == CEDAR_RECORD) && value->depth >= record->depth)
		record->depth = value->depth < CEDAR_DEPTH_MAX ? (uint16_t)(value->depth + 1) : UINT16_MAX;
	found = (struct cedar_value *)cedar_record_find(record, name);
	if (found != NULL) {
		*found = *value;
		return;
	}
	fields = fields_reserve(builder, record);
	name = cedar_text_copy(&builder->arena, name);
	if (fields == NULL || name.data == NULL || record->depth > CEDAR_DEPTH_MAX) {
		record_spoil(builder, record);
		return;
	}
	for (at = record->count; at > 0 && cedar_text_order(fields[at - 1].name, name) > 0; at--)
		fields[at] = fields[at - 1];
	fields[at] = (struct cedar_field){ name, *value };
	record->fields = fields;
	record->count++;
}

void
cedar_record_put(struct cedar_builder *builder, struct cedar_value *record, const char *name, struct cedar_value *value)
{
	record_put(builder, record, cedar_text_of(name), value);
}

static struct cedar_value *
parsed_new(struct cedar_builder *builder, bool (*parse)(struct cedar_text, struct cedar_value *, const char **),
           const char *text)
{
	struct cedar_value *value = value_new(builder, CEDAR_BOOL);
	const char *reason;

	if (value == NULL || !parse(cedar_text_of(text), value, &reason)) {
		builder->failed = true;
		return NULL;
	}
	return value;
}

struct cedar_value *
cedar_value_decimal(struct cedar_builder *builder, const char *text)
{
	return parsed_new(builder, cedar_decimal_parse, text);
}

struct cedar_value *
cedar_value_ip(struct cedar_builder *builder, const char *text)
{
	return parsed_new(builder, cedar_ip_parse, text);
}

struct cedar_entity *
cedar_entity_add_uid(struct cedar_builder *builder, const struct cedar_uid *uid)
{
	struct cedar_entity *entity = cedar_arena_zero(&builder->arena, sizeof *entity);

	if (entity == NULL) {
		builder->failed = true;
		return NULL;
	}
	entity->uid = *uid;
	entity->attributes.kind = entity->tags.kind = CEDAR_RECORD;
	entity->attributes.depth = entity->tags.depth = 1;
	if (builder->last != NULL)
		builder->last->next = entity;
	else
		builder->first = entity;
	builder->last = entity;
	builder->count++;
	builder->sealed = false;
	return entity;
}

struct cedar_entity *
cedar_entity_add(struct cedar_builder *builder, const char *type, const char *id)
{
	struct cedar_uid uid = cedar_uid_of(&builder->arena, cedar_text_of(type), cedar_text_of(id));

	uid.type = cedar_text_copy(&builder->arena, uid.type);
	uid.id = cedar_text_copy(&builder->arena, uid.id);
	if (uid.type.data == NULL || uid.id.data == NULL) {
		builder->failed = true;
		return NULL;
	}
	return cedar_entity_add_uid(builder, &uid);
}

void
cedar_entity_attribute(struct cedar_builder *builder, struct cedar_entity *entity, const char *name,
                       struct cedar_value *value)
{
	record_put(builder, entity ? &entity->attributes : NULL, cedar_text_of(name), value);
}

void
cedar_entity_tag(struct cedar_builder *builder, struct cedar_entity *entity, const char *name,
                 struct cedar_value *value)
{
	record_put(builder, entity ? &entity->tags : NULL, cedar_text_of(name), value);
}

void
cedar_entity_parent_uid(struct cedar_builder *builder, struct cedar_entity *entity, const struct cedar_uid *uid)
{
	if (entity == NULL || uid == NULL ||
	    !cedar_arena_grow(&builder->arena, (void **)&entity->parents, entity->parent_count,
	                      &entity->parent_capacity, sizeof *entity->parents)) {
		builder->failed = true;
		return;
	}
	entity->parents[entity->parent_count++] = (struct cedar_link){ uid->hash, uid };
	builder->sealed = false;
}

void
cedar_entity_parent(struct cedar_builder *builder, struct cedar_entity *entity, const char *type, const char *id)
{
	struct cedar_uid uid = cedar_uid_of(&builder->arena, cedar_text_of(type), cedar_text_of(id));

	cedar_entity_parent_uid(builder, entity, cedar_uid_copy(&builder->arena, &uid));
}
