/* Credentials, passwords, one-time codes and failed attempts. */
#include "identity/identity.h"

#include "base/memory.h"
#include "base/text.h"
#include "identity/identity_sql.h"

#include <liboath/oath.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>

enum { TOKEN_BYTES = 32, TOKEN_DIGITS = 43, CHECK_DIGITS = 6 };

/* ---- tokens ---- */

static void
token_checksum(struct slice body, char out[CHECK_DIGITS + 1])
{
	uint8_t digest[DIGEST_SIZE];
	char digits[16];
	sha256(body, digest);
	text_base32(slice_of(digest, 4), digits);
	snprintf(out, CHECK_DIGITS + 1, "%.6s", digits);
}

void
token_new(char out[TOKEN_TEXT])
{
	uint8_t random[TOKEN_BYTES];
	char digits[48], check[CHECK_DIGITS + 1];
	random_bytes(random, sizeof random);
	text_base64url(slice_of(random, sizeof random), digits);
	token_checksum(slice_text(digits), check);
	snprintf(out, TOKEN_TEXT, "skt_%.43s%s", digits, check);
	memory_wipe(random, sizeof random);
	memory_wipe(digits, sizeof digits);
}

bool
token_check(struct slice token)
{
	char check[CHECK_DIGITS + 1];
	if (token.size != 4 + TOKEN_DIGITS + CHECK_DIGITS || !slice_starts(token, LITERAL("skt_")))
		return false;
	token_checksum(slice_of(token.data + 4, TOKEN_DIGITS), check);
	return memcmp(token.data + 4 + TOKEN_DIGITS, check, CHECK_DIGITS) == 0;
}

void
token_digest(struct slice token, uint8_t out[DIGEST_SIZE])
{
	sha256(token, out);
}

/* ---- passwords and codes ---- */

fallible
password_hash(struct slice password, char out[128])
{
	enum { PASSES = 3, MEMORY = 32 << 20 };
	_Static_assert(crypto_pwhash_STRBYTES <= 128, "the hash's text fits");
	return crypto_pwhash_str(out, (const char *)password.data, password.size, PASSES, MEMORY) == 0 ? NULL : E_CRYPTO;
}

bool
password_check(const char *hash, struct slice password)
{
	return crypto_pwhash_str_verify(hash, (const char *)password.data, password.size) == 0;
}

void
totp_new(char out[33])
{
	uint8_t random[20];
	random_bytes(random, sizeof random);
	text_base32(slice_of(random, sizeof random), out);
	for (char *p = out; *p; p++)
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
	memory_wipe(random, sizeof random);
}

int64_t
totp_check(struct slice secret, struct slice code, int64_t now, int64_t last)
{
	char *bytes, otp[8];
	size_t size;
	int64_t step = now / 1000000 / TOTP_STEP, found = 0;
	bool used = false;
	if (code.size != 6 || oath_base32_decode((const char *)secret.data, secret.size, &bytes, &size) != OATH_OK)
		return 0;
	for (int64_t s = step - 1; s <= step + 1; s++)
		if (oath_hotp_generate(bytes, size, (uint64_t)s, 6, false, OATH_HOTP_DYNAMIC_TRUNCATION, otp) == OATH_OK &&
		    sodium_memcmp(otp, code.data, 6) == 0) {
			used |= s <= last;
			found = s > last ? s : found;
		}
	memory_wipe(bytes, size);
	free(bytes);
	return found ? found : used ? TOTP_USED : 0;
}

fallible
secret_get(const void *owner, struct store *s, struct slice actor, struct secret *out)
{
	SCOPED struct rows *rows = NULL;
	struct secret secret = { "" };
	TRY(store_rows(NULL, s, QUERY_SECRET_OF, BIND(as_text(actor)), &rows));
	if (!rows_next(rows)) {
		TRY(rows_end(rows));
		return E_NOT_FOUND;
	}
	snprintf(secret.password, sizeof secret.password, "%.*s", SLICE_ARGUMENTS(row_text(rows, 0)));
	secret.totp = memory_copy(owner, row_bytes(rows, 1));
	secret.totp_step = row_number(rows, 2);
	if (row_bytes(rows, 3).size == sizeof secret.code)
		memcpy(secret.code, row_bytes(rows, 3).data, sizeof secret.code);
	secret.code_until = row_number(rows, 4);
	*out = secret;
	return NULL;
}

fallible
secret_put_apply(struct store *s, struct slice actor, const struct secret *secret, int64_t time)
{
	return store_run(s, QUERY_SECRET_PUT,
	                 BIND(as_text(actor), as_text(slice_text(secret->password)), as_bytes(secret->totp),
	                      as_number(secret->totp_step), as_bytes(slice_of(secret->code, sizeof secret->code)),
	                      as_number(secret->code_until), as_number(time)));
}

fallible
secret_enrol_apply(struct store *s, struct slice actor, const struct secret *secret, const uint8_t code[DIGEST_SIZE], int64_t time)
{
	static const uint8_t none[DIGEST_SIZE] = { 0 };
	TRY(store_run(s, QUERY_SECRET_ENROL,
	              BIND(as_text(actor), as_text(slice_text(secret->password)), as_bytes(secret->totp),
	                   as_bytes(slice_of(none, sizeof none)), as_number(time), as_bytes(slice_of(code, DIGEST_SIZE)))));
	return store_changes(s) ? NULL : E_LOGIN;
}

fallible
totp_take_apply(struct store *s, struct slice actor, int64_t step)
{
	TRY(store_run(s, QUERY_TOTP_TAKE, BIND(as_text(actor), as_number(step))));
	return store_changes(s) ? NULL : E_LOGIN;
}

