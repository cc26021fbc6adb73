/* From the start-up packet to the first ReadyForQuery: who, for what, to which database. */
#include "postgres/lane.h"

#include "base/clock.h"
#include "base/id.h"
#include "base/text.h"

#include <strings.h>

enum { VERSION_NEWEST = 3 << 16 | 2, VERSION_LONG_KEYS = 3 << 16 | 2, AUTH_OK = 0, AUTH_CLEARTEXT = 3, LOGIN_SECONDS = 30 };

static void
refuse(struct session *s, const char *sqlstate, const char *message, const char *hint)
{
	const struct complaint c = { .severity = "FATAL", .sqlstate = sqlstate, .message = message, .hint = hint };
	session_end(s, &c);
}

/* ---- the start-up packet ---- */

static bool
is_named(struct slice name, const char *what)
{
	return name.size == strlen(what) && strncasecmp((const char *)name.data, what, name.size) == 0;
}

static err_t
take_setting(void *argument, struct slice name, struct slice value)
{
	struct session *s = argument;
	if (is_named(name, "sekisho.purpose")) {
		if (value.size > PURPOSE_MAX || !text_is_utf8(value))
			return E_ARGUMENT;
		s->purpose = memory_copy(s, value);
		return NULL;
	}
	if (is_named(name, "client_encoding") || is_named(name, "standard_conforming_strings"))
		return setting_refusal(name, value) ? E_DENIED : NULL;
	if (!setting_is_free(name) || s->setting_count == STARTUP_PARAMETERS)
		return E_DENIED;
	s->settings[s->setting_count++] = (struct setting){ memory_copy(s, name), memory_copy(s, value) };
	return NULL;
}

static bool
take_settings(struct session *s, const struct startup *start)
{
	for (size_t i = 0; i < start->count; i++) {
		struct slice name = start->parameters[i].name;
		err_t e = take_setting(s, name, start->parameters[i].value);
		if (!e)
			continue;
		refuse(s, is_named(name, "replication") ? "0A000" : e->sqlstate,
		       memory_format(s, "the setting \"%.*s\" is not let through at the start of a session", SLICE_ARGUMENTS(name)), NULL);
		return false;
	}
	err_t e = options_each(s, start->options, take_setting, s);
	if (e)
		refuse(s, e->sqlstate, "an option is not let through at the start of a session",
		       "options='-c sekisho.purpose=CASE-…', and what SET may set");
	return e == NULL;
}

static bool
take_database(struct session *s, struct slice text)
{
	const uint8_t *at = text.size ? memrchr(text.data, '@', text.size) : NULL;
	if (!at) {
		s->application = true;
		s->database_name = memory_copy(s, text);
		if (!text_is_name(text))
			refuse(s, "3D000", "the database's name is not of its form", "dbname=DATABASE, or DATABASE@SUBSCRIBER");
		return text_is_name(text);
	}
	struct slice name = slice_of(text.data, (size_t)(at - text.data)), subscriber = slice_from(text, name.size + 1);
	if (!text_is_name(name) || !text_is_name(subscriber)) {
		refuse(s, "3D000", "the database's name is not of its form", "dbname=DATABASE@SUBSCRIBER");
		return false;
	}
	s->database_name = memory_copy(s, name);
	s->subscriber = memory_copy(s, subscriber);
	return true;
}

static void
negotiate(struct session *s, const struct startup *start)
{
	struct bytes b = { 0 };
	s->version = start->code > VERSION_NEWEST ? VERSION_NEWEST : start->code;
	if (start->code <= VERSION_NEWEST && !start->unknown_count)
		return;
	size_t at = message_begin(s, &b, 'v');
	message_be32(s, &b, s->version);
	message_be32(s, &b, (uint32_t)start->unknown_count);
	for (size_t i = 0; i < start->unknown_count; i++)
		message_text(s, &b, start->unknown[i]);
	message_end(&b, at);
	connection_write(s->connection, bytes_slice(&b));
	bytes_clear(&b);
}

static void
ask_password(struct session *s)
{
	struct bytes b = { 0 };
	size_t at = message_begin(s, &b, 'R');
	message_be32(s, &b, AUTH_CLEARTEXT);
	message_end(&b, at);
	connection_write(s->connection, bytes_slice(&b));
	bytes_clear(&b);
	s->state = SESSION_PASSWORD;
	connection_deadline(s->connection, SECONDS(LOGIN_SECONDS));
}

static void enter(struct session *);

void
enter_startup(struct session *s, struct slice packet, const struct startup *start)
{
	(void)packet;
	if (start->code >> 16 != 3) {
		refuse(s, "0A000", "protocol 3.0 to 3.2 is spoken here", NULL);
		return;
	}
	negotiate(s, start);
	if (!start->user.size) {
		refuse(s, "28000", "no user is named", "user=ID");
		return;
	}
	s->user = memory_copy(s, start->user);
	if (!take_settings(s, start) || !take_database(s, start->database.size ? start->database : start->user))
		return;
	if (connection_peer(s->connection)->certified)
		enter(s);
	else
		ask_password(s);
}

