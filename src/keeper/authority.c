#include "keeper/authority.h"

#include "base/clock.h"
#include "base/id.h"
#include "base/memory.h"
#include "base/text.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

enum { USE_AUTHORITY_KEY = 100, USE_AUTHORITY_CERTIFICATE = 101, TEN_YEARS = 3652 * 86400, BACKDATE = 60 };

static const struct authority {
	enum profile profile;
	const char *scope;              /* in the keyring */
	const char *name;
	uint32_t least, most;           /* seconds that a certificate may live */
	const char *usage;
} authorities[] = {
	{ PROFILE_DOOR, "authority-doors", "Sekisho doors", 3600, 90 * 86400, "serverAuth" },
	{ PROFILE_CLIENT, "authority-people", "Sekisho people", 60, 12 * 3600, "clientAuth" },
	{ PROFILE_BACKEND, "authority-db-", "Sekisho back ends of ", 3600, 12 * 3600, "clientAuth" },
};

static const struct authority *
find_authority(enum profile profile)
{
	for (size_t i = 0; i < sizeof authorities / sizeof *authorities; i++)
		if (authorities[i].profile == profile)
			return &authorities[i];
	return NULL;
}

/* One for each database: DATABASE/ROLE, or the database alone. */
static struct slice
database_of(const struct authority *a, struct slice name)
{
	const uint8_t *slash = name.size ? memchr(name.data, '/', name.size) : NULL;
	if (a->profile != PROFILE_BACKEND)
		return slice_of(NULL, 0);
	return slash ? slice_of(name.data, (size_t)(slash - name.data)) : name;
}

static struct slice
scope_of(const void *owner, const struct authority *a, struct slice name)
{
	return slice_text(memory_format(owner, "%s%.*s", a->scope, SLICE_ARGUMENTS(database_of(a, name))));
}

static void
free_x509(X509 **x)
{
	X509_free(*x);
}

static void
free_key(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

#define SCOPED_X509 __attribute__((cleanup(free_x509))) X509
#define SCOPED_KEY __attribute__((cleanup(free_key))) EVP_PKEY

static bool
add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	bool good = e && X509_add_ext(x, e, -1) == 1;
	X509_EXTENSION_free(e);
	return good;
}

static bool
set_serial(X509 *x)
{
	uint8_t serial[16];
	random_bytes(serial, sizeof serial);
	serial[0] = (serial[0] & 0x7f) | 0x40;          /* positive, always 16 bytes */
	BIGNUM *n = BN_bin2bn(serial, sizeof serial, NULL);
	bool good = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x));
	BN_free(n);
	return good;
}

static bool
set_name(X509_NAME *name, const char *common_name)
{
	return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0) == 1;
}

/* All but extensions, signature and issuer's name. */
static X509 *
begin_certificate(EVP_PKEY *subject, const char *name, uint32_t seconds)
{
	X509 *x = X509_new();
	time_t now = (time_t)(clock_now() / 1000000);
	if (x && X509_set_version(x, X509_VERSION_3) && set_serial(x) && X509_set_pubkey(x, subject) &&
	    set_name(X509_get_subject_name(x), name) && ASN1_TIME_set(X509_getm_notBefore(x), now - BACKDATE) &&
	    ASN1_TIME_set(X509_getm_notAfter(x), now + seconds))
		return x;
	X509_free(x);
	return NULL;
}

static fallible
keep(struct keyring *k, struct slice scope, EVP_PKEY *key, X509 *x)
{
	uint8_t der[SECRET_MAX * 2], *p = der;
	uint32_t generation;
	int size = i2d_PrivateKey(key, NULL);
	if (size <= 0 || size > SECRET_MAX)
		return E_CRYPTO;
	i2d_PrivateKey(key, &p);
	err_t e = keyring_add(k, scope, USE_AUTHORITY_KEY, slice_of(der, (size_t)size), &generation);
	memory_wipe(der, sizeof der);
	TRY(e);
	size = i2d_X509(x, NULL);
	if (size <= 0 || size > SECRET_MAX)
		return E_CRYPTO;
	p = der;
	i2d_X509(x, &p);
	return keyring_add(k, scope, USE_AUTHORITY_CERTIFICATE, slice_of(der, (size_t)size), &generation);
}

