/* reader.h - private: what a reader has open. */
#pragma once
#include "ledger/hashes.h"
#include "ledger/leaves.h"
#include "ledger/logs.h"

struct ledger_reader {
	char *dir;
	struct leaves *leaves;
	struct store *derived;
	struct hashes *hashes;
};

/* One past the last leaf. */
fallible ledger_reader_end(struct ledger_reader *, uint64_t *end);
