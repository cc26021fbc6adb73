/* validate.c - a policy set against a schema: who is checked for what, and the report. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "cedar/check.h"

/* Faults that were reported for this policy: each shows once, however many environments it shows in. False if it was. */
static bool
is_news(struct cedar_checker *checker, uint32_t offset, const char *message)
{
	uint64_t hash = cedar_text_hash(&checker->scratch.key, cedar_text_of(message), offset);
	size_t capacity = checker->seen_capacity, at, i;
	uint64_t *grown;

	hash += hash == 0;
	if (checker->seen_count * 2 >= capacity) {
		grown = cedar_arena_zero(&checker->nodes, (capacity ? capacity * 2 : 64) * sizeof *grown);
		if (grown == NULL)
			return false;
		checker->seen_capacity = capacity ? capacity * 2 : 64;
		for (i = 0; i < capacity; i++) {
			if (checker->seen[i] == 0)
				continue;
			for (at = checker->seen[i] & (checker->seen_capacity - 1); grown[at] != 0;)
				at = (at + 1) & (checker->seen_capacity - 1);
			grown[at] = checker->seen[i];
		}
		checker->seen = grown;
	}
	for (at = hash & (checker->seen_capacity - 1); checker->seen[at] != 0;
	     at = (at + 1) & (checker->seen_capacity - 1))
		if (checker->seen[at] == hash)
			return false;
	checker->seen[at] = hash;
	checker->seen_count++;
	return true;
}

static void
policy_begin(struct cedar_checker *checker, const struct cedar_policy *policy)
{
	checker->policy = policy;
	checker->failed = checker->failed || checker->nodes.failed; /* the reset forgets it */
	cedar_arena_reset(&checker->nodes);
	checker->seen = NULL;
	checker->seen_count = checker->seen_capacity = 0;
}

static struct cedar_problem *
report_grow(struct cedar_checker *checker)
{
	struct cedar_report *report = checker->report;
	struct cedar_problem *grown;
	size_t capacity = checker->capacity ? checker->capacity * 2 : 8;

	if (report->count < checker->capacity)
		return report->inside;
	grown = cedar_memory_take(&checker->memory, capacity * sizeof *grown);
	if (grown == NULL) {
		checker->failed = true;
		return NULL;
	}
	if (report->count > 0)
		memcpy(grown, report->inside, report->count * sizeof *grown);
	cedar_memory_give(&checker->memory, report->inside);
	report->problems = report->inside = grown;
	checker->capacity = capacity;
	return grown;
}

static void
report_add(struct cedar_checker *checker, bool warning, uint32_t offset, const char *help, const char *message)
{
	struct cedar_report *report = checker->report;
	struct cedar_problem *problems;
	struct cedar_fault fault = { .offset = offset };

	if (!is_news(checker, offset, message))
		return;
	*(warning ? &report->warnings : &report->errors) += 1;
	if (report->count >= CEDAR_PROBLEMS_MAX || (problems = report_grow(checker)) == NULL)
		return;
	snprintf(fault.message, sizeof fault.message, "%s", message);
	if (checker->policies->lines.size > 0)
		cedar_lines_place(&checker->policies->lines, &checker->spot, offset, &fault.line, &fault.column);
	if (help != NULL)
		cedar_fault_suggest(&fault, "%s", help);
	problems[report->count++] = (struct cedar_problem){ checker->policy->id, warning, fault };
}

void
cedar_check_fail(struct cedar_checker *checker, uint32_t offset, const char *help, const char *format, ...)
{
	char message[256];
	va_list list;

	va_start(list, format);
	vsnprintf(message, sizeof message, format, list);
	va_end(list);
	report_add(checker, false, offset, help, message);
}

void
cedar_check_warn(struct cedar_checker *checker, uint32_t offset, const char *format, ...)
{
	char message[256];
	va_list list;

	va_start(list, format);
	vsnprintf(message, sizeof message, format, list);
	va_end(list);
	report_add(checker, true, offset, NULL, message);
}

static void
validate_policy(struct cedar_checker *checker, const struct cedar_policy *policy)
{
	policy_begin(checker, policy);
	cedar_check_names(checker);
	cedar_check_application(checker);
	cedar_check_policy(checker);
	cedar_check_texts(checker);
}

/* Its template is checked on its own; here, what fills the slots. */
static void
validate_link(struct cedar_checker *checker, const struct cedar_policy *policy)
{
	policy_begin(checker, policy);
	if (policy->template->principal.slot && policy->principal.count > 0)
		cedar_check_entity_name(checker, policy->principal.entities->type, policy->offset);
	if (policy->template->resource.slot && policy->resource.count > 0)
		cedar_check_entity_name(checker, policy->resource.entities->type, policy->offset);
	cedar_check_application(checker);
	cedar_check_texts(checker);
}

bool
cedar_validate(const struct cedar_memory *memory, const struct cedar_schema *schema,
               const struct cedar_policies *policies, struct cedar_report *out)
{
	struct cedar_report report = { 0 };
	struct cedar_checker checker = {
		.schema = schema, .policies = policies, .report = &report, .memory = cedar_memory_or_default(memory)
	};
	size_t i;

	cedar_arena_init(&checker.nodes, &checker.memory, 4096);
	cedar_arena_init(&checker.scratch, &checker.memory, 16384);
	for (i = 0; i < policies->template_count && !checker.failed; i++)
		validate_policy(&checker, &policies->templates[i]);
	for (i = 0; i < policies->count && !checker.failed; i++)
		if (policies->policies[i].template == NULL)
			validate_policy(&checker, &policies->policies[i]);
		else
			validate_link(&checker, &policies->policies[i]);
	cedar_arena_dispose(&checker.nodes);
	cedar_arena_dispose(&checker.scratch);
	if (checker.failed || checker.nodes.failed || checker.scratch.failed) {
		cedar_memory_give(&checker.memory, report.inside);
		return false;
	}
	report.memory = checker.memory;
	*out = report;
	return true;
}

void
cedar_report_free(struct cedar_report *report)
{
	if (report->inside != NULL)
		cedar_memory_give(&report->memory, report->inside);
	*report = (struct cedar_report){ 0 };
}
