/* utf8.h - private: is it UTF-8 (RFC 3629)? */
#pragma once
#include "proof/proof.h"

bool proof_utf8_check(struct proof_bytes);
