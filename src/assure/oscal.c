/* The catalogue as OSCAL 1.2.1 (https://pages.nist.gov/OSCAL/): a group for each measure, a control for each duty. */
#include "assure/catalogue.h"

#include "base/id.h"
#include "base/memory.h"
#include "base/text.h"
#include "proof/proof.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* A UUID of version 5's form, made of a name: the same catalogue has the same ids wherever it is written. */
void
oscal_uuid(const char *name, char out[37])
{
	uint8_t digest[DIGEST_SIZE];
	char hex[2 * DIGEST_SIZE + 1];
	sha256(slice_text(name), digest);
	digest[6] = (uint8_t)((digest[6] & 0x0f) | 0x50);
	digest[8] = (uint8_t)((digest[8] & 0x3f) | 0x80);
	text_hex(slice_of(digest, sizeof digest), hex);
	snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

/* OSCAL's tokens begin with a letter; ours are `e1.3` in lower case. */
void
oscal_token(const char *id, char *out, size_t room)
{
	size_t n = 0;
	for (; id[n] && n + 1 < room; n++)
		out[n] = (char)tolower((unsigned char)id[n]);
	out[n] = '\0';
}

static json_t *
part_json(const char *token, const char *language, json_t *prose)
{
	SCOPED char *id = memory_format(NULL, "%s_smt.%s", token, language);
	return json_pack("{s:s, s:s, s:[{s:s, s:s}], s:O}", "id", id, "name", "statement", "props", "name", "language", "value", language, "prose",
	                 prose);
}

static void
add_mapping(json_t *props, const char *name, json_t *numbers)
{
	size_t i;
	json_t *number;
	json_array_foreach(numbers, i, number)
		json_array_append_new(props, json_pack("{s:s, s:s, s:O}", "name", name, "ns", "https://sekisho.example/ns/oscal", "value", number));
}

static json_t *
control_json(json_t *group, json_t *duty)
{
	char token[32];
	oscal_token(json_string_value(json_object_get(duty, "id")), token, sizeof token);
	json_t *says = json_object_get(duty, "says"), *props = json_pack("[{s:s, s:O}, {s:s, s:s, s:O}]", "name", "label", "value", json_object_get(duty, "id"),
	                                                               "name", "kind", "ns", "https://sekisho.example/ns/oscal", "value", json_object_get(duty, "kind"));
	add_mapping(props, "iso27001-2022-annex-a", json_object_get(group, "iso27001"));
	add_mapping(props, "soc2-criterion", json_object_get(group, "soc2"));
	return json_pack("{s:s, s:O, s:o, s:[o, o]}", "id", token, "title", json_array_get(says, 0), "props", props, "parts",
	                 part_json(token, "en", json_array_get(says, 0)), part_json(token, "ja", json_array_get(says, 1)));
}

static json_t *
group_json(json_t *group)
{
	char token[32];
	size_t i;
	json_t *duty, *controls = json_array();
	oscal_token(json_string_value(json_object_get(group, "id")), token, sizeof token);
	json_array_foreach(json_object_get(group, "duties"), i, duty)
		json_array_append_new(controls, control_json(group, duty));
	return json_pack("{s:s, s:O, s:[{s:s, s:O}], s:o}", "id", token, "title", json_array_get(json_object_get(group, "title"), 0), "props", "name", "label",
	                 "value", json_object_get(group, "id"), "controls", controls);
}

json_t *
assure_catalogue(void)
{
	json_t *catalogue = catalogue_load(), *groups = json_array(), *group;
	char uuid[37];
	size_t i;
	json_array_foreach(json_object_get(catalogue, "groups"), i, group)
		json_array_append_new(groups, group_json(group));
	SCOPED char *name = memory_format(NULL, "catalogue %s", json_string_value(json_object_get(catalogue, "version")));
	oscal_uuid(name, uuid);
	json_t *j = json_pack("{s:{s:s, s:{s:s, s:O, s:O, s:s}, s:o}}", "catalog", "uuid", uuid, "metadata", "title", "Sekisho: measures of the promise",
	                      "last-modified", json_object_get(catalogue, "since"), "version", json_object_get(catalogue, "version"), "oscal-version", "1.2.1",
	                      "groups", groups);
	json_decref(catalogue);
	return j;
}