/* ---- credentials ---- */

fallible
credential_add_apply(struct store *s, struct slice id, struct slice actor, const char *kind, const uint8_t digest[DIGEST_SIZE],
                     struct slice parent, int64_t time, int64_t expires)
{
	return store_run(s, QUERY_CREDENTIAL_INSERT,
	                 BIND(as_text(id), as_text(actor), as_text(slice_text(kind)), as_bytes(slice_of(digest, DIGEST_SIZE)),
	                      as_number(time), as_number(expires), as_text(parent)));
}

fallible
credential_end_apply(struct store *s, struct slice id, struct slice why, int64_t time)
{
	TRY(store_run(s, QUERY_CREDENTIAL_END, BIND(as_text(id), as_number(time), as_text(why))));
	return store_changes(s) ? NULL : E_NOT_FOUND;
}

fallible
credentials_end_apply(struct store *s, struct slice actor, struct slice why, int64_t time)
{
	return store_run(s, QUERY_CREDENTIAL_END_ALL, BIND(as_text(actor), as_number(time), as_text(why)));
}

static struct credential
credential_of_row(const void *owner, struct rows *rows)
{
	return (struct credential){
		.id = memory_copy(owner, row_text(rows, 0)), .actor = memory_copy(owner, row_text(rows, 1)),
		.kind = memory_copy(owner, row_text(rows, 2)), .since = row_number(rows, 3), .expires = row_number(rows, 4),
		.until = row_number(rows, 5),
	};
}

fallible
credential_get(const void *owner, struct store *s, struct slice id, struct credential *out)
{
	SCOPED struct rows *rows = NULL;
	TRY(store_rows(NULL, s, QUERY_CREDENTIAL_BY_ID, BIND(as_text(id)), &rows));
	if (rows_next(rows)) {
		*out = credential_of_row(owner, rows);
		return NULL;
	}
	TRY(rows_end(rows));
	return E_NOT_FOUND;
}

fallible
credential_each(struct store *s, struct slice actor, int64_t now, err_t (*each)(void *, const struct credential *),
                void *argument)
{
	SCOPED struct rows *rows = NULL;
	TRY(store_rows(NULL, s, QUERY_CREDENTIALS_OF, BIND(as_text(actor), as_number(now)), &rows));
	while (rows_next(rows)) {
		SCOPED void *scope = talloc_new(NULL);
		struct credential c = credential_of_row(scope, rows);
		TRY(each(argument, &c));
	}
	return rows_end(rows);
}

/* ---- failed attempts ---- */

enum { BUCKETS = 8192, PROBES = 8, WINDOW_SECONDS = 60, ADDRESS_FAILURES = 1000 };

struct attempt {
	uint64_t whose;                 /* a hash under a key of this process: of address and identity, or of the address alone */
	int64_t since;
	unsigned count;
};

struct attempts {
	pthread_mutex_t lock;
	uint8_t key[crypto_shorthash_KEYBYTES];
	struct attempt table[BUCKETS][PROBES];
};

struct attempts *
attempts_new(const void *owner)
{
	struct attempts *a = NEW(owner, struct attempts);
	pthread_mutex_init(&a->lock, NULL);
	random_bytes(a->key, sizeof a->key);
	return a;
}

static uint64_t
hash_of(const struct attempts *a, struct slice address, struct slice identity)
{
	uint64_t x, y;
	crypto_shorthash((uint8_t *)&x, address.data, address.size, a->key);
	crypto_shorthash((uint8_t *)&y, identity.data, identity.size, a->key);
	return x * 31 + y;
}

static bool
is_old(const struct attempt *t, int64_t now)
{
	return t->count == 0 || now - t->since >= SECONDS(WINDOW_SECONDS);
}

static struct attempt *
find_attempt(struct attempts *a, uint64_t whose, int64_t now)
{
	struct attempt *bucket = a->table[whose % BUCKETS];
	for (size_t i = 0; i < PROBES; i++)
		if (bucket[i].whose == whose && !is_old(&bucket[i], now))
			return &bucket[i];
	return NULL;
}

/* An old place, or the oldest: filling a bucket takes more failures than an address has. */
static void
count_attempt(struct attempts *a, uint64_t whose, int64_t now)
{
	struct attempt *bucket = a->table[whose % BUCKETS], *at = find_attempt(a, whose, now);
	for (size_t i = 0; !at && i < PROBES; i++)
		if (is_old(&bucket[i], now))
			at = &bucket[i];
	for (size_t i = 0; i < PROBES && (!at || at->whose != whose) && !(at && is_old(at, now)); i++)
		if (!at || bucket[i].since < at->since)
			at = &bucket[i];
	if (at->whose != whose || is_old(at, now))
		*at = (struct attempt){ .whose = whose, .since = now };
	at->count++;
}

bool
attempts_check(struct attempts *a, struct slice address, struct slice identity, int64_t now)
{
	pthread_mutex_lock(&a->lock);
	const struct attempt *pair = find_attempt(a, hash_of(a, address, identity), now),
	                     *alone = find_attempt(a, hash_of(a, address, LITERAL("")), now);
	bool good = (!pair || pair->count < LOGIN_FAILURES) && (!alone || alone->count < ADDRESS_FAILURES);
	pthread_mutex_unlock(&a->lock);
	return good;
}

void
attempts_failed(struct attempts *a, struct slice address, struct slice identity, int64_t now)
{
	pthread_mutex_lock(&a->lock);
	count_attempt(a, hash_of(a, address, identity), now);
	count_attempt(a, hash_of(a, address, LITERAL("")), now);
	pthread_mutex_unlock(&a->lock);
}
