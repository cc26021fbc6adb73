/* messages.c - what is said of the usual mistakes: where, what, and what would be right (the reference's were the measure). */
#include "ask.h"

#include "cedar/schema.h"

static const char schema_text[] =
    "entity User in [Group] { level: Long, name: String, boss?: User, labels: Set<String> } tags String; entity Group;"
    "entity Doc in [Folder] { owner: User, at: datetime, ip: ipaddr, price: decimal }; entity Folder; entity Color "
    "enum [\"red\", \"blue\"];"
    "action read, write appliesTo { principal: User, resource: Doc, context: { mfa: Bool, n?: Long } };";

#define WHEN(condition) "permit(principal,action,resource) when { " condition " };"

static const struct {
	const char *text;
	unsigned column;
	const char *message, *suggestion;
} mistakes[] = {
	{ WHEN("principal.lvel > 3"), 52, "User has no attribute `lvel`", "did you mean `level`?" },
	{ WHEN("principal.boss.level > 3"), 52, "the attribute `boss` of User is optional",
	  "test it with `has` first" },
	{ WHEN("context.n > 1"), 50, "the attribute `n` of the context of Action::\"write\" is optional",
	  "test it with `has` first" },
	{ WHEN("context.mfaa"), 50, "the context of Action::\"write\" has no attribute `mfaa`", "did you mean `mfa`?" },
	{ WHEN("principal.name > 3"), 52, "expected Long, datetime or duration, but this is String", "" },
	{ WHEN("principal.name == 3"), 57, "String and Long can never be equal", "both sides must be of one type" },
	{ "permit(principal == Usr::\"a\",action,resource);", 8, "the schema declares no entity type `Usr`",
	  "did you mean `User`?" },
	{ "permit(principal,action == Action::\"raed\",resource);", 18, "no action Action::\"raed\"",
	  "did you mean \"read\"?" },
	{ "permit(principal is Doc,action,resource);", 1, "no action applies to what the scope asks for", "" },
	{ WHEN("principal in principal.labels"), 65, "expected an entity or a set of entities, but this is Set<String>",
	  "try .contains" },
	{ WHEN("principal.labels.contains(3)"), 59, "String and Long can never be equal",
	  "must be of the type of its elements" },
	{ WHEN("principal.level"), 52, "expected Bool, but this is Long", "" },
	{ WHEN("[].contains(1)"), 42, "the empty set has no type", ".isEmpty()" },
	{ WHEN("[1,\"a\"].contains(1)"), 45, "the elements of a set must be of one type; here are Long and String",
	  "" },
	{ WHEN("resource.price < decimal(\"1.0\")"), 51, "but this is decimal", ".lessThan(" },
	{ WHEN("resource.ip.isInRange(ip(\"300.0.0.1\"))"), 64, "is not an IP address", "" },
	{ WHEN("ip(principal.name).isIpv4()"), 42, "takes a text in quotes", "data of entities" },
	{ WHEN("principal.getTag(\"a\") == \"b\""), 52, "the tag `a` of User may be absent", "test it with .hasTag" },
	{ WHEN("principal == Color::\"green\""), 55, "\"green\" is none of the ids that `Color` enumerates",
	  "they are \"red\", \"blue\"" },
	{ WHEN("(if context.mfa then 1 else \"a\") == 1"), 43, "the branches are of different types, Long and String",
	  "" },
	{ WHEN("principal.name + \"x\" == \"ax\""), 52, "expected Long, but this is String", "cannot join texts" },
	{ WHEN("principal.level like \"3*\""), 52, "expected String, but this is Long", "" },
	{ WHEN("resource.ip.isInRange()"), 54, "isInRange takes 2 argument(s), not 1", "" },
	{ WHEN("principal.level = 3"), 58, "`=` is no operator", "equality is written ==" },
	{ "permit(action,principal,resource);", 8, "expected `principal`, found `action`", "in this order" },
	{ "permit(principal == User::\"a\" && true,action,resource);", 31, "expected `,`, found `&&`", "when { … }" },
	{ WHEN("user.level == 3"), 42, "`user` is no variable", "" },
	{ WHEN("principal.labels.containsall([1])"), 59, "there is no method `containsall`",
	  "did you mean containsAll?" },
	{ WHEN("principal.name == 'x'"), 60, "begins nothing", "double quotes" },
	{ WHEN("true and false"), 47, "expected `}`, found `and`", "write &&" },
	{ WHEN("principal.name == \"abc"), 60, "never closed", "" },
};

