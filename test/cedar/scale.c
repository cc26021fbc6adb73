/* scale.c - what is large takes long, but not the square of it. Each case took from five times the limit here to minutes where a
 * list was searched through for each of its members. */
#include "ask.h"

#include <stdlib.h>
#include <time.h>

#include "cedar/explain.h"
#include "cedar/schema.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOWER 5
#else
#define SLOWER 1
#endif

static clock_t started;

static void
limit_set(void)
{
	started = clock();
}

/* Time of this process alone: what else runs here does not count. Sanitizers make it several times as much. */
static void
limit_check(const char *what)
{
	double took = (double)(clock() - started) / CLOCKS_PER_SEC;

	if (took > 4 * SLOWER)
		fail_msg("%s: %.1f s", what, took);
}

/* `count` times the format; # is the number, ^ the one before it. To be freed. */
static char *
repeated(const char *before, const char *format, size_t first, size_t count, const char *after)
{
	size_t room = strlen(before) + (strlen(format) + 64) * count + strlen(after) + 1, i;
	char *text = malloc(room), *at = text;

	if (!text)
		abort();
	at += sprintf(at, "%s", before);
	for (i = first; i < first + count; i++) {
		const char *from;

		for (from = format; *from != '\0'; from++) {
			if (*from == '#')
				at += sprintf(at, "%zu", i);
			else if (*from == '^')
				at += sprintf(at, "%zu", i - 1);
			else
				*at++ = *from;
		}
	}
	sprintf(at, "%s", after);
	return text;
}

static struct cedar_schema *
schema_parsed(char *text)
{
	struct cedar_schema *schema = NULL;
	struct cedar_fault fault = { 0 };

	if (!cedar_schema_parse(NULL, text_of(text), &schema, &fault))
		fail_msg("%u:%u: %s", fault.line, fault.column, fault.message);
	free(text);
	return schema;
}

static void
test_attributes(void **state)
{
	(void)state;
	limit_set();
	cedar_schema_free(schema_parsed(repeated("entity E {", "a#: Long,", 0, 150000, "};")));
	limit_check("attributes of a type");
}

static void
test_namespaces(void **state)
{
	(void)state;
	limit_set();
	cedar_schema_free(schema_parsed(repeated("", "namespace N# { entity A; }", 0, 100000, "")));
	limit_check("namespaces");
}

/* Actions in a chain, which all are entities, with all above them. */
static void
test_action_chain(void **state)
{
	struct cedar_schema *schema =
	    schema_parsed(repeated("entity E; action a0;", "action a# in [a^];", 1, 12000,
	                           "action b in [a12000] appliesTo { principal: E, resource: E };"));
	struct cedar_entities *entities = NULL;
	struct cedar_fault fault;

	(void)state;
	limit_set();
	assert_true(cedar_entities_parse_json(NULL, text_of("[]"), schema, &entities, &fault));
	assert_int_equal(cedar_entities_count(entities), 12002);
	limit_check("a chain of actions");
	cedar_entities_free(entities);
	cedar_schema_free(schema);
}

static void
test_entity_chain(void **state)
{
	char *json = repeated(
	    "[", "{\"uid\":{\"type\":\"U\",\"id\":\"#\"},\"attrs\":{},\"parents\":[{\"type\":\"U\",\"id\":\"^\"}]},", 1,
	    100000, "{\"uid\":{\"type\":\"U\",\"id\":\"0\"},\"attrs\":{},\"parents\":[]}]");
	struct cedar_entities *entities = NULL, *changed = NULL;
	struct cedar_builder *builder = cedar_builder_new(NULL);
	struct cedar_policies *policies = NULL;
	struct cedar_scratch *scratch = cedar_scratch_new(NULL);
	struct cedar_request request = { uid_of("U", "100000"), uid_of("Action", "a"), uid_of("R", "r"),
		                         cedar_context_empty() };
	struct cedar_response response;
	struct cedar_fault fault;
	char id[32];
	int i;

	(void)state;
	assert_true(
	    cedar_policies_parse(NULL, text_of("permit(principal in U::\"top\", action, resource);"), &policies, NULL));
	limit_set();
	if (!cedar_entities_parse_json(NULL, text_of(json), NULL, &entities, &fault))
		fail_msg("%s", fault.message);
	limit_check("a chain of entities");
	limit_set();
	cedar_entity_parent(builder, cedar_entity_add(builder, "U", "0"), "U",
	                    "top"); /* all stand below the one that changes */
	for (i = 0; i < 2000; i++) {
		snprintf(id, sizeof id, "other%d", i);
		cedar_entity_add(builder, "U", id);
	}
	if (!cedar_entities_with(NULL, entities, builder, &changed, &fault))
		fail_msg("%s", fault.message);
	limit_check("a change above all of a chain");
	assert_true(cedar_authorize(policies, entities, NULL, &request, scratch, &response));
	assert_false(response.allow);
	assert_true(cedar_authorize(policies, changed, NULL, &request, scratch, &response));
	assert_true(response.allow);
	cedar_policies_free(policies);
	cedar_scratch_free(scratch);
	cedar_builder_free(builder);
	cedar_entities_free(entities);
	cedar_entities_free(changed);
	free(json);
}

