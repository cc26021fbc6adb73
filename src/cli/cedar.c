/* cedar.c - `sekisho cedar …`. What each prints is pinned in CONTRACT.md. */
#include "cli/cedar.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cedar/cedar.h"
#include "cedar/convert.h"
#include "cedar/explain.h"
#include "cedar/json.h"
#include "cedar/schema.h"

enum { DONE = 0, FAILED = 1, WRONG_USAGE = 2 };

/* What the options named; the texts live until the end of the command. */
struct work {
	const char *policies_file, *entities_file, *schema_file, *requests_file, *to, *file;
	unsigned long seconds, decisions;
	char *policies_text;
	size_t policies_size;
	struct cedar_policies *policies;
	struct cedar_entities *entities;
	struct cedar_schema *schema;
};

static char *
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

static bool
is_json_name(const char *path)
{
	size_t size = strlen(path);

	return size > 5 && strcmp(path + size - 5, ".json") == 0;
}

/* FILE:LINE:COL: text, then the line with a caret, then what to do about it. */
static void
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

static bool
load_policies(struct work *work, const char *path, FILE *out)
{
	struct cedar_fault fault = { 0 };
	struct cedar_text text;
	bool parsed;

	work->policies_text = read_file(path, &work->policies_size);
	if (work->policies_text == NULL)
		return false;
	text = (struct cedar_text){ work->policies_text, work->policies_size };
	parsed = is_json_name(path) ? cedar_policies_parse_json(NULL, text, &work->policies, &fault)
				    : cedar_policies_parse(NULL, text, &work->policies, &fault);
	if (!parsed)
		print_fault(out, path, text.data, text.size, &fault);
	return parsed;
}

static bool
load_schema(struct work *work, const char *path)
{
	struct cedar_fault fault = { 0 };
	size_t size;
	char *text = read_file(path, &size);
	bool parsed;

	if (text == NULL)
		return false;
	parsed = is_json_name(path) ? cedar_schema_parse_json(NULL, (struct cedar_text){ text, size }, &work->schema, &fault)
				    : cedar_schema_parse(NULL, (struct cedar_text){ text, size }, &work->schema, &fault);
	if (!parsed)
		print_fault(stderr, path, text, size, &fault);
	free(text);
	return parsed;
}

static bool
load_entities(struct work *work, const char *path)
{
	struct cedar_fault fault = { 0 };
	size_t size;
	char *text = read_file(path, &size);
	bool parsed;

	if (text == NULL)
		return false;
	parsed = cedar_entities_parse_json(NULL, (struct cedar_text){ text, size }, work->schema, &work->entities, &fault);
	if (!parsed)
		print_fault(stderr, path, text, size, &fault);
	free(text);
	return parsed;
}

static void
work_end(struct work *work)
{
	cedar_policies_free(work->policies);
	cedar_entities_free(work->entities);
	cedar_schema_free(work->schema);
	free(work->policies_text);
}

static int
text_order(const void *a, const void *b)
{
	const struct cedar_text *left = a, *right = b;
	size_t common = left->size < right->size ? left->size : right->size;
	int order = memcmp(left->data, right->data, common);

	return order != 0 ? order : (left->size > right->size) - (left->size < right->size);
}

/* The ids of the reasons, or of the policies that erred, sorted; NULL when memory is out. */
static struct cedar_text *
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
write_ids(struct cedar_writer *writer, const struct cedar_policies *policies, const struct cedar_response *response, bool errors)
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
static bool
print_line(struct cedar_writer *writer)
{
	bool good = !writer->failed && fwrite(writer->data, 1, writer->size, stdout) == writer->size && putchar('\n') != EOF;

	cedar_writer_dispose(writer);
	return good;
}

static bool
print_error(const char *message)
{
	struct cedar_writer writer;

	cedar_writer_init(&writer, NULL);
	cedar_write(&writer, "{\"error\":");
	cedar_json_write(&writer, (struct cedar_text){ message, strlen(message) });
	cedar_write(&writer, "}");
	print_line(&writer);
	return false;
}

