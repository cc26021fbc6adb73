#include "ask.h"

static void
texts_are_compared_whole_and_folded(void **state)
{
	(void)state;
	static const struct ask_case cases[] = {
		{ "F: abc", "{\"F\":\"ABC\"}", true },
		{ "F: abc", "{\"F\":\"abcd\"}", false },
		{ "F: abc", "{\"G\":\"abc\"}", false },
		{ "F: abc", "{\"f\":\"abc\"}", false },
		{ "F: 'ÄÖß'", "{\"F\":\"äöß\"}", true },
		{ "F: 'привет'", "{\"F\":\"ПРИВЕТ\"}", true },
		{ "F: ''", "{\"F\":\"\"}", true },
		{ "F: ''", "{\"F\":\"x\"}", false },
		{ "F: ''", "{}", false },
		{ "F: [abc, def]", "{\"F\":\"def\"}", true },
		{ "F: abc", "{\"F\":[\"x\",\"abc\"]}", true },
		{ "F|cased: abc", "{\"F\":\"abc\"}", true },
		{ "F|cased: abc", "{\"F\":\"Abc\"}", false },
		{ "F|contains|cased: bcdE", "{\"F\":\"abcdEf\"}", true },
		{ "F|contains|cased: bcdE", "{\"F\":\"abcdef\"}", false },
	};
	ASK_CASES(cases);
}

static void
wildcards_and_escapes(void **state)
{
	(void)state;
	static const struct ask_case cases[] = {
		{ "F: 'a*c'", "{\"F\":\"abbbc\"}", true },
		{ "F: 'a*c'", "{\"F\":\"abbbcd\"}", false },
		{ "F: 'a?c'", "{\"F\":\"abc\"}", true },
		{ "F: 'a?c'", "{\"F\":\"ac\"}", false },
		{ "F: 'a?c'", "{\"F\":\"a関c\"}", true },
		{ "F: 'a\\*c'", "{\"F\":\"a*c\"}", true },
		{ "F: 'a\\*c'", "{\"F\":\"abc\"}", false },
		{ "F: 'a\\\\*c'", "{\"F\":\"a\\\\xxc\"}", true },
		{ "F: 'a\\\\*c'", "{\"F\":\"axxc\"}", false },
		{ "F: 'a\\\\\\*c'", "{\"F\":\"a\\\\*c\"}", true },
		{ "F: 'a\\b'", "{\"F\":\"a\\\\b\"}", true },
		{ "F: 'a\\\\b'", "{\"F\":\"a\\\\b\"}", true },
		{ "F: '*ab*ab*c'", "{\"F\":\"xabxabxababc\"}", true },
		{ "F: '*?c'", "{\"F\":\"abc\"}", true },
		{ "F: '*aab'", "{\"F\":\"aaab\"}", true },
		{ "F: '*'", "{\"F\":\"x\"}", true },
		{ "F: '*'", "{\"F\":null}", false },
		{ "F: '*'", "{}", false },
		{ "F|contains: 'a*z'", "{\"F\":\"xx a..z yy\"}", true },
	};
	ASK_CASES(cases);
}

static void
places(void **state)
{
	(void)state;
	static const struct ask_case cases[] = {
		{ "F|contains: bcd", "{\"F\":\"aBCDe\"}", true },
		{ "F|contains: bcd", "{\"F\":\"bce\"}", false },
		{ "F|startswith: abc", "{\"F\":\"abcd\"}", true },
		{ "F|startswith: abc", "{\"F\":\"xabc\"}", false },
		{ "F|endswith: '\\cmd.exe'", "{\"F\":\"C:\\\\x\\\\CMD.exe\"}", true },
		{ "F|endswith: '\\cmd.exe'", "{\"F\":\"C:\\\\cmd.exe.bak\"}", false },
		{ "F|contains|all: [abc, def]", "{\"F\":\"def abc\"}", true },
		{ "F|contains|all: [abc, def]", "{\"F\":\"abc\"}", false },
		{ "F|contains|all: [abc, def]", "{\"F\":[\"abc\",\"def\"]}", true },
		{ "F|contains: 44", "{\"F\":\"x 4444\"}", true },
	};
	ASK_CASES(cases);
}

static void
dashes(void **state)
{
	(void)state;
	static const struct ask_case cases[] = {
		{ "F|contains|windash: ' -exec by'", "{\"F\":\"x /exec by\"}", true },
		{ "F|contains|windash: ' -exec by'", "{\"F\":\"x –exec by\"}", true },
		{ "F|contains|windash: ' -exec by'", "{\"F\":\"x —exec by\"}", true },
		{ "F|contains|windash: ' -exec by'", "{\"F\":\"x ―exec by\"}", true },
		{ "F|contains|windash: ' -exec by'", "{\"F\":\"x +exec by\"}", false },
		{ "F|contains|windash: ' /f -q'", "{\"F\":\"del -f /q\"}", true },
		{ "F|windash|contains: '-param-name'", "{\"F\":\"/param-name\"}", true },
		{ "F|windash|contains: '-param-name'", "{\"F\":\"-param/name\"}", false },
	};
	ASK_CASES(cases);
}

