/* The OpenAPI 3.1 document: nothing in it is written by hand that a row says. */
#include "https/api.h"

#include "base/memory.h"

#include <stdio.h>

static const char *const methods[METHODS] = { "get", "put", "post", "delete" };

static json_t *
field_schema(const struct field *f)
{
	switch (f->type) {
	case FIELD_NAME:
		return json_pack("{s:s, s:s}", "type", "string", "pattern", "^[a-z0-9-]{1,63}$");
	case FIELD_OBJECT_ID:
		return json_pack("{s:s, s:s}", "type", "string", "pattern", "^[A-Za-z0-9._-]{1,128}$");
	case FIELD_TEXT:
		return json_pack("{s:s, s:I}", "type", "string", "maxLength", (json_int_t)(f->most ? f->most : 256));
	case FIELD_SECRET:
		return json_pack("{s:s, s:s}", "type", "string", "format", "password");
	case FIELD_NUMBER:
		return json_pack("{s:s, s:i}", "type", "integer", "minimum", 0);
	case FIELD_FLAG:
		return json_pack("{s:s}", "type", "boolean");
	case FIELD_TIME:
		return json_pack("{s:s, s:s}", "type", "string", "format", "date-time");
	case FIELD_DURATION:
		return json_pack("{s:s, s:s}", "type", "string", "pattern", "^([0-9]+[smhd])+$");
	case FIELD_JSON:
		break;
	}
	return json_object();
}

static json_t *
parameters_of(const struct operation *o)
{
	json_t *list = json_array();
	for (const struct field *f = o->fields; f && f->name; f++) {
		if (f->place == PLACE_BODY)
			continue;
		json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:s, s:o}", "name", f->name, "in",
		                                      f->place == PLACE_PATH ? "path" : "query", "required",
		                                      f->place == PLACE_PATH || f->required, "description", f->says, "schema",
		                                      field_schema(f)));
	}
	if (!o->anonymous)
		json_array_append_new(list, json_pack("{s:s}", "$ref", "#/components/parameters/purpose"));
	if (o->effect == EFFECT_CHANGE && !o->secret)
		json_array_append_new(list, json_pack("{s:s}", "$ref", "#/components/parameters/idempotency"));
	return list;
}

static json_t *
json_body_of(const struct operation *o)
{
	json_t *properties = json_object(), *required = json_array();
	for (const struct field *f = o->fields; f && f->name; f++) {
		if (f->place != PLACE_BODY)
			continue;
		json_t *schema = field_schema(f);
		json_object_set_new(schema, "description", json_string(f->says));
		json_object_set_new(properties, f->name, schema);
		if (f->required)
			json_array_append_new(required, json_string(f->name));
	}
	bool any = json_object_size(properties) > 0, needed = json_array_size(required) > 0;
	json_t *schema = json_pack("{s:s, s:o, s:o, s:b}", "type", "object", "properties", properties, "required", required,
	                           "additionalProperties", 0);
	json_t *body = json_pack("{s:b, s:{s:{s:o}}}", "required", needed, "content", "application/json", "schema", schema);
	if (any)
		return body;
	json_decref(body);
	return NULL;
}

static json_t *
body_of(const struct operation *o)
{
	if (o->body_max)
		return json_pack("{s:b, s:{s:{s:{}}, s:{s:{}}}}", "required", 1, "content", "application/octet-stream", "schema",
		                 "application/json", "schema");
	return json_body_of(o);
}

static json_t *
content_of(const struct operation *o)
{
	if (!o->output[0])
		return json_pack("{s:{s:{}}}", "*/*", "schema");
	return json_pack("{s:{s:o}}", "application/json", "schema", json_loads(o->output, 0, NULL));
}

