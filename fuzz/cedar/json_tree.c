/* json_tree: any bytes to the JSON reader, cedar_json_parse. What it takes has its place in the text, reads the same from there, and
 * strings are read as they were once written. What it refuses has a fault that says where. */
#include <stdint.h>
#include <stdlib.h>

#include "cedar/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool good)
{
	if (!good)
		abort();
}

static void
writes_again(struct cedar_arena *arena, struct cedar_text text)
{
	struct cedar_writer writer;
	struct cedar_json again;

	cedar_writer_init(&writer, NULL);
	cedar_json_write(&writer, text);
	must(!writer.failed && cedar_json_parse(arena, cedar_writer_text(&writer), &again, NULL));
	must(again.kind == CEDAR_JSON_STRING && cedar_text_equal(again.text, text));
	cedar_writer_dispose(&writer);
}

/* No deeper than the reader allows. */
static void
walk(struct cedar_arena *arena, struct cedar_text source, const struct cedar_json *json)
{
	struct cedar_json again;
	size_t i;

	must(json->offset < json->end && json->end <= source.size && json->kind <= CEDAR_JSON_OBJECT);
	if (json->kind < CEDAR_JSON_ARRAY) {
		must(cedar_json_parse(
		    arena, (struct cedar_text){ source.data + json->offset, json->end - json->offset }, &again, NULL));
		must(again.kind == json->kind && (json->kind != CEDAR_JSON_LONG || again.number == json->number));
	}
	if (json->kind == CEDAR_JSON_STRING)
		writes_again(arena, json->text);
	for (i = 0; json->kind == CEDAR_JSON_ARRAY && i < json->count; i++)
		walk(arena, source, &json->items[i]);
	for (i = 0; json->kind == CEDAR_JSON_OBJECT && i < json->field_count; i++) {
		writes_again(arena, json->fields[i].name);
		walk(arena, source, &json->fields[i].value);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cedar_text source = { (const char *)data, size };
	struct cedar_fault fault = { 0 };
	struct cedar_arena arena;
	struct cedar_json json;

	cedar_arena_init(&arena, NULL, 4096);
	if (cedar_json_parse(&arena, source, &json, &fault))
		walk(&arena, source, &json);
	else
		must(fault.message[0] != '\0' && fault.offset <= size && fault.line > 0);
	cedar_arena_dispose(&arena);
	return 0;
}