static bool
print_response(const struct cedar_policies *policies, const struct cedar_response *response)
{
	struct cedar_writer writer;

	cedar_writer_init(&writer, NULL);
	cedar_write(&writer, response->allow ? "{\"decision\":\"allow\",\"reason\":" : "{\"decision\":\"deny\",\"reason\":");
	write_ids(&writer, policies, response, false);
	cedar_write(&writer, ",\"errors\":");
	write_ids(&writer, policies, response, true);
	cedar_write(&writer, "}");
	return print_line(&writer);
}

/* Calls for each line that is not blank; answers whether all were done. */
static bool
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

struct authorizing {
	const struct work *work;
	struct cedar_builder *builder;
	struct cedar_scratch *scratch;
};

static bool
authorize_line(void *context, struct cedar_text row, unsigned line)
{
	struct authorizing *authorizing = context;
	const struct work *work = authorizing->work;
	struct cedar_request request;
	struct cedar_response response;
	struct cedar_fault fault = { 0 };

	cedar_builder_reset(authorizing->builder);
	if (!cedar_request_parse_json(authorizing->builder, row, work->schema, &request, &fault) ||
		(work->schema != NULL && !cedar_schema_check_request(work->schema, &request, &fault))) {
		fprintf(stderr, "%s:%u:%u: %s\n", work->requests_file, line, fault.column, fault.message);
		return print_error(fault.message);
	}
	if (!cedar_authorize(work->policies, work->entities, NULL, &request, authorizing->scratch, &response))
		return print_error("out of memory");
	return print_response(work->policies, &response);
}

static void
write_explanation(struct cedar_writer *writer, const struct work *work, const struct cedar_explanation *why)
{
	static const char *const outcomes[] = { "applies", "scope", "condition", "error" };
	static const char *const parts[] = { "principal", "action", "resource" };
	int i;

	cedar_write(writer, "{\"policy\":");
	cedar_json_write(writer, cedar_policy_id(work->policies, why->policy));
	cedar_write_format(writer, ",\"outcome\":\"%s\",\"scope\":{", outcomes[why->outcome]);
	for (i = 0; i < 3; i++)
		cedar_write_format(writer, "%s\"%s\":%s", i ? "," : "", parts[i], why->matched[i] ? "true" : "false");
	cedar_write(writer, "}");
	if (why->clause.size > 0) {
		cedar_write_format(writer, ",\"condition\":%zu,\"kind\":\"%s\",\"clause\":", why->condition,
			why->unless ? "unless" : "when");
		cedar_json_write(writer, why->clause);
	}
	if (why->message[0] != '\0') {
		cedar_write(writer, ",\"message\":");
		cedar_json_write(writer, (struct cedar_text){ why->message, strlen(why->message) });
	}
	cedar_write(writer, "}");
}

static bool
explain_line(void *context, struct cedar_text row, unsigned line)
{
	struct authorizing *authorizing = context;
	const struct work *work = authorizing->work;
	struct cedar_explained explained;
	struct cedar_request request;
	struct cedar_fault fault = { 0 };
	struct cedar_writer writer;
	size_t i;

	cedar_builder_reset(authorizing->builder);
	if (!cedar_request_parse_json(authorizing->builder, row, work->schema, &request, &fault)) {
		fprintf(stderr, "%s:%u:%u: %s\n", work->requests_file, line, fault.column, fault.message);
		return print_error(fault.message);
	}
	if (!cedar_explain(NULL, work->policies, work->entities, NULL, &request, 5, &explained))
		return print_error("out of memory");
	cedar_writer_init(&writer, NULL);
	cedar_write(&writer, explained.allow ? "{\"decision\":\"allow\",\"policies\":[" : "{\"decision\":\"deny\",\"policies\":[");
	for (i = 0; i < explained.count; i++) {
		if (i > 0)
			cedar_write(&writer, ",");
		write_explanation(&writer, work, &explained.items[i]);
	}
	cedar_write(&writer, "]}");
	cedar_explained_free(&explained);
	return print_line(&writer);
}

