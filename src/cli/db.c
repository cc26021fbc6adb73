/* Databases behind the gateway: db add, onboard, connect, env. */
#include "cli/inside.h"

#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILE_MAX = 65536, MAP_MAX = 8 << 20 };

/* ---- the service file (libpq, "The Connection Service File"): its first section ---- */

static bool
put_file(void *owner, json_t *to, const char *key, const char *path)
{
	struct slice content = file_read(owner, path, FILE_MAX);
	if (!content.data)
		return false;
	json_object_set_new(to, key, json_stringn((const char *)content.data, content.size));
	return true;
}

static bool
put_setting(void *owner, json_t *to, const char *key, const char *value, size_t line)
{
	static const struct { const char *libpq, *ours; } plain[] = { { "host", "host" }, { "hostaddr", "host" }, { "dbname", "database" },
	                                                              { "user", "user" }, { "password", "password" }, { "sslmode", "sslmode" } },
	                                                  files[] = { { "sslrootcert", "root_ca" }, { "sslcert", "certificate" }, { "sslkey", "key" } };
	uint64_t port;
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
		if (strcmp(key, plain[i].libpq) == 0) {
			json_object_set_new(to, plain[i].ours, json_string(value));
			return true;
		}
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (strcmp(key, files[i].libpq) == 0)
			return put_file(owner, to, files[i].ours, value);
	if (strcmp(key, "port") == 0 && text_number_parse(slice_text(value), &port) == NULL) {
		json_object_set_new(to, "port", json_integer((json_int_t)port));
		return true;
	}
	usage_error("--upstream: line %zu: '%s' is not taken here: host, port, dbname, user, password, sslmode, sslrootcert, sslcert, sslkey", line, key);
	return false;
}

static char *
trim(char *s)
{
	while (*s == ' ' || *s == '\t')
		s++;
	size_t n = strlen(s);
	while (n && (s[n - 1] == ' ' || s[n - 1] == '\t' || s[n - 1] == '\r'))
		s[--n] = '\0';
	return s;
}

static bool
read_service(void *owner, const char *path, json_t *to)
{
	struct slice file = file_read(owner, path, FILE_MAX);
	char *rest = file.data ? memory_text(owner, file) : NULL;
	size_t line = 0, sections = 0;
	for (char *end; rest && sections < 2; rest = end ? end + 1 : NULL) {
		end = strchr(rest, '\n');
		if (end)
			*end = '\0';
		char *s = trim(rest), *equals = strchr(s, '=');
		line++;
		if (s[0] == '[')
			sections++;
		if (s[0] == '\0' || s[0] == '#' || s[0] == '[' || sections > 1)
			continue;
		if (!equals) {
			usage_error("%s: line %zu: expected KEY=VALUE", path, line);
			return false;
		}
		*equals = '\0';
		if (!put_setting(owner, to, trim(s), trim(equals + 1), line))
			return false;
	}
	return file.data != NULL;
}

static int
send_json(void *owner, const char *path, json_t *body, struct response *r)
{
	char *text = json_dumps(body, JSON_COMPACT);
	struct request q = { .method = "POST", .path = memory_format(owner, "%s", path), .body = slice_text(text) };
	bool sent = client_send(owner, &q, r);
	memory_wipe(text, strlen(text));
	free(text);
	return sent && r->status / 100 == 2 ? (r->status == 202 ? EXIT_PENDING : EXIT_DONE) : client_failure(r);
}

static int
add(void *owner, const char *name, const char *upstream)
{
	json_t *body = json_object();
	struct response r;
	json_object_set_new(body, "name", json_string(name));
	int exit = read_service(owner, upstream, body) ? send_json(owner, "/v1/databases", body, &r) : EXIT_USAGE;
	json_decref(body);
	if (!exit)
		print_item(r.json);
	return exit;
}

/* ---- onboard ---- */

/* --map VALUE=SUBSCRIBER, as often as wanted, and a line each of --map-file. */
static char *
read_map(void *owner, const struct words *w)
{
	char *map = memory_format(owner, "%s", "");
	for (size_t i = 0; i < w->option_count; i++)
		if (strcmp(w->options[i].name, "map") == 0)
			map = talloc_asprintf_append(map, "%s%s", map[0] ? "," : "", w->options[i].value);
	const char *path = words_option(w, "map-file");
	if (!path)
		return map;
	struct slice file = file_read(owner, path, MAP_MAX);
	char *rest = file.data ? memory_text(owner, file) : NULL;
	for (char *end; rest; rest = end ? end + 1 : NULL) {
		end = strchr(rest, '\n');
		if (end)
			*end = '\0';
		char *line = trim(rest);
		if (line[0] && line[0] != '#')
			map = talloc_asprintf_append(map, "%s%s", map[0] ? "," : "", line);
	}
	return file.data ? map : NULL;
}

