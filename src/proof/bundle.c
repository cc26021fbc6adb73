/* The members of a bundle, in their order. */
#include "proof/bundle.h"
#include "proof/verify.h"

#include <string.h>

const char *
proof_fault_name(enum proof_fault_kind kind)
{
	static const char *const names[] = { "none", "archive", "checkpoint", "signature", "witness", "inclusion", "map",
	                                     "consistency", "entry", "order", "opening", "root", "unreadable" };
	return (size_t)kind < sizeof names / sizeof *names ? names[kind] : "none";
}

bool
proof_verify_fail(struct verify *v, enum proof_fault_kind kind, const char *text)
{
	if (v->fault.kind != PROOF_FAULT_NONE)
		return false;
	v->fault.kind = kind;
	v->fault.text = text;
	return false;
}

bool
proof_verify_fail_at(struct verify *v, enum proof_fault_kind kind, uint64_t index, const char *text)
{
	v->fault.index = index;
	v->fault.has_index = true;
	return proof_verify_fail(v, kind, text);
}

static bool
fail_archive(struct verify *v, const char *text)
{
	return proof_verify_fail(v, v->archive.unreadable ? PROOF_FAULT_UNREADABLE : PROOF_FAULT_ARCHIVE,
	                         v->archive.fault ? v->archive.fault : text);
}

static void
set_member(struct verify *v, const char *name)
{
	size_t size = strlen(name);
	memcpy(v->fault.member, name, size < sizeof v->fault.member ? size + 1 : 0);
}

/* The next member must have this name. */
static bool
next_member(struct verify *v, const char *wanted, uint64_t max, uint64_t *size)
{
	char name[ARCHIVE_NAME];
	set_member(v, "-");
	enum proof_flow flow = proof_archive_next(&v->archive, name, size);
	if (flow == PROOF_BROKEN)
		return fail_archive(v, NULL);
	if (flow == PROOF_END)
		return fail_archive(v, "the archive ends before a member that belongs");
	if (strcmp(name, wanted) != 0)
		return fail_archive(v, "a member that does not belong, or not here");
	set_member(v, wanted);
	return *size <= max || fail_archive(v, "a member that is too big");
}

static bool
read_cover(struct verify *v, const char *name)
{
	const struct proof_visitor *visitor = &v->bundle->visitor;
	uint64_t size;
	if (!next_member(v, name, UINT64_MAX, &size))
		return false;
	while (v->archive.left) {
		size_t got = proof_archive_read(&v->archive, v->room, VERIFY_ROOM);
		if (v->archive.fault)
			return fail_archive(v, NULL);
		if (visitor->cover)
			visitor->cover(visitor->context, name, (struct proof_bytes){ v->room, got });
	}
	return true;
}

static bool
read_manifest(struct verify *v)
{
	uint64_t size;
	if (!next_member(v, "proof.json", MANIFEST_JSON_MAX, &size))
		return false;
	v->manifest.json.size = proof_archive_read(&v->archive, v->manifest.json.text, (size_t)size);
	if (v->archive.fault)
		return fail_archive(v, NULL);
	return proof_manifest_parse(&v->manifest) || fail_archive(v, v->manifest.json.fault);
}

static void
read_unproven(struct verify *v)
{
	struct proof_note note;
	const char *why;
	if (proof_note_parse(v->manifest.checkpoint, &note, &why))
		(void)proof_checkpoint_parse(note.text, &v->shown.now, &why);
	v->shown.covers = v->manifest.map.covers;
}

static bool
show_checkpoint(struct verify *v)
{
	const struct proof_visitor *visitor = &v->bundle->visitor;
	const char *why = visitor->checkpoint ? visitor->checkpoint(visitor->context, &v->shown) : NULL;
	return !why || proof_verify_fail(v, PROOF_FAULT_INCLUSION, why);
}

static bool
read_members(struct verify *v)
{
	const struct proof_json *j = &v->manifest.json;
	uint32_t members = v->log.log.members;
	for (uint32_t at = members + 1; at < j->nodes[members].next; at = j->nodes[at].next) {
		char name[24];
		uint64_t size;
		struct proof_bytes text = proof_json_text(j, at);
		memcpy(name, text.data, text.size);     /* checked to be entries-NNNNNN.cbor */
		name[text.size] = '\0';
		if (!next_member(v, name, VERIFY_MEMBER_MAX, &size))
			return false;
		if (size == 0)
			return fail_archive(v, "a member without entries");
		if (!proof_verify_member(v))
			return false;
	}
	return true;
}

static bool
read_logs(struct verify *v)
{
	const struct proof_json *j = &v->manifest.json;
	uint32_t logs = v->manifest.logs, old = v->manifest.has_previous ? v->manifest.previous.logs + 1 : 0;
	for (uint32_t at = logs + 1; at < j->nodes[logs].next; at = j->nodes[at].next) {
		proof_verify_log_begin(v, at, v->policy ? old : 0);
		old = old ? j->nodes[old].next : 0;
		set_member(v, "proof.json");
		if (!read_members(v) || !proof_verify_log_end(v))
			return false;
	}
	return true;
}

static bool
read_end(struct verify *v)
{
	char name[ARCHIVE_NAME];
	uint64_t size;
	set_member(v, "-");
	return proof_archive_next(&v->archive, name, &size) == PROOF_END ||
	       fail_archive(v, "a member that does not belong");
}

static bool
read_all(struct verify *v)
{
	set_member(v, "-");
	if (!proof_archive_open(&v->archive))
		return fail_archive(v, NULL);
	if (!read_cover(v, "cover.en.txt") || !read_cover(v, "cover.ja.txt") || !read_manifest(v))
		return false;
	if (!v->policy)
		read_unproven(v);
	else if (!proof_verify_manifest(v))
		return false;
	return show_checkpoint(v) && read_logs(v) && read_end(v);
}

/* Hands out the lent memory piece by piece; all sizes are multiples of eight. */
static uint8_t *
lend(uint8_t **memory, size_t size)
{
	uint8_t *out = *memory;
	*memory += size;
	return out;
}

_Static_assert(MANIFEST_NODES_MAX * sizeof(struct proof_json_node) + MANIFEST_JSON_MAX + ARCHIVE_ROOM + VERIFY_ROOM +
                       PROOF_ENTRY_MAX <= PROOF_BUNDLE_MEMORY, "what is lent is enough");

bool
proof_bundle_verify(const struct proof_bundle *b, struct proof_fault *fault)
{
	uint8_t *memory = b->memory;
	struct verify v = { .bundle = b, .functions = b->functions, .policy = b->policy, .archive = { .from = b } };
	v.manifest.json.nodes = (void *)lend(&memory, MANIFEST_NODES_MAX * sizeof(struct proof_json_node));
	v.manifest.json.capacity = MANIFEST_NODES_MAX;
	v.manifest.json.text = lend(&memory, MANIFEST_JSON_MAX);
	v.archive.room = lend(&memory, ARCHIVE_ROOM);
	v.room = lend(&memory, VERIFY_ROOM);
	v.plaintext = lend(&memory, PROOF_ENTRY_MAX);
	if (read_all(&v))
		return true;
	*fault = v.fault;
	return false;
}
