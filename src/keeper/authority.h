/* authority.h - private: X.509 (RFC 5280) by profile. One authority for our doors, one for people and applications, one for the
 * back ends of each database, which is made when it is first asked for. */
#pragma once
#include "base/err.h"
#include "base/slice.h"
#include "keeper/keyring.h"
#include "keys/wire.h"

/* Makes the key and the certificate of each authority, ten years. */
fallible authority_create(struct keyring *);

/* Fails with E_DENIED where profile, name or lifetime is not allowed; DER owned by `owner`. */
fallible authority_certify(const void *owner, struct keyring *, enum profile, struct slice public_key, struct slice name,
                           uint32_t seconds, struct slice *out);
/* `name`: of PROFILE_BACKEND the database, of the others empty. */
fallible authority_issuer(const void *owner, struct keyring *, enum profile, struct slice name, struct slice *out);