static int
onboard(void *owner, const struct words *w, const char *name)
{
	static const char *const whats[] = { "plan", "apply", "undo" };
	const char *what = NULL, *column = words_option(w, "tenant-column"), *shared = words_option(w, "shared"), *exempt = words_option(w, "exempt");
	struct response r;
	size_t i;
	json_t *step;
	for (size_t k = 0; k < 3; k++)
		if (words_flag(w, whats[k])) {
			if (what)
				return usage_error("db onboard: one of --plan, --apply and --undo");
			what = whats[k];
		}
	char *map = read_map(owner, w);
	if (!what || !map)
		return usage_error("db onboard NAME --tenant-column C [--map VALUE=SUBSCRIBER…|--map-file F] [--shared SCHEMA.TABLE,…] [--exempt ROLE,…] --plan|--apply|--undo");
	json_t *body = json_pack("{s:s}", "what", what);
	const char *pairs[][2] = { { "tenant", column }, { "map", map[0] ? map : NULL }, { "shared", shared }, { "exempt", exempt } };
	for (size_t k = 0; k < 4; k++)
		if (pairs[k][1])
			json_object_set_new(body, pairs[k][0], json_string(pairs[k][1]));
	int exit = send_json(owner, memory_format(owner, "/v1/databases/%s/onboard", url_escape(owner, name)), body, &r);
	json_decref(body);
	if (exit)
		return exit;
	if (cli_output != OUTPUT_TABLE) {
		print_item(r.json);
		return EXIT_DONE;
	}
	json_array_foreach(json_object_get(r.json, "steps"), i, step)
		printf("-- %s\n%s;\n", json_string_value(json_object_get(step, "class")), json_string_value(json_object_get(step, "text")));
	return EXIT_DONE;
}

/* ---- mode NAME MODE [TABLE…] ---- */

static int
set_mode(void *owner, const struct words *w)
{
	char *tables = memory_format(owner, "%s", "");
	struct response r;
	if (w->count < 3)
		return usage_error("db mode NAME observe|shadow|enforce [TABLE…]; db mode NAME inherit TABLE…");
	for (size_t i = 3; i < w->count; i++)
		tables = talloc_asprintf_append(tables, "%s%s", tables[0] ? "," : "", w->places[i]);
	json_t *body = json_pack("{s:s}", "mode", w->places[2]);
	if (tables[0])
		json_object_set_new(body, "tables", json_string(tables));
	int exit = send_json(owner, memory_format(owner, "/v1/databases/%s/mode", url_escape(owner, w->places[1])), body, &r);
	json_decref(body);
	if (!exit)
		print_item(r.json);
	return exit;
}

/* ---- connect, env ---- */

struct target {
	char *host, *port, *user, *database, *options;
	const char *ca, *token;
};

/* DB@SUBSCRIBER and, as people write it, SUBSCRIBER/DB. */
static char *
database_of(void *owner, const char *place)
{
	const char *slash = strchr(place, '/');
	return slash ? memory_format(owner, "%s@%.*s", slash + 1, (int)(slash - place), place) : memory_format(owner, "%s", place);
}

static int
find_target(void *owner, const struct words *w, const char *place, struct target *t)
{
	struct context *c = context_load(owner);
	struct request q = { .method = "GET", .path = memory_format(owner, "/v1/gateway") }, me = { .method = "GET", .path = memory_format(owner, "/v1/whoami") };
	struct response r, who;
	const char *purpose = words_option(w, "purpose");
	if (!client_send(owner, &me, &who) || who.status != 200)
		return client_failure(&who);
	if (!client_send(owner, &q, &r) || r.status != 200)
		return client_failure(&r);
	const char *address = json_string_value(json_object_get(r.json, "address")), *colon = address ? strrchr(address, ':') : NULL;
	if (!colon)
		return failure(E_STATE, "this server has no PostgreSQL gateway: sekisho serve --postgres ADDR:PORT opens it");
	purpose = purpose ? purpose : c->purpose;
	t->host = memory_format(owner, "%.*s", (int)(colon - address), address);
	t->port = memory_format(owner, "%s", colon + 1);
	t->user = memory_format(owner, "%s", json_string_value(json_object_get(who.json, "id")));
	t->database = database_of(owner, place);
	t->options = memory_format(owner, purpose ? "-c sekisho.purpose=%s" : "%s", purpose ? purpose : "");
	t->ca = c->ca;
	t->token = c->token;
	for (char *s = t->options + (purpose ? 3 : 0); *s; s++)
		if (*s == ' ' || *s == '\\')
			return usage_error("--purpose: a purpose with spaces cannot go through libpq's options; use one word, as in CASE-881");
	return EXIT_DONE;
}

