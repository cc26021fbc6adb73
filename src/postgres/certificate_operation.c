/* Logging in at a database with certificates that the keeper mints: what its server must be told (ROWS.md §2). */
#include "postgres/databases.h"
#include "postgres/database_sql.h"

#include "base/memory.h"
#include "base/text.h"
#include "operations/help.h"
#include "operations/operations.h"

struct certificate_arguments {
	struct slice name;
	bool off;
};

static json_t *
pem_json(struct slice der)
{
	size_t digits = 4 * ((der.size + 2) / 3);
	SCOPED char *text = talloc_size(NULL, digits + 1), *pem = memory_format(NULL, "-----BEGIN CERTIFICATE-----\n");
	text_base64(der, text);
	for (size_t at = 0; at < digits; at += 64)
		pem = talloc_asprintf_append(pem, "%.64s\n", text + at);
	pem = talloc_asprintf_append(pem, "-----END CERTIFICATE-----\n");
	return json_string(pem);
}

static json_t *
lines_json(const struct kept_database *d)
{
	struct slice name = d->administrator.name;
	return json_sprintf(
	    "hostssl  %1$.*2$s  +%3$s_sub,+%3$s_app  GATEWAY/32  cert  map=sekisho\n"
	    "host     all  +%3$s_sub,+%3$s_app  all  reject\nlocal    all  +%3$s_sub,+%3$s_app  reject\n",
	    (const char *)name.data, (int)name.size, d->prefix);
}

static err_t
database_certificate_prepare(struct passage *p)
{
	const struct certificate_arguments *a = p->args;
	struct kept_database d;
	struct slice der;
	TRY(database_get(p, p->view, p->keys, a->name, &d));
	if (!a->off && d.administrator.tls == DATABASE_TLS_NONE)
		return passage_fail(p, E_STATE,
		                    "the database is reached without TLS, and a certificate is shown inside it: "
		                    "sslmode verify-full or verify-ca");
	TRY(keys_issuer(p, p->keys, PROFILE_BACKEND, a->name, &der));
	p->change = p;
	p->log = LITERAL(LOG_EVERYONE);
	pairs_text(&p->outcome, "database", a->name);
	pairs_text(&p->outcome, "certificates", a->off ? LITERAL("no") : LITERAL("yes"));
	return passage_answer(p, json_pack("{s:o, s:b, s:o, s:o, s:s}", "id", json_slice(a->name), "certificates",
	                                   !a->off, "ssl_ca_file", pem_json(der), "pg_hba", lines_json(&d), "pg_ident",
	                                   "sekisho  /^(sk_[0-9a-z_-]+)@sekisho$  \\1\n"));
}

static err_t
database_certificate_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct certificate_arguments *a = p->args;
	return store_run(tx, a->off ? QUERY_CERTIFICATE_END : QUERY_CERTIFICATE_BEGIN,
	                 BIND(as_text(a->name), as_number(time)));
}

static const struct field database_certificate_fields[] = {
	{ "name", PLACE_PATH, FIELD_NAME, true, ARGUMENT(certificate_arguments, name), 0, "which" },
	{ "off", PLACE_BODY, FIELD_FLAG, false, ARGUMENT(certificate_arguments, off), 0, "not any more" },
	{ NULL },
};

const struct operation database_certificate_operation = {
	.name = "database.certificate",
	.says = { "Has roles log in at a database with certificates of the keeper's, and says what its server must be "
	          "told",
	          "データベースへのログインに鍵管理プロセスの証明書を使う" },
	.route = { POST, "/v1/databases/{name}/certificate" },
	.cli = "db certificate {name}",
	.action = "database.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = database_certificate_fields,
	.args_size = sizeof(struct certificate_arguments),
	.changes_epoch = true,
	.output = SCHEMA_ID,
	.prepare = database_certificate_prepare,
	.apply = database_certificate_apply,
};
