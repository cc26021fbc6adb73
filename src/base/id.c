#include "base/id.h"

#include "base/text.h"

#include <sodium.h>
#include <stdio.h>

struct id
id_new(const char *prefix)
{
	uint8_t random[16];
	char digits[27];
	struct id id;
	random_bytes(random, sizeof random);
	text_base32(slice_of(random, sizeof random), digits);
	snprintf(id.text, sizeof id.text, "%.4s%s", prefix, digits);
	return id;
}

struct id
id_of(struct slice s)
{
	struct id id = { "" };
	if (s.size < sizeof id.text && s.size)
		memcpy(id.text, s.data, s.size);
	return id;
}

void
random_bytes(void *out, size_t size)
{
	randombytes_buf(out, size);
}
