#include "base/memory.h"
#include "watch/set.h"

void
frame_write(uint32_t field, bool start, uint8_t out[static FRAME])
{
	uint8_t high = (uint8_t)(1 + field / 255), low = (uint8_t)(1 + field % 255);
	out[0] = start ? FRAME_MARK : high;
	out[1] = start ? high : low;
	out[2] = start ? low : FRAME_MARK;
}

static struct slice
folded(void *owner, struct slice text)
{
	uint8_t *room = memory_zeroed(owner, 1, text.size + 1, "literal");
	return slice_of(room, fold_text(text, room));
}

static size_t
longest_part(const struct pattern *p)
{
	size_t best = SIZE_MAX, size = 0;
	for (size_t i = 0; i < p->count; i++)
		if (p->parts[i].kind == PART_TEXT && p->parts[i].text.size > size) {
			best = i;
			size = p->parts[i].text.size;
		}
	return best;
}

/* `start` and `end`: the text touches that side of its value. */
static struct slice
framed(void *owner, const struct check *c, struct slice text, bool start, bool end)
{
	uint8_t *room = memory_zeroed(owner, 1, text.size + 2 * FRAME, "literal");
	size_t size = 0;
	if (text.size > LITERAL_MOST) {
		text = slice_of(text.data, LITERAL_MOST);
		end = false;
	}
	if (start && c->field != NONE) {
		frame_write(c->field, true, room);
		size = FRAME;
	}
	if (text.size)
		memcpy(room + size, text.data, text.size);
	size += text.size;
	if (end && c->field != NONE) {
		frame_write(c->field, false, room + size);
		size += FRAME;
	}
	while (size && room[0] == 0) {  /* vectorscan takes a literal that begins with 0 for empty */
		room++;
		size--;
	}
	return slice_of(room, size);
}

bool
check_literal(void *owner, const struct check *c, struct slice *out)
{
	const struct atom *a = c->atom;
	if (a->kind == ATOM_REGEX) {
		*out = a->held;
		return out->size >= LITERAL_LEAST;
	}
	if (a->kind != ATOM_PATTERN)
		return false;
	if (a->pattern.count == 0) {
		*out = framed(owner, c, LITERAL(""), true, true);
		return c->field != NONE;
	}
	size_t part = longest_part(&a->pattern);
	if (part == SIZE_MAX)
		return false;
	struct slice text = folded(owner, a->pattern.parts[part].text);
	*out = framed(owner, c, text, part == 0, part + 1 == a->pattern.count);
	return out->size >= LITERAL_LEAST || (out->size == 2 && out->data[0] >= 0x80);  /* a letter beyond ASCII is rare */
}
