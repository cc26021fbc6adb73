/* Files, faults and answers of `sekisho cedar …`. */
#include "cli/cedar_work.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

char *
read_file(const char *path, size_t *size)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
	size_t capacity = 65536, got;
	char *data = malloc(capacity), *grown;

	*size = 0;
	while (file != NULL && data != NULL && (got = fread(data + *size, 1, capacity - *size - 1, file)) > 0) {
		*size += got;
		if (capacity - *size > 1)
			continue;
		grown = realloc(data, capacity *= 2);
		if (grown == NULL)
			free(data);
		data = grown;
	}
	if (file == NULL || data == NULL || ferror(file)) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		free(data);
		data = NULL;
	} else {
		data[*size] = '\0';
	}
	if (file != NULL && file != stdin)
		fclose(file);
	return data;
}

bool
is_json_name(const char *path)
{
	size_t size = strlen(path);

	return size > 5 && strcmp(path + size - 5, ".json") == 0;
}

/* FILE:LINE:COL: text, then the line with a caret, then what to do about it. */
void
print_fault(FILE *out, const char *path, const char *text, size_t size, const struct cedar_fault *fault)
{
	size_t start = fault->offset < size ? fault->offset : size, end = start, i;

	fprintf(out, "%s:%u:%u: %s\n", path, fault->line, fault->column, fault->message);
	while (start > 0 && text[start - 1] != '\n')
		start--;
	while (end < size && text[end] != '\n')
		end++;
	if (fault->line > 0 && end - start < 200 && end > start) {
		fprintf(out, "  %.*s\n  ", (int)(end - start), text + start);
		for (i = start; i < fault->offset && i < end; i++)
			if (((unsigned char)text[i] & 0xC0) != 0x80)
				fputc(text[i] == '\t' ? '\t' : ' ', out);
		fputs("^\n", out);
	}
	if (fault->suggestion[0] != '\0')
		fprintf(out, "  hint: %s\n", fault->suggestion);
}

/* By its name; of standard input, by its first byte. */
static bool
is_json(const char *path, struct cedar_text text)
{
	size_t first;

	if (strcmp(path, "-") != 0)
		return is_json_name(path);
	first = strspn(text.data, " \t\r\n");
	return first < text.size && text.data[first] == '{';
}

typedef bool parse_t(struct work *, struct cedar_text, bool json, struct cedar_fault *);

/* Reads and parses; a fault is printed with its line. The text is freed, unless it is kept in the work. */
static bool
load(struct work *work, const char *path, FILE *out, parse_t *parse, bool keep)
{
	struct cedar_fault fault = { 0 };
	size_t size;
	char *text = read_file(path, &size);
	bool parsed;

	if (text == NULL)
		return false;
	parsed =
	    parse(work, (struct cedar_text){ text, size }, is_json(path, (struct cedar_text){ text, size }), &fault);
	if (!parsed)
		print_fault(out, path, text, size, &fault);
	if (keep) {
		work->policies_text = text;
		work->policies_size = size;
	} else {
		free(text);
	}
	return parsed;
}

static bool
parse_policies(struct work *work, struct cedar_text text, bool json, struct cedar_fault *fault)
{
	return json ? cedar_policies_parse_json(NULL, text, &work->policies, fault)
	            : cedar_policies_parse(NULL, text, &work->policies, fault);
}

static bool
parse_schema(struct work *work, struct cedar_text text, bool json, struct cedar_fault *fault)
{
	return json ? cedar_schema_parse_json(NULL, text, &work->schema, fault)
	            : cedar_schema_parse(NULL, text, &work->schema, fault);
}

static bool
parse_entities(struct work *work, struct cedar_text text, bool json, struct cedar_fault *fault)
{
	(void)json; /* there is no other form */
	return cedar_entities_parse_json(NULL, text, work->schema, &work->entities, fault);
}

