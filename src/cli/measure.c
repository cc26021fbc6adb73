/* `sekisho measure report --from T --to T --lang en|ja DIR`; all else of the board is rows. */
#include "cli/inside.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

static int
save(void *owner, const char *path, const char *file)
{
	struct response r;
	struct request q = { .method = "GET", .path = memory_format(owner, "%s", path) };
	if (!client_send(owner, &q, &r) || r.status != 200)
		return client_failure(&r);
	FILE *f = fopen(file, "wb");
	bool good = f && fwrite(r.body.data, 1, r.body.size, f) == r.body.size;
	good = f && fclose(f) == 0 && good;
	return good ? EXIT_DONE : failure(E_IO, "%s: %s", file, strerror(errno));
}

int
run_measure(struct words *w)
{
	SCOPED void *owner = talloc_new(NULL);
	const char *from = words_option(w, "from"), *to = words_option(w, "to"), *language = words_option(w, "lang");
	if (w->count != 2 || strcmp(w->places[0], "report") != 0 || !from || !to)
		return usage_error("measure report --from T --to T [--lang en|ja] DIR");
	if (language && strcmp(language, "en") != 0 && strcmp(language, "ja") != 0)
		return usage_error("--lang: expected en or ja");
	if (mkdir(w->places[1], 0755) != 0 && errno != EEXIST)
		return failure(E_IO, "%s: %s", w->places[1], strerror(errno));
	char *query = memory_format(owner, "from=%s&to=%s", url_escape(owner, from), url_escape(owner, to));
	int exit = save(owner, memory_format(owner, "/v1/measures/report?%s&lang=%s", query, language ? language : cli_language == JAPANESE ? "ja" : "en"),
	                memory_format(owner, "%s/report.html", w->places[1]));
	return exit ? exit : save(owner, memory_format(owner, "/v1/measures/results?%s", query), memory_format(owner, "%s/assessment-results.json", w->places[1]));
}