static fallible
create(struct keyring *k, const struct authority *a, struct slice name)
{
	SCOPED char *own = memory_format(NULL, "%s%.*s", a->name, SLICE_ARGUMENTS(database_of(a, name)));
	SCOPED_KEY *key = EVP_EC_gen("P-256");
	SCOPED_X509 *x = key ? begin_certificate(key, own, TEN_YEARS) : NULL;
	if (!x || !X509_set_issuer_name(x, X509_get_subject_name(x)) ||
	    !add_extension(x, x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
	    !add_extension(x, x, NID_key_usage, "critical,keyCertSign,cRLSign") ||
	    !add_extension(x, x, NID_subject_key_identifier, "hash") || !X509_sign(x, key, EVP_sha256()))
		return E_CRYPTO;
	return keep(k, scope_of(own, a, name), key, x);
}

fallible
authority_create(struct keyring *k)
{
	for (size_t i = 0; i < sizeof authorities / sizeof *authorities; i++)
		if (authorities[i].profile != PROFILE_BACKEND)
			TRY(create(k, &authorities[i], (struct slice){ NULL, 0 }));
	return NULL;
}

static fallible
get(struct keyring *k, struct slice scope, uint8_t use, uint8_t der[static SECRET_MAX], size_t *size)
{
	uint32_t generation;
	return keyring_get(k, scope, use, 0, der, size, &generation);
}

/* That of a database is made when it is first asked for. */
static fallible
get_certificate(struct keyring *k, const struct authority *a, struct slice name, uint8_t der[static SECRET_MAX], size_t *size)
{
	SCOPED void *own = talloc_new(NULL);
	struct slice scope = scope_of(own, a, name);
	err_t e = get(k, scope, USE_AUTHORITY_CERTIFICATE, der, size);
	if (e != E_NOT_FOUND || a->profile != PROFILE_BACKEND)
		return e;
	TRY(create(k, a, name));
	return get(k, scope, USE_AUTHORITY_CERTIFICATE, der, size);
}

static fallible
load(struct keyring *k, const struct authority *a, struct slice name, EVP_PKEY **key, X509 **x)
{
	SCOPED void *own = talloc_new(NULL);
	uint8_t der[SECRET_MAX];
	const uint8_t *p = der;
	size_t size;
	TRY(get_certificate(k, a, name, der, &size));
	*x = d2i_X509(NULL, &p, (long)size);
	p = der;
	TRY(get(k, scope_of(own, a, name), USE_AUTHORITY_KEY, der, &size));
	*key = d2i_AutoPrivateKey(NULL, &p, (long)size);
	memory_wipe(der, sizeof der);
	return *x && *key ? NULL : E_CRYPTO;
}

static fallible
give(const void *owner, X509 *x, struct slice *out)
{
	int size = i2d_X509(x, NULL);
	if (size <= 0)
		return E_CRYPTO;
	uint8_t *der = talloc_size(owner, (size_t)size), *p = der;
	i2d_X509(x, &p);
	*out = slice_of(der, (size_t)size);
	return NULL;
}

fallible
authority_issuer(const void *owner, struct keyring *k, enum profile profile, struct slice name, struct slice *out)
{
	const struct authority *a = find_authority(profile);
	uint8_t der[SECRET_MAX];
	size_t size;
	if (!a || (a->profile == PROFILE_BACKEND ? !text_is_name(name) : name.size > 0))
		return E_DENIED;
	TRY(get_certificate(k, a, name, der, &size));
	*out = memory_copy(owner, slice_of(der, size));
	return NULL;
}

/* A door's name is where it is reached; a client's is its SPIFFE id (one URI SAN and no other). */
static char *
alternative_names(const void *owner, const struct authority *a, struct slice name)
{
	if (a->profile == PROFILE_DOOR)
		return memory_format(owner, "DNS:localhost,IP:127.0.0.1,IP:::1%s%.*s", name.size ? "," : "", SLICE_ARGUMENTS(name));
	return memory_format(owner, "URI:spiffe://sekisho/%s%.*s", a->profile == PROFILE_BACKEND ? "backend/" : "", SLICE_ARGUMENTS(name));
}

/* sk_crm_0123456789ab, sk_crm_app_shop: of roles that onboarding makes, and of no other login. */
static bool
is_role(struct slice s)
{
	for (size_t i = 0; i < s.size; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_-", s.data[i]) || !s.data[i])
			return false;
	return slice_starts(s, LITERAL("sk_")) && s.size <= 56;        /* with @sekisho, what a common name has room for */
}

/* The server's pg_ident.conf maps ROLE@sekisho to ROLE. */
static char *
common_name(const void *owner, const struct authority *a, struct slice name)
{
	if (a->profile != PROFILE_BACKEND)
		return memory_text(owner, name.size ? name : slice_text("localhost"));
	return memory_format(owner, "%.*s@sekisho", SLICE_ARGUMENTS(slice_from(name, database_of(a, name).size + 1)));
}

/* Nothing that could add a second alternative name, or leave the trust domain. */
static bool
name_is_allowed(const struct authority *a, struct slice name)
{
	if (a->profile == PROFILE_DOOR)
		return name.size == 0;
	if (a->profile == PROFILE_BACKEND) {
		struct slice database = database_of(a, name);
		return text_is_name(database) && is_role(slice_from(name, database.size + 1));
	}
	size_t slash = 0;
	while (slash < name.size && name.data[slash] != '/')
		slash++;
	struct slice kind = slice_of(name.data, slash);
	return (slice_is(kind, "person") || slice_is(kind, "application")) && text_is_name(slice_from(name, slash + 1));
}

fallible
authority_certify(const void *owner, struct keyring *k, enum profile profile, struct slice public_key, struct slice name,
                  uint32_t seconds, struct slice *out)
{
	const struct authority *a = find_authority(profile);
	const uint8_t *p = public_key.data;
	if (!a || seconds < a->least || seconds > a->most || !name_is_allowed(a, name))
		return E_DENIED;
	SCOPED_KEY *subject = d2i_PUBKEY(NULL, &p, (long)public_key.size);
	if (!subject || EVP_PKEY_get_base_id(subject) != EVP_PKEY_EC || EVP_PKEY_get_bits(subject) != 256)
		return E_DENIED;
	SCOPED_KEY *key = NULL;
	SCOPED_X509 *issuer = NULL;
	TRY(load(k, a, name, &key, &issuer));
	SCOPED char *names = alternative_names(NULL, a, name), *common = common_name(names, a, name);
	SCOPED_X509 *x = begin_certificate(subject, common, seconds);
	/* A door's holds since its authority does: a client whose clock stands behind ours can still come in. */
	if (x && profile == PROFILE_DOOR && !X509_set1_notBefore(x, X509_get0_notBefore(issuer)))
		return E_CRYPTO;
	if (!x || !X509_set_issuer_name(x, X509_get_subject_name(issuer)) ||
	    !add_extension(x, issuer, NID_basic_constraints, "critical,CA:FALSE") ||
	    !add_extension(x, issuer, NID_key_usage, "critical,digitalSignature") ||
	    !add_extension(x, issuer, NID_ext_key_usage, a->usage) ||
	    !add_extension(x, issuer, NID_subject_alt_name, names) ||
	    !add_extension(x, issuer, NID_authority_key_identifier, "keyid") || !X509_sign(x, key, EVP_sha256()))
		return E_CRYPTO;
	return give(owner, x, out);
}
