/* extension.h - private. The extension types ip, decimal, datetime, duration and their functions. */
#pragma once
#include "cedar/value.h"

enum cedar_function {
	CEDAR_CALL_IP,
	CEDAR_CALL_DECIMAL,
	CEDAR_CALL_DATETIME,
	CEDAR_CALL_DURATION,
	CEDAR_CALL_UNKNOWN,
	CEDAR_CALL_IS_IPV4,
	CEDAR_CALL_IS_IPV6,
	CEDAR_CALL_IS_LOOPBACK,
	CEDAR_CALL_IS_MULTICAST,
	CEDAR_CALL_IS_IN_RANGE,
	CEDAR_CALL_LESS_THAN,
	CEDAR_CALL_LESS_THAN_OR_EQUAL,
	CEDAR_CALL_GREATER_THAN,
	CEDAR_CALL_GREATER_THAN_OR_EQUAL,
	CEDAR_CALL_OFFSET,
	CEDAR_CALL_DURATION_SINCE,
	CEDAR_CALL_TO_DATE,
	CEDAR_CALL_TO_TIME,
	CEDAR_CALL_TO_MILLISECONDS,
	CEDAR_CALL_TO_SECONDS,
	CEDAR_CALL_TO_MINUTES,
	CEDAR_CALL_TO_HOURS,
	CEDAR_CALL_TO_DAYS,
	CEDAR_CALL_COUNT
};

/* One row for each function; kinds are enum cedar_kind. */
struct cedar_signature {
	const char *name;
	bool method;
	uint8_t arguments; /* the receiver counts */
	bool more;         /* the last may come again */
	uint8_t takes[2];
	uint8_t gives;
};

extern const struct cedar_signature cedar_signatures[CEDAR_CALL_COUNT];

/* CEDAR_CALL_COUNT if there is none of that name. */
enum cedar_function cedar_function_find(struct cedar_text name);
/* Each parses the text of one value; on failure answers false and points to a constant reason. */
CEDAR_CHECKED bool cedar_ip_parse(struct cedar_text, struct cedar_value *out, const char **reason);
CEDAR_CHECKED bool cedar_decimal_parse(struct cedar_text, struct cedar_value *out, const char **reason);
CEDAR_CHECKED bool cedar_datetime_parse(struct cedar_text, struct cedar_value *out, const char **reason);
CEDAR_CHECKED bool cedar_duration_parse(struct cedar_text, struct cedar_value *out, const char **reason);
bool cedar_ip_loopback(const struct cedar_value *);
bool cedar_ip_multicast(const struct cedar_value *);
bool cedar_ip_inside(const struct cedar_value *, const struct cedar_value *network);
/* Calls; the message is formatted into `message` (size bytes) on failure. */
CEDAR_CHECKED bool cedar_function_call(enum cedar_function, const struct cedar_value *arguments, size_t count,
                                       struct cedar_value *out, char *message, size_t size);
