/* Making, running and showing an installation: init, serve, demo. */
#include "cli/inside.h"

#include "base/embedded.h"
#include "serve/serve.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern const struct embedded demo_files[];

static int
report(err_t e, const char *dir, const char *why)
{
	if (!e)
		return EXIT_DONE;
	fprintf(stderr, "sekisho: %s: %s (%s): %s\n", dir, e->text[cli_language], e->name, why);
	return e->exit;
}

int
run_init(struct words *w)
{
	const char *dir = words_option(w, "dir"), *why = "", *kind = words_option(w, "store");
	if (!dir || w->count)
		return usage_error("init --dir D [--sample] [--origin HOST]");
	if (kind && strcmp(kind, "sqlite") != 0)
		return usage_error("--store: this version keeps its store in SQLite only");
	err_t e = init_run(dir, words_flag(w, "sample"), words_option(w, "origin"), &why);
	return report(e, dir, why);
}

int
run_serve(struct words *w)
{
	const char *why = "", *https = words_option(w, "https");
	const struct serve_options options = { .dir = words_option(w, "dir"), .https = https ? https : "127.0.0.1:8443",
	                                       .postgres = words_option(w, "postgres"), .rate = words_option(w, "rate"), .ready_file = words_option(w, "ready-file"), .quiet = words_flag(w, "quiet"), .allow_tls12 = words_flag(w, "tls12") };
	if (!options.dir || w->count)
		return usage_error("serve --dir D [--https ADDR:PORT] [--postgres ADDR:PORT] [--ready-file F] [--rate PEOPLE[:APPLICATIONS]] [--tls12]");
	err_t e = serve_run(&options, &why);
	return report(e, options.dir, why);
}

/* ---- demo ---- */

static volatile sig_atomic_t ended;

static void
on_end(int signal)
{
	(void)signal;
	ended = 1;
}

static pid_t
start(char *const words[])
{
	pid_t child = fork();
	if (child == 0) {
		setpgid(0, 0);          /* Ctrl-C is for the demo, which ends it */
		execv("/proc/self/exe", words);
		_exit(127);
	}
	return child;
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st;
	(void)flag;
	(void)at;
	return remove(path);
}

