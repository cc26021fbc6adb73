#include "postgres/lane.h"

#include "base/text.h"
#include "postgres/client.h"
#include "postgres/hidden.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

#define ASK "select pg_catalog.pg_backend_pid()::pg_catalog.text || ':' || " \
	"pg_catalog.encode(pg_catalog.timestamptz_send(pg_catalog.transaction_timestamp()), 'hex')"

/* ---- what may be said ---- */

enum lane_name
lane_names(const struct session *s, const struct statement *n)
{
	struct slice hook = s->database.setting.size ? s->database.setting : LITERAL("sekisho.subscriber");
	if (!s->application || !n || n->naming != NAMING_SETTING)
		return LANE_NOTHING;
	if (slice_equal(n->setting, hook))
		return LANE_SUBSCRIBER;
	return slice_is(n->setting, "sekisho.actor") ? LANE_ACTOR : LANE_NOTHING;
}

/* What a driver says when it connects: between transactions, so that nothing of a subscriber's can be in it. */
static bool
may_keep(const struct session *s, const struct analysis *a)
{
	return a->count == 1 && a->statements[0].naming == NAMING_KEEPS && s->status == 'I' && !s->subscriber.size;
}

void
lane_keeps(struct session *s, const struct statement *n)
{
	size_t i = 0;
	if (!setting_is_free(n->setting))
		return;                 /* it is what it was */
	while (i < s->setting_count && !slice_equal(s->settings[i].name, n->setting))
		i++;
	s->kept = true;
	if (i == STARTUP_PARAMETERS) {
		s->dirty = true;
		return;
	}
	if (i < s->setting_count)
		talloc_free((void *)(uintptr_t)s->settings[i].value.data);
	s->settings[i] = (struct setting){ i < s->setting_count ? s->settings[i].name : memory_copy(s, n->setting), memory_copy(s, n->name) };
	s->setting_count += i == s->setting_count;
	backend_rekey(s);
}

/* An error, or a transaction around it: what the back end has, nobody knows. */
void
lane_undone(struct session *s)
{
	s->dirty |= s->kept;
}

const char *
lane_refusal(const struct session *s, const struct analysis *a)
{
	for (size_t i = 0; s->application && i < a->count; i++) {
		const struct statement *n = &a->statements[i];
		if (a->count > 1 && (n->kind == STATEMENT_TRANSACTION || lane_names(s, n)))
			return "Transaction control and the naming of a subscriber stand alone in their message";
		if (n->chains)
			return "AND CHAIN would begin a transaction without a subscriber";
		if ((n->leaves && !may_keep(s, a)) || n->recalls || n->naming == NAMING_EXECUTE || n->naming == NAMING_DEALLOCATE)
			return "An application's sessions keep no state from one transaction to the next";
	}
	return NULL;
}

const char *
lane_action(const struct session *s, const struct statement *n)
{
	if (lane_names(s, n))
		return s->subscriber.size ? "read" : "passage.evaluate";
	bool control = n && (n->kind == STATEMENT_TRANSACTION || (n->kind == STATEMENT_SESSION && (!n->leaves || n->naming == NAMING_KEEPS)));
	return s->application && !s->subscriber.size && control && !n->refusal ? "passage.evaluate" : n ? n->action : "read";
}

/* SCHEMA.TABLE is in the list; a name without a schema, under any. */
static bool
is_listed(struct slice list, const struct table *t)
{
	while (list.size) {
		const uint8_t *comma = memchr(list.data, ',', list.size);
		struct slice item = slice_of(list.data, comma ? (size_t)(comma - list.data) : list.size);
		const uint8_t *dot = item.size ? memchr(item.data, '.', item.size) : NULL;
		size_t at = dot ? (size_t)(dot - item.data) : 0;
		if (dot && slice_equal(slice_from(item, at + 1), t->name) && (!t->schema.size || slice_equal(slice_of(item.data, at), t->schema)))
			return true;
		list = slice_from(list, item.size + 1);
	}
	return false;
}

bool
lane_is_shared(const struct session *s, const struct statement *n)
{
	if (!n || !n->pure || n->kind != STATEMENT_READ || n->refusal)
		return false;
	for (size_t i = 0; i < n->table_count; i++)
		if (!n->tables[i].maybe_cte && !is_listed(s->database.shared, &n->tables[i]))
			return false;
	return true;
}

/* The column's value of a subscriber: a=acme,b=globex. */
static struct slice
value_of(struct slice map, struct slice subscriber)
{
	while (map.size) {
		const uint8_t *comma = memchr(map.data, ',', map.size);
		struct slice pair = slice_of(map.data, comma ? (size_t)(comma - map.data) : map.size);
		const uint8_t *equals = pair.size ? memchr(pair.data, '=', pair.size) : NULL;
		size_t at = equals ? (size_t)(equals - pair.data) : pair.size;
		if (equals && slice_equal(slice_from(pair, at + 1), subscriber))
			return slice_of(pair.data, at);
		map = slice_from(map, pair.size + 1);
	}
	return slice_of(NULL, 0);
}

static bool
is_plain(struct slice value)
{
	for (size_t i = 0; i < value.size; i++)
		if (value.data[i] < 0x20)
			return false;
	return value.size <= 128 && text_is_utf8(value);
}

