/* condition.c - "least to most binding: or, and, not, x of search-identifier, ( expression )". */
#include "base/memory.h"
#include "watch/rule.h"

#include <strings.h>

enum token { TOKEN_END, TOKEN_OPEN, TOKEN_CLOSE, TOKEN_AND, TOKEN_OR, TOKEN_NOT, TOKEN_OF_ONE, TOKEN_OF_ALL, TOKEN_NAME };

enum { STACK_MAX = 256 };

struct condition {
	struct rule *rule;
	struct watch_fault *fault;
	const struct yaml *at, *detection;
	const uint32_t *nodes;
	struct slice rest, word;
	enum token operators[STACK_MAX];
	uint32_t operands[STACK_MAX];
	size_t operator_count, operand_count;
	bool wants_operand;
};

static err_t
refuse(struct condition *c, const char *expected)
{
	return fault_at(c->fault, c->at->line, LITERAL("detection.condition"), "expected %s at '%.*s'", expected,
	                SLICE_ARGUMENTS(c->word));
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool
word_is(struct slice word, const char *text)
{
	return word.size == strlen(text) && (word.size == 0 || strncasecmp((const char *)word.data, text, word.size) == 0);
}

static struct slice
next_word(struct condition *c)
{
	size_t i = 0;
	while (c->rest.size && is_blank(c->rest.data[0]))
		c->rest = slice_from(c->rest, 1);
	while (i < c->rest.size && !is_blank(c->rest.data[i]) && c->rest.data[i] != '(' && c->rest.data[i] != ')')
		i++;
	if (i == 0 && c->rest.size)
		i = 1;
	struct slice word = slice_of(c->rest.data, i);
	c->rest = slice_from(c->rest, i);
	return word;
}

/* "1 of" and "all of" take two words; anything else of that form is a name. */
static bool
take_of(struct condition *c)
{
	struct slice before = c->rest;
	if (word_is(next_word(c), "of"))
		return true;
	c->rest = before;
	return false;
}

static enum token
next_token(struct condition *c)
{
	static const struct {
		const char *text;
		enum token token;
	} words[] = { { "", TOKEN_END }, { "(", TOKEN_OPEN }, { ")", TOKEN_CLOSE }, { "and", TOKEN_AND }, { "or", TOKEN_OR },
		      { "not", TOKEN_NOT } };
	c->word = next_word(c);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (word_is(c->word, words[i].text))
			return words[i].token;
	if ((word_is(c->word, "1") || word_is(c->word, "any")) && take_of(c))
		return TOKEN_OF_ONE;
	return word_is(c->word, "all") && take_of(c) ? TOKEN_OF_ALL : TOKEN_NAME;
}

static bool
is_search(const struct condition *c, size_t i)
{
	struct slice name = c->detection->values[2 * i]->text;
	return !slice_is(name, "condition") && !slice_is(name, "timeframe");
}

static err_t
push_operand(struct condition *c, uint32_t node)
{
	if (c->operand_count == STACK_MAX)
		return refuse(c, "a shorter condition");
	c->operands[c->operand_count++] = node;
	c->wants_operand = false;
	return NULL;
}

static err_t
take_name(struct condition *c)
{
	for (size_t i = 0; i < c->detection->count; i++)
		if (is_search(c, i) && slice_equal(c->detection->values[2 * i]->text, c->word))
			return push_operand(c, c->nodes[i]);
	if (memchr(c->word.data, '|', c->word.size))
		return refuse(c, "no `|`: counting is a correlation's, since Sigma 2.0");
	return refuse(c, "the name of a search");
}

static err_t
take_of_names(struct condition *c, bool all)
{
	c->word = next_word(c);
	bool them = word_is(c->word, "them");
	struct pattern pattern = pattern_parse(c->rule, c->word);
	uint32_t *found = NEW_ARRAY(c->rule, uint32_t, c->detection->count), node;
	size_t count = 0;
	bool hidden = c->word.size && c->word.data[0] == '_';
	for (size_t i = 0; i < c->detection->count; i++) {
		struct slice name = c->detection->values[2 * i]->text;
		if (!is_search(c, i) || (name.size && name.data[0] == '_' && !hidden))
			continue;
		if (them || pattern_matches(&pattern, name))
			found[count++] = c->nodes[i];
	}
	if (count == 0)
		return refuse(c, "`them`, or a pattern that some search's name matches");
	TRY(rule_add_node(c->rule, all ? NODE_AND : NODE_OR, found, count, &node, c->fault));
	return push_operand(c, node);
}

/* Joins to the operand at the left where that is of the same kind, so that long chains stay flat. */
static err_t
join(struct condition *c, enum node_kind kind)
{
	uint32_t left = c->operands[c->operand_count - 2], right = c->operands[c->operand_count - 1], node;
	const struct node *l = &c->rule->nodes[left];
	size_t count = l->kind == kind ? l->count : 1;
	uint32_t *all = NEW_ARRAY(c->rule, uint32_t, count + 1);
	for (size_t i = 0; i < count; i++)
		all[i] = l->kind == kind ? c->rule->links[l->first + i] : left;
	all[count] = right;
	c->operand_count--;
	TRY(rule_add_node(c->rule, kind, all, count + 1, &node, c->fault));
	c->operands[c->operand_count - 1] = node;
	return NULL;
}

static err_t
reduce(struct condition *c)
{
	enum token operator = c->operators[--c->operator_count];
	uint32_t node;
	if (operator != TOKEN_NOT)
		return join(c, operator == TOKEN_AND ? NODE_AND : NODE_OR);
	TRY(rule_add_node(c->rule, NODE_NOT, &c->operands[c->operand_count - 1], 1, &node, c->fault));
	c->operands[c->operand_count - 1] = node;
	return NULL;
}

static int
binding(enum token t)
{
	return t == TOKEN_OR ? 1 : t == TOKEN_AND ? 2 : t == TOKEN_NOT ? 3 : 0;
}

static err_t
push_operator(struct condition *c, enum token t)
{
	if (c->operator_count == STACK_MAX)
		return refuse(c, "a shorter condition");
	c->operators[c->operator_count++] = t;
	c->wants_operand = true;
	return NULL;
}

static err_t
take_binary(struct condition *c, enum token t)
{
	if (c->wants_operand)
		return refuse(c, "a search");
	while (c->operator_count && binding(c->operators[c->operator_count - 1]) >= binding(t))
		TRY(reduce(c));
	return push_operator(c, t);
}

static err_t
take_close(struct condition *c)
{
	if (c->wants_operand)
		return refuse(c, "a search");
	while (c->operator_count && c->operators[c->operator_count - 1] != TOKEN_OPEN)
		TRY(reduce(c));
	if (c->operator_count == 0)
		return refuse(c, "no `)` without its `(`");
	c->operator_count--;
	return NULL;
}

static err_t
take_token(struct condition *c, enum token t)
{
	if (t == TOKEN_AND || t == TOKEN_OR)
		return take_binary(c, t);
	if (t == TOKEN_CLOSE)
		return take_close(c);
	if (!c->wants_operand)
		return t == TOKEN_NAME && memchr(c->word.data, '|', c->word.size) ? take_name(c) : refuse(c, "`and`, `or` or `)`");
	if (t == TOKEN_OPEN || t == TOKEN_NOT)
		return push_operator(c, t);
	return t == TOKEN_NAME ? take_name(c) : take_of_names(c, t == TOKEN_OF_ALL);
}

err_t
condition_parse(struct rule *r, const struct yaml *text, const struct yaml *detection, const uint32_t *nodes,
                uint32_t *node, struct watch_fault *fault)
{
	struct condition c = { .rule = r, .fault = fault, .at = text, .detection = detection, .nodes = nodes,
		               .rest = text->text, .wants_operand = true };
	if (text->kind != YAML_SCALAR)
		return fault_at(fault, text->line, LITERAL("detection.condition"), "expected a text");
	for (enum token t; (t = next_token(&c)) != TOKEN_END;)
		TRY(take_token(&c, t));
	if (c.wants_operand)
		return refuse(&c, "a search");
	while (c.operator_count) {
		if (c.operators[c.operator_count - 1] == TOKEN_OPEN)
			return refuse(&c, "`)`");
		TRY(reduce(&c));
	}
	*node = c.operands[0];
	return NULL;
}
