#include "watch/modifier.h"

struct reading {
	struct modifiers *m;
	struct slice path;
	unsigned line;
	struct watch_fault *fault;
};

struct row {
	const char *name;
	err_t (*take)(struct reading *, const struct row *);
	int what;
};

static err_t
clash(struct reading *r, const struct row *row)
{
	return fault_at(r->fault, r->line, r->path, "expected no |%s with the modifiers before it", row->name);
}

static bool
set_type(struct reading *r, enum value_type type)
{
	if (r->m->type != TYPE_TEXT || r->m->count > 0)
		return false;
	r->m->type = type;
	return true;
}

/* Of an expression these say nothing new (it is searched for), but for the anchors; of a reference where it stands. */
static err_t
take_place(struct reading *r, const struct row *row)
{
	static const enum place places[] = { PLACE_INSIDE, PLACE_START, PLACE_END };
	struct modifiers *m = r->m;
	m->placed = true;
	if (m->type == TYPE_REFERENCE || m->type == TYPE_TEXT) {
		if (m->place != PLACE_WHOLE)
			return clash(r, row);
		m->place = places[row->what];
	}
	if (m->type == TYPE_TEXT)
		m->list[m->count++] = (enum modifier)row->what;
	return m->type == TYPE_TEXT || m->type == TYPE_REFERENCE ||
	       (m->type == TYPE_EXPRESSION && row->what == MODIFIER_CONTAINS) ? NULL : clash(r, row);
}

static err_t
take_change(struct reading *r, const struct row *row)
{
	if (r->m->type != TYPE_TEXT)
		return clash(r, row);
	r->m->list[r->m->count++] = (enum modifier)row->what;
	return NULL;
}

static err_t
take_type(struct reading *r, const struct row *row)
{
	struct modifiers *m = r->m;
	bool only_placed = row->what == TYPE_REFERENCE && m->count == (m->place != PLACE_WHOLE);
	if (only_placed)
		m->count = 0;           /* contains|fieldref is fieldref|contains */
	return set_type(r, (enum value_type)row->what) ? NULL : clash(r, row);
}

static err_t
take_option(struct reading *r, const struct row *row)
{
	if (r->m->type != TYPE_EXPRESSION)
		return fault_at(r->fault, r->line, r->path, "expected |re before |%s", row->name);
	r->m->options |= (uint32_t)row->what;
	return NULL;
}

static err_t
take_comparison(struct reading *r, const struct row *row)
{
	if (r->m->time_part == PART_OF_NO_TIME ? !set_type(r, TYPE_COMPARISON) : r->m->comparison != COMPARE_EQUAL)
		return clash(r, row);
	r->m->comparison = (enum comparison)row->what;
	return NULL;
}

static err_t
take_time(struct reading *r, const struct row *row)
{
	if (r->m->type == TYPE_COMPARISON && r->m->time_part == PART_OF_NO_TIME) {
		r->m->time_part = (enum time_part)row->what;
		return NULL;
	}
	if (!set_type(r, TYPE_COMPARISON))
		return clash(r, row);
	r->m->time_part = (enum time_part)row->what;
	return NULL;
}

static err_t
take_flag(struct reading *r, const struct row *row)
{
	bool *flags[] = { &r->m->all, &r->m->cased, &r->m->negated, &r->m->expand };
	*flags[row->what] = true;
	return NULL;
}

static const struct row rows[] = {
	{ "contains", take_place, MODIFIER_CONTAINS },
	{ "startswith", take_place, MODIFIER_STARTSWITH },
	{ "endswith", take_place, MODIFIER_ENDSWITH },
	{ "windash", take_change, MODIFIER_WINDASH },
	{ "base64", take_change, MODIFIER_BASE64 },
	{ "base64offset", take_change, MODIFIER_BASE64OFFSET },
	{ "utf16le", take_change, MODIFIER_UTF16LE },
	{ "wide", take_change, MODIFIER_UTF16LE },
	{ "utf16be", take_change, MODIFIER_UTF16BE },
	{ "utf16", take_change, MODIFIER_UTF16 },
	{ "re", take_type, TYPE_EXPRESSION },
	{ "i", take_option, PCRE2_CASELESS },
	{ "m", take_option, PCRE2_MULTILINE },
	{ "s", take_option, PCRE2_DOTALL },
	{ "cidr", take_type, TYPE_CIDR },
	{ "exists", take_type, TYPE_EXISTS },
	{ "fieldref", take_type, TYPE_REFERENCE },
	{ "lt", take_comparison, COMPARE_LESS },
	{ "lte", take_comparison, COMPARE_LESS_EQUAL },
	{ "gt", take_comparison, COMPARE_GREATER },
	{ "gte", take_comparison, COMPARE_GREATER_EQUAL },
	{ "minute", take_time, PART_MINUTE },
	{ "hour", take_time, PART_HOUR },
	{ "day", take_time, PART_DAY },
	{ "week", take_time, PART_WEEK },
	{ "month", take_time, PART_MONTH },
	{ "year", take_time, PART_YEAR },
	{ "all", take_flag, 0 },
	{ "cased", take_flag, 1 },
	{ "neq", take_flag, 2 },
	{ "expand", take_flag, 3 },
};

static err_t
take_modifier(struct reading *r, struct slice name)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (slice_is(name, rows[i].name))
			return rows[i].take(r, &rows[i]);
	return fault_at(r->fault, r->line, r->path, "expected a modifier of Sigma 2.1 in place of '%.*s'", SLICE_ARGUMENTS(name));
}

err_t
modifiers_parse(void *owner, struct slice text, struct slice path, unsigned line, struct modifiers *out,
                struct watch_fault *fault)
{
	struct reading r = { out, path, line, fault };
	(void)owner;
	for (size_t words = 0, size = 0;; words++, text = slice_from(text, size + 1)) {
		const uint8_t *bar = text.size ? memchr(text.data, '|', text.size) : NULL;
		size = bar ? (size_t)(bar - text.data) : text.size;
		if (words == MODIFIERS_MAX)
			return fault_at(fault, line, path, "expected at most %d modifiers", MODIFIERS_MAX);
		TRY(take_modifier(&r, slice_of(text.data, size)));
		if (!bar)
			return NULL;
	}
}
