/* schema.c - schemas in both formats, the validator's findings, entities and requests against a schema. */
#include "ask.h"

#include <pthread.h>
#include <stdlib.h>

#include "cedar/schema.h"

static const char world[] = "namespace Shop {\n"
                            "  type Money = { amount: Long, currency?: String };\n"
                            "  entity Group in [Group];\n"
                            "  entity User in [Group] = { name: String, boss?: User, limit: Money, \"odd name\"?: "
                            "Bool, seen: Set<String>, home: ipaddr } tags Long;\n"
                            "  entity Item { price: Money, owner: User, colour: Colour };\n"
                            "  entity Colour enum [\"red\", \"green\"];\n"
                            "  action any;\n"
                            "  action view, edit in [any] appliesTo { principal: User, resource: [Item], context: { "
                            "when: datetime, note?: String } };\n"
                            "  action admin appliesTo { principal: [Group], resource: Item };\n"
                            "}\n";

static struct cedar_schema *
schema_of(const char *text)
{
	struct cedar_schema *schema = NULL;
	struct cedar_fault fault = { 0 };

	if (!cedar_schema_parse(NULL, text_of(text), &schema, &fault))
		fail_msg("line %u column %u: %s", fault.line, fault.column, fault.message);
	return schema;
}

/* Errors that the validator finds; the first one's message is kept. */
static struct cedar_fault found;
static size_t found_warnings;

static size_t
errors_of(const struct cedar_schema *schema, const char *text)
{
	struct cedar_policies *policies = NULL;
	struct cedar_report report;
	size_t errors, i;

	if (!cedar_policies_parse(NULL, text_of(text), &policies, &found))
		fail_msg("%s: %s", text, found.message);
	assert_true(cedar_validate(NULL, schema, policies, &report));
	errors = report.errors;
	found_warnings = report.warnings;
	found = (struct cedar_fault){ 0 };
	for (i = 0; i < report.count; i++)
		if (!report.problems[i].warning) {
			found = report.problems[i].fault;
			break;
		}
	cedar_report_free(&report);
	cedar_policies_free(policies);
	return errors;
}

static void
test_accepted(void **state)
{
	static const char *const texts[] = {
		"",
		"// nothing\n",
		"entity A, B in [A] = {} tags Set<String>;",
		"entity A enum [\"\"];",
		"entity in2; action \"x y\", z appliesTo { principal: in2, resource: [in2], context: {}, };",
		"type T = Set<{a: Long, \"b\"?: __cedar::String,}>; entity A { t: T }; action x appliesTo {context: C, "
		"principal: A, resource: A}; type C = {};",
		"@doc(\"x\") @y namespace A::B { @z entity C; } entity D { c: A::B::C };",
		"namespace A { entity Long; entity B { x: Long, y: __cedar::Long }; }",
		"entity A in A; action a in b; action b in \"c\"; action c;",
		"namespace A { action a in Action::\"b\"; } namespace B { action c in A::Action::\"a\"; } action b "
		"attributes {};",
		"type entity = Long; entity type { entity: entity, tags?: type } tags entity; action action;"
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof texts / sizeof *texts; i++)
		cedar_schema_free(schema_of(texts[i]));
}

