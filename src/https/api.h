/* api.h - public: the operations over HTTPS: routes, arguments and answers, derived from their rows.
 *
 * Beside them only /livez, /readyz, /metrics and /openapi.json, which show no service data and need no passage.
 */
#pragma once
#include "gate/gate.h"
#include "https/https.h"

struct api;

struct api_options {
	struct gate *gate;
	struct door *door;
	const char *(*ready)(void *);   /* NULL, or why the server takes no passages */
	void *argument;
};

/* One worker's side, on its loop. Credentials that are no longer good lose their connections at once. */
fallible api_attach(const void *owner, const struct api_options *, struct gate_worker *, struct loop *, struct api **out);
struct door_worker *api_door_worker(const struct api *);

/* The OpenAPI 3.1 document of all operations; a new reference. */
json_t *openapi_document(const struct operation *const *operations);
