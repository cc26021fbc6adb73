/* memory.h - public: talloc trees. Who owns a thing is its parent; freeing the parent frees it.
 *
 * A tree belongs to one thread at a time; whole trees are handed over. Where the machine has no memory left the
 * process ends: nothing is revealed that is not recorded, and the next start recovers. Input is limited at the
 * doors, so that no input can bring that about.
 */
#pragma once
#include "base/slice.h"

#include <talloc.h>

#define NEW(owner, type) ((type *)memory_zeroed(owner, sizeof(type), 1, #type))
#define NEW_ARRAY(owner, type, count) ((type *)memory_zeroed(owner, sizeof(type), count, #type))

/* Frees on leaving the scope, unless TAKE took it. */
#define SCOPED __attribute__((cleanup(memory_free_scoped)))
#define TAKE(variable) ({ typeof(variable) taken_ = (variable); (variable) = NULL; taken_; })

void *memory_zeroed(const void *owner, size_t size, size_t count, const char *name);
void memory_free_scoped(void *variable);

/* Grows (or makes, where `old` is NULL) an array; the new part is not zeroed. */
void *memory_grow(const void *owner, void *old, size_t size, size_t count);

/* A copy with a final NUL that size does not count. */
struct slice memory_copy(const void *owner, struct slice);
char *memory_text(const void *owner, struct slice);
char *memory_format(const void *owner, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Bytes in locked pages, between guard pages, not in a core dump, wiped when freed. */
uint8_t *memory_secret(const void *owner, size_t size);

/* Wipes what must not stay behind. */
void memory_wipe(void *data, size_t size);