void
enter_password(struct session *s, struct slice body)
{
	if (body.size < 2 || body.size > 256 || body.data[body.size - 1] != 0) {
		refuse(s, "28P01", E_BAD_CREDENTIAL->text[ENGLISH], "the password is a token: sekisho login");
		return;
	}
	s->token = memory_copy(s, slice_of(body.data, body.size - 1));
	memory_wipe((void *)(uintptr_t)body.data, body.size);
	enter(s);
}

/* ---- the passage ---- */

static void
expired(void *argument)
{
	session_fail(argument, E_EXPIRED_CREDENTIAL, NULL);
}

/* The principal is there only while the passage is. */
static bool
watch_expiry(struct session *s, const struct passage *p)
{
	if (s->token.size)
		token_digest(s->token, s->digest);
	else
		memcpy(s->digest, p->certificate, sizeof s->digest);
	s->known = true;
	s->principal = memory_copy(s, p->principal->actor);
	s->person = memory_copy(s, p->principal->id);
	if (timer_new(s, s->worker->loop, expired, s, &s->expiry))
		return false;
	int64_t left = p->principal->credential_expires - clock_now();
	timer_set(s->expiry, left > 0 ? left : 0);
	return true;
}

/* A session that only reads: its server keeps to it, and the gateway to that setting. What the client chose itself goes. */
static void
take_effects(struct session *s, const struct effects *e)
{
	static const struct slice name = { (const uint8_t *)"default_transaction_read_only", 29 };
	size_t at = 0;
	s->read_only = e->read_only;
	if (!s->read_only)
		return;
	for (size_t i = 0; i < s->setting_count; i++)
		if (!is_named(s->settings[i].name, (const char *)name.data))
			s->settings[at++] = s->settings[i];
	s->setting_count = at == STARTUP_PARAMETERS ? at - 1 : at;
	s->settings[s->setting_count++] = (struct setting){ name, LITERAL("on") };
}

static void
entered(struct visit *v)
{
	struct session *s = v->session;
	if (s->state != SESSION_ENTERING)
		return;
	if (visit_error(v)) {
		struct complaint c = visit_complaint(v);
		if (v->passage->error == E_NOT_FOUND)
			c.sqlstate = "3D000";
		session_end(s, &c);
		return;
	}
	if (!watch_expiry(s, v->passage)) {
		session_fail(s, E_IO, NULL);
		return;
	}
	take_effects(s, &v->passage->effects);
	s->state = SESSION_CONNECTING;
	if (backend_acquire(s))
		enter_attached(s);
}

static void
enter(struct session *s)
{
	struct postgres_worker *w = s->worker;
	s->state = SESSION_ENTERING;
	s->database.user = s->user;
	s->found = w->options.find(w->options.argument, s, s->database_name, s->subscriber, &s->database) == NULL &&
	           s->application == (s->database.binding_key.size == DIGEST_SIZE);
	struct visit *v = visit_new(s, VISIT_CONNECT, NULL, NULL, NULL);
	v->done = entered;
	visit_enter(v);
}

/* ---- the back end, and the greeting ---- */

static void
put_greeting(struct session *s, struct bytes *b)
{
	size_t at = message_begin(s, b, 'R');
	message_be32(s, b, AUTH_OK);
	message_end(b, at);
	bytes_append(s, b, upstream_parameters(s->upstream));
	at = message_begin(s, b, 'K');
	message_be32(s, b, s->pid);
	bytes_append(s, b, slice_of(s->key, s->key_size));
	message_end(b, at);
	at = message_begin(s, b, 'Z');
	message_u8(s, b, 'I');
	message_end(b, at);
}

static void
greet(struct session *s)
{
	struct bytes b = { 0 };
	s->key_size = s->version >= VERSION_LONG_KEYS ? CANCEL_KEY_SIZE : 4;
	random_bytes(s->key, sizeof s->key);
	cancel_list(s);
	directory_enter(s);
	put_greeting(s, &b);
	s->state = SESSION_OPEN;
	s->status = 'I';
	session_write(s, bytes_slice(&b));
	bytes_clear(&b);
	connection_deadline(s->connection, 0);
	connection_flush(s->connection);
	backend_release(s);
	session_resume(s);
}

void
enter_attached(struct session *s)
{
	if (s->state == SESSION_CONNECTING)
		learn(s, greet);
	else
		session_resume(s);
}

void
enter_lost(struct session *s, err_t e, struct slice said)
{
	char sqlstate[6] = "08006";
	struct complaint c = { .severity = "FATAL", .sqlstate = sqlstate, .message = "the database's server has closed the connection" };
	if (s->state < SESSION_OPEN || said.size) {
		if (said.size)
			error_sqlstate(said, sqlstate);
		else
			memcpy(sqlstate, e->sqlstate, 6);
		c.message = "the database's server cannot be reached, or does not let the gateway in";
		c.detail = memory_format(s, "%s, SQLSTATE %s", e->name, sqlstate);
	}
	session_end(s, &c);
}
