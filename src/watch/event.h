/* event.h - private: where an event's names and unescaped texts live. */
#pragma once
#include "watch/watch.h"

enum { EVENT_BLOCK = 16384 };

struct event_memory {
	struct block {
		struct block *next;
		size_t room, used;
		uint8_t data[];
	} *first, *now;
	size_t values_room;
};

/* Room that stays where it is until the event is cleared; NULL beyond some megabytes. */
uint8_t *event_room(struct watch_event *, size_t size);

/* The name of a value as rules have it, of the keys on the way to it: `Image` of Event.EventData.Image,
 * Provider_Name of Event.System.Provider.#attributes.Name. */
struct name_path {
	struct slice keys[WATCH_DEPTH_MAX + 1];
	size_t count;
};
bool event_key_is_silent(struct slice key);
struct slice event_name(struct watch_event *, const struct name_path *);
