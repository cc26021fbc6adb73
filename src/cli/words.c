#include "cli/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
is_flag(const char *name, const char *const *flags)
{
	static const char *const everywhere[] = { "help", "wait", "json", NULL };
	for (size_t i = 0; everywhere[i]; i++)
		if (strcmp(name, everywhere[i]) == 0)
			return true;
	for (size_t i = 0; flags && flags[i]; i++)
		if (strcmp(name, flags[i]) == 0)
			return true;
	return false;
}

static bool
take_option(int argc, char **argv, int *at, const char *const *flags, struct words *w)
{
	char *name = argv[*at] + (argv[*at][1] == '-' ? 2 : 1), *equals = strchr(name, '=');
	struct option *o = &w->options[w->option_count];
	if (w->option_count == sizeof w->options / sizeof *w->options)
		return false;
	w->option_count++;
	if (equals)
		*equals = '\0';
	*o = (struct option){ name, equals ? equals + 1 : NULL };
	if (equals || is_flag(name, flags))
		return true;
	if (*at + 1 >= argc) {
		usage_error("--%s needs a value", name);
		return false;
	}
	o->value = argv[++*at];
	return true;
}

bool
words_parse(int argc, char **argv, const char *const *flags, struct words *w)
{
	bool only_places = false;
	*w = (struct words){ 0 };
	for (int i = 0; i < argc; i++) {
		bool option = !only_places && argv[i][0] == '-' && argv[i][1];
		if (option && strcmp(argv[i], "--") == 0)
			only_places = true;
		else if (option) {
			if (!take_option(argc, argv, &i, flags, w))
				return false;
		} else if (w->count < sizeof w->places / sizeof *w->places)
			w->places[w->count++] = argv[i];
	}
	const char *o = words_option(w, "o");
	if (o && strcmp(o, "json") != 0 && strcmp(o, "ndjson") != 0 && strcmp(o, "table") != 0) {
		usage_error("-o: expected table, json or ndjson, not '%s'", o);
		return false;
	}
	if (o)
		cli_output = o[0] == 'j' ? OUTPUT_JSON : o[0] == 'n' ? OUTPUT_NDJSON : OUTPUT_TABLE;
	return true;
}

const char *
words_option(const struct words *w, const char *name)
{
	for (size_t i = 0; i < w->option_count; i++)
		if (strcmp(w->options[i].name, name) == 0)
			return w->options[i].value;
	return NULL;
}

bool
words_flag(const struct words *w, const char *name)
{
	for (size_t i = 0; i < w->option_count; i++)
		if (strcmp(w->options[i].name, name) == 0)
			return !w->options[i].value || strcmp(w->options[i].value, "false") != 0;
	return false;
}

int
usage_error(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	fputs("sekisho: ", stderr);
	vfprintf(stderr, format, arguments);
	fputs("\n", stderr);
	va_end(arguments);
	return EXIT_USAGE;
}

int
failure(err_t e, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	fputs("sekisho: ", stderr);
	vfprintf(stderr, format, arguments);
	fprintf(stderr, ": %s (%s)\n", e->text[cli_language], e->name);
	va_end(arguments);
	return e->exit;
}

struct slice
file_read(void *owner, const char *path, size_t most)
{
	int fd = strcmp(path, "-") == 0 ? dup(0) : open(path, O_RDONLY | O_CLOEXEC);
	uint8_t *data = NULL;
	size_t size = 0, room = 0;
	if (fd < 0) {
		fprintf(stderr, "sekisho: %s: %s\n", path, strerror(errno));
		return (struct slice){ NULL, 0 };
	}
	for (ssize_t n = 1; n > 0; size += (size_t)n) {
		if (size + 1 >= room) {
			room = room ? 2 * room : 65536;
			data = memory_grow(owner, data, 1, room);
		}
		n = read(fd, data + size, room - size - 1);
		if (n < 0 || size > most) {
			fprintf(stderr, "sekisho: %s: %s\n", path, n < 0 ? strerror(errno) : "larger than allowed");
			close(fd);
			return (struct slice){ NULL, 0 };
		}
	}
	close(fd);
	data[size] = 0;
	return slice_of(data, size);
}

struct slice
secret_read(void *owner, const char *path)
{
	struct slice s = file_read(owner, path, 4096);
	while (s.size && strchr(" \t\r\n", s.data[s.size - 1]))
		s.size--;
	if (s.data)
		((uint8_t *)(uintptr_t)s.data)[s.size] = 0;
	return s;
}
