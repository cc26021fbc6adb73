/* format: any bytes as policies. What parses is laid out in a narrow and a wide way; both parse, say the same, and stay as
 * they are when laid out again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cedar/convert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The policies in JSON; empty where they are too large to be written. */
static struct cedar_text
meaning_of(struct cedar_text source)
{
	struct cedar_policies *policies = NULL;
	struct cedar_text json = { 0 };

	if (!cedar_policies_parse(NULL, source, &policies, NULL))
		abort();
	if (!cedar_policies_write_json(NULL, policies, &json))
		json = (struct cedar_text){ 0 };
	cedar_policies_free(policies);
	return json;
}

static void
must_equal(struct cedar_text a, struct cedar_text b)
{
	if (a.size != b.size || (a.size > 0 && memcmp(a.data, b.data, a.size) != 0))
		abort();
}

static void
lay_out(struct cedar_text source, struct cedar_text meaning, unsigned width)
{
	struct cedar_format format = { .width = width };
	struct cedar_text once, twice, again;

	if (!cedar_format_text(NULL, source, &format, &once, NULL) ||
	    !cedar_format_text(NULL, once, &format, &twice, NULL))
		abort();
	must_equal(once, twice);
	again = meaning_of(once);
	must_equal(meaning, again);
	cedar_text_free(NULL, again);
	cedar_text_free(NULL, once);
	cedar_text_free(NULL, twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cedar_text source = { (const char *)data, size }, meaning;
	struct cedar_policies *policies = NULL;

	if (!cedar_policies_parse(NULL, source, &policies, NULL))
		return 0;
	cedar_policies_free(policies);
	meaning = meaning_of(source);
	lay_out(source, meaning, 20);
	lay_out(source, meaning, 80);
	cedar_text_free(NULL, meaning);
	return 0;
}
