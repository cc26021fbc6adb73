/* Every reader of logs on the same bytes: values lie in the line or in the event, and a fault keeps the whole line. */
#include "fuzz.h"
#include "watch/intake.h"

#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *owner = NEW(NULL, char);
	struct watch_event *e = watch_event_new(owner);
	struct slice line = slice_of(data, size);
	const struct watch_format *format;
	volatile uint8_t sum = 0;
	for (size_t i = 0; (format = watch_format_at(i)) != NULL; i++) {
		int64_t time;
		format->read(e, line);
		bool whole = e->fault == NULL;
		for (size_t v = 0; v < e->count; v++) {
			for (size_t b = 0; b < e->values[v].text.size; b++)
				sum = (uint8_t)(sum + e->values[v].text.data[b]);
			for (size_t b = 0; b < e->values[v].name.size; b++)
				sum = (uint8_t)(sum + e->values[v].name.data[b]);
			whole |= slice_equal(e->values[v].text, line);
		}
		assert(whole || strstr(e->fault, "deep") || strstr(e->fault, "UTF-8"));
		(void)watch_event_time(e, &time);
	}
	talloc_free(owner);
	return 0;
}