static bool
load_for_requests(struct work *work)
{
	return (work->schema_file == NULL || load_schema(work, work->schema_file)) &&
		load_policies(work, work->policies_file, stderr) &&
		(work->entities_file == NULL || load_entities(work, work->entities_file));
}

static int
each_request(struct work *work, bool (*visit)(void *, struct cedar_text, unsigned))
{
	struct authorizing authorizing = { work, cedar_builder_new(NULL), cedar_scratch_new(NULL) };
	char *requests = NULL;
	bool good = false;
	size_t size;

	if (authorizing.builder != NULL && authorizing.scratch != NULL && load_for_requests(work) &&
		(requests = read_file(work->requests_file, &size)) != NULL)
		good = each_line(requests, size, visit, &authorizing);
	free(requests);
	cedar_builder_free(authorizing.builder);
	cedar_scratch_free(authorizing.scratch);
	return good ? DONE : FAILED;
}

static int
command_authorize(struct work *work)
{
	return each_request(work, authorize_line);
}

static int
command_explain(struct work *work)
{
	return each_request(work, explain_line);
}

static int
command_validate(struct work *work)
{
	struct cedar_report report;
	size_t i;
	bool valid;

	if (!load_schema(work, work->schema_file) || !load_policies(work, work->policies_file, stdout))
		return FAILED;
	if (!cedar_validate(NULL, work->schema, work->policies, &report)) {
		fprintf(stderr, "out of memory\n");
		return FAILED;
	}
	for (i = 0; i < report.count; i++) {
		struct cedar_fault fault = report.problems[i].fault;
		char message[sizeof fault.message];

		snprintf(message, sizeof message, "%s%.200s (%.*s)", report.problems[i].warning ? "warning: " : "", fault.message,
			(int)(report.problems[i].policy.size > 40 ? 40 : report.problems[i].policy.size),
			report.problems[i].policy.data);
		memcpy(fault.message, message, sizeof message);
		print_fault(stdout, work->policies_file, work->policies_text, work->policies_size, &fault);
	}
	valid = report.errors == 0;
	cedar_report_free(&report);
	return valid ? DONE : FAILED;
}

static int
print_text(struct cedar_text text)
{
	bool good = fwrite(text.data, 1, text.size, stdout) == text.size &&
		(text.size == 0 || text.data[text.size - 1] == '\n' || putchar('\n') != EOF);

	cedar_text_free(NULL, text);
	return good && fflush(stdout) == 0 ? DONE : FAILED;
}

/* The file of --policies, the one named, or standard input. */
static const char *
input_of(const struct work *work)
{
	return work->policies_file ? work->policies_file : work->file ? work->file : "-";
}

static int
command_format(struct work *work)
{
	struct cedar_format format = { 0 };
	struct cedar_fault fault = { 0 };
	struct cedar_text text;

	work->policies_text = read_file(input_of(work), &work->policies_size);
	if (work->policies_text == NULL)
		return FAILED;
	if (cedar_format_text(NULL, (struct cedar_text){ work->policies_text, work->policies_size }, &format, &text, &fault))
		return print_text(text);
	print_fault(stderr, input_of(work), work->policies_text, work->policies_size, &fault);
	return FAILED;
}

/* What the input is shows in its name, and on standard input in its first byte. */
static bool
load_for_translation(struct work *work)
{
	struct cedar_fault fault = { 0 };
	struct cedar_text text;
	size_t first;

	if (strcmp(input_of(work), "-") != 0)
		return load_policies(work, input_of(work), stderr);
	work->policies_text = read_file("-", &work->policies_size);
	if (work->policies_text == NULL)
		return false;
	text = (struct cedar_text){ work->policies_text, work->policies_size };
	first = strspn(text.data, " \t\r\n");
	if (text.data[first] == '{' ? cedar_policies_parse_json(NULL, text, &work->policies, &fault)
				    : cedar_policies_parse(NULL, text, &work->policies, &fault))
		return true;
	print_fault(stderr, "-", text.data, text.size, &fault);
	return false;
}

