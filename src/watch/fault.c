#include "watch/fault.h"

#include <stdarg.h>
#include <stdio.h>

/* What stands in a message comes from the rule: control characters would reach a terminal. */
static void
make_printable(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7F)
			*text = '?';
}

err_t
fault_at(struct watch_fault *f, unsigned line, struct slice field, const char *format, ...)
{
	va_list arguments;
	if (f->text[0])
		return E_ARGUMENT;
	f->line = line;
	snprintf(f->field, sizeof f->field, "%.*s", SLICE_ARGUMENTS(field));
	va_start(arguments, format);
	vsnprintf(f->text, sizeof f->text, format, arguments);
	va_end(arguments);
	make_printable(f->field);
	make_printable(f->text);
	return E_ARGUMENT;
}
