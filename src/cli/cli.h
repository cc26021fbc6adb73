/* cli.h - the command: what CONTRACT.md says of it. One process, one thread. */
#pragma once

/* Returns the exit code. */
int cli_main(int argc, char **argv);
