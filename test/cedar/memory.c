/* memory.c - memory through the caller's allocator only: every refusal is survived, none is lost, none in a decision. */
#include "ask.h"

#include <stdlib.h>

#include "cedar/convert.h"
#include "cedar/explain.h"
#include "cedar/schema.h"

struct counted {
	long left; /* allocations until one is refused; negative: never */
	long live, total;
};

static void *
counted_alloc(void *context, size_t size)
{
	struct counted *counted = context;

	if (counted->left == 0)
		return NULL;
	counted->left -= counted->left > 0;
	counted->live++;
	counted->total++;
	return malloc(size);
}

static void
counted_free(void *context, void *block)
{
	((struct counted *)context)->live--;
	free(block);
}

static const char policies_text[] =
    "permit(principal in Group::\"staff\", action in [Action::\"view\", Action::\"edit\"], resource) when { "
    "principal.level > 2 && context.n == 7 };"
    "forbid(principal, action, resource) unless { [ip(\"10.0.0.0/8\"), ip(\"::1\")].contains(ip(\"::1\")) };"
    "permit(principal == ?principal, action, resource);";
static const char entities_text[] =
    "[{\"uid\":{\"type\":\"User\",\"id\":\"alice\"},\"attrs\":{\"level\":3,\"x\":{\"y\":[1,2]}},"
    "\"parents\":[{\"type\":\"Group\",\"id\":\"staff\"}]},{\"uid\":{\"type\":\"Group\",\"id\":\"staff\"},\"attrs\":{},"
    "\"parents\":[]}]";
static const char request_text[] =
    "{\"principal\":{\"type\":\"User\",\"id\":\"alice\"},\"action\":\"Action::\\\"view\\\"\","
    "\"resource\":{\"type\":\"Doc\",\"id\":\"d\"},\"context\":{\"n\":7}}";
static const char schema_text[] =
    "entity Group; entity User in [Group] { level: Long, x: { y: Set<Long> } }; entity Doc;"
    "action view, edit appliesTo { principal: User, resource: Doc, context: { n: Long } };";

/* Written in each format and read again. */
static bool
convert_run(const struct cedar_memory *memory, const struct cedar_policies *policies)
{
	struct cedar_format format = { 0 };
	struct cedar_policies *again = NULL;
	struct cedar_text text = { 0 }, formatted = { 0 };
	bool good =
	    cedar_policies_write_json(memory, policies, &text) && cedar_policies_parse_json(memory, text, &again, NULL);

	if (text.data != NULL)
		cedar_text_free(memory, text);
	cedar_policies_free(again);
	text.data = NULL;
	good = good && cedar_policies_write_text(memory, policies, &text) &&
	       cedar_format_text(memory, text, &format, &formatted, NULL);
	if (text.data != NULL)
		cedar_text_free(memory, text);
	if (formatted.data != NULL)
		cedar_text_free(memory, formatted);
	return good;
}

/* All of it once; true when nothing was refused. */
static bool
whole_run(const struct cedar_memory *memory)
{
	struct cedar_policies *policies = NULL, *first = NULL, *linked = NULL;
	struct cedar_entities *entities = NULL, *changed = NULL;
	struct cedar_schema *schema = NULL;
	struct cedar_builder *builder = cedar_builder_new(memory);
	struct cedar_scratch *scratch = cedar_scratch_new(memory);
	struct cedar_uid_text alice = uid_of("User", "alice");
	struct cedar_request request;
	struct cedar_response response = { 0 };
	struct cedar_report report = { 0 };
	struct cedar_explained explained = { 0 };
	struct cedar_fault fault;
	bool good = builder != NULL && scratch != NULL;

	good = good && cedar_schema_parse(memory, text_of(schema_text), &schema, &fault);
	good = good && cedar_policies_parse(memory, text_of(policies_text), &policies, &fault);
	good = good && cedar_policies_link(policies, text_of("policy2"), text_of("link"), &alice, NULL, &first, &fault);
	good = good &&
	       cedar_policies_link(first, text_of("policy2"), text_of("link again"), &alice, NULL, &linked, &fault);
	good = good && cedar_entities_parse_json(memory, text_of(entities_text), schema, &entities, &fault);
	good = good && cedar_request_parse_json(builder, text_of(request_text), schema, &request, &fault);
	good = good && cedar_authorize(linked, entities, builder, &request, scratch, &response);
	if (good)
		assert_true(response.allow && response.reason_count == 3 && response.error_count == 0);
	good = good && cedar_validate(memory, schema, linked, &report);
	good = good && cedar_explain(memory, linked, entities, NULL, &request, 3, &explained);
	cedar_explained_free(&explained);
	good = good && convert_run(memory, linked);
	cedar_report_free(&report);
	if (good)
		cedar_entity_parent(builder, cedar_entity_add(builder, "Group", "staff"), "Group", "all");
	good = good && cedar_entities_with(memory, entities, builder, &changed, &fault);
	cedar_entities_free(entities);
	cedar_entities_free(changed);
	cedar_policies_free(policies);
	cedar_policies_free(first);
	cedar_policies_free(linked);
	cedar_schema_free(schema);
	cedar_builder_free(builder);
	cedar_scratch_free(scratch);
	return good;
}

static void
test_every_refusal(void **state)
{
	struct counted counted = { .left = -1 };
	struct cedar_memory memory = { counted_alloc, counted_free, &counted };
	long needed, n;

	(void)state;
	assert_true(whole_run(&memory));
	assert_int_equal(counted.live, 0);
	needed = counted.total;
	assert_true(needed > 10);
	for (n = 0; n < needed; n++) {
		counted = (struct counted){ .left = n };
		assert_false(whole_run(&memory));
		assert_int_equal(counted.live, 0);
	}
}

static void
test_none_in_a_decision(void **state)
{
	struct counted counted = { .left = -1 };
	struct cedar_memory memory = { counted_alloc, counted_free, &counted };
	struct cedar_policies *policies;
	struct cedar_entities *entities;
	struct cedar_builder *builder = cedar_builder_new(&memory);
	struct cedar_scratch *scratch = cedar_scratch_new(&memory);
	struct cedar_request request;
	struct cedar_response response;
	long before, i;

	(void)state;
	assert_true(cedar_policies_parse(&memory, text_of(policies_text), &policies, NULL));
	assert_true(cedar_entities_parse_json(&memory, text_of(entities_text), NULL, &entities, NULL));
	assert_true(cedar_request_parse_json(builder, text_of(request_text), NULL, &request, NULL));
	before = counted.total;
	for (i = 0; i < 1000000; i++)
		if (!cedar_authorize(policies, entities, NULL, &request, scratch, &response) || !response.allow)
			fail_msg("decision %ld", i);
	assert_int_equal(counted.total, before);
	cedar_policies_free(policies);
	cedar_entities_free(entities);
	cedar_builder_free(builder);
	cedar_scratch_free(scratch);
	assert_int_equal(counted.live, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_refusal),
		cmocka_unit_test(test_none_in_a_decision),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
