/* Logging in, and what one logs in with: identity/identity.h. */
#include "operations/help.h"
#include "operations/operations.h"

#include <sodium.h>

enum { TOKEN_HOURS = 1, CERTIFICATE_HOURS = 1 };

static json_t *
credential_json(struct passage *p, const struct credential *c)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "id", json_slice(c->id), "person", json_slice(name_of_actor(p, c->actor)),
	                 "kind", json_slice(c->kind), "since", json_time(c->since), "expires", json_time(c->expires));
}

/* ---- issue: password and one-time code against a token ---- */

struct issue_arguments {
	struct slice id, password, totp;
};

struct issue {
	struct id credential;
	struct slice actor;
	uint8_t digest[DIGEST_SIZE];
	int64_t step;
	int64_t expires;
};

static err_t
refuse_login(struct passage *p, struct slice id)
{
	attempts_failed(gate_attempts(gate_of(p->worker)), p->from, id, p->now);
	p->decision = DECISION_DENY;
	pairs_text(&p->detail, "identity", id);
	return E_LOGIN;
}

/* The same work whether the identity is there or not. */
static fallible
check_login(struct passage *p, const struct issue_arguments *a, struct principal **who, int64_t *step)
{
	static const char nobody[] = "$argon2id$v=19$m=32768,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
	struct secret secret = { "" };
	struct slice totp;
	struct principal *found = NULL;
	bool there = !principal_find(p, p->view, a->id, p->now, &found) && !secret_get(p, p->view, found->actor, &secret) &&
	             secret.password[0];
	bool good = password_check(there ? secret.password : nobody, a->password);
	if (!there || !good || !found->active)
		return refuse_login(p, a->id);
	TRY(keys_unseal_whole(p, p->keys, LITERAL(LOG_VENDOR), USE_NAMES, found->actor, secret.totp, &totp));
	*step = totp_check(totp, a->totp, p->now, secret.totp_step);
	memory_wipe((void *)(uintptr_t)totp.data, totp.size);
	if (*step == TOTP_USED) {       /* no guess: password and code are right */
		p->decision = DECISION_DENY;
		return E_CODE_USED;
	}
	if (*step == 0)
		return refuse_login(p, a->id);
	*who = found;
	return NULL;
}

static err_t
credential_issue_prepare(struct passage *p)
{
	const struct issue_arguments *a = p->args;
	struct issue *i = NEW(p, struct issue);
	char token[TOKEN_TEXT];
	if (!attempts_check(gate_attempts(gate_of(p->worker)), p->from, a->id, p->now)) {
		p->unrecorded = true;
		return E_TOO_MANY;
	}
	TRY(check_login(p, a, &p->principal, &i->step));
	token_new(token);
	token_digest(slice_text(token), i->digest);
	i->credential = id_new("crd_");
	i->actor = p->principal->actor;
	i->expires = p->now + HOURS(TOKEN_HOURS);
	p->principal->credential = id_slice(&i->credential);
	p->change = i;
	pairs_text(&p->outcome, "credential", id_slice(&i->credential));
	json_t *j = json_pack("{s:s, s:o, s:o, s:o}", "token", token, "expires", json_time(i->expires), "id",
	                      json_slice(p->principal->id), "credential", json_slice(id_slice(&i->credential)));
	memory_wipe(token, sizeof token);
	return passage_answer(p, j);
}

static err_t
credential_issue_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct issue *i = p->change;
	if (totp_take_apply(tx, i->actor, i->step))
		return E_CODE_USED;
	return credential_add_apply(tx, id_slice(&i->credential), i->actor, "token", i->digest, LITERAL(""), time, i->expires);
}

