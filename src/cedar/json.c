/* json.c - strict JSON: arrays and objects. What is open is kept in an arena, so no nesting is too deep for the stack. */
#include "cedar/json_read.h"

/* An array or object that is not yet closed. */
struct level {
	struct level *outer;
	struct cedar_json *out;
	bool object;
	void *members; /* values or fields; grown in the arena */
	size_t count, capacity;
};

struct levels {
	struct cedar_arena arena;
	struct level *inner, *spare;
	size_t depth, most;
};

bool
cedar_json_fail(struct cedar_json_reader *reader, const char *message)
{
	return cedar_fault_set(reader->fault, reader->source, reader->at, "JSON: %s", message);
}

static char
skip_blank(struct cedar_json_reader *reader)
{
	while (reader->at < reader->source.size && memchr(" \t\r\n", reader->source.data[reader->at], 4) != NULL)
		reader->at++;
	return reader->at < reader->source.size ? reader->source.data[reader->at] : '\0';
}

static bool
names_distinct(struct cedar_json_reader *reader, const struct cedar_json_field *fields, size_t count)
{
	struct cedar_text *sorted;
	size_t i, j;

	if (count <= 16) {
		for (i = 1; i < count; i++)
			for (j = 0; j < i; j++)
				if (cedar_text_equal(fields[i].name, fields[j].name))
					return cedar_json_fail(reader, "a name comes twice in this object");
		return true;
	}
	sorted = cedar_arena_take(reader->arena, count * sizeof *sorted);
	if (sorted == NULL)
		return cedar_json_fail(reader, "out of memory");
	for (i = 0; i < count; i++)
		sorted[i] = fields[i].name;
	cedar_texts_sort(sorted, count);
	for (i = 1; i < count; i++)
		if (cedar_text_equal(sorted[i - 1], sorted[i]))
			return cedar_json_fail(reader, "a name comes twice in this object");
	return true;
}

static bool
level_open(struct cedar_json_reader *reader, struct levels *levels, struct cedar_json *out, bool object)
{
	struct level *level = levels->spare ? levels->spare : cedar_arena_take(&levels->arena, sizeof *level);

	if (level == NULL)
		return cedar_json_fail(reader, "out of memory");
	levels->spare = levels->spare ? levels->spare->outer : NULL;
	*level = (struct level){ .outer = levels->inner, .out = out, .object = object };
	out->kind = object ? CEDAR_JSON_OBJECT : CEDAR_JSON_ARRAY;
	levels->inner = level;
	levels->depth++;
	reader->at++;
	return true;
}

static bool
level_close(struct cedar_json_reader *reader, struct levels *levels)
{
	struct level *level = levels->inner;
	struct cedar_json *out = level->out;

	reader->at++;
	out->end = (uint32_t)reader->at;
	levels->inner = level->outer;
	levels->depth--;
	level->outer = levels->spare;
	levels->spare = level;
	if (!level->object) {
		out->items = level->members;
		out->count = level->count;
		return true;
	}
	out->fields = level->members;
	out->field_count = level->count;
	return names_distinct(reader, out->fields, out->field_count);
}

/* A value begins here: a scalar is read, an array or object opened. */
static bool
value_begin(struct cedar_json_reader *reader, struct levels *levels, struct cedar_json *out)
{
	char first = skip_blank(reader);

	memset(out, 0, sizeof *out);
	out->offset = (uint32_t)reader->at;
	if (levels->depth >= levels->most)
		return cedar_json_fail(reader, "nested too deep");
	if (first == '{' || first == '[')
		return level_open(reader, levels, out, first == '{');
	if (!cedar_json_read_scalar(reader, out))
		return false;
	out->end = (uint32_t)reader->at;
	return true;
}

static bool
field_name(struct cedar_json_reader *reader, struct cedar_text *out)
{
	if (skip_blank(reader) != '"')
		return cedar_json_fail(reader, "expected a name in quotes");
	if (!cedar_json_read_string(reader, out))
		return false;
	if (skip_blank(reader) != ':')
		return cedar_json_fail(reader, "expected `:`");
	reader->at++;
	return true;
}

