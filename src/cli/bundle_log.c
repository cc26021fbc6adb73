/* The public leaves (C2SP tlog-tiles): tile/entries/<N>[.p/<W>], each leaf behind its length in two bytes. */
#include "cli/bundle_inside.h"

#include <errno.h>
#include <string.h>

enum { LEAVES = 256 };

/* 1234067 is x001/x234/067. */
static void
name_bundle(const struct bundle_leaves *l, uint64_t number, size_t width, char *out, size_t size)
{
	char digits[32], name[64] = "", tail[16] = "";
	snprintf(digits, sizeof digits, "%021llu", (unsigned long long)number);
	size_t from = 0;
	while (from < 18 && strncmp(digits + from, "000", 3) == 0)
		from += 3;
	for (size_t at = from, end = 0; at < 21; at += 3)
		end += (size_t)snprintf(name + end, sizeof name - end, at < 18 ? "x%.3s/" : "%.3s", digits + at);
	if (width < LEAVES)
		snprintf(tail, sizeof tail, ".p/%zu", width);
	snprintf(out, size, "%s/tile/entries/%s%s", l->folder, name, tail);
}

static const char *
split(struct bundle_leaves *l, size_t size)
{
	size_t at = 0;
	for (l->count = 0; at < size && l->count < LEAVES; l->count++) {
		size_t leaf = size - at < 2 ? size : (size_t)l->data[at] << 8 | l->data[at + 1];
		if (leaf > size - at - 2 || size - at < 2)
			return "a public leaf that is cut";
		l->begin[l->count] = at + 2;
		at += 2 + leaf;
	}
	l->begin[l->count] = at + 2;
	return at == size ? NULL : "a file of public leaves with more than 256";
}

static bool
read_file(struct bundle_leaves *l, size_t *size)
{
	FILE *f = fopen(l->path, "rb");
	if (!f)
		return false;
	*size = fread(l->data, 1, sizeof l->data, f);
	bool ok = !ferror(f);
	fclose(f);
	return ok;
}

/* The full file, else the partial one of this checkpoint or of any after it: partial tiles are prefixes (C2SP tlog-tiles). */
static const char *
load(struct bundle_leaves *l, uint64_t number)
{
	size_t width = l->size / LEAVES == number ? l->size % LEAVES : LEAVES, size;
	if (l->at == number)
		return NULL;
	l->at = UINT64_MAX;
	name_bundle(l, number, LEAVES, l->path, sizeof l->path);
	bool found = read_file(l, &size);
	for (size_t w = width; !found && w < LEAVES; w++) {
		name_bundle(l, number, w, l->path, sizeof l->path);
		found = read_file(l, &size);
	}
	if (!found) {
		name_bundle(l, number, width, l->path, sizeof l->path);
		l->unreadable = true;
		return "a file of public leaves cannot be read";
	}
	const char *why = split(l, size);
	if (!why && l->count < width)
		why = "a file of public leaves with too few";
	l->at = why ? UINT64_MAX : number;
	return why;
}

static struct proof_bytes
leaf_at(const struct bundle_leaves *l, size_t i)
{
	return (struct proof_bytes){ l->data + l->begin[i], l->begin[i + 1] - 2 - l->begin[i] };
}

const char *
bundle_leaves_open(struct bundle_leaves *l, const struct proof_checkpoint *c)
{
	struct proof_range range = { 0 };
	l->size = c->size;
	l->at = UINT64_MAX;
	for (uint64_t i = 0; i < c->size; i++) {
		const char *why = load(l, i / LEAVES);
		if (why)
			return why;
		struct proof_hash hash = proof_leaf_hash(l->functions, leaf_at(l, i % LEAVES));
		proof_range_append(l->functions, &range, &hash);
	}
	struct proof_hash root = proof_range_root(l->functions, &range);
	return proof_hash_same(&root, &c->root) ? NULL : "the public leaves have another root than the checkpoint";
}

const char *
bundle_leaves_check(struct bundle_leaves *l, uint64_t index, const struct proof_hash *entry)
{
	const char *why = load(l, index / LEAVES);
	if (why)
		return why;
	struct proof_bytes leaf = leaf_at(l, index % LEAVES);
	if (leaf.size != 1 + PROOF_HASH || leaf.data[0] != 0 || memcmp(leaf.data + 1, entry->bytes, PROOF_HASH) != 0)
		return "it is not the main log's leaf at its index";
	return NULL;
}
