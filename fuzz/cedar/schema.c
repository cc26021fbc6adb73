/* schema: up to the first NUL a schema, human or JSON, behind it policies, which are validated against it. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "cedar/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
	size_t first = nul ? (size_t)(nul - data) : size;
	struct cedar_text text = { (const char *)data, first };
	struct cedar_text rest = { (const char *)data + (nul ? first + 1 : size), nul ? size - first - 1 : 0 };
	struct cedar_policies *policies = NULL;
	struct cedar_schema *schema = NULL;
	struct cedar_report report;
	struct cedar_fault fault;

	if (!cedar_schema_parse_json(NULL, text, &schema, &fault) && !cedar_schema_parse(NULL, text, &schema, &fault)) {
		assert(schema == NULL && fault.message[0] != '\0');
		return 0;
	}
	if (cedar_policies_parse(NULL, rest, &policies, NULL) && cedar_validate(NULL, schema, policies, &report))
		cedar_report_free(&report);
	cedar_policies_free(policies);
	cedar_schema_free(schema);
	return 0;
}
