/* The analysis: any text gets an answer, without crash or endless depth; what it keeps fits. */
#include "fuzz.h"

#include "base/text.h"
#include "postgres/scan.h"
#include "postgres/statement.h"

static void
check_scan(struct slice text)
{
	char normal[NORMAL_MAX];
	size_t total = 0;
	struct slice rest = text;
	for (struct token t; (t = scan_next(&rest)).kind != TOKEN_END; )
		total += t.text.size;
	assert(total == text.size);
	size_t size = scan_normal(text, normal, sizeof normal);
	assert(size <= sizeof normal);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct analysis *a = NULL;
	if (size > 8192 || (size && memchr(data, 0, size)))
		return 0;
	SCOPED uint8_t *copy = talloc_memdup(NULL, data, size);
	struct slice text = slice_of(copy, size);
	check_scan(text);
	err_t e = analyse(copy, text, &a);
	assert(!e && a && (a->sqlstate || a->count <= STATEMENTS_MAX));
	for (size_t i = 0; i < a->count; i++) {
		const struct statement *s = &a->statements[i];
		assert(s->action && s->kind < STATEMENT_KINDS && s->table_count <= TABLES_MAX && s->columns.count <= COLUMNS_MAX);
		assert(!s->pure || strcmp(s->action, "read") == 0);
		assert(!s->refusal || strcmp(s->action, "database.admin") == 0);
		assert(s->normal.size <= NORMAL_MAX && (s->normal.size == 0 || text_is_utf8(s->normal)));
	}
	return 0;
}
