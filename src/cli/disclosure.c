/* `sekisho disclosure fetch ID FILE`; all else of the desk is rows. */
#include "cli/inside.h"

#include <errno.h>
#include <stdio.h>

int
run_disclosure(struct words *w)
{
	SCOPED void *owner = talloc_new(NULL);
	struct response r;
	if (w->count != 3 || strcmp(w->places[0], "fetch") != 0)
		return usage_error("disclosure fetch ID FILE");
	struct request q = { .method = "GET", .path = memory_format(owner, "/v1/disclosures/%s", url_escape(owner, w->places[1])) };
	if (!client_send(owner, &q, &r) || r.status != 200)
		return client_failure(&r);
	FILE *f = fopen(w->places[2], "wb");
	bool good = f && fwrite(r.body.data, 1, r.body.size, f) == r.body.size;
	good = f && fclose(f) == 0 && good;
	return good ? EXIT_DONE : failure(E_IO, "%s: %s", w->places[2], strerror(errno));
}
