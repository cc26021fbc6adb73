#include "proof/archive.h"

#include <string.h>

static bool
fail(struct proof_archive *a, const char *fault)
{
	if (!a->fault)
		a->fault = fault;
	return false;
}

/* At least one more byte of the source; what is pending moves to the front. */
static bool
refill(struct proof_archive *a)
{
	if (a->source_ended || a->fault)
		return false;
	if (a->pending.size)
		memmove(a->room, a->pending.data, a->pending.size);
	size_t space = ARCHIVE_ROOM - a->pending.size;
	ptrdiff_t got = a->from->read(a->from->source, a->room + a->pending.size, space);
	a->pending.data = a->room;
	if (got < 0 || (size_t)got > space) {
		a->unreadable = true;
		return fail(a, "the file cannot be read");
	}
	a->source_ended = got == 0;
	a->pending.size += (size_t)got;
	return got > 0;
}

static void
advance(struct proof_archive *a, size_t size)
{
	a->pending.data += size;
	a->pending.size -= size;
}

static size_t
copy_plain(struct proof_archive *a, uint8_t *out, size_t size)
{
	if (a->pending.size == 0 && !refill(a))
		return 0;
	size_t now = a->pending.size < size ? a->pending.size : size;
	memcpy(out, a->pending.data, now);
	advance(a, now);
	return now;
}

/* One step of decompression; *made may be 0 although more follows. */
static bool
inflate_some(struct proof_archive *a, uint8_t *out, size_t size, size_t *made)
{
	*made = size;
	enum proof_flow flow = a->from->functions->inflate(a->from->functions->context, &a->pending, out, made);
	if (flow == PROOF_BROKEN) {
		*made = 0;
		return fail(a, "the compressed bytes are not a zstd frame");
	}
	a->frame_ended = flow == PROOF_END;
	return true;
}

static size_t
copy_inflated(struct proof_archive *a, uint8_t *out, size_t size)
{
	size_t made = 0;
	while (made == 0 && !a->frame_ended) {
		bool refilled = a->pending.size > 0 || refill(a);
		if (a->fault || !inflate_some(a, out, size, &made))
			return 0;
		if (!refilled && made == 0 && !a->frame_ended)
			return 0;
	}
	return made;
}

/* Up to `size` bytes of the tar; fewer only at its end. */
static size_t
read_tar(struct proof_archive *a, uint8_t *out, size_t size)
{
	size_t got = 0, now = 1;
	while (got < size && now && !a->fault) {
		now = (a->compressed ? copy_inflated : copy_plain)(a, out + got, size - got);
		got += now;
	}
	return got;
}

static uint64_t
little(const uint8_t *data, size_t size)
{
	uint64_t value = 0;
	for (size_t i = size; i > 0; i--)
		value = value << 8 | data[i - 1];
	return value;
}

/* RFC 8878 §3.1.1.1: a frame's window, from its header of at most 18 bytes, which are zero behind the file's end. */
static uint64_t
window_of(const uint8_t *header)
{
	static const size_t dictionary[] = { 0, 1, 2, 4 }, content[] = { 1, 2, 4, 8 };
	uint8_t descriptor = header[4], window = header[5];
	if (!(descriptor & 0x20)) {
		uint64_t base = UINT64_C(1) << (10 + (window >> 3));
		return base + base / 8 * (window & 7);
	}
	size_t at = 5 + dictionary[descriptor & 3], size = content[descriptor >> 6];
	return little(header + at, size) + (size == 2 ? 256 : 0);
}

bool
proof_archive_open(struct proof_archive *a)
{
	static const uint8_t magic[] = { 0x28, 0xB5, 0x2F, 0xFD };
	uint8_t header[18] = { 0 };
	a->pending = (struct proof_bytes){ a->room, 0 };
	while (a->pending.size < sizeof header && refill(a))
		;
	if (a->fault)
		return false;
	memcpy(header, a->pending.data, a->pending.size < sizeof header ? a->pending.size : sizeof header);
	a->compressed = memcmp(header, magic, sizeof magic) == 0;
	if (!a->compressed)
		return true;
	if (!a->from->functions->inflate)
		return fail(a, "zstd, which this program cannot read");
	return window_of(header) <= UINT64_C(8) << 20 || fail(a, "a zstd window of more than 8 MiB");
}