static json_t *
responses_of(const struct operation *o)
{
	json_t *problem = json_pack("{s:s}", "$ref", "#/components/responses/problem");
	json_t *good = json_pack("{s:s}", "description", "it went through, and is recorded");
	json_t *all = json_pack("{s:o}", "default", problem);
	if (o->output)
		json_object_set_new(good, "content", content_of(o));
	json_object_set_new(all, o->output ? "200" : "204", good);
	if (o->effect == EFFECT_CHANGE && o->body_max)
		json_object_set(all, "201", good);
	if (o->second_person)
		json_object_set_new(all, "202", json_pack("{s:s, s:{s:{s:o}}}", "description", "another person has to approve it",
		                                          "content", "application/json", "schema",
		                                          json_pack("{s:s}", "$ref", "#/components/schemas/pending")));
	return all;
}

static json_t *
operation_json(const struct operation *o)
{
	json_t *j = json_pack("{s:s, s:s, s:o, s:o}", "operationId", o->name, "summary", o->says[ENGLISH], "parameters",
	                      parameters_of(o), "responses", responses_of(o));
	json_t *body = body_of(o);
	const char *dot = strchr(o->name, '.');
	json_object_set_new(j, "tags", json_pack("[o]", json_stringn(o->name, (size_t)(dot - o->name))));
	json_object_set_new(j, "x-summary-ja", json_string(o->says[JAPANESE]));
	json_object_set_new(j, "x-cedar-action", json_string(o->action));
	if (body)
		json_object_set_new(j, "requestBody", body);
	if (o->anonymous)
		json_object_set_new(j, "security", json_array());
	return j;
}

static const char components[] =
	"{\"securitySchemes\":{\"token\":{\"type\":\"http\",\"scheme\":\"bearer\"},\"certificate\":{\"type\":\"mutualTLS\"}},"
	"\"parameters\":{\"purpose\":{\"name\":\"Sekisho-Purpose\",\"in\":\"header\",\"required\":false,"
	"\"description\":\"why: needed to reach service data\",\"schema\":{\"type\":\"string\",\"maxLength\":256}},"
	"\"idempotency\":{\"name\":\"Idempotency-Key\",\"in\":\"header\",\"required\":false,"
	"\"description\":\"the same change with the same key is made once\",\"schema\":{\"type\":\"string\",\"maxLength\":128}}},"
	"\"schemas\":{\"problem\":{\"type\":\"object\",\"required\":[\"type\",\"title\",\"status\",\"code\"],\"properties\":{"
	"\"type\":{\"type\":\"string\"},\"title\":{\"type\":\"string\"},\"status\":{\"type\":\"integer\"},"
	"\"code\":{\"type\":\"string\"},\"detail\":{\"type\":\"string\"},\"next\":{\"type\":\"string\"},"
	"\"passage\":{\"type\":\"string\"}}},"
	"\"pending\":{\"type\":\"object\",\"required\":[\"id\"],\"properties\":{\"id\":{\"type\":\"string\"},"
	"\"state\":{\"type\":\"string\"}}}},"
	"\"responses\":{\"problem\":{\"description\":\"it did not go through (RFC 9457)\",\"content\":{"
	"\"application/problem+json\":{\"schema\":{\"$ref\":\"#/components/schemas/problem\"}}}}}}";

json_t *
openapi_document(const struct operation *const *operations)
{
	json_t *paths = json_object();
	for (const struct operation *const *o = operations; *o; o++) {
		if (!(*o)->route.path)
			continue;
		json_t *path = json_object_get(paths, (*o)->route.path);
		if (!path) {
			json_object_set_new(paths, (*o)->route.path, json_object());
			path = json_object_get(paths, (*o)->route.path);
		}
		json_object_set_new(path, methods[(*o)->route.method], operation_json(*o));
	}
	return json_pack("{s:s, s:{s:s, s:s, s:{s:s, s:s}}, s:[{s:s}], s:[{s:[]}, {s:[]}], s:o, s:o}", "openapi", "3.1.0", "info", "title",
	                 "Sekisho", "version", "1", "license", "name", "Apache-2.0", "identifier", "Apache-2.0", "servers", "url",
	                 "/", "security", "token", "certificate", "paths", paths, "components",
	                 json_loads(components, 0, NULL));
}