static const struct field credential_issue_fields[] = {
	{ "id", PLACE_BODY, FIELD_NAME, true, ARGUMENT(issue_arguments, id), 0, "who logs in" },
	{ "password", PLACE_BODY, FIELD_SECRET, true, ARGUMENT(issue_arguments, password), 1024, "" },
	{ "totp", PLACE_BODY, FIELD_SECRET, true, ARGUMENT(issue_arguments, totp), 6, "the six digits of RFC 6238" },
	{ NULL },
};

const struct operation credential_issue_operation = {
	.name = "credential.issue",
	.says = { "Logs in: a short-lived token for password and one-time code", "ログイン: パスワードとワンタイムコードで短期トークンを得る" },
	.route = { POST, "/v1/login" },
	.action = "login",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.operators = true,
	.fields = credential_issue_fields,
	.args_size = sizeof(struct issue_arguments),
	.anonymous = true,
	.secret = true,
	.slow = true,
	.output = SCHEMA_OBJECT,
	.prepare = credential_issue_prepare,
	.apply = credential_issue_apply,
};

/* ---- enrol: the one-time code of a new person against a password and a TOTP secret ---- */

struct enrol_arguments {
	struct slice id, code, new_password;
};

struct enrol {
	struct slice actor;
	struct secret secret;
	uint8_t code[DIGEST_SIZE];
};

static err_t
credential_enrol_prepare(struct passage *p)
{
	const struct enrol_arguments *a = p->args;
	struct enrol *n = NEW(p, struct enrol);
	struct secret old;
	uint8_t digest[DIGEST_SIZE];
	char totp[33];
	struct principal *found;
	if (!attempts_check(gate_attempts(gate_of(p->worker)), p->from, a->id, p->now)) {
		p->unrecorded = true;
		return E_TOO_MANY;
	}
	if (a->new_password.size < 12) {
		attempts_failed(gate_attempts(gate_of(p->worker)), p->from, a->id, p->now);
		return passage_fail(p, E_ARGUMENT, "new_password: expected at least 12 bytes");
	}
	sha256(a->code, digest);
	if (principal_find(p, p->view, a->id, p->now, &found) || !found->active || secret_get(p, p->view, found->actor, &old) ||
	    old.code_until <= p->now || sodium_memcmp(old.code, digest, sizeof digest) != 0)
		return refuse_login(p, a->id);
	p->principal = found;
	n->actor = found->actor;
	memcpy(n->code, digest, sizeof n->code);
	TRY(password_hash(a->new_password, n->secret.password));
	totp_new(totp);
	TRY(keys_seal_whole(p, p->keys, LITERAL(LOG_VENDOR), USE_NAMES, n->actor, slice_text(totp), &n->secret.totp));
	p->change = n;
	json_t *j = json_pack("{s:s}", "totp_secret", totp);
	memory_wipe(totp, sizeof totp);
	return passage_answer(p, j);
}

static err_t
credential_enrol_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct enrol *n = p->change;
	return secret_enrol_apply(tx, n->actor, &n->secret, n->code, time);
}

static const struct field credential_enrol_fields[] = {
	{ "id", PLACE_BODY, FIELD_NAME, true, ARGUMENT(enrol_arguments, id), 0, "who enrols" },
	{ "code", PLACE_BODY, FIELD_SECRET, true, ARGUMENT(enrol_arguments, code), 64, "the one-time code of people show" },
	{ "new_password", PLACE_BODY, FIELD_SECRET, true, ARGUMENT(enrol_arguments, new_password), 1024, "at least 12 bytes" },
	{ NULL },
};

const struct operation credential_enrol_operation = {
	.name = "credential.enrol",
	.says = { "Enrols with a one-time code: sets a password, gives the TOTP secret", "ワンタイムコードで登録し、パスワードと TOTP を設定する" },
	.route = { POST, "/v1/enrol" },
	.action = "login",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = credential_enrol_fields,
	.args_size = sizeof(struct enrol_arguments),
	.anonymous = true,
	.secret = true,
	.slow = true,
	.output = SCHEMA_OBJECT,
	.prepare = credential_enrol_prepare,
	.apply = credential_enrol_apply,
};

