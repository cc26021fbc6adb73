/* Debian's order of versions, pair by pair as dpkg has it: 1,000 made-up pairs, 10,000 with SEKISHO_SOAK. */
#include "test.h"

#include "assure/debian.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static uint32_t
next(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static void
make_part(uint32_t *state, char *out, bool revision)
{
	static const char *const pieces[] = { "0", "1", "00", "01", "9", "10", "2", "a", "b", "~", "~~", ".", "+", "deb12u", "rc", "Z", "~rc1", "12345678901234567890" };
	size_t count = 1 + next(state) % 5;
	if (!revision)
		strcat(out, "1");
	for (size_t i = 0; i < count; i++)
		strcat(out, pieces[next(state) % (sizeof pieces / sizeof *pieces)]);
}

static void
make_version(uint32_t *state, char out[256])
{
	out[0] = '\0';
	if (next(state) % 4 == 0)
		sprintf(out, "%u:", next(state) % 3);
	make_part(state, out, false);
	if (next(state) % 2) {
		strcat(out, "-");
		make_part(state, out, true);
	}
}

static bool
dpkg_says(const char *a, const char *relation, const char *b)
{
	pid_t child = fork();
	if (child == 0) {
		execlp("dpkg", "dpkg", "--compare-versions", a, relation, b, NULL);
		_exit(127);
	}
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
	return WEXITSTATUS(status) == 0;
}

static void
as_dpkg_has_it(void **context)
{
	const size_t pairs = getenv("SEKISHO_SOAK") ? 10000 : 1000;
	uint32_t state = 20261124;
	char a[256], b[256];
	(void)context;
	for (size_t i = 0; i < pairs; i++) {
		make_version(&state, a);
		make_version(&state, b);
		if (next(&state) % 4 == 0) {    /* neighbours: one is the other and a little more */
			strcpy(b, a);
			strcat(b, next(&state) % 2 ? "~1" : "0");
		}
		assert_true(debian_version_check(slice_text(a)) && debian_version_check(slice_text(b)));
		int order = debian_version_compare(slice_text(a), slice_text(b));
		const char *relation = order < 0 ? "lt" : order > 0 ? "gt" : "eq";
		if (!dpkg_says(a, relation, b))
			fail_msg("%s %s %s: dpkg does not say so", a, relation, b);
	}
}

static void
what_is_no_version(void **context)
{
	static const char *const bad[] = { "", "a", ":1", "x:1", "1:", "1 2", "1_2", "-1", "12345678:1" };
	(void)context;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(debian_version_check(slice_text(bad[i])));
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(as_dpkg_has_it), cmocka_unit_test(what_is_no_version) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
