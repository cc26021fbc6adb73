/* TLS towards the server: its certificate is verified against the database's own CA, by name if so told. */
#include "postgres/upstream_inside.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

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
	return pem.size && pem.size < INT32_MAX ? BIO_new_mem_buf(pem.data, (int)pem.size) : NULL;
}

static bool
trust(SSL_CTX *tls, struct slice pem)
{
	BIO *bio = open_pem(pem);
	X509 *x;
	bool any = false;
	while (bio && (x = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) != NULL) {
		any |= X509_STORE_add_cert(SSL_CTX_get_cert_store(tls), x) == 1;
		X509_free(x);
	}
	BIO_free(bio);
	ERR_clear_error();
	return any;
}

static bool
use_certificate(SSL_CTX *tls, const struct database *d)
{
	if (!d->certificate.size)
		return true;
	BIO *certificate = open_pem(d->certificate), *key = open_pem(d->key);
	X509 *x = certificate ? PEM_read_bio_X509(certificate, NULL, no_passphrase, NULL) : NULL;
	EVP_PKEY *k = key ? PEM_read_bio_PrivateKey(key, NULL, no_passphrase, NULL) : NULL;
	bool good = x && k && SSL_CTX_use_certificate(tls, x) == 1 && SSL_CTX_use_PrivateKey(tls, k) == 1;
	X509_free(x);
	EVP_PKEY_free(k);
	BIO_free(certificate);
	BIO_free(key);
	return good;
}

static SSL_CTX *
make_context(const struct database *d)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
	if (!tls)
		return NULL;
	SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_options(tls, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_read_ahead(tls, 1);
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	if (SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) == 1 && trust(tls, d->root_ca) && use_certificate(tls, d))
		return tls;
	SSL_CTX_free(tls);
	return NULL;
}

static void
digest_of(const struct database *d, uint8_t out[DIGEST_SIZE])
{
	const struct slice all[] = { d->root_ca, d->certificate, d->key };
	uint8_t each[3][DIGEST_SIZE];
	for (size_t i = 0; i < 3; i++)
		sha256(all[i], each[i]);
	sha256(slice_of(each, sizeof each), out);
}

static int
free_context(struct kept_context *c)
{
	SSL_CTX_free(c->tls);
	return 0;
}

/* Roles have certificates of their own, which are new twice a day. A connection keeps its context. */
enum { CONTEXTS_MAX = 256 };

static void
drop_oldest(struct upstream_pool *pool)
{
	struct kept_context **at = &pool->contexts;
	size_t count = 0;
	for (; *at && (*at)->next; at = &(*at)->next)
		count++;
	if (count + 1 < CONTEXTS_MAX || !*at)
		return;
	talloc_free(TAKE(*at));
}

static SSL_CTX *
context_of(struct upstream_pool *pool, const struct database *d)
{
	uint8_t whose[DIGEST_SIZE];
	digest_of(d, whose);
	for (struct kept_context *c = pool->contexts; c; c = c->next)
		if (memcmp(c->whose, whose, sizeof whose) == 0)
			return c->tls;
	SSL_CTX *tls = make_context(d);
	if (!tls)
		return NULL;
	drop_oldest(pool);
	struct kept_context *c = NEW(pool, struct kept_context);
	memcpy(c->whose, whose, sizeof whose);
	c->tls = tls;
	c->next = pool->contexts;
	pool->contexts = c;
	talloc_set_destructor(c, free_context);
	return tls;
}

static bool
expect_name(SSL *ssl, const struct database *d)
{
	SCOPED char *host = memory_text(NULL, d->host);
	if (d->tls != DATABASE_TLS_FULL)
		return true;
	if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1)
		return true;
	ERR_clear_error();
	return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

fallible
upstream_secure(struct upstream *u)
{
	const struct database *d = u->options.database;
	SSL_CTX *tls = context_of(u->pool, d);
	SSL *ssl = tls ? SSL_new(tls) : NULL;
	if (!ssl || !expect_name(ssl, d) || SSL_set_fd(ssl, u->fd) != 1) {
		SSL_free(ssl);
		ERR_clear_error();
		return E_CRYPTO;
	}
	SSL_set_connect_state(ssl);
	u->ssl = ssl;
	return NULL;
}

/* tls-server-end-point: the certificate under the hash of its signature, SHA-256 in the place of MD5 and SHA-1 (RFC 5929 §4.1). */
struct slice
upstream_binding(const struct upstream *u, uint8_t out[static SCRAM_BINDING_MAX])
{
	X509 *x = u->ssl ? SSL_get1_peer_certificate(u->ssl) : NULL;
	int hash = NID_undef;
	unsigned size = 0;
	const EVP_MD *digest = NULL;
	if (x && X509_get_signature_info(x, &hash, NULL, NULL, NULL) == 1)
		digest = hash == NID_md5 || hash == NID_sha1 ? EVP_sha256() : EVP_get_digestbynid(hash);
	if (digest && (size_t)EVP_MD_get_size(digest) <= SCRAM_BINDING_MAX)
		X509_digest(x, digest, out, &size);
	X509_free(x);
	ERR_clear_error();
	return slice_of(out, size);
}