/* ---- certify: a client certificate for one's own key ---- */

struct certify_arguments {
	struct slice public_key;
};

struct certify {
	struct id credential;
	uint8_t digest[DIGEST_SIZE];
	int64_t expires;
};

static err_t
credential_certify_prepare(struct passage *p)
{
	const struct certify_arguments *a = p->args;
	struct certify *c = NEW(p, struct certify);
	uint8_t key[512];
	size_t size;
	struct slice der;
	if (!p->token.size)             /* else it would renew itself without end, and without a second factor */
		return passage_fail(p, E_DENIED, "%s", passage_says(p, "a certificate is asked for with a token: log in",
		                                                    "証明書の発行にはトークンが必要です。ログインしてください"));
	if (text_base64_parse(a->public_key, key, sizeof key, &size))
		return passage_fail(p, E_ARGUMENT, "public_key: expected base64 of a SubjectPublicKeyInfo (DER)");
	SCOPED char *name = memory_format(NULL, "%s/%.*s", p->principal->kind == KIND_APPLICATION ? "application" : "person",
	                                  SLICE_ARGUMENTS(p->principal->id));
	err_t e = keys_certify(p, p->keys, PROFILE_CLIENT, slice_of(key, size), slice_text(name), CERTIFICATE_HOURS * 3600, &der);
	if (e == E_DENIED)
		return passage_fail(p, E_ARGUMENT, "public_key: expected a key on the curve P-256");
	TRY(e);
	sha256(der, c->digest);
	c->credential = id_new("crd_");
	c->expires = p->now + HOURS(CERTIFICATE_HOURS);
	if (c->expires > p->principal->credential_expires)
		c->expires = p->principal->credential_expires;
	p->change = c;
	char *text = talloc_size(p, 4 * der.size / 3 + 8);
	text_base64(der, text);
	pairs_text(&p->outcome, "credential", id_slice(&c->credential));
	return passage_answer(p, json_pack("{s:s, s:o, s:o}", "certificate", text, "expires", json_time(c->expires), "credential",
	                                   json_slice(id_slice(&c->credential))));
}

static err_t
credential_certify_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct certify *c = p->change;
	return credential_add_apply(tx, id_slice(&c->credential), p->principal->actor, "certificate", c->digest,
	                            p->principal->credential, time, c->expires);
}

static const struct field credential_certify_fields[] = {
	{ "public_key", PLACE_BODY, FIELD_TEXT, true, ARGUMENT(certify_arguments, public_key), 512, "base64 of DER, P-256" }, { NULL },
};

const struct operation credential_certify_operation = {
	.name = "credential.certify",
	.says = { "Gives a short-lived client certificate for one's own key", "自分の鍵に短期クライアント証明書を発行する" },
	.route = { POST, "/v1/certificates" },
	.action = "credential.certify",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = credential_certify_fields,
	.args_size = sizeof(struct certify_arguments),
	.secret = true,
	.output = SCHEMA_OBJECT,
	.prepare = credential_certify_prepare,
	.apply = credential_certify_apply,
};

/* ---- who am I, logging out ---- */

static err_t
whoami_prepare(struct passage *p)
{
	const struct principal *me = p->principal;
	json_t *roles = json_array();
	for (size_t i = 0; i < me->role_count; i++)
		json_array_append_new(roles, json_slice(me->roles[i]));
	return passage_answer(p, json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "id", json_slice(me->id), "actor",
	                                   json_slice(me->actor), "kind", principal_kind_name(me->kind), "organisation",
	                                   json_slice(me->organisation), "roles", roles, "credential", json_slice(me->credential),
	                                   "expires", json_time(me->credential_expires)));
}