static void
test_refused(void **state)
{
	static const struct {
		const char *text;
		unsigned line, column;
	} cases[] = { { "entity A", 1, 9 },
		      { "entity A;\nentity A;", 0, 0 },
		      { "entity A { x: Foo };", 1, 15 },
		      { "entity A in [B];", 1, 14 },
		      { "entity Action;", 1, 8 },
		      { "entity __cedar;", 1, 8 },
		      { "entity if;", 1, 8 },
		      { "type Long = String;", 1, 6 },
		      { "type Set = String;", 1, 6 },
		      { "type A = B; type B = Set<A>;", 0, 0 },
		      { "type A = {x: A};", 0, 0 },
		      { "action a in [a];", 0, 0 },
		      { "action a in b; action b in a;", 0, 0 },
		      { "action a in b;", 1, 13 },
		      { "action a appliesTo {};", 1, 21 },
		      { "entity A; action a appliesTo {principal: A};", 0, 0 },
		      { "entity A; action a appliesTo {principal: [], resource: A};", 1, 31 },
		      { "entity A; action a appliesTo {principal: A, principal: A, resource: A};", 1, 45 },
		      { "entity A; action a appliesTo {principal: A, resource: Action};", 1, 55 },
		      { "action a; action a;", 0, 0 },
		      { "entity A; action a appliesTo {principal: A, resource: A, context: A};", 1, 67 },
		      { "entity A; action a appliesTo {principal: A, resource: A, context: T}; type T = Long;", 1, 67 },
		      { "namespace A { entity B; } entity B;", 1, 22 },
		      { "namespace A { action b; } action b;", 1, 22 },
		      { "namespace A {} namespace A {}", 1, 26 },
		      { "namespace __cedar {}", 1, 11 },
		      { "entity A enum [];", 1, 16 },
		      { "entity A [B];", 1, 10 },
		      { "entity A { x: Set<Long };", 1, 24 },
		      { "@a @a entity A;", 1, 4 },
		      { "entity A { x: Long", 1, 19 },
		      { "\"", 1, 1 },
		      { "\xff", 1, 1 } };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct cedar_schema *schema = NULL;
		struct cedar_fault fault = { 0 };

		if (cedar_schema_parse(NULL, text_of(cases[i].text), &schema, &fault))
			fail_msg("accepted: %s", cases[i].text);
		assert_null(schema);
		assert_true(fault.message[0] != '\0');
		if (cases[i].line != 0 && (fault.line != cases[i].line || fault.column != cases[i].column))
			fail_msg("%s: expected %u:%u, got %u:%u (%s)", cases[i].text, cases[i].line, cases[i].column,
			         fault.line, fault.column, fault.message);
	}
}

static bool
json_accepted(const char *text, struct cedar_fault *fault)
{
	struct cedar_schema *schema = NULL;
	bool accepted = cedar_schema_parse_json(NULL, text_of(text), &schema, fault);

	cedar_schema_free(schema);
	return accepted;
}

static void
test_json(void **state)
{
	static const char *const good[] = {
		"{}", "{\"\":{\"entityTypes\":{},\"actions\":{}}}",
		"{\"N\":{\"entityTypes\":{\"A\":{\"memberOfTypes\":[\"N::A\"],\"shape\":{\"type\":\"Record\","
		"\"attributes\":{\"x\":{\"type\":\"Long\","
		"\"required\":false,\"annotations\":{\"d\":null}}},\"additionalAttributes\":false},\"tags\":{\"type\":"
		"\"EntityOrCommon\",\"name\":\"String\"}},"
		"\"E\":{\"enum\":[\"a\"]}},\"actions\":{\"v\":{\"memberOf\":[{\"id\":\"g\"},{\"id\":\"g\",\"type\":\"N:"
		":Action\"}],\"appliesTo\":{"
		"\"principalTypes\":[\"A\"],\"resourceTypes\":[],\"context\":{\"type\":\"C\"}}},\"g\":{\"appliesTo\":"
		"null}},\"commonTypes\":{\"C\":{"
		"\"type\":\"Record\",\"attributes\":{\"i\":{\"type\":\"Extension\",\"name\":\"ipaddr\"}},"
		"\"annotations\":{\"x\":\"y\"}}}}}"
	};
	static const char *const bad[] = {
		"",
		"[]",
		"{\"\":{}}",
		"{\"\":{\"entityTypes\":{}}}",
		"{\"a b\":{\"entityTypes\":{},\"actions\":{}}}",
		"{\"\":{\"entityTypes\":{},\"actions\":{},\"more\":1}}",
		"{\"\":{\"entityTypes\":{\"A\":{\"enum\":[]}},\"actions\":{}}}",
		"{\"\":{\"entityTypes\":{\"A\":{\"enum\":[\"a\"],\"tags\":{\"type\":\"Long\"}}},\"actions\":{}}}",
		"{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Long\"}}},\"actions\":{}}}",
		"{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{},"
		"\"additionalAttributes\":true}}},\"actions\":{}}}",
		"{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":"
		"\"Long\",\"element\":{}}}}}},\"actions\":{}}}",
		"{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":"
		"\"Extension\",\"name\":\"foo\"}}}}},\"actions\":{}}}",
		"{\"\":{\"entityTypes\":{\"A\":{},\"A\":{}},\"actions\":{}}}",
		"{\"\":{\"entityTypes\":{},\"actions\":{\"a\":{\"attributes\":{}}}}}",
		"{\"\":{\"entityTypes\":{},\"actions\":{\"a\":{\"memberOf\":[{\"id\":\"b\"}]}}}}",
		"{\"\":{\"entityTypes\":{},\"actions\":{\"a\":{\"appliesTo\":{\"principalTypes\":[]}}}}}",
		"{\"\":{\"entityTypes\":{},\"actions\":{},\"annotations\":{\"a\":\"b\"}}}",
		"{\"\":{\"entityTypes\":{},\"actions\":{},\"commonTypes\":{\"Record\":{\"type\":\"Long\"}}}}"
	};
	struct cedar_fault fault = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof good / sizeof *good; i++)
		if (!json_accepted(good[i], &fault))
			fail_msg("%s: %s", good[i], fault.message);
	for (i = 0; i < sizeof bad / sizeof *bad; i++)
		if (json_accepted(bad[i], &fault))
			fail_msg("accepted: %s", bad[i]);
}

