/* What a permit asks besides: annotations of the policies that decided. */
#include "gate/inside.h"

#include "base/memory.h"
#include "base/text.h"
#include "cedar/cedar.h"

static struct slice
annotation(const struct cedar_policies *set, size_t policy, const char *key)
{
	struct cedar_text t = cedar_policy_annotation(set, policy, key);
	return slice_of(t.data, t.size);
}

static fallible
count_parse(struct slice text, int64_t *out)
{
	uint64_t n;
	if (text_number_parse(text, &n) || n == 0 || n > INT64_MAX)
		return E_ARGUMENT;
	*out = (int64_t)n;
	return NULL;
}

static const struct {
	const char *name, *form;
	fallible (*parse)(struct slice, int64_t *);
	size_t offset;
} numbers[] = {
	{ "row_limit", "a whole number from 1, as in @row_limit(\"1000\")", count_parse,
	  offsetof(struct effects, row_limit) },
	{ "export_over", "a whole number from 1, as in @export_over(\"1000\")", count_parse,
	  offsetof(struct effects, export_over) },
	{ "statement_timeout", "a duration from 1s, as in @statement_timeout(\"30s\")", text_duration_parse,
	  offsetof(struct effects, statement_timeout) },
};
enum { NUMBERS = sizeof numbers / sizeof *numbers };

fallible
effects_check(const void *owner, const struct cedar_policies *set, size_t policy, const char **why)
{
	static const char *const plain[] = { "read_only", "approval" };
	const char *found = NULL;
	for (size_t i = 0; i < NUMBERS; i++) {
		struct slice text = annotation(set, policy, numbers[i].name);
		int64_t value = 0;
		if (!text.data)
			continue;
		found = numbers[i].name;
		if (numbers[i].parse(text, &value) || value < 1) {
			*why = memory_format(owner, "policy %zu: @%s: expected %s", policy + 1, found, numbers[i].form);
			return E_POLICY_TEXT;
		}
	}
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
		found = annotation(set, policy, plain[i]).data ? plain[i] : found;
	if (!found || !cedar_policy_forbids(set, policy))
		return NULL;
	*why = memory_format(owner,
	                     "policy %zu: @%s stands on a permit: a forbid lets nothing through that it could limit",
	                     policy + 1, found);
	return E_POLICY_TEXT;
}

/* Those of all permits that decided hold together: of a number, the smallest. */
void
effects_collect(const void *owner, const struct cedar_policies *set, const size_t *policies, size_t count,
                struct effects *out)
{
	*out = (struct effects){ 0 };
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < NUMBERS; k++) {
			int64_t value = 0, *kept = (int64_t *)(void *)((uint8_t *)out + numbers[k].offset);
			struct slice text = annotation(set, policies[i], numbers[k].name);
			if (text.data && !numbers[k].parse(text, &value) && (!*kept || value < *kept))
				*kept = value;
		}
		struct slice approval = annotation(set, policies[i], "approval");
		out->read_only |= annotation(set, policies[i], "read_only").data != NULL;
		if (approval.data)
			out->approval = memory_text(owner, approval);
	}
}