static void
encodings(void **state)
{
	(void)state;
	static const struct ask_case cases[] = {
		{ "F|base64: foobar", "{\"F\":\"Zm9vYmFy\"}", true },
		{ "F|base64|contains: foobar", "{\"F\":\"xxZm9vYmFyxx\"}", true },
		{ "F|base64offset|contains: foobar", "{\"F\":\"Zm9vYmFy\"}", true },
		{ "F|base64offset|contains: foobar", "{\"F\":\"eGZvb2Jhcng=\"}", true },
		{ "F|base64offset|contains: foobar", "{\"F\":\"eHhmb29iYXJ4\"}", true },
		{ "F|base64offset|contains: foobar", "{\"F\":\"Zm9vYmF6\"}", false },
		{ "F|wide|base64offset|contains: ping", "{\"F\":\"cABpAG4AZwA=\"}", true },
		{ "F|utf16le|base64offset|contains: ping", "{\"F\":\"cABpAG4AZwA=\"}", true },
		{ "F|utf16be|base64: 'あ'", "{\"F\":\"MEI=\"}", true },
		{ "F|utf16be|base64: ping", "{\"F\":\"AHAAaQBuAGc=\"}", true },
		{ "F|utf16|base64: ping", "{\"F\":\"//5wAGkAbgBnAA==\"}", true },
		{ "F|utf16|base64: ping", "{\"F\":\"cABpAG4AZwA=\"}", false },
		{ "F|wide|contains: cmd", "{\"F\":\"xc\\u0000m\\u0000d\\u0000\"}", true },
	};
	ASK_CASES(cases);
}

static void
expressions(void **state)
{
	(void)state;
	static const struct ask_case cases[] = {
		{ "F|re: 'b+c'", "{\"F\":\"abbc\"}", true },
		{ "F|re: 'b+c'", "{\"F\":\"aBBC\"}", false },
		{ "F|re|i: 'b+c'", "{\"F\":\"aBBC\"}", true },
		{ "F|re: '^abc$'", "{\"F\":\"xabc\"}", false },
		{ "F|re: '^two$'", "{\"F\":\"one\\ntwo\"}", false },
		{ "F|re|m: '^two$'", "{\"F\":\"one\\ntwo\"}", true },
		{ "F|re: 'one.two'", "{\"F\":\"one\\ntwo\"}", false },
		{ "F|re|s: 'one.two'", "{\"F\":\"one\\ntwo\"}", true },
		{ "F|re|i|s: 'ONE.TWO'", "{\"F\":\"one\\ntwo\"}", true },
		{ "F|re: '(abc|def)ghi'", "{\"F\":\"defghi\"}", true },
		{ "F|re: 'abcd?ef'", "{\"F\":\"abcef\"}", true },
		{ "F|re: 'x{0}abcd'", "{\"F\":\"abcd\"}", true },
		{ "F|re: 'abc|def'", "{\"F\":\"def\"}", true },
		{ "F|re: '\\d{3}\\x41bc'", "{\"F\":\"123Abc\"}", true },
		{ "F|re: '[^a-z]KEY\\.'", "{\"F\":\"1KEY.\"}", true },
		{ "F|re|i: 'kelvin'", "{\"F\":\"\u212Aelvin\"}", true },
	};
	ASK_CASES(cases);
}

static void
numbers_and_truths(void **state)
{
	(void)state;
	static const struct ask_case cases[] = {
		{ "F: 4688", "{\"F\":4688}", true },
		{ "F: 4688", "{\"F\":\"4688\"}", true },
		{ "F: '4688'", "{\"F\":4688}", true },
		{ "F: 4688", "{\"F\":46880}", false },
		{ "F: 4688", "{\"F\":4688.0}", true },
		{ "F: 1.5", "{\"F\":1.50}", true },
		{ "F: true", "{\"F\":true}", true },
		{ "F: true", "{\"F\":\"True\"}", true },
		{ "F: true", "{\"F\":false}", false },
		{ "F: 'true'", "{\"F\":true}", true },
		{ "F|lt: 10", "{\"F\":9}", true },
		{ "F|lt: 10", "{\"F\":10}", false },
		{ "F|lt: 10", "{\"F\":\"9\"}", true },
		{ "F|lte: 10", "{\"F\":10}", true },
		{ "F|lte: 10", "{\"F\":10.5}", false },
		{ "F|gt: 10", "{\"F\":\"100\"}", true },
		{ "F|gt: 10", "{\"F\":10}", false },
		{ "F|gt: 10", "{\"F\":\"abc\"}", false },
		{ "F|gt: 10", "{}", false },
		{ "F|gte: 10", "{\"F\":10}", true },
		{ "F|gte: 10", "{\"F\":9.99}", false },
		{ "F|gte: 9007199254740993", "{\"F\":9007199254740992}", false },
	};
	ASK_CASES(cases);
}

