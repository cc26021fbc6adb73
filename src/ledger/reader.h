/* reader.h - private: what a reader has open. */
#pragma once
#include "ledger/hashes.h"
#include "ledger/leaves.h"
#include "ledger/logs.h"

struct ledger_reader {
	char *dir;
	struct leaves *leaves;
	struct store *derived;          /* these two are NULL where they were thrown away */
	struct hashes *hashes;
	bool damaged;                   /* derived.db is there, and cannot be read */
};

/* What binds the saved position to the main tree's range and the sum of the heads. */
void derived_seal(uint64_t position, struct slice range, struct slice heads, uint8_t seal[DIGEST_SIZE]);
/* How many leaves are derived. */
fallible ledger_reader_derived(struct ledger_reader *, uint64_t *position);
/* One past the last leaf. */
fallible ledger_reader_end(struct ledger_reader *, uint64_t *end);