/* The demonstration's own PostgreSQL: true where it runs behind the gateway. */
static bool
run_database(const char *dir, const char *what, const char *url)
{
	SCOPED char *script = memory_format(NULL, "%s/sample/database.sh", dir);
	char program[4096];
	ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
	int ends[2], status = 1;
	char told[8] = "";
	if (n <= 0 || pipe(ends) != 0)
		return false;
	program[n] = '\0';
	pid_t child = fork();
	if (child == 0) {
		setpgid(0, 0);
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		execl("/bin/sh", "sh", script, what, dir, url, program, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	n = child > 0 ? read(ends[0], told, sizeof told - 1) : 0;
	close(ends[0]);
	if (child > 0)
		waitpid(child, &status, 0);
	return status == 0 && n > 0 && strncmp(told, "ready", 5) == 0;
}

static void
print_guide(const char *dir, json_t *ready, bool database)
{
	const char *url = json_string_value(json_object_get(ready, "https"));
	char program[4096] = "sekisho";
	ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
	program[n > 0 ? n : 7] = '\0';
	printf("\nSekisho runs: %s   everything is in %s\n\n"
	       "In another terminal:\n"
	       "  alias sekisho=%s; export SEKISHO_URL=%s SEKISHO_CA=%s/ca.pem\n"
	       "  %s/sample/login sup1          # support: logs in with the sample's password and code\n"
	       "  sekisho get acme tickets/4711 --purpose CASE-881\n"
	       "  sekisho get globex tickets/4711 --purpose CASE-881     # refused, and why\n"
	       "  sekisho request create globex tickets --for 10m        # another person approves it:\n"
	       "  %s/sample/login sec1; sekisho request ls\n"
	       "  sekisho ledger search --resource tickets/4711          # who touched it, when and why\n"
	       "  sekisho ledger verify\n"
	       "%s\n"
	       "Ctrl-C ends it and removes everything.\n", url, dir, program, url, dir, dir, dir,
	       database ? "  sekisho db connect acme/crm --purpose CASE-881          # psql, as sup1: acme's rows and no others\n" : "");
	fflush(stdout);
}

/* A script that logs one of the sample's people in. */
static bool
write_login(const char *dir)
{
	SCOPED char *path = memory_format(NULL, "%s/sample/login", dir);
	FILE *f = fopen(path, "w");
	if (!f)
		return false;
	fprintf(f, "#!/bin/sh\n# login ID: logs in as one of the sample's people.\nset -eu\nd=$(dirname \"$0\")\n"
	           "p=$(mktemp) t=$(mktemp)\ntrap 'rm -f \"$p\" \"$t\"' EXIT\n"
	           "/usr/bin/python3 - \"$d/people.json\" \"$1\" \"$p\" \"$t\" <<'END'\n"
	           "import json, sys\nwho = [x for x in json.load(open(sys.argv[1])) if x['id'] == sys.argv[2]][0]\n"
	           "open(sys.argv[3], 'w').write(who['password'])\nopen(sys.argv[4], 'w').write(who['totp_secret'])\nEND\n"
	           "\"$(readlink -f /proc/$(cat \"$d/demo.pid\")/exe)\" login \"${SEKISHO_URL}\" --as \"$1\" "
	           "--password-file \"$p\" --totp-secret-file \"$t\"\n");
	return fclose(f) == 0 && chmod(path, 0700) == 0;
}

static json_t *
wait_ready(const char *path, pid_t server)
{
	while (!ended && waitpid(server, NULL, WNOHANG) == 0) {
		json_t *j = json_load_file(path, 0, NULL);
		if (j)
			return j;
		usleep(10000);
	}
	return NULL;
}

static int
serve_demo(const char *dir, const char *https)
{
	SCOPED char *file = memory_format(NULL, "%s/sample/ready", dir), *folder = memory_format(file, "%s", dir);
	SCOPED char *address = memory_format(NULL, "%s", https);
	char *const words[] = { (char[]){ "sekisho" }, (char[]){ "serve" }, (char[]){ "--dir" }, folder, (char[]){ "--https" }, address,
	                        (char[]){ "--postgres" }, (char[]){ "127.0.0.1:0" },
	                        (char[]){ "--ready-file" }, file, (char[]){ "--quiet" }, NULL };
	pid_t server = start(words);
	json_t *ready = server < 0 ? NULL : wait_ready(file, server);
	int status = 1;
	if (ready)
		print_guide(dir, ready, run_database(dir, "start", json_string_value(json_object_get(ready, "https"))));
	json_decref(ready);
	while (ready && !ended && waitpid(server, &status, WNOHANG) == 0)
		usleep(100000);
	if (server > 0 && kill(server, SIGTERM) == 0)
		waitpid(server, &status, 0);
	run_database(dir, "stop", "");
	return ready ? EXIT_DONE : EXIT_FAILED;
}

static bool
write_database(const char *dir)
{
	SCOPED char *path = memory_format(NULL, "%s/sample/database.sh", dir);
	FILE *f = fopen(path, "w");
	bool good = f && fputs(demo_files[0].text, f) >= 0;
	return f && fclose(f) == 0 && good;
}

int
run_demo(struct words *w)
{
	char temporary[] = "/tmp/sekisho-XXXXXX";
	const char *dir = words_option(w, "dir"), *https = words_option(w, "https"), *why = "";
	struct sigaction action = { .sa_handler = on_end };
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (!dir && !(dir = mkdtemp(temporary)))
		return failure(E_IO, "%s", temporary);
	err_t e = init_run(dir, true, NULL, &why);
	int exit = report(e, dir, why);
	SCOPED char *pid_file = memory_format(NULL, "%s/sample/demo.pid", dir);
	FILE *f = exit ? NULL : fopen(pid_file, "w");
	if (f) {
		fprintf(f, "%d\n", getpid());
		fclose(f);
	}
	if (!exit)
		exit = write_login(dir) && write_database(dir) ? serve_demo(dir, https ? https : "127.0.0.1:0") : EXIT_FAILED;
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return exit;
}
