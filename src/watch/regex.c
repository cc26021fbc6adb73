#include "base/memory.h"
#include "watch/rule.h"

static int
free_regex(void **held)
{
	pcre2_code_free(*held);
	return 0;
}

err_t
regex_compile(struct rule *r, struct atom *atom, struct slice field, struct watch_fault *fault)
{
	int code;
	size_t offset;
	PCRE2_UCHAR message[120] = "";
	struct slice e = atom->expression;
	if (atom->cased == false && e.size > 8192)
		return fault_at(fault, atom->line, field, "expected an expression of at most 8192 bytes");
	atom->regex = pcre2_compile(e.data ? e.data : (PCRE2_SPTR) "", e.size,
	                            atom->options | PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C, &code, &offset, NULL);
	if (!atom->regex) {
		pcre2_get_error_message(code, message, sizeof message);
		return fault_at(fault, atom->line, field, "expected a regular expression: at %zu, %s", offset, (const char *)message);
	}
	pcre2_jit_compile(atom->regex, PCRE2_JIT_COMPLETE);     /* where it cannot, it is interpreted */
	atom->held = regex_literal(r, e, atom->options);
	void **held = NEW(r, void *);
	*held = atom->regex;
	talloc_set_destructor(held, free_regex);
	return NULL;
}

struct run {
	uint8_t text[256];
	size_t size;
};

static void
keep_longer(struct run *best, struct run *now)
{
	if (now->size > best->size)
		*best = *now;
	now->size = 0;
}

/* Skips a class from behind its bracket; returns where it ends. */
static size_t
skip_class(struct slice e, size_t at)
{
	if (at < e.size && e.data[at] == '^')
		at++;
	if (at < e.size && e.data[at] == ']')
		at++;
	while (at < e.size && e.data[at] != ']') {
		if (e.data[at] == '\\') {
			at += 2;
		} else if (e.data[at] == '[' && at + 1 < e.size && e.data[at + 1] == ':') {
			const uint8_t *end = memmem(e.data + at + 2, e.size - at - 2, ":]", 2);
			at = end ? (size_t)(end - e.data) + 2 : at + 1;
		} else {
			at++;
		}
	}
	return at;
}

/* Past a quantifier, if one stands there: what stood before it may then be absent or repeated. */
static size_t
skip_quantifier(struct slice e, size_t at)
{
	size_t end = at;
	if (end < e.size && strchr("*+?", e.data[end]) && e.data[end] != '\0')
		end++;
	else if (end < e.size && e.data[end] == '{')
		while (end < e.size && e.data[end++] != '}')
			;
	if (end > at)
		while (end < e.size && (e.data[end] == '+' || e.data[end] == '?'))
			end++;
	return end;
}

/* One character that stands for itself, or 0. Letters behind a backslash mean something else. */
static uint8_t
literal_at(struct slice e, size_t at, size_t *size)
{
	uint8_t c = e.data[at];
	*size = 1;
	if (c == '\\') {
		*size = 2;
		uint8_t next = at + 1 < e.size ? e.data[at + 1] : 0;
		return next > ' ' && next < 0x7F && !strchr("0123456789", next) && !((next | 32) >= 'a' && (next | 32) <= 'z') ? next : 0;
	}
	return c < 0x80 && c >= ' ' && !strchr(".^$|()[]{}*+?#", c) ? c : 0;
}

static size_t
skip_group(struct slice e, size_t at)
{
	size_t depth = 0, size;
	for (; at < e.size; at += size) {
		size = 1;
		if (e.data[at] == '\\')
			size = 2;
		else if (e.data[at] == '[')
			size = skip_class(e, at + 1) - at + 1;
		else if (e.data[at] == '(')
			depth++;
		else if (e.data[at] == ')' && --depth == 0)
			return at + 1;
	}
	return e.size;
}

/* Only expressions without anything exotic: \Q, comments and switches in the middle give no literal. */
static bool
is_simple(struct slice e)
{
	for (size_t i = 0; i + 1 < e.size; i++) {
		if (e.data[i] == '\\') {
			if (e.data[++i] == 'Q' || e.data[i] == 'E' || e.data[i] == 'K' || e.data[i] == 'x' || e.data[i] == 'c' ||
			    e.data[i] == 'N' || e.data[i] == 'o' || e.data[i] == 'p' || e.data[i] == 'P' || e.data[i] == 'g' || e.data[i] == 'k')
				return false;
		} else if (e.data[i] == '(' && (e.data[i + 1] == '*' ||
		                               (e.data[i + 1] == '?' && i + 2 < e.size && e.data[i + 2] != ':'))) {
			return false;
		}
	}
	return true;
}

static struct slice
folded_copy(void *owner, const struct run *run)
{
	uint8_t *text = memory_zeroed(owner, 1, run->size + 1, "literal");
	return slice_of(text, fold_text(slice_of(run->text, run->size), text));
}

/* Runs of plain characters outside of groups, classes and alternatives. With PCRE2_CASELESS, too: what is searched is
 * folded, but k and s also stand for two letters beyond ASCII, which fold to them. */
struct slice
regex_literal(void *owner, struct slice e, uint32_t options)
{
	struct run best = { .size = 0 }, now = { .size = 0 };
	(void)options;
	if (slice_starts(e, LITERAL("(?i)")))
		e = slice_from(e, 4);
	if (!is_simple(e))
		return LITERAL("");
	for (size_t at = 0, size; at < e.size; at += size) {
		uint8_t c = e.data[at];
		uint8_t plain = literal_at(e, at, &size);
		if (c == '|')
			return LITERAL("");
		if (c == '(')
			size = skip_group(e, at) - at;
		else if (c == '[')
			size = skip_class(e, at + 1) - at + 1;
		size_t end = skip_quantifier(e, at + size);
		if (plain && end == at + size && now.size < sizeof now.text)
			now.text[now.size++] = plain;
		else
			keep_longer(&best, &now);
		size = end - at;
	}
	keep_longer(&best, &now);
	return folded_copy(owner, &best);
}
