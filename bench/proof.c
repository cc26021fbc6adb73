/* proof DIR bytes|proofs - bytes of all entries; or the time that inclusion proofs take with cold files of hashes. */
#include "base/clock.h"
#include "base/memory.h"
#include "ledger/hashes.h"
#include "ledger/ledger.h"
#include "ledger/reader.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PROOFS = 200 };

static err_t
add_bytes(void *argument, uint64_t seq, struct slice bytes, const struct proof_entry *e)
{
	(void)seq;
	(void)e;
	*(uint64_t *)argument += bytes.size;
	return NULL;
}

static void
forget(const char *dir)
{
	for (int level = 0; level < 4; level++) {
		SCOPED char *path = level ? memory_format(NULL, "%s/ledger/hashes.%d", dir, level) : memory_format(NULL, "%s/ledger/hashes", dir);
		int fd = open(path, O_RDONLY);
		if (fd < 0)
			return;
		fdatasync(fd);
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		close(fd);
	}
}

static int
compare(const void *a, const void *b)
{
	return *(const int64_t *)a < *(const int64_t *)b ? -1 : *(const int64_t *)a > *(const int64_t *)b;
}

int
main(int count, char **arguments)
{
	struct ledger_reader *reader;
	uint64_t end, bytes = 0, next = 0;
	int64_t took[PROOFS];
	if (count < 3 || ledger_reader_open(NULL, arguments[1], &reader) || ledger_reader_end(reader, &end))
		return 1;
	if (arguments[2][0] == 'b') {
		if (ledger_each(reader, 0, SIZE_MAX, add_bytes, &bytes, &next))
			return 1;
		printf("%llu\n", (unsigned long long)bytes);
		return 0;
	}
	struct tree tree = hashes_tree(reader->hashes);
	struct proof_hash root, path[TREE_PATH_MAX], leaf;
	if (tree_root(&tree, end, &root))
		return 1;
	for (int i = 0; i < PROOFS; i++) {
		size_t n, one = 1;
		uint64_t index = (uint64_t)rand() * 2147483648u % end;
		forget(arguments[1]);
		int64_t begun = clock_monotonic();
		if (tree_inclusion(&tree, index, end, path, &n))
			return 1;
		took[i] = clock_monotonic() - begun;
		if (hashes_get(reader->hashes, 0, index, &leaf, &one) ||
		    !proof_inclusion_check(ledger_functions, &leaf, index, end, path, n, &root))
			return 1;
	}
	qsort(took, PROOFS, sizeof *took, compare);
	printf("%.2f %.2f\n", (double)took[PROOFS / 2] / 1000, (double)took[PROOFS * 99 / 100] / 1000);
	return 0;
}
