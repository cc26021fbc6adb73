/* The statements that a back end knows, by names made of their text. */
#include "postgres/backend.h"

#include "base/text.h"
#include "postgres/session.h"

#include <stdio.h>

struct backend_name {
	struct backend_name *next;
	char name[STATEMENT_NAME];
};

void
backend_statement_name(struct slice text_and_types, char out[static STATEMENT_NAME])
{
	uint8_t digest[DIGEST_SIZE];
	char hex[2 * DIGEST_SIZE + 1];
	sha256(text_and_types, digest);
	text_hex(slice_of(digest, sizeof digest), hex);
	snprintf(out, STATEMENT_NAME, "sk_%.32s", hex);
}

static struct backend_name **
find_name(struct backend *b, const char *name)
{
	struct backend_name **at = &b->names[(unsigned char)name[3] % 64];
	while (*at && strcmp((*at)->name, name) != 0)
		at = &(*at)->next;
	return at;
}

bool
backend_has(const struct backend *b, const char name[static STATEMENT_NAME])
{
	return *find_name((struct backend *)(uintptr_t)b, name) != NULL;
}

void
backend_learn(struct backend *b, const char name[static STATEMENT_NAME])
{
	struct backend_name **at = find_name(b, name);
	if (*at)
		return;
	*at = NEW(b, struct backend_name);
	memcpy((*at)->name, name, STATEMENT_NAME);
	b->name_count++;
}

void
backend_forget(struct backend *b, const char name[static STATEMENT_NAME])
{
	struct backend_name **at = find_name(b, name), *n = *at;
	if (!n)
		return;
	*at = n->next;
	b->name_count--;
	talloc_free(n);
}

void
backend_forget_all(struct backend *b)
{
	for (size_t i = 0; i < sizeof b->names / sizeof *b->names; i++)
		while (b->names[i])
			backend_forget(b, b->names[i]->name);
}