/* What strict mode says of conditions of Shop::User on Shop::Item. */
static void
test_conditions(void **state)
{
	static const struct {
		const char *condition;
		bool valid;
		const char *message; /* a part of it */
	} cases[] = { { "principal.name == \"x\"", true, NULL },
		      { "principal.nam == \"x\"", false, "no attribute `nam`" },
		      { "principal.name + 1 == 2", false, "expected Long" },
		      { "principal.boss.name == \"x\"", false, "optional" },
		      { "principal has boss && principal.boss.name == \"x\"", true, NULL },
		      { "principal.boss.name == \"x\" && principal has boss", false, "optional" },
		      { "principal has boss || principal.boss.name == \"x\"", false, "optional" },
		      { "!(principal has boss) || principal.boss.name == \"x\"", false, "optional" },
		      { "if principal has boss then principal.boss.name == \"x\" else true", true, NULL },
		      { "principal has boss.limit.currency && principal.boss.limit.currency == \"x\"", true, NULL },
		      { "principal has \"odd name\" && principal[\"odd name\"]", true, NULL },
		      { "principal has nothing && principal.nothing", true, NULL },
		      { "context has note && context.note like \"a*\"", true, NULL },
		      { "context.note like \"a*\"", false, "optional" },
		      { "principal == resource", true, NULL },
		      { "principal.name == 1", false, "can never be equal" },
		      { "principal.limit == resource.price", true, NULL },
		      { "principal.limit == {amount: 1}", false, "can never be equal" },
		      { "[1, \"a\"].contains(1)", false, "one type" },
		      { "[].contains(1)", false, "empty set" },
		      { "[[1], [2]].contains([3])", true, NULL },
		      { "principal.seen.contains(1)", false, "can never be equal" },
		      { "principal.seen.containsAll([\"a\"])", true, NULL },
		      { "principal.seen.isEmpty()", true, NULL },
		      { "principal.name.isEmpty()", false, "expected a set" },
		      { "principal.hasTag(\"a\") && principal.getTag(\"a\") == 1", true, NULL },
		      { "principal.getTag(\"a\") == 1", false, "absent" },
		      { "principal.hasTag(\"a\") && principal.getTag(\"b\") == 1", false, "absent" },
		      { "resource.hasTag(\"a\") && resource.getTag(\"a\") == 1", true, NULL },
		      { "principal.hasTag(principal.name) && principal.getTag(principal.name) > 0", true, NULL },
		      { "ip(\"1.2.3.4\").isInRange(principal.home)", true, NULL },
		      { "ip(\"1.2.3\").isIpv4()", false, "not an IP" },
		      { "ip(principal.name).isIpv4()", false, "in quotes" },
		      { "principal.name.isIpv4()", false, "expected ipaddr" },
		      { "context.when < datetime(\"2024-01-01\")", true, NULL },
		      { "context.when < duration(\"1d\")", false, "ordered" },
		      { "context.when < 1", false, NULL },
		      { "decimal(\"1.0\") < decimal(\"2.0\")", false, "expected Long" },
		      { "principal in Shop::Group::\"g\"", true, NULL },
		      { "principal in [Shop::Group::\"g\"]", true, NULL },
		      { "principal in [principal.name]", false, "expected an entity" },
		      { "resource in Shop::Group::\"g\"", true, NULL },
		      { "action in Shop::Action::\"any\"", true, NULL },
		      { "action in Shop::Action::\"anny\"", false, "no action" },
		      { "principal is Shop::User && principal.name == \"a\"", true, NULL },
		      { "principal is Shop::Usr", false, "no entity type" },
		      { "principal is Shop::Item && principal.nothing == 1", true, NULL },
		      { "resource.colour == Shop::Colour::\"red\"", true, NULL },
		      { "resource.colour == Shop::Colour::\"blue\"", false, "enumerates" },
		      { "principal", false, "expected Bool" },
		      { "if true then true else principal.nothing", true, NULL },
		      { "false && principal.nothing", true, NULL },
		      { "true || principal.nothing", true, NULL },
		      { "if principal has boss then 1 else true", false, "branches" },
		      { "context.nothing == 1", false, "no attribute" },
		      { "principal.name < \"x\"", false, "expected Long" },
		      { "-principal.limit.amount < 3", true, NULL },
		      { "!principal.name", false, "expected Bool" },
		      { "{a: 1}.a == 1", true, NULL },
		      { "{a: 1}.b == 1", false, "no attribute" },
		      { "principal.boss == principal", false, "optional" },
		      { "(principal has boss || principal has \"odd name\") && principal.boss.name == \"x\"", false,
		        "optional" },
		      { "resource in Shop::Group::\"g\" && resource.nothing == 1", true, NULL },
		      { "principal.limit == {amount: 1, currency: \"x\"}", false, "can never be equal" },
		      { "(true && false) == \"x\"", true, NULL },
		      { "(true || (false && true)) == 1", true, NULL },
		      { "!true == \"x\"", false, "never be equal" } };
	struct cedar_schema *schema = schema_of(world);
	char text[1000];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		snprintf(text, sizeof text,
		         "permit(principal is Shop::User, action in [Shop::Action::\"view\", Shop::Action::\"edit\"], "
		         "resource) when { %s };",
		         cases[i].condition);
		if ((errors_of(schema, text) == 0) != cases[i].valid)
			fail_msg("%s: wrongly %s (%s)", cases[i].condition, cases[i].valid ? "refused" : "accepted",
			         found.message);
		if (cases[i].message != NULL && strstr(found.message, cases[i].message) == NULL)
			fail_msg("%s: unhelpful: %s", cases[i].condition, found.message);
	}
	cedar_schema_free(schema);
}

