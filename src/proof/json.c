#include "proof/json.h"
#include "proof/utf8.h"

#include <string.h>

/* Where the reader is, and what is open around it. */
struct reader {
	struct proof_json *j;
	size_t at;
	uint32_t open[PROOF_JSON_DEPTH];
	size_t depth;
};

static bool
fail(struct reader *r, const char *fault)
{
	if (!r->j->fault)
		r->j->fault = fault;
	return false;
}

static int
peek(const struct reader *r)
{
	return r->at < r->j->size ? r->j->text[r->at] : -1;
}

static int
skip_space(struct reader *r)
{
	int c;
	while ((c = peek(r)) == ' ' || c == '\t' || c == '\n' || c == '\r')
		r->at++;
	return c;
}

static bool
add_node(struct reader *r, enum proof_json_type type, size_t begin, size_t size)
{
	struct proof_json *j = r->j;
	if (j->count >= j->capacity)
		return fail(r, "JSON with too many values");
	j->nodes[j->count] = (struct proof_json_node){ (uint32_t)begin, (uint32_t)size, (uint32_t)j->count + 1, type };
	j->count++;
	return true;
}

static bool
read_hex(struct reader *r, uint32_t *out)
{
	*out = 0;
	for (int i = 0; i < 4; i++, r->at++) {
		int c = peek(r), low = c | 0x20;
		if (c >= '0' && c <= '9')
			*out = *out << 4 | (uint32_t)(c - '0');
		else if (low >= 'a' && low <= 'f' && c > 0)
			*out = *out << 4 | (uint32_t)(low - 'a' + 10);
		else
			return fail(r, "JSON with a bad escape");
	}
	return true;
}

/* At most four bytes of UTF-8, never more than the escape was long. */
static size_t
put_utf8(uint8_t *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	size_t size = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const uint8_t first[] = { 0, 0, 0xC0, 0xE0, 0xF0 };
	for (size_t i = size - 1; i > 0; i--, c >>= 6)
		out[i] = (uint8_t)(0x80 | (c & 0x3F));
	out[0] = (uint8_t)(first[size] | c);
	return size;
}

static bool
read_unicode(struct reader *r, uint32_t *out)
{
	uint32_t high, low;
	if (!read_hex(r, &high))
		return false;
	*out = high;
	if (high < 0xD800 || high > 0xDFFF)
		return true;
	if (high > 0xDBFF || peek(r) != '\\')
		return fail(r, "JSON with half a surrogate");
	r->at++;
	if (peek(r) != 'u')
		return fail(r, "JSON with half a surrogate");
	r->at++;
	if (!read_hex(r, &low))
		return false;
	if (low < 0xDC00 || low > 0xDFFF)
		return fail(r, "JSON with half a surrogate");
	*out = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
	return true;
}

static bool
read_escape(struct reader *r, uint8_t *out, size_t *size)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	int c = peek(r);
	r->at++;
	if (c == 'u') {
		uint32_t value;
		if (!read_unicode(r, &value))
			return false;
		*size = put_utf8(out, value);
		return true;
	}
	const char *found = c > 0 ? strchr(from, c) : NULL;
	if (!found)
		return fail(r, "JSON with a bad escape");
	out[0] = (uint8_t)to[found - from];
	*size = 1;
	return true;
}

static bool
read_string(struct reader *r)
{
	uint8_t *text = r->j->text;
	size_t begin = ++r->at, end = begin;
	for (;;) {
		int c = peek(r);
		if (c < 0x20)
			return fail(r, c < 0 ? "JSON that ends too early" : "JSON with a control character in a text");
		r->at++;
		if (c == '"')
			break;
		uint8_t made[4] = { (uint8_t)c };
		size_t size = 1;
		if (c == '\\' && !read_escape(r, made, &size))
			return false;
		memcpy(text + end, made, size);
		end += size;
	}
	if (!proof_utf8_check((struct proof_bytes){ text + begin, end - begin }))
		return fail(r, "JSON that is not UTF-8");
	return add_node(r, PROOF_JSON_STRING, begin, end - begin);
}

