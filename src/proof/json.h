/* json.h - private: strict JSON into a flat list of nodes, without recursion.
 *
 * Texts are unescaped where they lie. Numbers are integers from 0 to below 2^53. Keys are nodes like their values, in
 * turn; whether one is there twice is for the reader of the object to see.
 */
#pragma once
#include "proof/proof.h"

enum { PROOF_JSON_DEPTH = 8, PROOF_JSON_NONE = 0 };     /* node 0 is the whole, so that no value is node 0 */

enum proof_json_type { PROOF_JSON_OBJECT, PROOF_JSON_ARRAY, PROOF_JSON_STRING, PROOF_JSON_NUMBER, PROOF_JSON_WORD };

struct proof_json_node {
	uint32_t begin, size;           /* in the text: of strings unescaped */
	uint32_t next;                  /* the node behind this one and all inside it */
	uint32_t type;
};

struct proof_json {
	uint8_t *text;
	size_t size;
	struct proof_json_node *nodes;
	size_t capacity, count;
	const char *fault;
};

/* Reads the whole text; false sets `fault`. */
bool proof_json_parse(struct proof_json *);
struct proof_bytes proof_json_text(const struct proof_json *, uint32_t node);
uint64_t proof_json_number(const struct proof_json *, uint32_t node);
bool proof_json_is(const struct proof_json *, uint32_t node, const char *text);

/* for (at = node + 1; at < nodes[node].next; at = nodes[at].next) visits what is in an array or object. */
