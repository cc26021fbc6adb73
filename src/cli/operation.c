/* Commands that are nothing but a row of the operation table: words, then what stands in a place, then options. */
#include "cli/inside.h"

#include "cli/yaml.h"
#include "serve/serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { STRUCTURE_MOST = 1 << 20 };

static const char *const method_names[METHODS] = { "GET", "PUT", "POST", "DELETE" };

/* The words of `grant revoke {id}` before its first place; returns how many, 0 if the line does not begin with them. */
static int
match_words(const char *cli, int argc, char **argv)
{
	int n = 0;
	while (*cli && *cli != '{') {
		size_t size = strcspn(cli, " ");
		if (n >= argc || strlen(argv[n]) != size || strncmp(argv[n], cli, size) != 0)
			return 0;
		n++;
		cli += size;
		cli += *cli == ' ';
	}
	return n;
}

static const struct operation *
find_operation(int argc, char **argv, int *used)
{
	const struct operation *best = NULL;
	*used = 0;
	for (const struct operation *const *o = house_operations; *o; o++) {
		int n = (*o)->cli ? match_words((*o)->cli, argc, argv) : 0;
		if (n > *used) {
			best = *o;
			*used = n;
		}
	}
	return best;
}

/* `for_purpose` is --for-purpose. */
static bool
same_name(const char *field, const char *option)
{
	for (; *field && *option; field++, option++)
		if (*field != *option && !(*field == '_' && *option == '-'))
			return false;
	return *field == *option;
}

static const char *
option_of(const struct words *w, const char *field, bool *given)
{
	for (size_t i = 0; i < w->option_count; i++)
		if (same_name(field, w->options[i].name)) {
			*given = true;
			return w->options[i].value ? w->options[i].value : "true";
		}
	*given = false;
	return NULL;
}

/* The value of a field: its place in the line, or its option. `{@text}` is the place of a file that holds it. */
static const char *
value_of(const struct operation *o, const struct words *w, const char *field, bool *is_file)
{
	char wanted[64];
	size_t place = 0, size;
	bool given;
	size = (size_t)snprintf(wanted, sizeof wanted, "%s}", field);
	*is_file = false;
	const char *option = option_of(w, field, &given);
	if (given)
		return option;
	for (const char *p = o->cli; (p = strchr(p, '{')); place++) {
		*is_file = *++p == '@';
		p += *is_file;
		if (strncmp(p, wanted, size) == 0)
			return place < w->count ? w->places[place] : NULL;
	}
	*is_file = false;
	return NULL;
}

static char *
path_of(void *owner, const struct operation *o, const struct words *w)
{
	char *path = memory_format(owner, "%s", "");
	for (const char *p = o->route.path; *p; ) {
		if (*p != '{') {
			path = memory_format(owner, "%s%c", path, *p++);
			continue;
		}
		const char *end = strchr(p, '}');
		SCOPED char *name = memory_text(NULL, slice_of(p + 1, (size_t)(end - p - 1)));
		bool is_file;
		const char *value = value_of(o, w, name, &is_file);
		if (!value) {
			usage_error("%s: %s is missing", o->cli, name);
			return NULL;
		}
		path = memory_format(owner, "%s%s", path, url_escape(owner, value));
		p = end + 1;
	}
	return path;
}

/* JSON as it stands in the line; else the name of a file of JSON or YAML. */
static json_t *
structure_of(void *owner, const char *value)
{
	if (strchr("{[\"", value[0]))
		return json_loads(value, JSON_DECODE_ANY, NULL);
	struct slice text = file_read(owner, value, STRUCTURE_MOST);
	if (!text.data)
		return NULL;
	json_t *j = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, NULL);
	return j ? j : yaml_read(value, text);
}

static json_t *
json_of(void *owner, const struct field *f, const char *value, bool is_file)
{
	if (f->type == FIELD_FLAG)
		return json_boolean(strcmp(value, "false") != 0);
	if (f->type == FIELD_JSON)
		return structure_of(owner, value);
	if (!is_file)
		return json_string(value);
	struct slice text = file_read(owner, value, STRUCTURE_MOST);
	json_t *j = text.data ? json_stringn((const char *)text.data, text.size) : NULL;
	if (text.data && !j)
		fprintf(stderr, "sekisho: %s: expected text in UTF-8\n", value);
	return j;
}

