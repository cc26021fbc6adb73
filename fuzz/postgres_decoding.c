/* Lines of test_decoding: whatever is in a table's values, columns are cut inside the line, each further on than the last. */
#include "fuzz.h"

#include "postgres/decoding.h"

static void
lies_in(struct slice part, struct slice whole)
{
	assert(part.size == 0 || (part.data >= whole.data && part.data + part.size <= whole.data + whole.size));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice line = slice_of(data, size);
	struct decoded d = decoded_line(line);
	struct slice rest = d.columns;
	struct decoded_column c;
	lies_in(d.schema, line);
	lies_in(d.table, line);
	lies_in(d.content, line);
	lies_in(d.columns, line);
	for (size_t before = rest.size; decoded_next(&rest, &c); before = rest.size) {
		assert(rest.size < before);
		lies_in(c.name, line);
		lies_in(c.value, line);
	}
	return 0;
}
