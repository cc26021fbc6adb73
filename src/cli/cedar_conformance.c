/* `sekisho cedar conformance`: one file is one test; it passes only if every field agrees. */
#include "cli/cedar_work.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

int
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
