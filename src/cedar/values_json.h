/* values_json.h - private. Values, uids and entities out of JSON, with or without a type to go by. */
#pragma once
#include "cedar/entity.h"
#include "cedar/json.h"

struct cedar_type;

struct cedar_loader {
	struct cedar_builder *builder; /* all is made in its arena; texts of the JSON are used as they are */
	struct cedar_text source;
	struct cedar_fault *fault;
	const struct cedar_schema *schema; /* or NULL */
};

/* Any of {"type","id"}, ["type","id"], {"__entity":{"type","id"}}. */
CEDAR_CHECKED bool cedar_uid_from_json(struct cedar_loader *, const struct cedar_json *, struct cedar_uid *out);
/* The same, or Cedar text in a string. */
CEDAR_CHECKED bool cedar_uid_from_any(struct cedar_loader *, const struct cedar_json *, struct cedar_uid *out);
/* `type` is NULL where nothing is expected. */
CEDAR_CHECKED bool cedar_value_from_json(struct cedar_loader *, const struct cedar_json *, const struct cedar_type *,
                                         struct cedar_value *out);
/* An array of entities, put into the builder. */
CEDAR_CHECKED bool cedar_entities_from_json(struct cedar_loader *, const struct cedar_json *);
