#include "https/api.h"

#include "base/id.h"
#include "base/memory.h"
#include "base/text.h"
#include "https/words.h"
#include "ledger/public.h"

#include <inttypes.h>
#include <stdio.h>

enum { JSON_BODY_MAX = 512 << 10, BUCKETS = 256 };

/* A credential that some connection of this worker has shown. */
struct shown {
	struct shown *next;
	uint8_t digest[DIGEST_SIZE];
	struct slice credential;
};

struct api {
	struct api_options options;
	struct gate_worker *gate;
	struct https *https;
	char *openapi;
	struct shown *shown[BUCKETS];
};

/* What an exchange needs until its passage is answered; a child of the exchange. */
struct call {
	struct api *api;
	struct exchange *exchange;
	struct passage *passage;
	struct given given;
	bool head;
};

static int
free_call(struct call *c)
{
	json_decref(c->given.body);
	return 0;
}

/* ---- routes ---- */

static const char *const method_names[METHODS] = { "GET", "PUT", "POST", "DELETE" };

/* Takes the next part of a route's path: its text, and whether it is a field. */
static bool
next_part(const char **path, struct slice *part, bool *field)
{
	if (**path != '/')
		return false;
	const char *begin = ++*path;
	while (**path && **path != '/')
		++*path;
	*part = slice_of(begin, (size_t)(*path - begin));
	*field = part->size > 2 && part->data[0] == '{';
	if (*field)
		*part = slice_of(part->data + 1, part->size - 2);
	return true;
}

static bool
match_path(const struct operation *o, const struct http_request *r, struct given *g)
{
	const char *path = o->route.path;
	struct slice part;
	bool field;
	size_t i = 0;
	g->count = 0;
	if (!path)
		return false;
	for (; next_part(&path, &part, &field); i++) {
		if (i == r->segment_count)
			return false;
		if (!field && !slice_equal(part, r->segments[i]))
			return false;
		if (field) {
			g->values[g->count].name = part;
			g->values[g->count].value = r->segments[i];
			g->values[g->count++].place = PLACE_PATH;
		}
	}
	return i == r->segment_count;
}

/* HEAD is GET whose body is not sent. */
static const struct operation *
find_route(const struct api *api, const struct http_request *r, struct given *g, bool *path_known)
{
	struct slice method = slice_is(r->method, "HEAD") ? LITERAL("GET") : r->method;
	const struct operation *best = NULL;
	struct given found = { 0 };
	*path_known = false;
	for (const struct operation *const *o = gate_options(api->options.gate)->operations; *o; o++) {
		if (!match_path(*o, r, &found))
			continue;
		*path_known = true;
		/* a literal part is nearer than a field */
		if (slice_is(method, method_names[(*o)->route.method]) && (!best || found.count < g->count)) {
			best = *o;
			*g = found;
		}
	}
	return best;
}

/* ---- answers ---- */

static enum language
language_of(const struct http_request *r)
{
	return words_language(http_header_find(r, "Accept-Language"));
}

static char *
problem_text(void *owner, const struct passage *p, err_t e, enum language language)
{
	json_t *j = json_pack("{s:s, s:s, s:i, s:s}", "type", "about:blank", "title", e->text[language], "status", e->http,
	                      "code", e->name);
	if (p && p->detail_text)
		json_object_set_new(j, "detail", json_string(p->detail_text));
	if (p && p->next)
		json_object_set_new(j, "next", json_string(p->next));
	if (p)
		json_object_set_new(j, "passage", json_string(p->id_text));
	char *text = json_dumps(j, JSON_COMPACT);
	char *kept = memory_text(owner, slice_text(text));
	free(text);
	json_decref(j);
	return kept;
}

