/* `field|modifier|modifier: value(s)`: one item of a detection. */
#include "base/memory.h"
#include "watch/modifier.h"

#include <math.h>
#include <stdio.h>

struct item {
	struct rule *rule;
	struct watch_fault *fault;
	struct slice path;              /* for messages: detection.selection.Image|re */
	struct modifiers modifiers;
	struct atom atom;               /* what the item's atoms have in common */
};

static err_t
refuse(struct item *it, const struct yaml *at, const char *expected)
{
	return fault_at(it->fault, at->line, it->path, "expected %s", expected);
}

static err_t
add_pattern(struct item *it, struct pattern *p, uint32_t *node)
{
	struct atom atom = it->atom;
	atom.kind = ATOM_PATTERN;
	if (atom.field.size == 0 && !it->modifiers.placed)
		pattern_surround(it->rule, p, true, true);      /* a keyword stands anywhere in a value */
	if (!atom.cased)
		pattern_fold(it->rule, p);
	atom.pattern = *p;
	return rule_add_atom(it->rule, &atom, node, it->fault);
}

static err_t
add_patterns(struct item *it, struct pattern *list, size_t count, uint32_t *node)
{
	uint32_t *nodes = NEW_ARRAY(it->rule, uint32_t, count);
	for (size_t i = 0; i < count; i++)
		TRY(add_pattern(it, &list[i], &nodes[i]));
	return rule_add_node(it->rule, NODE_OR, nodes, count, node, it->fault);
}

static err_t
offsets(struct item *it, const struct yaml *at, struct pattern **list, size_t *count)
{
	struct pattern *wide = NEW_ARRAY(it->rule, struct pattern, *count * 3);
	if (*count * 3 > RULE_VARIANTS_MAX)
		return refuse(it, at, "fewer encodings of one value");
	for (size_t i = 0; i < *count; i++)
		if (!encode_base64_offsets(it->rule, &(*list)[i], &wide[3 * i]))
			return refuse(it, at, "a text without wildcards, of at least 3 bytes, to encode");
	*list = wide;
	*count *= 3;
	return NULL;
}

static err_t
transform(struct item *it, enum modifier m, const struct yaml *at, struct pattern *p)
{
	struct rule *r = it->rule;
	switch (m) {
	case MODIFIER_CONTAINS:
		pattern_surround(r, p, true, true);
		return NULL;
	case MODIFIER_STARTSWITH:
		pattern_surround(r, p, false, true);
		return NULL;
	case MODIFIER_ENDSWITH:
		pattern_surround(r, p, true, false);
		return NULL;
	case MODIFIER_WINDASH:
		pattern_windash(r, p);
		return NULL;
	case MODIFIER_BASE64:
		return encode_base64(r, p) ? NULL : refuse(it, at, "a text without wildcards to encode");
	case MODIFIER_UTF16LE:
	case MODIFIER_UTF16BE:
	case MODIFIER_UTF16:
		return encode_wide(r, p, m == MODIFIER_UTF16BE, m == MODIFIER_UTF16)
		           ? NULL : refuse(it, at, "a text without `?` and dashes of windash to encode");
	case MODIFIER_BASE64OFFSET:     /* makes three of one: offsets() */
	default:
		return NULL;
	}
}

static err_t
parse_text(struct item *it, const struct yaml *value, uint32_t *node)
{
	size_t count = 1;
	struct pattern *list = NEW_ARRAY(it->rule, struct pattern, 1);
	list[0] = pattern_parse(it->rule, value->text);
	for (size_t m = 0; m < it->modifiers.count; m++) {
		if (it->modifiers.list[m] == MODIFIER_BASE64OFFSET) {
			TRY(offsets(it, value, &list, &count));
			continue;
		}
		for (size_t i = 0; i < count; i++)
			TRY(transform(it, it->modifiers.list[m], value, &list[i]));
	}
	return add_patterns(it, list, count, node);
}

static err_t
parse_number(struct item *it, const struct yaml *value, long double number, uint32_t *node)
{
	char text[NUMBER_TEXT];
	size_t size = number_text(value->text, text);
	struct pattern list[2];
	list[0] = pattern_of_text(it->rule, value->text);
	if (size == 0 && number >= 0 && number < 1e18L) {       /* hexadecimal: both as written and by value */
		list[1] = pattern_of_text(it->rule, slice_of(text, (size_t)snprintf(text, sizeof text, "%.0Lf", number)));
		return add_patterns(it, list, 2, node);
	}
	list[0] = pattern_of_text(it->rule, slice_of(text, size));
	return add_patterns(it, list, 1, node);
}

static err_t
parse_expression(struct item *it, const struct yaml *value, uint32_t *node)
{
	struct atom atom = it->atom;
	atom.kind = ATOM_REGEX;
	atom.options = it->modifiers.options;
	atom.expression = value->text;
	TRY(regex_compile(it->rule, &atom, it->path, it->fault));
	return rule_add_atom(it->rule, &atom, node, it->fault);
}

static err_t
parse_cidr(struct item *it, const struct yaml *value, uint32_t *node)
{
	struct atom atom = it->atom;
	atom.kind = ATOM_CIDR;
	if (!network_parse(value->text, &atom.network))
		return refuse(it, value, "a network as 10.0.0.0/8 or fe80::/10");
	return rule_add_atom(it->rule, &atom, node, it->fault);
}

static err_t
parse_exists(struct item *it, const struct yaml *value, uint32_t *node)
{
	struct atom atom = it->atom;
	atom.kind = ATOM_EXISTS;
	if (atom.field.size == 0)
		return refuse(it, value, "a field before |exists");
	if (!yaml_is_boolean(value, &atom.wanted))
		return refuse(it, value, "true or false");
	return rule_add_atom(it->rule, &atom, node, it->fault);
}

