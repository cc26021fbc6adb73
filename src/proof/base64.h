/* base64.h - private: RFC 4648 §4, with padding, unused bits zero, nothing else. */
#pragma once
#include "proof/proof.h"

/* Decodes into `out`, which has room for 3 bytes for each 4 of the text; it may be the text itself. */
bool proof_base64_parse(struct proof_bytes text, uint8_t *out, size_t *size);
/* True if the text is base64 of exactly `size` bytes, at most 96. */
bool proof_base64_exact(struct proof_bytes text, uint8_t *out, size_t size);