static void
answer_problem(struct exchange *x, const struct passage *p, err_t e)
{
	const enum language language = language_of(exchange_request(x));
	struct http_pair headers[4];
	size_t count = 0;
	if (p)
		headers[count++] = (struct http_pair){ LITERAL("Sekisho-Passage"), slice_text(p->id_text) };
	if (e->http == 401)
		headers[count++] = (struct http_pair){ LITERAL("WWW-Authenticate"), LITERAL("Bearer realm=\"sekisho\"") };
	if (e->http == 429)
		headers[count++] = (struct http_pair){ LITERAL("Retry-After"), LITERAL("60") };
	headers[count++] = (struct http_pair){ LITERAL("Content-Language"), language == JAPANESE ? LITERAL("ja") : LITERAL("en") };
	const struct answer a = { .status = e->http, .type = LITERAL("application/problem+json"),
	                          .body = slice_text(problem_text(x, p, e, language)), .headers = headers,
	                          .header_count = count };
	exchange_answer(x, &a);
}

static void
answer_text(struct exchange *x, int status, const char *type, const char *text)
{
	const struct answer a = { .status = status, .type = slice_text(type), .body = slice_text(text) };
	exchange_answer(x, &a);
}

/* ---- connections end with the credential that they showed ---- */

static void
remember(struct api *api, struct exchange *x, const struct passage *p)
{
	uint8_t digest[DIGEST_SIZE];
	if (!p->principal || !p->principal->credential.size || p->operation->anonymous)
		return;
	if (p->token.size)
		token_digest(p->token, digest);
	else
		memcpy(digest, p->certificate, sizeof digest);
	exchange_tag(x, p->principal->credential, p->principal->actor);
	struct shown **bucket = &api->shown[digest[0]];
	for (struct shown *s = *bucket; s; s = s->next)
		if (memcmp(s->digest, digest, sizeof digest) == 0)
			return;
	struct shown *s = NEW(api, struct shown);
	memcpy(s->digest, digest, sizeof digest);
	s->credential = memory_copy(s, p->principal->credential);
	s->next = *bucket;
	*bucket = s;
}

static void
end_revoked(void *argument)
{
	struct api *api = argument;
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct shown **at = &api->shown[i], *s; (s = *at); ) {
			if (gate_credential_check(api->gate, s->digest)) {
				at = &s->next;
				continue;
			}
			https_kill(api->https, s->credential);
			*at = s->next;
			talloc_free(s);
		}
}

/* ---- passages ---- */

static void
send_passage(struct exchange *x, const struct passage *p)
{
	struct http_pair headers[ANSWER_HEADERS + 2];
	size_t count = 0;
	char *text = p->json ? json_dumps(p->json, JSON_COMPACT) : NULL;
	struct slice request_id = http_header_find(exchange_request(x), "X-Request-ID");
	headers[count++] = (struct http_pair){ LITERAL("Sekisho-Passage"), slice_text(p->id_text) };
	if (request_id.size)            /* AuthZEN 1.0 §10.1.2 */
		headers[count++] = (struct http_pair){ LITERAL("X-Request-ID"), request_id };
	for (size_t i = 0; i < p->header_count; i++)
		headers[count++] = (struct http_pair){ slice_text(p->headers[i].name), slice_text(p->headers[i].value) };
	const struct answer a = {
		.status = p->status, .type = text ? LITERAL("application/json") : p->bytes_media,
		.body = text ? slice_text(text) : p->bytes, .headers = headers, .header_count = count,
	};
	exchange_answer(x, &a);
	free(text);
}

static void
answered(struct passage *p)
{
	struct call *c = p->door;
	struct exchange *x = c->exchange;
	if (!exchange_gone(x))
		remember(c->api, x, p);
	if (p->error && p->error != E_PENDING)
		answer_problem(x, p, p->error);
	else
		send_passage(x, p);
}

static struct slice
bearer_of(const struct http_request *r)
{
	struct slice value = http_header_find(r, "Authorization");
	return words_start(value, "bearer ") ? slice_from(value, 7) : (struct slice){ NULL, 0 };
}