fallible
lane_name(struct session *s, const struct statement *n, struct slice value, const char **sqlstate)
{
	bool who = lane_names(s, n) == LANE_SUBSCRIBER;
	struct slice *now = who ? &s->subscriber : &s->actor;
	*sqlstate = "25P01";
	if (s->status != 'T')
		return E_STATE;
	*sqlstate = "22023";
	if (!is_plain(value) || (who && !text_is_name(value)))
		return E_ARGUMENT;
	*sqlstate = "25001";
	if (slice_equal(*now, value) && value.size)
		return NULL;
	if (now->size || s->lane == LANE_BOUND)
		return E_STATE;
	*sqlstate = "42501";
	if (who && !value_of(s->database.map, value).size)
		return E_NOT_FOUND;
	*now = memory_copy(s, value);
	s->judged_at = 0;
	return NULL;
}

/* ---- asking, answering ---- */

static bool
asks(const struct session *s)
{
	return s->lane == LANE_UNNAMED && s->subscriber.size;
}

static char *
answering_text(const void *owner, struct slice value)
{
	struct slice literal = client_literal(owner, value);
	return memory_format(owner, "select %.*s::pg_catalog.text as set_config", SLICE_ARGUMENTS(literal));
}

void
lane_send_query(struct session *s, struct turn *t, struct slice value)
{
	if (asks(s)) {
		hidden_query(s, ASK);
		s->lane = LANE_ASKED;
	}
	turn_add(s, t);
	turn_add(s, turn_new(s, TURN_READY, NULL, NULL));
	hidden_send(s, answering_text(t, value));
}

void
lane_send_execute(struct session *s, struct turn *t, struct slice body)
{
	if (asks(s)) {
		hidden_run(s, ASK);
		s->lane = LANE_ASKED;
	}
	turn_add(s, t);
	hidden_put(s, 'E', slice_of(NULL, 0), slice_of(NULL, 0), (const char *)body.data, body.size);
	hidden_put(s, 'H', slice_of(NULL, 0), slice_of(NULL, 0), NULL, 0);     /* nothing goes on before the answer is there */
}

struct slice
lane_parse(const void *owner, const struct statement *n, struct slice body)
{
	struct reader r = reader_of(body);
	struct slice name = read_text(&r);
	read_text(&r);
	struct bytes b = { 0 };
	message_text(owner, &b, name);
	message_text(owner, &b, n->parameter ? LITERAL("select $1::pg_catalog.text as set_config") : slice_text(answering_text(owner, n->name)));
	bytes_append(owner, &b, r.rest);
	return bytes_slice(&b);
}

/* ---- the binding ---- */

static void
mac(const struct session *s, struct slice rest, uint8_t out[DIGEST_SIZE])
{
	struct bytes b = { 0 };
	unsigned size = DIGEST_SIZE;
	bytes_append(s, &b, rest);
	message_u8(s, &b, 0);
	message_be32(s, &b, s->lane_pid);
	bytes_append(s, &b, slice_of(s->lane_start, sizeof s->lane_start));
	HMAC(EVP_sha256(), s->database.binding_key.data, (int)s->database.binding_key.size, b.data + b.begin, b.size, out, &size);
	bytes_clear(&b);
}

static char *
binding_text(const void *owner, const struct session *s)
{
	uint8_t digest[DIGEST_SIZE];
	char hex[2 * DIGEST_SIZE + 1];
	struct slice value = value_of(s->database.map, s->subscriber);
	struct slice rest = slice_text(memory_format(owner, "%.*s\x1f%.*s", SLICE_ARGUMENTS(value), SLICE_ARGUMENTS(s->actor)));
	mac(s, rest, digest);
	text_hex(slice_of(digest, sizeof digest), hex);
	struct slice literal = client_literal(owner, slice_text(memory_format(owner, "%s%.*s", hex, SLICE_ARGUMENTS(rest))));
	return memory_format(owner, "SET LOCAL sekisho.binding = %.*s", SLICE_ARGUMENTS(literal));
}

void
lane_bind(struct session *s, bool simple)
{
	if (!s->application || s->lane != LANE_NAMED)
		return;
	SCOPED void *scope = talloc_new(NULL);
	s->lane = LANE_BOUND;
	if (!simple) {
		hidden_run(s, binding_text(scope, s));
		return;
	}
	hidden_query(s, binding_text(scope, s));
}

void
lane_took(struct session *s, struct slice row)
{
	struct reader r = reader_of(row);
	size_t size;
	uint64_t pid;
	if (!s->application || s->lane != LANE_ASKED)
		return;
	read_be16(&r);
	struct slice text = read_field(&r);
	const uint8_t *colon = text.size ? memchr(text.data, ':', text.size) : NULL;
	if (r.failed || !colon || text_number_parse(slice_of(text.data, (size_t)(colon - text.data)), &pid) ||
	    text_hex_parse(slice_from(text, (size_t)(colon - text.data) + 1), s->lane_start, sizeof s->lane_start, &size) || size != 8)
		return;
	s->lane_pid = (uint32_t)pid;
	s->lane = LANE_NAMED;
}

bool
lane_waits(const struct session *s)
{
	if (s->application && s->lane == LANE_ASKED)
		return true;
	/* what a message may do hangs on the transaction's state: one ReadyForQuery is awaited before the next is read */
	for (const struct turn *t = s->answering; s->application && t; t = t->next)
		if (t->kind == TURN_READY)
			return !s->front.inside && !s->front.have;
	return false;
}

/* With the transaction. */
void
lane_ended(struct session *s)
{
	if (!s->application)
		return;
	s->subscriber = s->actor = slice_of(NULL, 0);
	s->lane = LANE_UNNAMED;
	s->judged_at = 0;
}
