#include "base/clock.h"
#include "base/text.h"
#include "door/inside.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define SUITES_13 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define SUITES_12 "ECDHE+AESGCM:ECDHE+CHACHA20"
#define GROUPS "X25519:P-256"

enum { CHAIN_MAX = 8 };

/* A key under a passphrase is refused rather than asked for on a terminal. */
static int
no_passphrase(char *out, int room, int writing, void *argument)
{
	(void)out;
	(void)room;
	(void)writing;
	(void)argument;
	return -1;
}

static BIO *
open_pem(struct slice pem)
{
	if (pem.size == 0 || pem.size > INT32_MAX)
		return NULL;
	return BIO_new_mem_buf(pem.data, (int)pem.size);
}

/* Visits each certificate of a PEM text until `take` says no; true if there was one and all were taken. */
static bool
each_certificate(struct slice pem, bool (*take)(SSL_CTX *, X509 *, unsigned nth), SSL_CTX *tls)
{
	BIO *bio = open_pem(pem);
	X509 *x = NULL;
	unsigned n = 0;
	bool good = bio != NULL;
	while (good && n < CHAIN_MAX && (x = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) != NULL) {
		good = take(tls, x, n++);
		X509_free(x);
	}
	BIO_free(bio);
	ERR_clear_error();
	return good && n > 0;
}

static bool
take_own(SSL_CTX *tls, X509 *x, unsigned nth)
{
	if (nth == 0)
		return SSL_CTX_use_certificate(tls, x) == 1;
	return SSL_CTX_add1_chain_cert(tls, x) == 1;
}

static bool
take_client_ca(SSL_CTX *tls, X509 *x, unsigned nth)
{
	(void)nth;
	return X509_STORE_add_cert(SSL_CTX_get_cert_store(tls), x) == 1 && SSL_CTX_add_client_CA(tls, x) == 1;
}

/* After the certificate: OpenSSL then refuses a key that is not its. */
static bool
use_key(SSL_CTX *tls, struct slice pem)
{
	BIO *bio = open_pem(pem);
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	bool good = key && SSL_CTX_use_PrivateKey(tls, key) == 1;
	EVP_PKEY_free(key);
	BIO_free(bio);
	return good;
}

static int
choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_size, const unsigned char *in, unsigned in_size,
            void *argument)
{
	const char *name = argument;
	size_t size = strlen(name);
	(void)ssl;
	for (unsigned at = 0; at < in_size; at += 1u + in[at])
		if (in[at] == size && at + 1u + size <= in_size && memcmp(in + at + 1, name, size) == 0) {
			*out = in + at + 1;
			*out_size = in[at];
			return SSL_TLSEXT_ERR_OK;
		}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* Nothing is resumed: each connection proves its certificate afresh, so that a revoked one has no way back. */
static void
forbid(SSL_CTX *tls)
{
	SSL_CTX_set_options(tls, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
	                             SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(tls, 0);
	SSL_CTX_set_max_early_data(tls, 0);
}

static bool
configure(const struct door *d, SSL_CTX *tls)
{
	static const unsigned char session_context[] = "sekisho";
	forbid(tls);
	SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(tls, 1);         /* one receive call for a record's header and body */
	if (d->protocol->alpn)
		SSL_CTX_set_alpn_select_cb(tls, choose_alpn, (void *)(uintptr_t)d->protocol->alpn);
	return SSL_CTX_set_min_proto_version(tls, d->allow_tls12 ? TLS1_2_VERSION : TLS1_3_VERSION) == 1 &&
	       SSL_CTX_set_ciphersuites(tls, SUITES_13) == 1 && SSL_CTX_set_cipher_list(tls, SUITES_12) == 1 &&
	       SSL_CTX_set1_groups_list(tls, GROUPS) == 1 &&
	       SSL_CTX_set_session_id_context(tls, session_context, sizeof session_context - 1) == 1;
}

static bool
ask_clients(const struct door *d, SSL_CTX *tls, struct slice client_ca)
{
	if (client_ca.size == 0)
		return !d->client_required;
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | (d->client_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), NULL);
	return each_certificate(client_ca, take_client_ca, tls);
}

fallible
tls_open(const struct door *d, struct slice certificate, struct slice key, struct slice client_ca, SSL_CTX **out)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
	if (!tls)
		return E_CRYPTO;
	if (!configure(d, tls) || !each_certificate(certificate, take_own, tls) || !use_key(tls, key) ||
	    !ask_clients(d, tls, client_ca)) {
		SSL_CTX_free(tls);
		ERR_clear_error();
		return E_CRYPTO;
	}
	*out = tls;
	return NULL;
}

static int64_t
time_of(const ASN1_TIME *time)
{
	struct tm tm;
	if (ASN1_TIME_to_tm(time, &tm) != 1)
		return 0;
	return SECONDS(timegm(&tm));
}

/* SPIFFE X.509-SVID, section 2: "An X.509 SVID MUST contain exactly one URI SAN". */
static bool
find_uri(struct peer *peer, const GENERAL_NAMES *names)
{
	unsigned uris = 0;
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		if (name->type != GEN_URI)
			continue;
		const ASN1_IA5STRING *text = name->d.uniformResourceIdentifier;
		struct slice uri = slice_of(ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text));
		if (++uris == 1 && slice_starts(uri, LITERAL("spiffe://")) && text_is_utf8(uri))
			peer->spiffe = memory_copy(peer, uri);
	}
	return uris <= 1;
}

static void
copy_serial(struct peer *peer, const X509 *x)
{
	BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
	uint8_t bytes[64];
	if (number && (size_t)BN_num_bytes(number) <= sizeof bytes) {
		size_t size = (size_t)BN_bn2bin(number, bytes);
		char *text = memory_zeroed(peer, 1, 2 * size + 1, "serial");
		text_hex(slice_of(bytes, size), text);
		peer->serial = slice_text(text);
	}
	BN_free(number);
}

bool
tls_peer(SSL *ssl, struct peer *peer)
{
	X509 *x = SSL_get0_peer_certificate(ssl);
	if (!x || SSL_get_verify_result(ssl) != X509_V_OK)
		return true;
	peer->certified = X509_digest(x, EVP_sha256(), peer->fingerprint, NULL) == 1;
	peer->not_before = time_of(X509_get0_notBefore(x));
	peer->not_after = time_of(X509_get0_notAfter(x));
	copy_serial(peer, x);
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	bool clear = peer->certified && (!names || find_uri(peer, names));
	GENERAL_NAMES_free(names);
	return clear;
}
