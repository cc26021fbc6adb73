/* scram.h - private: SCRAM-SHA-256 (RFC 5802, 7677) as a client, with keys that are kept: PBKDF2 runs once for each role,
 * salt and iteration count, never once a connection. */
#pragma once
#include "base/err.h"
#include "base/slice.h"
#include "keys/keys.h"

enum { SCRAM_BINDING_MAX = 64, SCRAM_TEXT = 1024, SCRAM_SALT_MAX = 64, SCRAM_ITERATIONS_MAX = 1000000 };

struct scram_keys {
	uint8_t salt[SCRAM_SALT_MAX];
	size_t salt_size;
	unsigned iterations;
	uint8_t client[DIGEST_SIZE], server[DIGEST_SIZE];
};

struct scram {
	char nonce[33];
	char auth[3 * SCRAM_TEXT];      /* the AuthMessage */
	size_t auth_size;
	uint8_t server[DIGEST_SIZE];
	uint8_t binding[SCRAM_BINDING_MAX];     /* the server's certificate (RFC 5929, tls-server-end-point) */
	size_t binding_size;
	enum scram_channel { SCRAM_UNBOUND, SCRAM_NOT_OFFERED, SCRAM_BOUND } channel;
};

/* `binding`: of the TLS connection, empty where there is none; bound where the server offers it, else it is told that we could
 * have, so that nobody in between can have left the offer out. */
void scram_bind(struct scram *, struct slice binding, bool offered);
/* The client-first-message; `out` has room for SCRAM_TEXT. */
struct slice scram_first(struct scram *, char *out);
/* The client-final-message for the server-first-message. `keys` is what is kept, and is made anew where it does not fit
 * salt and count. Fails with E_CRYPTO for a message that is not of the form, or a nonce that is not ours. */
fallible scram_final(struct scram *, struct slice server_first, struct slice password, struct scram_keys *, char *out,
                     struct slice *message);
/* Is it the server that knows our keys? Fails with E_CRYPTO. */
fallible scram_verify(const struct scram *, struct slice server_final);
