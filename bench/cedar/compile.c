/* compile.c - time to parse and compile a policy text, and memory per policy.
 *
 *   compile FILE.cedar [ROUNDS]   prints {"policies","bytes_per_policy","ns_per_policy"}
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cedar/cedar.h"

static char *
read_all(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	char *data = NULL;

	if (file == NULL || fseek(file, 0, SEEK_END) != 0)
		return NULL;
	*size = (size_t)ftell(file);
	rewind(file);
	data = malloc(*size + 1);
	if (data != NULL && fread(data, 1, *size, file) != *size) {
		free(data);
		data = NULL;
	}
	fclose(file);
	return data;
}

int
main(int argc, char **argv)
{
	long rounds = argc > 2 ? strtol(argv[2], NULL, 10) : 20, i;
	struct timespec start, end;
	size_t size = 0, count = 0, bytes = 0;
	char *text = argc > 1 ? read_all(argv[1], &size) : NULL;
	double nanoseconds;

	if (text == NULL || rounds < 1) {
		fprintf(stderr, "usage: compile FILE.cedar [ROUNDS]\n");
		return 2;
	}
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (i = 0; i < rounds; i++) {
		struct cedar_policies *policies;
		struct cedar_fault fault;

		if (!cedar_policies_parse(NULL, (struct cedar_text){ text, size }, &policies, &fault)) {
			fprintf(stderr, "%s:%u:%u: %s\n", argv[1], fault.line, fault.column, fault.message);
			return 1;
		}
		count = cedar_policies_count(policies);
		bytes = cedar_policies_memory(policies);
		cedar_policies_free(policies);
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	nanoseconds = (double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec);
	printf("{\"policies\":%zu,\"bytes_per_policy\":%zu,\"ns_per_policy\":%.0f}\n", count, count ? bytes / count : 0,
	       count ? nanoseconds / (double)rounds / (double)count : 0.0);
	free(text);
	return 0;
}