static int
command_translate(struct work *work)
{
	bool to_json = strcmp(work->to, "json") == 0;
	struct cedar_text text;

	if (!to_json && strcmp(work->to, "cedar") != 0) {
		fprintf(stderr, "--to takes json or cedar\n");
		return WRONG_USAGE;
	}
	if (!load_for_translation(work))
		return FAILED;
	if (to_json ? cedar_policies_write_json(NULL, work->policies, &text) : cedar_policies_write_text(NULL, work->policies, &text))
		return print_text(text);
	fprintf(stderr, "out of memory\n");
	return FAILED;
}

/* Conformance. */

struct conformance {
	const char *root;
	unsigned long passed, failed;
	struct cedar_builder *builder;
	struct cedar_scratch *scratch;
};

struct conformance_test {
	struct conformance *all;
	const char *path;
	struct work work;
	unsigned reported; /* which fields */
	bool failed;
};

static const char *const fields[] = { "test", "policies", "schema", "entities", "shouldValidate", "request", "decision",
	"reason", "errors" };
enum field { FIELD_TEST, FIELD_POLICIES, FIELD_SCHEMA, FIELD_ENTITIES, FIELD_SHOULD_VALIDATE, FIELD_REQUEST, FIELD_DECISION, FIELD_REASON, FIELD_ERRORS };

static void
conformance_fail(struct conformance_test *test, enum field field, const char *detail)
{
	test->failed = true;
	if (test->reported >> field & 1)
		return;
	test->reported |= 1u << field;
	printf("FAIL %s %s\n", test->path, fields[field]);
	fprintf(stderr, "%s: %s: %s\n", test->path, fields[field], detail);
}

static bool
conformance_path(struct conformance_test *test, const struct cedar_json *json, const char *name, char *out, size_t size)
{
	const struct cedar_json *path = cedar_json_get(json, name);

	return path != NULL && path->kind == CEDAR_JSON_STRING && strlen(path->text.data) == path->text.size &&
		snprintf(out, size, "%s/%s", test->all->root, path->text.data) < (int)size;
}

/* Are these, as a set, the ids wanted? */
static bool
ids_agree(const struct cedar_policies *policies, const struct cedar_response *response, const struct cedar_json *wanted, bool errors)
{
	struct cedar_text *ids = sorted_ids(policies, response, errors);
	size_t count = errors ? response->error_count : response->reason_count, i, j;
	bool agree = ids != NULL && wanted != NULL && wanted->kind == CEDAR_JSON_ARRAY;

	for (i = 0; agree && i < count; i++) {
		for (j = 0; j < wanted->count; j++)
			if (wanted->items[j].kind == CEDAR_JSON_STRING && text_order(&ids[i], &wanted->items[j].text) == 0)
				break;
		agree = j < wanted->count;
	}
	for (i = 0; agree && i < wanted->count; i++)
		agree = wanted->items[i].kind == CEDAR_JSON_STRING &&
			(count > 0 && bsearch(&wanted->items[i].text, ids, count, sizeof *ids, text_order) != NULL);
	free(ids);
	return agree;
}

static void
conformance_answer(struct conformance_test *test, const struct cedar_json *json, const struct cedar_response *response)
{
	if (!cedar_json_is(cedar_json_get(json, "decision"), response->allow ? "allow" : "deny"))
		conformance_fail(test, FIELD_DECISION, response->allow ? "got allow" : "got deny");
	if (!ids_agree(test->work.policies, response, cedar_json_get(json, "reason"), false))
		conformance_fail(test, FIELD_REASON, "other policies determine");
	if (!ids_agree(test->work.policies, response, cedar_json_get(json, "errors"), true))
		conformance_fail(test, FIELD_ERRORS, response->error_count ? response->errors[0].message : "no policy erred");
}