static void
test_explain(void **state)
{
	char *text = repeated("", "permit(principal, action, resource);", 0, 300000, "");
	struct cedar_request request = { uid_of("U", "u"), uid_of("Action", "a"), uid_of("R", "r"),
		                         cedar_context_empty() };
	struct cedar_policies *policies = NULL;
	struct cedar_explained explained;

	(void)state;
	assert_true(cedar_policies_parse(NULL, text_of(text), &policies, NULL));
	limit_set();
	assert_true(cedar_explain(NULL, policies, NULL, NULL, &request, 5, &explained));
	assert_int_equal(explained.count, 5);
	limit_check("reasons");
	cedar_explained_free(&explained);
	cedar_policies_free(policies);
	free(text);
}

static void
test_links(void **state)
{
	char *templates =
	    repeated("{\"templates\":{", "\"t#\":\"permit(principal == ?principal, action, resource);\",", 1, 100000,
	             "\"t\":\"permit(principal == ?principal, action, resource);\"},\"templateLinks\":[");
	char *text = repeated(
	    templates,
	    "{\"templateId\":\"t#\",\"newId\":\"l#\",\"values\":{\"?principal\":{\"type\":\"U\",\"id\":\"#\"}}},", 1,
	    100000,
	    "{\"templateId\":\"t\",\"newId\":\"l\",\"values\":{\"?principal\":{\"type\":\"U\",\"id\":\"u\"}}}]}");
	struct cedar_policies *policies = NULL;
	struct cedar_fault fault;

	(void)state;
	limit_set();
	if (!cedar_policies_parse_json(NULL, text_of(text), &policies, &fault))
		fail_msg("%u:%u: %s", fault.line, fault.column, fault.message);
	assert_int_equal(cedar_policies_count(policies), 100001);
	limit_check("links");
	cedar_policies_free(policies);
	free(templates);
	free(text);
}

static size_t
errors_of(struct cedar_schema *schema, char *text)
{
	struct cedar_policies *policies = NULL;
	struct cedar_report report;
	size_t errors;

	assert_true(cedar_policies_parse(NULL, text_of(text), &policies, NULL));
	assert_true(cedar_validate(NULL, schema, policies, &report));
	errors = report.errors;
	cedar_report_free(&report);
	cedar_policies_free(policies);
	free(text);
	cedar_schema_free(schema);
	return errors;
}

/* No name of one is in the other: a near one is looked for only so long. */
static void
test_strange_names(void **state)
{
	struct cedar_schema *schema = schema_parsed(repeated("action a;", "entity E#;", 0, 15000, ""));

	(void)state;
	limit_set();
	assert_in_range(errors_of(schema, repeated("", "permit(principal is F#x, action, resource);", 0, 15000, "")),
	                15000, 30000);
	limit_check("names that are not in the schema");
}

static void
test_choices(void **state)
{
	struct cedar_schema *schema =
	    schema_parsed(repeated("entity E enum [", "\"identifier#\",", 0, 60000,
	                           "\"last\"]; action a appliesTo { principal: E, resource: E };"));

	(void)state;
	limit_set();
	assert_int_equal(errors_of(schema, repeated("permit(principal, action, resource) when { ",
	                                            "principal == E::\"identifier#\" || ", 0, 60000, "true };")),
	                 0);
	limit_check("ids that are enumerated");
}

/* However long a chain of names for one type is, and in whichever order it is declared. */
static void
test_names_of_types(void **state)
{
	static const char use[] = "entity E {x: T0, y: T20000}; action a appliesTo { principal: E, resource: E };";
	char *first_last = repeated(use, "type T^ = T#;", 1, 20000, "type T20000 = Long;");
	char *last_first = repeated("type T0 = Long;", "type T# = T^;", 1, 20000, use);

	(void)state;
	limit_set();
	assert_int_equal(errors_of(schema_parsed(first_last),
	                           strdup("permit(principal, action, resource) when { principal.x == principal.y };")),
	                 0);
	assert_int_equal(errors_of(schema_parsed(last_first),
	                           strdup("permit(principal, action, resource) when { principal.x == principal.y };")),
	                 0);
	limit_check("names of a type");
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_attributes),    cmocka_unit_test(test_namespaces),
		                            cmocka_unit_test(test_action_chain),  cmocka_unit_test(test_entity_chain),
		                            cmocka_unit_test(test_explain),       cmocka_unit_test(test_links),
		                            cmocka_unit_test(test_strange_names), cmocka_unit_test(test_choices),
		                            cmocka_unit_test(test_names_of_types) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
