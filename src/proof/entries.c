/* A log's entries, one after the other, and what must hold at its end. */
#include "proof/cbor.h"
#include "proof/verify.h"

#include <string.h>

enum { ITEM_MAX = 1 + 9 + 3 + PROOF_ENTRY_MAX + 2 + 32 };

/* One of the sequence: [main index, entry] or [main index, entry, detail key]. */
struct item {
	uint64_t index;
	struct proof_bytes entry;
	bool opened;
	struct proof_bytes key;         /* data NULL where it has not 32 bytes */
};

/* The bytes of a member that are in the room: [begin, end). */
struct window {
	size_t begin, end;
};

static bool
fail_archive(struct verify *v, const char *text)
{
	return proof_verify_fail(v, v->archive.unreadable ? PROOF_FAULT_UNREADABLE : PROOF_FAULT_ARCHIVE,
	                         v->archive.fault ? v->archive.fault : text);
}

/* At least one whole item, if the archive has so much: what comes before a fault of the archive is checked first. */
static void
fill(struct verify *v, struct window *w)
{
	if (w->end - w->begin >= ITEM_MAX || v->archive.left == 0)
		return;
	memmove(v->room, v->room + w->begin, w->end - w->begin);
	w->end -= w->begin;
	w->begin = 0;
	w->end += proof_archive_read(&v->archive, v->room + w->end, VERIFY_ROOM - w->end);
}

static bool
take(struct verify *v, struct proof_cbor *c, uint64_t size, struct proof_bytes *out)
{
	if (size > c->rest.size)
		return fail_archive(v, "a member that ends within an item");
	*out = (struct proof_bytes){ c->rest.data, (size_t)size };
	c->rest.data += size;
	c->rest.size -= (size_t)size;
	return true;
}

/* Of what is too long to be an entry or a key nothing is kept, but that it is there must hold. */
static bool
read_item(struct verify *v, struct proof_cbor *c, struct item *out)
{
	uint64_t more = v->archive.left;
	struct proof_item array = proof_cbor_head(c), index = proof_cbor_head(c), entry = proof_cbor_head(c);
	if (c->fault)
		return fail_archive(v, c->fault);
	if (array.type != PROOF_ARRAY || (array.number != 2 && array.number != 3) || index.type != PROOF_UINT ||
	    entry.type != PROOF_BYTES)
		return fail_archive(v, "an item that is not [main index, entry] or [main index, entry, detail key]");
	if (entry.number > c->rest.size + more)
		return fail_archive(v, "a member that ends within an item");
	*out = (struct item){ .index = index.number, .opened = array.number == 3 };
	if (entry.number > PROOF_ENTRY_MAX)
		return proof_verify_fail_at(v, PROOF_FAULT_ENTRY, index.number, "more than 8,192 bytes");
	if (!take(v, c, entry.number, &out->entry) || !out->opened)
		return !v->fault.kind;
	struct proof_item key = proof_cbor_head(c);
	if (c->fault || key.type != PROOF_BYTES || key.number > c->rest.size + more)
		return fail_archive(v, "an item whose third part is not a byte string that is there");
	return key.number != 32 || take(v, c, key.number, &out->key);
}

static const char *
check_order(const struct verify *v, const struct item *item, const struct proof_entry *e)
{
	const struct verify_log *l = &v->log;
	bool first = l->next == l->log.from;
	if (e->log_seq != l->next)
		return "its sequence is not the next";
	if (!first && item->index <= l->last_index)
		return "its main index does not rise";
	if (item->index >= v->shown.covers)
		return "its main index is not among those that the map covers";
	if (!first && e->time < l->last_time)
		return "its time is before the last one's";
	return l->next >= l->log.to ? "the log has more entries than it says" : NULL;
}

static bool
check_opening(struct verify *v, const struct item *item, const struct proof_entry *e, struct proof_bytes *plaintext)
{
	const char *why;
	*plaintext = (struct proof_bytes){ NULL, 0 };
	if (!item->opened)
		return true;
	v->log.opened++;
	return proof_opening_check(v->functions, e, item->key, v->plaintext, plaintext, &why) ||
	       proof_verify_fail_at(v, PROOF_FAULT_OPENING, item->index, why);
}

