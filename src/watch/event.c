#include "watch/event.h"
#include "base/memory.h"
#include "watch/text.h"

enum { EVENT_MEMORY_MAX = 64 << 20 };

struct watch_event *
watch_event_new(void *owner)
{
	struct watch_event *e = NEW(owner, struct watch_event);
	e->memory = NEW(e, struct event_memory);
	return e;
}

void
watch_event_clear(struct watch_event *e)
{
	for (struct block *b = e->memory->first; b; b = b->next)
		b->used = 0;
	e->memory->now = e->memory->first;
	e->count = 0;
	e->fault = NULL;
	e->source = (struct watch_source){ 0 };
}

static struct block *
block_new(struct watch_event *e, size_t size)
{
	size_t room = size > EVENT_BLOCK ? size : EVENT_BLOCK, total = 0;
	for (struct block *b = e->memory->first; b; b = b->next)
		total += b->room;
	if (total + room > EVENT_MEMORY_MAX)
		return NULL;
	struct block *b = memory_grow(e->memory, NULL, 1, sizeof *b + room);
	b->room = room;
	b->used = 0;
	b->next = NULL;
	return b;
}

uint8_t *
event_room(struct watch_event *e, size_t size)
{
	struct event_memory *m = e->memory;
	struct block *last = NULL;
	for (struct block *b = m->now; b; last = b, b = b->next) {
		if (b->room - b->used < size)
			continue;
		uint8_t *room = b->data + b->used;
		b->used += size;
		m->now = size > EVENT_BLOCK / 8 ? m->now : b;
		return room;
	}
	struct block *b = block_new(e, size);
	if (!b)
		return NULL;
	b->used = size;
	if (last)
		last->next = b;
	else
		m->first = m->now = b;
	return b->data;
}

bool
watch_event_add(struct watch_event *e, struct slice name, struct slice text, enum watch_kind kind)
{
	struct event_memory *m = e->memory;
	if (e->count == WATCH_VALUES_MAX)
		return false;
	if (e->count == m->values_room) {
		m->values_room = m->values_room ? 2 * m->values_room : 64;
		e->values = memory_grow(e, e->values, sizeof *e->values, m->values_room);
	}
	e->values[e->count++] = (struct watch_value){ name, text, kind };
	return true;
}

const struct watch_value *
watch_event_find(const struct watch_event *e, struct slice name)
{
	for (size_t i = 0; i < e->count; i++)
		if (slice_equal(e->values[i].name, name))
			return &e->values[i];
	return NULL;
}

bool
watch_event_time(const struct watch_event *e, int64_t *time)
{
	static const char *const names[] = { "TimeCreated_SystemTime", "@timestamp", "timestamp", "eventTime", "time", "UtcTime",
		                             "ts", "published", "created_at" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const struct watch_value *v = watch_event_find(e, slice_text(names[i]));
		struct calendar c;
		long double seconds;
		if (v && v->kind == WATCH_TEXT && calendar_parse(v->text, &c)) {
			*time = calendar_time(&c);
			return true;
		}
		if (v && v->kind == WATCH_NUMBER && number_parse(v->text, &seconds) && seconds > 0 && seconds < 1e11L) {
			*time = (int64_t)(seconds * 1000000);
			return true;
		}
	}
	return false;
}

/* ---- names ---- */

static bool
key_is(const struct name_path *p, size_t i, const char *text)
{
	return i < p->count && slice_is(p->keys[i], text);
}

/* How many keys before a Windows event's own names: Event.System., Event.EventData., Event.UserData.ANY. */
static size_t
wrapping(const struct name_path *p)
{
	size_t i = key_is(p, 0, "Event");
	if (p->count <= i + 1)
		return 0;
	if (key_is(p, i, "System") || key_is(p, i, "EventData"))
		return i + 1;
	if (i == 1 && key_is(p, i, "UserData"))
		return p->count > i + 2 && !key_is(p, i + 1, "#attributes") ? i + 2 : i + 1;
	if (key_is(p, 0, "winlog") && key_is(p, 1, "event_data") && p->count > 2)
		return 2;
	return 0;
}

static bool
is_attribute(struct slice key)
{
	return slice_is(key, "#attributes") || slice_is(key, "@attributes");
}

/* The tag and its attribute "are linked with an underscore"; a tag's own text bears the tag's name. */
bool
event_key_is_silent(struct slice key)
{
	return is_attribute(key) || slice_is(key, "#text");
}

/* "Use them as they appear in the log source and strip all spaces": Threat Name is ThreatName. */
static void
append(uint8_t *room, size_t *at, struct slice text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] != ' ')
			room[(*at)++] = text.data[i];
}

struct slice
event_name(struct watch_event *e, const struct name_path *p)
{
	size_t first = wrapping(p), size = 0, at = 0;
	if (first + 1 == p->count && (p->keys[first].size == 0 || !memchr(p->keys[first].data, ' ', p->keys[first].size)))
		return p->keys[first];
	for (size_t i = first; i < p->count; i++)
		size += p->keys[i].size + 1;
	uint8_t *room = event_room(e, size);
	if (!room)
		return LITERAL("");
	for (size_t i = first; i < p->count; i++) {
		if (event_key_is_silent(p->keys[i]))
			continue;
		if (at)
			room[at++] = i > 0 && is_attribute(p->keys[i - 1]) ? '_' : '.';
		append(room, &at, p->keys[i]);
	}
	return slice_of(room, at);
}
