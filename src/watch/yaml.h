/* yaml.h - private: a YAML stream as a tree, with the line of every node; from untrusted text.
 *
 * Size, depth, nodes and what aliases would expand to are capped, so that no text costs more than a few megabytes.
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"

enum {
	YAML_SIZE_MAX = 1 << 20,
	YAML_DEPTH_MAX = 24,
	YAML_NODES_MAX = 20000,         /* with every alias counted as what it stands for */
};

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml {
	enum yaml_kind kind;
	bool plain;                     /* a scalar without quotes: may be null, a number or a boolean */
	unsigned line;
	size_t count;                   /* of a list: values; of a map: pairs */
	size_t weight;                  /* nodes below and this one */
	struct slice text;
	struct yaml **values;           /* of a map: key, value, key, value … */
};

struct watch_fault;

/* One tree a document, owned by `owner`. Keys of a map are scalars and differ. */
fallible yaml_parse(void *owner, struct slice text, struct yaml ***documents, size_t *count, struct watch_fault *);

/* NULL where the map has no such key, or it is no map. */
const struct yaml *yaml_find(const struct yaml *map, const char *key);
bool yaml_is_null(const struct yaml *);
bool yaml_is_boolean(const struct yaml *, bool *value);
/* Decimal, hexadecimal (0x) and octal (0o) integers, and decimal fractions, as YAML 1.2's core schema has them. */
bool yaml_is_number(const struct yaml *, long double *value);
