/* RFC 5424: <PRI>1 TIME HOST APP PROCID MSGID [structured data] MESSAGE; RFC 3164: <PRI>Mmm dd hh:mm:ss HOST TAG[PID]:
 * MESSAGE, which programs write as they like, so that all but the message may be absent. */
#include "watch/event.h"
#include "watch/intake.h"
#include "watch/scan.h"

#include <stdio.h>
#include <stdlib.h>

static void
add_text(struct watch_event *e, const char *name, struct slice text)
{
	if (text.size && !slice_is(text, "-"))
		watch_event_add(e, slice_text(name), text, WATCH_TEXT);
}

static void
add_number(struct watch_event *e, const char *name, unsigned number)
{
	uint8_t *room = event_room(e, 12);
	if (room)
		watch_event_add(e, slice_text(name), slice_of(room, (size_t)snprintf((char *)room, 12, "%u", number)), WATCH_NUMBER);
}

static bool
scan_priority(struct slice *rest, unsigned *priority)
{
	struct slice at = *rest, digits;
	if (!scan_literal(&at, "<") || !scan_digits(&at, 3, &digits) || !scan_literal(&at, ">"))
		return false;
	*priority = 0;
	for (size_t i = 0; i < digits.size; i++)
		*priority = *priority * 10 + (unsigned)(digits.data[i] - '0');
	if (*priority > 191)
		return false;
	*rest = at;
	return true;
}

/* NAME="VALUE" inside of an element; in a value \" \\ \] are escaped, which only the end of the value needs to know. */
static bool
scan_parameter(struct slice *rest, struct slice *name, struct slice *value)
{
	size_t size = 0;
	if (!scan_until(rest, '=', name) || !scan_literal(rest, "\""))
		return false;
	while (size < rest->size && rest->data[size] != '"')
		size += rest->data[size] == '\\' ? 2 : 1;
	if (size >= rest->size)
		return false;
	*value = slice_of(rest->data, size);
	*rest = slice_from(*rest, size + 1);
	return true;
}

static void
add_parameter(struct watch_event *e, struct slice id, struct slice name, struct slice value)
{
	uint8_t *room = event_room(e, id.size + name.size + 1);
	if (!room || id.size + name.size == 0)
		return;
	memcpy(room, id.data, id.size);
	room[id.size] = '.';
	memcpy(room + id.size + 1, name.data, name.size);
	watch_event_add(e, slice_of(room, id.size + name.size + 1), value, WATCH_TEXT);
}

static bool
scan_data(struct watch_event *e, struct slice *rest)
{
	if (scan_literal(rest, "-"))
		return true;
	while (scan_literal(rest, "[")) {
		size_t size = 0;
		while (size < rest->size && rest->data[size] != ' ' && rest->data[size] != ']')
			size++;
		struct slice id = slice_of(rest->data, size), name, value;
		*rest = slice_from(*rest, size);
		while (scan_literal(rest, " ")) {
			if (!scan_parameter(rest, &name, &value))
				return false;
			add_parameter(e, id, name, value);
		}
		if (!scan_literal(rest, "]"))
			return false;
	}
	return true;
}

static const char *
read_5424(struct watch_event *e, struct slice rest, struct slice *program, struct slice *message)
{
	static const char *const names[] = { "timestamp", "host", "program", "pid", "msgid" };
	struct slice word;
	for (size_t i = 0; i < 5; i++) {
		if (!scan_until(&rest, ' ', &word))
			return "a header of syslog (RFC 5424) that ends early";
		add_text(e, names[i], word);
		if (i == 2)
			*program = word;
	}
	if (!scan_data(e, &rest))
		return "structured data of syslog (RFC 5424) without its end";
	scan_literal(&rest, " ");
	scan_literal(&rest, "\xEF\xBB\xBF");
	*message = rest;
	return NULL;
}

static bool
scan_time_3164(struct slice *rest, struct slice *time)
{
	struct slice s = *rest;
	if (s.size < 16 || s.data[3] != ' ' || s.data[6] != ' ' || s.data[9] != ':' || s.data[12] != ':' || s.data[15] != ' ')
		return false;
	*time = slice_of(s.data, 15);
	*rest = slice_from(s, 16);
	return true;
}

