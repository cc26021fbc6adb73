/* json: any bytes as policies, entities and a request in JSON. */
#include <assert.h>
#include <stdint.h>

#include "cedar/cedar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cedar_text text = { (const char *)data, size };
	struct cedar_builder *builder = cedar_builder_new(NULL);
	struct cedar_entities *entities = NULL;
	struct cedar_policies *policies = NULL;
	struct cedar_request request;
	struct cedar_fault fault;

	if (!cedar_policies_parse_json(NULL, text, &policies, &fault))
		assert(policies == NULL && fault.message[0] != '\0');
	if (!cedar_entities_parse_json(NULL, text, NULL, &entities, &fault))
		assert(entities == NULL && fault.message[0] != '\0');
	if (!cedar_request_parse_json(builder, text, NULL, &request, &fault))
		assert(fault.message[0] != '\0');
	cedar_policies_free(policies);
	cedar_entities_free(entities);
	cedar_builder_free(builder);
	return 0;
}
