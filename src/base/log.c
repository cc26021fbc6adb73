#include "base/log.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

enum { LINE = 4096 };

static enum level least_level = LOG_INFO;
static const char *const level_names[] = { "debug", "info", "warning", "error" };

struct line {
	char text[LINE];
	size_t size;
};

void
log_level(enum level least)
{
	least_level = least;
}

static void
put(struct line *l, const char *text, size_t size)
{
	if (size > sizeof l->text - 4 - l->size)        /* room for the end of the object */
		size = sizeof l->text - 4 - l->size;
	memcpy(l->text + l->size, text, size);
	l->size += size;
}

static void
put_quoted(struct line *l, const char *value)
{
	put(l, "\"", 1);
	for (const char *p = value; *p; p++) {
		char escaped[8];
		if (strncmp(p, "skt_", 4) == 0) {
			put(l, "skt_…", sizeof "skt_…" - 1);
			p += strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") - 1;
		} else if (*p == '"' || *p == '\\')
			put(l, escaped, (size_t)snprintf(escaped, sizeof escaped, "\\%c", *p));
		else if ((unsigned char)*p < 0x20)
			put(l, escaped, (size_t)snprintf(escaped, sizeof escaped, "\\u%04x", (unsigned char)*p));
		else
			put(l, p, 1);
	}
	put(l, "\"", 1);
}

static void
put_pair(struct line *l, const char *key, const char *value)
{
	put(l, l->size > 1 ? "," : "", l->size > 1);
	put_quoted(l, key);
	put(l, ":", 1);
	put_quoted(l, value ? value : "");
}

void
log_event(enum level level, const char *event, ...)
{
	if (level < least_level)
		return;
	struct line l = { .size = 0 };
	char time[TIME_TEXT];
	text_time(clock_now(), time);
	put(&l, "{", 1);
	put_pair(&l, "time", time);
	put_pair(&l, "level", level_names[level]);
	put_pair(&l, "event", event);
	va_list pairs;
	va_start(pairs, event);
	for (const char *key; (key = va_arg(pairs, const char *)); )
		put_pair(&l, key, va_arg(pairs, const char *));
	va_end(pairs);
	memcpy(l.text + l.size, "}\n", 2);
	ssize_t ignored = write(2, l.text, l.size + 2);
	(void)ignored;
}