static fallible
take_parameters(struct call *c, const struct http_request *r)
{
	struct given *g = &c->given;
	const size_t room = sizeof g->values / sizeof *g->values;
	for (size_t i = 0; i < r->parameter_count; i++) {
		if (g->count == room)
			return E_ARGUMENT;
		g->values[g->count].name = r->parameters[i].name;
		g->values[g->count].value = r->parameters[i].value;
		g->values[g->count++].place = PLACE_QUERY;
	}
	return NULL;
}

static fallible
take_body(struct call *c, const struct http_request *r)
{
	struct passage *p = c->passage;
	struct slice body = exchange_body(c->exchange), type = http_header_find(r, "Content-Type");
	json_error_t why;
	p->media = type;
	if (p->operation->body_max) {
		p->body = body;
		return NULL;
	}
	if (body.size == 0)
		return NULL;
	if (!words_start(type, "application/json"))
		return passage_fail(p, E_MEDIA_TYPE, "expected application/json");
	c->given.body = json_loadb((const char *)body.data, body.size, JSON_REJECT_DUPLICATES, &why);
	if (!c->given.body)
		return passage_fail(p, E_REQUEST, "the body is not JSON: line %d, column %d: %s", why.line, why.column, why.text);
	return json_is_object(c->given.body) ? NULL : passage_fail(p, E_REQUEST, "the body is not a JSON object");
}

static fallible
take_headers(struct call *c, const struct http_request *r)
{
	struct passage *p = c->passage;
	const struct peer *peer = exchange_peer(c->exchange);
	p->token = bearer_of(r);
	p->certified = peer->certified;
	memcpy(p->certificate, peer->fingerprint, sizeof p->certificate);
	p->from = slice_text(peer->address);
	p->purpose = http_header_find(r, "Sekisho-Purpose");
	p->idempotency_key = http_header_find(r, "Idempotency-Key");
	p->if_match = http_header_find(r, "If-Match");
	p->language = language_of(r);
	if (p->purpose.size > 256 || !text_is_utf8(p->purpose))
		return passage_fail(p, E_ARGUMENT, "Sekisho-Purpose: expected at most 256 bytes of UTF-8");
	if (p->idempotency_key.size > 128)
		return passage_fail(p, E_ARGUMENT, "Idempotency-Key: expected at most 128 bytes");
	return NULL;
}

static fallible
begin(struct call *c, const struct http_request *r)
{
	TRY(take_headers(c, r));
	TRY(take_parameters(c, r));
	TRY(take_body(c, r));
	return passage_arguments(c->passage, &c->given);
}

/* ---- beside the operations ---- */

static void
answer_metrics(struct api *api, struct exchange *x)
{
	const struct gate_options *o = gate_options(api->options.gate);
	struct record_counts r = record_counts(o->record);
	struct door_counts d = door_count(api->options.door);
	answer_text(x, 200, "text/plain; version=0.0.4", memory_format(x,
		"# TYPE sekisho_entries_total counter\nsekisho_entries_total %" PRIu64 "\n"
		"# TYPE sekisho_commits_total counter\nsekisho_commits_total %" PRIu64 "\n"
		"# TYPE sekisho_passages_recorded_total counter\nsekisho_passages_recorded_total %" PRIu64 "\n"
		"# TYPE sekisho_passages_stale_total counter\nsekisho_passages_stale_total %" PRIu64 "\n"
		"# TYPE sekisho_group_replays_total counter\nsekisho_group_replays_total %" PRIu64 "\n"
		"# TYPE sekisho_ledger_size gauge\nsekisho_ledger_size %" PRIu64 "\n"
		"# TYPE sekisho_connections_open gauge\nsekisho_connections_open %" PRIu64 "\n"
		"# TYPE sekisho_connections_accepted_total counter\nsekisho_connections_accepted_total %" PRIu64 "\n"
		"# TYPE sekisho_connections_refused_total counter\nsekisho_connections_refused_total %" PRIu64 "\n"
		"# TYPE sekisho_handshake_failures_total counter\nsekisho_handshake_failures_total %" PRIu64 "\n",
		r.entries, r.groups, r.submissions, r.stale, r.replays, ledger_size(o->ledger), d.open, d.accepted, d.refused,
		d.handshake_failures));
}

