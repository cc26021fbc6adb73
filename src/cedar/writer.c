/* writer.c - text that grows, and faults with their position. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "cedar/text.h"

void
cedar_writer_init(struct cedar_writer *writer, const struct cedar_memory *memory)
{
	*writer = (struct cedar_writer){ .memory = cedar_memory_or_default(memory) };
}

void
cedar_writer_dispose(struct cedar_writer *writer)
{
	cedar_memory_give(&writer->memory, writer->data);
	writer->data = NULL;
	writer->size = writer->capacity = 0;
}

static bool
writer_reserve(struct cedar_writer *writer, size_t more)
{
	size_t capacity = writer->capacity ? writer->capacity : 256;
	char *data;

	if (writer->failed)
		return false;
	if (writer->capacity - writer->size > more)
		return true;
	while (capacity - writer->size <= more)
		capacity *= 2;
	data = cedar_memory_take(&writer->memory, capacity);
	if (data == NULL) {
		writer->failed = true;
		return false;
	}
	if (writer->size > 0)
		memcpy(data, writer->data, writer->size);
	cedar_memory_give(&writer->memory, writer->data);
	writer->data = data;
	writer->capacity = capacity;
	return true;
}

void
cedar_write_text(struct cedar_writer *writer, struct cedar_text text)
{
	if (text.size == 0 || !writer_reserve(writer, text.size))
		return;
	memcpy(writer->data + writer->size, text.data, text.size);
	writer->size += text.size;
	writer->data[writer->size] = '\0';
}

void
cedar_write(struct cedar_writer *writer, const char *string)
{
	cedar_write_text(writer, cedar_text_of(string));
}

void
cedar_write_byte(struct cedar_writer *writer, char byte)
{
	cedar_write_text(writer, (struct cedar_text){ &byte, 1 });
}

void
cedar_write_long(struct cedar_writer *writer, int64_t number)
{
	cedar_write_format(writer, "%" PRId64, number);
}

void
cedar_write_format(struct cedar_writer *writer, const char *format, ...)
{
	char buffer[256];
	va_list list;
	int size;

	va_start(list, format);
	size = vsnprintf(buffer, sizeof buffer, format, list);
	va_end(list);
	if (size < 0)
		return;
	if ((size_t)size >= sizeof buffer)
		size = (int)sizeof buffer - 1;
	cedar_write_text(writer, (struct cedar_text){ buffer, (size_t)size });
}

struct cedar_text
cedar_writer_text(const struct cedar_writer *writer)
{
	return (struct cedar_text){ writer->data ? writer->data : "", writer->size };
}

bool
cedar_fault_set(struct cedar_fault *fault, struct cedar_text source, size_t offset, const char *format, ...)
{
	va_list list;
	size_t i;

	if (fault == NULL)
		return false;
	if (offset > source.size)
		offset = source.size;
	*fault = (struct cedar_fault){ .offset = offset, .line = 1, .column = 1 };
	for (i = 0; i < offset; i++) {
		fault->column++;
		if (source.data[i] == '\n') {
			fault->line++;
			fault->column = 1;
		}
	}
	va_start(list, format);
	vsnprintf(fault->message, sizeof fault->message, format, list);
	va_end(list);
	return false;
}

void
cedar_fault_suggest(struct cedar_fault *fault, const char *format, ...)
{
	va_list list;

	if (fault == NULL)
		return;
	va_start(list, format);
	vsnprintf(fault->suggestion, sizeof fault->suggestion, format, list);
	va_end(list);
}
