/* `sekisho cedar conformance`: one file is one test; it passes only if every field agrees. What is a test shows in what it holds. */
#include "cli/cedar_work.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_SIZE = 4096 };

/* A file in the folders of tests. */
struct found {
	char *path;
	const char *trouble; /* what keeps it from being read; NULL: nothing */
	bool ran;            /* as a test */
};

struct paths {
	char **items;
	size_t count, capacity;
};

struct conformance {
	const char *root;
	unsigned long passed, failed;
	struct cedar_builder *builder;
	struct cedar_scratch *scratch;
	struct found *files;
	size_t count, capacity;
	struct paths used; /* by tests: where they really are */
	bool failed_alloc;
};

struct conformance_test {
	struct conformance *all;
	const char *path;
	struct work work;
	unsigned reported; /* which fields */
	bool failed;
};

static const char *const fields[] = { "test",    "policies", "schema", "entities", "shouldValidate",
	                              "request", "decision", "reason", "errors" };
enum field {
	FIELD_TEST,
	FIELD_POLICIES,
	FIELD_SCHEMA,
	FIELD_ENTITIES,
	FIELD_SHOULD_VALIDATE,
	FIELD_REQUEST,
	FIELD_DECISION,
	FIELD_REASON,
	FIELD_ERRORS
};

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

static void
paths_add(struct conformance *all, const char *path)
{
	struct paths *paths = &all->used;
	char *real = realpath(path, NULL), **grown;

	if (real == NULL)
		return; /* whoever uses it will say so */
	if (paths->count == paths->capacity) {
		grown = realloc(paths->items, (paths->capacity * 2 + 64) * sizeof *grown);
		if (grown == NULL) {
			all->failed_alloc = true;
			free(real);
			return;
		}
		paths->items = grown;
		paths->capacity = paths->capacity * 2 + 64;
	}
	paths->items[paths->count++] = real;
}

static bool
conformance_path(struct conformance_test *test, const struct cedar_json *json, const char *name, char *out, size_t size)
{
	const struct cedar_json *path = cedar_json_get(json, name);

	if (path == NULL || path->kind != CEDAR_JSON_STRING || strlen(path->text.data) != path->text.size ||
	    snprintf(out, size, "%s/%s", test->all->root, path->text.data) >= (int)size)
		return false;
	paths_add(test->all, out);
	return true;
}