static void
absence_and_difference(void **state)
{
	(void)state;
	static const struct ask_case cases[] = {
		{ "F: null", "{}", true },
		{ "F: null", "{\"F\":null}", true },
		{ "F: null", "{\"F\":\"\"}", false },
		{ "F|exists: true", "{\"F\":null}", true },
		{ "F|exists: true", "{\"F\":{\"a\":1}}", true },
		{ "F|exists: true", "{}", false },
		{ "F|exists: false", "{}", true },
		{ "F|exists: false", "{\"F\":\"\"}", false },
		{ "F|neq: abc", "{\"F\":\"abd\"}", true },
		{ "F|neq: abc", "{\"F\":\"ABC\"}", false },
		{ "F|neq: abc", "{}", false },
		{ "F|neq: [abc, def]", "{\"F\":\"def\"}", false },
		{ "F|neq: 5", "{\"F\":6}", true },
		{ "F|fieldref: G", "{\"F\":\"abc\",\"G\":\"ABC\"}", true },
		{ "F|fieldref: G", "{\"F\":\"abc\",\"G\":\"abd\"}", false },
		{ "F|fieldref: G", "{\"F\":\"abc\"}", false },
		{ "F|fieldref|neq: G", "{\"F\":\"abc\",\"G\":\"abd\"}", true },
		{ "F|fieldref|neq: G", "{\"F\":\"abc\",\"G\":\"abc\"}", false },
		{ "F|fieldref|endswith: G", "{\"F\":\"xabc\",\"G\":\"abc\"}", true },
		{ "F|fieldref|startswith: G", "{\"F\":\"xabc\",\"G\":\"abc\"}", false },
		{ "F|fieldref|contains: G", "{\"F\":\"xabcx\",\"G\":\"abc\"}", true },
	};
	ASK_CASES(cases);
}

static void
networks(void **state)
{
	(void)state;
	static const struct ask_case cases[] = {
		{ "F|cidr: 10.0.0.0/8", "{\"F\":\"10.255.0.1\"}", true },
		{ "F|cidr: 10.0.0.0/8", "{\"F\":\"11.0.0.1\"}", false },
		{ "F|cidr: 192.168.4.0/23", "{\"F\":\"192.168.5.255\"}", true },
		{ "F|cidr: 192.168.4.0/23", "{\"F\":\"192.168.6.0\"}", false },
		{ "F|cidr: 0.0.0.0/0", "{\"F\":\"1.2.3.4\"}", true },
		{ "F|cidr: 'fe80::/10'", "{\"F\":\"fe80::1\"}", true },
		{ "F|cidr: 'fe80::/10'", "{\"F\":\"fec0::1\"}", false },
		{ "F|cidr: 10.0.0.0/8", "{\"F\":\"::ffff:10.1.2.3\"}", true },
		{ "F|cidr: 10.0.0.0/8", "{\"F\":\"10.1.2.3 \"}", false },
		{ "F|cidr: [10.0.0.0/8, 127.0.0.1/32]", "{\"F\":\"127.0.0.1\"}", true },
	};
	ASK_CASES(cases);
}

static void
times(void **state)
{
	(void)state;
	static const struct ask_case cases[] = {
		{ "F|hour: 23", "{\"F\":\"2026-11-24T23:05:44.1Z\"}", true },
		{ "F|hour: 23", "{\"F\":\"2026-11-24T22:05:44Z\"}", false },
		{ "F|hour|gte: 22", "{\"F\":\"2026-11-24 22:05:44.123\"}", true },
		{ "F|hour|lt: 6", "{\"F\":\"2026-11-24T22:05:44Z\"}", false },
		{ "F|minute: 5", "{\"F\":\"2026-11-24T22:05:44Z\"}", true },
		{ "F|day: 24", "{\"F\":\"2026-11-24\"}", true },
		{ "F|week: 48", "{\"F\":\"2026-11-24\"}", true },
		{ "F|week: 47", "{\"F\":\"2026-11-24\"}", false },
		{ "F|month: [11, 12]", "{\"F\":\"2026-11-24T22:05:44+09:00\"}", true },
		{ "F|year: 2026", "{\"F\":\"2026-11-24\"}", true },
		{ "F|year: 2026", "{\"F\":\"yesterday\"}", false },
		{ "F|hour|neq: 3", "{\"F\":\"2026-11-24T22:05:44Z\"}", true },
	};
	ASK_CASES(cases);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_compared_whole_and_folded), cmocka_unit_test(wildcards_and_escapes),
		cmocka_unit_test(places), cmocka_unit_test(dashes), cmocka_unit_test(encodings), cmocka_unit_test(expressions),
		cmocka_unit_test(numbers_and_truths), cmocka_unit_test(absence_and_difference), cmocka_unit_test(networks),
		cmocka_unit_test(times),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
