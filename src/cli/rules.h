/* rules.h - `sekisho rules check|test|regress`: detection rules at the command line, without a server. */
#pragma once
#include <stdbool.h>

/* Those three; `ls` and `load` ask a server. */
bool cli_rules_is_local(const char *word);

/* argv[0] is "rules". Returns the exit code. */
int cli_rules(int argc, char **argv);
