/* The map: LEDGER.md, "Map". A root leads each label to one leaf only. */
#include "proof/proof.h"

static void
put_number(uint8_t *out, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		out[i] = (uint8_t)(value >> 8 * (size - 1 - i));
}

static struct proof_hash
hash_two(const struct proof_functions *f, struct proof_bytes head, const struct proof_hash *a,
         const struct proof_hash *b)
{
	struct proof_bytes parts[3] = { head, { a->bytes, PROOF_HASH }, { b ? b->bytes : NULL, PROOF_HASH } };
	struct proof_hash out;
	f->sha256(f->context, parts, b ? 3 : 2, out.bytes);
	return out;
}

struct proof_hash
proof_head_hash(const struct proof_functions *f, uint64_t size, const struct proof_hash *root)
{
	uint8_t head[9] = { 0x12 };
	put_number(head + 1, size, 8);
	return hash_two(f, (struct proof_bytes){ head, sizeof head }, root, NULL);
}

static unsigned
bit_at(const struct proof_hash *label, uint64_t depth)
{
	return label->bytes[depth / 8] >> (7 - depth % 8) & 1;
}

static bool
check_depths(const struct proof_step *path, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (path[i].depth >= PROOF_PATH_MAX || (i && path[i].depth >= path[i - 1].depth))
			return false;
	return true;
}

bool
proof_present_check(const struct proof_functions *f, const struct proof_hash *label, const struct proof_hash *head,
                    const struct proof_step *path, size_t count, const struct proof_hash *root)
{
	static const uint8_t leaf[1] = { 0x10 };
	if (!check_depths(path, count))
		return false;
	struct proof_hash node = hash_two(f, (struct proof_bytes){ leaf, 1 }, label, head);
	for (size_t i = 0; i < count; i++) {
		uint8_t start[3] = { 0x11 };
		put_number(start + 1, path[i].depth, 2);
		bool right = bit_at(label, path[i].depth);
		node = hash_two(f, (struct proof_bytes){ start, 3 }, right ? &path[i].sibling : &node,
		                right ? &node : &path[i].sibling);
	}
	return proof_hash_same(&node, root);
}

bool
proof_absent_check(const struct proof_functions *f, const struct proof_hash *label,
                   const struct proof_hash *other_label, const struct proof_hash *other_head,
                   const struct proof_step *path, size_t count, const struct proof_hash *root)
{
	static const struct proof_hash nothing = { { 0 } };
	if (!other_label || !other_head)
		return !other_label && !other_head && count == 0 && proof_hash_same(root, &nothing);
	if (proof_hash_same(label, other_label) || !check_depths(path, count))
		return false;
	for (size_t i = 0; i < count; i++)
		if (bit_at(label, path[i].depth) != bit_at(other_label, path[i].depth))
			return false;
	return proof_present_check(f, other_label, other_head, path, count, root);
}
