/* Contexts: server, authority, token, of $SEKISHO_… or of a file that only its owner reads. */
#include "cli/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char *
config_path(void *owner, bool make)
{
	const char *set = getenv("SEKISHO_CONFIG"), *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	if (set)
		return memory_format(owner, "%s", set);
	char *base = xdg && xdg[0] ? memory_format(owner, "%s", xdg) : memory_format(owner, "%s/.config", home ? home : "/");
	char *folder = memory_format(owner, "%s/sekisho", base);
	if (make) {
		mkdir(base, 0700);
		mkdir(folder, 0700);
	}
	return memory_format(owner, "%s/contexts.json", folder);
}

json_t *
context_file(void)
{
	SCOPED void *scope = talloc_new(NULL);
	json_t *j = json_load_file(config_path(scope, false), 0, NULL);
	if (!json_is_object(j) || !json_is_object(json_object_get(j, "contexts"))) {
		json_decref(j);
		j = json_pack("{s:s, s:{}}", "current", "default", "contexts");
	}
	return j;
}

static bool
write_file(json_t *j)
{
	SCOPED void *scope = talloc_new(NULL);
	char *path = config_path(scope, true), *fresh = memory_format(scope, "%s.new", path);
	int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	bool good = json_dumpfd(j, fd, JSON_INDENT(1)) == 0;
	return close(fd) == 0 && good && rename(fresh, path) == 0;
}

static const char *
current_name(json_t *file)
{
	const char *set = getenv("SEKISHO_CONTEXT"), *current = json_string_value(json_object_get(file, "current"));
	return set && set[0] ? set : current ? current : "default";
}

static const char *
pick(void *owner, const char *variable, json_t *context, const char *key)
{
	const char *set = getenv(variable), *kept = json_string_value(json_object_get(context, key));
	if (set && set[0])
		return set;
	return kept ? memory_format(owner, "%s", kept) : NULL;
}

struct context *
context_load(void *owner)
{
	struct context *c = NEW(owner, struct context);
	json_t *file = context_file(), *context = json_object_get(json_object_get(file, "contexts"), current_name(file));
	c->name = memory_format(c, "%s", current_name(file));
	c->url = pick(c, "SEKISHO_URL", context, "url");
	c->ca = pick(c, "SEKISHO_CA", context, "ca");
	c->token = pick(c, "SEKISHO_TOKEN", context, "token");
	c->purpose = pick(c, "SEKISHO_PURPOSE", context, "purpose");
	c->subscriber = pick(c, "SEKISHO_SUBSCRIBER", context, "subscriber");
	json_decref(file);
	return c;
}

bool
context_save(const char *name, const char *const *pairs)
{
	json_t *file = context_file(), *contexts = json_object_get(file, "contexts");
	const char *chosen = name ? name : current_name(file);
	json_t *context = json_object_get(contexts, chosen);
	if (!context) {
		json_object_set_new(contexts, chosen, json_object());
		context = json_object_get(contexts, chosen);
	}
	for (size_t i = 0; pairs[i]; i += 2) {
		if (pairs[i + 1])
			json_object_set_new(context, pairs[i], json_string(pairs[i + 1]));
		else
			json_object_del(context, pairs[i]);
	}
	bool good = write_file(file);
	json_decref(file);
	return good;
}

bool
context_use(const char *name)
{
	json_t *file = context_file();
	bool known = json_object_get(json_object_get(file, "contexts"), name) != NULL;
	json_object_set_new(file, "current", json_string(name));
	bool good = known && write_file(file);
	json_decref(file);
	return good;
}
