/* Help, explanations, and what may be wrong: doctor. */
#include "cli/inside.h"

#include "serve/serve.h"

#include <stdio.h>
#include <unistd.h>

void
help_all(void)
{
	printf("sekisho - the gate to service data: identified, decided, recorded, only then let through\n\n");
	for (const struct command *c = cli_commands; c->name; c++)
		printf("  %-44s %s\n", memory_format(NULL, "%s %s", c->name, c->usage), c->says[cli_language]);
	for (const struct operation *const *o = house_operations; *o; o++)
		if ((*o)->cli && strncmp((*o)->cli, "object", 6) != 0 && strncmp((*o)->cli, "policy", 6) != 0 &&
		    strncmp((*o)->cli, "ledger", 6) != 0)
			printf("  %-44s %s\n", (*o)->cli, (*o)->says[cli_language]);
	printf("\n  -o table|json|ndjson   --purpose P   --help   LANG=ja_JP.UTF-8 for Japanese\n");
}

static void
help_fields(const struct operation *o)
{
	for (const struct field *f = o->fields; f && f->name; f++) {
		SCOPED char *place = memory_format(NULL, "{%s}", f->name);
		bool placed = strstr(o->cli, place) != NULL;
		printf("  %s%-18s %s%s\n", placed ? "" : "--", placed ? place : f->name, f->says, f->required ? "" : " (optional)");
	}
}

int
help_one(const char *words)
{
	for (const struct operation *const *o = house_operations; *o; o++)
		if ((*o)->cli && strcmp((*o)->cli, words) == 0) {
			printf("sekisho %s\n%s\n\n", (*o)->cli, (*o)->says[cli_language]);
			help_fields(*o);
			printf("\n%s: %s, %s\n", (*o)->name, (*o)->action, (*o)->second_person ? "needs a second person" : "takes effect at once");
			return EXIT_DONE;
		}
	return usage_error("there is no command '%s'", words);
}

static bool
is_passage(const char *id)
{
	return strlen(id) == 32 && strspn(id, "0123456789abcdef") == 32;
}

static int
explain_passage(const char *id)
{
	SCOPED void *owner = talloc_new(NULL);
	struct request q = { .method = "GET", .path = memory_format(owner, "/v1/passages/%s", id) };
	struct response r;
	size_t i;
	json_t *policy;
	if (!client_send(owner, &q, &r) || r.status != 200)
		return client_failure(&r);
	if (cli_output != OUTPUT_TABLE) {
		print_item(r.json);
		return EXIT_DONE;
	}
	json_t *entry = json_object_get(r.json, "entry");
	static const char *const keys[] = { "time", "operation", "decision", "resource", "purpose", "actor" };
	for (i = 0; i < sizeof keys / sizeof *keys; i++) {
		const char *value = json_string_value(json_object_get(entry, keys[i]));
		if (value)
			printf("%-10s %s\n", keys[i], value);
	}
	printf("\n%s\n", json_string_value(json_object_get(r.json, "why")));
	json_array_foreach(json_object_get(r.json, "policies"), i, policy) {
		const char *text = json_string_value(json_object_get(policy, "text"));
		printf("\n%s\n", text ? text : json_string_value(json_object_get(policy, "id")));
	}
	return EXIT_DONE;
}

/* What a measure's checks say now, each with what would be kept. */
static int
explain_measure(const char *id)
{
	SCOPED void *owner = talloc_new(NULL);
	struct request q = { .method = "GET", .path = memory_format(owner, "/v1/measures/%s", url_escape(owner, id)) };
	struct response r;
	size_t i;
	json_t *check;
	if (!client_send(owner, &q, &r) || r.status != 200) {
		if (r.status == 404)
			fprintf(stderr, "sekisho: '%s' is neither an error (E_DENIED, …) nor a measure (E1 to E7, P0 to P7, W)\n", id);
		return client_failure(&r);
	}
	printf("%s: %s: %s\n", id, json_string_value(json_object_get(r.json, "title")), json_string_value(json_object_get(r.json, "state")));
	json_array_foreach(json_object_get(r.json, "checks"), i, check) {
		json_t *issue = json_object_get(check, "issue");
		printf("  %-26s %-8s %s", json_string_value(json_object_get(check, "id")), json_string_value(json_object_get(check, "state")),
		       json_string_value(json_object_get(check, "value")));
		if (issue)
			printf("not built: issue %lld", (long long)json_integer_value(issue));
		else
			printf(" (kept: %s)", json_string_value(json_object_get(check, "threshold")));
		putchar('\n');
	}
	return EXIT_DONE;
}

int
run_explain(struct words *w)
{
	if (w->count != 1)
		return usage_error("explain ID (an error as in E_DENIED, or a measure as in E5)");
	if (is_passage(w->places[0]))
		return explain_passage(w->places[0]);
	err_t e = err_find(w->places[0]);
	if (e) {
		printf("%s: %s\nHTTP %d, SQLSTATE %s, exit code %d\n", e->name, e->text[cli_language], e->http, e->sqlstate, e->exit);
		return EXIT_DONE;
	}
	return explain_measure(w->places[0]);
}

static bool
tell(const char *what, bool good, const char *remedy)
{
	printf("%s %s%s%s\n", good ? "ok  " : "FAIL", what, good ? "" : "\n     try: ", good ? "" : remedy);
	return good;
}

int
run_doctor(struct words *w)
{
	SCOPED void *owner = talloc_new(NULL);
	struct context *c = context_load(owner);
	struct response r;
	struct request ready = { .method = "GET", .path = memory_format(owner, "/readyz") };
	struct request who = { .method = "GET", .path = memory_format(owner, "/v1/whoami") };
	(void)w;
	if (!tell("a server is known", c->url != NULL, "sekisho login https://HOST:PORT --as ID"))
		return EXIT_FAILED;
	if (!tell("its authority can be read", c->ca && access(c->ca, R_OK) == 0, "export SEKISHO_CA=D/ca.pem"))
		return EXIT_FAILED;
	if (!tell("it answers over TLS", client_send(owner, &ready, &r), "is it running? sekisho serve --dir D"))
		return EXIT_CLOSED;
	if (!tell("it takes passages", r.status == 200, "see its log: nothing passes while nothing can be recorded"))
		return EXIT_CLOSED;
	if (!tell("you are logged in", client_send(owner, &who, &r) && r.status == 200, "sekisho login --as ID"))
		return EXIT_LOGIN;
	return EXIT_DONE;
}
