/* manifest.h - private: proof.json, checked against the form that LEDGER.md gives, and read piece by piece. */
#pragma once
#include "proof/json.h"

enum { MANIFEST_JSON_MAX = 1 << 20, MANIFEST_NODES_MAX = 1 << 19 };

struct manifest_map {
	uint64_t covers;
	struct proof_hash root;
	uint32_t inclusion;
};

/* A log as `logs` or `previous.logs` has it; nodes are NONE where it has no such key. */
struct manifest_log {
	struct proof_bytes name;
	struct proof_hash label, root;
	uint64_t size, from, to;
	uint32_t path, left, right, members, consistency;
	bool absent, no_neighbour;      /* no_neighbour: "absent" is null */
	struct proof_hash other_label, other_head;
};

struct manifest {
	struct proof_json json;
	struct proof_bytes checkpoint;
	struct manifest_map map;
	uint32_t logs, timestamps;
	size_t member_count;
	bool has_time, has_previous;
	uint64_t since, until;
	struct {
		struct proof_bytes checkpoint;
		uint32_t consistency, logs;
		struct manifest_map map;
	} previous;
};

/* Reads m->json.text; false sets m->json.fault. */
bool proof_manifest_parse(struct manifest *);
void proof_manifest_log(const struct manifest *, uint32_t node, struct manifest_log *out);
/* How many values are in the array, and the first `max` of its hashes. */
size_t proof_manifest_hashes(const struct manifest *, uint32_t array, struct proof_hash *out, size_t max);
size_t proof_manifest_path(const struct manifest *, uint32_t array, struct proof_step *out, size_t max);
size_t proof_manifest_count(const struct manifest *, uint32_t array);
/* A time stamp's bytes, decoded where its text lies: to be asked for once. */
struct proof_bytes proof_manifest_token(const struct manifest *, uint32_t node);