static bool
member_begin(struct cedar_json_reader *reader, struct levels *levels)
{
	struct level *level = levels->inner;
	size_t size = level->object ? sizeof(struct cedar_json_field) : sizeof(struct cedar_json);
	struct cedar_json_field *field;

	if (!cedar_arena_grow(reader->arena, &level->members, level->count, &level->capacity, size))
		return cedar_json_fail(reader, "out of memory");
	if (!level->object)
		return value_begin(reader, levels, (struct cedar_json *)level->members + level->count++);
	field = (struct cedar_json_field *)level->members + level->count++;
	return field_name(reader, &field->name) && value_begin(reader, levels, &field->value);
}

/* What stands next in the innermost array or object: its end, or one more member. */
static bool
level_go_on(struct cedar_json_reader *reader, struct levels *levels)
{
	struct level *level = levels->inner;
	char next = skip_blank(reader);

	if (next == (level->object ? '}' : ']'))
		return level_close(reader, levels);
	if (level->count > 0) {
		if (next != ',')
			return cedar_json_fail(reader, level->object ? "expected `,` or `}`" : "expected `,` or `]`");
		reader->at++;
		next = skip_blank(reader);
		if (next == ']' && !level->object)
			return cedar_json_fail(reader, "expected a value");
	}
	return member_begin(reader, levels);
}

static bool
read_value(struct cedar_json_reader *reader, struct levels *levels, struct cedar_json *out)
{
	if (!value_begin(reader, levels, out))
		return false;
	while (levels->inner != NULL)
		if (!level_go_on(reader, levels))
			return false;
	skip_blank(reader);
	return reader->at == reader->source.size || cedar_json_fail(reader, "something stands behind the value");
}

bool
cedar_json_parse_deep(struct cedar_arena *arena, struct cedar_text source, size_t most, struct cedar_json *out,
                      struct cedar_fault *fault)
{
	struct cedar_json_reader reader = { .arena = arena, .source = source, .fault = fault };
	struct levels levels = { .most = most };
	bool done;

	if (source.size > CEDAR_SOURCE_MAX)
		return cedar_fault_set(fault, (struct cedar_text){ 0 }, 0, "JSON: the text is longer than %d bytes",
		                       (int)CEDAR_SOURCE_MAX);
	reader.at = cedar_text_utf8_span(source);
	if (reader.at < source.size)
		return cedar_json_fail(&reader, "the text is not UTF-8 here");
	reader.at = 0;
	cedar_arena_init(&levels.arena, &arena->memory, 1024);
	done = read_value(&reader, &levels, out);
	cedar_arena_dispose(&levels.arena);
	return done;
}

bool
cedar_json_parse(struct cedar_arena *arena, struct cedar_text source, struct cedar_json *out, struct cedar_fault *fault)
{
	return cedar_json_parse_deep(arena, source, CEDAR_DEPTH_MAX, out, fault);
}

const struct cedar_json *
cedar_json_get(const struct cedar_json *json, const char *name)
{
	size_t i;

	if (json == NULL || json->kind != CEDAR_JSON_OBJECT)
		return NULL;
	for (i = 0; i < json->field_count; i++)
		if (cedar_text_is(json->fields[i].name, name))
			return &json->fields[i].value;
	return NULL;
}

const struct cedar_json *
cedar_json_part(const struct cedar_json *json, const char *const *names, size_t index)
{
	if (json == NULL || json->kind != CEDAR_JSON_ARRAY)
		return cedar_json_get(json, names[index]);
	return index < json->count ? &json->items[index] : NULL;
}

bool
cedar_json_is(const struct cedar_json *json, const char *text)
{
	return json != NULL && json->kind == CEDAR_JSON_STRING && cedar_text_is(json->text, text);
}
