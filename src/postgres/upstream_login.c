/* Logging in at the server: trust, password in clear (inside TLS only), SCRAM-SHA-256, client certificate. */
#include "postgres/upstream_inside.h"

static void
put_setting(struct upstream *u, struct slice name, struct slice value)
{
	message_text(u, &u->startup, name);
	message_text(u, &u->startup, value);
}

/* Pinned, because the analysis reads what the server reads only with these (issue 12.5). Start-up options also override
 * what the role may have set for itself. */
void
upstream_make_startup(struct upstream *u)
{
	const struct database *d = u->options.database;
	message_be32(u, &u->startup, 0);
	message_be32(u, &u->startup, 3 << 16);
	put_setting(u, LITERAL("user"), d->role);
	put_setting(u, LITERAL("database"), d->name);
	put_setting(u, LITERAL("client_encoding"), LITERAL("UTF8"));
	put_setting(u, LITERAL("standard_conforming_strings"), LITERAL("on"));
	put_setting(u, LITERAL("row_security"), LITERAL("on"));
	for (size_t i = 0; i < u->options.setting_count; i++)
		put_setting(u, u->options.settings[i].name, u->options.settings[i].value);
	message_u8(u, &u->startup, 0);
	struct writer w = writer_of(u->startup.data + u->startup.begin, 4);
	write_be32(&w, (uint32_t)u->startup.size);
}

void
upstream_login_begin(struct upstream *u)
{
	bytes_append(u, &u->output, bytes_slice(&u->startup));
	bytes_clear(&u->startup);
}

static struct kept_keys *
keys_of(struct upstream *u)
{
	const struct database *d = u->options.database;
	uint8_t whose[DIGEST_SIZE];
	SCOPED char *text = memory_format(NULL, "%.*s %u %.*s %.*s", SLICE_ARGUMENTS(d->host), d->port, SLICE_ARGUMENTS(d->role),
	                                  SLICE_ARGUMENTS(d->password));
	sha256(slice_text(text), whose);
	memory_wipe(text, strlen(text));
	struct kept_keys *k = &u->pool->keys[(whose[0] | whose[1] << 8) % KEPT_KEYS];
	if (memcmp(k->whose, whose, sizeof whose) != 0) {
		*k = (struct kept_keys){ 0 };
		memcpy(k->whose, whose, sizeof whose);
	}
	return k;
}

static fallible
answer_password(struct upstream *u)
{
	struct slice password = u->options.database->password;
	if (!u->ssl || !password.size || u->step != LOGIN_BEGUN)
		return E_CRYPTO;
	u->step = LOGIN_PASSWORD;
	size_t at = message_begin(u, &u->output, 'p');
	message_text(u, &u->output, password);
	message_end(&u->output, at);
	return NULL;
}

static fallible
begin_scram(struct upstream *u, struct reader *r)
{
	char first[SCRAM_TEXT];
	uint8_t binding[SCRAM_BINDING_MAX];
	bool offered = false, plus = false;
	for (struct slice name; (name = read_text(r)).size; ) {
		offered |= slice_is(name, "SCRAM-SHA-256");
		plus |= slice_is(name, "SCRAM-SHA-256-PLUS");
	}
	scram_bind(&u->scram, upstream_binding(u, binding), plus);
	offered |= u->scram.channel == SCRAM_BOUND;
	if (!offered || !u->options.database->password.size || u->step != LOGIN_BEGUN)
		return E_CRYPTO;
	struct slice message = scram_first(&u->scram, first);
	u->step = LOGIN_SCRAM_FIRST;
	size_t at = message_begin(u, &u->output, 'p');
	message_text(u, &u->output, u->scram.channel == SCRAM_BOUND ? LITERAL("SCRAM-SHA-256-PLUS") : LITERAL("SCRAM-SHA-256"));
	message_be32(u, &u->output, (uint32_t)message.size);
	bytes_append(u, &u->output, message);
	message_end(&u->output, at);
	return NULL;
}

static fallible
continue_scram(struct upstream *u, struct slice server_first)
{
	char text[SCRAM_TEXT];
	struct slice message;
	if (u->step != LOGIN_SCRAM_FIRST)
		return E_CRYPTO;
	u->step = LOGIN_SCRAM_FINAL;
	TRY(scram_final(&u->scram, server_first, u->options.database->password, &keys_of(u)->keys, text, &message));
	size_t at = message_begin(u, &u->output, 'p');
	bytes_append(u, &u->output, message);
	message_end(&u->output, at);
	return NULL;
}

enum { AUTH_OK = 0, AUTH_CLEARTEXT = 3, AUTH_SASL = 10, AUTH_SASL_CONTINUE = 11, AUTH_SASL_FINAL = 12 };

static fallible
authenticate(struct upstream *u, struct slice body)
{
	struct reader r = reader_of(body);
	switch (read_be32(&r)) {
	case AUTH_OK:
		if (r.failed || (u->step != LOGIN_BEGUN && u->step != LOGIN_PROVEN && u->step != LOGIN_PASSWORD))
			return E_CRYPTO;
		u->step = LOGIN_IN;
		return NULL;
	case AUTH_CLEARTEXT:
		return answer_password(u);
	case AUTH_SASL:
		return begin_scram(u, &r);
	case AUTH_SASL_CONTINUE:
		return continue_scram(u, r.rest);
	case AUTH_SASL_FINAL:
		if (u->step != LOGIN_SCRAM_FINAL)
			return E_CRYPTO;
		TRY(scram_verify(&u->scram, r.rest));
		u->step = LOGIN_PROVEN;
		return NULL;
	default:
		return E_CRYPTO;        /* MD5 and others: not spoken */
	}
}

static void
take_key(struct upstream *u, struct slice body)
{
	struct reader r = reader_of(body);
	u->pid = read_be32(&r);
	u->key_size = r.rest.size < CANCEL_KEY_MAX ? r.rest.size : CANCEL_KEY_MAX;
	if (u->key_size)
		memcpy(u->key, r.rest.data, u->key_size);
}

static fallible
take_message(struct upstream *u, uint8_t type, struct slice body, struct slice *said)
{
	uint8_t head[WIRE_HEAD];
	switch (type) {
	case 'R':
		return authenticate(u, body);
	case 'S':
		wire_head(head, 'S', (uint32_t)body.size);
		bytes_append(u, &u->parameters, slice_of(head, sizeof head));
		bytes_append(u, &u->parameters, body);
		return NULL;
	case 'K':
		take_key(u, body);
		return NULL;
	case 'E':
		*said = body;
		return E_UNREACHABLE;
	case 'N':
	case 'v':
		return NULL;
	case 'Z':
		if (u->step != LOGIN_IN)
			return E_CRYPTO;
		u->state = UPSTREAM_OPEN;
		return NULL;
	default:
		return E_REQUEST;
	}
}

fallible
upstream_login(struct upstream *u, struct slice *input, struct slice *said)
{
	struct piece p;
	while (u->state == UPSTREAM_LOGIN && frames_next(&u->frames, input, &p)) {
		if (p.size > LOGIN_MESSAGE_MAX)
			return E_REQUEST;
		bytes_append(u, &u->message, p.body);
		if (!p.ends)
			continue;
		err_t e = take_message(u, p.type, bytes_slice(&u->message), said);
		if (e)
			return e;       /* `said` lies in the message */
		bytes_consume(&u->message, u->message.size);
	}
	return u->frames.failed ? E_REQUEST : NULL;
}
