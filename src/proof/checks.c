/* What proof.json alone shows: checkpoint, map leaf, map, previous. */
#include "proof/verify.h"

#include <string.h>

static bool
same(struct proof_bytes a, struct proof_bytes b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static bool
is_text(struct proof_bytes a, const char *text)
{
	return same(a, (struct proof_bytes){ (const uint8_t *)text, strlen(text) });
}

/* ---- checkpoint, signature, witness ---- */

static bool
check_witnesses(struct verify *v, const struct proof_note *note, bool quorum)
{
	const struct proof_policy *p = v->policy;
	uint64_t latest = 0;
	size_t signed_by = 0;
	for (size_t i = 0; i < p->witness_count; i++) {
		uint64_t time = 0;
		enum proof_signed is = proof_note_check(v->functions, note, &p->witnesses[i], &time);
		if (is == PROOF_FORGED)
			return proof_verify_fail(v, PROOF_FAULT_WITNESS, "a witness's cosignature does not hold");
		signed_by += is == PROOF_SIGNED;
		latest = is == PROOF_SIGNED && time > latest ? time : latest;
	}
	if (!quorum)
		return true;
	if (signed_by < p->quorum)
		return proof_verify_fail(v, PROOF_FAULT_WITNESS,
		                         "fewer witnesses have cosigned than the policy asks for");
	v->shown.witnesses = signed_by;
	v->shown.witnessed = latest;
	return true;
}

static bool
check_timestamps(struct verify *v, const struct proof_note *note)
{
	const struct proof_json *j = &v->manifest.json;
	uint32_t node = v->manifest.timestamps;
	struct proof_hash digest;
	size_t hold = 0;
	if (v->policy->timestamps == 0)
		return true;
	v->functions->sha256(v->functions->context, &note->text, 1, digest.bytes);
	for (uint32_t at = node + 1; node && at < j->nodes[node].next; at = j->nodes[at].next) {
		uint64_t time = 0;
		struct proof_bytes token = proof_manifest_token(&v->manifest, at);
		if (!v->functions->timestamp ||
		    !v->functions->timestamp(v->functions->context, token, digest.bytes, &time))
			return proof_verify_fail(v, PROOF_FAULT_WITNESS, "a time stamp does not hold");
		if (hold++ == 0 || time < v->shown.timestamp)
			v->shown.timestamp = time;
	}
	return hold >= v->policy->timestamps ||
	       proof_verify_fail(v, PROOF_FAULT_WITNESS, "fewer time stamps than the policy asks for");
}

static bool
check_signature(struct verify *v, const struct proof_note *note)
{
	switch (proof_note_check(v->functions, note, &v->policy->key, NULL)) {
	case PROOF_SIGNED:
		return true;
	case PROOF_UNSIGNED:
		return proof_verify_fail(v, PROOF_FAULT_SIGNATURE, "the checkpoint is not signed by the key");
	case PROOF_FORGED:
		break;
	}
	return proof_verify_fail(v, PROOF_FAULT_SIGNATURE, "the checkpoint's signature does not hold");
}

static bool
check_note(struct verify *v, struct proof_bytes text, bool now, struct proof_checkpoint *out)
{
	struct proof_note note;
	const char *why;
	if (!proof_note_parse(text, &note, &why))
		return proof_verify_fail(v, PROOF_FAULT_CHECKPOINT, why);
	if (!check_signature(v, &note) || !check_witnesses(v, &note, now) || (now && !check_timestamps(v, &note)))
		return false;
	if (!proof_checkpoint_parse(note.text, out, &why))
		return proof_verify_fail(v, PROOF_FAULT_CHECKPOINT, why);
	return same(out->origin, v->policy->key.name) ||
	       proof_verify_fail(v, PROOF_FAULT_CHECKPOINT, "the checkpoint has another origin than the key's name");
}

/* ---- inclusion ---- */

static const char *
check_map_leaf(struct verify *v, const struct manifest_map *map, const struct proof_checkpoint *c)
{
	struct proof_hash path[64];
	uint8_t leaf[9] = { 0x01 };
	size_t count = proof_manifest_hashes(&v->manifest, map->inclusion, path, 64);
	for (size_t i = 0; i < 8; i++)
		leaf[1 + i] = (uint8_t)(map->covers >> (56 - 8 * i));
	if (c->size == 0 || map->covers > c->size - 1)
		return "the map covers more than what is before its leaf";
	static const uint8_t zero[1] = { 0 };
	struct proof_hash hash;
	v->functions->sha256(v->functions->context,
	                     (struct proof_bytes[]){ { zero, 1 }, { leaf, 9 }, { map->root.bytes, PROOF_HASH } }, 3,
	                     hash.bytes);
	if (count > 64 || !proof_inclusion_check(v->functions, &hash, c->size - 1, c->size, path, count, &c->root))
		return "the map leaf is not the last one of the checkpoint's tree";
	return NULL;
}

/* ---- map ---- */

static const char *
check_place(struct verify *v, const struct manifest_log *l, const struct proof_hash *root)
{
	struct proof_step path[PROOF_PATH_MAX];
	size_t count = proof_manifest_path(&v->manifest, l->path, path, PROOF_PATH_MAX);
	if (count > PROOF_PATH_MAX)
		return "a path longer than a label";
	if (l->absent) {
		const struct proof_hash *label = l->no_neighbour ? NULL : &l->other_label;
		const struct proof_hash *head = l->no_neighbour ? NULL : &l->other_head;
		if (l->size || (l->members && proof_manifest_count(&v->manifest, l->members)))
			return "entries in a log that is said to be absent";
		return proof_absent_check(v->functions, &l->label, label, head, path, count, root)
		           ? NULL
		           : "the path does not show that the log is absent";
	}
	struct proof_hash head = proof_head_hash(v->functions, l->size, &l->root);
	return proof_present_check(v->functions, &l->label, &head, path, count, root)
	           ? NULL
	           : "the log's path does not lead to the map's root";
}

static bool
is_public(struct proof_bytes name)
{
	return is_text(name, "vendor") || is_text(name, "everyone");
}

/* Labels that all know, and those that this reader was told. */
static const char *
check_label(struct verify *v, const struct manifest_log *l)
{
	struct proof_hash label;
	if (is_public(l->name)) {
		v->functions->sha256(v->functions->context, &l->name, 1, label.bytes);
		if (!proof_hash_same(&label, &l->label))
			return "the label of vendor or everyone is not the hash of its name";
	}
	for (size_t i = 0; i < v->policy->label_count; i++) {
		const struct proof_told_label *told = &v->policy->labels[i];
		if (same(told->name, l->name) != proof_hash_same(&told->label, &l->label))
			return "a label is not the one that the reader was told";
	}
	return NULL;
}

static const char *
check_twice(struct verify *v, uint32_t node, const struct manifest_log *l)
{
	const struct manifest *m = &v->manifest;
	struct manifest_log other;
	for (uint32_t at = m->logs + 1; at < node; at = m->json.nodes[at].next) {
		proof_manifest_log(m, at, &other);
		if (same(other.name, l->name) || proof_hash_same(&other.label, &l->label))
			return "a name or a label twice";
	}
	return NULL;
}

static const char *
check_one(struct verify *v, uint32_t node)
{
	const struct manifest *m = &v->manifest;
	struct manifest_log l;
	proof_manifest_log(m, node, &l);
	bool last = m->json.nodes[node].next == m->json.nodes[m->logs].next;
	if (is_text(l.name, "everyone") != last)
		return "everyone is missing or not last";
	const char *why = check_twice(v, node, &l);
	if (!why)
		why = check_label(v, &l);
	return why ? why : check_place(v, &l, &m->map.root);
}

static bool
has_name(const struct manifest *m, struct proof_bytes name)
{
	struct manifest_log l;
	for (uint32_t at = m->logs + 1; at < m->json.nodes[m->logs].next; at = m->json.nodes[at].next) {
		proof_manifest_log(m, at, &l);
		if (same(l.name, name))
			return true;
	}
	return false;
}

static const char *
check_map(struct verify *v)
{
	const struct manifest *m = &v->manifest;
	if (proof_manifest_count(m, m->logs) == 0)
		return "everyone is missing or not last";
	for (uint32_t at = m->logs + 1; at < m->json.nodes[m->logs].next; at = m->json.nodes[at].next) {
		const char *why = check_one(v, at);
		if (why)
			return why;
	}
	for (size_t i = 0; i < v->policy->label_count; i++)
		if (!has_name(m, v->policy->labels[i].name))
			return "there is no log of a name whose label the reader was told";
	return NULL;
}

/* ---- previous ---- */

static bool
consistent(struct verify *v, uint32_t path_node, uint64_t old_size, const struct proof_hash *old_root, uint64_t size,
           const struct proof_hash *root)
{
	struct proof_hash path[128];
	size_t count = proof_manifest_hashes(&v->manifest, path_node, path, 128);
	return count <= 128 && proof_consistency_check(v->functions, old_size, old_root, size, root, path, count);
}

static const char *
check_previous_log(struct verify *v, const struct manifest_log *before, const struct manifest_log *now)
{
	if (!same(before->name, now->name) || !proof_hash_same(&before->label, &now->label))
		return "the earlier checkpoint's logs are not the same in the same order";
	const char *why = check_place(v, before, &v->manifest.previous.map.root);
	if (why)
		return why;
	return consistent(v, before->consistency, before->size, &before->root, now->size, &now->root)
	           ? NULL
	           : "a log is not what it was at the earlier checkpoint, and more";
}

static const char *
check_previous_logs(struct verify *v)
{
	const struct manifest *m = &v->manifest;
	const struct proof_json_node *nodes = m->json.nodes;
	struct manifest_log before, now;
	uint32_t old = m->previous.logs + 1, new = m->logs + 1;
	for (; old < nodes[m->previous.logs].next && new < nodes[m->logs].next;
	     old = nodes[old].next, new = nodes[new].next) {
		proof_manifest_log(m, old, &before);
		proof_manifest_log(m, new, &now);
		const char *why = check_previous_log(v, &before, &now);
		if (why)
			return why;
	}
	return old == nodes[m->previous.logs].next && new == nodes[m->logs].next
	           ? NULL
	           : "the earlier checkpoint's logs are not the same in the same order";
}

static const char *
check_earlier(struct verify *v)
{
	const struct manifest *m = &v->manifest;
	const struct proof_checkpoint *before = &v->shown.previous, *now = &v->shown.now;
	if (!consistent(v, m->previous.consistency, before->size, &before->root, now->size, &now->root))
		return "the checkpoint does not continue the earlier one";
	const char *why = check_map_leaf(v, &m->previous.map, before);
	if (why)
		return why;
	if (m->previous.map.covers > m->map.covers)
		return "the earlier map covers more than this one";
	return check_previous_logs(v);
}

static bool
check_previous(struct verify *v)
{
	if (!v->manifest.has_previous)
		return true;
	if (!check_note(v, v->manifest.previous.checkpoint, false, &v->shown.previous))
		return false;
	v->shown.has_previous = true;
	v->shown.previous_covers = v->manifest.previous.map.covers;
	const char *why = check_earlier(v);
	return !why || proof_verify_fail(v, PROOF_FAULT_CONSISTENCY, why);
}

/* The note that the reader kept is this checkpoint or the earlier one, else nothing ties it to the bundle. */
static bool
check_kept(struct verify *v)
{
	struct proof_checkpoint kept;
	if (!v->policy->kept.data)
		return true;
	memcpy(v->fault.member, "-", 2);
	if (!check_note(v, v->policy->kept, false, &kept))
		return false;
	memcpy(v->fault.member, "proof.json", sizeof "proof.json");
	v->shown.has_kept = true;
	const struct proof_checkpoint *known = NULL;
	if (kept.size == v->shown.now.size)
		known = &v->shown.now;
	else if (v->shown.has_previous && kept.size == v->shown.previous.size)
		known = &v->shown.previous;
	if (!known)
		return proof_verify_fail(v, PROOF_FAULT_CONSISTENCY,
		                         "the bundle does not lead from the kept checkpoint to its own");
	return proof_hash_same(&kept.root, &known->root) ||
	       proof_verify_fail(v, PROOF_FAULT_CONSISTENCY,
	                         "the kept checkpoint has another root at the same size: a fork");
}

bool
proof_verify_manifest(struct verify *v)
{
	const char *why;
	v->shown.covers = v->manifest.map.covers;
	v->shown.has_time = v->manifest.has_time;
	v->shown.since = v->manifest.since;
	v->shown.until = v->manifest.until;
	if (!check_note(v, v->manifest.checkpoint, true, &v->shown.now))
		return false;
	if ((why = check_map_leaf(v, &v->manifest.map, &v->shown.now)) != NULL)
		return proof_verify_fail(v, PROOF_FAULT_INCLUSION, why);
	if ((why = check_map(v)) != NULL)
		return proof_verify_fail(v, PROOF_FAULT_MAP, why);
	return check_previous(v) && check_kept(v);
}