static bool
all_zero(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (data[i])
			return false;
	return true;
}

/* Digits, then NUL or spaces. */
static bool
parse_octal(const uint8_t *data, size_t size, uint64_t *out)
{
	uint64_t value = 0;
	size_t i = 0;
	for (; i < size && data[i] >= '0' && data[i] <= '7'; i++)
		value = value << 3 | (uint64_t)(data[i] - '0');
	if (i == 0)
		return false;
	for (; i < size; i++)
		if (data[i] != 0 && data[i] != ' ')
			return false;
	*out = value;
	return true;
}

static bool
check_sum(const uint8_t *header)
{
	uint64_t sum = 8 * ' ', said;
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += i < 148 || i >= 156 ? header[i] : 0;
	return parse_octal(header + 148, 8, &said) && said == sum;
}

/* POSIX.1 ustar. Mode, owner, group and time are not looked at. */
static bool
read_header(struct proof_archive *a, const uint8_t *header, char name[ARCHIVE_NAME], uint64_t *size)
{
	const uint8_t *end = memchr(header, 0, 100);
	size_t length = end ? (size_t)(end - header) : 100;
	if (!check_sum(header))
		return fail(a, "a tar header whose sum is wrong");
	if (memcmp(header + 257, "ustar\0" "00", 8) != 0 || header[156] != '0')
		return fail(a, "a tar member that is not a regular file of ustar");
	if (!all_zero(header + length, 100 - length) || !all_zero(header + 157, 100) || !all_zero(header + 345, 167))
		return fail(a, "a tar header with a link, a prefix or something behind a name");
	if (!parse_octal(header + 124, 12, size))
		return fail(a, "a tar member without a size");
	memcpy(name, header, length);
	name[length] = '\0';
	return true;
}

static bool
skip_padding(struct proof_archive *a)
{
	uint8_t padding[TAR_BLOCK];
	if (read_tar(a, padding, a->padding) != a->padding)
		return fail(a, "the archive ends too early");
	if (!all_zero(padding, a->padding))
		return fail(a, "something in a tar member's padding");
	a->padding = 0;
	return true;
}

static enum proof_flow
check_end(struct proof_archive *a)
{
	uint8_t block[TAR_BLOCK];
	if (read_tar(a, block, sizeof block) != sizeof block || !all_zero(block, sizeof block))
		fail(a, "the archive does not end with two empty blocks");
	else if (read_tar(a, block, 1) != 0 || a->pending.size || refill(a))
		fail(a, "something behind the archive's end");
	else if (a->compressed && !a->frame_ended)
		fail(a, "the zstd frame ends too early");
	return a->fault ? PROOF_BROKEN : PROOF_END;
}

enum proof_flow
proof_archive_next(struct proof_archive *a, char name[ARCHIVE_NAME], uint64_t *size)
{
	uint8_t header[TAR_BLOCK];
	if (a->left)
		fail(a, "a member that was not read to its end");
	if (a->fault || !skip_padding(a))
		return PROOF_BROKEN;
	if (read_tar(a, header, sizeof header) != sizeof header) {
		fail(a, "the archive ends too early");
		return PROOF_BROKEN;
	}
	if (all_zero(header, sizeof header))
		return check_end(a);
	if (!read_header(a, header, name, size))
		return PROOF_BROKEN;
	a->left = *size;
	a->padding = (size_t)(-*size & (TAR_BLOCK - 1));
	return PROOF_MORE;
}

size_t
proof_archive_read(struct proof_archive *a, uint8_t *out, size_t size)
{
	size_t want = a->left < size ? (size_t)a->left : size;
	size_t got = read_tar(a, out, want);
	if (got < want)
		fail(a, "the archive ends too early");
	a->left -= got;
	return got;
}