/* Are these, as a set, the ids wanted? */
static bool
ids_agree(const struct cedar_policies *policies, const struct cedar_response *response, const struct cedar_json *wanted,
          bool errors)
{
	struct cedar_text *ids = sorted_ids(policies, response, errors);
	size_t count = errors ? response->error_count : response->reason_count, i, j;
	bool agree = ids != NULL && wanted != NULL && wanted->kind == CEDAR_JSON_ARRAY;

	for (i = 0; agree && i < count; i++) {
		for (j = 0; j < wanted->count; j++)
			if (wanted->items[j].kind == CEDAR_JSON_STRING &&
			    text_order(&ids[i], &wanted->items[j].text) == 0)
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
		conformance_fail(test, FIELD_ERRORS,
		                 response->error_count ? response->errors[0].message : "no policy erred");
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
	else if (!cedar_authorize(test->work.policies, test->work.entities, NULL, &request, test->all->scratch,
	                          &response))
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
		conformance_fail(test, FIELD_SHOULD_VALIDATE,
		                 report.count ? report.problems[0].fault.message : "validates");
	cedar_report_free(&report);
}

/* What a test names is noted as used, whichever of it is at fault. */
static void
conformance_run(struct conformance_test *test, struct cedar_text source, const struct cedar_json *json)
{
	const struct cedar_json *requests = cedar_json_get(json, "requests");
	char schema[4096], policies[4096], entities[4096];
	bool has_schema = conformance_path(test, json, "schema", schema, sizeof schema);
	bool has_policies = conformance_path(test, json, "policies", policies, sizeof policies);
	bool has_entities = conformance_path(test, json, "entities", entities, sizeof entities);
	size_t i;

	if (requests == NULL || requests->kind != CEDAR_JSON_ARRAY) {
		conformance_fail(test, FIELD_TEST, "no requests");
	} else if (!has_schema || !load_schema(&test->work, schema)) {
		conformance_fail(test, FIELD_SCHEMA, "refused");
	} else if (!has_policies || !load_policies(&test->work, policies, stderr)) {
		conformance_fail(test, FIELD_POLICIES, "refused");
	} else if (!has_entities || !load_entities(&test->work, entities)) {
		conformance_fail(test, FIELD_ENTITIES, "refused");
	} else {
		conformance_validate(test, json);
		for (i = 0; i < requests->count; i++)
			conformance_request(test, source, &requests->items[i]);
	}
}

/* A test has requests, and says what to decide them with. */
static bool
is_test(const struct cedar_json *json)
{
	return cedar_json_get(json, "requests") != NULL ||
	       (cedar_json_get(json, "policies") != NULL && cedar_json_get(json, "entities") != NULL);
}

static void
conformance_count(struct conformance *all, bool failed)
{
	if (failed)
		all->failed++;
	else
		all->passed++;
}

/* Runs it if it is a test, and leaves it to be judged later if it is not. */
static void
conformance_one(struct conformance *all, struct found *file)
{
	struct conformance_test test = { .all = all, .path = file->path };
	struct cedar_fault fault = { .message = "unreadable" };
	struct cedar_text source = { 0 };
	struct cedar_arena arena;
	struct cedar_json json;

	cedar_arena_init(&arena, NULL, 65536);
	source.data = read_file(file->path, &source.size);
	if (source.data == NULL || !cedar_json_parse(&arena, source, &json, &fault))
		file->trouble = source.data == NULL ? "unreadable" : "no JSON";
	else if (is_test(&json)) {
		file->ran = true;
		conformance_run(&test, source, &json);
		conformance_count(all, test.failed);
	}
	cedar_arena_dispose(&arena);
	free((char *)source.data);
	work_end(&test.work);
}

static bool
ends_in(const char *path, const char *end)
{
	size_t size = strlen(path), length = strlen(end);

	return size >= length && strcmp(path + size - length, end) == 0;
}

static int
path_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool
is_used(const struct conformance *all, const char *path)
{
	char *real = realpath(path, NULL);
	bool used = real != NULL && all->used.count > 0 &&
	            bsearch(&real, all->used.items, all->used.count, sizeof *all->used.items, path_order) != NULL;

	free(real);
	return used;
}

/* Entities, schemas and policies by their names. */
static bool
is_part(const char *path)
{
	return ends_in(path, "entities.json") || ends_in(path, "schema.json") || ends_in(path, "policies.json") ||
	       !is_json_name(path);
}

/* No file is passed over in silence: what was no test must be used by one, and is else a test that failed, or, where its name says
 * that it is part of one, is told of. */
static void
conformance_leftover(struct conformance *all, const struct found *file)
{
	struct conformance_test test = { .all = all, .path = file->path };

	if (file->ran || (file->trouble == NULL && is_used(all, file->path)))
		return;
	if (file->trouble != NULL || !is_part(file->path)) {
		conformance_fail(&test, FIELD_TEST, file->trouble ? file->trouble : "neither a test nor used by one");
		conformance_count(all, true);
	} else {
		fprintf(stderr, "%s: no test uses this\n", file->path);
	}
}

static void
found_add(struct conformance *all, const char *path, const char *trouble)
{
	struct found *grown;

	if (all->count == all->capacity) {
		grown = realloc(all->files, (all->capacity * 2 + 64) * sizeof *grown);
		all->failed_alloc |= grown == NULL;
		if (grown == NULL)
			return;
		all->files = grown;
		all->capacity = all->capacity * 2 + 64;
	}
	all->files[all->count] = (struct found){ .path = strdup(path), .trouble = trouble };
	all->failed_alloc |= all->files[all->count].path == NULL;
	if (!all->failed_alloc)
		all->count++;
}

/* A folder that is being read, and those that it lies in: a link may lead back into one of them. */
struct folder {
	const struct folder *outer;
	dev_t device;
	ino_t number;
};

static bool
is_inside_itself(const struct folder *folder)
{
	const struct folder *outer;

	for (outer = folder->outer; outer != NULL; outer = outer->outer)
		if (outer->device == folder->device && outer->number == folder->number)
			return true;
	return false;
}

static void find_all(struct conformance *, char path[PATH_SIZE], const struct folder *);

/* The path is written over behind its end, and taken back. */
static void
find_one(struct conformance *all, char path[PATH_SIZE], const char *name, const struct folder *outer)
{
	size_t size = strlen(path);
	struct folder folder = { .outer = outer };
	struct stat status;

	if (size + strlen(name) + 2 > PATH_SIZE) {
		found_add(all, path, "a path in it is too long");
		return;
	}
	sprintf(path + size, "/%s", name);
	if (stat(path, &status) != 0) {
		found_add(all, path, strerror(errno));
	} else if (S_ISDIR(status.st_mode)) {
		folder.device = status.st_dev;
		folder.number = status.st_ino;
		if (is_inside_itself(&folder))
			found_add(all, path, "a link to a folder that it lies in");
		else
			find_all(all, path, &folder);
	} else {
		found_add(all, path, S_ISREG(status.st_mode) ? NULL : "no regular file");
	}
	path[size] = '\0';
}

/* No file is read while folders are: however deep they are, one path is enough. */
static void
find_all(struct conformance *all, char path[PATH_SIZE], const struct folder *folder)
{
	struct dirent **names;
	int count = scandir(path, &names, NULL, alphasort), i;

	if (count < 0) {
		found_add(all, path, strerror(errno));
		return;
	}
	for (i = 0; i < count; i++) {
		if (strcmp(names[i]->d_name, ".") != 0 && strcmp(names[i]->d_name, "..") != 0)
			find_one(all, path, names[i]->d_name, folder);
		free(names[i]);
	}
	free(names);
}

static void
find_tests(struct conformance *all)
{
	static const char *const folders[] = { "corpus-tests", "tests" };
	char path[PATH_SIZE];
	struct stat status;
	size_t i;

	for (i = 0; i < 2; i++) {
		if (snprintf(path, sizeof path, "%s/%s", all->root, folders[i]) >= (int)sizeof path ||
		    lstat(path, &status) != 0)
			continue; /* one of them is enough */
		path[strlen(all->root)] = '\0';
		find_one(all, path, folders[i], NULL);
	}
}

static void
conformance_end(struct conformance *all)
{
	size_t i;

	for (i = 0; i < all->count; i++)
		free(all->files[i].path);
	for (i = 0; i < all->used.count; i++)
		free(all->used.items[i]);
	free(all->files);
	free(all->used.items);
	cedar_builder_free(all->builder);
	cedar_scratch_free(all->scratch);
}

int
command_conformance(struct work *work)
{
	struct conformance all = { .root = work->file,
		                   .builder = cedar_builder_new(NULL),
		                   .scratch = cedar_scratch_new(NULL) };
	bool good;
	size_t i;

	all.failed_alloc = all.builder == NULL || all.scratch == NULL;
	find_tests(&all);
	for (i = 0; i < all.count && !all.failed_alloc; i++)
		if (all.files[i].trouble == NULL && is_json_name(all.files[i].path))
			conformance_one(&all, &all.files[i]);
	if (all.used.count > 0)
		qsort(all.used.items, all.used.count, sizeof *all.used.items, path_order);
	for (i = 0; i < all.count && !all.failed_alloc; i++)
		conformance_leftover(&all, &all.files[i]);
	if (all.failed_alloc)
		fprintf(stderr, "out of memory\n");
	else if (all.passed + all.failed == 0)
		fprintf(stderr, "%s: neither corpus-tests/ nor tests/ with tests in it\n", work->file);
	printf("%lu passed, %lu failed\n", all.passed, all.failed);
	good = !all.failed_alloc && all.failed == 0 && all.passed > 0;
	conformance_end(&all);
	return good ? DONE : FAILED;
}