static void
conformance_request(struct conformance_test *test, struct cedar_text source, const struct cedar_json *json)
{
	const struct cedar_json *validate = cedar_json_get(json, "validateRequest");
	bool unchecked = validate != NULL && validate->kind == CEDAR_JSON_BOOL && !validate->truth;
	struct cedar_text text = { source.data + json->offset, json->end - json->offset };
	struct cedar_fault fault = { 0 };
	struct cedar_response response;
	struct cedar_request request;

	cedar_builder_reset(test->all->builder);
	if (!cedar_request_parse_json(test->all->builder, text, test->work.schema, &request, &fault) ||
		(!unchecked && !cedar_schema_check_request(test->work.schema, &request, &fault)))
		conformance_fail(test, FIELD_REQUEST, fault.message);
	else if (!cedar_authorize(test->work.policies, test->work.entities, NULL, &request, test->all->scratch, &response))
		conformance_fail(test, FIELD_REQUEST, "out of memory");
	else
		conformance_answer(test, json, &response);
}

static void
conformance_validate(struct conformance_test *test, const struct cedar_json *json)
{
	const struct cedar_json *should = cedar_json_get(json, "shouldValidate");
	struct cedar_report report;

	if (should == NULL || should->kind != CEDAR_JSON_BOOL ||
		!cedar_validate(NULL, test->work.schema, test->work.policies, &report)) {
		conformance_fail(test, FIELD_SHOULD_VALIDATE, "not a boolean, or out of memory");
		return;
	}
	if ((report.errors == 0) != should->truth)
		conformance_fail(test, FIELD_SHOULD_VALIDATE, report.count ? report.problems[0].fault.message : "validates");
	cedar_report_free(&report);
}

static void
conformance_run(struct conformance_test *test, struct cedar_text source, const struct cedar_json *json)
{
	const struct cedar_json *requests = cedar_json_get(json, "requests");
	char path[4096];
	size_t i;

	if (requests == NULL || requests->kind != CEDAR_JSON_ARRAY) {
		conformance_fail(test, FIELD_TEST, "no requests");
	} else if (!conformance_path(test, json, "schema", path, sizeof path) || !load_schema(&test->work, path)) {
		conformance_fail(test, FIELD_SCHEMA, "refused");
	} else if (!conformance_path(test, json, "policies", path, sizeof path) || !load_policies(&test->work, path, stderr)) {
		conformance_fail(test, FIELD_POLICIES, "refused");
	} else if (!conformance_path(test, json, "entities", path, sizeof path) || !load_entities(&test->work, path)) {
		conformance_fail(test, FIELD_ENTITIES, "refused");
	} else {
		conformance_validate(test, json);
		for (i = 0; i < requests->count; i++)
			conformance_request(test, source, &requests->items[i]);
	}
}

static void
conformance_one(struct conformance *all, const char *path)
{
	struct conformance_test test = { .all = all, .path = path };
	struct cedar_fault fault = { .message = "unreadable" };
	struct cedar_text source = { 0 };
	struct cedar_arena arena;
	struct cedar_json json;

	cedar_arena_init(&arena, NULL, 65536);
	source.data = read_file(path, &source.size);
	if (source.data == NULL || !cedar_json_parse(&arena, source, &json, &fault))
		conformance_fail(&test, FIELD_TEST, fault.message);
	else
		conformance_run(&test, source, &json);
	cedar_arena_dispose(&arena);
	free((char *)source.data);
	work_end(&test.work);
	if (test.failed)
		all->failed++;
	else
		all->passed++;
}

static bool
is_test_name(const char *name)
{
	size_t size = strlen(name);

	return is_json_name(name) && !(size > 14 && strcmp(name + size - 14, ".entities.json") == 0) &&
		!(size > 12 && strcmp(name + size - 12, ".schema.json") == 0);
}