static void
test_scopes(void **state)
{
	static const struct {
		const char *text;
		size_t errors, warnings;
	} cases[] = { { "permit(principal, action, resource);", 0, 0 },
		      { "permit(principal == Shop::User::\"a\", action == Shop::Action::\"view\", resource == "
		        "Shop::Item::\"i\");",
		        0, 0 },
		      { "permit(principal == Shop::Group::\"a\", action == Shop::Action::\"view\", resource);", 1, 1 },
		      { "permit(principal in Shop::Group::\"a\", action == Shop::Action::\"view\", resource);", 0, 0 },
		      { "permit(principal == Shop::Usr::\"a\", action, resource);", 2, 0 },
		      { "permit(principal, action == Shop::Action::\"vew\", resource);", 2, 1 },
		      { "permit(principal is Shop::Item, action, resource);", 1, 1 },
		      { "permit(principal, action in [], resource);", 2, 0 },
		      { "permit(principal, action in Shop::Action::\"any\", resource);", 0, 0 },
		      { "permit(principal, action, resource == Shop::Colour::\"red\");", 1, 1 },
		      { "permit(principal, action, resource) when { false };", 0, 1 },
		      { "permit(principal, action == Shop::Action::\"any\", resource);", 1, 1 },
		      { "permit(principal == ?principal, action, resource);", 0, 0 },
		      { "permit(principal is Shop::User in ?principal, action == Shop::Action::\"view\", resource in "
		        "?resource);",
		        0, 0 } };
	struct cedar_schema *schema = schema_of(world);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t errors = errors_of(schema, cases[i].text);

		if (errors != cases[i].errors || found_warnings != cases[i].warnings)
			fail_msg("%s: %zu errors, %zu warnings (%s)", cases[i].text, errors, found_warnings,
			         found.message);
	}
	cedar_schema_free(schema);
}

