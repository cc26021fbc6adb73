/* help.h - public: JSON and names that many operations need, here and in rooms above that have rows of their own. */
#pragma once
#include "base/memory.h"
#include "base/text.h"
#include "gate/gate.h"

#define ARGUMENT(type, name) offsetof(struct type, name)

static inline json_t *
json_slice(struct slice s)
{
	return json_stringn((const char *)(s.data ? s.data : (const uint8_t *)""), s.size);
}

static inline json_t *
json_time(int64_t time)
{
	char text[TIME_TEXT];
	if (time == 0)
		return json_null();
	text_time(time, text);
	return json_string(text);
}

/* {"items": […], "next": …}; takes the references. */
static inline json_t *
json_list(json_t *items, json_t *next)
{
	json_t *list = json_object();
	json_object_set_new(list, "items", items);
	json_object_set_new(list, "next", next ? next : json_null());
	return list;
}

/* Did the second enrol or promote the first within the last 24 hours? */
fallible is_promoted_by(struct passage *, struct slice actor, struct slice by, bool *out);
/* Those who keep order see what concerns others; all else see their own. */
bool keeps_order(const struct passage *);
/* `sup1` for a `psn_…`; the id itself where it is nobody's. */
struct slice name_of_actor(struct passage *, struct slice actor);
/* The paths to service data, as `coverage` lists them. A new reference. */
json_t *coverage_now(void);
