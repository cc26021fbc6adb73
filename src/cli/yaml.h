/* yaml.h - private: a person's own file of YAML as JSON, for arguments that have a structure. */
#pragma once
#include "base/slice.h"

#include <jansson.h>

/* A new reference; NULL, and a line on stderr that names the file, where it is not YAML. */
json_t *yaml_read(const char *name, struct slice text);
