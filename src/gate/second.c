/* A second person, and keys of idempotency. */
#include "gate/inside.h"

#include "base/memory.h"
#include "base/text.h"
#include "gate/gate_sql.h"
#include "record/deadline.h"

enum { REQUEST_DAYS = 7 };

struct waiting {
	struct id id;
	struct slice sealed;
};

static err_t
second_apply(struct passage *p, struct store *tx, int64_t time)
{
	struct waiting *w = p->change;
	TRY(deadline_set_apply(tx, "request.expiry", id_slice(&w->id), time + DAYS(REQUEST_DAYS)));
	return store_run(tx, QUERY_REQUEST_INSERT,
	                 BIND(as_text(id_slice(&w->id)), as_text(slice_text(p->operation->name)), as_text(p->principal->actor),
	                      as_text(p->subscriber), as_text(passage_resource(p)), as_text(p->purpose), as_bytes(w->sealed),
	                      as_number(time), as_number(time + DAYS(REQUEST_DAYS))));
}

/* Tried first, so that what could never be approved is refused now; then kept, sealed, until another approves it. */
fallible
second_prepare(struct passage *p)
{
	struct waiting *w = NEW(p, struct waiting);
	TRY(p->operation->prepare(p));
	p->outcome = (struct pairs){ 0 };
	p->more_count = 0;
	p->changes_epoch = false;
	w->id = id_new("req_");
	char *text = json_dumps(p->input, JSON_COMPACT | JSON_SORT_KEYS);
	err_t e = keys_seal_whole(p, p->keys, LITERAL(LOG_VENDOR), USE_NAMES, id_slice(&w->id), slice_text(text), &w->sealed);
	free(text);
	TRY(e);
	p->change = w;
	p->waiting = second_apply;
	p->status = E_PENDING->http;
	pairs_text(&p->outcome, "request", id_slice(&w->id));
	p->next = memory_format(p, "sekisho request approve %s", w->id.text);
	return passage_answer(p, json_pack("{s:s, s:s}", "id", w->id.text, "state", "pending"));
}

/* ---- idempotency: a change and its key are committed together ---- */

static void
digest_of(struct passage *p, uint8_t out[DIGEST_SIZE])
{
	char *input = json_dumps(p->input, JSON_COMPACT | JSON_SORT_KEYS);
	uint8_t body[DIGEST_SIZE];
	char hex[2 * DIGEST_SIZE + 1];
	sha256(p->body, body);
	text_hex(slice_of(body, sizeof body), hex);
	SCOPED char *whole = memory_format(NULL, "%s %s %s %.*s\n%.*s\n%.*s", p->operation->name, input, hex, SLICE_ARGUMENTS(p->if_match),
	                                   SLICE_ARGUMENTS(p->purpose), SLICE_ARGUMENTS(p->media));
	free(input);
	sha256(slice_text(whole), out);
}

fallible
idempotency_find(struct passage *p, bool *found)
{
	SCOPED struct rows *rows = NULL;
	uint8_t digest[DIGEST_SIZE];
	TRY(store_rows(NULL, p->view, QUERY_IDEMPOTENCY_GET, BIND(as_text(p->principal->actor), as_text(p->idempotency_key)), &rows));
	if (!rows_next(rows))
		return rows_end(rows);
	digest_of(p, digest);
	if (!slice_equal(row_bytes(rows, 0), slice_of(digest, sizeof digest)))
		return E_IDEMPOTENCY;
	p->status = (int)row_number(rows, 1);
	struct slice answer = row_bytes(rows, 2);
	json_t *json = json_loadb((const char *)answer.data, answer.size, 0, NULL), *version = json_object_get(json, "version");
	if (json_is_integer(version))
		passage_header(p, "ETag", "\"%lld\"", (long long)json_integer_value(version));
	pairs_number(&p->outcome, "repeated", 1);
	*found = true;
	return passage_answer(p, json);
}

fallible
idempotency_apply(struct passage *p, struct store *tx, int64_t time)
{
	uint8_t digest[DIGEST_SIZE];
	if (p->operation->secret || !p->principal)
		return NULL;
	digest_of(p, digest);
	char *answer = p->json ? json_dumps(p->json, JSON_COMPACT) : NULL;
	err_t e = store_run(tx, QUERY_IDEMPOTENCY_PUT,
	                    BIND(as_text(p->principal->actor), as_text(p->idempotency_key), as_bytes(slice_of(digest, sizeof digest)),
	                         as_number(p->status), as_bytes(slice_text(answer)), as_number(time)));
	free(answer);
	TRY(e);
	return store_changes(tx) ? NULL : E_STALE;      /* the same key was faster: undo the change, then give its answer */
}
