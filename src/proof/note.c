/* Notes, checkpoints, keys: FORMATS.md; C2SP signed-note, tlog-checkpoint, tlog-cosignature. */
#include "proof/note.h"
#include "proof/base64.h"
#include "proof/utf8.h"

#include <string.h>

static const uint8_t dash[] = { 0xE2, 0x80, 0x94, ' ' };

static struct proof_bytes
part(struct proof_bytes b, size_t from, size_t to)
{
	return (struct proof_bytes){ b.data + from, to - from };
}

/* Takes what is before the next `end`, and `end`, from the front; all where there is none. */
static struct proof_bytes
take_until(struct proof_bytes *rest, uint8_t end)
{
	const uint8_t *at = rest->size ? memchr(rest->data, end, rest->size) : NULL;
	size_t size = at ? (size_t)(at - rest->data) : rest->size, past = at ? size + 1 : size;
	struct proof_bytes out = { rest->data, size };
	*rest = part(*rest, past, rest->size);
	return out;
}

static bool
is_space(uint32_t c)
{
	return c == ' ' || (c >= 9 && c <= 13) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
	       (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

/* The name is UTF-8 already. */
static bool
check_name(struct proof_bytes name)
{
	for (size_t i = 0; i < name.size;) {
		uint32_t c = name.data[i++];
		if (c == '+')
			return false;
		if (c >= 0xC0)
			c &= c >= 0xF0 ? 7 : c >= 0xE0 ? 15 : 31;
		for (; i < name.size && (name.data[i] & 0xC0) == 0x80; i++)
			c = c << 6 | (name.data[i] & 0x3F);
		if (is_space(c))
			return false;
	}
	return name.size > 0;
}

/* An Ed25519 key id is of name, type and key. */
static void
make_id(const struct proof_functions *f, const struct proof_vkey *k, uint8_t id[4])
{
	const uint8_t middle[] = { '\n', k->type };
	uint8_t hash[PROOF_HASH];
	f->sha256(f->context, (struct proof_bytes[]){ k->name, { middle, 2 }, { k->key, 32 } }, 3, hash);
	memcpy(id, hash, 4);
}

static bool
parse_hex(struct proof_bytes text, uint8_t id[4])
{
	if (text.size != 8)
		return false;
	memset(id, 0, 4);
	for (size_t i = 0; i < 8; i++) {
		uint8_t c = text.data[i];
		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return false;
		id[i / 2] = (uint8_t)(id[i / 2] << 4 | (c <= '9' ? c - '0' : c - 'a' + 10));
	}
	return true;
}

bool
proof_vkey_parse(const struct proof_functions *f, struct proof_bytes text, struct proof_vkey *out)
{
	struct proof_vkey key = { 0 };
	uint8_t data[33], id[4];
	struct proof_bytes rest = text;
	key.name = take_until(&rest, '+');
	struct proof_bytes hex = take_until(&rest, '+');
	if (!proof_utf8_check(key.name) || !check_name(key.name) || !parse_hex(hex, key.id))
		return false;
	if (!proof_base64_exact(rest, data, sizeof data))
		return false;
	key.type = data[0];
	memcpy(key.key, data + 1, 32);
	make_id(f, &key, id);
	if ((key.type != PROOF_ED25519 && key.type != PROOF_COSIGNATURE) || memcmp(id, key.id, 4) != 0)
		return false;
	*out = key;
	return true;
}

struct line {
	struct proof_bytes name;
	struct proof_bytes base64;
	uint8_t blob[96];               /* key id ‖ signature, where it is not longer */
	size_t size;                    /* of the blob; SIZE_MAX where it is longer */
};

/* Base64 of any length, of which the first 96 bytes are kept. */
static bool
parse_blob(struct proof_bytes text, struct line *out)
{
	uint8_t piece[3];
	size_t size = 0, made;
	for (size_t at = 0; at < text.size; at += 4) {
		struct proof_bytes four = part(text, at, text.size - at < 4 ? text.size : at + 4);
		bool last = at + 4 >= text.size;
		if (!proof_base64_parse(four, piece, &made) || (made < 3 && !last))
			return false;
		if (size + made <= sizeof out->blob)
			memcpy(out->blob + size, piece, made);
		size += made;
	}
	out->size = size <= sizeof out->blob ? size : SIZE_MAX;
	return size > 4;
}

static bool
parse_line(struct proof_bytes text, struct line *out)
{
	if (text.size < sizeof dash || memcmp(text.data, dash, sizeof dash) != 0)
		return false;
	struct proof_bytes rest = part(text, sizeof dash, text.size);
	out->name = take_until(&rest, ' ');
	out->base64 = rest;
	return check_name(out->name) && parse_blob(rest, out);
}

static bool
check_characters(struct proof_bytes note)
{
	for (size_t i = 0; i < note.size; i++)
		if (note.data[i] < 0x20 && note.data[i] != '\n')
			return false;
	return proof_utf8_check(note);
}

/* The empty line before the signatures is the last one. */
static size_t
find_split(struct proof_bytes note)
{
	for (size_t i = note.size; i >= 2; i--)
		if (note.data[i - 1] == '\n' && note.data[i - 2] == '\n')
			return i - 1;
	return 0;
}

bool
proof_note_parse(struct proof_bytes bytes, struct proof_note *out, const char **fault)
{
	size_t split = check_characters(bytes) ? find_split(bytes) : 0;
	*fault = "not a note: no empty line before signatures, or characters that no note has";
	if (split == 0 || split + 1 >= bytes.size || bytes.data[bytes.size - 1] != '\n')
		return false;
	struct proof_note note = { part(bytes, 0, split), part(bytes, split + 1, bytes.size) };
	*fault = "not a note: a signature line of another form";
	for (struct proof_bytes rest = note.signatures; rest.size;) {
		struct line line;
		if (!parse_line(take_until(&rest, '\n'), &line))
			return false;
	}
	*out = note;
	return true;
}

static bool
parse_decimal(struct proof_bytes text, uint64_t *out)
{
	uint64_t value = 0;
	if (text.size == 0 || (text.size > 1 && text.data[0] == '0'))
		return false;
	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = text.data[i];
		if (c < '0' || c > '9' || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(c - '0'), &value))
			return false;
	}
	*out = value;
	return true;
}

