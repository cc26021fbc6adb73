/* extension.c - the functions of the extension types, one row each. */
#include "cedar/extension.h"

#include <stdio.h>

const struct cedar_signature cedar_signatures[CEDAR_CALL_COUNT] = {
	[CEDAR_CALL_IP] = { "ip", false, 1, false, { CEDAR_STRING }, CEDAR_IP },
	[CEDAR_CALL_DECIMAL] = { "decimal", false, 1, false, { CEDAR_STRING }, CEDAR_DECIMAL },
	[CEDAR_CALL_DATETIME] = { "datetime", false, 1, false, { CEDAR_STRING }, CEDAR_DATETIME },
	[CEDAR_CALL_DURATION] = { "duration", false, 1, false, { CEDAR_STRING }, CEDAR_DURATION },
	[CEDAR_CALL_UNKNOWN] = { "unknown", false, 1, false, { CEDAR_STRING }, CEDAR_UNKNOWN },
	[CEDAR_CALL_IS_IPV4] = { "isIpv4", true, 1, false, { CEDAR_IP }, CEDAR_BOOL },
	[CEDAR_CALL_IS_IPV6] = { "isIpv6", true, 1, false, { CEDAR_IP }, CEDAR_BOOL },
	[CEDAR_CALL_IS_LOOPBACK] = { "isLoopback", true, 1, false, { CEDAR_IP }, CEDAR_BOOL },
	[CEDAR_CALL_IS_MULTICAST] = { "isMulticast", true, 1, false, { CEDAR_IP }, CEDAR_BOOL },
	[CEDAR_CALL_IS_IN_RANGE] = { "isInRange", true, 2, false, { CEDAR_IP, CEDAR_IP }, CEDAR_BOOL },
	[CEDAR_CALL_LESS_THAN] = { "lessThan", true, 2, false, { CEDAR_DECIMAL, CEDAR_DECIMAL }, CEDAR_BOOL },
	[CEDAR_CALL_LESS_THAN_OR_EQUAL] = { "lessThanOrEqual",
	                                    true,
	                                    2,
	                                    false,
	                                    { CEDAR_DECIMAL, CEDAR_DECIMAL },
	                                    CEDAR_BOOL },
	[CEDAR_CALL_GREATER_THAN] = { "greaterThan", true, 2, false, { CEDAR_DECIMAL, CEDAR_DECIMAL }, CEDAR_BOOL },
	[CEDAR_CALL_GREATER_THAN_OR_EQUAL] = { "greaterThanOrEqual",
	                                       true,
	                                       2,
	                                       false,
	                                       { CEDAR_DECIMAL, CEDAR_DECIMAL },
	                                       CEDAR_BOOL },
	[CEDAR_CALL_OFFSET] = { "offset", true, 2, false, { CEDAR_DATETIME, CEDAR_DURATION }, CEDAR_DATETIME },
	[CEDAR_CALL_DURATION_SINCE] = { "durationSince",
	                                true,
	                                2,
	                                false,
	                                { CEDAR_DATETIME, CEDAR_DATETIME },
	                                CEDAR_DURATION },
	[CEDAR_CALL_TO_DATE] = { "toDate", true, 1, false, { CEDAR_DATETIME }, CEDAR_DATETIME },
	[CEDAR_CALL_TO_TIME] = { "toTime", true, 1, false, { CEDAR_DATETIME }, CEDAR_DURATION },
	[CEDAR_CALL_TO_MILLISECONDS] = { "toMilliseconds", true, 1, false, { CEDAR_DURATION }, CEDAR_LONG },
	[CEDAR_CALL_TO_SECONDS] = { "toSeconds", true, 1, false, { CEDAR_DURATION }, CEDAR_LONG },
	[CEDAR_CALL_TO_MINUTES] = { "toMinutes", true, 1, false, { CEDAR_DURATION }, CEDAR_LONG },
	[CEDAR_CALL_TO_HOURS] = { "toHours", true, 1, false, { CEDAR_DURATION }, CEDAR_LONG },
	[CEDAR_CALL_TO_DAYS] = { "toDays", true, 1, false, { CEDAR_DURATION }, CEDAR_LONG },
};

enum cedar_function
cedar_function_find(struct cedar_text name)
{
	size_t i;

	for (i = 0; i < CEDAR_CALL_COUNT; i++)
		if (cedar_text_is(name, cedar_signatures[i].name))
			break;
	return (enum cedar_function)i;
}