static void
conformance_folder(struct conformance *all, const char *folder, unsigned depth)
{
	struct dirent **names;
	int count = scandir(folder, &names, NULL, alphasort), i;

	for (i = 0; i < count; i++) {
		char path[4096];
		struct stat status;

		if (names[i]->d_name[0] != '.' && snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name) < (int)sizeof path &&
			stat(path, &status) == 0) {
			if (S_ISDIR(status.st_mode) && depth < 8)
				conformance_folder(all, path, depth + 1);
			else if (S_ISREG(status.st_mode) && is_test_name(path))
				conformance_one(all, path);
		}
		free(names[i]);
	}
	if (count >= 0)
		free(names);
}

static int
command_conformance(struct work *work)
{
	static const char *const folders[] = { "corpus-tests", "tests" };
	struct conformance all = { .root = work->file, .builder = cedar_builder_new(NULL), .scratch = cedar_scratch_new(NULL) };
	char path[4096];
	size_t i;

	for (i = 0; i < 2 && all.builder != NULL && all.scratch != NULL; i++)
		if (snprintf(path, sizeof path, "%s/%s", work->file, folders[i]) < (int)sizeof path)
			conformance_folder(&all, path, 0);
	cedar_builder_free(all.builder);
	cedar_scratch_free(all.scratch);
	if (all.passed + all.failed == 0)
		fprintf(stderr, "%s: neither corpus-tests/ nor tests/ with tests in it\n", work->file);
	printf("%lu passed, %lu failed\n", all.passed, all.failed);
	return all.failed == 0 && all.passed > 0 ? DONE : FAILED;
}

/* Bench. */

enum { BENCH_REQUESTS_MAX = 1 << 20, BENCH_NANOSECONDS_MAX = 1 << 20 };

struct answer {
	bool allow;
	size_t reasons, errors;
};

struct bench {
	struct work *work;
	struct cedar_builder *builder;
	struct cedar_scratch *scratch;
	struct cedar_request *requests;
	struct answer *answers;
	size_t count, capacity;
	EVP_MD_CTX *digest;
	unsigned long *histogram;
};

static bool
bench_read(void *context, struct cedar_text row, unsigned line)
{
	struct bench *bench = context;
	struct cedar_fault fault = { 0 };
	struct cedar_request *grown;

	if (bench->count == bench->capacity) {
		bench->capacity = bench->capacity ? bench->capacity * 2 : 64;
		grown = realloc(bench->requests, bench->capacity * sizeof *grown);
		if (grown == NULL || bench->capacity > BENCH_REQUESTS_MAX)
			return false;
		bench->requests = grown;
	}
	if (cedar_request_parse_json(bench->builder, row, bench->work->schema, &bench->requests[bench->count], &fault)) {
		bench->count++;
		return true;
	}
	fprintf(stderr, "%s:%u:%u: %s\n", bench->work->requests_file, line, fault.column, fault.message);
	return false;
}

static bool
digest_ids(struct bench *bench, const struct cedar_response *response, bool errors)
{
	struct cedar_text *ids = sorted_ids(bench->work->policies, response, errors);
	size_t count = errors ? response->error_count : response->reason_count, i;

	for (i = 0; i < count && ids != NULL; i++) {
		if (i > 0)
			EVP_DigestUpdate(bench->digest, ",", 1);
		EVP_DigestUpdate(bench->digest, ids[i].data, ids[i].size);
	}
	free(ids);
	return ids != NULL;
}

/* Once around, untimed: the checksum, and what each answer must be again while timing. */
static bool
bench_first(struct bench *bench)
{
	struct cedar_response response;
	size_t i;

	bench->answers = calloc(bench->count, sizeof *bench->answers);
	if (bench->answers == NULL)
		return false;
	for (i = 0; i < bench->count; i++) {
		if (!cedar_authorize(bench->work->policies, bench->work->entities, NULL, &bench->requests[i], bench->scratch, &response))
			return false;
		bench->answers[i] = (struct answer){ response.allow, response.reason_count, response.error_count };
		EVP_DigestUpdate(bench->digest, response.allow ? "allow\t" : "deny\t", response.allow ? 6 : 5);
		if (!digest_ids(bench, &response, false) || EVP_DigestUpdate(bench->digest, "\t", 1) != 1 ||
			!digest_ids(bench, &response, true) || EVP_DigestUpdate(bench->digest, "\n", 1) != 1)
			return false;
	}
	return true;
}