static void
test_place_and_suggestion(void **state)
{
	struct cedar_schema *schema = schema_of(world);

	(void)state;
	assert_int_equal(
	    errors_of(
	        schema,
	        "permit(principal, action == Shop::Action::\"view\", resource)\nwhen { principal.nmae == \"x\" };"),
	    1);
	assert_int_equal(found.line, 2);
	assert_string_equal(found.suggestion, "did you mean `name`?");
	assert_int_equal(
	    errors_of(schema, "permit(principal == Shop::Group::\"g\", action == Shop::Action::\"view\", resource);"),
	    1);
	assert_string_equal(found.suggestion, "try `principal in` instead of `principal ==`");
	assert_true(errors_of(schema, "permit(principal is Shop::Usr, action, resource);") > 0);
	assert_string_equal(found.suggestion, "did you mean `Shop::User`?");
	cedar_schema_free(schema);
}

/* Links are checked for what fills the slots. */
static void
test_links(void **state)
{
	struct cedar_uid_text good = uid_of("Shop::User", "a"), unknown = uid_of("Shop::Usr", "a"),
	                      wrong = uid_of("Shop::Colour", "red");
	const struct cedar_uid_text *values[] = { &good, &unknown, &wrong };
	struct cedar_schema *schema = schema_of(world);
	struct cedar_policies *policies = NULL, *linked;
	struct cedar_report report;
	size_t i;

	(void)state;
	assert_true(
	    cedar_policies_parse(NULL, text_of("permit(principal == ?principal, action, resource);"), &policies, NULL));
	for (i = 0; i < 3; i++) {
		assert_true(
		    cedar_policies_link(policies, text_of("policy0"), text_of("link"), values[i], NULL, &linked, NULL));
		assert_true(cedar_validate(NULL, schema, linked, &report));
		if ((report.errors == 0) != (i == 0))
			fail_msg("link %zu: %zu errors", i, report.errors);
		cedar_report_free(&report);
		cedar_policies_free(linked);
	}
	cedar_policies_free(policies);
	cedar_schema_free(schema);
}

static bool
entities_fit(const struct cedar_schema *schema, const char *json)
{
	struct cedar_entities *entities = NULL;
	bool fit = cedar_entities_parse_json(NULL, text_of(json), schema, &entities, &found);

	cedar_entities_free(entities);
	return fit;
}