/* The public log (C2SP tlog-tiles): shows nothing but its pace. */
static void
answer_log(struct api *api, struct exchange *x, struct slice path)
{
	static const struct http_pair fresh = { LITERAL("Cache-Control"), LITERAL("no-cache") },
	                              forever = { LITERAL("Cache-Control"), LITERAL("public, max-age=31536000, immutable") };
	const struct gate_options *o = gate_options(api->options.gate);
	bool text = slice_is(path, "checkpoint") || slice_is(path, "key");
	struct answer a = { .status = 200, .type = text ? LITERAL("text/plain; charset=utf-8") : LITERAL("application/octet-stream"),
	                    .headers = text ? &fresh : &forever, .header_count = 1 };
	char *vkey;
	err_t e = slice_is(path, "key") ? ledger_vkey(x, o->keys, &vkey)
	                                : ledger_public(x, o->ledger, gate_reader(api->gate), path, &a.body);
	if (!e && slice_is(path, "key"))
		a.body = slice_text(memory_format(x, "%s\n", vkey));
	if (e)
		answer_problem(x, NULL, e == E_NOT_FOUND ? E_NO_ROUTE : e);
	else
		exchange_answer(x, &a);
}

static bool
answer_beside(struct api *api, struct exchange *x, const struct http_request *r)
{
	const char *why = api->options.ready(api->options.argument);
	if (slice_is(r->path, "/livez"))
		answer_text(x, 200, "text/plain", "ok\n");
	else if (slice_is(r->path, "/readyz"))
		answer_text(x, why ? 503 : 200, "text/plain", why ? memory_format(x, "closed: %s\n", why) : "ok\n");
	else if (slice_is(r->path, "/metrics"))
		answer_metrics(api, x);
	else if (slice_is(r->path, "/openapi.json"))
		answer_text(x, 200, "application/json", api->openapi);
	else if (slice_starts(r->path, LITERAL("/log/")) && slice_is(r->method, "GET"))
		answer_log(api, x, slice_from(r->path, 5));
	else
		return false;
	return true;
}

static void
handle(void *context, struct exchange *x)
{
	struct api *api = context;
	const struct http_request *r = exchange_request(x);
	bool path_known;
	struct call *c = NEW(x, struct call);
	talloc_set_destructor(c, free_call);
	if (answer_beside(api, x, r))
		return;
	const struct operation *o = find_route(api, r, &c->given, &path_known);
	if (!o) {
		answer_problem(x, NULL, path_known ? E_METHOD : E_NO_ROUTE);
		return;
	}
	c->api = api;
	c->exchange = x;
	c->passage = passage_new(c, o);
	c->passage->answered = answered;
	c->passage->door = c;
	err_t e = begin(c, r);
	if (e) {
		answer_problem(x, c->passage, e);
		return;
	}
	gate_enter(api->gate, c->passage);
}

static size_t
body_max(void *context, struct exchange *x)
{
	struct given g = { 0 };
	bool path_known;
	const struct operation *o = find_route(context, exchange_request(x), &g, &path_known);
	return o && o->body_max ? o->body_max : JSON_BODY_MAX;
}

static const struct https_handler handler = { .body_max = body_max, .handle = handle };

fallible
api_attach(const void *owner, const struct api_options *options, struct gate_worker *gate, struct loop *loop, struct api **out)
{
	struct api *api = NEW(owner, struct api);
	api->options = *options;
	api->gate = gate;
	json_t *document = openapi_document(gate_options(options->gate)->operations);
	char *text = json_dumps(document, JSON_COMPACT);
	api->openapi = memory_text(api, slice_text(text));
	free(text);
	json_decref(document);
	TRY(https_attach(api, options->door, loop, &handler, api, NULL, &api->https));
	gate_on_change(gate, end_revoked, api);
	*out = api;
	return NULL;
}

struct door_worker *
api_door_worker(const struct api *api)
{
	return https_door_worker(api->https);
}
