/* cedar_work.h - private: what the files of `sekisho cedar …` share. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

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

char *read_file(const char *path, size_t *size);
bool is_json_name(const char *path);
void print_fault(FILE *out, const char *path, const char *text, size_t size, const struct cedar_fault *fault);
bool load_policies(struct work *work, const char *path, FILE *out);
bool load_schema(struct work *work, const char *path);
bool load_entities(struct work *work, const char *path);
void work_end(struct work *work);
int text_order(const void *a, const void *b);
struct cedar_text *
sorted_ids(const struct cedar_policies *policies, const struct cedar_response *response, bool errors);
bool print_line(struct cedar_writer *writer);
bool put_error(const char *message);
bool print_response(const struct cedar_policies *policies, const struct cedar_response *response);
bool each_line(char *text, size_t size, bool (*visit)(void *, struct cedar_text, unsigned line), void *context);
bool load_for_requests(struct work *work);
int command_authorize(struct work *work);
int command_explain(struct work *work);
int command_validate(struct work *work);
int command_format(struct work *work);
int command_translate(struct work *work);
int command_conformance(struct work *work);
int command_bench(struct work *work);