/* `{@}` is the place of a file of JSON or YAML that holds the fields. */
static bool
take_members(void *owner, const struct operation *o, const struct words *w, json_t *body)
{
	if (!strstr(o->cli, "{@}"))
		return true;
	if (w->count == 0) {
		usage_error("%s: FILE is missing", o->cli);
		return false;
	}
	json_t *members = structure_of(owner, w->places[0]);
	bool good = json_is_object(members) && json_object_update(body, members) == 0;
	if (members && !good)
		fprintf(stderr, "sekisho: %s: expected an object of fields\n", w->places[0]);
	json_decref(members);
	return good;
}

/* Fills query and body; false if something is missing. */
static bool
take_fields(void *owner, const struct operation *o, const struct words *w, char **path, json_t *body)
{
	for (const struct field *f = o->fields; f && f->name; f++) {
		bool is_file;
		const char *value = f->place == PLACE_PATH ? NULL : value_of(o, w, f->name, &is_file);
		if (f->place == PLACE_PATH)
			continue;
		if (!value && f->required && !json_object_get(body, f->name)) {
			usage_error("%s: --%s is missing: %s", o->cli, f->name, f->says);
			return false;
		}
		json_t *member = value && f->place == PLACE_BODY ? json_of(owner, f, value, is_file) : NULL;
		if (value && f->place == PLACE_BODY && !member)
			return false;
		if (member)
			json_object_set_new(body, f->name, member);
		else if (value)
			*path = memory_format(owner, "%s%s%s=%s", *path, strchr(*path, '?') ? "&" : "?", f->name, url_escape(owner, value));
	}
	return true;
}

static bool
is_known(const struct operation *o, const char *option)
{
	static const char *const everywhere[] = { "o", "purpose", "idempotency-key", "help", "wait", NULL };
	for (size_t i = 0; everywhere[i]; i++)
		if (strcmp(option, everywhere[i]) == 0)
			return true;
	for (const struct field *f = o->fields; f && f->name; f++)
		if (same_name(f->name, option))
			return true;
	return false;
}

static int
print_answer(const struct response *r)
{
	json_t *items = json_object_get(r->json, "items");
	if (items)
		print_items(items);
	else if (r->json)
		print_item(r->json);
	return r->status == E_PENDING->http ? EXIT_PENDING : EXIT_DONE;
}

/* All pages of a list, as one answer. */
static int
send_pages(void *owner, struct request *q, struct response *r)
{
	json_t *all = NULL;
	char *base = q->path;
	for (;;) {
		if (!client_send(owner, q, r) || r->status >= 300) {
			json_decref(all);
			return client_failure(r);
		}
		json_t *items = json_object_get(r->json, "items"), *next = json_object_get(r->json, "next");
		if (!items || (!all && !json_is_string(next)))
			return print_answer(r);
		all = all ? all : json_array();
		json_array_extend(all, items);
		if (!json_is_string(next))
			break;
		q->path = memory_format(owner, "%s%safter=%s", base, strchr(base, '?') ? "&" : "?",
		                        url_escape(owner, json_string_value(next)));
	}
	print_items(all);
	json_decref(all);
	return EXIT_DONE;
}

static int
wait_for(void *owner, const struct response *r)
{
	const char *id = json_string_value(json_object_get(r->json, "id"));
	struct request q = { .method = "GET", .path = memory_format(owner, "/v1/requests/%s", id ? id : "") };
	for (;;) {
		SCOPED void *turn = talloc_new(NULL);
		struct response now;
		if (!client_send(turn, &q, &now) || now.status != 200)
			return client_failure(&now);
		const char *state = json_string_value(json_object_get(now.json, "state"));
		if (!state || strcmp(state, "pending") != 0) {
			print_item(now.json);
			return state && strcmp(state, "approved") == 0 ? EXIT_DONE : EXIT_DENIED;
		}
		usleep(500000);
	}
}

static void
collect_flags(void *owner, const struct operation *o, const char *flags[16])
{
	size_t n = 0;
	for (const struct field *f = o->fields; f && f->name; f++) {
		if (f->type != FIELD_FLAG || n == 15)
			continue;
		char *name = memory_text(owner, slice_text(f->name));
		for (char *c = name; *c; c++)
			*c = *c == '_' ? '-' : *c;
		flags[n++] = name;
	}
	flags[n] = NULL;
}