static void
append(struct verify *v, const struct item *item, const struct proof_entry *e, const struct proof_hash *hash)
{
	struct verify_log *l = &v->log;
	uint8_t leaf[2 + 8 + PROOF_HASH] = { 0x00, 0x02 };
	struct proof_hash node;
	for (size_t i = 0; i < 8; i++)
		leaf[2 + i] = (uint8_t)(item->index >> (56 - 8 * i));
	memcpy(leaf + 10, hash->bytes, PROOF_HASH);
	v->functions->sha256(v->functions->context, &(struct proof_bytes){ leaf, sizeof leaf }, 1, node.bytes);
	if (l->left_fits)
		proof_range_append(v->functions, &l->range, &node);
	if (l->next == l->log.from) {
		l->first_index = item->index;
		l->first_time = e->time;
	}
	l->last_index = item->index;
	l->last_time = e->time;
	l->next++;
}

static bool
check_proven(struct verify *v, const struct item *item, const struct proof_entry *e)
{
	const struct verify_log *l = &v->log;
	const char *why = check_order(v, item, e);
	if (why)
		return proof_verify_fail_at(v, PROOF_FAULT_ORDER, item->index, why);
	if (v->shown.has_previous && (item->index < v->shown.previous_covers) != (e->log_seq < l->previous_size))
		return proof_verify_fail_at(v, PROOF_FAULT_CONSISTENCY, item->index,
		                            "it is on the wrong side of the earlier checkpoint");
	return true;
}

/* Unproven, an opening that does not hold is not shown. A key of another length was not read past. */
static bool
open_unproven(struct verify *v, const struct item *item, const struct proof_entry *e, struct proof_bytes *plaintext)
{
	const char *why;
	*plaintext = (struct proof_bytes){ NULL, 0 };
	if (item->opened && !item->key.data)
		return proof_verify_fail_at(v, PROOF_FAULT_OPENING, item->index, "the detail key has not 32 bytes");
	if (item->opened && v->functions->unseal)
		(void)proof_opening_check(v->functions, e, item->key, v->plaintext, plaintext, &why);
	return true;
}

static bool
check_entry(struct verify *v, const struct item *item)
{
	struct proof_entry entry;
	struct proof_bytes plaintext;
	struct proof_hash hash;
	const char *why;
	if (!proof_entry_parse(item->entry, &entry, &why))
		return proof_verify_fail_at(v, PROOF_FAULT_ENTRY, item->index, why);
	if (entry.log.size != v->log.log.name.size || memcmp(entry.log.data, v->log.log.name.data, entry.log.size) != 0)
		return proof_verify_fail_at(v, PROOF_FAULT_ENTRY, item->index, "it is of another log");
	if (v->policy && (!check_proven(v, item, &entry) || !check_opening(v, item, &entry, &plaintext)))
		return false;
	if (!v->policy && !open_unproven(v, item, &entry, &plaintext))
		return false;
	v->functions->sha256(v->functions->context, &item->entry, 1, hash.bytes);
	append(v, item, &entry, &hash);
	if (!v->bundle->visitor.entry)
		return true;
	const struct proof_shown_entry shown = { v->log.log.name, item->entry, item->index, hash, &entry, plaintext };
	why = v->bundle->visitor.entry(v->bundle->visitor.context, &shown);
	return !why || proof_verify_fail_at(v, PROOF_FAULT_INCLUSION, item->index, why);
}

bool
proof_verify_member(struct verify *v)
{
	struct window w = { 0, 0 };
	for (fill(v, &w); w.begin < w.end; fill(v, &w)) {
		struct proof_cbor c = { { v->room + w.begin, w.end - w.begin }, NULL };
		struct item item;
		if (!read_item(v, &c, &item) || !check_entry(v, &item))
			return false;
		w.begin = w.end - c.rest.size;
	}
	return !v->archive.fault || fail_archive(v, NULL);
}