static err_t
parse_comparison(struct item *it, const struct yaml *value, uint32_t *node)
{
	struct atom atom = it->atom;
	struct yaml bare = *value;
	bare.plain = true;              /* '5' and 5 */
	atom.kind = ATOM_COMPARE;
	if (!yaml_is_number(&bare, &atom.number) || !isfinite(atom.number))
		return refuse(it, value, "a number");
	return rule_add_atom(it->rule, &atom, node, it->fault);
}

static err_t
parse_reference(struct item *it, const struct yaml *value, uint32_t *node)
{
	struct atom atom = it->atom;
	atom.kind = ATOM_FIELD;
	atom.other = value->text;
	atom.place = it->modifiers.place;
	if (atom.field.size == 0 || atom.other.size == 0)
		return refuse(it, value, "the name of a field, on both sides");
	return rule_add_atom(it->rule, &atom, node, it->fault);
}

static err_t
parse_null(struct item *it, const struct yaml *value, uint32_t *node)
{
	struct atom atom = it->atom;
	atom.kind = ATOM_NULL;
	if (atom.field.size == 0 || it->modifiers.count > 0)
		return refuse(it, value, "a text: null asks for a field that is absent, without modifiers");
	return rule_add_atom(it->rule, &atom, node, it->fault);
}

static bool
has_placeholder(struct slice text)
{
	bool open = false;
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] == '\\')
			i++;
		else if (text.data[i] == '%' && open)
			return true;
		else
			open = open || text.data[i] == '%';
	}
	return false;
}

static err_t
parse_value(struct item *it, const struct yaml *value, uint32_t *node)
{
	long double number;
	bool truth;
	const struct modifiers *m = &it->modifiers;
	if (value->kind != YAML_SCALAR)
		return refuse(it, value, "a text, a number, true, false or null");
	if (m->expand && has_placeholder(value->text))
		return fault_at(it->fault, value->line, it->path, "expected no placeholder: nothing says what '%.*s' stands for",
		                SLICE_ARGUMENTS(value->text));
	if (m->type == TYPE_EXISTS)
		return parse_exists(it, value, node);
	if (yaml_is_null(value))
		return parse_null(it, value, node);
	switch (m->type) {
	case TYPE_EXPRESSION:
		return parse_expression(it, value, node);
	case TYPE_CIDR:
		return parse_cidr(it, value, node);
	case TYPE_COMPARISON:
		return parse_comparison(it, value, node);
	case TYPE_REFERENCE:
		return parse_reference(it, value, node);
	case TYPE_EXISTS:
	case TYPE_TEXT:
	default:
		break;
	}
	if (m->count == 0 && yaml_is_number(value, &number))
		return parse_number(it, value, number, node);
	if (m->count == 0 && yaml_is_boolean(value, &truth)) {
		struct pattern p = pattern_of_text(it->rule, slice_text(truth ? "true" : "false"));
		return add_pattern(it, &p, node);
	}
	return parse_text(it, value, node);
}

/* "The field is different from the specified values": so it has to be there. */
static err_t
negate(struct item *it, uint32_t *node)
{
	struct atom there = { .kind = ATOM_EXISTS, .wanted = true, .field = it->atom.field, .line = it->atom.line };
	uint32_t both[2];
	if (it->atom.field.size == 0)
		return fault_at(it->fault, it->atom.line, it->path, "expected a field before |neq");
	TRY(rule_add_atom(it->rule, &there, &both[0], it->fault));
	TRY(rule_add_node(it->rule, NODE_NOT, node, 1, &both[1], it->fault));
	return rule_add_node(it->rule, NODE_AND, both, 2, node, it->fault);
}

static err_t
parse_values(struct item *it, const struct yaml *value, uint32_t *node)
{
	size_t count = value->kind == YAML_LIST ? value->count : 1;
	uint32_t *nodes = NEW_ARRAY(it->rule, uint32_t, count);
	if (count == 0)
		return refuse(it, value, "at least one value");
	for (size_t i = 0; i < count; i++)
		TRY(parse_value(it, value->kind == YAML_LIST ? value->values[i] : value, &nodes[i]));
	TRY(rule_add_node(it->rule, it->modifiers.all ? NODE_AND : NODE_OR, nodes, count, node, it->fault));
	return it->modifiers.negated ? negate(it, node) : NULL;
}

err_t
item_parse(struct rule *r, struct slice path, const struct yaml *key, const struct yaml *value, uint32_t *node,
           struct watch_fault *fault)
{
	struct item it = { .rule = r, .fault = fault };
	struct slice name = key ? key->text : LITERAL("");
	it.path = slice_text(memory_format(r, "%.*s%s%.*s", SLICE_ARGUMENTS(path), name.size ? "." : "", SLICE_ARGUMENTS(name)));
	const uint8_t *bar = name.size ? memchr(name.data, '|', name.size) : NULL;
	size_t size = bar ? (size_t)(bar - name.data) : name.size;
	it.atom.field = slice_of(name.data, size);
	it.atom.line = key ? key->line : value->line;
	if (bar)
		TRY(modifiers_parse(r, slice_from(name, size + 1), it.path, it.atom.line, &it.modifiers, fault));
	it.atom.cased = it.modifiers.cased;
	it.atom.comparison = it.modifiers.comparison;
	it.atom.time_part = it.modifiers.time_part;
	return parse_values(&it, value, node);
}
