/* cedar.h - `sekisho cedar …`: the Cedar library at the command line, without a server. */
#pragma once

/* argv[0] is "cedar". Returns the exit code. */
int cli_cedar(int argc, char **argv);
