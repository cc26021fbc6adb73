/* policies: any bytes as policies. What is accepted is decided, written in both formats and read again the same. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cedar/cedar.h"
#include "cedar/convert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char entities_text[] = "[{\"uid\":{\"type\":\"User\",\"id\":\"a\"},\"attrs\":{\"n\":1,\"s\":\"x\",\"l\":["
                                    "1,2]},\"parents\":[{\"type\":\"G\",\"id\":\"g\"}],"
                                    "\"tags\":{\"t\":\"v\"}}]";

static void
decide(const struct cedar_policies *policies, struct cedar_response *out, struct cedar_scratch *scratch,
       const struct cedar_entities *entities)
{
	struct cedar_request request = { { { "User", 4 }, { "a", 1 } },
		                         { { "Action", 6 }, { "view", 4 } },
		                         { { "Doc", 3 }, { "d", 1 } },
		                         cedar_context_empty() };

	if (!cedar_authorize(policies, entities, NULL, &request, scratch, out))
		abort();
}

static void
written_again(const struct cedar_policies *policies, const struct cedar_response *first,
              const struct cedar_entities *entities)
{
	struct cedar_scratch *scratch = cedar_scratch_new(NULL);
	struct cedar_policies *again = NULL;
	struct cedar_response second;
	struct cedar_fault fault = { 0 };
	struct cedar_text text;

	if (cedar_policies_write_json(NULL, policies, &text)) {
		if (cedar_policies_parse_json(NULL, text, &again, &fault)) {
			decide(again, &second, scratch, entities);
			if (first->allow != second.allow || first->reason_count != second.reason_count ||
			    first->error_count != second.error_count)
				abort();
			cedar_policies_free(again);
		} else if (strstr(fault.message, "deep") == NULL) { /* a long chain is deep in JSON */
			abort();
		}
		free((char *)text.data);
	}
	cedar_scratch_free(scratch);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cedar_entities *entities = NULL;
	struct cedar_policies *policies = NULL;
	struct cedar_scratch *scratch;
	struct cedar_response response;
	struct cedar_fault fault;

	if (!cedar_policies_parse(NULL, (struct cedar_text){ (const char *)data, size }, &policies, &fault)) {
		assert(policies == NULL && fault.offset <= size && fault.message[0] != '\0');
		return 0;
	}
	if (!cedar_entities_parse_json(NULL, (struct cedar_text){ entities_text, strlen(entities_text) }, NULL,
	                               &entities, NULL))
		abort();
	scratch = cedar_scratch_new(NULL);
	decide(policies, &response, scratch, entities);
	written_again(policies, &response, entities);
	cedar_scratch_free(scratch);
	cedar_policies_free(policies);
	cedar_entities_free(entities);
	return 0;
}
