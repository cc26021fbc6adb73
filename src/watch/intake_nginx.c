/* nginx's `combined`: $remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer"
 * "$http_user_agent". Inside of quotes nginx writes a quote, a backslash and control bytes as \xHH. */
#include "watch/event.h"
#include "watch/intake.h"
#include "watch/scan.h"
#include "watch/text.h"

#include <stdio.h>

static void
add_text(struct watch_event *e, const char *name, struct slice text)
{
	if (!slice_is(text, "-"))
		watch_event_add(e, slice_text(name), text, WATCH_TEXT);
}

/* 24/Nov/2026:10:27:44 +0000 as RFC 3339, for what reads times. */
static void
add_time(struct watch_event *e, struct slice local)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct slice rest = local, day, month, year, clock;
	uint8_t *room = event_room(e, 40);
	if (!room || !scan_digits(&rest, 2, &day) || !scan_literal(&rest, "/") || !scan_until(&rest, '/', &month) || month.size != 3 ||
	    !scan_digits(&rest, 4, &year) || !scan_literal(&rest, ":") || !scan_until(&rest, ' ', &clock) || clock.size != 8 || rest.size > 5)
		return;
	const char *found = memmem(months, sizeof months - 1, month.data, 3);
	int size = found ? snprintf((char *)room, 40, "%.*s-%02d-%.*sT%.*s%.*s", SLICE_ARGUMENTS(year), (int)(found - months) / 3 + 1,
	                            SLICE_ARGUMENTS(day), SLICE_ARGUMENTS(clock), SLICE_ARGUMENTS(rest)) : 0;
	if (size > 0 && size < 40)
		watch_event_add(e, LITERAL("timestamp"), slice_of(room, (size_t)size), WATCH_TEXT);
}

static int
hex_digit(uint8_t c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

static struct slice
unescape(struct watch_event *e, struct slice raw)
{
	uint8_t *room = raw.size && memchr(raw.data, '\\', raw.size) ? event_room(e, raw.size) : NULL;
	size_t size = 0;
	if (!room)
		return raw;
	for (size_t i = 0; i < raw.size; i++) {
		bool escape = raw.data[i] == '\\' && i + 3 < raw.size && raw.data[i + 1] == 'x';
		int high = escape ? hex_digit(raw.data[i + 2]) : -1, low = escape ? hex_digit(raw.data[i + 3]) : -1;
		if (high >= 0 && low >= 0) {
			room[size++] = (uint8_t)(high << 4 | low);
			i += 3;
		} else {
			room[size++] = raw.data[i];
		}
	}
	return slice_of(room, size);
}

/* A request that is none (bytes of a TLS handshake) is kept as cs-uri alone. */
static void
add_request(struct watch_event *e, struct slice request)
{
	struct slice rest = request, method, uri;
	const uint8_t *last = request.size ? memrchr(request.data, ' ', request.size) : NULL;
	if (!scan_until(&rest, ' ', &method) || rest.size == 0 || !last || last < rest.data) {
		add_text(e, "cs-uri", request);
		return;
	}
	uri = slice_of(rest.data, (size_t)(last - rest.data));
	const uint8_t *mark = uri.size ? memchr(uri.data, '?', uri.size) : NULL;
	size_t stem = mark ? (size_t)(mark - uri.data) : uri.size;
	add_text(e, "cs-method", method);
	add_text(e, "cs-uri", uri);
	add_text(e, "c-uri", uri);
	add_text(e, "cs-uri-stem", slice_of(uri.data, stem));
	if (mark)
		add_text(e, "cs-uri-query", slice_from(uri, stem + 1));
	add_text(e, "cs-version", slice_from(request, (size_t)(last - request.data) + 1));
}

struct access {
	struct slice address, user, time, request, status, bytes, referer, agent;
};

static bool
scan_access(struct slice rest, struct access *a)
{
	struct slice ident;
	return scan_until(&rest, ' ', &a->address) && scan_until(&rest, ' ', &ident) && scan_until(&rest, '[', &a->user) &&
	       scan_until(&rest, ']', &a->time) && scan_literal(&rest, " \"") && scan_until(&rest, '"', &a->request) &&
	       scan_literal(&rest, " ") && scan_digits(&rest, 3, &a->status) && scan_literal(&rest, " ") &&
	       scan_digits(&rest, 20, &a->bytes) && scan_literal(&rest, " \"") && scan_until(&rest, '"', &a->referer) &&
	       scan_literal(&rest, " \"") && scan_until(&rest, '"', &a->agent);
}

void
intake_nginx(struct watch_event *e, struct slice line)
{
	struct access a = { 0 };
	watch_event_clear(e);
	e->source = (struct watch_source){ LITERAL("webserver"), LITERAL("nginx"), LITERAL("nginx") };
	watch_event_add(e, LITERAL("message"), line, WATCH_TEXT);
	if (!scan_access(line, &a)) {
		e->fault = "a line not of nginx's combined format";
		return;
	}
	if (a.user.size)
		a.user.size--;          /* the blank before the bracket */
	add_text(e, "c-ip", a.address);
	add_text(e, "cs-username", unescape(e, a.user));
	add_time(e, a.time);
	add_request(e, unescape(e, a.request));
	watch_event_add(e, LITERAL("sc-status"), a.status, WATCH_NUMBER);
	watch_event_add(e, LITERAL("sc-bytes"), a.bytes, WATCH_NUMBER);
	add_text(e, "cs-referer", unescape(e, a.referer));
	add_text(e, "cs-user-agent", unescape(e, a.agent));
	add_text(e, "c-useragent", unescape(e, a.agent));
}
