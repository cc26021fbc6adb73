/* bundle.h - `sekisho bundle verify` and `bundle show`: offline, without configuration. */
#pragma once

/* argv[0] is "bundle". Returns the exit code: 0 proven, 7 a fault, 2 usage, 1 where a file cannot be read. */
int cli_bundle(int argc, char **argv);