static uint64_t
nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static bool
bench_time(struct bench *bench, uint64_t *decisions, uint64_t *elapsed)
{
	const struct work *work = bench->work;
	uint64_t start = nanoseconds(), before = start, after = start, limit = (uint64_t)work->seconds * 1000000000u, took;
	struct cedar_response response;
	size_t at = 0;

	for (*decisions = 0; work->decisions ? *decisions < work->decisions : after - start < limit; ++*decisions) {
		const struct answer *answer = &bench->answers[at];

		if (!cedar_authorize(work->policies, work->entities, NULL, &bench->requests[at], bench->scratch, &response) ||
			response.allow != answer->allow || response.reason_count != answer->reasons ||
			response.error_count != answer->errors)
			return false;
		after = nanoseconds();
		took = after - before;
		before = after;
		bench->histogram[took < BENCH_NANOSECONDS_MAX ? took : BENCH_NANOSECONDS_MAX - 1]++;
		at = at + 1 == bench->count ? 0 : at + 1;
	}
	*elapsed = after - start;
	return true;
}

static unsigned long
percentile(const struct bench *bench, uint64_t decisions, unsigned percent)
{
	uint64_t wanted = decisions * percent / 100, seen = 0;
	unsigned long i;

	for (i = 0; i < BENCH_NANOSECONDS_MAX - 1; i++) {
		seen += bench->histogram[i];
		if (seen > wanted)
			break;
	}
	return i;
}

static bool
bench_run(struct bench *bench)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	uint64_t decisions, elapsed;
	unsigned size, i;

	EVP_DigestInit_ex(bench->digest, EVP_sha256(), NULL);
	if (!bench_first(bench) || !bench_time(bench, &decisions, &elapsed)) {
		fprintf(stderr, "an answer changed while timing, or memory is out\n");
		return false;
	}
	EVP_DigestFinal_ex(bench->digest, hash, &size);
	printf("{\"decisions\":%lu,\"decisions_per_second\":%.0f,\"p50_ns\":%lu,\"p99_ns\":%lu,\"checksum\":\"",
		(unsigned long)decisions, elapsed ? (double)decisions * 1e9 / (double)elapsed : 0.0, percentile(bench, decisions, 50),
		percentile(bench, decisions, 99));
	for (i = 0; i < size; i++)
		printf("%02x", hash[i]);
	printf("\"}\n");
	return true;
}

static int
command_bench(struct work *work)
{
	struct bench bench = { .work = work, .builder = cedar_builder_new(NULL), .scratch = cedar_scratch_new(NULL),
		.digest = EVP_MD_CTX_new(), .histogram = calloc(BENCH_NANOSECONDS_MAX, sizeof(unsigned long)) };
	char *requests = NULL;
	bool good = false;
	size_t size;

	if (work->seconds == 0 && work->decisions == 0)
		work->seconds = 3;
	if (bench.builder != NULL && bench.scratch != NULL && bench.digest != NULL && bench.histogram != NULL &&
		load_for_requests(work) && (requests = read_file(work->requests_file, &size)) != NULL) {
		good = each_line(requests, size, bench_read, &bench) && bench.count > 0;
		good = good && bench_run(&bench);
	}
	free(requests);
	free(bench.requests);
	free(bench.answers);
	free(bench.histogram);
	EVP_MD_CTX_free(bench.digest);
	cedar_builder_free(bench.builder);
	cedar_scratch_free(bench.scratch);
	return good ? DONE : FAILED;
}

/* The commands. */