bool
proof_checkpoint_parse(struct proof_bytes text, struct proof_checkpoint *out, const char **fault)
{
	struct proof_checkpoint made;
	struct proof_bytes rest = text;
	made.origin = take_until(&rest, '\n');
	if (!parse_decimal(take_until(&rest, '\n'), &made.size)) {
		*fault = "the checkpoint has no size";
		return false;
	}
	if (!proof_base64_exact(take_until(&rest, '\n'), made.root.bytes, PROOF_HASH)) {
		*fault = "the checkpoint has no root";
		return false;
	}
	*out = made;
	return true;
}

static size_t
put_decimal(uint64_t value, uint8_t *out)
{
	uint8_t digits[20];
	size_t count = 0;
	do
		digits[count++] = (uint8_t)('0' + value % 10);
	while ((value /= 10) != 0);
	for (size_t i = 0; i < count; i++)
		out[i] = digits[count - 1 - i];
	return count;
}

static bool
check_cosignature(const struct proof_functions *f, struct proof_bytes text, const struct line *line,
                  const struct proof_vkey *key, uint64_t *time)
{
	uint8_t head[64] = "cosignature/v1\ntime ";
	size_t size = strlen((const char *)head);
	uint64_t when = 0;
	if (line->size != 4 + 8 + 64)
		return false;
	for (size_t i = 0; i < 8; i++)
		when = when << 8 | line->blob[4 + i];
	size += put_decimal(when, head + size);
	head[size++] = '\n';
	if (!f->ed25519(f->context, key->key, (struct proof_bytes[]){ { head, size }, text }, 2, line->blob + 12))
		return false;
	*time = when;
	return true;
}

static bool
check_line(const struct proof_functions *f, struct proof_bytes text, const struct line *line,
           const struct proof_vkey *key, uint64_t *time)
{
	if (key->type == PROOF_COSIGNATURE)
		return check_cosignature(f, text, line, key, time);
	return line->size == 4 + 64 && f->ed25519(f->context, key->key, &text, 1, line->blob + 4);
}

enum proof_signed
proof_note_check(const struct proof_functions *f, const struct proof_note *note, const struct proof_vkey *key,
                 uint64_t *time)
{
	enum proof_signed found = PROOF_UNSIGNED;
	uint64_t when = 0;
	for (struct proof_bytes rest = note->signatures; rest.size;) {
		struct line line;
		if (!parse_line(take_until(&rest, '\n'), &line))
			return PROOF_FORGED;
		if (line.name.size != key->name.size || memcmp(line.name.data, key->name.data, key->name.size) != 0 ||
		    memcmp(line.blob, key->id, 4) != 0)
			continue;
		if (!check_line(f, note->text, &line, key, &when))
			return PROOF_FORGED;
		found = PROOF_SIGNED;
	}
	if (time)
		*time = when;
	return found;
}
