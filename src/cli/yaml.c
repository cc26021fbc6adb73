#include "cli/yaml.h"

#include <libfyaml.h>
#include <stdio.h>
#include <stdlib.h>

json_t *
yaml_read(const char *name, struct slice text)
{
	const struct fy_parse_cfg options = { .flags = FYPCF_RESOLVE_DOCUMENT | FYPCF_COLLECT_DIAG };
	struct fy_document *document = fy_document_build_from_string(&options, (const char *)text.data, text.size);
	char *json = document ? fy_emit_document_to_string(document, FYECF_MODE_JSON_ONELINE) : NULL;
	json_t *j = json ? json_loads(json, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL) : NULL;
	if (!j)
		fprintf(stderr, "sekisho: %s: expected JSON or YAML, one document\n", name);
	free(json);
	fy_document_destroy(document);
	return j;
}