static void
print_variable(const char *name, const char *value)
{
	printf("export %s='", name);
	for (; value && *value; value++)
		if (*value == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*value);
	puts("'");
}

/* The token goes by the environment, as SEKISHO_TOKEN came, never into an argument. */
static int
env(const struct target *t)
{
	print_variable("PGHOST", t->host);
	print_variable("PGPORT", t->port);
	print_variable("PGUSER", t->user);
	print_variable("PGDATABASE", t->database);
	print_variable("PGOPTIONS", t->options);
	print_variable("PGSSLMODE", t->ca ? "verify-full" : "require");
	if (t->ca)
		print_variable("PGSSLROOTCERT", t->ca);
	puts("export PGPASSWORD=\"$SEKISHO_TOKEN\"");
	printf("# JDBC: jdbc:postgresql://%s:%s/%s?user=%s&sslmode=verify-full&sslrootcert=%s\n", t->host, t->port, t->database, t->user, t->ca ? t->ca : "");
	return EXIT_DONE;
}

static int
open_psql(const struct target *t, const struct words *w)
{
	const char *pairs[][2] = { { "PGHOST", t->host }, { "PGPORT", t->port }, { "PGUSER", t->user }, { "PGDATABASE", t->database },
	                           { "PGOPTIONS", t->options }, { "PGSSLMODE", t->ca ? "verify-full" : "require" }, { "PGSSLROOTCERT", t->ca },
	                           { "PGPASSWORD", t->token } };
	const char *command = words_option(w, "command");
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		if (pairs[i][1])
			setenv(pairs[i][0], pairs[i][1], 1);
	fflush(stdout);
	execlp("psql", "psql", "-X", command ? "-c" : NULL, command, (char *)NULL);
	fprintf(stderr, "sekisho: psql: %s\ntry: apt install postgresql-client, or sekisho db env for other tools\n", strerror(errno));
	return EXIT_FAILED;
}

/* ---- app add NAME --database DB: the application, then its lane ---- */

int
run_app(struct words *w)
{
	SCOPED void *owner = talloc_new(NULL);
	const char *database = words_option(w, "database"), *setting = words_option(w, "setting");
	struct response added, bound;
	if (w->count != 2 || strcmp(w->places[0], "add") != 0 || !database)
		return usage_error("app add NAME [--database DB [--setting NAME]]");
	json_t *body = json_pack("{s:s}", "id", w->places[1]);
	int exit = send_json(owner, "/v1/applications", body, &added);
	json_decref(body);
	if (exit)
		return exit;
	print_item(added.json);         /* its token is given once, whatever comes of the rest */
	body = json_pack("{s:s}", "application", w->places[1]);
	if (setting)
		json_object_set_new(body, "setting", json_string(setting));
	exit = send_json(owner, memory_format(owner, "/v1/databases/%s/applications", url_escape(owner, database)), body, &bound);
	json_decref(body);
	if (exit)
		fprintf(stderr, "the application is there; try again: sekisho db application add %s %s\n", database, w->places[1]);
	return exit;
}

int
run_db(struct words *w)
{
	SCOPED void *owner = talloc_new(NULL);
	const char *verb = w->count ? w->places[0] : "", *upstream = words_option(w, "upstream");
	struct target t = { .host = NULL };
	if (strcmp(verb, "mode") == 0)
		return set_mode(owner, w);
	if (w->count != 2)
		return usage_error("db add NAME --upstream FILE|onboard NAME …|connect SUBSCRIBER/DB|env SUBSCRIBER/DB|ls|show NAME|mode NAME MODE [TABLE…]|label NAME TABLE.COLUMN LABEL|rules NAME|audit NAME");
	if (strcmp(verb, "add") == 0)
		return upstream ? add(owner, w->places[1], upstream) : usage_error("db add NAME --upstream FILE   (a libpq service file)");
	if (strcmp(verb, "onboard") == 0)
		return onboard(owner, w, w->places[1]);
	int exit = find_target(owner, w, w->places[1], &t);
	if (exit)
		return exit;
	return strcmp(verb, "env") == 0 ? env(&t) : open_psql(&t, w);
}