bool
load_policies(struct work *work, const char *path, FILE *out)
{
	return load(work, path, out, parse_policies, true);
}

bool
load_schema(struct work *work, const char *path)
{
	return load(work, path, stderr, parse_schema, false);
}

bool
load_entities(struct work *work, const char *path)
{
	return load(work, path, stderr, parse_entities, false);
}

void
work_end(struct work *work)
{
	cedar_policies_free(work->policies);
	cedar_entities_free(work->entities);
	cedar_schema_free(work->schema);
	free(work->policies_text);
}

int
text_order(const void *a, const void *b)
{
	const struct cedar_text *left = a, *right = b;
	size_t common = left->size < right->size ? left->size : right->size;
	int order = memcmp(left->data, right->data, common);

	return order != 0 ? order : (left->size > right->size) - (left->size < right->size);
}

/* The ids of the reasons, or of the policies that erred, sorted; NULL when memory is out. */
struct cedar_text *
sorted_ids(const struct cedar_policies *policies, const struct cedar_response *response, bool errors)
{
	size_t count = errors ? response->error_count : response->reason_count, i;
	struct cedar_text *ids = malloc((count + 1) * sizeof *ids);

	for (i = 0; i < count && ids != NULL; i++)
		ids[i] = cedar_policy_id(policies, errors ? response->errors[i].policy : response->reasons[i]);
	if (ids != NULL && count > 0)
		qsort(ids, count, sizeof *ids, text_order);
	return ids;
}

static void
write_ids(struct cedar_writer *writer, const struct cedar_policies *policies, const struct cedar_response *response,
          bool errors)
{
	struct cedar_text *ids = sorted_ids(policies, response, errors);
	size_t count = errors ? response->error_count : response->reason_count, i;

	cedar_write_byte(writer, '[');
	for (i = 0; i < count && ids != NULL; i++) {
		if (i > 0)
			cedar_write_byte(writer, ',');
		cedar_json_write(writer, ids[i]);
	}
	cedar_write_byte(writer, ']');
	writer->failed |= ids == NULL;
	free(ids);
}

/* Prints and empties. */
bool
print_line(struct cedar_writer *writer)
{
	bool good =
	    !writer->failed && fwrite(writer->data, 1, writer->size, stdout) == writer->size && putchar('\n') != EOF;

	cedar_writer_dispose(writer);
	return good;
}

bool
put_error(const char *message)
{
	struct cedar_writer writer;

	cedar_writer_init(&writer, NULL);
	cedar_write(&writer, "{\"error\":");
	cedar_json_write(&writer, (struct cedar_text){ message, strlen(message) });
	cedar_write(&writer, "}");
	print_line(&writer);
	return false;
}

bool
print_response(const struct cedar_policies *policies, const struct cedar_response *response)
{
	struct cedar_writer writer;

	cedar_writer_init(&writer, NULL);
	cedar_write(&writer,
	            response->allow ? "{\"decision\":\"allow\",\"reason\":" : "{\"decision\":\"deny\",\"reason\":");
	write_ids(&writer, policies, response, false);
	cedar_write(&writer, ",\"errors\":");
	write_ids(&writer, policies, response, true);
	cedar_write(&writer, "}");
	return print_line(&writer);
}

/* Calls for each line that is not blank; answers whether all were done. */
bool
each_line(char *text, size_t size, bool (*visit)(void *, struct cedar_text, unsigned line), void *context)
{
	size_t start = 0, end;
	unsigned line = 1;
	bool good = true;

	for (; start < size; start = end + 1, line++) {
		struct cedar_text row;

		for (end = start; end < size && text[end] != '\n'; end++)
			;
		row = (struct cedar_text){ text + start, end - start };
		while (row.size > 0 && strchr(" \t\r", row.data[row.size - 1]) != NULL)
			row.size--;
		if (row.size > 0)
			good = visit(context, row, line) && good;
	}
	return good;
}