void
proof_verify_log_begin(struct verify *v, uint32_t node, uint32_t previous)
{
	struct verify_log *l = &v->log;
	struct manifest_log before = { .size = 0 };
	memset(l, 0, sizeof *l);
	proof_manifest_log(&v->manifest, node, &l->log);
	if (previous)
		proof_manifest_log(&v->manifest, previous, &before);
	l->previous_size = before.size;
	l->next = l->log.from;
	l->range.size = l->log.from;
	l->range.count = proof_range_count(0, l->log.from);
	l->left_fits = proof_manifest_hashes(&v->manifest, l->log.left, l->range.hashes, 64) == l->range.count;
}

static bool
encloses_time(const struct verify *v)
{
	const struct verify_log *l = &v->log;
	bool any = l->log.from < l->log.to;
	bool begins = l->log.from == 0 || (any && l->first_time < v->shown.since);
	bool ends = l->log.to == l->log.size || (any && l->last_time >= v->shown.until);
	return begins && ends;
}

/* Of `everyone`, at its end: does it enclose the other logs' spans? */
static bool
encloses_logs(const struct verify *v)
{
	const struct verify_log *l = &v->log;
	const struct verify_span *s = &v->span;
	bool any = l->log.from < l->log.to;
	bool begins = l->log.from == 0 || (!s->from_start && (!s->any || (any && l->first_index < s->first)));
	bool ends = l->log.to == l->log.size || (!s->to_end && (!s->any || (any && l->last_index > s->last)));
	return begins && ends;
}

static void
widen_span(struct verify *v)
{
	const struct verify_log *l = &v->log;
	struct verify_span *s = &v->span;
	s->from_start |= l->log.from == 0;
	s->to_end |= l->log.to == l->log.size;
	if (l->log.from == l->log.to)
		return;
	s->first = s->any && s->first < l->first_index ? s->first : l->first_index;
	s->last = s->any && s->last > l->last_index ? s->last : l->last_index;
	s->any = true;
}

static const char *
check_root(struct verify *v)
{
	struct verify_log *l = &v->log;
	struct proof_hash right[64];
	size_t count = proof_manifest_hashes(&v->manifest, l->log.right, right, 64), used = 0;
	if (!l->left_fits || count != proof_range_count(l->log.to, l->log.size))
		return "too many or too few hashes beside the entries";
	while (l->range.size < l->log.size) {
		unsigned height = proof_range_height(l->range.size, l->log.size);
		proof_range_join(v->functions, &l->range, height, &right[used++]);
	}
	struct proof_hash root = proof_range_root(v->functions, &l->range);
	return proof_hash_same(&root, &l->log.root) ? NULL : "the entries and hashes do not give the log's root";
}

static bool
is_everyone(struct proof_bytes name)
{
	return name.size == 8 && memcmp(name.data, "everyone", 8) == 0;
}

static bool
check_end(struct verify *v)
{
	const struct verify_log *l = &v->log;
	bool everyone = is_everyone(l->log.name);
	if (l->next < l->log.to)
		return proof_verify_fail(v, PROOF_FAULT_ORDER, "the log has fewer entries than it says");
	if (v->shown.has_time ? !encloses_time(v) : everyone && !encloses_logs(v))
		return proof_verify_fail(v, PROOF_FAULT_ORDER, "the entries shown do not enclose the span");
	const char *why = check_root(v);
	return !why || proof_verify_fail(v, PROOF_FAULT_ROOT, why);
}

static bool
was_told(const struct verify *v)
{
	const struct proof_policy *p = v->policy;
	for (size_t i = 0; p && i < p->label_count; i++)
		if (proof_hash_same(&p->labels[i].label, &v->log.log.label))
			return true;
	return false;
}

bool
proof_verify_log_end(struct verify *v)
{
	const struct verify_log *l = &v->log;
	const struct proof_visitor *visitor = &v->bundle->visitor;
	if (v->policy && !check_end(v))
		return false;
	widen_span(v);
	if (visitor->log)
		visitor->log(visitor->context, &(struct proof_shown_log){
			.name = l->log.name, .label = l->log.label, .size = l->log.size, .from = l->log.from,
			.to = l->log.to, .previous_size = l->previous_size, .opened = l->opened,
			.absent = l->log.absent, .label_told = was_told(v), .first_time = l->first_time,
			.last_time = l->last_time });
	return true;
}
