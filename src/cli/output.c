/* Answers as tables for people, JSON for programs. */
#include "cli/inside.h"

#include <stdio.h>

enum { COLUMNS = 16, CELL_MAX = 60 };

static char *
cell(void *owner, json_t *value)
{
	if (!value || json_is_null(value))
		return memory_format(owner, "-");
	if (json_is_string(value))
		return memory_format(owner, "%s", json_string_value(value)[0] ? json_string_value(value) : "-");
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	char *kept = memory_format(owner, "%s", text);
	free(text);
	return kept;
}

/* Columns on a screen: characters, and two for each of East Asian width. */
static size_t
width(const char *text)
{
	size_t n = 0;
	for (const unsigned char *p = (const unsigned char *)text; *p; p++)
		if ((*p & 0xC0) != 0x80)
			n += *p >= 0xE3 && *p < 0xF0 ? 2 : 1;
	return n;
}

static size_t
find_columns(json_t *items, const char **columns)
{
	size_t count = 0;
	const char *key;
	json_t *value;
	json_object_foreach(json_array_get(items, 0), key, value)
		if (count < COLUMNS && !json_is_object(value) && !json_is_array(value))
			columns[count++] = key;
	return count;
}

static void
print_padded(const char *text, size_t to, bool last)
{
	fputs(text, stdout);
	for (size_t n = width(text); !last && n < to + 2; n++)
		putchar(' ');
}

static void
print_table(json_t *items)
{
	SCOPED void *scope = talloc_new(NULL);
	const char *columns[COLUMNS];
	size_t count = find_columns(items, columns), widths[COLUMNS] = { 0 }, i;
	json_t *item;
	for (size_t c = 0; c < count; c++) {
		widths[c] = width(columns[c]);
		json_array_foreach(items, i, item) {
			size_t n = width(cell(scope, json_object_get(item, columns[c])));
			widths[c] = n > widths[c] && n <= CELL_MAX ? n : widths[c];
		}
	}
	for (size_t c = 0; c < count; c++)
		print_padded(columns[c], widths[c], c + 1 == count);
	if (count)
		putchar('\n');
	json_array_foreach(items, i, item) {
		for (size_t c = 0; c < count; c++)
			print_padded(cell(scope, json_object_get(item, columns[c])), widths[c], c + 1 == count);
		putchar('\n');
	}
}

static void
print_json(json_t *j)
{
	json_dumpf(j, stdout, (cli_output == OUTPUT_JSON ? JSON_INDENT(2) : JSON_COMPACT) | JSON_ENCODE_ANY);
	putchar('\n');
}

void
print_items(json_t *items)
{
	size_t i;
	json_t *item;
	if (cli_output == OUTPUT_JSON)
		print_json(items);
	else if (cli_output == OUTPUT_TABLE)
		print_table(items);
	else
		json_array_foreach(items, i, item)
			print_json(item);
}

void
print_item(json_t *item)
{
	SCOPED void *scope = talloc_new(NULL);
	const char *key;
	json_t *value;
	size_t widest = 0;
	if (cli_output != OUTPUT_TABLE) {
		print_json(item);
		return;
	}
	json_object_foreach(item, key, value)
		widest = width(key) > widest ? width(key) : widest;
	json_object_foreach(item, key, value) {
		print_padded(key, widest, false);
		printf("%s\n", cell(scope, value));
	}
}
