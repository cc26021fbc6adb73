/* schema_json.h - private to schema_json.c and schema_json_type.c. The fault is set where false or NULL is answered. */
#pragma once
#include "cedar/json.h"
#include "cedar/schema_raw.h"

bool cedar_schema_json_fail(struct cedar_raw_schema *raw, const struct cedar_json *at, const char *format,
                            struct cedar_text name);
bool cedar_schema_json_expect(struct cedar_raw_schema *raw, const struct cedar_json *json, enum cedar_json_kind kind,
                              const char *what);
/* Refuses fields that are not in the list, which ends with NULL and is in the order of the reference's structures. */
bool
cedar_schema_json_expect_struct(struct cedar_raw_schema *raw, const struct cedar_json **json, const char *const *names);
/* A field that may be absent or null. */
const struct cedar_json *cedar_schema_json_optional(const struct cedar_json *json, const char *name);
bool cedar_schema_json_check_annotations(struct cedar_raw_schema *raw, const struct cedar_json *json);
bool cedar_schema_json_name(struct cedar_raw_schema *raw, const struct cedar_json *json, struct cedar_text *out);
const struct cedar_raw_type *
cedar_schema_json_type(struct cedar_raw_schema *raw, const struct cedar_json *json, bool field);
