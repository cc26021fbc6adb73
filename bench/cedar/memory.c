/* memory.c - bytes held for each policy, counted in the allocator, by shape and by number of policies. Exit 1 if an ordinary shape
 * takes over 1 KB, or cedar_policies_memory says something else. */
#include "shapes.h"

int
main(void)
{
	static const size_t counts[] = { 10, 100, 1000, 10000 };
	size_t most = 0, i, j;
	bool wrong = false;

	printf("%-36s %8s %8s %8s %8s\n", "bytes a policy, of", "10", "100", "1,000", "10,000");
	for (i = 0; i < SHAPES; i++) {
		printf("%-36s", shapes[i].name);
		for (j = 0; j < 4; j++) {
			size_t bytes = shape_bytes(i, counts[j]);

			printf(" %8zu", bytes);
			most = bytes > most ? bytes : most;
			wrong |= bytes == 0;
		}
		printf("\n");
	}
	printf("most: %zu%s\n", most, wrong ? "; A FIGURE IS NOT TRUE" : "");
	return wrong || most > 1024;
}
