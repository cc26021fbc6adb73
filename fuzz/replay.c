/* replay.c - runs a target over its corpus, for compilers without libFuzzer: PROGRAM [-option]… FOLDER… */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

static int
replay_file(const char *folder, const char *name)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "r");
	if (!f)
		return 1;
	uint8_t *data = malloc(1 << 20);
	size_t size = fread(data, 1, 1 << 20, f);
	fclose(f);
	uint8_t *exact = malloc(size ? size : 1);       /* of the very size, so that reading past the end is noticed */
	memcpy(exact, data, size);
	free(data);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	return 0;
}

static int
replay_folder(const char *folder)
{
	DIR *d = opendir(folder);
	const struct dirent *e;
	unsigned files = 0;
	int status = d == NULL;
	while (d && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.') {
			status |= replay_file(folder, e->d_name);
			files++;
		}
	if (d)
		closedir(d);
	printf("%s: %u files\n", folder, files);
	return status || files == 0;
}

int
main(int argc, char **argv)
{
	int status = 0;
	for (int i = 1; i < argc; i++)
		if (argv[i][0] != '-')
			status |= replay_folder(argv[i]);
	return status;
}
