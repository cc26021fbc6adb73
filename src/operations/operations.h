/* operations.h - everything that anyone can do: the table that router, OpenAPI, CLI, permissions and tests come from.
 *
 * One file a resource; each row stands next to the lines it runs.
 */
#pragma once
#include "gate/gate.h"

/* Ends with NULL. */
extern const struct operation *const operations[];

/* Rows of one output in common use. */
#define SCHEMA_ID "{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\"}},\"required\":[\"id\"]}"
#define SCHEMA_OBJECT "{\"type\":\"object\"}"
#define SCHEMA_LIST "{\"type\":\"object\",\"properties\":{\"items\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}}," \
	"\"next\":{\"type\":[\"string\",\"null\"]}},\"required\":[\"items\"]}"