/* A tag is a word that ends in a colon or in a number in brackets. */
static void
read_3164(struct watch_event *e, struct slice rest, struct slice *program, struct slice *message)
{
	struct slice time, word, before;
	if (scan_time_3164(&rest, &time)) {
		add_text(e, "time_local", time);
		add_text(e, "host", scan_word(&rest, ' '));
	}
	before = rest;
	*message = rest;
	size_t size = 0;
	while (size < rest.size && size < 64 && rest.data[size] != ':' && rest.data[size] != '[' && rest.data[size] != ' ')
		size++;
	word = slice_of(rest.data, size);
	rest = slice_from(rest, size);
	struct slice pid = { NULL, 0 };
	if (scan_literal(&rest, "[") && !scan_until(&rest, ']', &pid))
		rest = before;
	if (!scan_literal(&rest, ":"))
		return;
	scan_literal(&rest, " ");
	add_text(e, "program", word);
	add_text(e, "pid", pid);
	*program = word;
	*message = rest;
}

void
intake_syslog(struct watch_event *e, struct slice line)
{
	unsigned priority;
	struct slice rest = line, program = { NULL, 0 }, message = line;
	watch_event_clear(e);
	e->source.product = LITERAL("linux");
	if (line.size > WATCH_EVENT_MAX) {
		e->fault = "an event of too many bytes";
	} else {
		if (scan_priority(&rest, &priority)) {
			add_number(e, "facility", priority / 8);
			add_number(e, "severity", priority % 8);
		}
		if (rest.size < line.size && scan_literal(&rest, "1 "))
			e->fault = read_5424(e, rest, &program, &message);
		else
			read_3164(e, rest, &program, &message);
	}
	if (!e->fault && message.size < line.size)
		watch_event_add(e, LITERAL("raw"), line, WATCH_TREE);   /* whole, but not searched twice */
	watch_event_add(e, LITERAL("message"), e->fault ? line : message, WATCH_TEXT);
	if (slice_is(program, "sshd") || slice_is(program, "sshd-session"))
		intake_sshd(e, message);
	else
		e->source.service = program;
}

/* ---- sshd ---- */

static void
add_peer(struct watch_event *e, struct slice rest)
{
	struct slice port;
	add_text(e, "src_ip", scan_word(&rest, ' '));
	if (scan_literal(&rest, "port ") && scan_digits(&rest, 5, &port))
		watch_event_add(e, LITERAL("src_port"), port, WATCH_NUMBER);
}

/* A user's name is what the peer sent, and may itself hold " from ": the last one counts. */
static bool
scan_user(struct slice *rest, struct slice *user)
{
	static const char from[] = " from ";
	for (size_t i = rest->size; i-- > 0;)
		if (slice_starts(slice_from(*rest, i), LITERAL(" from "))) {
			*user = slice_of(rest->data, i);
			*rest = slice_from(*rest, i + sizeof from - 1);
			return true;
		}
	return false;
}

void
intake_sshd(struct watch_event *e, struct slice message)
{
	struct slice rest = message, method, user;
	e->source = (struct watch_source){ LITERAL("authentication"), LITERAL("linux"), LITERAL("sshd") };
	bool failed = scan_literal(&rest, "Failed "), accepted = !failed && scan_literal(&rest, "Accepted ");
	if (failed || accepted) {
		if (!scan_until(&rest, ' ', &method) || !scan_literal(&rest, "for "))
			return;
		scan_literal(&rest, "invalid user ");
		add_text(e, "method", method);
	} else if (!scan_literal(&rest, "Invalid user ")) {
		return;
	}
	watch_event_add(e, LITERAL("event"), slice_text(failed ? "failed" : accepted ? "accepted" : "invalid"), WATCH_TEXT);
	if (!scan_user(&rest, &user))
		return;
	watch_event_add(e, LITERAL("User"), user, WATCH_TEXT);
	add_peer(e, rest);
}
