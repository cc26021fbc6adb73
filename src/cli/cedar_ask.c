/* `sekisho cedar authorize|explain|validate|format|translate`. */
#include "cli/cedar_work.h"

#include <stdlib.h>
#include <string.h>

struct authorizing {
	const struct work *work;
	struct cedar_builder *builder;
	struct cedar_scratch *scratch;
};

/* One line of the requests, checked against the schema if there is one; a fault is printed. */
static bool
request_read(struct authorizing *authorizing, struct cedar_text row, unsigned line, struct cedar_request *request)
{
	const struct work *work = authorizing->work;
	struct cedar_fault fault = { 0 };

	cedar_builder_reset(authorizing->builder);
	if (cedar_request_parse_json(authorizing->builder, row, work->schema, request, &fault) &&
	    (work->schema == NULL || cedar_schema_check_request(work->schema, request, &fault)))
		return true;
	fprintf(stderr, "%s:%u:%u: %s\n", work->requests_file, line, fault.column ? fault.column : 1, fault.message);
	if (fault.suggestion[0] != '\0')
		fprintf(stderr, "  hint: %s\n", fault.suggestion);
	return put_error(fault.message);
}

static bool
authorize_line(void *context, struct cedar_text row, unsigned line)
{
	struct authorizing *authorizing = context;
	const struct work *work = authorizing->work;
	struct cedar_request request;
	struct cedar_response response;

	if (!request_read(authorizing, row, line, &request))
		return false;
	if (!cedar_authorize(work->policies, work->entities, NULL, &request, authorizing->scratch, &response))
		return put_error("out of memory");
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
	struct cedar_writer writer;
	size_t i;

	if (!request_read(authorizing, row, line, &request))
		return false;
	if (!cedar_explain(NULL, work->policies, work->entities, NULL, &request, 5, &explained))
		return put_error("out of memory");
	cedar_writer_init(&writer, NULL);
	cedar_write(&writer, explained.allow ? "{\"decision\":\"allow\",\"policies\":["
	                                     : "{\"decision\":\"deny\",\"policies\":[");
	for (i = 0; i < explained.count; i++) {
		if (i > 0)
			cedar_write(&writer, ",");
		write_explanation(&writer, work, &explained.items[i]);
	}
	cedar_write(&writer, "]}");
	cedar_explained_free(&explained);
	return print_line(&writer);
}

bool
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

int
command_authorize(struct work *work)
{
	return each_request(work, authorize_line);
}

int
command_explain(struct work *work)
{
	return each_request(work, explain_line);
}

int
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

		snprintf(message, sizeof message, "%s%.200s (%.*s)", report.problems[i].warning ? "warning: " : "",
		         fault.message,
		         (int)(report.problems[i].policy.size > 40 ? 40 : report.problems[i].policy.size),
		         report.problems[i].policy.data);
		memcpy(fault.message, message, sizeof message);
		print_fault(report.problems[i].warning ? stderr : stdout, work->policies_file, work->policies_text,
		            work->policies_size, &fault);
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

int
command_format(struct work *work)
{
	struct cedar_format format = { 0 };
	struct cedar_fault fault = { 0 };
	struct cedar_text text;

	work->policies_text = read_file(input_of(work), &work->policies_size);
	if (work->policies_text == NULL)
		return FAILED;
	if (cedar_format_text(NULL, (struct cedar_text){ work->policies_text, work->policies_size }, &format, &text,
	                      &fault))
		return print_text(text);
	print_fault(stderr, input_of(work), work->policies_text, work->policies_size, &fault);
	return FAILED;
}

int
command_translate(struct work *work)
{
	bool to_json = strcmp(work->to, "json") == 0;
	struct cedar_text text;

	if (!to_json && strcmp(work->to, "cedar") != 0) {
		fprintf(stderr, "--to takes json or cedar\n");
		return WRONG_USAGE;
	}
	if (!load_policies(work, input_of(work), stderr))
		return FAILED;
	if (to_json ? cedar_policies_write_json(NULL, work->policies, &text)
	            : cedar_policies_write_text(NULL, work->policies, &text))
		return print_text(text);
	fprintf(stderr, "out of memory\n");
	return FAILED;
}