static void
test_entities(void **state)
{
	static const char user[] = "[{\"uid\":{\"type\":\"Shop::User\",\"id\":\"u\"},\"attrs\":{\"name\":\"n\","
	                           "\"limit\":{\"amount\":1},\"seen\":[],"
	                           "\"home\":\"::1\"%s},\"parents\":[%s]%s}]";
	static const struct {
		const char *attributes, *parents, *tags;
		bool fit;
	} cases[] = { { "", "", "", true },
		      { ",\"boss\":{\"type\":\"Shop::User\",\"id\":\"x\"}", "", "", true },
		      { ",\"boss\":{\"__entity\":{\"type\":\"Shop::Item\",\"id\":\"x\"}}", "", "", false },
		      { ",\"more\":1", "", "", false },
		      { "", "{\"type\":\"Shop::Group\",\"id\":\"g\"}", "", true },
		      { "", "{\"type\":\"Shop::Item\",\"id\":\"g\"}", "", false },
		      { "", "", ",\"tags\":{\"a\":1}", true },
		      { "", "", ",\"tags\":{\"a\":\"x\"}", false },
		      { ",\"odd name\":\"x\"", "", "", false } };
	struct cedar_schema *schema = schema_of(world);
	char json[1000];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		snprintf(json, sizeof json, user, cases[i].attributes, cases[i].parents, cases[i].tags);
		if (entities_fit(schema, json) != cases[i].fit)
			fail_msg("%s: wrongly %s (%s)", json, cases[i].fit ? "refused" : "accepted", found.message);
	}
	assert_false(
	    entities_fit(schema, "[{\"uid\":{\"type\":\"Shop::User\",\"id\":\"u\"},\"attrs\":{},\"parents\":[]}]"));
	assert_false(entities_fit(
	    schema, "[{\"uid\":{\"type\":\"Shop::Colour\",\"id\":\"blue\"},\"attrs\":{},\"parents\":[]}]"));
	assert_true(
	    entities_fit(schema, "[{\"uid\":{\"type\":\"Shop::Colour\",\"id\":\"red\"},\"attrs\":{},\"parents\":[]}]"));
	assert_false(entities_fit(
	    schema, "[{\"uid\":{\"type\":\"Shop::Action\",\"id\":\"view\"},\"attrs\":{},\"parents\":[]}]"));
	assert_true(entities_fit(schema,
	                         "[{\"uid\":{\"type\":\"Shop::Action\",\"id\":\"view\"},\"attrs\":{},\"parents\":["
	                         "{\"type\":\"Shop::Action\",\"id\":\"any\"}]}]"));
	cedar_schema_free(schema);
}

static void
test_requests(void **state)
{
	static const struct {
		const char *principal, *action, *resource;
		bool time, extra, fit;
	} cases[] = { { "Shop::User", "view", "Shop::Item", true, false, true },
		      { "Shop::User", "view", "Shop::Item", false, false, false },
		      { "Shop::User", "view", "Shop::Item", true, true, false },
		      { "Shop::Group", "view", "Shop::Item", true, false, false },
		      { "Shop::User", "view", "Shop::User", true, false, false },
		      { "Shop::Nobody", "view", "Shop::Item", true, false, false },
		      { "Shop::User", "vew", "Shop::Item", true, false, false },
		      { "Shop::Group", "admin", "Shop::Item", false, false, true },
		      { "Shop::User", "any", "Shop::Item", false, false, false } };
	struct cedar_schema *schema = schema_of(world);
	struct cedar_builder *builder = cedar_builder_new(NULL);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct cedar_value *context = cedar_value_record(builder);
		struct cedar_request request = { uid_of(cases[i].principal, "a"),
			                         uid_of("Shop::Action", cases[i].action),
			                         uid_of(cases[i].resource, "b"), context };

		if (cases[i].time)
			cedar_record_put(builder, context, "when", cedar_value_datetime_ms(builder, 0));
		if (cases[i].extra)
			cedar_record_put(builder, context, "more", cedar_value_long(builder, 0));
		if (cedar_schema_check_request(schema, &request, &found) != cases[i].fit)
			fail_msg("case %zu: %s", i, found.message);
	}
	cedar_builder_free(builder);
	cedar_schema_free(schema);
}

