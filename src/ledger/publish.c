/* What is public: checkpoint, tiles and leaves (C2SP tlog-tiles), for the size of the newest checkpoint and no further. */
#include "ledger/append.h"
#include "ledger/public.h"

#include "base/memory.h"
#include "base/text.h"
#include "ledger/reader.h"
#include "proof/note.h"

enum { PATH_PARTS = 12, LEAF_ROOM = 2 + 9 + PROOF_HASH };

fallible
ledger_vkey(const void *owner, struct keys *keys, char **out)
{
	struct keys_log log;
	uint8_t id[4], key[1 + sizeof log.public_key] = { PROOF_ED25519 };
	char hex[2 * sizeof id + 1], base64[64];
	TRY(keys_log(owner, keys, &log));
	ledger_key_id(&log, id);
	memcpy(key + 1, log.public_key, sizeof log.public_key);
	text_hex(slice_of(id, sizeof id), hex);
	text_base64(slice_of(key, sizeof key), base64);
	*out = memory_format(owner, "%s+%s+%s", log.name, hex, base64);
	return NULL;
}

fallible
ledger_note(const void *owner, struct ledger *l, uint64_t *size, struct slice *note)
{
	pthread_mutex_lock(&l->publishing);
	*size = l->published_now.size;
	*note = *size ? memory_copy(owner, slice_text(l->published_now.note)) : (struct slice){ NULL, 0 };
	pthread_mutex_unlock(&l->publishing);
	return *size ? NULL : E_NOT_FOUND;
}

/* ---- paths ---- */

static struct slice
take_part(struct slice *rest)
{
	size_t n = 0;
	while (n < rest->size && rest->data[n] != '/')
		n++;
	struct slice part = slice_of(rest->data, n);
	*rest = slice_from(*rest, n + 1);
	return part;
}

static bool
three_digits(struct slice s, uint64_t *number)
{
	if (s.size != 3)
		return false;
	for (size_t i = 0; i < 3; i++) {
		if (s.data[i] < '0' || s.data[i] > '9')
			return false;
		*number = *number * 10 + (uint64_t)(s.data[i] - '0');
	}
	return true;
}

/* x001/x234/067 or x001/x234/067.p/12 */
static bool
parse_index(struct slice rest, uint64_t *index, uint64_t *width)
{
	*index = 0;
	*width = TILE;
	for (int i = 0; i < PATH_PARTS; i++) {
		struct slice part = take_part(&rest);
		if (part.size == 4 && part.data[0] == 'x') {
			if (!three_digits(slice_from(part, 1), index) || (i == 0 && *index == 0))
				return false;
			continue;
		}
		if (part.size == 5 && memcmp(part.data + 3, ".p", 2) == 0)
			return three_digits(slice_of(part.data, 3), index) && text_number_parse(rest, width) == NULL && *width > 0 && *width < TILE;
		return three_digits(part, index) && rest.size == 0;
	}
	return false;
}

/* ---- tiles ---- */

static fallible
read_tile(const void *owner, struct ledger_reader *r, uint64_t size, unsigned level, uint64_t index, uint64_t width, struct slice *out)
{
	uint64_t whole = size;
	for (unsigned i = 0; i < level; i++)
		whole /= TILE;
	if (level >= HASHES_LEVELS || index > whole / TILE || index * TILE + width > whole)
		return E_NOT_FOUND;
	struct proof_hash *tile = NEW_ARRAY(owner, struct proof_hash, width);
	size_t count = width;
	TRY(hashes_get(r->hashes, level, index * TILE, tile, &count));
	*out = slice_of(tile, width * sizeof *tile);
	return count == width ? NULL : E_IO;
}

/* Leaf data of LEDGER.md: of an entry its hash alone. */
static void
write_leaf(struct writer *w, struct slice leaf)
{
	uint8_t hash[PROOF_HASH];
	if (leaf.size && leaf.data[0] == 1) {
		write_be16(w, (uint16_t)leaf.size);
		write_bytes(w, leaf);
		return;
	}
	sha256(slice_from(leaf, 1), hash);
	write_be16(w, 1 + PROOF_HASH);
	write_u8(w, 0);
	write_bytes(w, slice_of(hash, sizeof hash));
}

static err_t
add_leaf(void *context, uint64_t seq, struct slice leaf)
{
	(void)seq;
	write_leaf(context, leaf);
	return NULL;
}

static fallible
read_leaves(const void *owner, struct ledger_reader *r, uint64_t size, uint64_t index, uint64_t width, struct slice *out)
{
	uint64_t at = index * TILE, end = at + width, next;
	if (index > size / TILE || end > size)
		return E_NOT_FOUND;
	struct writer w = writer_of(talloc_size(owner, TILE * LEAF_ROOM), TILE * LEAF_ROOM);
	for (; at < end; at = next) {
		TRY(leaves_run(r->leaves, at, end, add_leaf, &w, &next));
		if (next == at)
			return E_IO;
	}
	*out = writer_slice(&w);
	return w.failed ? E_ENTRY_SIZE : NULL;
}

fallible
ledger_public(const void *owner, struct ledger *l, struct ledger_reader *r, struct slice path, struct slice *out)
{
	uint64_t size, level, index, width;
	struct slice note;
	TRY(ledger_note(owner, l, &size, &note));
	*out = note;
	if (slice_is(path, "checkpoint"))
		return NULL;
	if (!slice_is(take_part(&path), "tile"))
		return E_NOT_FOUND;
	struct slice first = take_part(&path);
	if (!parse_index(path, &index, &width))
		return E_NOT_FOUND;
	if (slice_is(first, "entries"))
		return read_leaves(owner, r, size, index, width, out);
	if (text_number_parse(first, &level) || level > 63)
		return E_NOT_FOUND;
	return read_tile(owner, r, size, (unsigned)level, index, width, out);
}
