/* `sekisho cedar …`. What each prints is pinned in CONTRACT.md. */
#include "cli/cedar.h"
#include "cli/cedar_work.h"

#include <stdlib.h>
#include <string.h>

enum need { NEED_POLICIES = 1, NEED_ENTITIES = 2, NEED_SCHEMA = 4, NEED_REQUESTS = 8, NEED_FILE = 16, NEED_TO = 32 };

static const struct {
	const char *name;
	int (*run)(struct work *);
	unsigned needs;
	const char *usage;
} commands[] = {
	{ "authorize", command_authorize, NEED_POLICIES | NEED_ENTITIES | NEED_REQUESTS,
		"--policies F --entities F [--schema F] --requests F.ndjson" },
	{ "bench", command_bench, NEED_POLICIES | NEED_ENTITIES | NEED_REQUESTS,
		"--policies F --entities F --requests F.ndjson --seconds N|--decisions N" },
	{ "conformance", command_conformance, NEED_FILE, "DIR" },
	{ "explain", command_explain, NEED_POLICIES | NEED_ENTITIES | NEED_REQUESTS,
		"--policies F --entities F [--schema F] --requests F.ndjson" },
	{ "format", command_format, 0, "[FILE]" },
	{ "translate", command_translate, NEED_TO, "--to json|cedar [FILE]" },
	{ "validate", command_validate, NEED_POLICIES | NEED_SCHEMA, "--schema F --policies F" },
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static int
usage(FILE *out)
{
	size_t i;

	for (i = 0; i < COMMANDS; i++)
		fprintf(out, "%s sekisho cedar %s %s\n", i == 0 ? "usage:" : "      ", commands[i].name, commands[i].usage);
	return out == stdout ? DONE : WRONG_USAGE;
}

static bool
take_option(struct work *work, const char *name, char *value)
{
	const struct {
		const char *name;
		const char **text;
		unsigned long *number;
	} options[] = { { "--policies", &work->policies_file, NULL }, { "--entities", &work->entities_file, NULL },
		{ "--schema", &work->schema_file, NULL }, { "--requests", &work->requests_file, NULL }, { "--to", &work->to, NULL },
		{ "--seconds", NULL, &work->seconds }, { "--decisions", NULL, &work->decisions } };
	size_t i;

	for (i = 0; i < sizeof options / sizeof *options; i++) {
		char *end = NULL;

		if (strcmp(options[i].name, name) != 0)
			continue;
		if (options[i].text != NULL) {
			*options[i].text = value;
			return true;
		}
		*options[i].number = strtoul(value, &end, 10);
		return end != value && *end == '\0' && *value != '-' && *options[i].number > 0;
	}
	return false;
}

static bool
take_arguments(struct work *work, int argc, char **argv)
{
	int i;

	for (i = 2; i < argc; i++) {
		if (strncmp(argv[i], "--", 2) != 0) {
			if (work->file != NULL)
				return false;
			work->file = argv[i];
		} else if (i + 1 >= argc || !take_option(work, argv[i], argv[i + 1])) {
			return false;
		} else {
			i++;
		}
	}
	return true;
}

static bool
has_needed(const struct work *work, unsigned needs)
{
	return (!(needs & NEED_POLICIES) || work->policies_file) && (!(needs & NEED_ENTITIES) || work->entities_file) &&
		(!(needs & NEED_SCHEMA) || work->schema_file) && (!(needs & NEED_REQUESTS) || work->requests_file) &&
		(!(needs & NEED_FILE) || work->file) && (!(needs & NEED_TO) || work->to);
}

int
cli_cedar(int argc, char **argv)
{
	struct work work = { 0 };
	size_t i;
	int code;

	if (argc < 2)
		return usage(stderr);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0 || (argc > 2 && strcmp(argv[2], "--help") == 0))
		return usage(stdout);
	for (i = 0; i < COMMANDS && strcmp(commands[i].name, argv[1]) != 0; i++)
		;
	if (i == COMMANDS || !take_arguments(&work, argc, argv) || !has_needed(&work, commands[i].needs))
		return usage(stderr);
	code = commands[i].run(&work);
	work_end(&work);
	return code;
}