static void *
run_deep(void *unused)
{
	static const char *const opens[] = { "(",
		                             "[",
		                             "{a:",
		                             "!(",
		                             "-(",
		                             "ip(",
		                             "(true && ",
		                             "(principal has boss && ",
		                             "(true == ",
		                             "principal.getTag(",
		                             "(principal is Shop::User in " };
	static const char *const closes[] = { ")", "]", "}", ")", ")", ")", ")", ")", ")", ")", ")" };
	struct cedar_schema *schema = NULL;
	struct cedar_policies *policies;
	struct cedar_report report;
	size_t i, j, done = 0;

	(void)unused;
	if (!cedar_schema_parse(NULL, text_of(world), &schema, NULL))
		return NULL;
	for (i = 0; i < sizeof opens / sizeof *opens; i++) {
		char *text = malloc(20000), *at = stpcpy(text, "permit(principal, action, resource) when { ");

		for (j = 0; j < CEDAR_DEPTH_MAX - 10; j++)
			at = stpcpy(at, opens[i]);
		at = stpcpy(at, "true");
		for (j = 0; j < CEDAR_DEPTH_MAX - 10; j++)
			at = stpcpy(at, closes[i]);
		stpcpy(at, " };");
		policies = NULL;
		if (cedar_policies_parse(NULL, text_of(text), &policies, NULL) &&
		    cedar_validate(NULL, schema, policies, &report)) {
			cedar_report_free(&report);
			done++;
		}
		cedar_policies_free(policies);
		free(text);
	}
	cedar_schema_free(schema);
	return done == sizeof opens / sizeof *opens ? (void *)1 : NULL;
}

static void
test_small_stack(void **state)
{
	pthread_attr_t attributes;
	pthread_t thread;
	void *result = NULL; /* not NULL: all were validated */

	(void)state;
	pthread_attr_init(&attributes);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	pthread_attr_setstacksize(&attributes, 4 << 20); /* its frames are larger */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
	pthread_attr_setstacksize(&attributes, 4 << 20);
#else
	pthread_attr_setstacksize(&attributes, 256 << 10);
#endif
#else
	pthread_attr_setstacksize(&attributes, 256 << 10);
#endif
	assert_int_equal(pthread_create(&thread, &attributes, run_deep, NULL), 0);
	pthread_join(thread, &result);
	pthread_attr_destroy(&attributes);
	assert_non_null(result);
}

static void
test_depth_of_types(void **state)
{
	char *text = malloc(4 << 20), *at = text;
	struct cedar_schema *schema = NULL;
	struct cedar_fault fault = { 0 };
	size_t i;

	(void)state;
	at = stpcpy(at, "type T = ");
	for (i = 0; i < 500000; i++)
		at = stpcpy(at, "Set<");
	assert_false(cedar_schema_parse(NULL, text_of(text), &schema, &fault));
	assert_non_null(strstr(fault.message, "deep"));
	at = stpcpy(text, "type T0 = Long;");
	for (i = 1; i < 20000; i++)
		at += sprintf(at, "type T%zu = {a: T%zu, b: T%zu};", i, i - 1, i - 1);
	assert_false(cedar_schema_parse(NULL, text_of(text), &schema, &fault));
	assert_non_null(strstr(fault.message, "deep"));
	assert_false(cedar_schema_parse(NULL, text_of("type A = {x: B}; type B = Set<A>;"), &schema, &fault));
	assert_non_null(strstr(fault.message, "contains itself"));
	free(text);
}

/* Nested has-paths share what they look at: small texts, exponential trees. */
static void
test_shared_operands(void **state)
{
	char text[4000], *at = stpcpy(text, "permit(principal, action, resource) when { ");
	struct cedar_schema *schema = schema_of(
	    "entity U; action x appliesTo {principal: U, resource: U, context: {a?: {b?: {c?: {d?: Long}}}}};");
	size_t i;

	(void)state;
	for (i = 0; i < 14; i++)
		at = stpcpy(at, "(if ");
	at = stpcpy(at, "context");
	for (i = 0; i < 14; i++)
		at = stpcpy(at, " has a.b.c.d then context else context)");
	stpcpy(at, " has a };");
	assert_int_equal(errors_of(schema, text), 1);
	assert_non_null(strstr(found.message, "too complex"));
	cedar_schema_free(schema);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),       cmocka_unit_test(test_refused),
		cmocka_unit_test(test_json),           cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_scopes),         cmocka_unit_test(test_place_and_suggestion),
		cmocka_unit_test(test_links),          cmocka_unit_test(test_entities),
		cmocka_unit_test(test_requests),       cmocka_unit_test(test_small_stack),
		cmocka_unit_test(test_depth_of_types), cmocka_unit_test(test_shared_operands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
