/* `correlation`: what is counted, by what, in how long. */
#include "base/clock.h"
#include "base/memory.h"
#include "watch/rule.h"

struct section {
	struct rule *rule;
	const struct yaml *map;
	struct correlation *out;
	struct watch_fault *fault;
};

static err_t
refuse(struct section *s, const struct yaml *at, const char *field, const char *expected)
{
	struct slice path = slice_text(memory_format(s->rule, "correlation.%s", field));
	return fault_at(s->fault, at ? at->line : s->map->line, path, "expected %s", expected);
}

/* One text or a list of texts. */
static err_t
parse_names(struct section *s, const char *field, struct slice **out, size_t *count)
{
	const struct yaml *y = yaml_find(s->map, field);
	if (!y)
		return NULL;
	size_t n = y->kind == YAML_LIST ? y->count : 1;
	if (n > 256)
		return refuse(s, y, field, "at most 256 names");
	*out = NEW_ARRAY(s->rule, struct slice, n + 1);
	for (size_t i = 0; i < n; i++) {
		const struct yaml *name = y->kind == YAML_LIST ? y->values[i] : y;
		if (name->kind != YAML_SCALAR || name->text.size == 0)
			return refuse(s, name, field, "a name or a list of names");
		(*out)[i] = name->text;
	}
	*count = n;
	return NULL;
}

static err_t
parse_kind(struct section *s)
{
	static const char *const names[] = { "event_count", "value_count", "temporal", "temporal_ordered" };
	const struct yaml *y = yaml_find(s->map, "type");
	for (size_t i = 0; y && i < 4; i++)
		if (y->kind == YAML_SCALAR && slice_is(y->text, names[i])) {
			s->out->kind = (enum correlation_kind)i;
			return NULL;
		}
	return refuse(s, y, "type", "event_count, value_count, temporal or temporal_ordered");
}

/* "number + letter (in lowercase)": s, m, h, d. */
static err_t
parse_timespan(struct section *s)
{
	static const char units[] = "smhd";
	static const int64_t seconds[] = { 1, 60, 3600, 86400 };
	const struct yaml *y = yaml_find(s->map, "timespan");
	int64_t number = 0;
	if (!y || y->kind != YAML_SCALAR || y->text.size < 2 || y->text.size > 7)
		return refuse(s, y, "timespan", "a number and s, m, h or d");
	for (size_t i = 0; i + 1 < y->text.size; i++) {
		if (y->text.data[i] < '0' || y->text.data[i] > '9')
			return refuse(s, y, "timespan", "a number and s, m, h or d");
		number = number * 10 + (y->text.data[i] - '0');
	}
	const char *unit = strchr(units, y->text.data[y->text.size - 1]);
	if (!unit || *unit == '\0' || number == 0)
		return refuse(s, y, "timespan", "a number above 0 and s, m, h or d");
	s->out->timespan = SECONDS(number * seconds[unit - units]);
	return NULL;
}

static err_t
parse_limit(struct section *s, const struct yaml *key, const struct yaml *value)
{
	static const char *const names[] = { "eq", "lt", "lte", "gt", "gte" };
	struct correlation *c = s->out;
	long double number;
	for (size_t i = 0; i < 5; i++) {
		if (!slice_is(key->text, names[i]))
			continue;
		if (!yaml_is_number(value, &number) || number < 0 || number > 1e9L || c->limit_count == 4)
			return refuse(s, value, "condition", "a count");
		c->limits[c->limit_count++] = (struct limit){ (enum comparison)i, (uint64_t)number };
		return NULL;
	}
	return refuse(s, key, "condition", "gt, gte, lt, lte, eq or field");
}

static err_t
parse_condition(struct section *s)
{
	const struct yaml *y = yaml_find(s->map, "condition");
	bool counts = s->out->kind == EVENT_COUNT || s->out->kind == VALUE_COUNT;
	if (!y && !counts) {
		s->out->limits[s->out->limit_count++] = (struct limit){ COMPARE_GREATER_EQUAL, s->out->rule_count };
		return NULL;
	}
	if (!y || y->kind != YAML_MAP)
		return refuse(s, y, "condition", "a map such as gte: 10");
	for (size_t i = 0; i < y->count; i++) {
		const struct yaml *key = y->values[2 * i], *value = y->values[2 * i + 1];
		if (slice_is(key->text, "field") && value->kind == YAML_SCALAR)
			s->out->field = value->text;
		else
			TRY(parse_limit(s, key, value));
	}
	if (s->out->limit_count == 0)
		return refuse(s, y, "condition", "gt, gte, lt, lte or eq");
	if (s->out->kind == VALUE_COUNT && s->out->field.size == 0)
		return refuse(s, y, "condition.field", "the field whose values are counted");
	return NULL;
}

static err_t
parse_alias(struct section *s, const struct yaml *name, const struct yaml *map)
{
	struct correlation *c = s->out;
	if (map->kind != YAML_MAP)
		return refuse(s, map, "aliases", "rule: field under each alias");
	for (size_t i = 0; i < map->count; i++) {
		if (map->values[2 * i + 1]->kind != YAML_SCALAR || c->alias_count == 1024)
			return refuse(s, map, "aliases", "rule: field under each alias");
		c->aliases = memory_grow(s->rule, c->aliases, sizeof *c->aliases, c->alias_count + 1);
		c->aliases[c->alias_count++] =
		    (struct alias){ name->text, map->values[2 * i]->text, map->values[2 * i + 1]->text };
	}
	return NULL;
}

static err_t
parse_aliases(struct section *s)
{
	const struct yaml *y = yaml_find(s->map, "aliases");
	if (!y)
		return NULL;
	if (y->kind != YAML_MAP)
		return refuse(s, y, "aliases", "a map");
	for (size_t i = 0; i < y->count; i++)
		TRY(parse_alias(s, y->values[2 * i], y->values[2 * i + 1]));
	return NULL;
}

err_t
correlation_parse(struct rule *r, const struct yaml *map, struct watch_fault *fault)
{
	struct section s = { r, map, NEW(r, struct correlation), fault };
	if (map->kind != YAML_MAP)
		return refuse(&s, map, "type", "a map");
	TRY(parse_kind(&s));
	TRY(parse_names(&s, "rules", &s.out->rules, &s.out->rule_count));
	if (s.out->rule_count == 0)
		return refuse(&s, yaml_find(map, "rules"), "rules", "ids or names of rules");
	if (s.out->rule_count > 64 && s.out->kind >= TEMPORAL)
		return refuse(&s, yaml_find(map, "rules"), "rules", "at most 64 rules");
	TRY(parse_names(&s, "group-by", &s.out->group_by, &s.out->group_count));
	TRY(parse_timespan(&s));
	TRY(parse_condition(&s));
	TRY(parse_aliases(&s));
	const struct yaml *generate = yaml_find(map, "generate");
	if (generate && !yaml_is_boolean(generate, &s.out->generate))
		return refuse(&s, generate, "generate", "true or false");
	r->correlation = s.out;
	r->head.correlation = true;
	return NULL;
}
