#include "base/memory.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct secret {
	uint8_t *pages;
};

static _Noreturn void
out_of_memory(void)
{
	static const char says[] = "sekisho: out of memory\n";
	fwrite(says, 1, sizeof says - 1, stderr);
	_Exit(71);
}

/* Before main: locked pages and randomness are wanted from the first line on. */
__attribute__((constructor)) static void
start_sodium(void)
{
	if (sodium_init() < 0)
		_Exit(71);
}

static void *
need(void *p)
{
	if (!p)
		out_of_memory();
	return p;
}

void *
memory_zeroed(const void *owner, size_t size, size_t count, const char *name)
{
	size_t total;
	if (__builtin_mul_overflow(size, count, &total))
		out_of_memory();
	void *p = need(talloc_named_const(owner, total, name));
	memset(p, 0, total);
	return p;
}

void
memory_free_scoped(void *variable)
{
	void **p = variable;
	talloc_free(*p);
}

void *
memory_grow(const void *owner, void *old, size_t size, size_t count)
{
	size_t total;
	if (__builtin_mul_overflow(size, count, &total))
		out_of_memory();
	return need(_talloc_realloc(owner, old, total, "array"));
}

struct slice
memory_copy(const void *owner, struct slice s)
{
	uint8_t *p = need(talloc_size(owner, s.size + 1));
	if (s.size)
		memcpy(p, s.data, s.size);
	p[s.size] = 0;
	return slice_of(p, s.size);
}

char *
memory_text(const void *owner, struct slice s)
{
	return (char *)(uintptr_t)memory_copy(owner, s).data;
}

char *
memory_format(const void *owner, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	char *p = talloc_vasprintf(owner, format, arguments);
	va_end(arguments);
	return need(p);
}

static int
wipe_secret(struct secret *secret)
{
	sodium_free(secret->pages);
	return 0;
}

uint8_t *
memory_secret(const void *owner, size_t size)
{
	struct secret *secret = NEW(owner, struct secret);
	secret->pages = need(sodium_malloc(size));
	talloc_set_destructor(secret, wipe_secret);
	memset(secret->pages, 0, size);
	return secret->pages;
}

void
memory_wipe(void *data, size_t size)
{
	sodium_memzero(data, size);
}
