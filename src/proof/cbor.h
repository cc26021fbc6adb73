/* cbor.h - private: items whose bytes are not all here yet. */
#pragma once
#include "proof/proof.h"

/* Reads the head of the next item; of bytes and text only their length. */
struct proof_item proof_cbor_head(struct proof_cbor *);