static bool
read_number(struct reader *r)
{
	size_t begin = r->at;
	uint64_t value = 0;
	for (int c; (c = peek(r)) >= '0' && c <= '9'; r->at++) {
		value = value * 10 + (uint64_t)(c - '0');
		if (value >= UINT64_C(1) << 53)
			return fail(r, "JSON with an integer of 2^53 or more");
	}
	int after = peek(r);
	if (r->at == begin || after == '.' || after == 'e' || after == 'E')
		return fail(r, "JSON with something that is no value, or a number that is no integer from 0");
	if (r->at > begin + 1 && r->j->text[begin] == '0')
		return fail(r, "JSON with a leading zero");
	return add_node(r, PROOF_JSON_NUMBER, begin, r->at - begin);
}

static bool
read_word(struct reader *r)
{
	static const char *const words[] = { "null", "true", "false" };
	for (size_t i = 0; i < 3; i++) {
		size_t size = strlen(words[i]);
		if (r->j->size - r->at < size || memcmp(r->j->text + r->at, words[i], size) != 0)
			continue;
		r->at += size;
		return add_node(r, PROOF_JSON_WORD, r->at - size, size);
	}
	return read_number(r);
}

static bool
read_open(struct reader *r, enum proof_json_type type)
{
	if (r->depth == PROOF_JSON_DEPTH)
		return fail(r, "JSON nested too deep");
	r->open[r->depth++] = (uint32_t)r->j->count;
	r->at++;
	return add_node(r, type, r->at, 0);
}

static bool
read_value(struct reader *r)
{
	int c = skip_space(r);
	if (c == '{' || c == '[')
		return read_open(r, c == '{' ? PROOF_JSON_OBJECT : PROOF_JSON_ARRAY);
	return c == '"' ? read_string(r) : read_word(r);
}

static bool
in_object(const struct reader *r)
{
	return r->j->nodes[r->open[r->depth - 1]].type == PROOF_JSON_OBJECT;
}

/* A key and its colon, where the place asks for one. */
static bool
read_key(struct reader *r)
{
	if (!in_object(r))
		return true;
	if (skip_space(r) != '"' || !read_string(r))
		return fail(r, "JSON with a key that is not a text");
	if (skip_space(r) != ':')
		return fail(r, "JSON without a colon");
	r->at++;
	return true;
}

/* Closes all that ends here; false where another value follows, or a fault. */
static bool
close_all(struct reader *r, bool fresh)
{
	while (r->depth) {
		int c = skip_space(r);
		if (c == (in_object(r) ? '}' : ']')) {
			r->j->nodes[r->open[--r->depth]].next = (uint32_t)r->j->count;
			r->at++;
			fresh = false;
			continue;
		}
		if (!fresh && c != ',')
			return fail(r, c < 0 ? "JSON that ends too early" : "JSON without a comma");
		r->at += !fresh;
		return false;
	}
	return true;
}

bool
proof_json_parse(struct proof_json *j)
{
	struct reader r = { .j = j };
	j->count = 0;
	j->fault = NULL;
	while (read_value(&r)) {
		enum proof_json_type type = (enum proof_json_type)j->nodes[j->count - 1].type;
		bool opened = r.depth && r.open[r.depth - 1] == j->count - 1;
		if (close_all(&r, opened && type <= PROOF_JSON_ARRAY)) {
			skip_space(&r);
			return r.at == j->size || fail(&r, "JSON with something behind its end");
		}
		if (j->fault || !read_key(&r))
			break;
	}
	return false;
}

struct proof_bytes
proof_json_text(const struct proof_json *j, uint32_t node)
{
	return (struct proof_bytes){ j->text + j->nodes[node].begin, j->nodes[node].size };
}

uint64_t
proof_json_number(const struct proof_json *j, uint32_t node)
{
	struct proof_bytes text = proof_json_text(j, node);
	uint64_t value = 0;
	for (size_t i = 0; i < text.size; i++)
		value = value * 10 + (uint64_t)(text.data[i] - '0');
	return value;
}

bool
proof_json_is(const struct proof_json *j, uint32_t node, const char *text)
{
	struct proof_bytes is = proof_json_text(j, node);
	return j->nodes[node].type == PROOF_JSON_STRING && is.size == strlen(text) &&
	       memcmp(is.data, text, is.size) == 0;
}