const struct operation credential_whoami_operation = {
	.name = "credential.whoami",
	.says = { "Shows who one is logged in as", "ログイン中の本人情報を示す" },
	.route = { GET, "/v1/whoami" },
	.action = "credential.self",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.operators = true,
	.output = SCHEMA_ID,
	.prepare = whoami_prepare,
};

static err_t
logout_prepare(struct passage *p)
{
	p->change = p;
	return NULL;
}

static err_t
logout_apply(struct passage *p, struct store *tx, int64_t time)
{
	return credential_end_apply(tx, p->principal->credential, LITERAL("logout"), time);
}

const struct operation credential_logout_operation = {
	.name = "credential.logout",
	.says = { "Ends the credential that one came with", "使用中の資格情報を終了する" },
	.route = { POST, "/v1/logout" },
	.action = "credential.self",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.operators = true,
	.changes_epoch = true,
	.prepare = logout_prepare,
	.apply = logout_apply,
};

/* ---- list, revoke ---- */

struct list_arguments {
	struct slice person;
};

struct list {
	struct passage *passage;
	json_t *items;
};

static err_t
add_credential(void *argument, const struct credential *c)
{
	struct list *l = argument;
	json_array_append_new(l->items, credential_json(l->passage, c));
	return NULL;
}

static err_t
credential_list_prepare(struct passage *p)
{
	const struct list_arguments *a = p->args;
	struct list l = { p, json_array() };
	struct principal *who = NULL;
	err_t e = a->person.size ? principal_find(p, p->view, a->person, p->now, &who) : NULL;
	if (!e)
		e = credential_each(p->view, who ? who->actor : LITERAL(""), p->now, add_credential, &l);
	passage_answer(p, json_list(l.items, NULL));
	return e;
}

static const struct field credential_list_fields[] = {
	{ "person", PLACE_QUERY, FIELD_TEXT, false, ARGUMENT(list_arguments, person), 63, "only this one's" }, { NULL },
};

const struct operation credential_list_operation = {
	.name = "credential.list",
	.says = { "Lists the credentials that are good now", "有効な資格情報を一覧する" },
	.route = { GET, "/v1/credentials" },
	.cli = "credential ls",
	.action = "credential.list",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.operators = true,
	.fields = credential_list_fields,
	.args_size = sizeof(struct list_arguments),
	.output = SCHEMA_LIST,
	.prepare = credential_list_prepare,
};

struct revoke_arguments {
	struct slice credential, why;
};

static err_t
credential_revoke_prepare(struct passage *p)
{
	const struct revoke_arguments *a = p->args;
	struct credential c;
	TRY(credential_get(p, p->view, a->credential, &c));
	if (c.until || c.expires <= p->now)
		return passage_fail(p, E_STATE, "it has ended already");
	p->change = p;
	pairs_text(&p->outcome, "credential", a->credential);
	pairs_text(&p->outcome, "subject", c.actor);
	return NULL;
}

static err_t
credential_revoke_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct revoke_arguments *a = p->args;
	return credential_end_apply(tx, a->credential, a->why.size ? a->why : LITERAL("revoked"), time);
}

static const struct field credential_revoke_fields[] = {
	{ "credential", PLACE_PATH, FIELD_TEXT, true, ARGUMENT(revoke_arguments, credential), 32, "crd_…" },
	{ "why", PLACE_BODY, FIELD_TEXT, false, ARGUMENT(revoke_arguments, why), 256, "the reason" },
	{ NULL },
};

const struct operation credential_revoke_operation = {
	.name = "credential.revoke",
	.says = { "Revokes a credential and ends its connections", "資格情報を失効させ、接続を切断する" },
	.route = { POST, "/v1/credentials/{credential}/revoke" },
	.cli = "credential revoke {credential}",
	.action = "credential.revoke",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.operators = true,
	.fields = credential_revoke_fields,
	.args_size = sizeof(struct revoke_arguments),
	.changes_epoch = true,
	.prepare = credential_revoke_prepare,
	.apply = credential_revoke_apply,
};