/* The body of one that takes bytes: the file at `{@body}`. */
static bool
take_file(void *owner, const struct operation *o, const struct words *w, struct request *q)
{
	bool is_file;
	const char *name = value_of(o, w, "body", &is_file);
	if (!name) {
		usage_error("%s: FILE is missing", o->cli);
		return false;
	}
	q->body = file_read(owner, name, o->body_max);
	q->type = "application/octet-stream";
	return q->body.data != NULL;
}

int
run_operation(int argc, char **argv, bool *known)
{
	SCOPED void *owner = talloc_new(NULL);
	const char *flags[16];
	struct words w;
	int used;
	const struct operation *o = find_operation(argc, argv, &used);
	*known = o != NULL;
	if (!o)
		return EXIT_USAGE;
	collect_flags(owner, o, flags);
	if (!words_parse(argc - used, argv + used, flags, &w))
		return EXIT_USAGE;
	if (words_flag(&w, "help"))
		return help_one(o->cli);
	for (size_t i = 0; i < w.option_count; i++)
		if (!is_known(o, w.options[i].name))
			return usage_error("%s has no option --%s\ntry: sekisho %.*s --help", o->name, w.options[i].name,
			                   (int)strcspn(o->cli, "{"), o->cli);
	struct request q = { .method = method_names[o->route.method], .purpose = words_option(&w, "purpose"),
	                     .idempotency_key = words_option(&w, "idempotency-key") };
	json_t *body = json_object();
	q.path = path_of(owner, o, &w);
	bool good = q.path && take_members(owner, o, &w, body) && take_fields(owner, o, &w, &q.path, body);
	char *text = good && json_object_size(body) ? json_dumps(body, JSON_COMPACT) : NULL;
	json_decref(body);
	q.body = slice_text(text);
	struct response r = { 0 };
	if (good && o->body_max)
		good = take_file(owner, o, &w, &q);
	int exit = good ? send_pages(owner, &q, &r) : EXIT_USAGE;
	free(text);
	return exit == EXIT_PENDING && words_flag(&w, "wait") ? wait_for(owner, &r) : exit;
}

/* ---- policies: files instead of texts; `X approve` is `request approve` by another name ---- */

/* A text of policies, for a person to read. */
static int
print_text(void *owner, char *path)
{
	struct request q = { .method = "GET", .path = path };
	struct response r;
	if (!client_send(owner, &q, &r) || r.status != 200)
		return client_failure(&r);
	if (cli_output != OUTPUT_TABLE)
		print_item(r.json);
	else
		fputs(json_string_value(json_object_get(r.json, "text")), stdout);
	return EXIT_DONE;
}

int
run_policy(struct words *w)
{
	SCOPED void *owner = talloc_new(NULL);
	const char *verb = w->count ? w->places[0] : "";
	struct response r;
	if (strcmp(verb, "propose") == 0 && w->count == 1 && words_flag(w, "from-observed"))
		return print_text(owner, memory_format(owner, "/v1/policies/observed%s%s", words_option(w, "days") ? "?days=" : "",
		                                       words_option(w, "days") ? url_escape(owner, words_option(w, "days")) : ""));
	if (strcmp(verb, "propose") == 0 && w->count == 2) {
		struct slice text = file_read(owner, w->places[1], 1 << 18);
		if (!text.data)
			return EXIT_FAILED;
		json_t *body = json_pack("{s:o}", "text", json_stringn((const char *)text.data, text.size));
		char *dumped = json_dumps(body, JSON_COMPACT);
		struct request q = { .method = "POST", .path = memory_format(owner, "/v1/policies"), .body = slice_text(dumped) };
		int exit = send_pages(owner, &q, &r);
		json_decref(body);
		free(dumped);
		return exit;
	}
	if ((strcmp(verb, "show") == 0 || strcmp(verb, "ls") == 0) && w->count == 1)
		return print_text(owner, memory_format(owner, "/v1/policies"));
	return usage_error("policy show, policy propose FILE, policy approve ID");
}
