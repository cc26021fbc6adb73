#include "ask.h"

#define SEARCHES "  aa: {A: one1}\n  ab: {B: one1}\n  cc: {C: one1}\n  _h: {H: one1}\n  condition: "

static bool
holds(const char *condition, const char *json)
{
	char text[2048];
	snprintf(text, sizeof text, SEARCHES "%s", condition);
	return ask(text, json);
}

#define A "\"A\":\"one1\""
#define B "\"B\":\"one1\""
#define C "\"C\":\"one1\""

static void
operators_bind_as_specified(void **state)
{
	(void)state;
	static const struct ask_case cases[] = {
		{ "aa", "{" A "}", true },
		{ "aa", "{" B "}", false },
		{ "aa and ab", "{" A "," B "}", true },
		{ "aa and ab", "{" A "}", false },
		{ "aa or ab", "{" B "}", true },
		{ "aa or ab", "{" C "}", false },
		{ "not aa", "{" B "}", true },
		{ "not aa", "{" A "}", false },
		{ "not not aa", "{" A "}", true },
		{ "aa or ab and cc", "{" A "}", true },         /* and binds before or */
		{ "(aa or ab) and cc", "{" A "}", false },
		{ "(aa or ab) and cc", "{" B "," C "}", true },
		{ "not aa and ab", "{" B "}", true },           /* not binds before and */
		{ "not (aa and ab)", "{" A "}", true },
		{ "not (aa or ab)", "{" A "}", false },
		{ "aa and not ab", "{" A "}", true },
		{ "aa and not ab", "{" A "," B "}", false },
		{ "aa AND NOT ab", "{" A "}", true },
		{ "aa and ab and cc", "{" A "," B "," C "}", true },
		{ "aa and ab and cc", "{" A "," C "}", false },
		{ "aa and (ab or (cc and not ab))", "{" A "," C "}", true },
		{ "[aa, ab]", "{" B "}", true },                 /* a list is an or */
		{ "[aa, ab]", "{" C "}", false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (holds(cases[i].item, cases[i].json) != cases[i].matches)
			fail_msg("%s on %s", cases[i].item, cases[i].json);
}

static void
some_of_and_all_of(void **state)
{
	(void)state;
	static const struct ask_case cases[] = {
		{ "1 of a*", "{" B "}", true },
		{ "1 of a*", "{" C "}", false },
		{ "any of a*", "{" B "}", true },
		{ "all of a*", "{" A "," B "}", true },
		{ "all of a*", "{" A "}", false },
		{ "1 of them", "{" C "}", true },
		{ "1 of them", "{\"H\":\"one1\"}", false },     /* _h is hidden */
		{ "all of them", "{" A "," B "," C "}", true },
		{ "all of them", "{" A "," B "}", false },
		{ "1 of _*", "{\"H\":\"one1\"}", true },
		{ "cc and not 1 of a*", "{" C "}", true },
		{ "cc and not 1 of a*", "{" C "," B "}", false },
		{ "not all of a*", "{" A "}", true },
		{ "1 of *b", "{" B "}", true },
		{ "1 of *b", "{" A "}", false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (holds(cases[i].item, cases[i].json) != cases[i].matches)
			fail_msg("%s on %s", cases[i].item, cases[i].json);
}

static void
maps_lists_and_keywords(void **state)
{
	(void)state;
	assert_true(ask("  s: {A: xxx, B: yyy}\n  condition: s", "{\"A\":\"xxx\",\"B\":\"yyy\"}"));
	assert_false(ask("  s: {A: xxx, B: yyy}\n  condition: s", "{\"A\":\"xxx\"}"));
	assert_true(ask("  s: [{A: xxx}, {B: yyy}]\n  condition: s", "{\"B\":\"yyy\"}"));
	assert_false(ask("  s: [{A: xxx}, {B: yyy}]\n  condition: s", "{\"B\":\"xxx\"}"));
	assert_true(ask("  k: [evil, bad]\n  condition: k", "{\"any\":{\"where\":[1,\"so EVIL!\"]}}"));
	assert_false(ask("  k: [evil, bad]\n  condition: k", "{\"evil\":\"good\"}"));    /* names are no values */
	assert_true(ask("  k: evil\n  condition: k", "{\"x\":\"an evil one\"}"));
	assert_true(ask("  k: ['e*l thing']\n  condition: k", "{\"x\":\"an evil thing\"}"));
	assert_true(ask("  k: [4711]\n  condition: k", "{\"x\":4711}"));
	assert_true(ask("  k: {'|all': [evil, bad]}\n  condition: k", "{\"x\":\"evil\",\"y\":\"bad\"}"));
	assert_false(ask("  k: {'|all': [evil, bad]}\n  condition: k", "{\"x\":\"evil\"}"));
	assert_true(ask("  k: {'|re': 'e.il'}\n  condition: k", "{\"x\":\"an evil one\"}"));
	assert_true(ask("  s: [{A: xxx}, evil]\n  condition: s", "{\"B\":\"evil\"}"));
}

static void
questions_that_differ_are_not_shared(void **state)
{
	(void)state;
	assert_true(ask("  a: {F|cased: abc}\n  b: {F: abc}\n  condition: a or b", "{\"F\":\"ABC\"}"));
	assert_false(ask("  b: {F: abc}\n  a: {F|cased: abc}\n  condition: a and b", "{\"F\":\"ABC\"}"));
	assert_false(ask("  a: {F: abc}\n  b: {G: abc}\n  condition: a and b", "{\"F\":\"abc\"}"));
	assert_true(ask("  a: {F|re: abc}\n  b: {F|re|i: abc}\n  condition: a or b", "{\"F\":\"ABC\"}"));
	assert_false(ask("  a: {F|lt: 5}\n  b: {F|lte: 5}\n  condition: a and b", "{\"F\":5}"));
	assert_true(ask("  a: {F|lt: 5}\n  b: {F|lte: 5}\n  condition: a or b", "{\"F\":5}"));
}

static void
not_of_what_is_absent(void **state)
{
	(void)state;
	assert_true(ask("  s: {A: xxx}\n  f: {B: yyy}\n  condition: s and not f", "{\"A\":\"xxx\"}"));
	assert_false(ask("  s: {A: xxx}\n  f: {B: [yyy, zzz]}\n  condition: s and not f", "{\"A\":\"xxx\",\"B\":[\"q\",\"ZZZ\"]}"));
	assert_true(ask("  s: {A: xxx}\n  f: {B: null}\n  condition: s and not f", "{\"A\":\"xxx\",\"B\":\"b\"}"));
	assert_false(ask("  s: {A: xxx}\n  f: {B: null}\n  condition: s and not f", "{\"A\":\"xxx\"}"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operators_bind_as_specified), cmocka_unit_test(some_of_and_all_of),
		cmocka_unit_test(maps_lists_and_keywords), cmocka_unit_test(not_of_what_is_absent), cmocka_unit_test(questions_that_differ_are_not_shared),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
