/* What the gateway tells from texts and messages by themselves: analysis, depth, cache, tags, options, SCRAM. */
#include "../test.h"

#include "postgres/scan.h"
#include "postgres/scram.h"
#include "postgres/statement.h"
#include "postgres/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
known_statements(void **state)
{
	const char *which = NULL;
	(void)state;
	assert_ok(analysis_check(&which));
}

static struct slice
repeated(void *owner, const char *begin, const char *middle, const char *end, size_t n)
{
	size_t size = strlen(middle), at = strlen(begin);
	char *text = talloc_size(owner, at + n * size + strlen(end) + 1);
	memcpy(text, begin, at);
	for (size_t i = 0; i < n; i++, at += size)
		memcpy(text + at, middle, size);
	memcpy(text + at, end, strlen(end) + 1);
	return slice_text(text);
}

static void
assert_verdict(void *owner, struct slice text, const char *sqlstate)
{
	struct analysis *a;
	assert_ok(analyse(owner, text, &a));
	if (sqlstate)
		assert_string_equal(a->sqlstate, sqlstate);
	else
		assert_null(a->sqlstate);
}

static void
depth(void **state)
{
	static const struct { const char *begin, *middle; } deep[] = {
		{ "select 1", "+1" }, { "select ", "not " }, { "select ", "(" }, { "select 1", " union select 1" }, { "select * from a", " join b on true" },
		{ "select ", "case when 1=1 then " }, { "select a", "[1]" }, { "select a", " is null" }, { "select ", "- " }, { "select ", "f(" }, { "select a", "::int" },
		{ "select a", " at time zone 'x'" }, { "select ", "array[" }, { "select a", " collate \"C\"" },
	};
	void *owner = talloc_new(NULL);
	(void)state;
	for (size_t i = 0; i < sizeof deep / sizeof *deep; i++)
		assert_verdict(owner, repeated(owner, deep[i].begin, deep[i].middle, "", 30000), "54001");
	assert_verdict(owner, repeated(owner, "select 1", "+1", "", 500), NULL);
	assert_verdict(owner, repeated(owner, "select 1 where a in (1", ", 2", ")", 100000), NULL);
	assert_verdict(owner, repeated(owner, "select 1 where a = 1", " or a = 2", "", 5000), NULL);
	assert_verdict(owner, repeated(owner, "insert into t values (1, 2)", ", (3, 4)", "", 5000), NULL);
	assert_verdict(owner, repeated(owner, "select '", "x", "'", QUERY_MAX), "54000");
	assert_verdict(owner, LITERAL("select '\xff'"), "22021");
	talloc_free(owner);
}

static void
assert_normal(const char *text, const char *expected)
{
	char out[256];
	size_t size = scan_normal(slice_text(text), out, sizeof out);
	assert_int_equal(size, strlen(expected));
	assert_memory_equal(out, expected, size);
}

static void
normal(void **state)
{
	(void)state;
	assert_normal("select  'a''b', E'\\'', $x$ '; $x$, 1.5e-3, $1 -- c\n, /* a /* b */ c */ x", "select ?, ?, ?, ?, $1 , x");
	assert_normal("select U&'\\0061', B'1', X'f', N'n', \"A\"\"b\", a$1", "select ?, ?, ?, ?, \"A\"\"b\", a$1");
	assert_normal("select 'open", "select ?");
}

static void
cache(void **state)
{
	void *owner = talloc_new(NULL);
	struct analysis_cache *c = analysis_cache_new(owner);
	struct analysis *a, *b;
	(void)state;
	assert_ok(analysis_cached(c, LITERAL("select 1"), &a));
	assert_ok(analysis_cached(c, LITERAL("select 1"), &b));
	assert_ptr_equal(a, b);
	for (int i = 0; i < 20000; i++) {
		struct slice text = slice_text(talloc_asprintf(owner, i % 2 ? "select %d" : "delete from t%d", i));
		assert_ok(analysis_cached(c, text, &a));
		assert_int_equal(a->statements[0].kind, i % 2 ? STATEMENT_READ : STATEMENT_WRITE);
	}
	talloc_free(owner);
}

static void
tags(void **state)
{
	uint64_t rows;
	char sqlstate[6];
	(void)state;
	assert_true(tag_rows(LITERAL("INSERT 0 17"), &rows) && rows == 17);
	assert_true(tag_rows(LITERAL("SELECT 0"), &rows) && rows == 0);
	assert_false(tag_rows(LITERAL("BEGIN"), &rows));
	assert_false(tag_rows(LITERAL("17"), &rows));
	error_sqlstate(slice_of("SERROR\0C42501\0Mno\0", 19), sqlstate);
	assert_string_equal(sqlstate, "42501");
	error_sqlstate(LITERAL("Sx"), sqlstate);
	assert_string_equal(sqlstate, "XX000");
}

static err_t
take(void *argument, struct slice name, struct slice value)
{
	char **text = argument;
	*text = talloc_asprintf_append(*text, "[%.*s|%.*s]", SLICE_ARGUMENTS(name), SLICE_ARGUMENTS(value));
	return NULL;
}

static void
options(void **state)
{
	void *owner = talloc_new(NULL);
	char *text = talloc_strdup(owner, "");
	(void)state;
	assert_ok(options_each(owner, LITERAL(" -c a.b=c\\ d  --x=y -cq=  "), take, &text));
	assert_string_equal(text, "[a.b|c d][x|y][q|]");
	assert_err(options_each(owner, LITERAL("-x 1"), take, &text), E_REQUEST);
	assert_err(options_each(owner, LITERAL("-c"), take, &text), E_REQUEST);
	talloc_free(owner);
}

/* RFC 7677, section 3 */
static void
scram(void **state)
{
	struct scram s = { .nonce = "rOprNGfwEbeRWgbNEkqO" };
	struct scram_keys keys = { 0 };
	char out[SCRAM_TEXT];
	struct slice message;
	(void)state;
	s.auth_size = (size_t)snprintf(s.auth, sizeof s.auth, "n=user,r=rOprNGfwEbeRWgbNEkqO");
	assert_ok(scram_final(&s, LITERAL("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"), LITERAL("pencil"), &keys, out, &message));
	assert_true(slice_is(message, "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="));
	assert_ok(scram_verify(&s, LITERAL("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")));
	assert_err(scram_verify(&s, LITERAL("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=")), E_CRYPTO);
	assert_err(scram_final(&s, LITERAL("r=another,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"), LITERAL("pencil"), &keys, out, &message), E_CRYPTO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_statements), cmocka_unit_test(depth), cmocka_unit_test(normal), cmocka_unit_test(cache), cmocka_unit_test(tags),
		cmocka_unit_test(options), cmocka_unit_test(scram),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
