/* files.h - public: rules from a folder, events from a file, and the regression sets that SigmaHQ ships with its rules.
 *
 * One thread; what is found is told by calling back, in the order of the files' names.
 */
#pragma once
#include "watch/watch.h"

enum { WATCH_FILE_MAX = 1 << 30, WATCH_FILES_MAX = 1 << 20 };

struct watch_loaded {
	size_t parsed, refused, skipped;        /* skipped: documents that are no rules */
};

typedef void watch_refused(void *context, const char *file, const struct watch_fault *);

/* Reads a file, or all files of a folder that end in .yml or .yaml, and resolves what they name. Fails with E_NOT_FOUND or E_IO. */
fallible watch_files_load(struct watch_rules *, const char *path, struct watch_loaded *, watch_refused *, void *context);

/* Maps a file, or reads a pipe to its end; it is the owner's. Fails with E_NOT_FOUND, E_TOO_LARGE, E_IO. */
fallible watch_file_map(void *owner, const char *path, struct slice *out);

/* What an info.yml says of one test. */
struct watch_regression {
	const char *info, *name, *rule_id, *title;
	char events[4096];              /* the file that was read */
	uint64_t expected, matched, read;
	char fault[200];                /* empty where enough events matched */
};

/* Runs the tests of all files called info.yml under `folder` with the rules of the set. Events are read from the file
 * that the test names, or from the one of that name that ends in .json. Fails with E_NOT_FOUND or E_IO. */
fallible watch_regress(const struct watch_set *, const struct watch_rules *, const char *folder,
                       void (*each)(void *context, const struct watch_regression *), void *context);