/* The first fault: of the text, else of the validation. */
static struct cedar_fault
fault_of(const struct cedar_schema *schema, const char *text)
{
	struct cedar_fault fault = { 0 };
	struct cedar_policies *policies;
	struct cedar_report report;

	if (!cedar_policies_parse(NULL, text_of(text), &policies, &fault))
		return fault;
	assert_true(cedar_validate(NULL, schema, policies, &report));
	if (report.errors > 0)
		fault = report.problems[0].fault;
	cedar_report_free(&report);
	cedar_policies_free(policies);
	return fault;
}

static void
test_usual_mistakes(void **state)
{
	struct cedar_schema *schema;
	size_t i;

	(void)state;
	assert_true(cedar_schema_parse(NULL, text_of(schema_text), &schema, NULL));
	for (i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
		struct cedar_fault fault = fault_of(schema, mistakes[i].text);

		if (fault.line != 1 || fault.column != mistakes[i].column ||
		    strstr(fault.message, mistakes[i].message) == NULL ||
		    strstr(fault.suggestion, mistakes[i].suggestion) == NULL)
			fail_msg("%s\n%u:%u: %s (%s)", mistakes[i].text, fault.line, fault.column, fault.message,
			         fault.suggestion);
	}
	cedar_schema_free(schema);
}

/* In what is not policy text. */
static void
test_other_mistakes(void **state)
{
	enum what { POLICIES, SCHEMA, SCHEMA_TEXT, ENTITIES, REQUEST };
#define CONDITION(body) \
	"{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":" \
	"\"All\"},\"conditions\":[{\"kind\":\"when\",\"body\":" body "}]}"
#define ASKED(principal, action, context) \
	"{\"principal\":{\"type\":\"" principal "\",\"id\":\"u\"},\"action\":{\"type\":\"Action\",\"id\":\"" action \
	"\"},\"resource\":{\"type\":\"Doc\",\"id\":\"d\"},\"context\":" context "}"
	static const struct {
		enum what what;
		const char *text, *message, *suggestion;
	} others[] = {
		{ POLICIES, "{\"effect\":\"permit\",\"principle\":{}}", "the field `principle` is not known",
		  "did you mean `principal`?" },
		{ POLICIES, "{\"staticPolicys\":{}}", "the field `staticPolicys` is not known",
		  "did you mean `staticPolicies`?" },
		{ POLICIES, CONDITION("{\"containsAl\":{}}"), "there is no operator `containsAl`",
		  "did you mean `containsAll`?" },
		{ POLICIES, CONDITION("{\"decimall\":[]}"), "there is no operator `decimall`",
		  "did you mean `decimal`?" },
		{ POLICIES,
		  "{\"templates\":{\"viewer\":\"permit(principal==?principal,action,resource);\"},\"templateLinks\":[{"
		  "\"templateId\":\"vewer\",\"newId\":\"l\",\"values\":{}}]}",
		  "there is no template `vewer`", "did you mean `viewer`?" },
		{ SCHEMA, "{\"\":{\"entityTypes\":{\"E\":{\"memberOfType\":[]}},\"actions\":{}}}",
		  "the field `memberOfType` is not known", "did you mean `memberOfTypes`?" },
		{ SCHEMA_TEXT, "entity E { a: Lng };", "there is no type `Lng`", "did you mean `Long`?" },
		{ SCHEMA_TEXT, "type Money = Long; entity E { a: Mony };", "there is no type `Mony`",
		  "did you mean `Money`?" },
		{ SCHEMA_TEXT, "entity Group; entity E in [Grup];", "there is no entity type `Grup`",
		  "did you mean `Group`?" },
		{ SCHEMA_TEXT, "action write; action a in [wriet];", "there is no action `wriet`",
		  "did you mean `write`?" },
		{ ENTITIES, "[{\"uid\":{\"type\":\"Usr\",\"id\":\"u\"},\"attrs\":{},\"parents\":[]}]",
		  "no entity type `Usr`", "did you mean `User`?" },
		{ ENTITIES, "[{\"uid\":{\"type\":\"User\",\"id\":\"u\"},\"attrs\":{\"levl\":1},\"parents\":[]}]",
		  "`User` has no attribute `levl`", "did you mean `level`?" },
		{ REQUEST, ASKED("User", "reed", "{}"), "no action Action::\"reed\"", "did you mean `read`?" },
		{ REQUEST, ASKED("Usr", "read", "{\"mfa\":true}"), "no entity type `Usr`", "did you mean `User`?" },
		{ REQUEST, ASKED("Folder", "read", "{\"mfa\":true}"), "does not apply to a principal of type `Folder`",
		  "it applies to User" },
		{ REQUEST, ASKED("User", "read", "{}"), "the attribute `mfa` is missing", "" },
		{ REQUEST, ASKED("User", "read", "{\"mfa\":1}"), "`mfa` of the context is not of the type Bool", "" },
	};
	struct cedar_builder *builder = cedar_builder_new(NULL);
	struct cedar_schema *schema, *other = NULL;
	struct cedar_policies *policies = NULL;
	struct cedar_entities *entities = NULL;
	struct cedar_request request;
	size_t i;

	(void)state;
	assert_true(cedar_schema_parse(NULL, text_of(schema_text), &schema, NULL));
	for (i = 0; i < sizeof others / sizeof *others; i++) {
		struct cedar_text text = text_of(others[i].text);
		struct cedar_fault fault = { 0 };
		bool good = false;

		switch (others[i].what) {
		case POLICIES:
			good = cedar_policies_parse_json(NULL, text, &policies, &fault);
			break;
		case SCHEMA:
			good = cedar_schema_parse_json(NULL, text, &other, &fault);
			break;
		case SCHEMA_TEXT:
			good = cedar_schema_parse(NULL, text, &other, &fault);
			break;
		case ENTITIES:
			good = cedar_entities_parse_json(NULL, text, schema, &entities, &fault);
			break;
		case REQUEST:
			good = cedar_request_parse_json(builder, text, schema, &request, &fault) &&
			       cedar_schema_check_request(schema, &request, &fault);
			break;
		}
		if (good || strstr(fault.message, others[i].message) == NULL ||
		    strcmp(fault.suggestion, others[i].suggestion) != 0)
			fail_msg("%s: %s (%s)", others[i].text, fault.message, fault.suggestion);
	}
	cedar_builder_free(builder);
	cedar_schema_free(schema);
}