static bool
construct(enum cedar_function function, struct cedar_text text, struct cedar_value *out, char *message, size_t size)
{
	const char *reason = "";
	bool parsed = false;

	if (function == CEDAR_CALL_IP)
		parsed = cedar_ip_parse(text, out, &reason);
	else if (function == CEDAR_CALL_DECIMAL)
		parsed = cedar_decimal_parse(text, out, &reason);
	else if (function == CEDAR_CALL_DATETIME)
		parsed = cedar_datetime_parse(text, out, &reason);
	else
		parsed = cedar_duration_parse(text, out, &reason);
	if (!parsed)
		snprintf(message, size, "%s(\"%.*s\"): the text %s", cedar_signatures[function].name,
		         text.size > 60 ? 60 : (int)text.size, text.data, reason);
	return parsed;
}

static bool
arguments_check(const struct cedar_signature *row, const struct cedar_value *arguments, size_t count, char *message,
                size_t size)
{
	static const char *const types[] = { "bool",   "long",    "string",   "entity",   "set",
		                             "record", "decimal", "datetime", "duration", "ipaddr" };
	size_t i;

	if (count != row->arguments) {
		snprintf(message, size, "%s takes %u argument(s), not %zu", row->name, (unsigned)row->arguments, count);
		return false;
	}
	for (i = 0; i < count; i++)
		if (arguments[i].kind != row->takes[i]) {
			snprintf(message, size, "%s: expected %s, got %s", row->name, types[row->takes[i]],
			         cedar_kind_name(&arguments[i]));
			return false;
		}
	return true;
}

static int64_t
remainder_of_day(int64_t milliseconds)
{
	int64_t rest = milliseconds % 86400000;

	return rest < 0 ? rest + 86400000 : rest;
}

/* What gives a number; false on overflow. */
static bool
number_call(enum cedar_function function, int64_t a, int64_t b, int64_t *out)
{
	static const int64_t divisors[] = { 1, 1000, 60000, 3600000, 86400000 };

	if (function == CEDAR_CALL_OFFSET)
		return !__builtin_add_overflow(a, b, out);
	if (function == CEDAR_CALL_DURATION_SINCE)
		return !__builtin_sub_overflow(a, b, out);
	if (function == CEDAR_CALL_TO_DATE)
		return !__builtin_sub_overflow(a, remainder_of_day(a), out);
	if (function == CEDAR_CALL_TO_TIME)
		*out = remainder_of_day(a);
	else
		*out = a / divisors[function - CEDAR_CALL_TO_MILLISECONDS];
	return true;
}

static bool
truth_call(enum cedar_function function, const struct cedar_value *a)
{
	const struct cedar_value *b = a + 1; /* looked at only by those that take two */

	switch ((int)function) {
	case CEDAR_CALL_IS_IPV4:
		return a->version == 4;
	case CEDAR_CALL_IS_IPV6:
		return a->version == 6;
	case CEDAR_CALL_IS_LOOPBACK:
		return cedar_ip_loopback(a);
	case CEDAR_CALL_IS_MULTICAST:
		return cedar_ip_multicast(a);
	case CEDAR_CALL_IS_IN_RANGE:
		return cedar_ip_inside(a, b);
	case CEDAR_CALL_LESS_THAN:
		return a->number < b->number;
	case CEDAR_CALL_LESS_THAN_OR_EQUAL:
		return a->number <= b->number;
	case CEDAR_CALL_GREATER_THAN:
		return a->number > b->number;
	default:
		return a->number >= b->number;
	}
}

/* What is unknown is known to be so; the reference looks at the first argument alone, once all are evaluated. */
static bool
unknown_call(const struct cedar_value *arguments, size_t count, struct cedar_value *out, char *message, size_t size)
{
	if (count == 0 || (arguments[0].kind != CEDAR_STRING && arguments[0].kind != CEDAR_UNKNOWN)) {
		snprintf(message, size, "unknown: expected one string, got %s",
		         count == 0 ? "none" : cedar_kind_name(&arguments[0]));
		return false;
	}
	*out = (struct cedar_value){ .kind = CEDAR_UNKNOWN };
	out->opaque = cedar_value_unknown(&arguments[0]) || (count > 1 && cedar_value_unknown(&arguments[1]));
	return true;
}

bool
cedar_function_call(enum cedar_function function, const struct cedar_value *arguments, size_t count,
                    struct cedar_value *out, char *message, size_t size)
{
	const struct cedar_signature *row = &cedar_signatures[function];
	int64_t number;

	if (function == CEDAR_CALL_UNKNOWN)
		return unknown_call(arguments, count, out, message, size);
	if (!arguments_check(row, arguments, count, message, size))
		return false;
	if (!row->method)
		return construct(function, arguments[0].text, out, message, size);
	if (row->gives == CEDAR_BOOL) {
		*out = (struct cedar_value){ .kind = CEDAR_BOOL, .truth = truth_call(function, arguments) };
		return true;
	}
	if (!number_call(function, arguments[0].number, count > 1 ? arguments[1].number : 0, &number)) {
		snprintf(message, size, "%s: the result is out of range", row->name);
		return false;
	}
	*out = (struct cedar_value){ .kind = row->gives, .number = number };
	return true;
}
