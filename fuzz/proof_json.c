/* proof_json_parse and proof_manifest_parse: the nodes nest, texts lie within the text, and the manifest can be read. */
#include "fuzz.h"

#include "proof/manifest.h"

#include <stdlib.h>

static void
check_nodes(const struct proof_json *j)
{
	for (size_t i = 0; i < j->count; i++) {
		const struct proof_json_node *n = &j->nodes[i];
		assert(n->next > i && n->next <= j->count && (size_t)n->begin + n->size <= j->size);
		if (n->type == PROOF_JSON_NUMBER)
			assert(proof_json_number(j, (uint32_t)i) < UINT64_C(1) << 53);
	}
}

static void
read_logs(const struct manifest *m, uint32_t logs)
{
	struct proof_hash hashes[4];
	struct proof_step steps[4];
	struct manifest_log l;
	for (uint32_t at = logs + 1; at < m->json.nodes[logs].next; at = m->json.nodes[at].next) {
		proof_manifest_log(m, at, &l);
		(void)proof_manifest_path(m, l.path, steps, 4);
		(void)proof_manifest_hashes(m, l.consistency ? l.consistency : l.left, hashes, 4);
		assert(l.consistency || (l.from <= l.to && l.to <= l.size));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct manifest m = { 0 };
	if (size > MANIFEST_JSON_MAX)
		return 0;
	m.json.text = malloc(size + 1);
	m.json.nodes = malloc((size + 1) * sizeof *m.json.nodes);
	m.json.capacity = size + 1;
	m.json.size = size;
	memcpy(m.json.text, data, size);
	if (proof_json_parse(&m.json))
		check_nodes(&m.json);
	else
		assert(m.json.fault);
	memcpy(m.json.text, data, size);
	if (proof_manifest_parse(&m)) {
		read_logs(&m, m.logs);
		if (m.has_previous)
			read_logs(&m, m.previous.logs);
	} else {
		assert(m.json.fault);
	}
	free(m.json.nodes);
	free(m.json.text);
	return 0;
}
