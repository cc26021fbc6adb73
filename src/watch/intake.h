/* intake.h - public: a line of a log as an event, its fields named as Sigma's rules name them.
 *
 * Pure functions: nothing is opened, kept or logged. A line that is not of its format is one value, `message`, with its
 * fault; it never fails. The line must outlive the event's use.
 */
#pragma once
#include "watch/watch.h"

struct watch_format {
	const char *name;               /* of `source add --format` */
	void (*read)(struct watch_event *, struct slice line);
};

/* syslog (RFC 5424, else RFC 3164; sshd's lines are read further), nginx (its combined format), postgresql (jsonlog),
 * suricata (EVE), windows (EventLog as JSON), json. NULL if there is no such format. */
const struct watch_format *watch_format_find(const char *name);
/* The index-th, or NULL behind the last. */
const struct watch_format *watch_format_at(size_t index);

void intake_syslog(struct watch_event *, struct slice line);
/* Of the message of a program called sshd: adds event, User, src_ip, src_port, method. */
void intake_sshd(struct watch_event *, struct slice message);
void intake_nginx(struct watch_event *, struct slice line);
void intake_postgresql(struct watch_event *, struct slice line);
void intake_suricata(struct watch_event *, struct slice line);
void intake_windows(struct watch_event *, struct slice line);
