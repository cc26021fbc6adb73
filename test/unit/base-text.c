#include "test.h"

#include "base/clock.h"
#include "base/cursor.h"
#include "base/id.h"
#include "base/text.h"

static void
base64_is_strict(void **state)
{
	(void)state;
	static const struct { const char *text; bool good; } cases[] = {
		{ "", true }, { "Zg==", true }, { "Zm8=", true }, { "Zm9v", true },
		{ "Zg=", false }, { "Zg", false }, { "Zh==", false }, { "Zm9=", false }, { "Z===", false }, { "Zm9v=", false },
		{ "Zm 9", false }, { "=Zm9", false }, { "Zm-_", false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint8_t out[16];
		size_t size;
		err_t e = text_base64_parse(slice_text(cases[i].text), out, sizeof out, &size);
		assert_int_equal(e == NULL, cases[i].good);
		if (!e) {
			char back[32];
			text_base64(slice_of(out, size), back);
			assert_string_equal(back, cases[i].text);
		}
	}
}

static void
times_go_both_ways(void **state)
{
	(void)state;
	int64_t t;
	char text[TIME_TEXT];
	assert_ok(text_time_parse(LITERAL("2024-02-29T23:59:59.123456Z"), &t));
	text_time(t, text);
	assert_string_equal(text, "2024-02-29T23:59:59.123456Z");
	assert_ok(text_time_parse(LITERAL("2024-03-01T08:59:59.1+09:00"), &t));
	text_time(t, text);
	assert_string_equal(text, "2024-02-29T23:59:59.100000Z");
	static const char *const bad[] = { "2023-02-29", "2024-13-01", "2024-01-01T24:00:00Z", "2024-01-01T00:00:00",
	                                   "2024-01-01T00:00:00.Z", "2024-01-01T00:00:00.1234567Z", "2024-1-1", "x" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_err(text_time_parse(slice_text(bad[i]), &t), E_ARGUMENT);
}

static void
durations_have_units_and_an_end(void **state)
{
	(void)state;
	int64_t d;
	assert_ok(text_duration_parse(LITERAL("1d12h"), &d));
	assert_int_equal(d, HOURS(36));
	static const char *const bad[] = { "", "10", "m", "10x", "0m", "99999999999999999999d", "4000d" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_err(text_duration_parse(slice_text(bad[i]), &d), E_ARGUMENT);
}

static void
utf8_is_well_formed_or_refused(void **state)
{
	(void)state;
	assert_true(text_is_utf8(LITERAL("関所 ok")));
	static const char *const bad[] = { "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE3\x81", "\x80", "\xFF" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(text_is_utf8(slice_text(bad[i])));
	assert_false(text_is_utf8(slice_of("a\0b", 3)));
}

static void
a_cursor_never_reads_past_the_end(void **state)
{
	(void)state;
	struct reader r = reader_of(slice_of("\0\0\0\5abc", 7));
	assert_int_equal(read_field(&r).size, 0);
	assert_true(r.failed);
	assert_false(reader_end(&r));
	uint8_t room[4];
	struct writer w = writer_of(room, sizeof room);
	write_be64(&w, 1);
	assert_true(w.failed);
	assert_int_equal(w.size, 0);
}

static void
ids_are_typed_and_differ(void **state)
{
	(void)state;
	struct id a = id_new("psn_"), b = id_new("psn_");
	assert_int_equal(strlen(a.text), 30);
	assert_memory_equal(a.text, "psn_", 4);
	assert_string_not_equal(a.text, b.text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_is_strict), cmocka_unit_test(times_go_both_ways),
		cmocka_unit_test(durations_have_units_and_an_end), cmocka_unit_test(utf8_is_well_formed_or_refused),
		cmocka_unit_test(a_cursor_never_reads_past_the_end), cmocka_unit_test(ids_are_typed_and_differ),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