/* Warnings of what may not be what it looks like: said without showing it, and no error. */
static void
test_looks(void **state)
{
	static const struct {
		const char *text, *warning; /* NULL: none */
	} looks[] = {
		{ WHEN("principal.name == \"p\u0430y\""), "mixes scripts (U+0430" },
		{ WHEN("principal.name like \"p\u0430y*\""), "\"p\\u{430}y\" mixes scripts" },
		{ WHEN("principal.name == \"\u202Eabc\""), "holds U+202E, which turns the direction" },
		{ WHEN("principal.name == \"\\u{2066}abc\""), "holds U+2066" },
		{ WHEN("principal has level && principal == User::\"x\u2460\""),
		  "holds U+2460, which names are not made of" },
		{ "permit(principal == User::\"b\u0431\",action,resource);", "the name \"b\\u{431}\" mixes scripts" },
		{ WHEN("principal.name == \"\u65E5\u672C\u3072\u3089\""), NULL },
		{ WHEN("principal.name == \"\u043F\u0440\u0438\u0432\u0435\u0442 1!\""), NULL },
		{ WHEN("principal.name == \"caf\u00E9\""), NULL },
		{ WHEN("principal.name == \"\u0665\u06B9\u0600\""),
		  NULL }, /* digits that three scripts have, and letters of one of them */
		{ WHEN("principal.name == \"\u096F\u0971\""), NULL },
		{ WHEN("principal.name == \"a\uE009\""), "mixes scripts (U+E009" }, /* of no script */
	};
	struct cedar_schema *schema;
	size_t i;

	(void)state;
	assert_true(cedar_schema_parse(NULL, text_of(schema_text), &schema, NULL));
	for (i = 0; i < sizeof looks / sizeof *looks; i++) {
		struct cedar_policies *policies;
		struct cedar_report report;

		assert_true(cedar_policies_parse(NULL, text_of(looks[i].text), &policies, NULL));
		assert_true(cedar_validate(NULL, schema, policies, &report));
		assert_int_equal(report.errors, 0);
		assert_int_equal(report.warnings, looks[i].warning != NULL);
		if (looks[i].warning != NULL && strstr(report.problems[0].fault.message, looks[i].warning) == NULL)
			fail_msg("%s: %s", looks[i].text, report.problems[0].fault.message);
		cedar_report_free(&report);
		cedar_policies_free(policies);
	}
	cedar_schema_free(schema);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_usual_mistakes),
		                            cmocka_unit_test(test_other_mistakes), cmocka_unit_test(test_looks) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
