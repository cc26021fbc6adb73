/* One HTTPS request to the server (libcurl). */
#include "cli/inside.h"

#include <curl/curl.h>
#include <stdio.h>
#include <unistd.h>

struct receiving {
	void *owner;
	uint8_t *data;
	size_t size;
	struct response *response;
};

static size_t
receive(char *data, size_t one, size_t count, void *argument)
{
	struct receiving *r = argument;
	size_t size = one * count;
	r->data = memory_grow(r->owner, r->data, 1, r->size + size + 1);
	memcpy(r->data + r->size, data, size);
	r->size += size;
	r->data[r->size] = 0;
	return size;
}

/* The line ends with CR LF. */
static void
keep_header(const char *line, size_t size, const char *name, char *out, size_t room)
{
	size_t before = strlen(name);
	if (size >= before + 2 && strncasecmp(line, name, before) == 0 && size - before - 2 < room)
		snprintf(out, room, "%.*s", (int)(size - before - 2), line + before);
}

static size_t
receive_header(char *data, size_t one, size_t count, void *argument)
{
	struct receiving *r = argument;
	size_t size = one * count;
	keep_header(data, size, "etag: ", r->response->etag, sizeof r->response->etag);
	keep_header(data, size, "sekisho-next: ", r->response->next, sizeof r->response->next);
	return size;
}

static struct curl_slist *
add_header(void *owner, struct curl_slist *list, const char *name, const char *value)
{
	return value && value[0] ? curl_slist_append(list, memory_format(owner, "%s: %s", name, value)) : list;
}

static struct curl_slist *
headers_of(void *owner, const struct request *q, const struct context *c)
{
	struct curl_slist *h = NULL;
	SCOPED char *bearer = c->token ? memory_format(NULL, "Bearer %s", c->token) : NULL;
	h = add_header(owner, h, "Authorization", bearer);
	h = add_header(owner, h, "Sekisho-Purpose", q->purpose ? q->purpose : c->purpose);
	h = add_header(owner, h, "If-Match", q->if_match);
	h = add_header(owner, h, "Idempotency-Key", q->idempotency_key);
	h = add_header(owner, h, "Accept-Language", cli_language == JAPANESE ? "ja" : "en");
	h = add_header(owner, h, "Content-Type", q->type ? q->type : q->body.data ? "application/json" : NULL);
	return curl_slist_append(h, "Expect:");
}

static int
tell_unreachable(const struct context *c, CURLcode code, const char *why)
{
	fprintf(stderr, "sekisho: %s: %s: %s\n", c->url, E_UNREACHABLE->text[cli_language], why[0] ? why : curl_easy_strerror(code));
	if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
		fprintf(stderr, "try: export SEKISHO_CA=D/ca.pem   (the file that sekisho init wrote)\n");
	else
		fprintf(stderr, "try: sekisho doctor\n");
	return E_UNREACHABLE->exit;
}

/* One handle for the whole run, so that an import keeps its connection. */
static CURL *
handle(void)
{
	static CURL *curl;
	if (!curl) {
		curl_global_init(CURL_GLOBAL_DEFAULT);
		curl = curl_easy_init();
	} else
		curl_easy_reset(curl);
	return curl;
}

static void
set_options(CURL *curl, const struct request *q, const struct context *c, char *url, struct receiving *r, char *why)
{
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, q->method);
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (c->ca)
		curl_easy_setopt(curl, CURLOPT_CAINFO, c->ca);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 10L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, 300L);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, r);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, receive_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, r);
	if (q->body.data || strcmp(q->method, "POST") == 0 || strcmp(q->method, "PUT") == 0) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, q->body.data ? (const char *)q->body.data : "");
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body.size);
	}
}

static int
free_json(json_t **j)
{
	json_decref(*j);
	return 0;
}

static void
keep_json(void *owner, struct response *r)
{
	json_t **kept = NEW(owner, json_t *);
	*kept = r->json = json_loadb((const char *)r->body.data, r->body.size, 0, NULL);
	talloc_set_destructor(kept, free_json);
}

bool
client_send(void *owner, const struct request *q, struct response *out)
{
	struct context *c = context_load(owner);
	struct receiving r = { .owner = owner, .response = out };
	char why[CURL_ERROR_SIZE] = "";
	long status = 0;
	*out = (struct response){ 0 };
	if (!c->url) {
		fprintf(stderr, "sekisho: no server is known\ntry: sekisho login https://HOST:PORT --as ID   (or set SEKISHO_URL)\n");
		out->status = -EXIT_USAGE;
		return false;
	}
	CURL *curl = handle();
	struct curl_slist *headers = headers_of(owner, q, c);
	set_options(curl, q, c, memory_format(owner, "%s%s", c->url, q->path), &r, why);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	CURLcode code = curl_easy_perform(curl);
	curl_slist_free_all(headers);
	if (code != CURLE_OK) {
		out->status = -tell_unreachable(c, code, why);
		return false;
	}
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	const char *type = NULL;
	curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
	out->status = (int)status;
	out->body = slice_of(r.data, r.size);
	if (type && strstr(type, "json"))
		keep_json(owner, out);
	return true;
}

static const char *
member(const struct response *r, const char *key)
{
	return json_string_value(json_object_get(r->json, key));
}

int
client_failure(const struct response *r)
{
	if (r->status < 0)
		return -r->status;
	err_t e = member(r, "code") ? err_find(member(r, "code")) : NULL;
	const char *title = member(r, "title"), *detail = member(r, "detail"), *next = member(r, "next");
	fprintf(stderr, "sekisho: %s%s%s\n", title ? title : "the server answered something unexpected", detail ? ": " : "",
	        detail ? detail : "");
	if (e == E_NO_CREDENTIAL || e == E_BAD_CREDENTIAL || e == E_EXPIRED_CREDENTIAL)
		next = next ? next : "sekisho login --as ID";
	if (next)
		fprintf(stderr, "try: %s\n", next);
	if (member(r, "passage"))
		fprintf(stderr, "passage: %s\n", member(r, "passage"));
	return e ? e->exit : EXIT_FAILED;
}

char *
url_escape(void *owner, const char *text)
{
	char *out = memory_format(owner, "%s", "");
	for (const unsigned char *p = (const unsigned char *)text; *p; p++)
		out = strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~", *p)
		          ? memory_format(owner, "%s%c", out, *p) : memory_format(owner, "%s%%%02X", out, *p);
	return out;
}
