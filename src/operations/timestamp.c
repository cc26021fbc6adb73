/* Time stamps on checkpoints (RFC 3161): an authority that policy names, asked when a bundle is made. */
#include "operations/help.h"
#include "operations/operations.h"
#include "operations/operations_sql.h"
#include "operations/timestamp.h"

#include "base/log.h"

#include <openssl/ts.h>

enum { FETCH_MS = 10000, REQUEST_MAX = 512, NONCE_BITS = 64 };

static fallible
setting(struct passage *p, const char *name, struct slice *out)
{
	SCOPED struct rows *r = NULL;
	*out = (struct slice){ NULL, 0 };
	TRY(store_rows(NULL, p->view, QUERY_SETTING_GET, BIND(as_text(slice_text(name))), &r));
	if (rows_next(r)) {
		*out = memory_copy(p, row_text(r, 0));
		return NULL;
	}
	return rows_end(r);
}

/* TimeStampReq: SHA-256 of the text, the certificate asked for, a nonce. */
static bool
make_request(struct slice text, uint8_t out[REQUEST_MAX], size_t *size, uint8_t digest[DIGEST_SIZE])
{
	TS_REQ *request = TS_REQ_new();
	TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
	X509_ALGOR *algorithm = X509_ALGOR_new();
	ASN1_INTEGER *nonce = ASN1_INTEGER_new();
	BIGNUM *random = BN_new();
	uint8_t *at = out;
	sha256(text, digest);
	bool good = request && imprint && algorithm && nonce && random && BN_rand(random, NONCE_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
	            BN_to_ASN1_INTEGER(random, nonce) && TS_REQ_set_version(request, 1) &&
	            X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_sha256), V_ASN1_NULL, NULL) && TS_MSG_IMPRINT_set_algo(imprint, algorithm) &&
	            TS_MSG_IMPRINT_set_msg(imprint, digest, DIGEST_SIZE) && TS_REQ_set_msg_imprint(request, imprint) &&
	            TS_REQ_set_nonce(request, nonce) && TS_REQ_set_cert_req(request, 1);
	int n = good ? i2d_TS_REQ(request, NULL) : -1;
	good = n > 0 && n <= REQUEST_MAX && i2d_TS_REQ(request, &at) == n;
	*size = good ? (size_t)n : 0;
	BN_free(random);
	ASN1_INTEGER_free(nonce);
	X509_ALGOR_free(algorithm);
	TS_MSG_IMPRINT_free(imprint);
	TS_REQ_free(request);
	return good;
}

static bool
stamps(TS_RESP *response, const uint8_t digest[DIGEST_SIZE])
{
	TS_TST_INFO *info = TS_RESP_get_tst_info(response);
	ASN1_OCTET_STRING *message = info ? TS_MSG_IMPRINT_get_msg(TS_TST_INFO_get_msg_imprint(info)) : NULL;
	return message && ASN1_STRING_length(message) == DIGEST_SIZE && memcmp(ASN1_STRING_get0_data(message), digest, DIGEST_SIZE) == 0;
}

/* The token of a granted answer that stamps our digest; whether its signature holds is the verifier's to say. */
static bool
take_token(const void *owner, struct slice answer, const uint8_t digest[DIGEST_SIZE], struct slice *token)
{
	const uint8_t *at = answer.data;
	TS_RESP *response = d2i_TS_RESP(NULL, &at, (long)answer.size);
	PKCS7 *signed_data = response && stamps(response, digest) ? TS_RESP_get_token(response) : NULL;
	int size = signed_data ? i2d_PKCS7(signed_data, NULL) : -1;
	if (size > 0) {
		uint8_t *der = talloc_size(owner, (size_t)size), *end = der;
		i2d_PKCS7(signed_data, &end);
		*token = slice_of(der, (size_t)size);
	}
	TS_RESP_free(response);
	return size > 0;
}

fallible
timestamp_ask(struct passage *p, struct slice text, struct slice *token)
{
	const struct gate_options *o = gate_options(gate_of(p->worker));
	struct outward_response response;
	struct slice url, authorities;
	uint8_t request[REQUEST_MAX], digest[DIGEST_SIZE];
	size_t size;
	const char *why = "";
	*token = (struct slice){ NULL, 0 };
	TRY(setting(p, "timestamp.url", &url));
	if (!url.size || !o->outward)
		return NULL;
	TRY(setting(p, "timestamp.authorities", &authorities));
	if (!make_request(text, request, &size, digest))
		return E_CRYPTO;
	const struct outward_request q = { .method = "POST", .url = url, .authorities = authorities, .media = LITERAL("application/timestamp-query"),
	                                   .body = slice_of(request, size), .milliseconds = FETCH_MS };
	err_t e = outward_fetch(p, o->outward, &q, &response, &why);
	if (e)
		return passage_fail(p, e, "the time-stamping authority: %s", why);
	if (response.status != 200 || !take_token(p, response.body, digest, token))
		return passage_fail(p, E_UNREACHABLE, "the time-stamping authority did not stamp the checkpoint (HTTP %d)", response.status);
	return NULL;
}

/* ---- which authority ---- */

struct timestamp_arguments {
	struct slice url, authorities;
};

static err_t
timestamp_set_prepare(struct passage *p)
{
	const struct timestamp_arguments *a = p->args;
	bool good = slice_is(a->url, "none") || slice_starts(a->url, LITERAL("https://")) || slice_starts(a->url, LITERAL("http://127.")) ||
	            slice_starts(a->url, LITERAL("http://[::1]"));
	if (!good)
		return passage_fail(p, E_ARGUMENT, "url: expected https://…, or none");
	p->change = p;
	p->log = LITERAL(LOG_EVERYONE);
	pairs_text(&p->outcome, "authority", a->url);
	return passage_answer(p, json_pack("{s:o}", "url", json_slice(a->url)));
}

static err_t
timestamp_set_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct timestamp_arguments *a = p->args;
	(void)time;
	TRY(store_run(tx, QUERY_SETTING_PUT, BIND(as_text(LITERAL("timestamp.url")), as_text(slice_is(a->url, "none") ? LITERAL("") : a->url))));
	return store_run(tx, QUERY_SETTING_PUT, BIND(as_text(LITERAL("timestamp.authorities")), as_text(a->authorities)));
}

static const struct field timestamp_set_fields[] = {
	{ "url", PLACE_BODY, FIELD_TEXT, true, ARGUMENT(timestamp_arguments, url), 512, "https://…, or none" },
	{ "authorities", PLACE_BODY, FIELD_TEXT, false, ARGUMENT(timestamp_arguments, authorities), 16384, "PEM for its TLS, if not a public one" },
	{ NULL },
};

const struct operation timestamp_set_operation = {
	.name = "timestamp.set",
	.says = { "Names the time-stamping authority (RFC 3161) that bundles' checkpoints are shown to", "バンドルのチェックポイントに時刻印を押す機関を定める" },
	.route = { POST, "/v1/timestamp" },
	.cli = "timestamp set {url}",
	.action = "witness.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = timestamp_set_fields,
	.args_size = sizeof(struct timestamp_arguments),
	.second_person = true,
	.output = SCHEMA_OBJECT,
	.prepare = timestamp_set_prepare,
	.apply = timestamp_set_apply,
};