enum need { NEED_POLICIES = 1, NEED_ENTITIES = 2, NEED_SCHEMA = 4, NEED_REQUESTS = 8, NEED_FILE = 16, NEED_TO = 32 };

static const struct {
	const char *name;
	int (*run)(struct work *);
	unsigned needs;
	const char *usage;
} commands[] = {
	{ "authorize", command_authorize, NEED_POLICIES | NEED_ENTITIES | NEED_REQUESTS,
		"--policies F --entities F [--schema F] --requests F.ndjson" },
	{ "bench", command_bench, NEED_POLICIES | NEED_ENTITIES | NEED_REQUESTS,
		"--policies F --entities F --requests F.ndjson --seconds N|--decisions N" },
	{ "conformance", command_conformance, NEED_FILE, "DIR" },
	{ "explain", command_explain, NEED_POLICIES | NEED_ENTITIES | NEED_REQUESTS,
		"--policies F --entities F [--schema F] --requests F.ndjson" },
	{ "format", command_format, 0, "[FILE]" },
	{ "translate", command_translate, NEED_TO, "--to json|cedar [FILE]" },
	{ "validate", command_validate, NEED_POLICIES | NEED_SCHEMA, "--schema F --policies F" },
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static int
usage(FILE *out)
{
	size_t i;

	for (i = 0; i < COMMANDS; i++)
		fprintf(out, "%s sekisho cedar %s %s\n", i == 0 ? "usage:" : "      ", commands[i].name, commands[i].usage);
	return out == stdout ? DONE : WRONG_USAGE;
}

static bool
take_option(struct work *work, const char *name, char *value)
{
	const struct {
		const char *name;
		const char **text;
		unsigned long *number;
	} options[] = { { "--policies", &work->policies_file, NULL }, { "--entities", &work->entities_file, NULL },
		{ "--schema", &work->schema_file, NULL }, { "--requests", &work->requests_file, NULL }, { "--to", &work->to, NULL },
		{ "--seconds", NULL, &work->seconds }, { "--decisions", NULL, &work->decisions } };
	size_t i;

	for (i = 0; i < sizeof options / sizeof *options; i++) {
		char *end = NULL;

		if (strcmp(options[i].name, name) != 0)
			continue;
		if (options[i].text != NULL) {
			*options[i].text = value;
			return true;
		}
		*options[i].number = strtoul(value, &end, 10);
		return end != value && *end == '\0' && *value != '-' && *options[i].number > 0;
	}
	return false;
}

static bool
take_arguments(struct work *work, int argc, char **argv)
{
	int i;

	for (i = 2; i < argc; i++) {
		if (strncmp(argv[i], "--", 2) != 0) {
			if (work->file != NULL)
				return false;
			work->file = argv[i];
		} else if (i + 1 >= argc || !take_option(work, argv[i], argv[i + 1])) {
			return false;
		} else {
			i++;
		}
	}
	return true;
}

static bool
has_needed(const struct work *work, unsigned needs)
{
	return (!(needs & NEED_POLICIES) || work->policies_file) && (!(needs & NEED_ENTITIES) || work->entities_file) &&
		(!(needs & NEED_SCHEMA) || work->schema_file) && (!(needs & NEED_REQUESTS) || work->requests_file) &&
		(!(needs & NEED_FILE) || work->file) && (!(needs & NEED_TO) || work->to);
}

int
cli_cedar(int argc, char **argv)
{
	struct work work = { 0 };
	size_t i;
	int code;

	if (argc < 2)
		return usage(stderr);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0 || (argc > 2 && strcmp(argv[2], "--help") == 0))
		return usage(stdout);
	for (i = 0; i < COMMANDS && strcmp(commands[i].name, argv[1]) != 0; i++)
		;
	if (i == COMMANDS || !take_arguments(&work, argc, argv) || !has_needed(&work, commands[i].needs))
		return usage(stderr);
	code = commands[i].run(&work);
	work_end(&work);
	return code;
}
