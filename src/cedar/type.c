/* type.c - types: bounds, names, look-ups. */
#include "cedar/type.h"

#include <stdio.h>

const struct cedar_type cedar_type_bool = { .kind = CEDAR_TYPE_BOOL, .depth = 1 };
const struct cedar_type cedar_type_true = { .kind = CEDAR_TYPE_TRUE, .depth = 1 };
const struct cedar_type cedar_type_false = { .kind = CEDAR_TYPE_FALSE, .depth = 1 };
const struct cedar_type cedar_type_long = { .kind = CEDAR_TYPE_LONG, .depth = 1 };
const struct cedar_type cedar_type_string = { .kind = CEDAR_TYPE_STRING, .depth = 1 };

const struct cedar_type cedar_type_never = { .kind = CEDAR_TYPE_NEVER, .depth = 1 };
const struct cedar_type cedar_type_no_attributes = { .kind = CEDAR_TYPE_RECORD, .depth = 1 };

static const struct cedar_type extensions[] = {
	{ .kind = CEDAR_TYPE_EXTENSION, .extension = CEDAR_DECIMAL, .depth = 1 },
	{ .kind = CEDAR_TYPE_EXTENSION, .extension = CEDAR_DATETIME, .depth = 1 },
	{ .kind = CEDAR_TYPE_EXTENSION, .extension = CEDAR_DURATION, .depth = 1 },
	{ .kind = CEDAR_TYPE_EXTENSION, .extension = CEDAR_IP, .depth = 1 },
};
static const char *const extension_names[] = { "decimal", "datetime", "duration", "ipaddr" };

const struct cedar_type *
cedar_type_extension(struct cedar_text name)
{
	size_t i;

	for (i = 0; i < 4; i++)
		if (cedar_text_is(name, extension_names[i]))
			return &extensions[i];
	return NULL;
}

const struct cedar_type *
cedar_type_of_kind(enum cedar_kind kind)
{
	switch (kind) {
	case CEDAR_BOOL:
		return &cedar_type_bool;
	case CEDAR_LONG:
		return &cedar_type_long;
	case CEDAR_STRING:
		return &cedar_type_string;
	case CEDAR_DECIMAL:
	case CEDAR_DATETIME:
	case CEDAR_DURATION:
	case CEDAR_IP:
		return &extensions[kind - CEDAR_DECIMAL];
	case CEDAR_UNKNOWN:
		return &cedar_type_never;
	case CEDAR_ENTITY:
	case CEDAR_SET:
	case CEDAR_RECORD:
		break;
	}
	return NULL;
}

const struct cedar_attribute *
cedar_attribute_find(const struct cedar_type *record, struct cedar_text name)
{
	size_t low = 0, high = record->count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = cedar_text_order(record->attributes[middle].name, name);

		if (order == 0)
			return &record->attributes[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static void
attribute_swap(struct cedar_attribute *a, struct cedar_attribute *b)
{
	struct cedar_attribute kept = *a;

	*a = *b;
	*b = kept;
}

static void
attribute_sift(struct cedar_attribute *items, size_t root, size_t count)
{
	for (;;) {
		size_t child = root * 2 + 1;

		if (child >= count)
			return;
		if (child + 1 < count && cedar_text_order(items[child].name, items[child + 1].name) < 0)
			child++;
		if (cedar_text_order(items[root].name, items[child].name) >= 0)
			return;
		attribute_swap(&items[root], &items[child]);
		root = child;
	}
}

void
cedar_attributes_sort(struct cedar_attribute *items, size_t count)
{
	size_t i;

	for (i = count / 2; i-- > 0;)
		attribute_sift(items, i, count);
	for (i = count; i-- > 1;) {
		attribute_swap(&items[0], &items[i]);
		attribute_sift(items, 0, i);
	}
}

struct shower {
	char *at;
	size_t left;
};

static void
show(struct shower *shower, const char *format, int size, const char *text)
{
	int written;

	if (shower->left <= 1)
		return;
	written = snprintf(shower->at, shower->left, format, size, text);
	if (written < 0)
		return;
	if ((size_t)written >= shower->left)
		written = (int)shower->left - 1;
	shower->at += written;
	shower->left -= (size_t)written;
}

static void show_type(struct shower *, const struct cedar_type *);

static void
show_record(struct shower *shower, const struct cedar_type *type)
{
	uint32_t i;

	show(shower, "%.*s", 1, "{");
	for (i = 0; i < type->count && shower->left > 1; i++) {
		const struct cedar_attribute *attribute = &type->attributes[i];

		if (i > 0)
			show(shower, "%.*s", 2, ", ");
		show(shower, "%.*s", (int)attribute->name.size, attribute->name.data);
		show(shower, "%.*s", 3, attribute->required ? ": " : "?: ");
		show_type(shower, attribute->type);
	}
	show(shower, "%.*s", 1, "}");
}

static void
show_type(struct shower *shower, const struct cedar_type *type)
{
	static const char *const names[] = { "Bool", "True", "False", "Long", "String" };

	if (shower->left <= 1)
		return;
	if (type->kind == CEDAR_TYPE_ENTITY) {
		show(shower, "%.*s", (int)type->entity->name.size, type->entity->name.data);
	} else if (type->kind == CEDAR_TYPE_SET) {
		show(shower, "%.*s", 4, "Set<");
		show_type(shower, type->element);
		show(shower, "%.*s", 1, ">");
	} else if (type->kind == CEDAR_TYPE_RECORD) {
		show_record(shower, type);
	} else if (type->kind == CEDAR_TYPE_NEVER) {
		show(shower, "%.*s", 7, "unknown");
	} else if (type->kind == CEDAR_TYPE_EXTENSION) {
		show(shower, "%.*s", 8, extension_names[type->extension - CEDAR_DECIMAL]);
	} else {
		show(shower, "%.*s", 6, names[type->kind]);
	}
}

const char *
cedar_type_show(const struct cedar_type *type, char *buffer, size_t size)
{
	struct shower shower = { buffer, size };

	buffer[0] = '\0';
	show_type(&shower, type);
	return buffer;
}

const struct cedar_entity_type *
cedar_schema_type(const struct cedar_schema *schema, struct cedar_text name)
{
	return cedar_table_find(&schema->types, name, CEDAR_TEXT(""));
}

const struct cedar_action_type *
cedar_schema_action(const struct cedar_schema *schema, const struct cedar_uid *uid)
{
	return cedar_table_find(&schema->actions, uid->type, uid->id);
}
