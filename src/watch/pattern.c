#include "base/memory.h"
#include "watch/rule.h"

#include <ctype.h>

static void
add_part(void *owner, struct pattern *p, enum part_kind kind, struct slice text)
{
	if (kind == PART_TEXT && text.size == 0)
		return;
	if (kind == PART_RUN && p->count && p->parts[p->count - 1].kind == PART_RUN)
		return;
	p->parts = memory_grow(owner, p->parts, sizeof *p->parts, p->count + 1);
	p->parts[p->count++] = (struct part){ kind, text };
}

struct pattern
pattern_of_text(void *owner, struct slice text)
{
	struct pattern p = { 0 };
	add_part(owner, &p, PART_TEXT, memory_copy(owner, text));
	return p;
}

/* "The backslash character is used for escaping of wildcards and the backslash itself"; before anything else it is
 * itself. */
static bool
is_escape(struct slice text, size_t at)
{
	return text.data[at] == '\\' && at + 1 < text.size && strchr("\\*?", text.data[at + 1]) != NULL &&
	       text.data[at + 1] != '\0';
}

struct pattern
pattern_parse(void *owner, struct slice text)
{
	struct pattern p = { 0 };
	uint8_t *plain = memory_zeroed(owner, 1, text.size + 1, "pattern");
	size_t start = 0, end = 0;
	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = text.data[i];
		if (is_escape(text, i)) {
			plain[end++] = text.data[++i];
		} else if (c == '*' || c == '?') {
			add_part(owner, &p, PART_TEXT, slice_of(plain + start, end - start));
			add_part(owner, &p, c == '*' ? PART_RUN : PART_ONE, (struct slice){ 0 });
			start = end;
		} else {
			plain[end++] = c;
		}
	}
	add_part(owner, &p, PART_TEXT, slice_of(plain + start, end - start));
	return p;
}

void
pattern_surround(void *owner, struct pattern *p, bool before, bool after)
{
	struct pattern out = { 0 };
	if (before)
		add_part(owner, &out, PART_RUN, (struct slice){ 0 });
	for (size_t i = 0; i < p->count; i++)
		add_part(owner, &out, p->parts[i].kind, p->parts[i].text);
	if (after)
		add_part(owner, &out, PART_RUN, (struct slice){ 0 });
	*p = out;
}

static size_t
dash_size(struct slice text)
{
	if (text.size == 0)
		return 0;
	if (text.data[0] == '-' || text.data[0] == '/')
		return 1;
	if (text.size >= 3 && text.data[0] == 0xE2 && text.data[1] == 0x80 && text.data[2] >= 0x93 && text.data[2] <= 0x95)
		return 3;
	return 0;
}

static bool
is_word(struct slice text, size_t at)
{
	return at < text.size && (isalnum(text.data[at]) || text.data[at] == '_' || text.data[at] >= 0x80);
}

/* A dash leads a flag where no word ends before it and one begins behind it: in -param-name the first, not the second. */
static void
add_dashed(void *owner, struct pattern *out, struct slice text)
{
	size_t start = 0;
	for (size_t i = 0; i < text.size; i++) {
		size_t size = dash_size(slice_from(text, i));
		if (size == 0 || (i > 0 && is_word(text, i - 1)) || !is_word(text, i + size) ||
		    dash_size(slice_from(text, i + size)))
			continue;
		add_part(owner, out, PART_TEXT, slice_of(text.data + start, i - start));
		add_part(owner, out, PART_DASH, (struct slice){ 0 });
		i += size - 1;
		start = i + 1;
	}
	add_part(owner, out, PART_TEXT, slice_from(text, start));
}

void
pattern_windash(void *owner, struct pattern *p)
{
	struct pattern out = { 0 };
	for (size_t i = 0; i < p->count; i++) {
		if (p->parts[i].kind == PART_TEXT)
			add_dashed(owner, &out, p->parts[i].text);
		else
			add_part(owner, &out, p->parts[i].kind, p->parts[i].text);
	}
	*p = out;
}

void
pattern_fold(void *owner, struct pattern *p)
{
	for (size_t i = 0; i < p->count; i++) {
		struct slice text = p->parts[i].text;
		if (p->parts[i].kind != PART_TEXT)
			continue;
		uint8_t *folded = memory_zeroed(owner, 1, text.size + 1, "pattern");
		p->parts[i].text = slice_of(folded, fold_text(text, folded));
	}
}

bool
pattern_is_plain(const struct pattern *p)
{
	return p->count == 0 || (p->count == 1 && p->parts[0].kind == PART_TEXT);
}

/* How much of the text's start the part takes; false if it does not match there. */
static bool
part_matches(const struct part *part, struct slice text, size_t *size)
{
	switch (part->kind) {
	case PART_TEXT:
		*size = part->text.size;
		return slice_starts(text, part->text);
	case PART_ONE:
		*size = character_size(text);
		return *size > 0;
	case PART_DASH:
		*size = dash_size(text);
		return *size > 0;
	case PART_RUN:
	default:
		return false;
	}
}

static bool
find_text(struct slice text, struct slice wanted, size_t *at)
{
	if (text.size < wanted.size)
		return false;
	const uint8_t *found = memmem(text.data, text.size, wanted.data, wanted.size);
	if (!found)
		return false;
	*at = (size_t)(found - text.data);
	return true;
}

/* Tries the parts behind the last run again, from one byte further on. */
static bool
step_on(const struct pattern *p, size_t run, struct slice text, size_t *from)
{
	size_t skip = 0;
	if (run == SIZE_MAX || *from >= text.size)
		return false;
	(*from)++;
	if (run + 1 < p->count && p->parts[run + 1].kind == PART_TEXT) {
		if (!find_text(slice_from(text, *from), p->parts[run + 1].text, &skip))
			return false;
		*from += skip;
	}
	return true;
}

/* Only the last run is ever tried again, so the cost is at most pattern times text. */
bool
pattern_matches(const struct pattern *p, struct slice text)
{
	size_t part = 0, at = 0, run = SIZE_MAX, from = 0, size;
	while (part < p->count || at < text.size) {
		if (part < p->count && p->parts[part].kind == PART_RUN) {
			if (part + 1 == p->count)
				return true;
			run = part++;
			from = at;
			size = 0;
			if (p->parts[part].kind == PART_TEXT && !find_text(slice_from(text, at), p->parts[part].text, &size))
				return false;
			at = from += size;
		} else if (part < p->count && part_matches(&p->parts[part], slice_from(text, at), &size)) {
			part++;
			at += size;
		} else if (step_on(p, run, text, &from)) {
			part = run + 1;
			at = from;
		} else {
			return false;
		}
	}
	return true;
}
