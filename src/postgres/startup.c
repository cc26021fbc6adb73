/* The first packet, which has no type: SSLRequest, GSSENCRequest, CancelRequest, StartupMessage. */
#include "postgres/wire.h"

#include "base/memory.h"
#include "base/text.h"

fallible
startup_size(struct slice input, size_t *size)
{
	struct reader r = reader_of(input);
	uint32_t length = read_be32(&r);
	*size = 0;
	if (r.failed)
		return NULL;
	if (length < 8 || length > STARTUP_MAX)
		return E_REQUEST;
	*size = length;
	return NULL;
}

static fallible
parse_cancel(struct reader *r, struct startup *s)
{
	s->pid = read_be32(r);
	s->key = read_bytes(r, r->rest.size);
	return r->failed || s->key.size < 4 || s->key.size > CANCEL_KEY_MAX ? E_REQUEST : NULL;
}

static fallible
take_parameter(struct startup *s, struct slice name, struct slice value)
{
	if (!text_is_utf8(name) || !text_is_utf8(value))
		return E_REQUEST;
	if (slice_is(name, "user"))
		s->user = value;
	else if (slice_is(name, "database"))
		s->database = value;
	else if (slice_is(name, "options"))
		s->options = value;
	else if (slice_starts(name, LITERAL("_pq_."))) {
		if (s->unknown_count == STARTUP_PARAMETERS)
			return E_REQUEST;
		s->unknown[s->unknown_count++] = name;
	} else {
		if (s->count == STARTUP_PARAMETERS)
			return E_REQUEST;
		s->parameters[s->count].name = name;
		s->parameters[s->count++].value = value;
	}
	return NULL;
}

static fallible
parse_parameters(struct reader *r, struct startup *s)
{
	for (;;) {
		struct slice name = read_text(r);
		if (r->failed)
			return E_REQUEST;
		if (name.size == 0)
			break;
		struct slice value = read_text(r);
		if (r->failed)
			return E_REQUEST;
		TRY(take_parameter(s, name, value));
	}
	return reader_end(r) ? NULL : E_REQUEST;
}

fallible
startup_parse(struct slice packet, struct startup *out)
{
	struct startup s = { 0 };
	struct reader r = reader_of(packet);
	if (read_be32(&r) != packet.size)
		return E_REQUEST;
	s.code = read_be32(&r);
	if (s.code == CODE_CANCEL)
		TRY(parse_cancel(&r, &s));
	else if (s.code != CODE_SSL && s.code != CODE_GSSENC && s.code >> 16 == 3)
		TRY(parse_parameters(&r, &s));
	if (r.failed)
		return E_REQUEST;
	*out = s;
	return NULL;
}

/* One word of `options`: up to a space that no backslash stands before. */
static struct slice
next_word(const void *owner, struct slice *rest)
{
	while (rest->size && (rest->data[0] == ' ' || (rest->data[0] >= '\t' && rest->data[0] <= '\r')))
		*rest = slice_from(*rest, 1);
	uint8_t *word = memory_zeroed(owner, 1, rest->size + 1, "word");
	size_t size = 0, at = 0;
	for (; at < rest->size; at++) {
		uint8_t c = rest->data[at];
		if (c == ' ' || (c >= '\t' && c <= '\r'))
			break;
		if (c == '\\' && at + 1 < rest->size)
			c = rest->data[++at];
		word[size++] = c;
	}
	*rest = slice_from(*rest, at);
	return slice_of(word, size);
}

static fallible
split_setting(struct slice word, err_t (*each)(void *, struct slice, struct slice), void *argument)
{
	const uint8_t *equals = word.size ? memchr(word.data, '=', word.size) : NULL;
	if (!equals || equals == word.data)
		return E_REQUEST;
	size_t at = (size_t)(equals - word.data);
	return each(argument, slice_of(word.data, at), slice_from(word, at + 1));
}

fallible
options_each(const void *owner, struct slice options, err_t (*each)(void *, struct slice name, struct slice value), void *argument)
{
	for (;;) {
		struct slice word = next_word(owner, &options);
		if (word.size == 0)
			return NULL;
		if (slice_is(word, "-c"))
			word = next_word(owner, &options);
		else if (slice_starts(word, LITERAL("-c")) || slice_starts(word, LITERAL("--")))
			word = slice_from(word, 2);
		else
			return E_REQUEST;
		TRY(split_setting(word, each, argument));
	}
}
