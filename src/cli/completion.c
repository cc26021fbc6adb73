/* Completion of the shells and the manual page, derived from the tables of commands and operations. */
#include "cli/inside.h"

#include "serve/serve.h"

#include <stdio.h>

enum { NAMES_MAX = 512, WORD_MAX = 64 };

struct names {
	size_t count;
	char first[NAMES_MAX][WORD_MAX], second[NAMES_MAX][WORD_MAX];   /* second is empty where a command is one word */
};

static void
add(struct names *n, const char *first, size_t first_size, const char *second, size_t second_size)
{
	if (first_size >= WORD_MAX || second_size >= WORD_MAX)
		return;
	for (size_t i = 0; i < n->count; i++)
		if (strlen(n->first[i]) == first_size && strncmp(n->first[i], first, first_size) == 0 && strlen(n->second[i]) == second_size &&
		    strncmp(n->second[i], second, second_size) == 0)
			return;
	if (n->count == NAMES_MAX)
		return;
	memcpy(n->first[n->count], first, first_size);
	memcpy(n->second[n->count], second, second_size);
	n->count++;
}

/* `object get|put|ls …` and `grant revoke {id}`. */
static void
add_usage(struct names *n, const char *name, const char *usage)
{
	add(n, name, strlen(name), "", 0);
	if (!strchr(usage, '|'))
		return;
	for (const char *at = usage; *at; ) {
		size_t size = strspn(at, "abcdefghijklmnopqrstuvwxyz-");
		if (size)
			add(n, name, strlen(name), at, size);
		at = strchr(at, '|');
		if (!at)
			return;
		at++;
	}
}

static void
gather(struct names *n)
{
	for (const struct command *c = cli_commands; c->name; c++)
		add_usage(n, c->name, c->usage);
	for (const struct operation *const *o = house_operations; *o; o++) {
		const char *space = (*o)->cli ? strchr((*o)->cli, ' ') : NULL;
		if (!(*o)->cli)
			continue;
		size_t first = space ? (size_t)(space - (*o)->cli) : strlen((*o)->cli);
		add(n, (*o)->cli, first, "", 0);
		if (space && space[1] != '{')
			add(n, (*o)->cli, first, space + 1, strcspn(space + 1, " "));
	}
}

static void
print_words(const struct names *n, const char *of)
{
	for (size_t i = 0; i < n->count; i++)
		if (of ? n->second[i][0] && strcmp(n->first[i], of) == 0 : !n->second[i][0])
			printf(" %s", of ? n->second[i] : n->first[i]);
}

static void
print_bash(const struct names *n)
{
	printf("# source this, or write it to /etc/bash_completion.d/sekisho\n_sekisho()\n{\n\tlocal words\n\tcase \"$COMP_CWORD\" in\n\t1) words=\"");
	print_words(n, NULL);
	printf("\" ;;\n\t2) case \"${COMP_WORDS[1]}\" in\n");
	for (size_t i = 0; i < n->count; i++) {
		if (n->second[i][0])
			continue;
		printf("\t\t%s) words=\"", n->first[i]);
		print_words(n, n->first[i]);
		printf("\" ;;\n");
	}
	printf("\t\tesac ;;\n\tesac\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n}\ncomplete -o default -F _sekisho sekisho\n");
}

static void
print_zsh(const struct names *n)
{
	printf("#compdef sekisho\nautoload -U +X bashcompinit && bashcompinit\n");
	print_bash(n);
}

/* roff: a leading dot or quote, and backslashes, are not text. */
static void
print_roff(const char *text)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", stdout);
	for (; *text; text++)
		if (*text == '\\')
			fputs("\\e", stdout);
		else if (*text == '-')
			fputs("\\-", stdout);
		else
			putchar(*text);
}

static void
print_command(const char *name, const char *usage, const char *says)
{
	printf(".TP\n.B ");
	print_roff(name);
	if (usage[0]) {
		putchar(' ');
		print_roff(usage);
	}
	putchar('\n');
	print_roff(says);
	putchar('\n');
}

static void
print_option(const struct field *f)
{
	printf(".br\n\\-\\-");
	print_roff(f->name);
	printf(": ");
	print_roff(f->says);
	putchar('\n');
}

static void
print_man(void)
{
	printf(".TH SEKISHO 1 \"\" \"sekisho %s\" \"User Commands\"\n.SH NAME\nsekisho \\- the gate to service data\n", SEKISHO_VERSION);
	printf(".SH SYNOPSIS\n.B sekisho\nCOMMAND [OPTION...]\n.SH COMMANDS\n");
	for (const struct command *c = cli_commands; c->name; c++)
		print_command(c->name, c->usage, c->says[cli_language]);
	printf(".SH OPERATIONS\n");
	for (const struct operation *const *o = house_operations; *o; o++) {
		if (!(*o)->cli)
			continue;
		print_command((*o)->cli, "", (*o)->says[cli_language]);
		for (const struct field *f = (*o)->fields; f && f->name; f++)
			if (f->place != PLACE_PATH)
				print_option(f);
	}
	printf(".SH EXIT STATUS\n0 done, 1 failed, 2 wrong usage, 3 denied, 4 approval needed or pending, 5 not found, 6 not logged in or expired, "
	       "7 a proof failed, 8 unavailable\n.SH ENVIRONMENT\nSEKISHO_URL, SEKISHO_CA, SEKISHO_TOKEN, SEKISHO_CONTEXT, SEKISHO_PURPOSE\n");
}

int
run_completion(struct words *w)
{
	SCOPED struct names *n = NEW(NULL, struct names);
	const char *shell = w->count ? w->places[0] : "bash";
	gather(n);
	if (strcmp(shell, "bash") == 0)
		print_bash(n);
	else if (strcmp(shell, "zsh") == 0)
		print_zsh(n);
	else
		return usage_error("completion bash|zsh");
	return EXIT_DONE;
}

int
run_man(struct words *w)
{
	(void)w;
	print_man();
	return EXIT_DONE;
}
