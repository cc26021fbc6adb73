/* bundle_inside.h - private to bundle*.c: what they share. */
#pragma once
#include "proof/bundle.h"

#include <openssl/x509.h>
#include <stdio.h>

enum { BUNDLE_OK = 0, BUNDLE_FAILED = 1, BUNDLE_USAGE = 2, BUNDLE_FAULT = 7 };
enum { BUNDLE_WITNESSES_MAX = 64, BUNDLE_LABELS_MAX = 64,
       BUNDLE_LOGS_MAX = 8192 };

/* OpenSSL and zstd behind struct proof_functions; `authorities` may be NULL. */
struct bundle_native {
	struct proof_functions functions;
	void *zstd;
	X509_STORE *authorities;
};

bool bundle_native_open(struct bundle_native *);
void bundle_native_close(struct bundle_native *);
/* Trusts the time-stamping authorities' certificates of a PEM file. */
bool bundle_native_trust(struct bundle_native *, const char *path);

/* The public leaves in a folder of tlog-tiles, for one checkpoint. */
struct bundle_leaves {
	const struct proof_functions *functions;
	const char *folder;
	uint64_t size;
	uint64_t at;                    /* which bundle of 256 `data` is; UINT64_MAX: none */
	size_t count;                   /* leaves in it */
	uint8_t data[65536 + 256];
	size_t begin[257];              /* of each leaf, behind its length */
	bool unreadable;
	char path[4096];                /* the file that was last read, for messages */
};

/* Do the leaves have the checkpoint's root? A text where not. */
const char *bundle_leaves_open(struct bundle_leaves *, const struct proof_checkpoint *);
/* Is the entry the leaf at its index? */
const char *bundle_leaves_check(struct bundle_leaves *, uint64_t index, const struct proof_hash *entry);

/* Text of others, without what a terminal obeys. */
void bundle_print(FILE *, struct proof_bytes);
void bundle_print_time(FILE *, uint64_t microseconds);
void bundle_print_base64(FILE *, const uint8_t *, size_t);

bool bundle_is_japanese(void);
const char *bundle_say(const char *english, const char *japanese) __attribute__((format_arg(1), format_arg(2)));

/* What a verification was told, printed only when all of it is proven. */
struct bundle_report {
	struct proof_shown_checkpoint shown;
	struct proof_shown_log *logs;           /* BUNDLE_LOGS_MAX, more than 1 MiB of proof.json can have */
	size_t log_count;
	uint64_t entries;
	size_t witnesses, timestamps;           /* asked for */
	bool leaves;
	struct proof_bytes succeeds;            /* the last note of the log before this one; points into `note` */
	uint8_t note[PROOF_ENTRY_MAX];
};

void bundle_find_succession(struct bundle_report *, const struct proof_shown_entry *);
void bundle_print_report(const struct bundle_report *);
int bundle_show(const struct proof_functions *, void *source, ptrdiff_t (*read)(void *, uint8_t *, size_t),
                struct proof_fault *);
