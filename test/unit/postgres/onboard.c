/* onboard.c - onboarding from a command line, for tests: onboard HOST PORT DBNAME plan|apply|undo|audit|application PREFIX COLUMN (of `application`: its id) MAP SHARED EXEMPT SALT
 * Prints class, a tab, and text, a line each. */
#include "base/memory.h"
#include "postgres/onboard.h"

#include <stdio.h>
#include <stdlib.h>

static err_t
print(void *argument, struct slice class, struct slice text)
{
	(void)argument;
	printf("%.*s\t%.*s\n", SLICE_ARGUMENTS(class), SLICE_ARGUMENTS(text));
	return NULL;
}

int
main(int count, char **a)
{
	static const char *const whats[] = { "plan", "apply", "undo", "audit" };
	const char *why = "";
	if (count < 11)
		return 2;
	const struct database d = { .host = slice_text(a[1]), .port = (uint16_t)atoi(a[2]), .name = slice_text(a[3]), .tls = DATABASE_TLS_NONE,
	                            .role = LITERAL("postgres") };
	const struct onboarding o = { .prefix = slice_text(a[5]), .column = slice_text(a[6]), .map = slice_text(a[7]), .shared = slice_text(a[8]),
	                              .exempt = slice_text(a[9]), .salt = slice_text(a[10]) };
	enum onboard what = ONBOARD_PLAN;
	for (int i = 0; i < 4; i++)
		if (strcmp(a[4], whats[i]) == 0)
			what = (enum onboard)i;
	err_t e = strcmp(a[4], "application") == 0
	        ? postgres_onboard_application(NULL, &d, o.prefix, o.column, (const uint8_t *)"0123456789abcdef0123456789abcdef", &why)
	        : postgres_onboard(NULL, &d, what, &o, print, NULL, &why);
	if (e)
		fprintf(stderr, "%s: %s\n", e->name, why);
	return e ? 1 : 0;
}
